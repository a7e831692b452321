/**
 * A note that is replaced in its place: a file of two slots, laid out with zeros once and then written in turn, so
 * that a write that a power cut tears leaves the note before it as it was. A new name for each would cost the flash
 * four times as much.
 *
 *     slot   first 8 bytes of the SHA-256 of the rest | u32be turn | u32be length | the note, UTF-8
 *
 * Turn n lies in slot n mod 2, the first is 1. Whatever follows the note is of an earlier, longer one.
 */
import type { Crypto } from "../../models/crypto.ts";

const CHECK_BYTES = 8;
const HEAD_BYTES = CHECK_BYTES + 8;
/** What a checkpoint takes with all the signatures that it may have (note.ts), in whole blocks of any file system. */
export const SLOT_BYTES = 16 * 1024;
/** The whole file. */
export const SLOTS_BYTES = 2 * SLOT_BYTES;

/** What the two slots hold. */
export interface Slots {
  /** The newest; "" when both were written and neither is whole, as no power cut leaves them; undefined: none yet. */
  readonly note: string | undefined;
  /** Its turn; the next one is written at the next. 0 when there is none. */
  readonly turn: number;
}

const checkOf = (crypto: Crypto, slot: Uint8Array): Uint8Array =>
  crypto.sha256(slot.subarray(CHECK_BYTES)).subarray(0, CHECK_BYTES);

/** Where a turn is written. */
export const slotAt = (turn: number): number => (turn % 2) * SLOT_BYTES;

/** The bytes of one slot, as far as they are written. Throws RangeError when the note is too long for it. */
export function encodeSlot(crypto: Crypto, turn: number, note: string): Uint8Array {
  const text = new TextEncoder().encode(note);
  if (text.length > SLOT_BYTES - HEAD_BYTES) throw new RangeError(`a note of ${text.length} bytes`);
  const slot = new Uint8Array(HEAD_BYTES + text.length);
  const view = new DataView(slot.buffer);
  view.setUint32(CHECK_BYTES, turn);
  view.setUint32(CHECK_BYTES + 4, text.length);
  slot.set(text, HEAD_BYTES);
  slot.set(checkOf(crypto, slot));
  return slot;
}

/** Reads the file after whatever happened to it: a note that was durable comes back, or one that was being written. */
export function readSlots(crypto: Crypto, bytes: Uint8Array): Slots {
  let newest: Slots = { note: undefined, turn: 0 };
  let bad = 0;
  for (const at of [0, SLOT_BYTES]) {
    const slot = bytes.subarray(at, at + SLOT_BYTES);
    const view = new DataView(slot.buffer, slot.byteOffset, slot.length);
    const [turn, length] = slot.length < HEAD_BYTES ? [0, 0]
      : [view.getUint32(CHECK_BYTES), view.getUint32(CHECK_BYTES + 4)];
    const whole = slot.subarray(0, HEAD_BYTES + length);
    const isGood = length > 0 && slotAt(turn) === at && checkOf(crypto, whole).every((byte, i) => byte === slot[i]);
    if (isGood && turn > newest.turn) newest = { note: new TextDecoder().decode(whole.subarray(HEAD_BYTES)), turn };
    if (!isGood && slot.some((byte) => byte !== 0)) bad += 1;
  }
  return bad === 2 ? { note: "", turn: 0 } : newest;
}
