/** Base64 of RFC 4648, section 4, in its one canonical form: padded, no line breaks, unused bits zero. */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** The value of a digit by its character code; -1 for any other. */
const VALUES = Int8Array.from({ length: 128 }, (_, code) => DIGITS.indexOf(String.fromCharCode(code)));

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Undefined for anything that `toBase64` would not have written. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.length - padding;
  const bytes = new Uint8Array(3 * (text.length / 4) - padding);
  let [bits, held, at] = [0, 0, 0];
  for (let place = 0; place < digits; place++) {
    const value = VALUES[text.charCodeAt(place)] ?? -1;
    if (value < 0) return undefined;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[at++] = bits >> held;
  }
  // What is left of the last digit must be zero, or one value would have several texts.
  return (bits & ((1 << held) - 1)) === 0 ? bytes : undefined;
}
