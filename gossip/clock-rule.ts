/**
 * The clock rule (SPEC.md, section 8): an agent whose clock is more than an epoch off its neighbours' median publishes
 * nothing, since nobody would take it, and epochs that it signs ahead of time are lost to it. With f liars in a zone
 * the median of 2f + 1 members lies among what honest ones say; with fewer heard the rule does not act.
 */
import type { MonotonicMs, Now, StationId } from "../models/units.ts";

/** Delays, and the moment at which each begins its epochs, make as much as this. */
const AGREE_WITHIN_EPOCHS = 1;
/** How often others are heard sets how the rule is kept. */
export interface ClockPace {
  /** How long an offset counts. */
  readonly countsEpochs: number;
  /** After a start nothing is published in so many epochs, the one that it falls in included, unless clocks agree. */
  readonly listensEpochs: number;
  /** Whether f + 1 who contradict it suffice where fewer than 2f + 1 are heard: who hears no more would never know. */
  readonly fewSuffice: boolean;
}

const EACH_EPOCH: ClockPace = { countsEpochs: 6, listensEpochs: 3, fewSuffice: false };
/** Two statements of a member that is alive are this far apart, epochs; old ones that are sent again come in a heap. */
const APART_EPOCHS = 0.5;
/** Statements outside of the window that are verified in an epoch, whoever sends them: more than honest zones have. */
const MOST_CHECKS = 2_048;

interface Heard {
  /** The newest epoch of which a verified statement came. What is not newer may be a replay, and tells nothing. */
  newest: number;
  /** What it said last: its epoch less the own one, and when. */
  last: Offset;
  /** What counts: the most of late, since a statement can only be late. */
  counted: Offset | undefined;
}

interface Offset {
  readonly epochs: number;
  readonly at: MonotonicMs;
}

export interface ClockRule {
  readonly pace: ClockPace;
  readonly heard: Map<StationId, Heard>;
  /** `<sender> <author>`, whose statement outside of the window was looked at in this epoch. */
  readonly checked: Set<string>;
  /** Epochs begun since the start. */
  begun: number;
  /** The wall clock less the monotonic one, ms, to half an epoch: it moves when the clock is set. */
  baseMs: number | undefined;
  standing: ClockStanding;
  /** The operator knows that it is off. */
  told: boolean;
}

export interface ClockStanding {
  /** `listens`: just started, nobody heard yet. `off`: nothing is published. */
  readonly state: "listens" | "good" | "off";
  /** Members whose clocks are known. */
  readonly heard: number;
  /** The median of theirs less the own one, epochs; absent while too few are heard. */
  readonly offsetEpochs?: number;
}

/** What the operator should know. */
export interface ClockNews {
  readonly kind: "clock";
  readonly isOff: boolean;
  readonly offsetEpochs: number;
}

export function createClockRule(pace = EACH_EPOCH): ClockRule {
  return {
    pace, heard: new Map(), checked: new Set(), begun: 0, baseMs: undefined, standing: { state: "listens", heard: 0 },
    told: false,
  };
}

/** To be told the time before anything else: when the own clock was set, what is known of others moves with it. */
export function noteOwnClock(rule: ClockRule, { wallMs, monoMs }: Now, epochMs: number): void {
  const baseMs = wallMs - monoMs;
  const epochs = Math.round((baseMs - (rule.baseMs ?? baseMs)) / epochMs);
  rule.baseMs = (rule.baseMs ?? baseMs) + epochs * epochMs;
  if (epochs === 0) return;
  const moved = ({ epochs: before, at }: Offset): Offset => ({ epochs: before - epochs, at });
  for (const one of rule.heard.values()) {
    one.last = moved(one.last);
    one.counted &&= moved(one.counted);
  }
}

/**
 * Takes a verified statement in. One that agrees with the own clock counts at once; any other with the next one that
 * confirms it: the last words of a member that is gone are sent again too, and are no clock.
 * @param own the own epoch and the monotonic clock at its arrival
 */
