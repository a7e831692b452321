/** What was learned, as a file in the state directory; and the secret behind idToken pseudonyms. */
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Crypto } from "../../models/crypto.ts";
import { decodeMemory, encodeMemory, MAX_MEMORY_CHARS, type Memory } from "../memory.ts";
import type { Random } from "../ports.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import { createFile, errorCode, replaceFile } from "./durable-file.ts";

const SECRET_BYTES = 32;

export function memoryPath(stateDir: string): string {
  return join(stateDir, "normal.json");
}

/** What was learned; a problem of one line when there is none or it cannot be used. */
export function readMemory(stateDir: string, crypto: Crypto): Result<Memory> {
  const path = memoryPath(stateDir);
  try {
    if (statSync(path).size > 4 * MAX_MEMORY_CHARS) return problem(`${path}: too large to be what was learned`);
    const memory = decodeMemory(readFileSync(path, "utf8"), crypto);
    return memory.ok ? memory : problem(`${path}: ${memory.problem}`);
  } catch (error) {
    return problem(`${path}: ${errorCode(error) === "ENOENT" ? "nothing was learned yet" : errorCode(error)}`);
  }
}

/** Whether something was learned there, usable or not. */
export function hasMemory(stateDir: string): boolean {
  return statSync(memoryPath(stateDir), { throwIfNoEntry: false }) !== undefined;
}

/** Durable when it returns; the old content or the new one survives a power cut. Throws the system's error. */
export function writeMemory(stateDir: string, memory: Memory, crypto: Crypto): void {
  replaceFile(memoryPath(stateDir), encodeMemory(memory, crypto));
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
