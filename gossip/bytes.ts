/** Comparing and joining bytes, and their hexadecimal digits. Public values only: none of it takes constant time. */

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let at = a.length === b.length ? a.length : -1;
  while (at > 0 && a[at - 1] === b[at - 1]) at -= 1;
  return at === 0;
}

const DIGITS = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
/** Nearly all that becomes hexadecimal are SHA-256 hashes: their digits are put down here, each time anew. */
const HASH_CODES = new Array<number>(64).fill(0);

/** In one piece: hashes become keys of Maps, several a message, and a text put together bit by bit keeps its bits. */
export function hex(bytes: Uint8Array): string {
  const codes = bytes.length === HASH_CODES.length / 2 ? HASH_CODES : new Array<number>(2 * bytes.length);
  for (let at = 0; at < bytes.length; at++) {
    codes[2 * at] = DIGITS[bytes[at]! >> 4]!;
    codes[2 * at + 1] = DIGITS[bytes[at]! & 15]!;
  }
  return String.fromCharCode.apply(undefined, codes);
}

/** The bytes of hexadecimal digits, two a byte. */
export function fromHex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** One array of several, in their order. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => {
    whole.set(part, at);
    return at + part.length;
  }, 0);
  return whole;
}
