/**
 * The strict subset of CBOR (RFC 8949) that is signed, logged and sent: integers of 32 bits and a sign, byte strings,
 * UTF-8 text and arrays, each in its one shortest form. One value has one encoding, so hashes and signatures of it
 * agree between implementations; maps, tags, floats and indefinite lengths are refused. Reading and writing are ours:
 * an encoder of all of CBOR, cut down to the subset, was 3 KB longer and took three times as long for a statement.
 */

export type CborValue = number | string | Uint8Array | readonly CborValue[];

/** Deeper nesting than this is refused: a decoder must not be led into deep recursion. */
export const MAX_CBOR_DEPTH = 4;

const utf8 = { encoder: new TextEncoder(), decoder: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }) };

interface Writer {
  bytes: Uint8Array;
  at: number;
}

/** Where encodings begin: nearly all fit, and take no room of their own until they are whole. */
const ROOM = new Uint8Array(16_384);

function makeRoom(writer: Writer, length: number): void {
  const needed = writer.at + length;
  if (needed <= writer.bytes.length) return;
  const larger = new Uint8Array(2 * needed);
  larger.set(writer.bytes.subarray(0, writer.at));
  writer.bytes = larger;
}

/** RFC 8949, 3: the major type and its argument, in its shortest form (4.2.1). */
function writeHead(writer: Writer, major: number, argument: number): void {
  makeRoom(writer, 5);
  const width = argument < 24 ? 0 : argument < 2 ** 8 ? 1 : argument < 2 ** 16 ? 2 : 4;
  const info = width === 0 ? argument : width === 4 ? 26 : 23 + width;
  writer.bytes[writer.at++] = major << 5 | info;
  for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) writer.bytes[writer.at++] = argument >>> shift;
}

function writeBytes(writer: Writer, major: number, bytes: Uint8Array): void {
  writeHead(writer, major, bytes.length);
  makeRoom(writer, bytes.length);
  writer.bytes.set(bytes, writer.at);
  writer.at += bytes.length;
}

/** Names are ASCII, and shorter than a call of the encoder is long; it makes U+FFFD of a lone surrogate. */
function writeText(writer: Writer, text: string): void {
  const begin = writer.at;
  writeHead(writer, 3, text.length);
  makeRoom(writer, text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) {
      writer.at = begin;
      return writeBytes(writer, 3, utf8.encoder.encode(text));
    }
    writer.bytes[writer.at++] = code;
  }
}

function write(writer: Writer, value: CborValue, depth: number): void {
  if (typeof value === "number") {
    if (!Number.isInteger(value) || value < -(2 ** 32) || value >= 2 ** 32) {
      throw new RangeError(`${value} is not an integer from -2^32 to 2^32 - 1`);
    }
    return value < 0 ? writeHead(writer, 1, -1 - value) : writeHead(writer, 0, value);
  }
  if (typeof value === "string") return writeText(writer, value);
  if (value instanceof Uint8Array) return writeBytes(writer, 2, value);
  if (depth === 0) throw new RangeError("nested too deeply");
  writeHead(writer, 4, value.length);
  for (const item of value) write(writer, item, depth - 1);
}

/** Throws RangeError on a number or a depth outside the subset: what is encoded was made by this program. */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer: Writer = { bytes: ROOM, at: 0 };
  write(writer, value, MAX_CBOR_DEPTH);
  return writer.bytes.slice(0, writer.at);
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

function text(bytes: Uint8Array): string {
  try {
    return utf8.decoder.decode(bytes);
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
