/**
 * The learned rate of an event at this station, by time of week, and the evidence that it has risen.
 *
 * Null: a Poisson process whose rate is at most `upperPerHour`. Alternative: the rate is `alternativePerHour`. For an
 * interval without events the log-likelihood ratio is -(l1 - l0) t, for each event + ln(l1 / l0); its exponential has
 * expectation at most 1 for every true rate up to l0, so it is an e-value whatever the rate below that (Shin, Ramdas,
 * Rinaldo, "E-detectors", arXiv 2203.03532, section 2).
 *
 * Learning: a Gamma posterior that forgets with a half-life, times a profile over 48 bins (24 hours, weekday and
 * weekend), each bin shrunk towards the shipped shape by `SHAPE_WEIGHT` pseudo-events. Hours are UTC: a shift of an
 * hour twice a year moves a little mass between neighbouring bins and is forgotten like any other change of habit.
 * Forgetting takes the prior away too; what stays is half an event (Jeffreys' prior), so that an event which never
 * came in a year is rare and not impossible.
 */
import { DAY_MS, HOUR_MS, type WallMs } from "../../units.ts";

export interface LearnedRate {
  /** Gamma posterior: pseudo-events and pseudo-hours, prior included. */
  events: number;
  hours: number;
  /** Events and expected events per bin, for the profile. */
  seen: number[];
  expected: number[];
}

export const BINS = 48;
const HALF_LIFE_HOURS = 45 * 24;
const SHAPE_WEIGHT = 6;
const JEFFREYS = 0.5;
/** A profile never calls an hour quieter than this share of the mean: what was never seen is not impossible. */
const QUIETEST = 0.1;

/** A prior worth `weightHours` hours of watching at `perHour`; a flat rate has no profile over the week. */
export function createRate(perHour: number, weightHours: number, flat = false): LearnedRate {
  const bins = () => new Array<number>(flat ? 0 : BINS).fill(0);
  return { events: perHour * weightHours, hours: weightHours, seen: bins(), expected: bins() };
}

/** Weekday hours 0 to 23, then weekend hours 24 to 47, UTC. 1970-01-01 was a Thursday. */
export function binOf(at: WallMs): number {
  const day = modulo(Math.floor(at / DAY_MS) + 4, 7);
  const hour = modulo(Math.floor(at / HOUR_MS), 24);
  return day === 0 || day === 6 ? 24 + hour : hour;
}

/** A clock before 1970 has bins as well. */
function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

/** A bin is open for some hours of the week only; what it forgets in one of them is its share of the whole week. */
function weeksShare(bin: number): number {
  return (7 * 24) / (bin < 24 ? 5 : 2);
}

function profile(rate: LearnedRate, bin: number, shape: readonly number[] | undefined): number {
  const prior = shape?.[bin] ?? 1;
  const weighed = SHAPE_WEIGHT * prior + (rate.seen[bin] ?? 0);
  return Math.max(QUIETEST, weighed / (SHAPE_WEIGHT + (rate.expected[bin] ?? 0)));
}

/** Events per hour to be expected now. */
export function ratePerHour(rate: LearnedRate, at: WallMs, shape?: readonly number[]): number {
  return (rate.events / rate.hours) * profile(rate, binOf(at), shape);
}

/**
 * An upper estimate of the same (one posterior standard deviation above the mean): the null is every rate up to it, so
 * that little experience makes the agent slow to accuse.
 */
export function upperPerHour(rate: LearnedRate, at: WallMs, shape?: readonly number[]): number {
  const events = rate.events + JEFFREYS;
  return ((events + Math.sqrt(events)) / rate.hours) * profile(rate, binOf(at), shape);
}

/** What is left at its end of an interval that shrank memory to `keep`: hours, however long it was. */
function remembered(keep: number): number {
  return ((1 - keep) * HALF_LIFE_HOURS) / Math.LN2;
}

/** Lets `hours` go by and counts `events` in them. */
export function learnRate(rate: LearnedRate, at: WallMs, hours: number, events: number): void {
  const keep = Math.pow(0.5, hours / HALF_LIFE_HOURS);
  if (rate.seen.length > 0) learnProfile(rate, binOf(at), keep, events);
  rate.events = rate.events * keep + events;
  rate.hours = rate.hours * keep + remembered(keep);
}

function learnProfile(rate: LearnedRate, bin: number, keep: number, events: number): void {
  const share = weeksShare(bin);
  const keepBin = Math.pow(keep, share);
  const mean = rate.events / rate.hours;
  rate.expected[bin] = short((rate.expected[bin] ?? 0) * keepBin + (mean * remembered(keepBin)) / share);
  rate.seen[bin] = short((rate.seen[bin] ?? 0) * keepBin + events);
}

/** Twelve digits: a tick of a second changes a bin by a millionth at least, and what is remembered is bounded. */
const short = (value: number): number => Number(value.toPrecision(12));

/** Log-likelihood ratio of one event. */
export function eventNats(upper: number, alternative: number): number {
  return alternative > upper ? Math.log(alternative / upper) : 0;
}

/** Log-likelihood ratio of `hours` without one (never positive). */
export function quietNats(upper: number, alternative: number, hours: number): number {
  return alternative > upper ? -(alternative - upper) * hours : 0;
}
