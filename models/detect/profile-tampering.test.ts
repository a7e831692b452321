import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { WallMs } from "../units.ts";
import { at, Bench, type Seen, survivesRestarts, withstands } from "./detector.testing.ts";
import { profileTampering, type ProfileTampering } from "./profile-tampering.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const KEY = "profile-tampering";

function limit(given: number, purpose = "TxProfile", unit: "A" | "W" = "A", to?: number): Seen {
  const span = to === undefined ? {} : { to: at(to).wallMs as WallMs };
  return { kind: "charging-limit", evseId: 1, limit: given, unit, purpose, outcome: "accepted", ...span };
}
const start = (n: number): Seen =>
  ({ kind: "transaction-started", transactionId: `t${n}`, evseId: 1, offline: false });
const stop = (n: number): Seen => ({ kind: "transaction-ended", transactionId: `t${n}`, evseId: 1, offline: false });
const power = (powerW: number): Seen =>
  ({ kind: "meter-reading", reading: { evseId: 1, powerW }, side: "evse-output" });
const create = (): Bench<ProfileTampering> => new Bench(profileTampering);

/** A session that follows set-points given every `everyS`, for `hours`; the car takes a minute to follow. */
function follow(
  bench: Bench<ProfileTampering>, hours: number, everyS: number, given: (n: number) => number, meterS = 10, from = 0,
): void {
  bench.see(start(from), from);
  let [amps, before] = [32, 32];
  for (let s = 0; s < hours * HOUR; s += 10) {
    if (s % everyS === 0) {
      [before, amps] = [amps, given(s / everyS)];
      bench.see(limit(amps), from + s);
    }
    bench.tickTo(from + s);
    if (s % meterS === 0) bench.see(power(3 * 230 * Math.min(32, s % everyS < MINUTE ? before : amps)), from + s);
  }
  bench.see(stop(from), from + hours * HOUR);
}

for (const [name, everyS, given] of [
  ["smart charging every quarter of an hour, to and fro", 900, (n: number) => 6 + 13 * ((n * 7) % 3)],
  ["load balancing every half minute in steps of an ampere or two", 30, (n: number) => 20 + (n % 5)],
  ["a limit that is sent again and again", 60, () => 16],
  ["demand response: down for an hour, and up", HOUR, (n: number) => (n % 4 === 3 ? 0 : 32)],
] as const) {
  test(`honest: ${name}`, () => {
    const bench = create();
    for (let day = 0; day < 3; day++) follow(bench, 10, everyS, given, 10, day * DAY);
    assert.ok(bench.peak(KEY) < 0.6, `${bench.peak(KEY)}`);
  });
}

test("honest: smart charging that begins one day, and goes on for weeks", () => {
  const bench = create();
  bench.tickTo(20 * DAY, 60);
  for (let s = 20 * DAY; s < 40 * DAY; s += 900) {
    bench.tickTo(s, 60);
    bench.see(limit(6 + 13 * (((s / 900) * 7) % 3)), s);
  }
  assert.ok(bench.peak(KEY) < 0.5, `${bench.peak(KEY)}`);
});

test("set-points that swing every ten seconds are told within three hours, every four minutes within the day", () => {
  for (const [everyS, byHours] of [[10, 3], [240, 24]] as const) {
    const bench = create();
    bench.tickTo(7 * DAY, 60);
    for (let s = 7 * DAY; s < 8 * DAY; s += everyS) {
      bench.tickTo(s, 60);
      bench.see(limit((s / everyS) % 2 === 0 ? 6 : 32), s);
    }
    const raised = bench.raisedAt.get(KEY) ?? Infinity;
    assert.ok(raised < 7 * DAY + byHours * HOUR, `every ${everyS} s: ${(raised - 7 * DAY) / HOUR} h`);
  }
});

test("a schedule's further periods are no swings of their own", () => {
  const bench = create();
  for (let s = 0; s < 50 * 600; s += 600) [16, 0, 32].forEach((given) => bench.see(limit(given), s));
  assert.is(bench.state.swings, 0);
});

