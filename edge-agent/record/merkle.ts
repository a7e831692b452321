/**
 * The Merkle tree over log entries: RFC 9162, section 2.1, with SHA-256. The running agent keeps a frontier only;
 * proofs are made from the leaf hashes that are read back from the segments. Sizes are whole numbers below 2^53.
 */
import type { Crypto } from "../../models/crypto.ts";

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

/** RFC 9162, 2.1.1: HASH(0x00 || entry). */
export function leafHash(crypto: Crypto, entry: Uint8Array): Uint8Array {
  return crypto.sha256(LEAF, entry);
}

/** RFC 9162, 2.1.1: HASH(0x01 || left || right). */
export function nodeHash(crypto: Crypto, left: Uint8Array, right: Uint8Array): Uint8Array {
  return crypto.sha256(NODE, left, right);
}

/** The roots of the perfect subtrees that a tree of `size` leaves consists of, largest first: at most 53 hashes. */
export interface Frontier {
  readonly size: number;
  readonly roots: readonly Uint8Array[];
}

export const EMPTY_FRONTIER: Frontier = { size: 0, roots: [] };

/** The frontier with one leaf more; O(log size). */
export function appendLeaf(crypto: Crypto, frontier: Frontier, leaf: Uint8Array): Frontier {
  return appendSubtree(crypto, frontier, leaf, 1);
}

/**
 * The frontier with a perfect subtree of `size` leaves more, `size` a power of two.
 * Throws RangeError when one cannot begin there.
 */
export function appendSubtree(crypto: Crypto, frontier: Frontier, root: Uint8Array, size: number): Frontier {
  if (frontier.size % size !== 0) throw new RangeError(`a subtree of ${size} after ${frontier.size}`);
  const roots = [...frontier.roots];
  let joined = root;
  // Each trailing one of the old size, in binary, is a perfect subtree as large as the one just completed.
  for (let n = frontier.size / size; n % 2 === 1; n = (n - 1) / 2) joined = nodeHash(crypto, roots.pop()!, joined);
  return { size: frontier.size + size, roots: [...roots, joined] };
}

/** The tree's root; of no leaves at all, HASH() (RFC 9162, 2.1.1). */
export function rootOf(crypto: Crypto, frontier: Frontier): Uint8Array {
  const roots = frontier.roots;
  if (roots.length === 0) return crypto.sha256();
  return roots.slice(0, -1).reduceRight((right, left) => nodeHash(crypto, left, right), roots[roots.length - 1]!);
}

/** MTH of the leaves `from` up to and without `to`. */
function subtreeRoot(crypto: Crypto, leaves: readonly Uint8Array[], from: number, to: number): Uint8Array {
  let frontier = EMPTY_FRONTIER;
  for (let i = from; i < to; i++) frontier = appendLeaf(crypto, frontier, leaves[i]!);
  return rootOf(crypto, frontier);
}

type SubtreeRoot = typeof subtreeRoot;

/** Under what a perfect subtree is remembered. */
export const subtreeName = (from: number, size: number): string => `${from} ${size}`;

/**
 * The same for many proofs over the same leaves: each perfect subtree is hashed once, and takes 32 bytes.
 * @param known roots of subtrees, by `subtreeName`, of which the leaves themselves are not there
 */
export function rememberedSubtrees(crypto: Crypto, known = new Map<string, Uint8Array>()): SubtreeRoot {
  return function root(_crypto, leaves, from, to): Uint8Array {
    const size = to - from;
    const name = subtreeName(from, size);
    if (size < 2) return known.get(name) ?? subtreeRoot(crypto, leaves, from, to);
    const middle = from + splitPoint(size);
    const isPerfect = middle - from === to - middle && from % size === 0;
    const before = isPerfect ? known.get(name) : undefined;
    if (before !== undefined) return before;
    const found = nodeHash(crypto, root(crypto, leaves, from, middle), root(crypto, leaves, middle, to));
    if (isPerfect) known.set(name, found);
    return found;
  };
}

/** The largest power of two below n, for n of at least 2. */
function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/**
 * RFC 9162, 2.1.3.1: the hashes from leaf `index` to the root of the first `size` leaves, lowest first.
 * Throws RangeError when there is no such leaf.
 */
