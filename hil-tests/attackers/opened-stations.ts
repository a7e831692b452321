/** `physical-tampering`: somebody with tools at the station. */
import { HOUR_MS, MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import type { Capture, TimedLine } from "../sim/capture.ts";
import { securityEvent } from "../sim/dialect.ts";
import { dialectOf } from "../sim/dialects.ts";
import type { Dice } from "../sim/dice.ts";
import { exchange, moment, truthOf, type Attack, type Attacks } from "./attack.ts";
import { charging, joint, opportunities } from "./joint.ts";
import { graded, gradedCount, percent } from "./strength.ts";
import { cutShort, restarted, withLines, type Running } from "./wire.ts";

function tamperEvent(capture: Capture, chance: Dice, at: WallMs): TimedLine[] {
  return exchange(capture, chance, at, "station", securityEvent("TamperDetectionActivated", rfc3339(at)), {});
}

const opened = gradedCount(1, 2, 5);

/** The door contact tells; from 0.5 the power switch inside is used as well. */
const openedEnclosure: Attack = (before, chance, strength, window) => {
  const count = opened(strength);
  const everyMs = 4 * MINUTE_MS;
  const from = moment(before, chance, (count + 1) * everyMs, window);
  const lines = Array.from({ length: count }, (_, i) =>
    tamperEvent(before, chance, (from + i * everyMs) as WallMs)).flat();
  const after = withLines(before, lines);
  const to = (from + count * everyMs) as WallMs;
  const offAt = (from + MINUTE_MS) as WallMs;
  return {
    capture: strength < 0.5 ? after : restarted(after, chance, { at: offAt, reason: "PowerUp", darkS: 100 }),
    truth: [truthOf("physical-tampering", "opened-enclosure", before, { from, to })],
  };
};

const blindMin = graded(10, 60, 24 * 60);

/** The meter's line is cut while current flows. */
const meterCut: Attack = (before, chance, strength, window) => {
  const [place] = opportunities(before, chance, 1, 5 * MINUTE_MS, window, (during) => charging(before, during)[0]);
  const from = (place as { at: WallMs }).at;
  const to = Math.min(from + Math.round(blindMin(strength)) * MINUTE_MS, before.meter.at(-1)?.at ?? from) as WallMs;
  const meter = before.meter.filter(({ at }) => at < from || at > to);
  return { capture: { ...before, meter }, truth: [truthOf("physical-tampering", "meter-cut", before, { from, to })] };
};

/** The cable of a vehicle that charges is cut through: current and transaction end, the connector is faulted. */
const cutCable: Attack = (before, chance, strength, window) => {
  const [place] = opportunities(before, chance, 1, 5 * MINUTE_MS, window, (during) => charging(before, during)[0]);
  const { at: from, with: target } = place as { at: WallMs; with: Running };
  const cut = cutShort(before, chance, target, from, "EVDisconnected");
  const at = (from + SECOND_MS) as WallMs;
  const { action, payload } = dialectOf(before.ocppVersion).status(target.evseId, "Unavailable", rfc3339(at));
  const faulted = before.ocppVersion === "1.6" ? { ...payload, status: "Faulted", errorCode: "GroundFailure" }
    : { ...payload, connectorStatus: "Faulted" };
  const lines = exchange(before, chance, at, "station", { action, payload: faulted }, {});
  if (strength >= 0.5) lines.push(...tamperEvent(before, chance, (from + 3 * SECOND_MS) as WallMs));
  const to = (from + 10 * SECOND_MS) as WallMs;
  return { capture: withLines(cut, lines),
    truth: [truthOf("physical-tampering", "cut-cable", before, { from, to })] };
};

const togetherShare = graded(0.3, 0.6, 1);

export const OPENED_STATIONS: Attacks = {
  "opened-enclosure": {
    threat: "physical-tampering", scope: "station", make: openedEnclosure,
    does: "the enclosure is opened",
    amount: (strength) => `${opened(strength)} tamper events${strength < 0.5 ? "" : " and a power cycle"}`,
  },
  "meter-cut": {
    threat: "physical-tampering", scope: "station", make: meterCut,
    does: "the agent's meter falls silent while current flows",
    amount: (strength) => `for ${Math.round(10 * blindMin(strength) * (MINUTE_MS / HOUR_MS)) / 10} h`,
  },
  "cut-cable": {
    threat: "physical-tampering", scope: "station", make: cutCable,
    does: "the cable of a vehicle that charges is cut through",
    amount: (strength) => (strength < 0.5 ? "the connector is faulted" : "and the station feels it: a tamper event"),
  },
  "opened-together": {
    threat: "physical-tampering", scope: "zone",
    does: "enclosures of a zone are opened within a quarter of an hour",
    amount: (strength) => `${percent(togetherShare(strength))} of the stations`,
    make: joint((strength) => ({
      threat: "physical-tampering", name: "opened-together", share: togetherShare(strength),
      spreadMs: 15 * MINUTE_MS, lengthMs: MINUTE_MS,
      act: (capture, chance, at) => ({ capture: withLines(capture, tamperEvent(capture, chance, at)) }),
    })),
  },
};
