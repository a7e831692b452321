/** Comparing bytes. Public values only: none of it takes constant time. */

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let at = a.length === b.length ? a.length : -1;
  while (at > 0 && a[at - 1] === b[at - 1]) at -= 1;
  return at === 0;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** By a table: hashes become the keys of Maps, several a message. */
export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}