export function noteStatement(
  rule: ClockRule, author: StationId, stated: number, own: { readonly epoch: number; readonly monoMs: MonotonicMs },
  epochMs: number,
): void {
  const known = rule.heard.get(author);
  if (known !== undefined && stated <= known.newest) return;
  const last: Offset = { epochs: stated - own.epoch, at: own.monoMs };
  const before = known?.counted;
  const isLate = before !== undefined && counts(rule, before, own.monoMs, epochMs) && last.epochs < before.epochs;
  const takes = !isLate && (agrees(last.epochs) || follows(last, known?.last, epochMs));
  rule.heard.set(author, { newest: stated, last, counted: takes ? last : before });
}

function agrees(epochs: number): boolean {
  return Math.abs(epochs) <= AGREE_WITHIN_EPOCHS;
}

function follows(offset: Offset, last: Offset | undefined, epochMs: number): boolean {
  return last !== undefined && agrees(offset.epochs - last.epochs) && offset.at - last.at >= APART_EPOCHS * epochMs;
}

function counts({ pace }: ClockRule, { at }: Offset, now: MonotonicMs, epochMs: number): boolean {
  return now - at <= pace.countsEpochs * epochMs;
}

/** Whether a statement outside of the window is worth a signature check, which is then used up for this epoch. */
export function takeCheck(rule: ClockRule, from: string, author: StationId, stated: number): boolean {
  const name = `${from} ${author}`;
  const isNewer = stated > (rule.heard.get(author)?.newest ?? -1);
  if (!isNewer || rule.checked.has(name) || rule.checked.size >= MOST_CHECKS) return false;
  rule.checked.add(name);
  return true;
}

/**
 * Judges the own clock at an epoch's start; `rule.standing` says what came of it.
 * @param others the zone's other members
 */
export function judgeClock(
  rule: ClockRule, others: readonly StationId[], f: number, now: MonotonicMs, epochMs: number,
): ClockNews | undefined {
  rule.begun += 1;
  rule.checked.clear();
  const offsets = others.flatMap((station) => {
    const counted = rule.heard.get(station)?.counted;
    return counted !== undefined && counts(rule, counted, now, epochMs) ? [counted.epochs] : [];
  });
  const heard = offsets.length;
  const isMany = heard > 2 * f;
  const few = rule.pace.fewSuffice && heard > f ? contradiction(offsets, f) : undefined;
  const offsetEpochs = isMany ? medianOf(offsets) : few;
  const isOff = offsetEpochs !== undefined && !agrees(offsetEpochs);
  // That few do not contradict the own clock is no proof that it is right.
  const isGood = isMany || rule.begun > rule.pace.listensEpochs;
  const known = isMany || isOff ? { offsetEpochs: offsetEpochs! } : {};
  rule.standing = { state: isOff ? "off" : isGood ? "good" : "listens", heard, ...known };
  if (offsetEpochs === undefined || isOff === rule.told) return undefined;
  rule.told = isOff;
  return { kind: "clock", isOff, offsetEpochs };
}

/** What f + 1 say on one side of the own clock, one of whom is honest: the least of it; else 0. */
function contradiction(offsets: readonly number[], f: number): number {
  const sorted = [...offsets].sort((a, b) => a - b);
  const [behind = 0, ahead = 0] = [sorted.at(-1 - f), sorted[f]];
  return Math.max(behind, 0) + Math.min(ahead, 0);
}

/** Of an even number the middle one that is nearer to the own clock: both lie among the honest ones. */
function medianOf(offsets: readonly number[]): number {
  const sorted = [...offsets].sort((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return Math.abs(low) < Math.abs(high) ? low : high;
}

/** Forgets whom a new roster no longer has. */
export function keepClocksOf(rule: ClockRule, members: readonly StationId[]): void {
  const kept = new Set(members);
  for (const station of rule.heard.keys()) if (!kept.has(station)) rule.heard.delete(station);
}
