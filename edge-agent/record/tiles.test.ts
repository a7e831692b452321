import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { appendLeaf, EMPTY_FRONTIER, leafHash, rootOf } from "./merkle.ts";
import { subtreeSizes } from "./thin.ts";
import { tilePath, Tiles } from "./tiles.ts";

const crypto = nodeCrypto();
const entryAt = (i: number): Uint8Array => Uint8Array.of(i >> 8, i & 255, 3);
const hashAt = (i: number): Uint8Array => leafHash(crypto, entryAt(i));
const hashes = Array.from({ length: 70_000 }, (_, i) => hashAt(i));
const mth = (from: number, to: number): Uint8Array =>
  rootOf(crypto, hashes.slice(from, to).reduce((tree, leaf) => appendLeaf(crypto, tree, leaf), EMPTY_FRONTIER));

test("c2sp.org/tlog-tiles, Parameters: paths of its own examples, and parts", () => {
  assert.is(tilePath(0, 1_234_067), "tile/0/x001/x234/067");
  assert.is(tilePath(5, 0), "tile/5/000");
  assert.is(tilePath("entries", 999), "tile/entries/999");
  assert.is(tilePath(1, 1_000, 17), "tile/1/x001/000.p/17");
});

/** @param gone ranges of leaves, from and up to, without the last */
function made(size: number, gone: readonly (readonly [number, number])[] = []): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const tiles = new Tiles(crypto, ({ path, bytes }) => files.set(path, bytes));
  for (let i = 0; i < size;) {
    const range = gone.find(([from]) => from === i);
    if (range === undefined) {
      tiles.leaf(entryAt(i), hashes[i]!);
      i += 1;
      continue;
    }
    for (const part of subtreeSizes(...range)) {
      tiles.gone(mth(i, i + part), part);
      i += part;
    }
  }
  tiles.end();
  return files;
}

/** Straight from the definition: level L, index N has the hashes of 256^L leaves each. */
function expected(size: number): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let level = 0, span = 1; size >= span; level++, span *= 256) {
    const count = Math.floor(size / span);
    for (let first = 0; first < count; first += 256) {
      const width = Math.min(256, count - first);
      const parts = Array.from({ length: width }, (_, i) => mth((first + i) * span, (first + i + 1) * span));
      files.set(tilePath(level, first / 256, width), Uint8Array.from(parts.flatMap((part) => [...part])));
    }
  }
  for (let first = 0; first < size; first += 256) {
    const width = Math.min(256, size - first);
    const parts = Array.from({ length: width }, (_, i) => [0, 3, ...entryAt(first + i)]);
    files.set(tilePath("entries", first / 256, width), Uint8Array.from(parts.flat()));
  }
  return files;
}

test("every tile and bundle is the one of the definition, at sizes around every edge", () => {
  for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 66_000]) {
    const [files, right] = [made(size), expected(size)];
    assert.equal([...files.keys()].sort(), [...right.keys()].sort(), `${size}`);
    for (const [path, bytes] of right) assert.is(Buffer.compare(files.get(path)!, bytes), 0, `${size}: ${path}`);
  }
});

test("of a thinned log: tiles with a hole are left out, and every other one is the same", () => {
  const random = seeded(3);
  for (let n = 0; n < 12; n++) {
    const size = 2_000 + random.int(3_000);
    const from = random.int(1_500);
    const to = from + 1 + random.int(size - from - 1);
    const [files, right] = [made(size, [[from, to]]), expected(size)];
    const isWhole = (path: string, span: number, index: number, width: number): void => {
      const [first, last] = [index * 256 * span, (index * 256 + width) * span];
      const isHit = span === 1 && first < to && last > from;
      if (!isHit) assert.ok(files.has(path), path);
    };
    for (const [path, bytes] of files) assert.is(Buffer.compare(right.get(path)!, bytes), 0, path);
    for (const path of right.keys()) {
      const [, kind, index = "", width = "256"] = /^tile\/(\w+)\/(\d+)(?:\.p\/(\d+))?$/.exec(path) ?? [];
      isWhole(path, kind === "entries" ? 1 : 256 ** Number(kind), Number(index), Number(width));
    }
  }
});
