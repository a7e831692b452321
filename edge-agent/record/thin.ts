/**
 * An old segment of the log, thinned: what nobody will ask for is dropped, and in its place stand the roots of the
 * whole subtrees that it filled. So the tree above stays the same, and every proof can still be made: of each entry
 * that is kept, and of growth from each size that is a boundary. A sibling on the way from a kept leaf to the root
 * never lies strictly inside one of these subtrees, since its parent holds the kept leaf.
 *
 *     header   "kerbwthn" | u32be version | u64be index of the first entry | u64be index after the last
 *     kept     u32be length | entry
 *     gap      u32be 0 | u64be entries | their subtrees' roots, 32 bytes each, left to right: the largest that fit,
 *              of 256 leaves at most, so that tiles above the lowest stay whole (tiles.ts)
 *     end      SHA-256 of all that
 *
 * It is written whole beside the segment before the segment goes, so a crash leaves one of the two, or both.
 */
import { joined } from "../../gossip/bytes.ts";
import type { Crypto } from "../../models/crypto.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import { decodeEntry, type Entry, MAX_ENTRY_BYTES } from "./entry.ts";
import { appendLeaf, EMPTY_FRONTIER, leafHash, rootOf } from "./merkle.ts";
import type { StoredEntry } from "./segment.ts";
import { TILE_WIDTH } from "./tiles.ts";

export const THIN_VERSION = 1;
const MAGIC = "kerbwthn";
const HEADER_BYTES = 28;
const HASH_BYTES = 32;
const GAP_HEAD_BYTES = 12;

/** The root of a whole subtree of the log; its place is a multiple of its size. */
export interface Subtree {
  readonly size: number;
  readonly root: Uint8Array;
}

export type ThinItem = StoredEntry | Subtree;

export interface Thinned {
  readonly firstIndex: number;
  readonly nextIndex: number;
  /** In order, from the first to the next index without a hole. */
  readonly items: readonly ThinItem[];
}

export const isSubtree = (item: ThinItem): item is Subtree => "root" in item;

/** Sizes of the largest whole subtrees, up to 256, that fill the leaves from `from` up to and without `to`. */
export function subtreeSizes(from: number, to: number): number[] {
  const sizes: number[] = [];
  for (let at = from; at < to;) {
    let size = 1;
    while (size < TILE_WIDTH && at % (2 * size) === 0 && at + 2 * size <= to) size *= 2;
    sizes.push(size);
    at += size;
  }
  return sizes;
}

/** Of each of these the newest in a segment is kept: an agent goes on from it, or holds it as a witness. */
function newestOf(entry: Entry): string | undefined {
  if (entry.kind === "statement") return "statement";
  if (entry.kind === "witness") return `witness ${entry.note.slice(0, entry.note.indexOf("\n"))}`;
  return undefined;
}

/** What stays of a segment: all but statements and what was cosigned, and of these the newest of each log. */
export function whatStays(entries: readonly StoredEntry[]): boolean[] {
  const newest = new Map<string, number>();
  const names = entries.map(({ entry }, i) => {
    const decoded = decodeEntry(entry);
    const name = decoded.ok ? newestOf(decoded.value) : undefined;
    if (name !== undefined) newest.set(name, i);
    return name;
  });
  return names.map((name, i) => name === undefined || newest.get(name) === i);
}

function header(firstIndex: number, nextIndex: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(new TextEncoder().encode(MAGIC));
  const view = new DataView(bytes.buffer);
  view.setUint32(8, THIN_VERSION);
  view.setBigUint64(12, BigInt(firstIndex));
  view.setBigUint64(20, BigInt(nextIndex));
  return bytes;
}

/**
 * The file of a segment with only some of its entries.
 * @param stays for each entry, whether it is kept
 * @param boundaries sizes of the log from which its growth must still be provable
 */
