/**
 * An upper estimate of a share: the posterior mean and one standard deviation more, as of rates (rate.ts). The null is
 * every share up to it, so that a judgement which is worth little makes a new agent slow to accuse.
 */
export function upperShare(
  shown: number, judged: number, prior: { readonly honestShare: number; readonly weight: number },
): number {
  const events = shown + prior.honestShare * prior.weight;
  return (events + Math.sqrt(events)) / (judged + prior.weight);
}
