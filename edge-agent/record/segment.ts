/**
 * The form of the log on disk: a segment is a header and records, appended a batch at a time by one write each.
 *
 *     header   "kerbwlog" | u32be version | u64be index of the first entry | first 4 bytes of their SHA-256
 *     record   u32be length, top bit set on the first record of a batch | first 8 bytes of the leaf hash | entry
 *
 * A batch is acknowledged after its write is durable, and only then the next is begun. So after a crash only the last
 * batch can be damaged, in any of its sectors: what is bad is *torn* when no later batch follows, else *damage*.
 * Zeros to the end of the file are neither: they are laid out before anything is written, so that a write changes
 * nothing of the file but its own blocks.
 */
import type { Crypto } from "../../models/crypto.ts";
import { MAX_ENTRY_BYTES } from "./entry.ts";
import { leafHash } from "./merkle.ts";

export const SEGMENT_VERSION = 1;
export const HEADER_BYTES = 24;
export const RECORD_HEAD_BYTES = 12;

const MAGIC = "kerbwlog";
const CHECK_BYTES = 8;
const FIRST_OF_BATCH = 0x8000_0000;
/** Bound on the search for a later batch behind a bad record. Random bytes cost a few kilobytes of it. */
const SEARCH_HASH_BYTES = 32 * 1024 * 1024;

export interface StoredEntry {
  readonly entry: Uint8Array;
  readonly leafHash: Uint8Array;
}

/** What a segment holds, up to the first byte that is not good. */
export interface Recovery {
  /** Index of the segment's first entry; undefined without a good header. */
  readonly firstIndex?: number;
  /** Views of the segment's bytes: copy what is to outlive them. */
  readonly entries: readonly StoredEntry[];
  /** Length of the header and the whole records. */
  readonly goodBytes: number;
  /** What follows them up to the last that is not 0: the rest of an unacknowledged batch; none when it is damage. */
  readonly tornBytes: number;
  /** Set when acknowledged entries are bad: why, for people. Nothing may be cut then. */
  readonly damage?: string;
}

function headerCheck(crypto: Crypto, header: Uint8Array): Uint8Array {
  return crypto.sha256(header.subarray(0, HEADER_BYTES - 4)).subarray(0, 4);
}

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  return prefix.every((byte, i) => bytes[at + i] === byte);
}

/** `firstIndex`: a whole number below 2^53. */
export function encodeHeader(crypto: Crypto, firstIndex: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(new TextEncoder().encode(MAGIC));
  const view = new DataView(header.buffer);
  view.setUint32(8, SEGMENT_VERSION);
  view.setBigUint64(12, BigInt(firstIndex));
  header.set(headerCheck(crypto, header), HEADER_BYTES - 4);
  return header;
}

/** The records of one batch, to be written at once. Throws RangeError on an empty entry and on one over 64 KB. */
export function encodeBatch(crypto: Crypto, entries: readonly Uint8Array[]): Uint8Array {
  const bad = entries.find((entry) => entry.length === 0 || entry.length > MAX_ENTRY_BYTES);
  if (bad !== undefined) throw new RangeError(`an entry of ${bad.length} bytes`);
  const batch = new Uint8Array(entries.reduce((sum, entry) => sum + RECORD_HEAD_BYTES + entry.length, 0));
  const view = new DataView(batch.buffer);
  let at = 0;
  for (const entry of entries) {
    view.setUint32(at, entry.length + (at === 0 ? FIRST_OF_BATCH : 0));
    batch.set(leafHash(crypto, entry).subarray(0, CHECK_BYTES), at + 4);
    batch.set(entry, at + RECORD_HEAD_BYTES);
    at += RECORD_HEAD_BYTES + entry.length;
  }
  return batch;
}

