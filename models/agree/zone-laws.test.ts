import { assert, test } from "../../build/testing.ts";
import { MOST_NATS } from "../detect/detector.ts";
import { EVIDENCE_KEYS, FEATURES, THREATS } from "../terms.ts";
import { BUDGET_PER_YEAR, clipOf, lnMillinats, SUPPORT_MILLINATS, threatOf, zoneThreshold } from "./zone-laws.ts";

test("which threat a key raises: a joint feature that of its detector, a threat itself", () => {
  const expected = [
    "load-manipulation", "load-manipulation", "authorization-abuse", "load-manipulation", "load-manipulation",
    "energy-theft", "billing-inflation", "configuration-tampering", "firmware-tampering", "remote-command-abuse",
    "denial-of-service", "data-exfiltration", "reconnaissance", "reverse-power",
  ];
  assert.equal(FEATURES.map(threatOf), expected);
  assert.equal(THREATS.map(threatOf), [...THREATS]);
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
        const least = f === 0 ? clipOf(key) : clipOf(key) / 2;
        assert.ok(Number.isInteger(threshold) && threshold > least, `${key} ${n} ${f}: ${threshold}`);
        if (n > 2 * f + 1) assert.ok(threshold <= (n - 2 * f) * clipOf(key), `${key} ${n} ${f}: ${threshold}`);
      }
    }
    assert.ok(zoneThreshold(key, { n: 1, f: 0 }) > clipOf(key), "a zone of one leaves it to the station");
  }
});

test("more members never need less", () => {
  for (const key of EVIDENCE_KEYS) {
    for (let n = 4; n < 64; n++) {
      assert.ok(zoneThreshold(key, { n: n + 1, f: 1 }) >= zoneThreshold(key, { n, f: 1 }));
    }
  }
});

test("the laws as a table: changing one is a decision", () => {
  const keys = [...FEATURES.slice(0, 6), "authorization-abuse", "energy-theft", "firmware-tampering"] as const;
  const at = (n: number, f: number) => keys.map((key) => zoneThreshold(key, { n, f }));
  assert.equal(at(6, 1), [13_577, 13_373, 11_455, 13_577, 56_000, 16_455, 15_746, 16_455, 32_000]);
  assert.equal(at(20, 3), [16_587, 16_985, 17_475, 16_587, 196_000, 22_475, 22_970, 22_475, 112_000]);
  assert.equal(at(3, 0), [18_000, 18_000, 18_000, 18_000, 42_000, 18_000, 18_000, 18_000, 24_000]);
});

test("the clip is what one finding may carry; a supporter has grown; the budget leaves room for the other keys", () => {
  for (const key of EVIDENCE_KEYS) {
    assert.is(clipOf(key), key === "setpoint-step" ? 24_000 : 1_000 * MOST_NATS);
  }
  assert.ok(SUPPORT_MILLINATS > 0);
  const spent = Object.values(BUDGET_PER_YEAR).reduce((sum, value) => sum + value, 0);
  assert.ok(spent <= 0.8 + 1e-9, `${spent}`);
});