export function thin(
  crypto: Crypto, firstIndex: number, entries: readonly StoredEntry[], stays: readonly boolean[],
  boundaries: ReadonlySet<number>,
): Uint8Array {
  const parts: Uint8Array[] = [header(firstIndex, firstIndex + entries.length)];
  for (let i = 0; i < entries.length;) {
    const { entry } = entries[i]!;
    if (stays[i] === true) {
      parts.push(word(entry.length), entry);
      i += 1;
      continue;
    }
    let end = i + 1;
    while (end < entries.length && stays[end] !== true && !boundaries.has(firstIndex + end)) end += 1;
    parts.push(gap(crypto, firstIndex + i, entries.slice(i, end)));
    i = end;
  }
  const body = joined(parts);
  return joined([body, crypto.sha256(body)]);
}

function gap(crypto: Crypto, from: number, entries: readonly StoredEntry[]): Uint8Array {
  const head = new Uint8Array(GAP_HEAD_BYTES);
  new DataView(head.buffer).setBigUint64(4, BigInt(entries.length));
  let at = 0;
  const roots = subtreeSizes(from, from + entries.length).map((size) => {
    let part = EMPTY_FRONTIER;
    for (const end = at + size; at < end; at++) part = appendLeaf(crypto, part, entries[at]!.leafHash);
    return rootOf(crypto, part);
  });
  return joined([head, ...roots]);
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** Reads such a file. Never throws; a file that is not whole is none. Entries are views of the bytes. */
export function readThin(crypto: Crypto, bytes: Uint8Array): Result<Thinned> {
  const end = bytes.length - HASH_BYTES;
  if (end < HEADER_BYTES) return problem("shorter than its header");
  const sum = crypto.sha256(bytes.subarray(0, end));
  if (!sum.every((byte, i) => byte === bytes[end + i])) return problem("its bytes are not those that were written");
  if (new TextDecoder().decode(bytes.subarray(0, 8)) !== MAGIC) return problem("not a thinned segment");
  const view = new DataView(bytes.buffer, bytes.byteOffset, end);
  if (view.getUint32(8) !== THIN_VERSION) return problem(`its version is not ${THIN_VERSION}`);
  const [firstIndex, nextIndex] = [Number(view.getBigUint64(12)), Number(view.getBigUint64(20))];
  if (!Number.isSafeInteger(nextIndex) || firstIndex >= nextIndex) return problem("its indexes are none");
  const items: ThinItem[] = [];
  let index = firstIndex;
  for (let at = HEADER_BYTES; at < end;) {
    const length = at + 4 <= end ? view.getUint32(at) : MAX_ENTRY_BYTES + 1;
    const taken = length > 0 ? keptAt(crypto, bytes, at + 4, length, end)
      : gapAt(bytes, view, at + 4, index, nextIndex);
    if (taken === undefined) return problem(`an item at byte ${at} is none`);
    for (const item of taken.items) items.push(item);
    index += taken.entries;
    at = taken.end;
  }
  return index === nextIndex ? ok({ firstIndex, nextIndex, items }) : problem(`it ends with entry ${index}`);
}

interface Taken {
  readonly items: readonly ThinItem[];
  readonly entries: number;
  readonly end: number;
}

function keptAt(crypto: Crypto, bytes: Uint8Array, at: number, length: number, end: number): Taken | undefined {
  if (length > MAX_ENTRY_BYTES || at + length > end) return undefined;
  const entry = bytes.subarray(at, at + length);
  return { items: [{ entry, leafHash: leafHash(crypto, entry) }], entries: 1, end: at + length };
}

function gapAt(bytes: Uint8Array, view: DataView, at: number, index: number, most: number): Taken | undefined {
  if (at + 8 > view.byteLength) return undefined;
  const entries = Number(view.getBigUint64(at));
  // Each hash stands for 256 at most: the list of sizes is no longer than the bytes.
  if (entries < 1 || index + entries > most || entries > TILE_WIDTH * view.byteLength) return undefined;
  const sizes = subtreeSizes(index, index + entries);
  const end = at + 8 + HASH_BYTES * sizes.length;
  if (end > view.byteLength) return undefined;
  const items = sizes.map((size, i) => {
    const from = at + 8 + HASH_BYTES * i;
    return { size, root: bytes.slice(from, from + HASH_BYTES) };
  });
  return { items, entries, end };
}
