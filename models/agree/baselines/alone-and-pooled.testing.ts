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
 * A bound, and no rule (gossip/AGREEMENT.md, "What is possible"): what tells the attacked zone from an honest one in
 * which f framers, drawn at random, state what they would under the attack. Nobody who leaves that one in peace reads
 * more. Evidence is taken at its word, as log-likelihood ratios; of who lies or is silent nothing is heard, and so many
 * framers fewer are left to fear as there are.
 */
export function possible({ growths, f, clip, lie }: Told): number {
  const liars = lie?.members ?? 0;
  const feared = lie?.claim === 1 ? Math.max(0, f - liars) : f;
  return largestOver(growths, (row) =>
    beyondFramers(row.subarray(liars).filter((growth) => growth > -clip), feared));
}

/** The sum, less the logarithm of the mean, over all sets of f members, of the exponential of theirs. */
export function beyondFramers(values: Float64Array, f: number): number {
  // Elementary symmetric polynomials of the exponentials, and how many terms the last one has.
  const sums = new Float64Array(f + 1);
  const sets = new Float64Array(f + 1);
  sums[0] = sets[0] = 1;
  for (const value of values) {
    const ratio = Math.exp(value);
    for (let size = f; size >= 1; size--) {
      sums[size]! += ratio * sums[size - 1]!;
      sets[size]! += sets[size - 1]!;
    }
  }
  return sets[f] === 0 ? 0 : sumOf(values) - Math.log(sums[f]! / sets[f]!);
}

/** Every member's part clipped and added, none left out: f framers add f clips, and the threshold bears that. */
export function clippedPool({ growths }: Told): number {
  return largestOver(growths, (row) => sumOf(row));
}
