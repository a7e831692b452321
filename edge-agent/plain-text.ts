/**
 * Text from a wire or a file, made safe to show: a vendor string must not move the cursor, change colours, forge a
 * second line or turn the reading direction of what follows.
 */

/** C0, DEL, C1, zero-width and bidirectional controls, line separators, byte-order mark, lone surrogates. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}/gu;

/** One line of at most `maxChars` characters; every unsafe character becomes a space, runs of space become one. */
export function plainText(text: string, maxChars = 500): string {
  // Cut twice: before the work, to bound it, and after, because spaces were joined.
  const clean = text.slice(0, maxChars * 4).replace(UNSAFE, " ").replace(/ {2,}/g, " ").trim();
  return clean.length > maxChars ? `${clean.slice(0, maxChars - 1)}…` : clean;
}

/** A count with its noun: `1 entry`, `2 entries`. */
export const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** A value as an error message shows it: JSON on one line, short. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number") return String(value); // JSON has no NaN and no Infinity
  return plainText(JSON.stringify(value) ?? String(value), 60);
}
