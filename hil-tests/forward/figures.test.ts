import { assert, test } from "../../build/testing.ts";
import { aimLine, aimsOf, lineOf, quantile, rowsOf, TABLE_HEAD } from "./figures.ts";
import type { Measured, RelayName } from "./figures.ts";

/** As if each round had taken the same. */
function steady(relay: RelayName, p50Us: number, cpuUs?: number, rounds = 4): Measured {
  return {
    relay, trips: Array.from({ length: rounds }, () => ({ p50Us, p99Us: 10 * p50Us, cpuUs })),
    bulk: [{ framesPerS: 1_000, cpuUs }],
  };
}

test("quantiles are by nearest rank", () => {
  assert.equal([0, 0.25, 0.5, 0.99, 1].map((q) => quantile([4, 1, 3, 2], q)), [1, 1, 2, 4, 4]);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test("what a relay adds is held against what nginx and the bare splice add, and their processor time", () => {
  const rows = rowsOf([steady("direct", 40), steady("nginx stream", 60, 20), steady("node splice", 80, 40),
    steady("observe", 90, 50)], "plain", 200);
  const observe = rows.at(-1);
  assert.is(observe?.addedP50OverNginx, 2.5);
  assert.is(observe?.addedP99OverSplice, 1.25);
  assert.is(observe?.cpuOverSplice, 1.25);
  assert.is(rows[0]?.cpuUsPerFrame, undefined);
});

test("a noisy half of the rounds changes no row", () => {
  const noisy = (one: Measured): Measured => ({ ...one, trips: one.trips.map((trip, i) =>
    (i % 2 === 0 ? trip : { p50Us: trip.p50Us * 50, p99Us: trip.p99Us * 50, cpuUs: trip.cpuUs && trip.cpuUs * 50 })) });
  const all = [steady("direct", 40), steady("nginx stream", 60, 20), steady("observe", 90, 50)];
  assert.equal(rowsOf(all.map(noisy), "plain", 200), rowsOf(all, "plain", 200));
});

test("without nginx there is no ratio to it, and its aims are not said to be met", () => {
  const rows = rowsOf([steady("direct", 40), steady("node splice", 80, 40), steady("observe", 90, 50)], "tls", 200);
  assert.is(rows.at(-1)?.addedP50OverNginx, undefined);
  const lines = aimsOf(rows).map(aimLine);
  assert.is(lines.filter((line) => line.endsWith("not measured")).length, 4);
  assert.is(lines.filter((line) => line.endsWith(" met")).length, 1);
});

test("an aim that is missed is said to be", () => {
  const rows = rowsOf([steady("direct", 40), steady("nginx stream", 60, 20), steady("node splice", 80, 40),
    steady("observe", 90, 61), steady("guard", 90, 50), steady("ws relay", 91, 70)], "plain", 200);
  const verdicts = aimsOf(rows).map((aim) => /NOT met|met|not measured/.exec(aimLine(aim))?.[0]);
  assert.equal(verdicts, ["NOT met", "NOT met", "NOT met", "NOT met", "met"]);
});

test("rows stand under their heads", () => {
  const [, observe] = rowsOf([steady("direct", 40), steady("observe", 90, 50)], "plain", 16_384);
  assert.is(lineOf(observe!).length, TABLE_HEAD.length);
});
