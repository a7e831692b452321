/** Comparing bytes. Public values only: none of it takes constant time. */

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let at = a.length === b.length ? a.length : -1;
  while (at > 0 && a[at - 1] === b[at - 1]) at -= 1;
  return at === 0;
}

const DIGITS = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

/** In one piece: hashes become keys of Maps, several a message, and a text put together bit by bit keeps its bits. */
export function hex(bytes: Uint8Array): string {
  const codes: number[] = [];
  for (const byte of bytes) codes.push(DIGITS[byte >> 4]!, DIGITS[byte & 15]!);
  return String.fromCharCode(...codes);
}
