/** `session-spoofing`: transactions that nobody charges in, stops by strangers, numbers that are taken. */
import { MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import type { Capture, TimedLine } from "../sim/capture.ts";
import type { Transaction } from "../sim/dialect.ts";
import { dialectOf } from "../sim/dialects.ts";
import type { Dice } from "../sim/dice.ts";
import { exchange, isUp, moments, truthOf, type Attack, type Attacks, type Span, type Window } from "./attack.ts";
import { charging, idleEvse, joint, opportunities } from "./joint.ts";
import { gradedCount, graded, percent } from "./strength.ts";
import { asTransaction, restingSample, running, withLines, type Running } from "./wire.ts";

/** A start and a stop, and nothing that belongs between: no card, no plug, no current, a register that rests. */
function ghost(capture: Capture, chance: Dice, evseId: number, { from, to }: Span): TimedLine[] {
  const dialect = dialectOf(capture.ocppVersion);
  const tx: Transaction = { evseId, token: chance.hex(8), uuid: chance.uuid(), seqNo: 0,
    numericId: 6_000_000 + chance.int(1e6) };
  const begin = restingSample(capture, evseId, from, "Transaction.Begin");
  const end = { ...begin, stamp: rfc3339(to), context: "Transaction.End" as const };
  return [
    ...exchange(capture, chance, from, "station", dialect.started(tx, begin, false),
      dialect.startedReply(tx, "Accepted")),
    ...exchange(capture, chance, to, "station", dialect.ended(tx, end, "Local", false), dialect.endedReply(tx)),
  ];
}

const ghosts = gradedCount(1, 4, 12);

const ghostSessions: Attack = (before, chance, strength, window) => {
  const lengthMs = 20 * MINUTE_MS;
  const places = opportunities(before, chance, ghosts(strength), lengthMs, window,
    (during) => idleEvse(before, during));
  const spans = places.map(({ at, with: evseId }) =>
    ({ evseId, from: at, to: Math.round(at + chance.uniform(5, 20) * MINUTE_MS) as WallMs }));
  const lines = spans.flatMap(({ evseId, ...during }) => ghost(before, chance, evseId, during));
  return { capture: withLines(before, lines),
    truth: spans.map((during) => truthOf("session-spoofing", "ghost-sessions", before, during)) };
};

/** Transactions that charge for ten minutes more, each once. */
function victims(capture: Capture, chance: Dice, count: number, window?: Window): { at: WallMs; target: Running }[] {
  const seen = new Set<string | number>();
  return opportunities(capture, chance, count, 6 * MINUTE_MS, window, (during) => {
    const target = charging(capture, during).find(({ id }) => !seen.has(id));
    if (target !== undefined) seen.add(target.id);
    return target;
  }).map(({ at, with: target }) => ({ at, target }));
}

const stops = gradedCount(1, 2, 5);

/** The vehicle charges on, the station goes on reporting, and the bill is closed. */
const foreignStop: Attack = (before, chance, strength, window) => {
  const dialect = dialectOf(before.ocppVersion);
  const targets = victims(before, chance, stops(strength), window);
  const lines = targets.flatMap(({ at, target }) => {
    const tx = { ...asTransaction(before, target, at), token: chance.hex(8) };
    const sample = restingSample(before, target.evseId, at, "Transaction.End");
    return exchange(before, chance, at, "station", dialect.ended(tx, sample, "Local", false), dialect.endedReply(tx));
  });
  return { capture: withLines(before, lines), truth: targets.map(({ at, target: { to } }) =>
    truthOf("session-spoofing", "foreign-stop", before, { from: at, to })) };
};

const collisions = gradedCount(1, 3, 8);

/** Starts of strangers under the number of a transaction that runs, two minutes apart. */
const idCollision: Attack = (before, chance, strength, window) => {
  const dialect = dialectOf(before.ocppVersion);
  const count = collisions(strength);
  const lengthMs = 2 * MINUTE_MS;
  for (const at of moments(before, chance, lengthMs, window)) {
    const during = { from: at, to: (at + lengthMs) as WallMs };
    const [target] = isUp(before, during) ? running(before, during) : [];
    if (target === undefined) continue;
    const tx = { ...asTransaction(before, target, at), token: chance.hex(8), seqNo: 0 };
    const lines = Array.from({ length: count }, (_, i) => {
      const when = Math.round(at + (i * 110 * SECOND_MS) / count) as WallMs;
      const sample = restingSample(before, target.evseId, when, "Transaction.Begin");
      const message = dialect.started({ ...tx, token: chance.hex(8) }, sample, false);
      return exchange(before, chance, when, "station", message, dialect.startedReply(tx, "Accepted"));
    }).flat();
    return { capture: withLines(before, lines), truth: [truthOf("session-spoofing", "id-collision", before, during)] };
  }
  throw new Error("no transaction runs for two minutes with the link up");
};

const copiedShare = graded(0.3, 0.6, 1);
const COPY_MS = 10 * MINUTE_MS;

export const SPOOFED_SESSIONS: Attacks = {
  "ghost-sessions": {
    threat: "session-spoofing", scope: "station", make: ghostSessions,
    does: "a start and a stop without card, plug or current",
    amount: (strength) => `${ghosts(strength)} transactions of 5 to 20 min, where there is room`,
  },
  "foreign-stop": {
    threat: "session-spoofing", scope: "station", make: foreignStop,
    does: "another's card ends a transaction whose vehicle charges on",
    amount: (strength) => `${stops(strength)} transactions, where so many run`,
  },
  "id-collision": {
    threat: "session-spoofing", scope: "station", make: idCollision,
    does: "starts under the number of a transaction that runs",
    amount: (strength) => `${collisions(strength)} within two minutes`,
  },
  "copied-sessions": {
    threat: "session-spoofing", scope: "zone",
    does: "the same ten minutes without current at many stations within half an hour",
    amount: (strength) => `${percent(copiedShare(strength))} of the stations`,
    make: joint((strength) => ({
      threat: "session-spoofing", name: "copied-sessions", share: copiedShare(strength), spreadMs: 30 * MINUTE_MS,
      lengthMs: COPY_MS + SECOND_MS, able: (capture, during) => idleEvse(capture, during) !== undefined,
      act: (capture, chance, at) => {
        const during = { from: at, to: (at + COPY_MS) as WallMs };
        const evseId = idleEvse(capture, during) ?? 1;
        return { capture: withLines(capture, ghost(capture, chance, evseId, during)) };
      },
    })),
  },
};