export function inclusionProof(
  crypto: Crypto, leaves: readonly Uint8Array[], index: number, size: number, rootOfPart: SubtreeRoot = subtreeRoot,
): Uint8Array[] {
  if (!(index >= 0 && index < size && size <= leaves.length)) throw new RangeError(`no leaf ${index} in ${size}`);
  const path: Uint8Array[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const middle = from + splitPoint(to - from);
    if (index < middle) {
      path.push(rootOfPart(crypto, leaves, middle, to));
      to = middle;
    } else {
      path.push(rootOfPart(crypto, leaves, from, middle));
      from = middle;
    }
  }
  return path.reverse();
}

/**
 * RFC 9162, 2.1.4.1: shows that the first `oldSize` leaves are the beginning of the first `newSize`.
 * Empty when the sizes are equal. Throws RangeError unless 0 < oldSize <= newSize <= leaves.
 */
export function consistencyProof(
  crypto: Crypto, leaves: readonly Uint8Array[], oldSize: number, newSize: number,
  rootOfPart: SubtreeRoot = subtreeRoot,
): Uint8Array[] {
  if (!(oldSize > 0 && oldSize <= newSize && newSize <= leaves.length)) {
    throw new RangeError(`no consistency proof from ${oldSize} to ${newSize} of ${leaves.length}`);
  }
  const path: Uint8Array[] = [];
  let from = 0;
  let to = newSize;
  // SUBPROOF(m, D_n, b): walk down to the subtree that ends where the old tree ended.
  while (to > oldSize) {
    const middle = from + splitPoint(to - from);
    if (oldSize <= middle) {
      path.push(rootOfPart(crypto, leaves, middle, to));
      to = middle;
    } else {
      path.push(rootOfPart(crypto, leaves, from, middle));
      from = middle;
    }
  }
  // b is false once a left part was split off: the verifier then cannot know this subtree's root, so it is given.
  if (from > 0) path.push(rootOfPart(crypto, leaves, from, to));
  return path.reverse();
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** A size or index as it comes from a wire: never NaN, negative, broken or beyond what numbers hold. */
function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

/** No proof is longer: one hash a level, sizes below 2^53, and one more for consistency. */
export const MAX_PROOF_HASHES = 54;

function isProof(proof: readonly Uint8Array[]): boolean {
  return proof.length <= MAX_PROOF_HASHES && proof.every((hash) => hash.length === 32);
}

const isOdd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);

/** RFC 9162, 2.1.3.2. False for anything that is not a valid proof; never throws. */
export function verifyInclusion(
  crypto: Crypto, leaf: Uint8Array, index: number, size: number, proof: readonly Uint8Array[], root: Uint8Array,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !isProof(proof)) return false;
  let fn = index;
  let sn = size - 1;
  let r = leaf;
  for (const p of proof) {
    if (sn === 0) return false; // 4.a: more hashes than levels
    if (isOdd(fn) || fn === sn) {
      r = nodeHash(crypto, p, r);
      while (!isOdd(fn) && fn !== 0) { // 4.b: levels at which this is the last node and has no sibling
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      r = nodeHash(crypto, r, p);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && equal(r, root);
}

/** RFC 9162, 2.1.4.2. An old size of zero is consistent with anything and needs no proof. Never throws. */
export function verifyConsistency(
  crypto: Crypto, oldSize: number, newSize: number, oldRoot: Uint8Array, newRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isCount(oldSize) || !isCount(newSize) || oldSize > newSize || !isProof(proof)) return false;
  if (oldSize === 0) return proof.length === 0 && equal(oldRoot, crypto.sha256());
  if (oldSize === newSize) return proof.length === 0 && equal(oldRoot, newRoot);
  let fn = oldSize - 1;
  let sn = newSize - 1;
  while (isOdd(fn)) { // step 5
    fn = half(fn);
    sn = half(sn);
  }
  // Step 2: when the old size is a power of two, its root begins the proof unsaid.
  const [first, ...rest] = fn === 0 ? [oldRoot, ...proof] : proof;
  if (first === undefined) return false;
  let fr = first;
  let sr = first;
  for (const c of rest) {
    if (sn === 0) return false; // 6.a
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(crypto, c, fr);
      sr = nodeHash(crypto, c, sr);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      sr = nodeHash(crypto, sr, c);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && equal(fr, oldRoot) && equal(sr, newRoot);
}
