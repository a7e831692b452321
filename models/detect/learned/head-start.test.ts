import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { at } from "../detector.testing.ts";
import { createPurse, headStart, MOST_WEIGHT } from "./head-start.ts";

const YEAR_S = 365 * 86_400;
const PER_YEAR = 4_000;

test("a session weighs the time since the last in sessions of a busy station, one at least, and never too many", () => {
  const most = MOST_WEIGHT;
  const cases: [number, number][] = [[0, 1], [0.5, 1], [2, 2], [7.5, 7.5], [most, most], [400, most]];
  for (const [sessions, weight] of cases) {
    const purse = createPurse();
    headStart(purse, PER_YEAR, at(0));
    purse.saved = 0;
    const nats = headStart(purse, PER_YEAR, at((sessions * YEAR_S) / PER_YEAR));
    assert.ok(nats <= Math.log(weight) && nats > Math.log(weight) - 0.011, `${sessions}: ${nats}`);
  }
  assert.is(headStart(createPurse(), PER_YEAR, at(0)), 0, "the first of all has waited for nothing");
});

test("the weights sum to what the threshold allows for and the worst rush beyond it, and clocks may jump", () => {
  const random = seeded(5);
  for (const perYear of [50, 1_000, 4_000, 12_000]) {
    const purse = createPurse();
    let [sum, seconds, sessions, rush, worst] = [0, 0, 0, 0, 0];
    for (; seconds < 3 * YEAR_S; sessions++) {
      const pauseS = random.next() < 0.5 ? 0 : (2 * random.next() * 2 * YEAR_S) / perYear;
      seconds += pauseS;
      sum += Math.exp(headStart(purse, PER_YEAR, at(seconds)));
      rush = Math.max(0, rush - (PER_YEAR * pauseS) / YEAR_S) + 1;
      worst = Math.max(worst, rush);
      assert.ok(sum <= (PER_YEAR * seconds) / YEAR_S + worst + 1e-3, `${perYear}: ${sum}`);
    }
    if (perYear === 50) assert.ok(sum / sessions > 10, `${sum / sessions}`);
  }
  const purse = createPurse();
  headStart(purse, PER_YEAR, at(YEAR_S));
  assert.is(headStart(purse, PER_YEAR, at(0)), 0, "a clock that was set back");
});

test("the mean of sums that begin so stays within what the threshold allows for", () => {
  const [random, runs, days, shift] = [seeded(8), 20_000, 90, 1];
  let sum = 0;
  for (let run = 0; run < runs; run++) {
    const purse = createPurse();
    let nats = 0;
    for (let day = 0; day < days; day += 3) {
      const head = headStart(purse, PER_YEAR, at(day * 86_400));
      const own = random.next() < 1 / (1 + Math.exp(shift)) ? shift : -shift;
      nats = Math.max(0, own > 0 ? Math.max(nats, head) + own : nats + own);
    }
    sum += Math.exp(nats) - 1;
  }
  assert.ok(sum / runs <= (PER_YEAR * days) / 365, `${sum / runs}`);
});
