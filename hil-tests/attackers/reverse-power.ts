/** `reverse-power`: energy leaves vehicles for the grid, and nobody asked for it. */
import { MINUTE_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import type { Capture } from "../sim/capture.ts";
import { truthOf, type Attack, type Attacks, type Span } from "./attack.ts";
import { charging, idleEvse, joint, opportunities } from "./joint.ts";
import { withPower } from "./reshape.ts";
import { graded, percent } from "./strength.ts";
import type { Running } from "./wire.ts";

const idleW = graded(1_500, 5_000, 11_000);
const sessionW = graded(1_000, 3_000, 10_000);
const EXPORT_MS = 30 * MINUTE_MS;
const IN_SESSION_MS = 8 * MINUTE_MS;

function exporting(capture: Capture, evseId: number, during: Span, powerW: number): Capture {
  return withPower(capture, { evseId, during, shape: () => -powerW, flows: true, reported: false });
}

/** A vehicle is plugged in and discharges; no transaction is told. */
const exportIdle: Attack = (before, chance, strength, window) => {
  const [place] = opportunities(before, chance, 1, EXPORT_MS, window, (during) => idleEvse(before, during));
  const { at: from, with: evseId } = place as { at: WallMs; with: number };
  const during = { from, to: (from + EXPORT_MS) as WallMs };
  return { capture: exporting(before, evseId, during, idleW(strength)),
    truth: [truthOf("reverse-power", "export-idle", before, during)] };
};

/** In a charging transaction; the station goes on telling of import. */
const exportInTransaction: Attack = (before, chance, strength, window) => {
  const [place] = opportunities(before, chance, 1, IN_SESSION_MS, window, (span) => charging(before, span)[0]);
  const { at: from, with: { evseId } } = place as { at: WallMs; with: Running };
  const during = { from, to: (from + IN_SESSION_MS) as WallMs };
  return { capture: exporting(before, evseId, during, sessionW(strength)),
    truth: [truthOf("reverse-power", "export-in-transaction", before, during)] };
};

const share = graded(0.3, 0.6, 1);
const ALIGNED_W = 3_000;
const ALIGNED_MS = 20 * MINUTE_MS;

export const REVERSE_POWER: Attacks = {
  "export-idle": {
    threat: "reverse-power", scope: "station", make: exportIdle,
    does: "half an hour of export without a transaction",
    amount: (strength) => `${Math.round(idleW(strength)) / 1000} kW`,
  },
  "export-in-transaction": {
    threat: "reverse-power", scope: "station", make: exportInTransaction,
    does: `${IN_SESSION_MS / MINUTE_MS} min of export in a transaction that tells of import`,
    amount: (strength) => `${Math.round(sessionW(strength)) / 1000} kW`,
  },
  "aligned-export": {
    threat: "reverse-power", scope: "zone",
    does: `export of ${ALIGNED_W / 1000} kW each, begun within 10 s, for ${ALIGNED_MS / MINUTE_MS} min`,
    amount: (strength) => `${percent(share(strength))} of the stations`,
    make: joint((strength) => ({
      threat: "reverse-power", name: "aligned-export", share: share(strength), spreadMs: 10 * SECOND_MS,
      lengthMs: ALIGNED_MS, able: (capture, during) => idleEvse(capture, during) !== undefined,
      act: (capture, _chance, at) => {
        const during = { from: at, to: (at + ALIGNED_MS) as WallMs };
        return { capture: exporting(capture, idleEvse(capture, during) ?? 1, during, ALIGNED_W) };
      },
    })),
  },
};
