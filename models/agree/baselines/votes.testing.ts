/** Baselines that vote: the (f+1)-th highest CUSUM, and scores weighted by how good each detector was in training. */
import { ascending, type Told } from "./told.testing.ts";

/** At the threshold when f + 1 members' own CUSUMs are: with at most f liars, one of them is honest. */
export function enoughVotes({ cusums, f }: Told): number {
  return ascending(cusums)[cusums.length - 1 - f] ?? 0;
}

/** The mean of bounded scores (CUSUM over clip), weighted, told in nats again. */
export function scoreVote({ cusums, weights }: Told): number {
  let weighed = 0;
  let total = 0;
  cusums.forEach((cusum, member) => {
    const weight = weights?.[member] ?? 1;
    weighed += weight * cusum;
    total += weight;
  });
  return total === 0 ? 0 : weighed / total;
}

/** F1 of one detector in training: 2 TP / (2 TP + FP + FN); 0 when it never found anything. */
export function f1Of({ hits, falseAlarms, misses }: { hits: number; falseAlarms: number; misses: number }): number {
  return hits === 0 ? 0 : (2 * hits) / (2 * hits + falseAlarms + misses);
}
