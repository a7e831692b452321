/**
 * Orders of one sort come in bursts: a person or a program at work. The evidence in when bursts come and in what they
 * show.
 *
 * Null: bursts are a Poisson process at no more than the learned rate (rate.ts), and each shows a trait with no more
 * than its learned share, one independently of the other. Alternative: bursts at `perHour`, traits with `attackShare`.
 * A burst is worth ln(rate / rate) and, for each trait that could be judged, ln(a / h) once it shows and
 * ln((1 - a) / (1 - h)) as long as it does not: a marked Poisson process, whose likelihood ratio has expectation at
 * most 1 for every rate and every share below the null's (Shin, Ramdas, Rinaldo, "E-detectors", arXiv 2203.03532).
 * How often a trait shows within one burst adds nothing, so a burst of a hundred orders is no hundred proofs.
 *
 * What is given out is the growth of the reflected sum (Page's CUSUM), a whole burst against what stood before it: a
 * beginning is possible at each burst and not within one. Quiet time takes evidence back until none is left.
 *
 * The shipped shares are judgements, named so wherever they are reported: no public base rates exist. The station's
 * own bursts move them up and never below what was shipped: habits teach tolerance here, and never suspicion.
 */
import type { EvidenceKey, Finding, Term } from "../../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now } from "../../units.ts";
import { MOST_NATS, weigh } from "../detector.ts";
import { createRate, eventNats, learnRate, type LearnedRate, quietNats, upperPerHour } from "./rate.ts";
import { upperShare } from "./share.ts";

export interface Trait {
  readonly term: string;
  /** Share of hostile bursts that show it. */
  readonly attackShare: number;
  /** Share of honest ones, before anything was learned: a judgement. */
  readonly honestShare: number;
  /** How many bursts that is worth, where it is more than the law's other shares are. */
  readonly weight?: number;
}

/** A trait in one line. */
export function trait(term: string, attackShare: number, honestShare: number, weight?: number): Trait {
  return { term, attackShare, honestShare, ...(weight !== undefined && { weight }) };
}

export interface BurstLaw {
  /**
   * By evidence key, hostile bursts an hour, and a rate of honest ones below which no quiet months teach: how often
   * somebody may begin a new habit and be let be. The first key's evidence of late decides whether a burst teaches.
   */
  readonly keys: readonly { readonly key: EvidenceKey; readonly perHour: number; readonly leastPerHour: number }[];
  readonly term: string;
  /** A burst has ended after this long without an order; it never counts as one for longer than `MOST_BURST_MS`. */
  readonly gapMs: number;
  /** Honest bursts an hour before anything was learned: a judgement. */
  readonly priorPerHour: number;
  /** Whether the rate follows the hours of the week. */
  readonly byHour: boolean;
  /** How many bursts the shipped shares are worth: the fewer, the slower is a new agent to accuse. */
  readonly shareWeight: number;
  readonly traits: Readonly<Record<string, Trait>>;
}

export interface Burst {
  rate: LearnedRate;
  /** By trait: in how many bursts it showed, and in how many it could have. */
  counts: Record<string, [number, number]>;
  open: { startMs: number; lastMs: number; teaches: boolean; judged: string[]; shown: string[] } | undefined;
  /** By evidence key: nats before the open burst, and of it. */
  before: number[];
  within: number[];
  tickMs: number;
}

/** One order, as the burst sees it. */
export interface Shows {
  /** Traits that this burst can be judged by. */
  readonly judged: readonly string[];
  /** Those of them that show now. */
  readonly shown: readonly string[];
  /** More evidence, judged elsewhere. */
  readonly extra?: readonly Term[];
  readonly says: string;
  readonly frames: readonly number[];
}

const MOST_BURST_MS = HOUR_MS;
/** What the shipped rate is worth, in hours of watching. */
export const PRIOR_WEIGHT_HOURS = 72;
/** Above this the station's normal is not what happens now. */
export const LEARN_BELOW_NATS = 5;
/** A long attack must not keep the agent from learning for long after it. */
export const MOST_SUM = 26;
/** What each further burst leaves of the older ones. */
const KEEP = 0.99;
/** Quiet time is accounted for in steps of a minute, and at most this long at once: an agent that slept saw nothing. */
const QUIET_STEP_MS = MINUTE_MS;
const LONGEST_QUIET_MS = 10 * MINUTE_MS;

export function createBurst(law: BurstLaw): Burst {
  const none = () => law.keys.map(() => 0);
  return {
    rate: createRate(law.priorPerHour, PRIOR_WEIGHT_HOURS, !law.byHour),
    counts: {}, open: undefined, before: none(), within: none(), tickMs: -1,
  };
}

