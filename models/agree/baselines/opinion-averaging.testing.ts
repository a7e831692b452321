/**
 * Baselines that average opinions: Hegselmann-Krause with its median and its highest cluster, and W-MSR. An opinion is
 * the member's own CUSUM over clip, so these rules get all the evidence that a station gathers by itself; everybody
 * hears everybody. Liars do not move. Readings are told in nats again.
 */
import { ascending, median, type Statistic, type Told } from "./told.testing.ts";

/** Bounded confidence (Hegselmann and Krause 2002): opinions further apart than this do not move each other. */
export const CONFIDENCE = 0.3;
const MOST_ROUNDS = 16;
const STILL = 1e-4;

/** What the first `stubborn` say stays; everybody else moves. */
export interface Opinions {
  readonly values: Float64Array;
  readonly stubborn: number;
}

type Round = (values: Float64Array, own: number) => number;

function settle({ values, stubborn }: Opinions, roundOf: (values: Float64Array) => Round): Float64Array {
  let now = values;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const listen = roundOf(now);
    let moved = 0;
    const next = Float64Array.from(now);
    for (let member = stubborn; member < next.length; member++) {
      const own = now[member] as number;
      const heard = listen(now, own);
      moved = Math.max(moved, Math.abs(heard - own));
      next[member] = heard;
    }
    now = next;
    if (moved < STILL) break;
  }
  return now;
}

/** x_i becomes the mean of all x_j with |x_j - x_i| at most CONFIDENCE. */
export function hegselmannKrause(opinions: Opinions): Float64Array {
  return settle(opinions, () => (values, own) => {
    let sum = 0;
    let heard = 0;
    for (let at = 0; at < values.length; at++) {
      const value = values[at] as number;
      if (Math.abs(value - own) > CONFIDENCE) continue;
      sum += value;
      heard += 1;
    }
    return sum / heard;
  });
}

/**
 * W-MSR (LeBlanc, Zhang, Koutsoukos and Sundaram 2013): leaves out the F highest of those above one's own value and the
 * F lowest of those below it, and averages the rest.
 */
export function wMsr(opinions: Opinions, f: number): Float64Array {
  return settle(opinions, (values) => {
    const sorted = ascending(values);
    return (_, own) => {
      let below = 0;
      let above = 0;
      for (let at = 0; at < sorted.length; at++) {
        const value = sorted[at] as number;
        if (value < own) below += 1;
        else if (value > own) above += 1;
      }
      const from = Math.min(f, below);
      const to = sorted.length - Math.min(f, above);
      let sum = 0;
      for (let at = from; at < to; at++) sum += sorted[at] as number;
      return sum / (to - from);
    };
  });
}

/** Liars say the most they can, or what is just near enough to be heard: what serves their claim better counts. */
function worstOf({ cusums, clip, lie }: Told, read: (opinions: Opinions) => number): number {
  const values = cusums.map((cusum) => Math.min(1, cusum / clip));
  if (lie === undefined || lie.members === 0) return clip * read({ values, stubborn: 0 });
  const { members, claim } = lie;
  const near = median(values.subarray(members)) + claim * 0.9 * CONFIDENCE;
  const readings = [claim === 1 ? 1 : 0, Math.max(0, Math.min(1, near))].map((said) =>
    read({ values: values.map((value, member) => (member < members ? said : value)), stubborn: members }));
  return clip * (claim === 1 ? Math.max(...readings) : Math.min(...readings));
}

/** What the median agent ends up with. */
export const averagedMedian: Statistic = (told) => worstOf(told, (opinions) => median(hegselmannKrause(opinions)));

/** The highest opinion that more than f agents end up with. */
export const averagedCluster: Statistic = (told) => worstOf(told, (opinions) =>
  ascending(hegselmannKrause(opinions))[opinions.values.length - 1 - told.f] ?? 0);

/** What the median of those that moved ends up with. */
export const resilientMedian: Statistic = (told) => worstOf(told, (opinions) =>
  median(wMsr(opinions, told.f).subarray(opinions.stubborn)));
