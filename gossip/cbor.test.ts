import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sharedDir } from "../build/paths.ts";
import { seeded } from "../build/seeded.ts";
import type { Seeded } from "../build/seeded.ts";
import { test, assert } from "../build/testing.ts";
import { decodeCbor, encodeCbor } from "./cbor.ts";
import type { CborValue } from "./cbor.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** RFC 8949, appendix A: the examples that lie inside the subset. */
const EXAMPLES: readonly (readonly [string, CborValue])[] = [
  ["00", 0], ["17", 23], ["1818", 24], ["18ff", 255], ["190100", 256], ["1903e8", 1000], ["1a000f4240", 1000000],
  ["1affffffff", 4294967295], ["40", hex("")], ["4401020304", hex("01020304")], ["60", ""], ["6161", "a"],
  ["6449455446", "IETF"], ["62c3bc", "\u00fc"], ["63e6b0b4", "\u6c34"], ["64f0908591", "\ud800\udd51"],
  ["20", -1], ["37", -24], ["3818", -25], ["3863", -100], ["3903e7", -1000], ["3affffffff", -4294967296],
  ["80", []], ["83010203", [1, 2, 3]], ["8301820203820405", [1, [2, 3], [4, 5]]], ["63efbbbf", "\ufeff"],
];

test("RFC 8949, appendix A: both ways", () => {
  for (const [bytes, value] of EXAMPLES) {
    assert.is(toHex(encodeCbor(value)), bytes);
    assert.equal(decodeCbor(hex(bytes)), { ok: true, value });
  }
});

test("what is outside the subset is refused", () => {
  const bad: Record<string, string> = {
    nothing: "", "two values": "0000", "below -2^32": "3b0000000100000000", "-1 in two bytes": "3800",
    "float16": "f93c00", "float64": "fb3ff199999999999a",
    "null": "f6", "true": "f5", "map": "a0", "tag": "c001", "tagged bytes": "d84041ff",
    "bignum": "c249010000000000000000",
    "2^32": "1b0000000100000000", "indefinite bytes": "5f4101ff", "indefinite array": "9f01ff", "break": "ff",
    "24 in two bytes too long": "1817", "255 in three": "1900ff", "65535 in five": "1a0000ffff",
    "long text head": "780161", "long array head": "980100", "reserved 28": "1c", "cut number": "19ff",
    "cut text": "6261", "cut array": "8201", "huge text": "7affffffff", "huge array": "9affffffff",
    "not UTF-8": "61ff", "overlong UTF-8": "62c080", "surrogate in UTF-8": "63eda080", "depth": "818181818100",
  };
  for (const [name, bytes] of Object.entries(bad)) assert.not(decodeCbor(hex(bytes)).ok, name);
  assert.ok(decodeCbor(hex("8181818100")).ok);
});

test("encoding refuses what the subset cannot hold", () => {
  for (const bad of [-(2 ** 32) - 1, 0.5, NaN, Infinity, 2 ** 32, 2 ** 53]) {
    assert.throws(() => encodeCbor([bad]), /not an integer/);
  }
  assert.throws(() => encodeCbor([[[[[]]]]]), /nested too deeply/);
});

test("a lone surrogate becomes U+FFFD, so that what was encoded can be decoded", () => {
  assert.equal(decodeCbor(encodeCbor("a\ud800b\udc00")), { ok: true, value: "a\ufffdb\ufffd" });
});

test("lengths around every head's width make the round trip", () => {
  const lengths = [0, 1, 22, 23, 24, 25, 31, 32, 63, 64, 84, 85, 86, 254, 255, 256, 257, 21845, 21846, 65535, 65536];
  for (const length of lengths) {
    const texts = ["a".repeat(length), "\u6c34".repeat(length)];
    for (const value of [...texts, new Uint8Array(length), new Array<number>(length).fill(7)]) {
      assert.equal(decodeCbor(encodeCbor(value)), { ok: true, value }, `length ${length}`);
    }
  }
});

function anyValue(random: Seeded, depth: number): CborValue {
  const kind = random.int(depth === 0 ? 3 : 4);
  if (kind === 0) return Math.floor(2 ** (random.next() * 32)) - 1;
  if (kind === 1) return random.bytes(random.int(300));
  if (kind === 2) return String.fromCodePoint(...Array.from({ length: random.int(90) }, () => random.int(0xd800)));
  return Array.from({ length: random.int(30) }, () => anyValue(random, depth - 1));
}

test("property: decoding undoes encoding", () => {
  const random = seeded(8949);
  for (let i = 0; i < 300; i++) {
    const value = anyValue(random, 3);
    assert.equal(decodeCbor(encodeCbor(value)), { ok: true, value });
  }
});

test("fuzz: never throws, and whatever is accepted has exactly these bytes", () => {
  const random = seeded(1);
  let accepted = 0;
  for (let i = 0; i < 20_000; i++) {
    const bytes = random.bytes(random.int(12));
    if (bytes.length > 0 && i % 2 === 0) bytes[0] = random.pick([0x40, 0x60, 0x80]) + random.int(8);
    const decoded = decodeCbor(bytes);
    if (!decoded.ok) continue;
    accepted += 1;
    assert.equal(encodeCbor(decoded.value), bytes);
  }
  assert.ok(accepted > 100);
});

test("byte strings are copies, also out of a Buffer: nothing that is kept holds on to what it was read from", () => {
  for (const input of [encodeCbor([new Uint8Array(3)]), Buffer.from(encodeCbor([new Uint8Array(3)]))]) {
    const decoded = decodeCbor(input);
    const [bytes] = decoded.ok ? decoded.value as Uint8Array[] : [];
    assert.is.not(bytes!.buffer, input.buffer);
    assert.is(bytes!.buffer.byteLength, 3);
  }
});

const shared = sharedDir();
const file = shared && join(shared, "vectors/cbor/appendix_a.json");
if (file === undefined || !existsSync(file)) test.skip("RFC 8949, appendix A, all examples", "no ../shared");
else {
  test("RFC 8949, appendix A, all examples: accepted only with the same bytes when encoded again", () => {
    const examples = JSON.parse(readFileSync(file, "utf8")) as { hex: string; decoded?: unknown }[];
    assert.ok(examples.length > 70);
    for (const example of examples) {
      const decoded = decodeCbor(hex(example.hex));
      if (!decoded.ok) continue;
      assert.is(toHex(encodeCbor(decoded.value)), example.hex);
      if (!(decoded.value instanceof Uint8Array)) assert.equal(decoded.value, example.decoded);
    }
  });
}
