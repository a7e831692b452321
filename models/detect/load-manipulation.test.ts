import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { EvidenceKey } from "../terms.ts";
import { Bench, type Seen, survivesRestarts, withstands } from "./detector.testing.ts";
import type { Direction } from "./joint-causes.ts";
import { declareCauses, loadManipulation, type LoadManipulation } from "./load-manipulation.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const create = (): Bench<LoadManipulation> => new Bench(loadManipulation);

const start = (n: number, offline = false): Seen =>
  ({ kind: "transaction-started", transactionId: `t${n}`, evseId: 1, offline });
const stop = (n: number, offline = false): Seen =>
  ({ kind: "transaction-ended", transactionId: `t${n}`, evseId: 1, offline });
const power = (powerW: number, evseId = 1): Seen =>
  ({ kind: "meter-reading", reading: { evseId, powerW }, side: "evse-output" });
const limit = (amps: number, evseId = 1): Seen =>
  ({ kind: "charging-limit", evseId, limit: amps, unit: "A", purpose: "TxProfile", outcome: "accepted" });

const risen = (bench: Bench<LoadManipulation>, key: EvidenceKey): number =>
  bench.findings.filter((finding) => finding.key === key && finding.nats > 0).length;

test("no threat of its own: at one station each action is ordinary", () => {
  const bench = create();
  for (let n = 0; n < 200; n++) {
    bench.see(start(n), n * 10);
    bench.see(limit(n % 2 === 0 ? 6 : 32), n * 10 + 5);
  }
  assert.ok([...bench.peaks.keys()].every((key) => key !== "load-manipulation"));
});

test("starts and stops count when they happen, not when a backlog is flushed", () => {
  const bench = create();
  bench.see(start(1), 0);
  bench.see(stop(1), 10);
  for (let n = 2; n < 30; n++) {
    assert.equal(bench.see(start(n, true), 20 + n), []);
    assert.equal(bench.see(stop(n, true), 20 + n), []);
  }
  assert.equal([risen(bench, "starts"), risen(bench, "stops")], [1, 1]);
});

test("which steps of metered power are large, as a table", () => {
  const cases: [number, number, boolean][] = [
    [0, 7_000, true], [7_000, 0, true], [7_000, 7_300, false], [7_000, 5_000, true], [7_000, 5_800, false],
    [0, 900, false], [0, 1_001, true], [50_000, 49_000, false], [-5_000, 5_000, true], [0, 0, false],
  ];
  for (const [before, after, large] of cases) {
    const bench = create();
    assert.equal(bench.see(power(before), 0), []);
    assert.is(bench.see(power(after), 10).length, large ? 1 : 0, `${before} to ${after}`);
  }
});

test("a set-point counts when it changes; each EVSE has its own", () => {
  const bench = create();
  assert.is(bench.see(limit(16), 0).length, 1);
  assert.is(bench.see(limit(16), 1).length, 0);
  assert.is(bench.see(limit(32, 2), 2).length, 1);
  assert.is(bench.see(limit(6), 3).length, 1);
});

test("one start is worth a few nats, which a quarter of an hour of quiet takes back", () => {
  const bench = create();
  bench.tickTo(7 * DAY, 600);
  const before = bench.total("starts");
  bench.see(start(1), 7 * DAY + 1);
  const jump = bench.total("starts") - before;
  assert.ok(jump > 2 && jump < 12, `${jump}`);
  bench.tickTo(7 * DAY + jump / 20 * HOUR + 60);
  assert.ok(bench.total("starts") <= before + 0.1);
});

test("a tariff edge is learned: sessions at one hour of each day say less there than elsewhere", () => {
  const bench = create();
  for (let day = 0; day < 60; day++) {
    bench.tickTo(day * DAY + 1_800, 600);
    bench.see(start(day), day * DAY + 1_800);
  }
  bench.tickTo(60 * DAY + 1_700, 600);
  const usual = bench.see(start(1_000), 60 * DAY + 1_800)[0]!.nats;
  bench.tickTo(60 * DAY + 9 * HOUR, 600);
  const odd = bench.see(start(1_001), 60 * DAY + 9 * HOUR)[0]!.nats;
  assert.ok(odd > usual + 1, `${odd} against ${usual}`);
});

