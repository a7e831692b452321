import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { encodeSlot, readSlots, SLOT_BYTES, slotAt } from "./slots.ts";
import { crashStates } from "./slots.testing.ts";

const crypto = nodeCrypto();
const random = seeded(61);
const SLOTS_BYTES = 2 * SLOT_BYTES;
const slotOf = (turn: number, note: string): Uint8Array => encodeSlot(crypto, turn, new TextEncoder().encode(note));

function read(file: Uint8Array): { note: string | undefined; turn: number } {
  const { content, turn } = readSlots(crypto, file);
  return { note: content && new TextDecoder().decode(content), turn };
}

/** Longer and shorter than the one before in the same slot, and longer than a sector or two. */
const NOTES = ["first\n", `second ${"x".repeat(700)}\n`, `third ${"é".repeat(300)}\n`, "fourth\n",
  `fifth ${"y".repeat(1_200)}\n`, "sixth\n"];

function written(file: Uint8Array, turn: number, note: string): Uint8Array {
  const next = file.slice();
  next.set(slotOf(turn, note), slotAt(turn));
  return next;
}

test("every crash state of every write: the note before it or the new one, and the next write goes well", () => {
  let file: Uint8Array = new Uint8Array(SLOTS_BYTES);
  let [states, old, fresh] = [0, 0, 0];
  NOTES.forEach((note, index) => {
    const turn = index + 1;
    const before = NOTES[index - 1];
    const after = written(file, turn, note);
    for (const state of crashStates(random, file, after, slotAt(turn), slotOf(turn, note).length)) {
      const found = read(state);
      assert.ok(found.note === note || found.note === before, `turn ${turn}, state ${states}: ${found.note}`);
      found.note === note ? fresh++ : old++;
      assert.is(found.turn, found.note === note ? turn : turn - 1);
      assert.is(read(written(state, found.turn + 1, "next\n")).note, "next\n");
      states += 1;
    }
    file = after;
    assert.equal(read(file), { note, turn });
  });
  assert.ok(states > 5_000 && old > 5_000 && fresh >= NOTES.length, `${states} states, ${old} old, ${fresh} new`);
});

test("none yet; both bad, which no power cut does, is neither none nor an older one", () => {
  assert.equal(read(new Uint8Array(SLOTS_BYTES)), { note: undefined, turn: 0 });
  assert.equal(read(new Uint8Array(0)), { note: undefined, turn: 0 });
  const file = written(written(new Uint8Array(SLOTS_BYTES), 1, "one\n"), 2, "two\n");
  for (const length of [0, 7, 15, 16, 20, SLOT_BYTES - 1, SLOT_BYTES, SLOT_BYTES + 15, SLOTS_BYTES]) {
    assert.is(read(file.subarray(0, length)).note, length >= 20 ? "two\n" : undefined, `${length} bytes`);
  }
  file[slotAt(2) + 17]! ^= 1;
  assert.equal(read(file), { note: "one\n", turn: 1 });
  file[slotAt(1) + 17]! ^= 1;
  assert.equal(read(file), { note: "", turn: 0 });
});

test("a slot in the other's place, a length beyond the slot, a note too long for it", () => {
  const file = new Uint8Array(SLOTS_BYTES);
  file.set(slotOf(1, "one\n"), slotAt(2));
  assert.is(read(file).note, undefined);
  const long = slotOf(1, "one\n");
  new DataView(long.buffer).setUint32(12, 0xffff_ffff);
  const lying = new Uint8Array(SLOTS_BYTES);
  lying.set(long, slotAt(1));
  assert.is(read(lying).note, undefined);
  const longest = "x".repeat(SLOT_BYTES - 16);
  assert.is(read(written(new Uint8Array(SLOTS_BYTES), 1, longest)).note, longest);
  assert.throws(() => slotOf(1, `${longest}x`), RangeError);
  const larger = new TextEncoder().encode(`${longest}x`);
  const wide = new Uint8Array(4 * SLOT_BYTES);
  wide.set(encodeSlot(crypto, 1, larger, 2 * SLOT_BYTES), slotAt(1, 2 * SLOT_BYTES));
  assert.equal(readSlots(crypto, wide, 2 * SLOT_BYTES), { content: larger, turn: 1 });
  assert.is(readSlots(crypto, wide).content, undefined, "not where a slot of another size lies");
});
