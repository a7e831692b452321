import { assert, test } from "../../build/testing.ts";
import { MOST_NATS } from "../detect/detector.ts";
import { thresholdOf } from "../opine/threshold.ts";
import { EVIDENCE_KEYS, type EvidenceKey, FEATURES } from "../terms.ts";
import { decide } from "./zone-decision.ts";
import { BUDGET_PER_YEAR, clipOf, isIndependent, lnMillinats, SUPPORT_MILLINATS, zoneThreshold } from "./zone-laws.ts";

const isFeature = (key: EvidenceKey): boolean => FEATURES.some((one) => one === key);

/** Keys that no sum certifies. */
const NEVER = new Set<EvidenceKey>(["agent-misbehaviour", "credential-cloning"]);

test("what takes a proof, or rests on single neighbours' words, is never certified by a sum", () => {
  for (const key of NEVER) {
    for (const [n, f] of [[2, 0], [4, 1], [20, 3], [64, 21]] as const) {
      const growths = Array.from({ length: n }, () => Number.MAX_SAFE_INTEGER);
      assert.is(decide({ n, f, key, growths }).raises, false, `${key} ${n} ${f}`);
      assert.is(decide({ n, f, key: "clones", growths }).raises, true);
    }
  }
});

test("the integer logarithm is within two millinats of the real one", () => {
  for (let value = 1; value <= 4_096; value++) {
    const exact = 1_000 * Math.log(value);
    assert.ok(Math.abs(lnMillinats(value) - exact) < 2, `${value}: ${lnMillinats(value)} for ${exact}`);
  }
  assert.equal([1, 2, 3, 6, 20, 60, 4_096].map(lnMillinats), [0, 693, 1_098, 1_791, 2_995, 4_094, 8_317]);
  assert.equal([0, -5].map(lnMillinats), [0, 0]);
});

test("thresholds are positive integers that the kept members can reach and no single one can", () => {
  for (const key of EVIDENCE_KEYS) {
    for (let n = 2; n <= 64; n++) {
      for (let f = 0; n > 3 * f; f++) {
        const threshold = zoneThreshold(key, { n, f });
        const clip = clipOf(key, { n, f });
        const least = f === 0 ? clip : clip / 2;
        assert.ok(Number.isInteger(threshold) && threshold > least, `${key} ${n} ${f}: ${threshold}`);
        if (n <= 2 * f + 1 || NEVER.has(key)) continue;
        assert.ok(threshold <= (n - 2 * f) * clip, `${key} ${n} ${f}: ${threshold}`);
      }
    }
    const lone = { n: 1, f: 0 };
    assert.ok(zoneThreshold(key, lone) > clipOf(key, lone), "a zone of one leaves it to the station");
  }
});

test("what may have one cause at all needs on average what a station alone would, joint features nearly", () => {
  for (const key of EVIDENCE_KEYS.filter((one) => !isIndependent(one) && !NEVER.has(one))) {
    const mean = zoneThreshold(key, { n: 30, f: 3 }) / 24;
    const alone = 1_000 * thresholdOf(key);
    if (key === "setpoint-step") assert.is(mean, 14_000);
    else if (isFeature(key) || alone < 8_000) assert.is(mean, 8_000, key);
    else assert.ok(mean >= alone && mean < alone + 100, `${key}: ${mean} for ${alone}`);
  }
});

test("a CSMS that fails over for hours and comes back, 15.8 nats at each station, is no incident of the street", () => {
  for (const size of [{ n: 4, f: 1 }, { n: 20, f: 3 }]) {
    const raises = (growth: number) =>
      decide({ ...size, key: "channel-tampering", growths: new Array<number>(size.n).fill(growth) }).raises;
    assert.equal([raises(15_800), raises(17_300)], [false, true]);
  }
});

test("the more members, the less each of them needs, except where they may have one cause", () => {
  for (const key of EVIDENCE_KEYS) {
    const each = (n: number): number => zoneThreshold(key, { n, f: 1 }) / (n - 2);
    for (let n = 4; n < 64; n++) assert.ok(each(n + 1) <= each(n), `${key} ${n}`);
  }
});

test("the laws as a table: changing one is a decision", () => {
  const keys = [...FEATURES.slice(0, 6), "authorization-abuse", "energy-theft", "firmware-tampering"] as const;
  const at = (n: number, f: number) => keys.map((key) => zoneThreshold(key, { n, f }));
  assert.equal(at(6, 1), [13_577, 14_077, 8_917, 13_577, 56_000, 16_455, 8_955, 16_455, 32_000]);
  assert.equal(at(20, 3), [9_346, 9_244, 14_576, 12_500, 196_000, 22_475, 14_975, 22_475, 112_000]);
  assert.equal(at(3, 0), [13_500, 13_500, 13_500, 13_500, 42_000, 18_000, 13_500, 18_000, 24_000]);
});

test("the clip: what one finding may carry; less for measured keys, the more members are counted", () => {
  for (const key of EVIDENCE_KEYS) {
    const isHigh = !isIndependent(key) && zoneThreshold(key, { n: 30, f: 3 }) / 24 > 8_000 && !NEVER.has(key);
    assert.is(clipOf(key, { n: 4, f: 1 }), isHigh ? 24_000 : 1_000 * MOST_NATS, key);
    for (let n = 4; n < 64; n++) assert.ok(clipOf(key, { n: n + 1, f: 1 }) <= clipOf(key, { n, f: 1 }));
  }
  assert.equal([5, 6, 9, 10, 60].map((n) => clipOf("starts", { n, f: 1 })), [6_000, 6_000, 6_000, 3_000, 3_000]);
  assert.equal([5, 6, 60].map((n) => clipOf("refusals", { n, f: 1 })), [6_000, 3_000, 3_000]);
  assert.equal([4, 20, 60].map((n) => clipOf("energy-theft", { n, f: 1 })), [12_000, 12_000, 12_000]);
});

test("a supporter has grown; the budget leaves room for the other keys", () => {
  assert.ok(SUPPORT_MILLINATS > 0);
  const spent = Object.values(BUDGET_PER_YEAR).reduce((sum, value) => sum + value, 0);
  assert.ok(spent <= 0.82 + 1e-9, `${spent}`);
});
