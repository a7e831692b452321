/**
 * What was learned, as files in the state directory; and the secret behind idToken pseudonyms.
 *
 * `normal.json` is the whole of it, replaced by rename at each end and once a day. What is saved meanwhile goes into
 * slots beside it, deflated, behind the first line of the `normal.json` that it follows. Slots that follow another one
 * do not count: that was put there since, by `learn` or by an older release, which knows no slots and was gone back to.
 */
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Crypto } from "../../models/crypto.ts";
import { decodeMemory, encodeMemory, MAX_MEMORY_CHARS, type Memory } from "../memory.ts";
import type { Random } from "../ports.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import { createFile, errorCode, ifThere, readBounded, replaceFile } from "./durable-file.ts";
import { readSlotFile, SlotFile, type Write } from "./slot-file.ts";

const SECRET_BYTES = 32;
const MAX_MEMORY_BYTES = 4 * MAX_MEMORY_CHARS;
/** Some three times what is learned in weeks, deflated; what does not fit is saved whole. */
export const MEMORY_SLOT_BYTES = 64 * 1024;
/** About once a day: so much is lost to an older release that is gone back to without a clean end. */
const SAVED_WHOLE_EACH = 100;

export function memoryPath(stateDir: string): string {
  return join(stateDir, "normal.json");
}

export const memorySlotsPath = (stateDir: string): string => join(stateDir, "normal.slots");

const firstLine = (text: string): string => text.slice(0, text.indexOf("\n") + 1);

/** What was saved in slots since `whole` was. */
function savedSince(whole: string, stateDir: string, crypto: Crypto): string | undefined {
  try {
    const { content } = readSlotFile(memorySlotsPath(stateDir), crypto, MEMORY_SLOT_BYTES) ?? {};
    const text = content && inflateRawSync(content, { maxOutputLength: MAX_MEMORY_BYTES }).toString();
    const follows = firstLine(whole);
    return text?.startsWith(follows) === true ? text.slice(follows.length) : undefined;
  } catch {
    return undefined; // damaged or unreadable: what is a day old is better than nothing
  }
}

/** What was learned; a problem of one line when there is none or it cannot be used. */
export function readMemory(stateDir: string, crypto: Crypto): Result<Memory> {
  const path = memoryPath(stateDir);
  try {
    const bytes = ifThere(() => readBounded(path, MAX_MEMORY_BYTES) ?? "too large to be what was learned");
    if (!(bytes instanceof Uint8Array)) return problem(`${path}: ${bytes ?? "nothing was learned yet"}`);
    const whole = new TextDecoder().decode(bytes);
    const memory = decodeMemory(savedSince(whole, stateDir, crypto) ?? whole, crypto);
    return memory.ok ? memory : problem(`${path}: ${memory.problem}`);
  } catch (error) {
    return problem(`${path}: ${errorCode(error)}`);
  }
}

/** Whether something was learned there, usable or not. */
export function hasMemory(stateDir: string): boolean {
  return statSync(memoryPath(stateDir), { throwIfNoEntry: false }) !== undefined;
}

/** Saves what was learned. Each is durable when it returns; what was saved before, or it, survives a power cut. */
export class MemoryFile {
  readonly #stateDir: string;
  readonly #crypto: Crypto;
  readonly #slots: SlotFile;
  /** First line of `normal.json`, as this process put it there; absent: it did not yet. */
  #follows: string | undefined;
  #savedSince = 0;

  constructor(stateDir: string, crypto: Crypto, write?: Write) {
    this.#stateDir = stateDir;
    this.#crypto = crypto;
    this.#slots = new SlotFile(memorySlotsPath(stateDir), crypto, {
      slotBytes: MEMORY_SLOT_BYTES, mode: 0o600, ...(write !== undefined && { write }),
    });
  }

  /** In a slot, if one can be had. Throws the system's error. */
  save(memory: Memory): void {
    const text = encodeMemory(memory, this.#crypto);
    if (this.#follows === undefined || this.#savedSince >= SAVED_WHOLE_EACH) return this.#saveWhole(text);
    try {
      this.#slots.replace(deflateRawSync(this.#follows + text));
      this.#savedSince += 1;
    } catch {
      this.#saveWhole(text); // too long for a slot, or another user's file
    }
  }

  /** For whoever comes next, an older release included. Throws the system's error. */
  saveWhole(memory: Memory): void {
    this.#saveWhole(encodeMemory(memory, this.#crypto));
  }

  #saveWhole(text: string): void {
    this.#follows = undefined; // should this fail, it may have been put there all the same
    replaceFile(memoryPath(this.#stateDir), text);
    this.#follows = firstLine(text);
    this.#savedSince = 0;
  }
}

/** The key of this agent's idToken pseudonyms: made once on the device, never leaving it. */
export function loadOrCreateTokenSecret(stateDir: string, random: Random): Result<Uint8Array> {
  const path = join(stateDir, "keys", "token.secret");
  try {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) { // else nothing is written: the disk may be full
      mkdirSync(join(stateDir, "keys"), { recursive: true, mode: 0o700 });
      createFile(path, random.bytes(SECRET_BYTES));
    }
    const secret = new Uint8Array(readFileSync(path));
    return secret.length === SECRET_BYTES ? ok(secret) : problem(`${path}: damaged; move it away and start again`);
  } catch (error) {
    return problem(`${path}: ${errorCode(error)}`);
  }
}
