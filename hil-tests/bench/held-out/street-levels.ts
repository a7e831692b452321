/**
 * How high the centre's sums come in honest streets (models/agree/street.testing.ts), on which the zone's thresholds
 * were measured too: a few days of a city tell nothing of what comes once in years.
 */
import { pooledCusum } from "../../../models/agree/baselines/alone-and-pooled.testing.ts";
import { Peaks } from "../../../models/agree/baselines/peaks.testing.ts";
import { rowsOf } from "../../../models/agree/baselines/street-stage.testing.ts";
import { tell } from "../../../models/agree/baselines/told.testing.ts";
import { HOUR_S, KEYS, Street, wideClip } from "../../../models/agree/street.testing.ts";
import { BUDGET_PER_YEAR } from "../../../models/agree/zone-laws.ts";
import type { EvidenceKey } from "../../../models/terms.ts";
import { dice } from "../../sim/dice.ts";
import { EPOCH_S } from "./zone-days.ts";

const LEARNING_HOURS = 60 * 24;
const YEAR_HOURS = 365 * 24;
const LEAST_PEAK = 4;

/**
 * What the pooled CUSUM of n honest stations exceeds as often as a key's budget allows, nats.
 * @param streets each lived through for a year
 */
export function streetLevels(n: number, streets: number, seed: number): ReadonlyMap<EvidenceKey, number> {
  const peaks = new Map(KEYS.map((key) => [key, new Peaks(LEAST_PEAK)]));
  for (let lived = 0; lived < streets; lived++) {
    const street = new Street({ n, epochS: EPOCH_S }, dice(seed, `street ${lived} of ${n}`));
    street.live(LEARNING_HOURS, () => undefined);
    const beforeS = lived * YEAR_HOURS * HOUR_S * 2;
    street.live(YEAR_HOURS, (key, seconds) => {
      const clip = wideClip(key);
      const told = tell(rowsOf(street, key, seconds), { f: 0, clip, zoneClip: clip });
      peaks.get(key)!.add(beforeS + seconds, pooledCusum(told));
    });
  }
  return new Map(KEYS.map((key) => [key, peaks.get(key)!.level(streets, BUDGET_PER_YEAR[key])]));
}
