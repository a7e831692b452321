/**
 * Fixed thresholds: each feature has one, the same for every station. All stand at the same share of how far honest
 * training rows ever went from the median, so that one number sets the false-alarm rate.
 */
import type { Row } from "../features.ts";
import { type Baseline, quantile } from "./scorer.ts";

/** How far a row goes, in its farthest feature, as a share of the farthest honest row: above 1 is farther than any. */
export function farthest(training: readonly Row[]): (values: readonly number[]) => number {
  const width = training[0]?.values.length ?? 0;
  const ranges = Array.from({ length: width }, (_, i) => {
    const column = training.map(({ values }) => values[i] as number);
    const median = quantile(column, 0.5);
    const low = column.reduce((least, value) => Math.min(least, value), Infinity);
    const high = column.reduce((most, value) => Math.max(most, value), -Infinity);
    return { median, up: high - median, down: median - low };
  });
  return (values) => ranges.reduce((most, { median, up, down }, i) => {
    const off = (values[i] as number) - median;
    const share = off > 0 ? shareOf(off, up) : shareOf(-off, down);
    return Math.max(most, share);
  }, 0);
}

/** What never moved in training is infinitely far as soon as it moves; counted as a thousand, to keep an order. */
function shareOf(off: number, range: number): number {
  if (off <= 0) return 0;
  return range > 0 ? off / range : 1_000 + off;
}

export const fixedThresholds: Baseline = {
  name: "fixed thresholds",
  fit: ({ hours, sessions }) => ({ hour: farthest(hours), session: farthest(sessions) }),
};
