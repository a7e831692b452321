/** Rules that add accumulated evidence with the highest left out: the zone's, the one before it, and other cuts. */
import { lowSumCusum } from "../zone-decision.reference.ts";
import { SUPPORT_MILLINATS } from "../zone-laws.ts";
import { largestOver, type Statistic, sumOf, type Told } from "./told.testing.ts";

const SUPPORT = SUPPORT_MILLINATS / 1_000;

/** More than f members support a raise. */
const supported = (row: Float64Array, f: number): boolean => (row[row.length - 1 - f] ?? 0) > SUPPORT;

/** The zone's decision: since one onset for all, clipped narrowly, the f highest and the f lowest left out. */
export function commonOnset({ sorted, f, zoneClip }: Told): number {
  return largestOver(sorted, (row) => (supported(row, f) ? clippedSum(row, f, zoneClip) : 0));
}

function clippedSum(sorted: Float64Array, f: number, clip: number): number {
  let sum = 0;
  for (let at = f; at < sorted.length - f; at++) sum += Math.max(-clip, Math.min(clip, sorted[at] as number));
  return sum;
}

/** The same with the wide clip, as it was before. */
export function wideCommonOnset({ sorted, f }: Told): number {
  return largestOver(sorted, (row) => (supported(row, f) ? sumOf(row, f, row.length - f) : 0));
}

/** No member left out, each clipped more narrowly still: framers add f clips, and the threshold bears that. */
export function narrowPool(clip: number): Statistic {
  return ({ sorted, f }) => largestOver(sorted, (row) => {
    let sum = 0;
    for (const growth of row) sum += Math.max(-clip, Math.min(clip, growth));
    return supported(row, f) ? sum : 0;
  });
}

/** Each member since its own onset, the f highest left out. */
export function lowSum({ cusums, f, clip }: Told): number {
  return lowSumCusum([...cusums], f, clip);
}

/** As the zone's, but the lowest stay in and count for -floor at the least: f hiders cost f floors and no more. */
export function flooredSum(floor: number): Statistic {
  return ({ sorted, f }) => largestOver(sorted, (row) => {
    if (!supported(row, f)) return 0;
    let sum = 0;
    for (let at = 0; at < row.length - f; at++) sum += Math.max(-floor, row[at] as number);
    return sum;
  });
}

/** As the zone's, but the f highest count as much as the highest that stays, and the f lowest as the lowest. */
export function winsorisedSum({ sorted, f }: Told): number {
  return largestOver(sorted, (row) => {
    const highest = row[row.length - 1 - f] ?? 0;
    const kept = sumOf(row, f, row.length - f);
    return supported(row, f) ? kept + f * (highest + (row[f] ?? 0)) : 0;
  });
}

/** One window's steps without the f highest and the f lowest, added to a CUSUM: trimming before accumulating. */
export function trimmedWindows(before: number, steps: ArrayLike<number>, f: number): number {
  const sorted = Float64Array.from(steps).sort();
  return Math.max(0, before + sumOf(sorted, f, sorted.length - f));
}
