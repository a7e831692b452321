/** A small file that is replaced often, in its place (record/slots.ts); one writer at a time. */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import type { Crypto } from "../../models/crypto.ts";
import { encodeSlot, readSlots, slotAt, SLOTS_BYTES } from "../record/slots.ts";
import { errorCode, readBounded, replaceFile } from "./durable-file.ts";

/** Writes some bytes to a file, like `fs.writeSync`; returns how many. */
export type Write = (fd: number, bytes: Uint8Array, position: number) => number;

export const writeHere: Write = (fd, bytes, position) => writeSync(fd, bytes, 0, bytes.length, position);

/** One write as a rule. A short one is followed by the rest, or by the reason why it was short. */
export function writeAll(write: Write, fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) done += write(fd, bytes.subarray(done), position + done);
}

/** What the file holds; undefined where there is none. Throws the system's error. */
export function readSlotFile(path: string, crypto: Crypto): ReturnType<typeof readSlots> | undefined {
  try {
    const bytes = readBounded(path, SLOTS_BYTES);
    return bytes === undefined ? { note: "", turn: 0 } : readSlots(crypto, bytes);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

export class SlotFile {
  readonly #path: string;
  readonly #crypto: Crypto;
  readonly #write: Write;
  /** Of the newest that is durable; undefined until the file is looked at. */
  #turn: number | undefined;

  constructor(path: string, crypto: Crypto, write: Write) {
    this.#path = path;
    this.#crypto = crypto;
    this.#write = write;
  }

  /** Durable when it returns; whatever happens meanwhile, what was there or this. Throws the system's error. */
  replace(note: string): void {
    const turn = this.#last() + 1;
    const fd = openSync(this.#path, constants.O_WRONLY | constants.O_DSYNC);
    try {
      writeAll(this.#write, fd, encodeSlot(this.#crypto, turn, note), slotAt(turn));
    } finally {
      closeSync(fd);
    }
    this.#turn = turn;
  }

  #last(): number {
    if (this.#turn !== undefined) return this.#turn;
    const found = readSlotFile(this.#path, this.#crypto);
    if (found === undefined) replaceFile(this.#path, new Uint8Array(SLOTS_BYTES), 0o644);
    return (this.#turn = found?.turn ?? 0);
  }
}
