/** A small file that is replaced often, in its place (record/slots.ts); one writer at a time. */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import type { Crypto } from "../../models/crypto.ts";
import { encodeSlot, readSlots, type Slots, SLOT_BYTES, slotAt } from "../record/slots.ts";
import { ifThere, readBounded, replaceFile } from "./durable-file.ts";

/** Writes some bytes to a file, like `fs.writeSync`; returns how many. */
export type Write = (fd: number, bytes: Uint8Array, position: number) => number;

export const writeHere: Write = (fd, bytes, position) => writeSync(fd, bytes, 0, bytes.length, position);

/** One write as a rule. A short one is followed by the rest, or by the reason why it was short. */
export function writeAll(write: Write, fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) done += write(fd, bytes.subarray(done), position + done);
}

/** What the file holds; undefined where there is none. Throws the system's error. */
export function readSlotFile(path: string, crypto: Crypto, slotBytes = SLOT_BYTES): Slots | undefined {
  const bytes = ifThere(() => readBounded(path, 2 * slotBytes) ?? "too large");
  return bytes === "too large" ? { content: new Uint8Array(0), turn: 0 }
    : bytes && readSlots(crypto, bytes, slotBytes);
}

export interface SlotFileOptions {
  /** In place of the system call. */
  readonly write?: Write;
  readonly slotBytes?: number;
  readonly mode?: number;
}

export class SlotFile {
  readonly #path: string;
  readonly #crypto: Crypto;
  readonly #options: Required<SlotFileOptions>;
  /** Of the newest that is durable; undefined until the file is looked at. */
  #turn: number | undefined;

  constructor(path: string, crypto: Crypto, options: SlotFileOptions = {}) {
    this.#path = path;
    this.#crypto = crypto;
    this.#options = { write: writeHere, slotBytes: SLOT_BYTES, mode: 0o644, ...options };
  }

  /** Durable when it returns; whatever happens meanwhile, what was there or this. Throws the system's error. */
  replace(content: string | Uint8Array): void {
    const { write, slotBytes } = this.#options;
    const turn = this.#last() + 1;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const slot = encodeSlot(this.#crypto, turn, bytes, slotBytes);
    this.#turn = undefined; // should this fail, the file is looked at anew: it may be gone
    const fd = openSync(this.#path, constants.O_WRONLY | constants.O_DSYNC);
    try {
      writeAll(write, fd, slot, slotAt(turn, slotBytes));
    } finally {
      closeSync(fd);
    }
    this.#turn = turn;
  }

  #last(): number {
    if (this.#turn !== undefined) return this.#turn;
    const { slotBytes, mode } = this.#options;
    const found = readSlotFile(this.#path, this.#crypto, slotBytes);
    if (found === undefined) replaceFile(this.#path, new Uint8Array(2 * slotBytes), mode);
    return (this.#turn = found?.turn ?? 0);
  }
}
