/**
 * What an attack on a capture is: honest lines in, lines with the attack and the truth about it out. Attackers know
 * OCPP and the station; they share nothing with the detectors.
 */
import type { Threat } from "../../models/terms.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import { callLine, resultLine, type Capture, type Message, type TimedLine } from "../sim/capture.ts";
import type { Dice } from "../sim/dice.ts";
import { billedTransactions, transactionsOf, type Billed } from "../sim/inspect.ts";

export interface AttackTruth {
  readonly threat: Threat;
  readonly attack: string;
  readonly station: string;
  readonly from: WallMs;
  /** When the last trace of it passed by. */
  readonly to: WallMs;
}

export interface Attacked {
  readonly capture: Capture;
  readonly truth: readonly AttackTruth[];
}

/** Where in a capture an attack may come. */
export interface Window extends Span {
  /** At the first opportunity, and not at a random one. */
  readonly soon: boolean;
}

/**
 * `strength` is above 0, up to 1; each attack says what it means. Without a window the attack comes at random in the
 * last quarter, and the capture must hold at least a week, so that there is a quiet past before. Throws Error when
 * there is no opportunity (no idle hour, no transaction).
 */
export type Attack = (capture: Capture, chance: Dice, strength: number, window?: Window) => Attacked;

export interface JointlyAttacked {
  readonly captures: readonly Capture[];
  readonly truth: readonly AttackTruth[];
}

/** An attack on several stations at once. */
export type JointAttack =
  (captures: readonly Capture[], chance: Dice, strength: number, window?: Window) => JointlyAttacked;

interface Described {
  readonly threat: Threat;
  /** What is done, in one line. */
  readonly does: string;
  /** What a strength means here, in numbers. */
  readonly amount: (strength: number) => string;
}

/** An attack that one station suffers; others may suffer the same on their own. */
export interface StationAttack extends Described {
  readonly scope: "station";
  readonly make: Attack;
}

/** An attack on the stations of a zone together. */
export interface ZoneAttack extends Described {
  readonly scope: "zone";
  readonly make: JointAttack;
}

/** By name; the truth that an attack leaves carries the same one. */
export type Attacks = Readonly<Record<string, StationAttack | ZoneAttack>>;

export interface Span {
  readonly from: WallMs;
  readonly to: WallMs;
}

/** First and last moment of a capture. */
export function spanOf({ meter }: Capture): Span {
  const [first] = meter;
  const last = meter.at(-1);
  if (first === undefined || last === undefined) throw new Error("a capture without meter readings");
  return { from: first.at, to: last.at };
}

/** Attacks come in the window, or else in the last quarter: what lies before is for learning. */
export function playground(capture: Capture, window?: Window): Window {
  if (window !== undefined) return window;
  const { from, to } = spanOf(capture);
  if (to - from < 6 * DAY_MS) throw new Error("a capture of less than a week leaves no past to learn from");
  return { from: Math.round(to - (to - from) / 4) as WallMs, to, soon: false };
}

const knownUpTimes = new WeakMap<readonly TimedLine[], Span[]>();

/** When the link was up. */
function upTimes({ ocpp }: Capture): readonly Span[] {
  const spans = knownUpTimes.get(ocpp) ?? [];
  if (spans.length > 0) return spans;
  knownUpTimes.set(ocpp, spans);
  let from: WallMs | undefined;
  for (const { at, line } of ocpp) {
    if (line.includes('"event":"connect"')) from = at;
    if (!line.includes('"event":"disconnect"') || from === undefined) continue;
    spans.push({ from, to: at });
    from = undefined;
  }
  if (from !== undefined) spans.push({ from, to: Number.POSITIVE_INFINITY as WallMs });
  return spans;
}

export function isUp(capture: Capture, during: Span): boolean {
  // Half a minute for boot and backlog.
  return upTimes(capture).some(({ from, to }) => from + 30 * SECOND_MS < during.from && during.to < to);
}

/** Moments of the playground that leave `lengthMs` to its end: random ones, or where it is `soon` one after another. */
export function* moments(capture: Capture, chance: Dice, lengthMs: number, window?: Window): Generator<WallMs> {
  const { from, to, soon } = playground(capture, window);
  const last = Math.max(from, to - lengthMs);
  for (let tries = 0; tries < (soon ? 2_000 : 200); tries++) {
    const at = soon ? from + tries * MINUTE_MS : chance.uniform(from, last);
    if (at > last) return;
    yield Math.round(at) as WallMs;
  }
}

/** A moment of the playground with the link up for the next `lengthMs`. */
export function moment(capture: Capture, chance: Dice, lengthMs: number, window?: Window): WallMs {
  for (const at of moments(capture, chance, lengthMs, window)) {
    if (isUp(capture, { from: at, to: (at + lengthMs) as WallMs })) return at;
  }
  throw new Error("the link is never up for long enough");
}

/** Two ordered streams as one; on a tie the honest line comes first. */
export function merged(honest: readonly TimedLine[], added: readonly TimedLine[]): TimedLine[] {
  return [...honest, ...added].sort((a, b) => a.at - b.at);
}

/** A call and its result some 60 ms later. */
export function exchange(
  origin: Capture, chance: Dice, at: WallMs, from: "station" | "csms", message: Message, reply: object,
): TimedLine[] {
  const there = from === "station" ? "cp-to-csms" : "csms-to-cp";
  const back = from === "station" ? "csms-to-cp" : "cp-to-csms";
  // Honest stations count their calls; a CSMS gives them random names.
  const id = from === "station" ? String(1_000_000_000 + chance.int(1_000_000_000)) : chance.uuid();
  const answeredAt = (at + 30 + chance.int(60)) as WallMs;
  return [
    { at, line: callLine(origin, at, there, id, message) },
    { at: answeredAt, line: resultLine(origin, answeredAt, back, id, reply) },
  ];
}

/** Transactions that lie wholly in the playground, those with the most energy first. */
export function lateTransactions(capture: Capture, window?: Window): Billed[] {
  const { from, to } = playground(capture, window);
  return billedTransactions(capture.ocpp)
    .filter((billed) => billed.from >= from && billed.to <= to)
    .sort((a, b) => b.stopWh - b.startWh - (a.stopWh - a.startWh));
}

/** Whether an EVSE has no transaction, with some minutes to spare. */
export function isIdle(capture: Capture, evseId: number, during: Span): boolean {
  const spareMs = 5 * 60 * SECOND_MS;
  const { from, to } = { from: during.from - spareMs, to: during.to + spareMs };
  if (to > spanOf(capture).to) return false;
  const { billed, unfinished } = transactionsOf(capture.ocpp);
  return !billed.some((one) => one.evseId === evseId && one.from < to && one.to > from)
    && !unfinished.some((one) => one.evseId === evseId && one.from < to);
}

export function evseIds({ meter }: Capture): number[] {
  const ids = new Set(meter.slice(0, 100).map(({ line }) => Number(/"evseId":(\d+)/.exec(line)?.[1])));
  return [...ids].sort((a, b) => a - b);
}

export function truthOf(threat: Threat, attack: string, { station }: Capture, { from, to }: Span): AttackTruth {
  return { threat, attack, station, from, to };
}
