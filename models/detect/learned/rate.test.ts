import { seeded, type Seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { HOUR_MS, type WallMs } from "../../units.ts";
import {
  BINS, binOf, createRate, eventNats, learnRate, type LearnedRate, quietNats, ratePerHour, upperPerHour,
} from "./rate.ts";

const MONDAY = Date.UTC(2026, 2, 2);
const hourAt = (hours: number): WallMs => (MONDAY + hours * HOUR_MS) as WallMs;
/** Monday, 3 am: not an hour that any test singles out. */
const NIGHT = hourAt(3);

/** Number of events of a Poisson process in one step (Knuth). */
function poisson(random: Seeded, mean: number): number {
  let events = -1;
  for (let product = 1; product > Math.exp(-mean); events++) product *= random.next();
  return events;
}

function live(rate: LearnedRate, random: Seeded, fromH: number, hours: number, perHour: (at: WallMs) => number): void {
  for (let hour = fromH; hour < fromH + hours; hour++) {
    const at = hourAt(hour);
    learnRate(rate, at, 1, 0);
    const events = poisson(random, perHour(at));
    for (let event = 0; event < events; event++) learnRate(rate, at, 0, 1);
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function standardError(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)) / values.length);
}

test("bins: weekday hours, then weekend hours, UTC", () => {
  const cases: [string, number][] = [
    ["2026-03-02T00:00:00Z", 0], ["2026-03-02T23:59:59Z", 23], ["2026-03-06T12:00:00Z", 12],
    ["2026-03-07T00:00:00Z", 24], ["2026-03-08T23:00:00Z", 47], ["2026-03-09T00:00:00Z", 0],
    ["1970-01-01T05:00:00Z", 5], ["1969-12-28T05:00:00Z", 29], ["1969-12-29T05:00:00Z", 5],
  ];
  for (const [time, bin] of cases) assert.is(binOf(Date.parse(time) as WallMs), bin, time);
});

test("every moment has a bin, before 1970 too", () => {
  const random = seeded(1);
  for (let run = 0; run < 5_000; run++) {
    const bin = binOf(Math.floor((random.next() - 0.5) * 1e14) as WallMs);
    assert.ok(Number.isInteger(bin) && bin >= 0 && bin < BINS);
  }
});

test("evidence is an e-value for every true rate up to the upper estimate", () => {
  const random = seeded(2);
  const upper = 0.6;
  const alternative = 1.5;
  for (const truth of [0.6, 0.45, 0.2, 0.01]) {
    const windows = Array.from({ length: 20_000 }, () => {
      let nats = 0;
      for (let step = 0; step < 20; step++) {
        nats += quietNats(upper, alternative, 0.2) + poisson(random, truth * 0.2) * eventNats(upper, alternative);
      }
      return Math.exp(nats);
    });
    assert.ok(mean(windows) <= 1 + 3 * standardError(windows), `rate ${truth}: ${mean(windows)}`);
    if (truth === upper) assert.ok(mean(windows) > 0.8, "it has the expectation 1 at the bound, not much less");
  }
});

test("evidence grows under the alternative by its Kullback-Leibler divergence", () => {
  const random = seeded(3);
  const [upper, alternative, hours] = [0.5, 4, 2_000];
  const events = poisson(random, 10) + Array.from({ length: 200 }, () => poisson(random, alternative * (hours / 200)))
    .reduce((sum, n) => sum + n, 0) - 10;
  const nats = quietNats(upper, alternative, hours) + events * eventNats(upper, alternative);
  const expected = hours * (alternative * Math.log(alternative / upper) - (alternative - upper));
  assert.ok(Math.abs(nats / expected - 1) < 0.1, `${nats} for ${expected}`);
});

test("an alternative that is no rise is no evidence", () => {
  for (const alternative of [0, 0.4, 0.5]) {
    assert.is(eventNats(0.5, alternative), 0);
    assert.is(quietNats(0.5, alternative, 10), 0);
  }
});

