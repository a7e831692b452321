import { seeded } from "../../../../build/seeded.ts";
import { assert, test } from "../../../../build/testing.ts";
import { dice } from "../../../sim/dice.ts";
import { HOUR_FEATURES, type Row, SESSION_FEATURES } from "../features.ts";
import { farthest, fixedThresholds } from "./fixed-thresholds.ts";
import { growTree, isolationForest, meanPath, pathLength } from "./isolation-forest.ts";
import { fitLine, ratioRules } from "./ratio-rules.ts";
import { alarmsIn, type Baseline, calibrated, incidents, quantile, type Rows, thresholdFor } from "./scorer.ts";

const random = seeded(8);

function rows(width: number, count: number, draw: () => number): Row[] {
  return Array.from({ length: count }, (_, at) => ({ at, values: Array.from({ length: width }, draw) }));
}

const HONEST: Rows = {
  hours: rows(HOUR_FEATURES.length, 400, () => random.int(3)),
  sessions: rows(SESSION_FEATURES.length, 400, () => random.next() + random.next()),
};
const strange = (width: number): number[] => new Array<number>(width).fill(50);

test("quantiles: known values of type 7, ends, one value, nothing", () => {
  assert.is(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.is(quantile([1, 2, 3, 4, 5], 0.25), 2);
  assert.equal([quantile([7, 3], 0), quantile([7, 3], 1), quantile([9], 0.3)], [3, 7, 9]);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test("a threshold lets no more scores through than allowed, ties included", () => {
  for (let round = 0; round < 200; round++) {
    const scores = Float64Array.from({ length: 1 + random.int(50) }, () => random.int(10));
    const allowed = random.int(8) + random.next();
    const threshold = thresholdFor(scores, allowed);
    assert.ok(scores.filter((score) => score > threshold).length <= allowed);
  }
  assert.is(thresholdFor(Float64Array.of(1, 2, 3, 4), 2), 2);
  assert.is(thresholdFor(new Float64Array(), 2), Infinity);
});

test("alarms close to one another are one incident", () => {
  assert.is(incidents([], 10), 0);
  assert.is(incidents([0, 5, 14, 30, 31], 10), 2);
});

test("a line through points is the one that the normal equations give", () => {
  assert.equal(fitLine([[0, 1], [1, 3], [2, 5]]), { slope: 2, intercept: 1 });
  assert.equal(fitLine([[2, 1], [2, 3]]), { slope: 0, intercept: 2 });
  const points = Array.from({ length: 30 }, () => [random.next(), random.next()] as const);
  const { slope, intercept } = fitLine(points);
  const residuals = points.map(([x, y]) => y - intercept - slope * x);
  assert.ok(Math.abs(residuals.reduce((sum, one) => sum + one, 0)) < 1e-9);
  assert.ok(Math.abs(residuals.reduce((sum, one, i) => sum + one * points[i]![0], 0)) < 1e-9);
});

test("fixed thresholds: 1 is as far as honest rows ever went, and what never moved is farther than anything", () => {
  const score = farthest([{ at: 0, values: [0, 5] }, { at: 1, values: [4, 5] }, { at: 2, values: [10, 5] }]);
  assert.equal([[4, 5], [10, 5], [-4, 5], [16, 5]].map(score), [0, 1, 2, 2]);
  assert.ok(score([4, 5.1]) > 1_000);
});

test("isolation trees: every row comes to a leaf that counts it, and mean paths are the paper's", () => {
  const values = Array.from({ length: 64 }, () => [random.next(), random.next()]);
  const tree = growTree(values, dice(1, "tree"), 20);
  const alone = values.map((row) => pathLength(tree, row));
  assert.ok(alone.every((cuts) => cuts >= 1 && cuts <= 20));
  assert.is(pathLength({ rows: 1 }, []), 0);
  assert.ok(Math.abs(meanPath(256) - 10.24) < 0.01); // c(256), as their text gives it
  assert.equal([meanPath(0), meanPath(1), meanPath(2)], [0, 0, 1]);
});

const BASELINES: readonly Baseline[] = [fixedThresholds, ratioRules, isolationForest];
for (const baseline of BASELINES) {
  test(`${baseline.name}: honest training rows alarm no more often than allowed, a strange row does`, () => {
    const alarms = calibrated(baseline.fit(HONEST, 1), HONEST, 6);
    assert.ok(alarmsIn(alarms, HONEST).length <= 6);
    const attacked = { hours: [{ at: 5, values: strange(HOUR_FEATURES.length) }], sessions: [] };
    assert.equal(alarmsIn(alarms, attacked), [5]);
    const session = { hours: [], sessions: [{ at: 7, values: strange(SESSION_FEATURES.length) }] };
    assert.equal(alarmsIn(alarms, session), [7]);
  });

  test(`${baseline.name}: learns the same from the same seed, and from nothing without throwing`, () => {
    const scores = [1, 1].map((seed) => baseline.fit(HONEST, seed).session(HONEST.sessions[3]!.values));
    assert.is(scores[0], scores[1]);
    calibrated(baseline.fit({ hours: [], sessions: [] }, 1), { hours: [], sessions: [] }, 1);
  });
}
