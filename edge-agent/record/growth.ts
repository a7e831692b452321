/**
 * Proofs that a log has only grown (RFC 9162, section 2.1.4), for a log whose leaves are on disk. For each size that a
 * witness holds a *prover* goes along with the tree: of what follows that size it keeps one hash for each subtree that
 * a proof would name, so it stays below 160 hashes however long the witness is away. The newest leaves are kept too:
 * after a restart a prover is made for whatever size a witness turns out to hold, if that is not too long ago.
 */
import type { Crypto } from "../../models/crypto.ts";
import { appendLeaf, appendSubtree, EMPTY_FRONTIER, type Frontier, rootOf } from "./merkle.ts";
import type { Subtree } from "./thin.ts";

/** Proves that the trees after `start` begin with it. */
interface Prover {
  readonly start: Frontier;
  /** Roots of the whole subtrees that follow `start`, in order. */
  readonly whole: Uint8Array[];
  /** Where the subtree begins that is not whole yet, and what it has so far. */
  from: number;
  part: Frontier;
}

/** Consecutive leaves, and the tree before them. */
interface Stretch {
  readonly start: Frontier;
  readonly hashes: Uint8Array;
  count: number;
}

export interface Growth {
  /** By the size that they begin at; undefined until the tree, which is being read, has got there. */
  readonly provers: Map<number, Prover | undefined>;
  newer: Stretch;
  older: Stretch | undefined;
}

const HASH_BYTES = 32;
/** Leaves of one stretch; the newest one or two stretches are kept: in a street an hour or two, and 64 KB. */
export const STRETCH = 1_024;

const stretchAfter = (start: Frontier): Stretch => ({ start, hashes: new Uint8Array(STRETCH * HASH_BYTES), count: 0 });

/** @param sizes to be ready for when the tree, which begins at `frontier`, gets there */
export function createGrowth(frontier: Frontier = EMPTY_FRONTIER, sizes: Iterable<number> = []): Growth {
  const provers = new Map([...sizes].filter((size) => size > 0).map((size) => [size, undefined] as const));
  return { provers, newer: stretchAfter(frontier), older: undefined };
}

/** While it is read, the log gains a subtree of which the leaves are gone. @param before the tree without it */
export function growBy(crypto: Crypto, growth: Growth, before: Frontier, { root, size }: Subtree): void {
  growth.older = undefined;
  growth.newer = stretchAfter(appendSubtree(crypto, before, root, size));
  for (const [start, prover] of growth.provers) {
    if (prover === undefined && start === before.size) growth.provers.set(start, proverAfter(crypto, before, []));
    const extended = growth.provers.get(start);
    if (extended !== undefined) extend(crypto, extended, root, size);
    else if (start > before.size && start < before.size + size) growth.provers.delete(start); // no boundary: gone
  }
}

/** The log gains a leaf. @param before the tree without it */
export function grow(crypto: Crypto, growth: Growth, before: Frontier, leaf: Uint8Array): void {
  if (growth.newer.count === STRETCH) {
    growth.older = growth.newer;
    growth.newer = stretchAfter(before);
  }
  growth.newer.hashes.set(leaf, HASH_BYTES * growth.newer.count++);
  for (const [size, prover] of growth.provers) {
    if (prover !== undefined) extend(crypto, prover, leaf);
    else if (size === before.size) growth.provers.set(size, proverAfter(crypto, before, [leaf]));
  }
}

function proverAfter(crypto: Crypto, start: Frontier, leaves: readonly Uint8Array[]): Prover {
  const prover: Prover = { start, whole: [], from: start.size, part: EMPTY_FRONTIER };
  for (const leaf of leaves) extend(crypto, prover, leaf);
  return prover;
}

/** The largest subtree that may begin, or end, at leaf `n`, for n above 0. */
function alignedAt(n: number): number {
  let size = 1;
  while (n % (2 * size) === 0) size *= 2;
  return size;
}

function extend(crypto: Crypto, prover: Prover, root: Uint8Array, size = 1): void {
  prover.part = appendSubtree(crypto, prover.part, root, size);
  if (prover.part.size < alignedAt(prover.from)) return;
  prover.whole.push(prover.part.roots[0]!);
  prover.from += prover.part.size;
  prover.part = EMPTY_FRONTIER;
}

/**
 * The root of the first `size` leaves, and from now on the proofs that begin there; undefined when it is too long ago.
 * @param now the tree as it is
 */
export function rootAt(crypto: Crypto, growth: Growth, now: Frontier, size: number): Uint8Array | undefined {
  if (size < 1) return undefined;
  let prover = growth.provers.get(size);
  if (prover === undefined && size === now.size) prover = proverAfter(crypto, now, []);
  prover ??= fromStretches(crypto, growth, size);
  if (prover === undefined) return undefined;
  growth.provers.set(size, prover);
  return rootOf(crypto, prover.start);
}

function fromStretches(crypto: Crypto, { older, newer }: Growth, size: number): Prover | undefined {
  const kept = older === undefined ? [newer] : [older, newer];
  const { start } = kept[0]!;
  const leaves = kept.flatMap(({ hashes, count }) => Array.from({ length: count }, (_, i) =>
    hashes.slice(HASH_BYTES * i, HASH_BYTES * (i + 1))));
  const after = size - start.size;
  if (after < 0 || after > leaves.length) return undefined;
  const frontier = leaves.slice(0, after).reduce((tree, leaf) => appendLeaf(crypto, tree, leaf), start);
  return proverAfter(crypto, frontier, leaves.slice(after));
}

/** Forgets the provers of all other sizes. */
export function keepOnly({ provers }: Growth, sizes: ReadonlySet<number>): void {
  for (const size of provers.keys()) if (!sizes.has(size)) provers.delete(size);
}

/**
 * RFC 9162, 2.1.4.1: from `size` to the tree as it is; empty when that is all of it, and from nothing. Undefined for a
 * size that `rootAt` was not asked for.
 */
export function proofFrom(crypto: Crypto, { provers }: Growth, size: number): Uint8Array[] | undefined {
  if (size === 0) return [];
  const prover = provers.get(size);
  if (prover === undefined) return undefined;
  const { start, whole, part } = prover;
  const right = part.size === 0 ? [...whole] : [...whole, rootOf(crypto, part)];
  if (right.length === 0) return [];
  const left = [...start.roots];
  const last = left.pop()!;
  // A verifier who holds a tree that is one whole subtree knows this one.
  const path = left.length === 0 ? [] : [last];
  // From the last subtree of `start` up to the root: its sibling lies to the left when its place is odd.
  let width = alignedAt(size);
  for (let from = size - width; left.length > 0 || right.length > 0; width *= 2) {
    if ((from / width) % 2 === 1) {
      path.push(left.pop()!);
      from -= width;
    } else if (right.length > 0) {
      path.push(right.shift()!);
    }
  }
  return path;
}
