/** What ships of cbor-x, beside the whole of it: the same answers to everything that the program asks. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { Encoder } from "cbor-x/encode";
import { repoRoot } from "../paths.ts";
import { type Seeded, seeded } from "../seeded.ts";
import { assert, test } from "../testing.ts";

const SEED = 20_260_301;
const wholeCbor = createRequire(join(repoRoot, "package.json"))("cbor-x") as { Encoder: typeof Encoder };

type Value = number | string | Uint8Array | readonly Value[];

const LENGTHS = [0, 1, 2, 22, 23, 24, 25, 31, 32, 63, 64, 254, 255, 256, 257, 4_095, 8_191, 20_000, 65_535, 65_536];
const NUMBERS = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, -1, -24, -25, -256, -257,
  -65_536, -65_537, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 32)];
const LETTERS = ["a", "Z", "~", "\u007f", "\u0080", "é", "\u07ff", "\u0800", "€", "\uffff", "😀", "\u0000"];

function value(random: Seeded, depth: number): Value {
  const kind = random.int(depth === 0 ? 3 : 4);
  if (kind === 0) return random.int(2) === 0 ? random.pick(NUMBERS) : random.int(2 ** 32) - 2 ** 31;
  const length = random.int(8) === 0 ? random.pick(LENGTHS) : random.int(80);
  if (kind === 1) return Array.from({ length }, () => random.pick(LETTERS)).join("");
  if (kind === 2) return random.bytes(length);
  return Array.from({ length: random.int(30) === 0 ? 300 : random.int(6) }, () => value(random, depth - 1));
}

const OPTIONS = { useRecords: false, variableMapSize: true, tagUint8Array: false };

test(`CBOR: the same bytes for random values (seed ${SEED})`, () => {
  const random = seeded(SEED);
  const whole = new wholeCbor.Encoder(OPTIONS);
  const slim = new Encoder(OPTIONS);
  for (let n = 0; n < 300; n++) {
    const any = value(random, 4);
    assert.ok(Buffer.from(slim.encode(any)).equals(Buffer.from(whole.encode(any))), `value ${n}`);
  }
  for (const length of LENGTHS) {
    for (const any of ["x".repeat(length), "é".repeat(length), new Uint8Array(length), Array(length).fill(7)]) {
      assert.ok(Buffer.from(slim.encode(any)).equals(Buffer.from(whole.encode(any))), `length ${length}`);
    }
  }
});

test("CBOR: what is outside the subset is an error, and the encoder works on after it", () => {
  const slim = new Encoder(OPTIONS);
  for (const any of [1.5, NaN, 2 ** 32, true, undefined, 10n, {}, new Map(), new Date(0), new Set([1]), [[{}]]]) {
    assert.throws(() => slim.encode(any), /not in the subset|Unknown type/);
    assert.equal([...slim.encode([1])], [0x81, 1]);
  }
});
