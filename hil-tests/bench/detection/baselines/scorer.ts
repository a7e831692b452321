/**
 * What a baseline is: two scores, one for an hour's row and one for a session's, the higher the stranger. Its
 * thresholds are set on training cities to the false-alarm rate that all methods share; it says that something is
 * wrong, not what.
 */
import type { Row } from "../features.ts";

export interface Rows {
  readonly hours: readonly Row[];
  readonly sessions: readonly Row[];
}

export interface Scorer {
  hour(values: readonly number[]): number;
  session(values: readonly number[]): number;
}

export interface Baseline {
  readonly name: string;
  /** Learns from honest rows; `seed` where chance is needed. */
  fit(training: Rows, seed: number): Scorer;
}

export interface Alarms extends Scorer {
  readonly hourThreshold: number;
  readonly sessionThreshold: number;
}

/** The q-th quantile, 0 to 1, by linear interpolation of order statistics (type 7); NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low === undefined || high === undefined ? Number.NaN : low + (high - low) * (at - Math.floor(at));
}

/** The score that at most `allowed` of these are above. */
export function thresholdFor(scores: Float64Array, allowed: number): number {
  if (scores.length === 0) return Infinity;
  const sorted = Float64Array.from(scores).sort();
  return sorted[Math.max(0, sorted.length - 1 - Math.floor(allowed))] as number;
}

/** Half of the false alarms that are allowed in the training rows go to hours, half to sessions. */
export function calibrated(scorer: Scorer, training: Rows, allowed: number): Alarms {
  const scoresOf = (rows: readonly Row[], score: Scorer["hour"]): Float64Array =>
    Float64Array.from(rows, ({ values }) => score(values));
  return {
    hour: (values) => scorer.hour(values), session: (values) => scorer.session(values),
    hourThreshold: thresholdFor(scoresOf(training.hours, (values) => scorer.hour(values)), allowed / 2),
    sessionThreshold: thresholdFor(scoresOf(training.sessions, (values) => scorer.session(values)), allowed / 2),
  };
}

/** When these rows alarm, ms, in order. */
export function alarmsIn(alarms: Alarms, { hours, sessions }: Rows): number[] {
  const hit = [
    ...hours.filter(({ values }) => alarms.hour(values) > alarms.hourThreshold),
    ...sessions.filter(({ values }) => alarms.session(values) > alarms.sessionThreshold),
  ];
  return hit.map(({ at }) => at).sort((a, b) => a - b);
}

/** Alarms less than `gapMs` apart are one incident. */
export function incidents(times: readonly number[], gapMs: number): number {
  return times.filter((at, i) => i === 0 || at - (times[i - 1] as number) >= gapMs).length;
}
