import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { encodeSlot, readSlots, SLOT_BYTES, slotAt, SLOTS_BYTES } from "./slots.ts";

const crypto = nodeCrypto();
const random = seeded(61);
const SECTOR = 512;

/** Longer and shorter than the one before in the same slot, and longer than a sector or two. */
const NOTES = ["first\n", `second ${"x".repeat(700)}\n`, `third ${"é".repeat(300)}\n`, "fourth\n",
  `fifth ${"y".repeat(1_200)}\n`, "sixth\n"];

function written(file: Uint8Array, turn: number, note: string): Uint8Array {
  const next = file.slice();
  next.set(encodeSlot(crypto, turn, note), slotAt(turn));
  return next;
}

/** Every crash state of the write that made `after` out of `before`: prefixes, garbage tails, lost sectors. */
function* crashStates(before: Uint8Array, after: Uint8Array, at: number, length: number): Generator<Uint8Array> {
  const mixed = (from: number, part: Uint8Array): Uint8Array => {
    const state = before.slice();
    state.set(part, from);
    return state;
  };
  for (let done = 0; done <= length; done++) {
    yield mixed(at, after.subarray(at, at + done));
    const garbage = mixed(at, after.subarray(at, at + done));
    garbage.set(random.bytes(length - done), at + done);
    yield garbage;
  }
  const sectors = Math.ceil(length / SECTOR);
  for (let lost = 1; lost < 2 ** sectors; lost++) {
    const state = after.slice();
    for (let s = 0; s < sectors; s++) {
      const [from, until] = [at + s * SECTOR, at + (s + 1) * SECTOR];
      if (Math.floor(lost / 2 ** s) % 2 === 1) state.set(before.subarray(from, until), from);
    }
    yield state;
  }
}

test("every crash state of every write: the note before it or the new one, and the next write goes well", () => {
  let file: Uint8Array = new Uint8Array(SLOTS_BYTES);
  let [states, old, fresh] = [0, 0, 0];
  NOTES.forEach((note, index) => {
    const turn = index + 1;
    const before = NOTES[index - 1];
    const after = written(file, turn, note);
    for (const state of crashStates(file, after, slotAt(turn), encodeSlot(crypto, turn, note).length)) {
      const found = readSlots(crypto, state);
      assert.ok(found.note === note || found.note === before, `turn ${turn}, state ${states}: ${found.note}`);
      found.note === note ? fresh++ : old++;
      assert.is(found.turn, found.note === note ? turn : turn - 1);
      assert.is(readSlots(crypto, written(state, found.turn + 1, "next\n")).note, "next\n");
      states += 1;
    }
    file = after;
    assert.equal(readSlots(crypto, file), { note, turn });
  });
  assert.ok(states > 5_000 && old > 5_000 && fresh >= NOTES.length, `${states} states, ${old} old, ${fresh} new`);
});

test("none yet; both bad, which no power cut does, is neither none nor an older one", () => {
  assert.equal(readSlots(crypto, new Uint8Array(SLOTS_BYTES)), { note: undefined, turn: 0 });
  assert.equal(readSlots(crypto, new Uint8Array(0)), { note: undefined, turn: 0 });
  const file = written(written(new Uint8Array(SLOTS_BYTES), 1, "one\n"), 2, "two\n");
  for (const length of [0, 7, 15, 16, 20, SLOT_BYTES - 1, SLOT_BYTES, SLOT_BYTES + 15, SLOTS_BYTES]) {
    assert.is(readSlots(crypto, file.subarray(0, length)).note, length >= 20 ? "two\n" : undefined, `${length} bytes`);
  }
  file[slotAt(2) + 17]! ^= 1;
  assert.equal(readSlots(crypto, file), { note: "one\n", turn: 1 });
  file[slotAt(1) + 17]! ^= 1;
  assert.equal(readSlots(crypto, file), { note: "", turn: 0 });
});

test("a slot in the other's place, a length beyond the slot, a note too long for it", () => {
  const file = new Uint8Array(SLOTS_BYTES);
  file.set(encodeSlot(crypto, 1, "one\n"), slotAt(2));
  assert.is(readSlots(crypto, file).note, undefined);
  const long = encodeSlot(crypto, 1, "one\n");
  new DataView(long.buffer).setUint32(12, 0xffff_ffff);
  const lying = new Uint8Array(SLOTS_BYTES);
  lying.set(long, slotAt(1));
  assert.is(readSlots(crypto, lying).note, undefined);
  const longest = "x".repeat(SLOT_BYTES - 16);
  assert.is(readSlots(crypto, written(new Uint8Array(SLOTS_BYTES), 1, longest)).note, longest);
  assert.throws(() => encodeSlot(crypto, 1, `${longest}x`), RangeError);
});
