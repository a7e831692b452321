import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { createGrowth, grow, type Growth, keepOnly, proofFrom, rootAt, STRETCH } from "./growth.ts";
import {
  appendLeaf, consistencyProof, EMPTY_FRONTIER, type Frontier, leafHash, rootOf, verifyConsistency,
} from "./merkle.ts";

const crypto = nodeCrypto();
const MOST = 3_500;
const leaves = Array.from({ length: MOST }, (_, i) => leafHash(crypto, new TextEncoder().encode(`entry ${i}`)));
const frontiers: Frontier[] = [EMPTY_FRONTIER];
for (const leaf of leaves) frontiers.push(appendLeaf(crypto, frontiers.at(-1)!, leaf));
const rootOfFirst = (size: number): Uint8Array => rootOf(crypto, frontiers[size]!);

/** Lets the log grow from one size to another. */
function growTo(growth: Growth, from: number, to: number): void {
  for (let i = from; i < to; i++) grow(crypto, growth, frontiers[i]!, leaves[i]!);
}

test("every proof from m to n, 0 < m <= n <= 80, is the one of RFC 9162, 2.1.4.1, hash by hash", () => {
  const growth = createGrowth();
  for (let n = 1; n <= 80; n++) {
    growTo(growth, n - 1, n);
    assert.equal(rootAt(crypto, growth, frontiers[n]!, n), rootOfFirst(n));
    for (let m = 1; m <= n; m++) {
      assert.equal(proofFrom(crypto, growth, m), consistencyProof(crypto, leaves, m, n), `${m} to ${n}`);
    }
  }
});

test("a proof from nothing is empty; from a size that nobody asked for there is none", () => {
  const growth = createGrowth(EMPTY_FRONTIER, [0, -1]);
  growTo(growth, 0, 20);
  assert.equal(proofFrom(crypto, growth, 0), []);
  assert.is(rootAt(crypto, growth, frontiers[20]!, 0), undefined);
  assert.is(proofFrom(crypto, growth, 7), undefined);
  assert.ok(rootAt(crypto, growth, frontiers[20]!, 7) !== undefined);
  assert.is(proofFrom(crypto, growth, 7)?.length, consistencyProof(crypto, leaves, 7, 20).length);
  assert.is(rootAt(crypto, growth, frontiers[20]!, 21), undefined, "more than there is");
  keepOnly(growth, new Set([20]));
  assert.is(proofFrom(crypto, growth, 7), undefined);
});

test("sizes of the last one or two stretches are found again, older ones only if they were asked for", () => {
  const growth = createGrowth(EMPTY_FRONTIER, [5, STRETCH, 3_100]);
  growTo(growth, 0, 3_100);
  const oldest = 3_100 - 3_100 % STRETCH - STRETCH;
  for (const size of [oldest, oldest + 1, 2_500, 3_072, 3_073, 3_099, 3_100, 5, STRETCH]) {
    assert.equal(rootAt(crypto, growth, frontiers[3_100]!, size), rootOfFirst(size), `${size}`);
  }
  for (const size of [1, 6, oldest - 1, 3_101, 1e9]) {
    assert.is(rootAt(crypto, growth, frontiers[3_100]!, size), undefined, `${size}`);
  }
  growTo(growth, 3_100, MOST);
  for (const size of [5, STRETCH, oldest, 2_049, 3_100]) {
    assert.equal(proofFrom(crypto, growth, size), consistencyProof(crypto, leaves, size, MOST), `${size}`);
  }
});

test("a growth that begins at a tree that was there already", () => {
  const growth = createGrowth(frontiers[77]!);
  growTo(growth, 77, 200);
  for (let m = 77; m <= 200; m++) {
    assert.equal(rootAt(crypto, growth, frontiers[200]!, m), rootOfFirst(m));
    assert.equal(proofFrom(crypto, growth, m), consistencyProof(crypto, leaves, m, 200), `${m}`);
  }
  assert.is(rootAt(crypto, growth, frontiers[200]!, 76), undefined);
});

test("what a prover keeps does not grow with the log", () => {
  const random = seeded(2_109);
  const sizes = Array.from({ length: 40 }, () => 1 + random.int(900));
  const growth = createGrowth(EMPTY_FRONTIER, sizes);
  growTo(growth, 0, MOST);
  for (const size of sizes) {
    const { start, whole, part } = growth.provers.get(size)!;
    // Twelve levels at 3,500 leaves: a hash to the left, one to the right, and the part that is not whole.
    assert.ok(start.roots.length + whole.length + part.roots.length <= 3 * 12, `${size}`);
    const proof = proofFrom(crypto, growth, size)!;
    assert.ok(verifyConsistency(crypto, size, MOST, rootOfFirst(size), rootOfFirst(MOST), proof), `${size}`);
  }
  assert.is(growth.older!.hashes.length + growth.newer.hashes.length, 2 * 32 * STRETCH);
});
