/**
 * The log as tiles, which monitors and mirrors of other logs read: c2sp.org/tlog-tiles. A tile is up to 256 hashes of
 * one level of the tree, a bundle up to 256 entries. Of what was thinned there are no entries and no tiles of leaves
 * any more: tiles with a hole are left out, and all above the lowest are there.
 */
import { joined } from "../../gossip/bytes.ts";
import type { Crypto } from "../../models/crypto.ts";
import { appendSubtree, EMPTY_FRONTIER, type Frontier } from "./merkle.ts";

/** "Tiles": a full one has 256 hashes. */
export const TILE_WIDTH = 256;
const TILE_BITS = 8;
const HASH_BYTES = 32;
/** "Log Entries": a length is a uint16. */
const MOST_BUNDLED_BYTES = 0xffff;

export interface TileFile {
  /** Below the log's prefix. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** "Parameters": an index in elements of three digits, all but the last after an x; a part says how wide it is. */
export function tilePath(level: number | "entries", index: number, width = TILE_WIDTH): string {
  const digits = String(index % 1_000).padStart(3, "0");
  let path = digits;
  for (let rest = Math.floor(index / 1_000); rest > 0; rest = Math.floor(rest / 1_000)) {
    path = `x${String(rest % 1_000).padStart(3, "0")}/${path}`;
  }
  return `tile/${level}/${path}${width < TILE_WIDTH ? `.p/${width}` : ""}`;
}

interface Level {
  /** Hashes of this level so far, in all of its tiles. */
  count: number;
  hashes: Uint8Array[];
  part: Frontier;
  isHoled: boolean;
}

/** Takes leaves and gone subtrees in their order, and gives each tile when it is full. */
export class Tiles {
  readonly #crypto: Crypto;
  readonly #write: (file: TileFile) => void;
  readonly #levels: Level[] = [];
  #entries: Uint8Array[] = [];
  #hasAllEntries = true;

  constructor(crypto: Crypto, write: (file: TileFile) => void) {
    this.#crypto = crypto;
    this.#write = write;
  }

  leaf(entry: Uint8Array, hash: Uint8Array): void {
    if (entry.length > MOST_BUNDLED_BYTES) this.#hasAllEntries = false;
    else this.#entries.push(Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry.slice());
    this.#add(0, hash.slice(), 1);
  }

  /** A perfect subtree of `size` leaves that are gone. */
  gone(root: Uint8Array, size: number): void {
    const bits = Math.round(Math.log2(size));
    const level = Math.floor(bits / TILE_BITS);
    // Below, whole tiles are skipped: it begins and ends where they do.
    for (let below = 0; below < level; below++) this.#level(below).count += size / TILE_WIDTH ** below;
    if (level === 0) this.#hasAllEntries = false;
    this.#add(level, root, size / TILE_WIDTH ** level);
  }

  /** What is left over are partial tiles. */
  end(): void {
    this.#levels.forEach((level, number) => this.#flush(number, level, level.count % TILE_WIDTH));
  }

  #level(number: number): Level {
    return this.#levels[number] ??= { count: 0, hashes: [], part: EMPTY_FRONTIER, isHoled: false };
  }

  #add(number: number, root: Uint8Array, units: number): void {
    const level = this.#level(number);
    if (units === 1) level.hashes.push(root);
    else level.isHoled = true;
    level.part = appendSubtree(this.#crypto, level.part, root, units);
    level.count += units;
    if (level.count % TILE_WIDTH > 0) return;
    const whole = level.part.roots[0]!;
    this.#flush(number, level, TILE_WIDTH);
    this.#add(number + 1, whole, 1);
  }

  #flush(number: number, level: Level, width: number): void {
    const index = Math.ceil(level.count / TILE_WIDTH) - 1;
    if (width > 0 && !level.isHoled) {
      const bytes = new Uint8Array(HASH_BYTES * width);
      level.hashes.forEach((hash, i) => bytes.set(hash, HASH_BYTES * i));
      this.#write({ path: tilePath(number, index, width), bytes });
    }
    if (number === 0) this.#bundle(index, width);
    level.hashes = [];
    level.part = EMPTY_FRONTIER;
    level.isHoled = false;
  }

  #bundle(index: number, width: number): void {
    if (width > 0 && this.#hasAllEntries) {
      this.#write({ path: tilePath("entries", index, width), bytes: joined(this.#entries) });
    }
    this.#entries = [];
    this.#hasAllEntries = true;
  }
}
