/** `profile-tampering`: charging limits out of reason, changed all the time, ignored, or set to starve. */
import { MINUTE_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import type { Capture } from "../sim/capture.ts";
import { meterReading } from "../sim/inspect.ts";
import { exchange, isUp, moment, truthOf, type Attack, type Attacks } from "./attack.ts";
import { charging, joint, opportunities } from "./joint.ts";
import { limitOrder, obeying } from "./limits.ts";
import { meterW } from "./registers.ts";
import { withPower } from "./reshape.ts";
import { graded, gradedCount, percent } from "./strength.ts";
import { running, withLines, type Running } from "./wire.ts";

const MINUTE_BEFORE = 5;
const timesHighest = graded(2, 8, 100);

/** Three phases of 230 V. */
const W_OF_A = 690;

/** The most that this station ever drew, or was allowed to. */
function highestW({ meter, ocpp }: Capture): number {
  const drawnW = meter.reduce((most, timed, i) => (i % 7 === 0 ? Math.max(most, meterReading(timed).powerW) : most), 0);
  return ocpp.reduce((most, { line }) => {
    if (!line.includes("SetChargingProfile")) return most;
    const times = line.includes('"chargingRateUnit":"A"') ? W_OF_A : 1;
    return Math.max(most, ...[...line.matchAll(/"limit":(\d+)/g)].map(([, limit]) => times * Number(limit)));
  }, drawnW);
}

const outOfRange: Attack = (before, chance, strength, window) => {
  const from = moment(before, chance, MINUTE_MS, window);
  const limitW = Math.round(timesHighest(strength) * highestW(before));
  const { message, reply } = limitOrder(before.ocppVersion, { evseId: 0, limitW, id: 8_001 });
  const lines = exchange(before, chance, from, "csms", message, reply);
  const truth = truthOf("profile-tampering", "limit-out-of-range", before, { from, to: lines.at(-1)?.at ?? from });
  return { capture: withLines(before, lines), truth: [truth] };
};

interface Place {
  readonly at: WallMs;
  readonly with: Running;
}

const thrashes = gradedCount(6, 30, 120);
const THRASH_S = 5;

/** A running transaction's limit is another one every few seconds; the station obeys. */
const thrash: Attack = (before, chance, strength, window) => {
  const count = thrashes(strength);
  const lengthMs = count * THRASH_S * SECOND_MS;
  const [place] = opportunities(before, chance, 1, lengthMs, window, (during) => charging(before, during)[0]);
  const { at: from, with: { evseId } } = place as Place;
  const fullW = meterW(before, evseId, from);
  const steps = Array.from({ length: count }, (_, i) => ({
    at: Math.round(from + (i + chance.uniform(0, 0.8)) * THRASH_S * SECOND_MS) as WallMs,
    limitW: Math.round(fullW * chance.uniform(0.1, 1.5)),
  }));
  const lines = steps.flatMap(({ at, limitW }, i) => {
    const { message, reply } = limitOrder(before.ocppVersion, { evseId, limitW, id: 8_100 + i });
    return exchange(before, chance, at, "csms", message, reply);
  });
  const during = { from, to: (from + lengthMs) as WallMs };
  const shaped = withPower(before, { evseId, during, shape: obeying(steps), flows: true, reported: true });
  return { capture: withLines(shaped, lines), truth: [truthOf("profile-tampering", "limit-thrash", before, during)] };
};

const ignoredShare = graded(0.7, 0.4, 0.15, 1);
const IGNORED_MS = 10 * MINUTE_MS;

/** The order is accepted, and the current is what it was. */
const ignored: Attack = (before, chance, strength, window) => {
  const [place] = opportunities(before, chance, 1, IGNORED_MS, window, (during) => charging(before, during)[0]);
  const { at: from, with: { evseId } } = place as Place;
  const limitW = Math.round(ignoredShare(strength) * meterW(before, evseId, from));
  const { message, reply } = limitOrder(before.ocppVersion, { evseId, limitW, id: 8_300 });
  const lines = exchange(before, chance, from, "csms", message, reply);
  const during = { from, to: (from + IGNORED_MS) as WallMs };
  return { capture: withLines(before, lines), truth: [truthOf("profile-tampering", "limit-ignored", before, during)] };
};

const starved = gradedCount(1, 3, 6);

/** Limits of nothing: whoever has plugged in gets no current until leaving. */
const starve: Attack = (before, chance, strength, window) => {
  const seen = new Set<string | number>();
  const places = opportunities(before, chance, starved(strength), MINUTE_BEFORE * MINUTE_MS, window, (during) => {
    const target = charging(before, during).find(({ id }) => !seen.has(id));
    if (target !== undefined) seen.add(target.id);
    return target;
  });
  let after = before;
  const truth = places.map(({ at: from, with: { evseId, to } }, i) => {
    const { message, reply } = limitOrder(before.ocppVersion, { evseId, limitW: 0, id: 8_400 + i });
    const shape = obeying([{ at: (from + 500) as WallMs, limitW: 0 }]);
    after = withPower(after, { evseId, during: { from, to }, shape, flows: true, reported: true });
    after = withLines(after, exchange(before, chance, from, "csms", message, reply));
    return truthOf("profile-tampering", "starve", before, { from, to });
  });
  return { capture: after, truth };
};

const rolledShare = graded(0.3, 0.6, 1);
const ROLLED_W = 1_400;
const ROLLED_MS = 30 * MINUTE_MS;

/** The limit of the whole station; shared out here to the first that charges, as nearly all that charge are alone. */
function underLimit(capture: Capture, at: WallMs): Capture {
  const during = { from: at, to: (at + ROLLED_MS) as WallMs };
  const soon = { from: at, to: (at + SECOND_MS) as WallMs };
  return running(capture, soon).reduce((after, { evseId }) =>
    withPower(after, { evseId, during, shape: (_at, powerW) => Math.min(powerW, ROLLED_W), flows: true,
      reported: true }), capture);
}

export const HOSTILE_LIMITS: Attacks = {
  "limit-out-of-range": {
    threat: "profile-tampering", scope: "station", make: outOfRange,
    does: "a limit for the whole station that no fuse would hold",
    amount: (strength) => `${Math.round(timesHighest(strength))} times the highest power drawn or allowed here`,
  },
  "limit-thrash": {
    threat: "profile-tampering", scope: "station", make: thrash,
    does: `another limit every ${THRASH_S} s during a transaction, obeyed`,
    amount: (strength) => `${thrashes(strength)} orders`,
  },
  "limit-ignored": {
    threat: "profile-tampering", scope: "station", make: ignored,
    does: "the station accepts a limit and charges on with full power",
    amount: (strength) => `a limit of ${percent(ignoredShare(strength))} of the power, for ten minutes`,
  },
  starve: {
    threat: "profile-tampering", scope: "station", make: starve,
    does: "a limit of 0 W in the midst of a transaction, obeyed until its end",
    amount: (strength) => `${starved(strength)} transactions, where so many run`,
  },
  "rolled-limit": {
    threat: "profile-tampering", scope: "zone",
    does: `the same limit of ${ROLLED_W} W for the whole station at many within ten minutes, for half an hour`,
    amount: (strength) => `${percent(rolledShare(strength))} of the stations`,
    make: joint((strength) => ({
      threat: "profile-tampering", name: "rolled-limit", share: rolledShare(strength), spreadMs: 10 * MINUTE_MS,
      lengthMs: ROLLED_MS, able: isUp,
      act: (capture, chance, at) => {
        const { message, reply } = limitOrder(capture.ocppVersion, { evseId: 0, limitW: ROLLED_W, id: 8_500 });
        return { capture: withLines(underLimit(capture, at), exchange(capture, chance, at, "csms", message, reply)) };
      },
    })),
  },
};
