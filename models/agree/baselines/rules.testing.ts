/** Every rule that the bench holds against the zone's, by the name that its tables give it. */
import { anyStation, clippedPool, pooledCusum, possible } from "./alone-and-pooled.testing.ts";
import { averagedCluster, averagedMedian, resilientMedian } from "./opinion-averaging.testing.ts";
import { commonOnset, flooredSum, lowSum, narrowPool, wideCommonOnset, winsorisedSum } from "./sums.testing.ts";
import type { Statistic } from "./told.testing.ts";
import { enoughVotes, scoreVote } from "./votes.testing.ts";

export const ZONE_RULE = "zone's decision";
/** Its statistic needs single windows, so only the Gaussian stage has it. */
export const TRIMMED_WINDOWS = "trim each window";
export const CENTRE = "all-seeing centre";
/** At the centre's threshold: a bound, and no rule. */
export const POSSIBLE = "what is possible";

export const RULES: Readonly<Record<string, Statistic>> = {
  "any station alone": anyStation,
  "HK, median": averagedMedian,
  "HK, highest cluster": averagedCluster,
  "W-MSR": resilientMedian,
  "F1-weighted scores": scoreVote,
  "(f+1)-vote": enoughVotes,
  "pooled CUSUM": pooledCusum,
  "clipped pool": clippedPool,
  "Low-Sum-CUSUM": lowSum,
  [ZONE_RULE]: commonOnset,
  "the same, clip 12": wideCommonOnset,
  "pool, clip 2": narrowPool(2),
  "floor at -1": flooredSum(1),
  "floor at -2": flooredSum(2),
  "winsorised": winsorisedSum,
  [POSSIBLE]: possible,
};
