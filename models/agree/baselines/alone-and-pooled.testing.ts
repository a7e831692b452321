/** Baselines that know nothing of liars: any one station, and everything added up as an honest centre would. */
import { largestOver, sumOf, type Told } from "./told.testing.ts";

/** The highest of the members' own CUSUMs (Page 1954). */
export function anyStation({ cusums }: Told): number {
  return Math.max(0, ...cusums);
}

/**
 * The CUSUM of all evidence added up, over the same onsets. Nothing bounds what a member may add: one liar is enough to
 * raise at once, or to hide for ever. On the truth it is the all-seeing centre.
 */
export function pooledCusum({ growths, lie }: Told): number {
  if (lie !== undefined && lie.members > 0) return lie.claim === 1 ? Infinity : 0;
  return largestOver(growths, (row) => sumOf(row));
}

/**
 * The centre again, knowing that f may frame and who hides: without the f highest, and without those who hide. About
 * what is possible for anybody who is safe against f framers (gossip/AGREEMENT.md, "What is possible").
 */
export function waryCentre({ sorted, f, lie }: Told): number {
  const hiding = lie?.claim === -1 ? lie.members : 0;
  return largestOver(sorted, (row) => sumOf(row, hiding, row.length - f));
}

/** Every member's part clipped and added, none left out: f framers add f clips, and the threshold bears that. */
export function clippedPool({ growths }: Told): number {
  return largestOver(growths, (row) => sumOf(row));
}
