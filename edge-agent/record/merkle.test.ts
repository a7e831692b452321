import { test, assert } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import {
  EMPTY_FRONTIER, appendLeaf, consistencyProof, inclusionProof, leafHash, nodeHash, rememberedSubtrees, rootOf,
  verifyConsistency, verifyInclusion,
} from "./merkle.ts";
import type { Frontier } from "./merkle.ts";

const crypto = nodeCrypto();
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** The definitions of RFC 9162, 2.1, word for word and with no regard for cost: only for testing. */
const naive = {
  k(n: number): number {
    let power = 1;
    while (power * 2 < n) power *= 2;
    return power;
  },
  mth(d: readonly Uint8Array[]): Uint8Array {
    if (d.length === 0) return crypto.sha256(new Uint8Array(0));
    if (d.length === 1) return crypto.sha256(Uint8Array.of(0), d[0]!);
    const k = naive.k(d.length);
    return crypto.sha256(Uint8Array.of(1), naive.mth(d.slice(0, k)), naive.mth(d.slice(k)));
  },
  path(m: number, d: readonly Uint8Array[]): Uint8Array[] {
    if (d.length === 1) return [];
    const k = naive.k(d.length);
    return m < k
      ? [...naive.path(m, d.slice(0, k)), naive.mth(d.slice(k))]
      : [...naive.path(m - k, d.slice(k)), naive.mth(d.slice(0, k))];
  },
  subproof(m: number, d: readonly Uint8Array[], b: boolean): Uint8Array[] {
    if (m === d.length) return b ? [] : [naive.mth(d)];
    const k = naive.k(d.length);
    return m <= k
      ? [...naive.subproof(m, d.slice(0, k), b), naive.mth(d.slice(k))]
      : [...naive.subproof(m - k, d.slice(k), false), naive.mth(d.slice(0, k))];
  },
};

const MAX = 200;
const random = seeded(9162);
const entries = Array.from({ length: MAX }, () => random.bytes(random.int(40)));
const leaves = entries.map((entry) => leafHash(crypto, entry));
const frontiers: Frontier[] = [EMPTY_FRONTIER];
for (const leaf of leaves) frontiers.push(appendLeaf(crypto, frontiers[frontiers.length - 1]!, leaf));
const roots = frontiers.map((frontier) => rootOf(crypto, frontier));

const flipped = (hash: Uint8Array): Uint8Array => hash.map((byte, i) => i === 13 ? byte ^ 4 : byte);

/** Proofs that must all be refused because `proof` is the only right one. */
function spoiled(proof: readonly Uint8Array[]): Uint8Array[][] {
  return [
    ...proof.map((_, at) => proof.map((hash, i) => i === at ? flipped(hash) : hash)),
    ...proof.map((_, at) => proof.filter((_hash, i) => i !== at)),
    ...proof.slice(1).map((_, at) => [...proof.slice(0, at), proof[at + 1]!, proof[at]!, ...proof.slice(at + 2)]),
    [...proof, leaves[0]!],
    [leaves[0]!, ...proof],
    [...proof.slice(0, -1), (proof.at(-1) ?? leaves[1]!).subarray(0, 31)],
  ];
}

