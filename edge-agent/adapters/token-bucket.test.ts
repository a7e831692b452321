import { assert, test } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import type { MonotonicMs } from "../../models/units.ts";
import { TokenBucket } from "./token-bucket.ts";

const at = (ms: number): MonotonicMs => ms as MonotonicMs;
const taken = (bucket: TokenBucket, ms: number, tries: number): number =>
  Array.from({ length: tries }, () => bucket.take(at(ms))).filter(Boolean).length;

test("a burst at once, then the rate, and no more than a burst after a long rest", () => {
  const bucket = new TokenBucket(64, 256);
  assert.is(taken(bucket, 1_000, 1_000), 256);
  assert.is(taken(bucket, 2_000, 1_000), 64);
  assert.is(taken(bucket, 2_500, 1_000), 32);
  assert.is(taken(bucket, 1_000_000, 1_000), 256);
});

test("a clock that stands still or goes back gives nothing", () => {
  const bucket = new TokenBucket(1, 2);
  assert.is(taken(bucket, 5_000, 9), 2);
  assert.is(taken(bucket, 5_000, 9), 0);
  assert.is(taken(bucket, 1_000, 9), 0);
  assert.is(taken(bucket, 2_000, 9), 1);
});

test("property: in any time, never more than the burst and the rate", () => {
  for (let run = 0; run < 100; run++) {
    const random = seeded(run);
    const bucket = new TokenBucket(10, 5);
    let ms = 0;
    let passed = 0;
    for (let n = 0; n < 200; n++) {
      if (bucket.take(at(ms))) passed += 1;
      assert.ok(passed <= 5 + ms / 100 + 1e-6, `seed ${run}`);
      ms += random.int(60);
    }
    assert.ok(passed >= Math.min(200, Math.floor(ms / 100)) - 1, `seed ${run}: the rate is given`);
  }
});
