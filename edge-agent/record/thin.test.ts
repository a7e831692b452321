import { seeded, type Seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import type { WallMs } from "../../models/units.ts";
import { encodeEntry } from "./entry.ts";
import { createGrowth, grow, growBy, proofFrom, rootAt } from "./growth.ts";
import {
  appendLeaf, appendSubtree, consistencyProof, EMPTY_FRONTIER, type Frontier, inclusionProof, leafHash,
  rememberedSubtrees, rootOf, subtreeName, verifyConsistency, verifyInclusion,
} from "./merkle.ts";
import { isSubtree, readThin, subtreeSizes, thin, type ThinItem, whatStays } from "./thin.ts";

const crypto = nodeCrypto();
const entryAt = (i: number) => {
  const entry = Uint8Array.of(i >> 8, i & 255, 7, 7);
  return { entry, leafHash: leafHash(crypto, entry) };
};
const frontierOf = (leaves: readonly Uint8Array[]): Frontier =>
  leaves.reduce((tree, leaf) => appendLeaf(crypto, tree, leaf), EMPTY_FRONTIER);

interface Made {
  readonly size: number;
  readonly leaves: readonly Uint8Array[];
  readonly items: readonly ThinItem[];
  readonly boundaries: ReadonlySet<number>;
  readonly stays: readonly boolean[];
}

/** A log of which all but the last part was thinned, in segments of any lengths. */
function made(random: Seeded): Made {
  const size = 2 + random.int(200);
  const entries = Array.from({ length: size }, (_, i) => entryAt(i));
  const boundaries = new Set(Array.from({ length: random.int(4) }, () => 1 + random.int(size)));
  const oneIn = 1 + random.int(12);
  const stays = entries.map(() => random.int(oneIn) === 0);
  const items: ThinItem[] = [];
  let at = 0;
  for (let left = random.int(4); left > 0 && at < size - 1; left--) {
    const end = Math.min(size - 1, at + 1 + random.int(80));
    const file = thin(crypto, at, entries.slice(at, end), stays.slice(at, end), boundaries);
    const read = readThin(crypto, file);
    assert.ok(read.ok, read.ok ? "" : read.problem);
    if (read.ok) items.push(...read.value.items);
    at = end;
  }
  for (let i = at; i < size; i++) stays[i] = true;
  const leaves = entries.map((one) => one.leafHash);
  return { size, leaves, items: [...items, ...entries.slice(at)], boundaries, stays };
}

test("the largest whole subtrees fill any stretch, each at a place that is a multiple of its size", () => {
  assert.equal(subtreeSizes(0, 1_000), [256, 256, 256, 128, 64, 32, 8]);
  for (let from = 0; from < 70; from++) {
    for (let to = from; to < 140; to++) {
      const sizes = subtreeSizes(from, to);
      assert.is(sizes.reduce((sum, size) => sum + size, 0), to - from);
      sizes.reduce((at, size) => {
        assert.is(at % size, 0);
        return at + size;
      }, from);
      assert.ok(sizes.length <= 14, `${sizes.length} for ${from} to ${to}`);
    }
  }
});

test("the tree stays the same, and every proof that can be asked for is the one of the whole log", () => {
  const random = seeded(7);
  for (let n = 0; n < 150; n++) {
    const { size, leaves, items, boundaries, stays } = made(random);
    let tree = EMPTY_FRONTIER;
    const known = new Map<string, Uint8Array>();
    const held: Uint8Array[] = [];
    for (const item of items) {
      if (isSubtree(item)) known.set(subtreeName(tree.size, item.size), item.root);
      else held[tree.size] = item.leafHash;
      tree = isSubtree(item) ? appendSubtree(crypto, tree, item.root, item.size)
        : appendLeaf(crypto, tree, item.leafHash);
    }
    held.length = size;
    assert.equal(tree, frontierOf(leaves));
    const root = rootOf(crypto, tree);
    const subtrees = rememberedSubtrees(crypto, known);
    for (let i = 0; i < size; i++) {
      if (stays[i] !== true) continue;
      const proof = inclusionProof(crypto, held, i, size, subtrees);
      assert.equal(proof, inclusionProof(crypto, leaves, i, size));
      assert.ok(verifyInclusion(crypto, leaves[i]!, i, size, proof, root));
    }
    for (const old of boundaries) {
      const proof = consistencyProof(crypto, held, old, size, subtrees);
      assert.ok(verifyConsistency(crypto, old, size, rootOf(crypto, frontierOf(leaves.slice(0, old))), root, proof));
    }
  }
});

test("a witness that holds a boundary is proven the growth since, though the leaves are gone", () => {
  const random = seeded(8);
  for (let n = 0; n < 150; n++) {
    const { size, leaves, items, boundaries } = made(random);
    const growth = createGrowth(EMPTY_FRONTIER, boundaries);
    let tree = EMPTY_FRONTIER;
    for (const item of items) {
      if (isSubtree(item)) growBy(crypto, growth, tree, item);
      else grow(crypto, growth, tree, item.leafHash);
      tree = isSubtree(item) ? appendSubtree(crypto, tree, item.root, item.size)
        : appendLeaf(crypto, tree, item.leafHash);
    }
    for (const old of boundaries) {
      const before = rootOf(crypto, frontierOf(leaves.slice(0, old)));
      assert.equal(rootAt(crypto, growth, tree, old), before, `${old} of ${size}`);
      const proof = proofFrom(crypto, growth, old)!;
      assert.ok(verifyConsistency(crypto, old, size, before, rootOf(crypto, tree), proof), `${old} of ${size}`);
    }
  }
});

test("growth from a size that is no boundary is proven no more, and nothing throws", () => {
  const entries = Array.from({ length: 40 }, (_, i) => entryAt(i));
  const read = readThin(crypto, thin(crypto, 0, entries, entries.map(() => false), new Set()));
  assert.ok(read.ok);
  const growth = createGrowth(EMPTY_FRONTIER, [13]);
  let tree = EMPTY_FRONTIER;
  for (const item of read.ok ? read.value.items as { root: Uint8Array; size: number }[] : []) {
    growBy(crypto, growth, tree, item);
    tree = appendSubtree(crypto, tree, item.root, item.size);
  }
  assert.is(rootAt(crypto, growth, tree, 13), undefined);
  assert.throws(() => appendSubtree(crypto, frontierOf([leafHash(crypto, new Uint8Array(1))]), new Uint8Array(32), 2));
});

const AT = Date.UTC(2026, 2, 2) as WallMs;
const statement = (n: number) => encodeEntry({
  kind: "statement", at: AT, signedBytes: Uint8Array.of(n), signature: new Uint8Array(64) });
const witness = (log: string, n: number) => encodeEntry({
  kind: "witness", at: AT, note: `kerbwatch/${log}\n${n}\nroot\n`, cosignature: "line" });
const notice = encodeEntry({ kind: "notice", at: AT, text: "clock set" });

test("statements and what was cosigned go, but the newest of each log; what else there is stays", () => {
  const odd = Uint8Array.of(1);
  const list = [statement(1), notice, witness("A", 1), statement(2), witness("B", 1), witness("A", 2), odd];
  const stays = whatStays(list.map((entry) => ({ entry, leafHash: leafHash(crypto, entry) })));
  assert.equal(stays, [false, true, false, true, true, true, true]);
});

test("a file that is not exactly what was written is none: each bit, each prefix, each byte more", () => {
  const entries = Array.from({ length: 20 }, (_, i) => entryAt(i));
  const file = thin(crypto, 3, entries, entries.map((_, i) => i % 5 === 0), new Set([9]));
  for (let length = 0; length < file.length; length++) assert.not(readThin(crypto, file.subarray(0, length)).ok);
  assert.not(readThin(crypto, Uint8Array.of(...file, 0)).ok);
  for (let bit = 0; bit < 8 * file.length; bit++) {
    const spoiled = file.slice();
    spoiled[bit >> 3]! ^= 1 << (bit & 7);
    assert.not(readThin(crypto, spoiled).ok, `bit ${bit}`);
  }
});

test("fuzz: a file of anything, with the right sum, never throws, and gives no more than it claims", () => {
  const random = seeded(9);
  const entries = Array.from({ length: 30 }, (_, i) => entryAt(i));
  let read = 0;
  for (let n = 0; n < 4_000; n++) {
    const file = thin(crypto, random.int(50), entries, entries.map(() => random.int(3) === 0), new Set());
    const body = file.slice(0, -32);
    for (let times = random.int(4); times > 0; times--) body[random.int(body.length)] = random.int(256);
    const whole = Uint8Array.from([...body, ...crypto.sha256(body)]);
    const thinned = readThin(crypto, whole);
    if (!thinned.ok) continue;
    read += 1;
    const { firstIndex, nextIndex, items } = thinned.value;
    assert.is(items.reduce((sum, item) => sum + (isSubtree(item) ? item.size : 1), firstIndex), nextIndex);
  }
  assert.ok(read > 500, `${read} were read`);
});
