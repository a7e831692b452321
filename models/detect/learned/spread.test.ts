import { normal, seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { learnSpread, scaleOf, type Spread } from "./spread.ts";

const create = (): Spread => ({ centre: 0, variance: 0.01 ** 2, weight: 4, floor: 0.005 ** 2, ceiling: 0.02 ** 2 });
const BOUND = 0.03;
const learn = (spread: Spread, value: number, noise = 0): void => learnSpread(spread, value, noise, -BOUND, BOUND);

test("the scale, as a table", () => {
  const cases: [Partial<Spread>, number, number][] = [
    [{}, 0, 0.01 * Math.sqrt(1.25)],
    [{ weight: 1 }, 0, 0.01 * Math.SQRT2],
    [{ variance: 0 }, 0, 0.005 * Math.sqrt(1.25)],
    [{ weight: 200 }, 0.03, Math.sqrt(0.0001 * 1.005 + 0.0009)],
  ];
  for (const [change, noise, scale] of cases) {
    assert.ok(Math.abs(scaleOf({ ...create(), ...change }, noise) - scale) < 1e-12);
  }
});

test("centre and spread of honest values are found, their own noise taken off", () => {
  const random = seeded(1);
  const spread = create();
  for (let session = 0; session < 1_000; session++) {
    learn(spread, 0.012 + 0.008 * normal(random) + 0.006 * normal(random), 0.006);
  }
  assert.ok(Math.abs(spread.centre - 0.012) < 0.003, `${spread.centre}`);
  assert.ok(Math.abs(Math.sqrt(spread.variance) - 0.008) < 0.003, `${Math.sqrt(spread.variance)}`);
  assert.is(spread.weight, 200);
});

test("one gross outlier teaches at most three spreads' worth", () => {
  for (const outlier of [1e3, 1e308, -1e308]) {
    const spread = create();
    const scale = scaleOf(spread, 0);
    learn(spread, outlier);
    assert.ok(Math.abs(spread.centre) <= (3 * scale) / 5 + 1e-12);
    assert.ok(scaleOf(spread, 0) <= 2 * scale);
  }
});

test("slow teaching has an end: whoever drifts moves neither centre nor spread beyond their bounds", () => {
  const spread = create();
  for (let session = 0; session < 20_000; session++) learn(spread, spread.centre + 2.9 * scaleOf(spread, 0));
  assert.is(spread.centre, BOUND);
  assert.ok(spread.variance <= spread.ceiling);
  const wild = create();
  for (let session = 0; session < 20_000; session++) learn(wild, session % 2 === 0 ? 1.5 : -1.5);
  assert.ok(Math.sqrt(wild.variance) <= 0.02 + 1e-12);
});

test("it forgets: a meter that was exchanged is learned anew", () => {
  const random = seeded(2);
  const spread = create();
  for (let session = 0; session < 500; session++) learn(spread, -0.01 + 0.005 * normal(random));
  for (let session = 0; session < 900; session++) learn(spread, 0.01 + 0.005 * normal(random));
  assert.ok(Math.abs(spread.centre - 0.01) < 0.003, `${spread.centre}`);
});
