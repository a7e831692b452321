/** Damage to inputs that were whole: bytes, text, and JSON by its structure. Everything comes from the seed. */
import type { Seeded } from "../../build/seeded.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What stands at a limit somewhere, or means something to an engine. */
const ODD_VALUES: readonly Json[] = [
  null, true, "", " ", "\u0000", "\u2028\u202e", "-1", "1e400", "NaN", -1, -0, 0.1, 2 ** 31, 2 ** 53 + 2, 1e300, [], {},
  [[]], [null], { "": null }, { toString: 1, valueOf: 1 }, "__proto__", "1970-01-01T00:00:00Z", "2026-03-02T09:00:00",
  "x".repeat(5_000), "ws://user:word@[::1]:0/?q#f", "9223372036854775807",
];
const ODD_KEYS = ["__proto__", "constructor", "toString", "", "length", "idToken", "meterValue", "evse"];
/** What no tree can hold and JSON can say, or nearly. */
const ODD_NUMBERS = ["1e400", "-1e400", "9007199254740993", "-9223372036854775808", "1E-400", "00", "0x10", "-", "1."];
const ODD_TEXTS = [
  "[", "]", "{", "}", "\"", "\\", "\\u0000", "\\ud800", ",", ":", "\n", "\u0000", "\ufeff", "\ud800", "//",
];
const MOST_NESTED = 80;
const LONG_LIST = 300;

function isTree(value: Json): value is Json[] | { [key: string]: Json } {
  return typeof value === "object" && value !== null;
}

function nested(random: Seeded, value: Json): Json {
  let result = value;
  for (let depth = random.int(MOST_NESTED); depth > 0; depth -= 1) result = depth % 2 === 0 ? [result] : { a: result };
  return result;
}

/** Another value in the place of this one. */
function replaced(random: Seeded, value: Json): Json {
  switch (random.int(6)) {
    case 0: return nested(random, value);
    case 1: return [value];
    case 2: return typeof value === "number" ? String(value) : typeof value === "string" ? Number(value) || 0 : "";
    case 3: return Array.from({ length: random.int(LONG_LIST) }, () => value);
    default: return random.pick(ODD_VALUES);
  }
}

/** The tree with about one member in `oneIn` replaced, dropped, renamed or said twice. */
export function mutateTree(random: Seeded, value: Json, oneIn: number): Json {
  if (random.int(oneIn) === 0) return replaced(random, value);
  if (!isTree(value)) return value;
  if (Array.isArray(value)) {
    return value.flatMap((one) => {
      const kept = mutateTree(random, one, oneIn);
      return random.int(oneIn) > 0 ? [kept] : random.int(2) === 0 ? [] : [kept, kept];
    });
  }
  // Object.fromEntries makes `__proto__` an ordinary member, as JSON.parse does.
  return Object.fromEntries(Object.entries(value).flatMap(([key, one]) => {
    const kept = mutateTree(random, one, oneIn);
    if (random.int(oneIn) > 0) return [[key, kept]];
    return random.int(2) === 0 ? [] : [[random.pick(ODD_KEYS), kept], [key, kept]];
  }));
}

/** JSON text, damaged within its structure; text that is no JSON is damaged as such. */
export function mutateJson(random: Seeded, text: string): string {
  let tree: Json;
  try {
    tree = JSON.parse(text) as Json;
  } catch {
    return mutateText(random, text);
  }
  const written = JSON.stringify(mutateTree(random, tree, 4 + random.int(30)));
  if (random.int(4) > 0) return written;
  return written.replace(/([:,[])-?\d+/g, (whole, before: string) =>
    random.int(3) === 0 ? before + random.pick(ODD_NUMBERS) : whole);
}

export function mutateText(random: Seeded, text: string): string {
  let result = text;
  for (let times = 1 + random.int(4); times > 0; times -= 1) {
    const [at, other] = [random.int(result.length + 1), random.int(result.length + 1)];
    switch (random.int(5)) {
      case 0: result = result.slice(0, at) + random.pick(ODD_TEXTS) + result.slice(at); break;
      case 1: result = result.slice(0, at) + result.slice(at + 1 + random.int(16)); break;
      case 2: result = result.slice(0, at); break;
      case 3: result = result.slice(0, at) + result.slice(other, other + random.int(200)) + result.slice(at); break;
      default: result = result.slice(0, at) + String.fromCharCode(random.int(0x10000)) + result.slice(at + 1);
    }
  }
  return result;
}

/** Bytes with a few of them flipped, dropped, repeated or put in; the beginning, where heads are, more often. */
export function mutateBytes(random: Seeded, bytes: Uint8Array): Uint8Array {
  let result = bytes;
  const splice = (at: number, gone: number, put: Uint8Array): void => {
    const end = Math.min(result.length, at + gone);
    const next = new Uint8Array(at + put.length + result.length - end);
    next.set(result.subarray(0, at));
    next.set(put, at);
    next.set(result.subarray(end), at + put.length);
    result = next;
  };
  for (let times = 1 + random.int(4); times > 0; times -= 1) {
    const at = random.int(random.int(2) === 0 ? Math.min(16, result.length + 1) : result.length + 1);
    switch (random.int(6)) {
      case 0: splice(at, 1, Uint8Array.of(random.pick([0, 1, 0x7e, 0x7f, 0x80, 0xfe, 0xff]))); break;
      case 1: splice(at, 1, Uint8Array.of((result[at] ?? 0) ^ (1 << random.int(8)))); break;
      case 2: splice(at, 1 + random.int(8), NO_BYTES); break;
      case 3: splice(at, 0, random.bytes(1 + random.int(8))); break;
      case 4: splice(at, 0, result.slice(at, at + random.int(64))); break;
      default: result = result.slice(0, at);
    }
  }
  return result === bytes ? bytes.slice() : result;
}

const NO_BYTES = new Uint8Array(0);

/** The same bytes in pieces that are cut anywhere; most are short, as a slow or hostile link sends them. */
export function cutAnywhere(random: Seeded, bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + random.int(random.pick([1, 3, 20, bytes.length]));
    pieces.push(bytes.slice(at, end));
    at = end;
  }
  return pieces;
}
