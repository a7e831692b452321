import { assert, test } from "../../../build/testing.ts";
import { seeded } from "../../../build/seeded.ts";
import { createOpine, opine } from "../../../models/opine/opine.ts";
import { thresholdOf } from "../../../models/opine/threshold.ts";
import type { Finding } from "../../../models/terms.ts";
import type { MonotonicMs, WallMs } from "../../../models/units.ts";
import { addTally, Counting, HEIGHTS, promisedBeginnings, TAIL_RATES, type Tally, tailRow } from "./tally.ts";

const KEY = "energy-theft";

function finding(nats: number, at: number): Finding {
  return { key: KEY, at: at as WallMs, nats, terms: [{ term: "x", nats }], frames: [], says: "" };
}

/** Feeds findings through the step *opine*, as the pipeline does. */
function counted(nats: readonly number[]): Tally {
  const state = createOpine();
  const counting = new Counting();
  nats.forEach((one, i) => {
    const now = { wallMs: (1_000 * (i + 1)) as WallMs, monoMs: (1_000 * i) as MonotonicMs };
    const findings = [finding(one, now.wallMs)];
    counting.findings(findings);
    counting.beliefs(opine(state, findings, now));
  });
  return counting.finish();
}

/** The plainest way: the peaks of a CUSUM between its zeros. */
function peaksOf(nats: readonly number[]): number[] {
  const peaks: number[] = [];
  let [sum, peak] = [0, 0];
  for (const one of nats) {
    sum = Math.max(0, sum + one);
    if (sum < 1e-6) sum = 0;
    peak = Math.max(peak, sum);
    if (sum > 0 || peak === 0) continue;
    peaks.push(peak);
    peak = 0;
  }
  return peak > 0 ? [...peaks, peak] : peaks;
}

test("excursions and their peaks are those of a naive CUSUM", () => {
  const dice = seeded(4);
  const nats = Array.from({ length: 5_000 }, () => Math.round(100 * (3 * dice.next() - 1.9)) / 100);
  const { [KEY]: of } = counted(nats);
  const peaks = peaksOf(nats);
  assert.ok(peaks.length > 300 && peaks.some((peak) => peak > 4));
  assert.is(of!.excursions, peaks.length);
  assert.equal(of!.excursionsAt, HEIGHTS.map((height) => peaks.filter((peak) => peak >= height - 1e-9).length));
  assert.equal(of!.findingsAt, HEIGHTS.map((height) => nats.filter((one) => one >= height).length));
  assert.is(of!.findings, nats.length);
});

test("tail factors are observed over promised", () => {
  const of = counted([3, -3, 5, -9, 1])[KEY]!;
  const row = tailRow(KEY, of, 2);
  assert.is(row.findings, 5);
  assert.equal(row.findingFactors.map((factor) => Math.round(100 * factor) / 100), [4, 20, 0, 0]);
  const promised = promisedBeginnings(KEY) * 2 * TAIL_RATES[0];
  assert.ok(Math.abs(row.alarmFactors[0]! - 2 / promised) < 1e-12 && row.alarmFactors[2] === 0);
  assert.ok(Math.abs(Math.log(promisedBeginnings(KEY) * 5 * 17) - thresholdOf(KEY)) < 1e-9);
});

test("tallies add up", () => {
  const sum: Tally = {};
  addTally(sum, counted([3, -3]));
  addTally(sum, counted([5, -9, 1]));
  assert.equal(sum, counted([3, -3, 5, -9, 1]));
});
