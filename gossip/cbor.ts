/**
 * The strict subset of CBOR (RFC 8949) that is signed, logged and sent: integers of 32 bits and a sign, byte strings,
 * UTF-8 text and arrays, each in its one shortest form. One value has one encoding, so hashes and signatures of it
 * agree between implementations; maps, tags, floats and indefinite lengths are refused.
 */
import { Encoder } from "cbor-x/encode";

export type CborValue = number | string | Uint8Array | readonly CborValue[];

/** Deeper nesting than this is refused: a decoder must not be led into deep recursion. */
export const MAX_CBOR_DEPTH = 4;

// Without these options the encoder writes record extensions and tag 64 in front of byte strings.
const encoder = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: false });

/** A text that UTF-8 can carry: lone surrogates become U+FFFD. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, "\ufffd");
}

function checked(value: CborValue, depth: number): CborValue {
  if (typeof value === "string") return wellFormed(value);
  if (typeof value === "number") {
    if (Number.isInteger(value) && value >= -(2 ** 32) && value < 2 ** 32) return value + 0;
    throw new RangeError(`${value} is not an integer from -2^32 to 2^32 - 1`);
  }
  if (value instanceof Uint8Array) return value;
  if (depth === 0) throw new RangeError("nested too deeply");
  return value.map((item) => checked(item, depth - 1));
}

/** Throws RangeError on a number or a depth outside the subset: what is encoded was made by this program. */
export function encodeCbor(value: CborValue): Uint8Array {
  // A copy: the encoder hands out views of a pool, which would keep the pool alive.
  return new Uint8Array(encoder.encode(checked(value, MAX_CBOR_DEPTH)));
}

/** Says why in words; never leaves this file. */
class NotInSubset extends Error {}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

function take(cursor: Cursor, length: number): Uint8Array {
  if (length > cursor.bytes.length - cursor.at) throw new NotInSubset("ends too early");
  cursor.at += length;
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}

/** RFC 8949, 3: the argument that follows a head; 4.2.1: in its shortest form only. */
function argument(cursor: Cursor, info: number): number {
  if (info < 24) return info;
  if (info > 26) throw new NotInSubset("a number of 8 bytes, an indefinite length or a reserved head");
  const width = 1 << (info - 24);
  if (width > cursor.bytes.length - cursor.at) throw new NotInSubset("ends too early");
  let value = 0;
  for (const end = cursor.at + width; cursor.at < end; cursor.at++) value = value * 256 + cursor.bytes[cursor.at]!;
  const smallest = width === 1 ? 24 : width === 2 ? 2 ** 8 : 2 ** 16;
  if (value < smallest) throw new NotInSubset("a number that is not in its shortest form");
  return value;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new NotInSubset("text that is not UTF-8");
  }
}

function item(cursor: Cursor, depth: number): CborValue {
  const head = cursor.bytes[cursor.at];
  if (head === undefined) throw new NotInSubset("ends too early");
  cursor.at += 1;
  const major = head >> 5;
  const n = argument(cursor, head & 0x1f);
  if (major === 0) return n;
  if (major === 1) return -1 - n;
  // A copy, which slice() of a Buffer would not be: no file or packet stays in memory for one hash of it.
  if (major === 2) return new Uint8Array(take(cursor, n));
  if (major === 3) return text(take(cursor, n));
  if (major !== 4) throw new NotInSubset(`major type ${major}`);
  if (depth === 0) throw new NotInSubset("nested too deeply");
  // Each item takes a byte at least, so a count beyond the input cannot make this loop or allocate without end.
  if (n > cursor.bytes.length - cursor.at) throw new NotInSubset("ends too early");
  const items: CborValue[] = [];
  for (let left = n; left > 0; left--) items.push(item(cursor, depth - 1));
  return items;
}

/** Decodes exactly one value. Never throws. The caller caps the size before. */
export function decodeCbor(
  bytes: Uint8Array,
): { readonly ok: true; readonly value: CborValue } | { readonly ok: false; readonly problem: string } {
  const cursor: Cursor = { bytes, at: 0 };
  try {
    const value = item(cursor, MAX_CBOR_DEPTH);
    if (cursor.at < bytes.length) return { ok: false, problem: "CBOR: bytes after the end" };
    return { ok: true, value };
  } catch (error) {
    if (error instanceof NotInSubset) return { ok: false, problem: `CBOR: ${error.message}` };
    throw error;
  }
}