test("learning finds the rate and its profile", () => {
  const rate = createRate(1 / 48, 96);
  const truth = (at: WallMs): number => (binOf(at) >= 9 && binOf(at) < 18 ? 1.2 : 0.1);
  live(rate, seeded(4), 0, 26 * 7 * 24, truth);
  const [noon, night, sunday] = [hourAt(12), NIGHT, hourAt(6 * 24 + 12)];
  assert.ok(Math.abs(ratePerHour(rate, noon) / 1.2 - 1) < 0.3, `noon ${ratePerHour(rate, noon)}`);
  assert.ok(ratePerHour(rate, night) < 0.3, `night ${ratePerHour(rate, night)}`);
  assert.ok(ratePerHour(rate, sunday) < 0.35, `Sunday noon ${ratePerHour(rate, sunday)}`);
  assert.ok(upperPerHour(rate, noon) > ratePerHour(rate, noon));
});

test("habits of old are forgotten: the rate within three months, the hour within half a year", () => {
  const rate = createRate(0.1, 48);
  const random = seeded(5);
  const peakAt = (bin: number, perHour: number) => (at: WallMs): number => (binOf(at) === bin ? perHour : 0.05);
  live(rate, random, 0, 26 * 7 * 24, peakAt(8, 2));
  const before = [ratePerHour(rate, hourAt(8)), ratePerHour(rate, hourAt(18))];
  assert.ok(before[0]! > 3 * before[1]!, `${before}`);
  live(rate, random, 26 * 7 * 24, 26 * 7 * 24, peakAt(18, 2));
  const after = [ratePerHour(rate, hourAt(8)), ratePerHour(rate, hourAt(18))];
  assert.ok(after[1]! > 3 * after[0]!, `${after}`);
  const weekly = rate.events / rate.hours;
  live(rate, random, 52 * 7 * 24, 90 * 24, () => 0);
  assert.ok(rate.events / rate.hours < 0.3 * weekly);
});

test("what never came in ten years is rare and not impossible", () => {
  const rate = createRate(1 / 48, 96);
  for (let day = 0; day < 3_650; day++) learnRate(rate, hourAt(24 * day), 24, 0);
  assert.ok(upperPerHour(rate, NIGHT) > 0.1 / (90 * 24), `${upperPerHour(rate, NIGHT)}`);
  assert.ok(eventNats(upperPerHour(rate, NIGHT), 12) < 13);
});

test("little experience makes a wide upper estimate, much a narrow one", () => {
  const young = createRate(1, 2);
  const old = createRate(1, 2_000);
  assert.ok(upperPerHour(young, NIGHT) > 1.5);
  assert.ok(upperPerHour(old, NIGHT) < 1.05);
});

test("no hour is called quieter than a tenth of the mean", () => {
  const rate = createRate(5, 10);
  for (let hour = 0; hour < 5_000; hour++) learnRate(rate, hourAt(hour), 1, binOf(hourAt(hour)) === 3 ? 0 : 5);
  assert.ok(ratePerHour(rate, NIGHT) >= 0.0999 * (rate.events / rate.hours));
});

test("absurd inputs leave figures that are finite and positive", () => {
  const random = seeded(6);
  const absurd = [0, 1e-300, 1, 1e6, 1e12, Number.MAX_SAFE_INTEGER];
  const rate = createRate(1 / 48, 96);
  for (let run = 0; run < 2_000; run++) {
    const at = ((random.next() - 0.5) * 2 * 8.64e15) as WallMs;
    learnRate(rate, at, random.pick(absurd), random.pick([0, 1, 1e9]));
    const [usual, upper] = [ratePerHour(rate, at), upperPerHour(rate, at)];
    assert.ok(Number.isFinite(usual) && usual >= 0, `run ${run}: ${usual}`);
    assert.ok(Number.isFinite(upper) && upper > 0, `run ${run}: ${upper}`);
  }
  assert.equal(JSON.parse(JSON.stringify(rate)), rate);
});

test("an hour of ticks learns what one step of an hour does", () => {
  const [ticked, stepped] = [createRate(1, 48), createRate(1, 48)];
  for (let tick = 0; tick < 360; tick++) learnRate(ticked, NIGHT, 1 / 360, 0);
  learnRate(stepped, NIGHT, 1, 0);
  assert.ok(Math.abs(ticked.events / stepped.events - 1) < 1e-9);
  assert.ok(Math.abs(ticked.hours / stepped.hours - 1) < 1e-9);
});
