/**
 * Something small that is replaced in its place: a file of two slots, laid out with zeros once and then written in
 * turn, so that a write that a power cut tears leaves what was there before as it was. A new name for each would cost
 * the flash four times as much.
 *
 *     slot   first 8 bytes of the SHA-256 of the rest | u32be turn | u32be length | the content
 *
 * Turn n lies in slot n mod 2, the first is 1. Whatever follows the content is of an earlier, longer one.
 */
import type { Crypto } from "../../models/crypto.ts";

const CHECK_BYTES = 8;
const HEAD_BYTES = CHECK_BYTES + 8;
/** What a checkpoint takes with all the signatures that it may have (note.ts), in whole blocks of any file system. */
export const SLOT_BYTES = 16 * 1024;

/** What the two slots hold. */
export interface Slots {
  /** The newest; undefined: none yet; empty when both were written and none is whole, as no power cut leaves them. */
  readonly content: Uint8Array | undefined;
  /** Its turn; the next one is written at the next. 0 when there is none. */
  readonly turn: number;
}

const checkOf = (crypto: Crypto, slot: Uint8Array): Uint8Array =>
  crypto.sha256(slot.subarray(CHECK_BYTES)).subarray(0, CHECK_BYTES);

/** Where a turn is written. */
export const slotAt = (turn: number, slotBytes = SLOT_BYTES): number => (turn % 2) * slotBytes;

/** The bytes of one slot, as far as they are written. Throws RangeError when the content is too long for it. */
export function encodeSlot(crypto: Crypto, turn: number, content: Uint8Array, slotBytes = SLOT_BYTES): Uint8Array {
  if (content.length > slotBytes - HEAD_BYTES) throw new RangeError(`${content.length} bytes for a slot`);
  const slot = new Uint8Array(HEAD_BYTES + content.length);
  const view = new DataView(slot.buffer);
  view.setUint32(CHECK_BYTES, turn);
  view.setUint32(CHECK_BYTES + 4, content.length);
  slot.set(content, HEAD_BYTES);
  slot.set(checkOf(crypto, slot));
  return slot;
}

/** Reads the file after whatever happened to it: what was durable comes back, or what was being written. */
export function readSlots(crypto: Crypto, bytes: Uint8Array, slotBytes = SLOT_BYTES): Slots {
  let newest: Slots = { content: undefined, turn: 0 };
  let bad = 0;
  for (const at of [0, slotBytes]) {
    const slot = bytes.subarray(at, at + slotBytes);
    const view = new DataView(slot.buffer, slot.byteOffset, slot.length);
    const [turn, length] = slot.length < HEAD_BYTES ? [0, 0]
      : [view.getUint32(CHECK_BYTES), view.getUint32(CHECK_BYTES + 4)];
    const whole = slot.subarray(0, HEAD_BYTES + length);
    const isGood = length > 0 && slotAt(turn, slotBytes) === at
      && checkOf(crypto, whole).every((byte, i) => byte === slot[i]);
    if (isGood && turn > newest.turn) newest = { content: whole.subarray(HEAD_BYTES), turn };
    if (!isGood && slot.some((byte) => byte !== 0)) bad += 1;
  }
  return bad === 2 ? { content: new Uint8Array(0), turn: 0 } : newest;
}
