import { assert, test } from "../../build/testing.ts";
import { Histogram } from "./forward-stats.ts";

test("quantiles are right within a step of the scale", () => {
  const histogram = new Histogram();
  assert.is(histogram.quantileUs(0.5), 0);
  for (let us = 1; us <= 1_000; us++) histogram.add(us);
  for (const [quantile, exact] of [[0.5, 500], [0.99, 990], [1, 1_000]] as const) {
    const found = histogram.quantileUs(quantile);
    assert.ok(found >= exact && found <= exact * 1.19, `${quantile}: ${found}`);
  }
});

test("what is off the scale falls in its ends", () => {
  const histogram = new Histogram();
  for (const us of [-1, 0, 0.5]) histogram.add(us);
  assert.is(histogram.quantileUs(1), 1);
  histogram.add(1e12);
  assert.ok(histogram.quantileUs(1) > 1e7);
  assert.is(histogram.samples, 4);
});