/** Hours of a power under a limit, `onceW` in the minutes before; the highest evidence, as a share of the threshold. */
function ignoring(order: readonly Seen[], hours: number, meterS: number, powerW = 22_000, onceW = 0): number {
  const bench = create();
  bench.tickTo(DAY - 10 * MINUTE, 60);
  bench.see(start(1), DAY - 10 * MINUTE);
  for (let s = -9 * MINUTE; onceW > 0 && s < 0; s += 10) bench.see(power(onceW), DAY + s);
  order.forEach((seen) => bench.see(seen, DAY + 5));
  for (let s = 0; s < hours * HOUR; s += meterS) {
    bench.tickTo(DAY + s);
    bench.see(power(powerW), DAY + s);
  }
  return bench.peak(KEY);
}

test("power above the limit is told within an hour, twice of it within ten minutes, however often it is read", () => {
  for (const meterS of [1, 10, 60]) {
    assert.ok(ignoring([limit(10)], 0.16, meterS) >= 1, `twice: ${meterS} s`);
    assert.ok(ignoring([limit(20)], 1, meterS) >= 1, `half as much again: ${meterS} s`);
    assert.ok(ignoring([limit(20)], 0.5, meterS) < 0.3, `${meterS} s`);
    assert.ok(ignoring([limit(10)], 0.1, meterS) < 0.3, `an EV that is slow: ${meterS} s`);
  }
});

const limitW = (watts: number): Seen[] => [limit(watts, "TxProfile", "W")];

test("twice a small limit is told where a vehicle draws it, and not of a cabinet that is heated during a pause", () => {
  assert.ok(ignoring(limitW(800), 0.16, 10, 2_000, 2_000) >= 1, "as before");
  assert.ok(ignoring(limitW(1_400), 0.16, 10, 3_600, 3_680) >= 1, "as before, on one phase");
  assert.ok(ignoring(limitW(800), 0.16, 10, 1_700, 1_700) < 1, "twice, and no kilowatt above");
  assert.ok(ignoring(limitW(800), 0.16, 10, 5_300) >= 1);
  assert.ok(ignoring(limitW(0), 0.16, 10, 900) < 1);
  assert.ok(ignoring(limitW(0), 0.16, 10, 4_140) >= 1, "nothing is a pause");
});

test("honest: a station that gives 6 A where it is told less, on three phases", () => {
  for (const order of [limitW(1_000), limitW(2_000), limitW(4_000), [limit(1)], [limit(3)]]) {
    for (const [volts, onceW] of [[230, 22_000], [250, 22_000], [250, 7_400]] as const) {
      const peak = ignoring(order, 8, 60, 18 * volts, onceW);
      assert.ok(peak < 0.3, `${volts} V: ${peak}`);
    }
  }
  assert.ok(ignoring([{ ...limit(1_000, "ChargePointMaxProfile", "W"), evseId: 0 } as Seen], 8, 60, 4_140) < 0.3);
  assert.ok(ignoring(limitW(3_000), 0.16, 60, 7_400) >= 1, "more than the least");
});

test("the alert on an ignored limit says so, also where its burst adds nothing any more", () => {
  const bench = create();
  bench.tickTo(DAY, 60);
  bench.see(start(1), DAY);
  bench.see(limit(10), DAY);
  for (let s = 0; s < 10 * MINUTE; s += 10) bench.see(power(22_000), DAY + s);
  const { says } = bench.findings.filter(({ key, nats }) => key === KEY && nats > 5).at(-1)!;
  assert.match(says, /^22\.0 kW at EVSE 1 for 5 minutes, where the limit allows 7\.6 kW$/);
});

