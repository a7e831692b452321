import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, type WallMs } from "../../units.ts";
import {
  ATTACK_SHARE, FEWEST_HITS, hitNats, missNats, passTime, takeEvent, type Timer, TOLERANCE_MS, upperShare,
} from "./timers.ts";

const MIDNIGHT = Date.UTC(2026, 2, 2);
const at = (day: number, ms: number): WallMs => (MIDNIGHT + day * DAY_MS + ms) as WallMs;

/** One event a day at this time for so many days. */
function daily(days: number, ms: number, evseId = 1): Timer[] {
  const timers: Timer[] = [];
  for (let day = 0; day < days; day++) {
    takeEvent(timers, evseId, at(day, ms));
    passTime(timers, at(day, ms + HOUR_MS));
  }
  return timers;
}

test("a time is habitual after some days, and then explains one event a day near it, at its own EVSE", () => {
  for (let days = 0; days < 12; days++) {
    const explained = takeEvent(daily(days, HOUR_MS), 1, at(days, HOUR_MS + 60 * SECOND_MS));
    assert.is(explained !== undefined, days >= FEWEST_HITS, `${days} days`);
  }
  const timers = daily(20, HOUR_MS);
  assert.is(takeEvent(structuredClone(timers), 1, at(20, HOUR_MS + TOLERANCE_MS + SECOND_MS)), undefined);
  assert.is(takeEvent(structuredClone(timers), 2, at(20, HOUR_MS)), undefined, "another EVSE");
  assert.ok((takeEvent(timers, 1, at(20, HOUR_MS)) ?? 99) < 0.1);
  assert.is(takeEvent(timers, 1, at(20, HOUR_MS + SECOND_MS)), undefined, "a second one the same day");
});

test("what comes on one day does not explain the next day's, and what stops coming is forgotten", () => {
  const timers = daily(1, HOUR_MS);
  assert.is(takeEvent(timers, 1, at(1, HOUR_MS)), undefined);
  const gone = daily(20, HOUR_MS);
  for (let day = 20; day < 100; day++) passTime(gone, at(day, 2 * HOUR_MS));
  assert.is(takeEvent(gone, 1, at(100, HOUR_MS)), undefined);
});

test("a habit around midnight is one habit", () => {
  const timers: Timer[] = [];
  const explained = Array.from({ length: 12 }, (_, day) =>
    takeEvent(timers, 1, at(day, (day % 2 === 0 ? 20 : -20) * SECOND_MS)));
  assert.is(timers.length, 1);
  assert.ok(explained.slice(-4).every((nats) => nats !== undefined));
});

test("days without it speak against an attack; days when nobody watched say nothing", () => {
  const timers = daily(10, HOUR_MS);
  assert.is(passTime(timers, at(10, 2 * HOUR_MS)), 0, "an attack leaves out one of twenty, a habit hardly fewer");
  for (let day = 11; day < 16; day++) passTime(timers, at(day, 2 * HOUR_MS));
  assert.ok(passTime(structuredClone(timers), at(16, 2 * HOUR_MS)) < -1);
  assert.is(passTime(timers, at(36, 2 * HOUR_MS)), 0);
});

test("for every true share up to the one believed, the expectation of the e-value is at most 1", () => {
  for (let days = 0; days <= 40; days++) {
    for (let hits = 0; hits <= days; hits++) {
      const believed = upperShare(hits, days);
      assert.ok(believed >= Math.min(ATTACK_SHARE, hits / (days + 2)) && believed <= ATTACK_SHARE);
      for (let share = 0; share <= believed; share += 0.05) {
        const mean = share * Math.exp(hitNats(believed)) + (1 - share) * Math.exp(missNats(believed));
        assert.ok(mean <= 1 + 1e-9, `${hits}/${days} at ${share}: ${mean}`);
      }
    }
  }
});

test("property: whatever happens, few timers, finite evidence, and never more than a hit is worth", () => {
  const dice = seeded(5);
  const timers: Timer[] = [];
  for (let n = 0, now = 0; n < 20_000; n++) {
    now += dice.int(3) === 0 ? dice.int(3 * DAY_MS) : dice.int(10 * MINUTE_MS);
    const explained = takeEvent(timers, dice.int(5), at(0, now - dice.int(DAY_MS)));
    assert.ok(explained === undefined || (explained >= 0 && explained <= -Math.log(0.3)));
    const missed = passTime(timers, at(0, now));
    assert.ok(missed <= 0 && missed > -30 && timers.length <= 8);
  }
});