/** The length word at `at`; undefined when no record of a lawful length fits between there and the end. */
function recordHead(bytes: Uint8Array, at: number): { length: number; first: boolean } | undefined {
  if (at + RECORD_HEAD_BYTES > bytes.length) return undefined;
  const word = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0);
  const first = word >= FIRST_OF_BATCH;
  const length = first ? word - FIRST_OF_BATCH : word;
  const fits = length > 0 && length <= MAX_ENTRY_BYTES && at + RECORD_HEAD_BYTES + length <= bytes.length;
  return fits ? { length, first } : undefined;
}

function recordAt(crypto: Crypto, bytes: Uint8Array, at: number): StoredEntry | undefined {
  const head = recordHead(bytes, at);
  if (head === undefined) return undefined;
  const entry = bytes.subarray(at + RECORD_HEAD_BYTES, at + RECORD_HEAD_BYTES + head.length);
  const hash = leafHash(crypto, entry);
  return startsWith(bytes, at + 4, hash.subarray(0, CHECK_BYTES)) ? { entry, leafHash: hash } : undefined;
}

/** Bytes from `from` on, up to the last that is not zero. */
function writtenAfter(bytes: Uint8Array, from: number): number {
  let end = bytes.length;
  while (end > from && bytes[end - 1] === 0) end -= 1;
  return end - from;
}

/** Why so many bytes from `from` on, which begin with no good record, are no torn tail; undefined when they are. */
function damageAfter(crypto: Crypto, bytes: Uint8Array, from: number, written: number): string | undefined {
  let budget = SEARCH_HASH_BYTES;
  for (let at = from; at < from + written; at++) {
    const head = recordHead(bytes, at);
    if (head === undefined || !head.first) continue;
    if (recordAt(crypto, bytes, at) !== undefined) {
      return `the bytes from ${from} on are bad, and a later batch at ${at} is good`;
    }
    budget -= head.length;
    // Whoever made this can only have it called damage, which stops signing, never have entries cut unseen.
    if (budget < 0) return `the bytes from ${from} on are bad, and too odd to be searched`;
  }
  return undefined;
}

function readHeader(crypto: Crypto, bytes: Uint8Array): { firstIndex: number } | { damage?: string } {
  const magic = new TextEncoder().encode(MAGIC);
  const header = bytes.subarray(0, HEADER_BYTES);
  if (header.length < HEADER_BYTES || !startsWith(header, 0, magic)) return {};
  if (!startsWith(header, HEADER_BYTES - 4, headerCheck(crypto, header))) return {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const version = view.getUint32(8);
  if (version !== SEGMENT_VERSION) return { damage: `segment version ${version} is not ${SEGMENT_VERSION}` };
  const firstIndex = Number(view.getBigUint64(12));
  return Number.isSafeInteger(firstIndex) ? { firstIndex } : { damage: "the index of the first entry is beyond 2^53" };
}

/**
 * Reads a segment after whatever happened to it. Every entry whose batch was durable is given back; never one that was
 * not written. The caller cuts the file to `goodBytes` when there is a torn tail, and leaves it alone on damage;
 * without either, nothing but zeros follows the good bytes.
 */
export function recover(crypto: Crypto, bytes: Uint8Array): Recovery {
  const header = readHeader(crypto, bytes);
  if (!("firstIndex" in header)) {
    const written = writtenAfter(bytes, 0);
    const damage = header.damage ?? damageAfter(crypto, bytes, 0, written);
    return damage === undefined
      ? { entries: [], goodBytes: 0, tornBytes: written }
      : { entries: [], goodBytes: 0, tornBytes: 0, damage };
  }
  const entries: StoredEntry[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const record = recordAt(crypto, bytes, at);
    if (record === undefined) break;
    entries.push(record);
    at += RECORD_HEAD_BYTES + record.entry.length;
  }
  const written = writtenAfter(bytes, at);
  const damage = damageAfter(crypto, bytes, at, written);
  const found = { firstIndex: header.firstIndex, entries, goodBytes: at };
  return damage === undefined ? { ...found, tornBytes: written } : { ...found, tornBytes: 0, damage };
}