/** The passing of time: ends the burst, learns from quiet hours, takes evidence back. */
export function passBurst(burst: Burst, law: BurstLaw, now: Now): Finding[] {
  const since = burst.tickMs < 0 ? 0 : now.monoMs - burst.tickMs;
  if (burst.tickMs >= 0 && since >= 0 && since < QUIET_STEP_MS) return [];
  burst.tickMs = now.monoMs;
  const wasOpen = burst.open !== undefined;
  endBurst(burst, law, now);
  if (wasOpen || since <= 0) return [];
  const hours = Math.min(since, LONGEST_QUIET_MS) / HOUR_MS;
  const upper = upperPerHour(burst.rate, now.wallMs);
  if (burst.before[0]! < LEARN_BELOW_NATS) learnRate(burst.rate, now.wallMs, hours, 0);
  return law.keys.flatMap(({ perHour, leastPerHour }, index) => {
    const nats = quietNats(Math.max(leastPerHour, upper), perHour, hours);
    const held = burst.before[index]!;
    if (held === 0 || nats === 0) return [];
    burst.before[index] = Math.max(0, held + nats);
    return told(law, index, burst.before[index] - held, [{ term: "quiet time", nats }], "", [], now);
  });
}

/** Takes one order in. */
export function seeBurst(burst: Burst, law: BurstLaw, shows: Shows, now: Now): Finding[] {
  endBurst(burst, law, now);
  const open = (burst.open ??= {
    startMs: -1, lastMs: now.monoMs, teaches: burst.before[0]! < LEARN_BELOW_NATS, judged: [], shown: [],
  });
  open.lastMs = now.monoMs;
  const upper = open.startMs < 0 ? upperPerHour(burst.rate, now.wallMs) : Infinity;
  const traits = traitTerms(burst, law, shows);
  if (open.startMs < 0) {
    open.startMs = now.monoMs;
    if (open.teaches) learnRate(burst.rate, now.wallMs, 0, 1);
  }
  return law.keys.flatMap(({ perHour, leastPerHour }, index) => {
    const rate = { term: law.term, nats: eventNats(Math.max(leastPerHour, upper), perHour) };
    const terms = [rate, ...traits, ...(shows.extra ?? [])].filter(({ nats }) => nats !== 0);
    const held = levelOf(burst, index);
    burst.within[index]! += weigh(terms, -MOST_NATS, MOST_NATS).nats;
    return told(law, index, levelOf(burst, index) - held, terms, shows.says, shows.frames, now);
  });
}

/** Whether the next order at `now` would belong to the open burst. */
export function isOpen(burst: Burst, law: BurstLaw, now: Now): boolean {
  endBurst(burst, law, now);
  return burst.open !== undefined;
}

/** Bursts a day that would be usual, at most: for words. */
export function usualADay(burst: Burst, now: Now): string {
  return (24 * upperPerHour(burst.rate, now.wallMs)).toFixed(1);
}

/** What stands against the station by one key, nats. */
export function levelOf(burst: Burst, index: number): number {
  return Math.min(MOST_SUM, Math.max(0, burst.before[index]! + burst.within[index]!));
}

/** What newly judged traits say by their absence, and newly shown ones by their presence. */
function traitTerms(burst: Burst, law: BurstLaw, { judged, shown }: Shows): Term[] {
  const open = burst.open!;
  const terms: Term[] = [];
  let absent = 0;
  for (const name of judged) {
    if (open.judged.includes(name)) continue;
    open.judged.push(name);
    absent += absentNats(burst, law, name);
  }
  if (absent !== 0) terms.push({ term: "nothing else about it", nats: absent });
  for (const name of shown) {
    if (open.shown.includes(name) || !open.judged.includes(name)) continue;
    open.shown.push(name);
    const { term, attackShare } = law.traits[name]!;
    const nats = Math.log(attackShare / shareOf(burst, law, name)) - absentNats(burst, law, name);
    terms.push({ term, nats });
  }
  return terms;
}

function absentNats(burst: Burst, law: BurstLaw, name: string): number {
  return Math.log((1 - law.traits[name]!.attackShare) / (1 - shareOf(burst, law, name)));
}

/**
 * The share of honest bursts that show the trait, at most. Where honesty shows it as often as attacks do, it says
 * nothing either way: that it is absent would otherwise speak for the attack.
 */
function shareOf(burst: Burst, law: BurstLaw, name: string): number {
  const [showed, judged] = burst.counts[name] ?? [0, 0];
  const { honestShare, attackShare, weight = law.shareWeight } = law.traits[name]!;
  return Math.min(attackShare, Math.max(honestShare, upperShare(showed, judged, { honestShare, weight })));
}

function endBurst(burst: Burst, law: BurstLaw, now: Now): void {
  const { open } = burst;
  if (open === undefined) return;
  if (now.monoMs - open.lastMs < law.gapMs && now.monoMs - open.startMs < MOST_BURST_MS) return;
  burst.before = burst.before.map((_, index) => levelOf(burst, index));
  burst.within = burst.within.map(() => 0);
  burst.open = undefined;
  if (!open.teaches) return;
  for (const name of open.judged) {
    const [showed, judged] = burst.counts[name] ?? [0, 0];
    burst.counts[name] = [showed * KEEP + (open.shown.includes(name) ? 1 : 0), judged * KEEP + 1];
  }
}

/** The growth of one key's sum; the terms are scaled to it where the sum was reflected, clipped or capped. */
function told(
  law: BurstLaw, index: number, growth: number, terms: readonly Term[], says: string, frames: readonly number[],
  now: Now,
): Finding[] {
  if (growth === 0) return [];
  return [{ key: law.keys[index]!.key, at: now.wallMs, ...weigh(terms, growth, growth), frames, says }];
}