test("known roots: the eight-leaf tree of Certificate Transparency's reference tests", () => {
  const data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
  let frontier = EMPTY_FRONTIER;
  const got = [toHex(rootOf(crypto, frontier))];
  for (const hex of data) {
    frontier = appendLeaf(crypto, frontier, leafHash(crypto, Buffer.from(hex, "hex")));
    got.push(toHex(rootOf(crypto, frontier)));
  }
  assert.is(got[0], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.is(got[1], "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  assert.is(got[8], "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
});

test("RFC 9162, 2.1.1: frontier roots equal the recursive definition at every size", () => {
  for (let size = 0; size <= MAX; size++) {
    assert.equal(roots[size], naive.mth(entries.slice(0, size)), `size ${size}`);
    assert.is(frontiers[size]!.roots.length, size.toString(2).replaceAll("0", "").length);
  }
});

test("RFC 9162, 2.1.3: inclusion proofs at every size and index, equal to the definition, verified", () => {
  for (let size = 1; size <= MAX; size++) {
    // Every index of the small trees, then ever sparser ones: the shapes repeat.
    for (let index = 0; index < size; index += size <= 66 ? 1 : 13) {
      const proof = inclusionProof(crypto, leaves, index, size);
      assert.ok(verifyInclusion(crypto, leaves[index]!, index, size, proof, roots[size]!), `${index} of ${size}`);
      if (size <= 40) assert.equal(proof, naive.path(index, entries.slice(0, size)));
    }
  }
});

test("with remembered subtrees the proofs are the same, and each perfect subtree is hashed once", () => {
  let hashed = 0;
  const counting = { ...crypto, sha256: (...parts: Uint8Array[]) => (hashed += 1, crypto.sha256(...parts)) };
  const subtrees = rememberedSubtrees(counting);
  for (let size = 1; size <= 70; size++) {
    for (let index = 0; index < size; index++) {
      const expected = inclusionProof(crypto, leaves, index, size);
      assert.equal(inclusionProof(counting, leaves, index, size, subtrees), expected);
    }
    const proof = consistencyProof(crypto, leaves, size, 70);
    assert.equal(consistencyProof(counting, leaves, size, 70, subtrees), proof);
  }
  hashed = 0;
  for (let index = 0; index < 64; index++) inclusionProof(counting, leaves, index, 64, subtrees);
  assert.is(hashed, 0);
});

test("RFC 9162, 2.1.3.2: altered inclusion proofs are refused", () => {
  for (let size = 1; size <= 40; size++) {
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(crypto, leaves, index, size);
      const accepts = (leaf: Uint8Array, i: number, n: number, p: Uint8Array[], root: Uint8Array): boolean =>
        verifyInclusion(crypto, leaf, i, n, p, root);
      for (const bad of spoiled(proof)) assert.not(accepts(leaves[index]!, index, size, bad, roots[size]!));
      assert.not(accepts(flipped(leaves[index]!), index, size, proof, roots[size]!));
      assert.not(accepts(leaves[index]!, index, size, proof, flipped(roots[size]!)));
      for (const i of [index - 1, index + 1]) assert.not(accepts(leaves[index]!, i, size, proof, roots[size]!));
      // A node must not pass for a leaf: the prefixes 0x00 and 0x01 keep them apart.
      if (size === 2) assert.not(accepts(nodeHash(crypto, leaves[0]!, leaves[1]!), 0, 1, [], leaves[0]!));
    }
  }
});

test("RFC 9162, 2.1.4: consistency proofs between all pairs of sizes, equal to the definition, verified", () => {
  for (let newSize = 1; newSize <= MAX; newSize++) {
    for (let oldSize = 1; oldSize <= newSize; oldSize += newSize <= 66 ? 1 : 11) {
      const proof = consistencyProof(crypto, leaves, oldSize, newSize);
      const ok = verifyConsistency(crypto, oldSize, newSize, roots[oldSize]!, roots[newSize]!, proof);
      assert.ok(ok, `${oldSize} to ${newSize}`);
      if (newSize <= 40) assert.equal(proof, naive.subproof(oldSize, entries.slice(0, newSize), true));
    }
  }
});

test("RFC 9162, 2.1.4.2: altered consistency proofs are refused", () => {
  for (let newSize = 2; newSize <= 40; newSize++) {
    for (let oldSize = 1; oldSize < newSize; oldSize++) {
      const proof = consistencyProof(crypto, leaves, oldSize, newSize);
      const [a, b] = [roots[oldSize]!, roots[newSize]!];
      for (const bad of spoiled(proof)) assert.not(verifyConsistency(crypto, oldSize, newSize, a, b, bad));
      assert.not(verifyConsistency(crypto, oldSize, newSize, flipped(a), b, proof));
      assert.not(verifyConsistency(crypto, oldSize, newSize, a, flipped(b), proof));
      assert.not(verifyConsistency(crypto, newSize, oldSize, b, a, proof));
    }
  }
});

test("equal sizes and an empty old tree need an empty proof and the right roots", () => {
  assert.ok(verifyConsistency(crypto, 9, 9, roots[9]!, roots[9]!, []));
  assert.not(verifyConsistency(crypto, 9, 9, roots[9]!, roots[8]!, []));
  assert.not(verifyConsistency(crypto, 9, 9, roots[9]!, roots[9]!, [leaves[0]!]));
  assert.ok(verifyConsistency(crypto, 0, 9, roots[0]!, roots[9]!, []));
  assert.not(verifyConsistency(crypto, 0, 9, roots[1]!, roots[9]!, []));
  assert.not(verifyConsistency(crypto, 0, 9, roots[0]!, roots[9]!, [leaves[0]!]));
});

test("hostile numbers are refused at once, and so are endless proofs", () => {
  const proof = inclusionProof(crypto, leaves, 3, 9);
  for (const bad of [NaN, -1, 0.5, Infinity, 2 ** 53, 1e300]) {
    assert.not(verifyInclusion(crypto, leaves[3]!, bad, 9, proof, roots[9]!));
    assert.not(verifyInclusion(crypto, leaves[3]!, 3, bad, proof, roots[9]!));
    assert.not(verifyConsistency(crypto, bad, 9, roots[3]!, roots[9]!, proof));
    assert.not(verifyConsistency(crypto, 3, bad, roots[3]!, roots[9]!, proof));
  }
  const endless = Array.from({ length: 100_000 }, () => leaves[0]!);
  assert.not(verifyInclusion(crypto, leaves[3]!, 3, 2 ** 52, endless, roots[9]!));
});

test("proofs for leaves that are not there throw", () => {
  for (const [index, size] of [[-1, 5], [5, 5], [0, MAX + 1], [NaN, 5]] as const) {
    assert.throws(() => inclusionProof(crypto, leaves, index, size), /no leaf/);
  }
  for (const [from, to] of [[0, 5], [6, 5], [1, MAX + 1]] as const) {
    assert.throws(() => consistencyProof(crypto, leaves, from, to), /no consistency proof/);
  }
});