test("limits that swing again and again suffice, those of clouds do not", () => {
  const cases = [[5, 24, "10 swings within 10"], [90, 24, ""], [90, 30, "25 swings within 60"], [150, 60, ""]] as const;
  for (const [everyS, orders, words] of cases) {
    const bench = create();
    bench.tickTo(0);
    bench.tickTo(5 * DAY, 60);
    for (let n = 0; n < orders; n++) {
      bench.tickTo(5 * DAY + n * everyS);
      bench.see(limit(n % 2 === 0 ? 8 : 24), 5 * DAY + n * everyS);
    }
    assert.is(bench.raisedAt.has(KEY), words !== "", `every ${everyS} s: ${bench.peak(KEY)}`);
    const said = bench.findings.find(({ says }) => says.includes("swings within"))?.says ?? "";
    assert.ok(said.startsWith(words), said);
    if (words === "") assert.is(said, "");
    else assert.match(said, / minutes, the last a limit of \d+ A for EVSE 1, swing \d+ of this hour$/);
  }
});

/** Evenings on which limits follow a cooker's plates for half an hour, every second day. */
function cook(bench: Bench<ProfileTampering>, from: number, to: number): void {
  for (let day = from; day < to; day += 2) {
    bench.tickTo(day * DAY, 60);
    for (let n = 0; n < 60; n++) {
      bench.tickTo(day * DAY + 30 * n);
      bench.see(limit(n % 2 === 0 ? 8 : 15), day * DAY + 30 * n);
    }
  }
}

test("limits that swing within seconds on many evenings are told at first, and a habit after a week", () => {
  const bench = create();
  bench.tickTo(0);
  cook(bench, 5, 13);
  assert.ok(bench.raisedAt.has(KEY));
  bench.tickTo(13 * DAY, 60);
  bench.peaks.clear();
  cook(bench, 13, 130);
  assert.ok(bench.peak(KEY) < 0.7, `${bench.peak(KEY)}`);
  // Nobody cooks for a quarter of a year: what comes then is news again.
  bench.tickTo(230 * DAY, 3_600);
  bench.raisedAt.clear();
  cook(bench, 230, 231);
  assert.ok(bench.raisedAt.has(KEY));
});

test("days on end of limits that swing within seconds are told on each day of a week", () => {
  const bench = create();
  bench.tickTo(0);
  for (let day = 10; day < 17; day++) {
    bench.raisedAt.clear();
    cook(bench, day, day + 1);
    assert.ok(bench.raisedAt.has(KEY), `day ${day}`);
    bench.tickTo((day + 1) * DAY, 60);
  }
});

/** Load management by a house with a cooker, every few seconds from the first day on, as it is installed. */
test("honest: load management that follows a house from the first day on, and every day after it", () => {
  for (const everyS of [5, 10, 30]) {
    const bench = create();
    const random = seeded(everyS);
    for (let day = 0; day < 12; day++) {
      for (const hour of [7, 12, 18]) {
        for (let s = 0; s < HOUR; s += everyS) {
          const from = day * DAY + hour * HOUR + s;
          bench.tickTo(from, 60);
          bench.see(limit(random.pick([8, 14, 20, 24])), from);
        }
      }
    }
    assert.is(bench.raisedAt.has(KEY), false, `every ${everyS} s: ${bench.peak(KEY)}`);
  }
});

test("limits of a little, below what lets a vehicle charge, starve as those of nothing do", () => {
  for (const [given, unit, found] of [[0, "A", true], [3, "A", true], [1_200, "W", true], [6, "A", false]] as const) {
    const bench = create();
    for (let day = 0; day < 19; day++) {
      bench.tickTo(day * DAY, 60);
      bench.see(start(day), day * DAY);
      bench.see(power(7_000), day * DAY + MINUTE);
      if (day >= 10) bench.see(limit(given, "TxProfile", unit), day * DAY + 2 * MINUTE);
      for (let s = 3 * MINUTE; s < HOUR; s += MINUTE) bench.see(power(day < 10 ? 7_000 : 5), day * DAY + s);
      bench.see(stop(day), day * DAY + HOUR);
    }
    assert.is(bench.raisedAt.has(KEY), found, `${given} ${unit}: ${bench.peak(KEY)}`);
  }
});