test("quiet time is counted by the monotonic clock, at most ten minutes at once", () => {
  const bench = create();
  bench.see({ kind: "tick" }, 0);
  const tenMinutes = bench.see({ kind: "tick" }, 600)[0]!.nats;
  const afterSleep = bench.see({ kind: "tick" }, 600 + 3 * DAY)[0]!.nats;
  assert.ok(Math.abs(afterSleep / tenMinutes - 1) < 0.05, `${afterSleep} and ${tenMinutes}`);
  assert.equal(bench.see({ kind: "tick" }, 600 + 3 * DAY), []);
});

test("figures that are no numbers are left out", () => {
  const bench = create();
  for (const value of [Number.NaN, Infinity, -Infinity]) {
    assert.equal(bench.see(power(value), 0), []);
    assert.equal(bench.see(limit(value), 0), []);
  }
  assert.equal(bench.state.powerW, {});
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(loadManipulation, (bench) => {
    for (let n = 0; n < 300; n++) {
      bench.tickTo(n * 97);
      bench.see([start(n), stop(n), power(n % 7 * 1_500), limit(n % 3 * 10)][n % 4]!, n * 97);
    }
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(loadManipulation, seeded(31), 100_000);
});

/** A tariff at 08:30 UTC, half an hour into the bench's days. */
const EDGE = 1_800;
function atTariff(expect: Direction = "increase"): Bench<LoadManipulation> {
  const bench = create();
  declareCauses(bench.state, [{ kind: "tariff", dailyMin: 510, timezone: "UTC", spreadS: 60, expect }]);
  bench.tickTo(EDGE - 100, 600);
  return bench;
}
const natsOf = (bench: Bench<LoadManipulation>, seen: Seen, at: number): number => bench.see(seen, at)[0]!.nats;

test("a declared cause explains one step in its direction, at each EVSE, from the first day", () => {
  const bench = atTariff();
  assert.is(natsOf(bench, start(1), EDGE), 0);
  assert.ok(natsOf(bench, start(2), EDGE + 10) > 2, "a second start of one EVSE");
  assert.is(natsOf(bench, { ...start(3), evseId: 2 } as Seen, EDGE + 20), 0);
  bench.see(power(0), EDGE + 21);
  assert.is(natsOf(bench, power(7_000), EDGE + 25), 0);
  assert.ok(natsOf(bench, power(0), EDGE + 30) > 0.3, "the other direction");
  assert.ok(natsOf(bench, stop(1), EDGE + 40) > 2);
  assert.ok(natsOf(bench, { ...start(4), evseId: 3 } as Seen, EDGE + 130) > 2, "after its window");
});

test("declared with the wrong sign it explains nothing", () => {
  assert.ok(natsOf(atTariff("decrease"), start(1), EDGE) > 2);
});

test("who never answers a declared cause and then does is evidence again; who always does is none", () => {
  const [never, always] = [atTariff(), atTariff()];
  never.see(power(0), EDGE - 90);
  for (let day = 0; day < 30; day++) {
    for (const bench of [never, always]) {
      bench.tickTo(day * DAY + EDGE - 700, 600);
      bench.tickTo(day * DAY + EDGE, 10);
    }
    always.see(start(day), day * DAY + EDGE + 1);
    for (const bench of [never, always]) bench.tickTo(day * DAY + EDGE + 300, 10);
  }
  for (const bench of [never, always]) bench.tickTo(30 * DAY + EDGE, 10);
  assert.ok(natsOf(never, start(99), 30 * DAY + EDGE + 1) > 1);
  assert.is(natsOf(always, start(99), 30 * DAY + EDGE + 1), 0);
});

test("what is no longer declared explains nothing, and is forgotten", () => {
  const bench = atTariff();
  bench.see(start(1), EDGE);
  declareCauses(bench.state, []);
  assert.equal(bench.state.answers, {});
  assert.ok(natsOf(bench, { ...start(3), evseId: 2 } as Seen, EDGE + 20) > 2);
});

test("a habitual minute of the day explains its start; the same hour does not", () => {
  const bench = create();
  for (let day = 0; day < 20; day++) {
    bench.tickTo(day * DAY + EDGE, 600);
    bench.see(start(day), day * DAY + EDGE);
  }
  bench.tickTo(20 * DAY + EDGE, 600);
  assert.ok(natsOf(bench, start(100), 20 * DAY + EDGE + 20) < 0.1);
  assert.ok(natsOf(bench, start(101), 20 * DAY + EDGE + 900) > 2);
});
