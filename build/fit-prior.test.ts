import { readFileSync } from "node:fs";
import { BINS, createRate, upperPerHour } from "../models/detect/learned/rate.ts";
import { SESSIONS, START_SHAPE, STARTS_PER_HOUR, STARTS_WEIGHT_HOURS } from "../models/detect/prior.ts";
import type { WallMs } from "../models/units.ts";
import { fitPrior, PRIOR_FILE, priorModule } from "./fit-prior.ts";
import { sharedDir } from "./paths.ts";
import { hourLoss, type Losses, scoreCity, waysFor } from "./prior-score.ts";
import { readCities } from "./session-data.ts";
import { assert, test } from "./testing.ts";

test("the shipped prior is sane: a shape of mean one, quantiles in order, more than half an event of doubt", () => {
  const weekly = START_SHAPE.reduce((sum, value, bin) => sum + value * (bin < 24 ? 5 : 2), 0) / (7 * 24);
  assert.ok(START_SHAPE.length === BINS && Math.abs(weekly - 1) < 0.02, `${weekly}`);
  assert.ok(Math.min(...START_SHAPE) > 0);
  for (const { durationH, energyWh, meanW, gapH, shortShare } of Object.values(SESSIONS)) {
    for (const list of [durationH, energyWh, meanW, gapH] as readonly (readonly number[])[]) {
      assert.equal([...list].sort((a, b) => a - b), list);
    }
    assert.ok(shortShare >= 0 && shortShare < 0.2);
  }
  // An unknown station may be one of the busiest: four to seven starts a day are within the null.
  const upper = 24 * upperPerHour(createRate(STARTS_PER_HOUR, STARTS_WEIGHT_HOURS), 0 as WallMs);
  assert.ok(upper > 4 && upper < 8, `${upper}`);
});

test("the loss of an hour is least at the true rate", () => {
  for (const count of [0, 1, 3]) {
    const at = (rate: number): number => hourLoss(rate, count);
    assert.ok(at(Math.max(count, 1e-9)) < at(count + 0.5) && at(Math.max(count, 1e-9)) <= at(count + 0.1));
  }
});

const shared = sharedDir();
const REFIT = "the figures that ship are those of the data";
const SCORE = "fitted on the other cities it beats the judged rate on the first day and in the second week";
if (shared === undefined) {
  test.skip(REFIT, "no ../shared");
  test.skip(SCORE, "no ../shared");
} else {
  const cities = readCities(shared);
  test(REFIT, () => assert.is(readFileSync(PRIOR_FILE, "utf8"), priorModule(fitPrior(cities), cities)));

  test(SCORE, () => {
    const mean = (way: string, window: keyof Losses): number => {
      const each = cities.map((city) => scoreCity(city, waysFor(city, cities)[way]!))
        .filter((one) => one !== undefined);
      assert.is(each.length, cities.length);
      return each.reduce((sum, losses) => sum + losses[window], 0) / each.length;
    };
    for (const window of ["day 1", "day 14"] as const) {
      const [fitted, judged] = [mean("fitted rate", window), mean("judged rate", window)];
      assert.ok(fitted < judged, `${window}: ${fitted} against ${judged}`);
    }
    assert.ok(mean("fitted rate", "day 14") < mean("fitted rate", "day 1") / 2);
  });
}
