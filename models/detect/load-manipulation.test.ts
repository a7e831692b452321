import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { EvidenceKey } from "../terms.ts";
import { Bench, type Seen, survivesRestarts, withstands } from "./detector.testing.ts";
import { loadManipulation, type LoadManipulation } from "./load-manipulation.ts";

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
