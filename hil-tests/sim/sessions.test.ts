import { assert, test } from "../../build/testing.ts";
import { DAY_MS, HOUR_MS, type WallMs } from "../../models/units.ts";
import { localTime } from "../../models/local-time.ts";
import { PROFILES, PROFILE_NAMES, profileForRating } from "./profile.ts";
import { planSessions, type PlannedSession } from "./sessions.ts";

const MONDAY = Date.UTC(2026, 2, 2) as WallMs;
const DAYS = 140;

function plans(name: keyof typeof PROFILES, timezone = "Europe/Oslo"): PlannedSession[] {
  const until = (MONDAY + DAYS * DAY_MS) as WallMs;
  const spec = { profile: PROFILES[name], evses: 4, ratedW: 50_000, local: localTime(timezone), from: MONDAY, until,
    seed: 5 };
  return [...planSessions(spec)];
}

function sum(list: readonly number[]): number {
  return list.reduce((total, x) => total + x, 0);
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] as number;
}

function within(actual: number, expected: number, share: number): void {
  assert.ok(Math.abs(actual / expected - 1) < share, `${actual} is not ${expected} ± ${100 * share} %`);
}

for (const name of PROFILE_NAMES) {
  const profile = PROFILES[name];
  const drawn = plans(name);

  test(`${name}: as many sessions as the profile says, in order of arrival`, () => {
    assert.is(profile.weekday.length + profile.weekend.length, 48);
    within((5 * sum(profile.weekday) + 2 * sum(profile.weekend)) / 7, 1000, 0.02);
    within(drawn.length, profile.sessionsPerDayAndEvse * 4 * DAYS, 0.12);
    drawn.forEach(({ plugInAt, plugOutAt }, i) =>
      assert.ok(plugOutAt > plugInAt && plugInAt >= (drawn[i - 1]?.plugInAt ?? MONDAY)));
  });

  test(`${name}: at its hours of the week, local time`, () => {
    const local = localTime("Europe/Oslo");
    const hours = Array.from({ length: 24 }, () => 0);
    const working = drawn.filter(({ plugInAt }) => !local.hour(plugInAt).weekend);
    for (const { plugInAt } of working) hours[local.hour(plugInAt).hour]! += 1 / working.length;
    const share = profile.weekday.map((weight) => weight / sum(profile.weekday));
    hours.forEach((seen, hour) => assert.ok(Math.abs(seen - share[hour]!) < 0.05, `hour ${hour}: ${seen}`));
  });

  test(`${name}: durations and energies have their medians, users return`, () => {
    const hours = drawn.map(({ plugInAt, plugOutAt }) => (plugOutAt - plugInAt) / HOUR_MS);
    within(median(hours), profile.durationH.median, 0.2);
    within(median(drawn.map(({ energyWh }) => energyWh)), profile.energyWh.median, 0.2);
    const users = new Set(drawn.map(({ token }) => token)).size;
    assert.ok(users / drawn.length < 1.5 * (1 - profile.returnShare) + 0.1);
    assert.ok(drawn.every(({ token }) => token.length <= 20));
  });
}

test("nobody charges two vehicles at once", () => {
  const until = new Map<string, number>();
  for (const { token, plugInAt, plugOutAt } of plans("residential")) {
    assert.ok((until.get(token) ?? 0) < plugInAt);
    until.set(token, plugOutAt);
  }
});

test("a night in Oslo is not a night in Los Angeles", () => {
  const hour = (at: WallMs): number => new Date(at).getUTCHours();
  const early = (timezone: string): number =>
    median(plans("workplace", timezone).map(({ plugInAt }) => hour(plugInAt)));
  assert.ok(early("America/Los_Angeles") - early("Europe/Oslo") >= 7);
});

test("local time follows daylight saving, there and back", () => {
  const london = localTime("Europe/London");
  assert.is(london.offsetMs(Date.UTC(2026, 2, 29, 0, 59) as WallMs), 0);
  assert.is(london.offsetMs(Date.UTC(2026, 2, 29, 1) as WallMs), HOUR_MS);
  assert.is(london.parse("2026-07-01T12:00:00"), Date.UTC(2026, 6, 1, 11));
  assert.is(london.parse("2026-01-01T12:00:00"), Date.UTC(2026, 0, 1, 12));
  assert.ok(Number.isNaN(london.parse("")));
  assert.throws(() => localTime("Mars/Crater"), (error: unknown) => error instanceof RangeError);
});

test("a rating chooses a profile", () => {
  const names = [150_000, 40_000, 39_999, 22_000, 21_999, 3_700].map((ratedW) => profileForRating(ratedW).name);
  assert.equal(names, ["public-rapid", "public-rapid", "workplace", "workplace", "residential", "residential"]);
});