test("a limit out of all range suffices once the station's power is known", () => {
  const cases = [
    [10, 22_000, 500, true], [10, 22_000, 63, false], [2, 22_000, 500, false],
    [10, 2_300, 500, true], [10, 2_300, 125, false], [10, 400, 500, false],
  ] as const;
  for (const [days, powerW, amperes, found] of cases) {
    const bench = create();
    for (let day = 0; day < days; day++) {
      bench.tickTo(day * DAY, 60);
      bench.see(power(powerW), day * DAY);
    }
    bench.see(limit(amperes), days * DAY);
    assert.is(bench.raisedAt.has(KEY), found, `${amperes} A after ${days} days of ${powerW} W`);
  }
});

test("absurd limits: nothing throws, nothing is told that is no number", () => {
  const bench = create();
  [-1, 1e308, -1e308, Number.NaN, Infinity, 0, 1e-308].forEach((amperes, n) => bench.see(limit(amperes), n));
  assert.ok(bench.findings.every(({ says }) => !/NaN|Infinity/.test(says)));
});

const atLevel = (level: number, order: Seen): Seen => ({ ...order, level }) as Seen;

test("power is allowed by limits that are high, lapsed, cleared, refused, or replaced by the transaction's own", () => {
  const clear: Seen = { kind: "command", command: "clear-charging-profile", outcome: "accepted" };
  const refused: Seen = { ...limit(10), outcome: "refused" } as Seen;
  const stories: readonly (readonly Seen[])[] = [
    [limit(32)], [limit(22_000, "TxProfile", "W")], [limit(10, "TxProfile", "A", DAY + 6 * MINUTE)],
    [limit(10), clear], [refused], [limit(10, "TxDefaultProfile"), limit(32)],
    [atLevel(1, limit(32)), limit(10)], [limit(10), atLevel(1, limit(32))],
  ];
  stories.forEach((story, n) => assert.ok(ignoring(story, 8, 60) < 0.3, `story ${n}`));
  assert.ok(ignoring([limit(10, "ChargePointMaxProfile"), limit(32)], 8, 60) >= 1, "but the cap holds");
  assert.ok(ignoring([limit(32), atLevel(1, limit(10))], 8, 60) >= 1, "and so does the highest stack level");
});

test("no power is held against a released limit, one whose driver never came, or one that is not heard of", () => {
  const released: Seen = { kind: "limit-released", evseId: 0 };
  const link = (state: "connect" | "disconnect"): Seen => ({ kind: "link", state });
  const ems = { ...limit(10, "EMS"), evseId: 0 } as Seen;
  assert.ok(ignoring([ems], 8, 60) >= 1 && ignoring([ems, released], 8, 60) < 0.3);
  assert.ok(ignoring([limit(10), link("disconnect")], 8, 60) < 0.3, "who charges is told later");
  assert.ok(ignoring([limit(10), link("disconnect"), link("connect")], 8, 60) >= 1, "and the limit stands");
  for (const [waitS, silent] of [[5 * MINUTE, true], [MINUTE, false]] as const) {
    const bench = create();
    bench.tickTo(DAY, 60);
    bench.see(limit(10), DAY);
    bench.tickTo(DAY + waitS);
    bench.see(start(1), DAY + waitS);
    for (let s = waitS; s < HOUR; s += 10) bench.see(power(22_000), DAY + s);
    assert.is(bench.peak(KEY) < 0.3, silent, `${waitS} s`);
  }
});

test("a limit below zero is worth a sixth of the threshold at once, one of nothing while idle nothing", () => {
  const bench = create();
  bench.tickTo(DAY, 60);
  bench.see(limit(0), DAY);
  assert.is(bench.peak(KEY), 0);
  bench.see(limit(-16), 2 * DAY);
  assert.ok(bench.peak(KEY) > 1 / 6, `${bench.peak(KEY)}`);
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(profileTampering, (bench) => {
    const random = seeded(71);
    for (let n = 0; n < 400; n++) {
      bench.tickTo(n * 200);
      bench.see(random.pick([limit(6), limit(32), limit(0), power(22_000), start(n), stop(n)]), n * 200);
    }
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(profileTampering, seeded(72), 100_000);
});
