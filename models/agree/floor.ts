/**
 * A floor under a member's statements: for each evidence key a value that none of them is below. Growth since any onset
 * is then at most the newest value less the floor, which tells most keys off without a look at the statements: at a
 * quiet zone the search of zone-decision.ts reads hundreds of numbers in place of a hundred thousand.
 *
 * Kept in blocks of epochs, so that old lows are forgotten, at most a block late: late makes the floor too low, and a
 * bound too high, which costs time and never a raise.
 */
import { EVIDENCE_KEYS } from "../terms.ts";

const BLOCK_EPOCHS = 32;

export interface Floor {
  /** Millinats, in the order of EVIDENCE_KEYS. */
  values: Int32Array;
  /** The same for the statements of each block, by the block's number. */
  readonly blocks: Map<number, Int32Array>;
}

/** What a statement can hold is within 2,000,000,000 (gossip/SPEC.md, section 4). */
const NOTHING = 2 ** 31 - 1;

function emptyValues(): Int32Array {
  return new Int32Array(EVIDENCE_KEYS.length).fill(NOTHING);
}

export function createFloor(): Floor {
  return { values: emptyValues(), blocks: new Map() };
}

/** Takes a statement in; in whatever order they come. */
export function lowerFloor(floor: Floor, epoch: number, evidence: readonly number[]): void {
  const number = Math.floor(epoch / BLOCK_EPOCHS);
  const block = floor.blocks.get(number) ?? emptyValues();
  floor.blocks.set(number, block);
  for (let key = 0; key < block.length; key++) {
    const value = evidence[key] ?? 0;
    if (value < (block[key] as number)) block[key] = value;
    if (value < (floor.values[key] as number)) floor.values[key] = value;
  }
}

/** Forgets blocks that hold nothing of `oldest` and later. */
export function raiseFloor(floor: Floor, oldest: number): void {
  const before = floor.blocks.size;
  for (const number of floor.blocks.keys()) if ((number + 1) * BLOCK_EPOCHS <= oldest) floor.blocks.delete(number);
  if (floor.blocks.size === before) return;
  floor.values = emptyValues();
  for (const block of floor.blocks.values()) {
    for (let key = 0; key < block.length; key++) {
      if ((block[key] as number) < (floor.values[key] as number)) floor.values[key] = block[key] as number;
    }
  }
}
