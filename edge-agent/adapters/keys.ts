/**
 * The device's keys: made on the device, one for each purpose, never leaving it. A key file is JSON of version 1 with
 * the seed and the public key that belongs to it, so that a damaged seed is noticed.
 */
import { mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Crypto, Signer } from "../../models/crypto.ts";
import type { StationId } from "../../models/units.ts";
import type { Random } from "../ports.ts";
import { fromBase64, toBase64 } from "../record/base64.ts";
import { originOf } from "../record/checkpoint.ts";
import { formatVerifierKey, verifierKeyOf } from "../record/note.ts";
import { SEED_BYTES, signerFromSeed } from "./crypto.ts";
import { createFile, errorCode, syncFolder } from "./durable-file.ts";

/** What a key signs, and nothing else: `statement` what the agent publishes, `log` the log's checkpoints. */
export const KEY_PURPOSES = ["statement", "log"] as const;
export type KeyPurpose = (typeof KEY_PURPOSES)[number];

const FORMAT_VERSION = 1;
/** A key file is about 160 bytes; nothing larger is read. */
const MAX_KEY_FILE_BYTES = 4096;

/** A key file is damaged, or cannot be read or made. One line that says which, and what to do. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
}

export interface DeviceKeys {
  readonly signers: Readonly<Record<KeyPurpose, Signer>>;
  /** Which were made just now; the others were there. */
  readonly created: readonly KeyPurpose[];
  /** What the operator should mend; one line each. */
  readonly warnings: readonly string[];
}

const keysFolder = (stateDir: string): string => join(stateDir, "keys");

export function keyPath(stateDir: string, purpose: KeyPurpose): string {
  return join(keysFolder(stateDir), `${purpose}.key`);
}

function readSeed(text: string, purpose: KeyPurpose): Signer | undefined {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof file !== "object" || file === null) return undefined;
  const fields = file as Readonly<Record<string, unknown>>;
  if (fields["version"] !== FORMAT_VERSION || fields["purpose"] !== purpose) return undefined;
  const seed = typeof fields["seed"] === "string" ? fromBase64(fields["seed"]) : undefined;
  if (seed?.length !== SEED_BYTES) return undefined;
  const signer = signerFromSeed(seed);
  return toBase64(signer.publicKey) === fields["publicKey"] ? signer : undefined;
}

/** The key for one purpose; undefined when there is none yet. Throws KeyFileError when it is damaged or unreadable. */
export function readKey(stateDir: string, purpose: KeyPurpose): Signer | undefined {
  const path = keyPath(stateDir, purpose);
  let text: string;
  try {
    text = statSync(path).size > MAX_KEY_FILE_BYTES ? "" : readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new KeyFileError(`${path}: cannot be read (${errorCode(error)})`);
  }
  const signer = readSeed(text, purpose);
  if (signer !== undefined) return signer;
  throw new KeyFileError(`${path}: damaged, or not a ${purpose} key; put back a copy, or move it away and have the `
    + "operator enrol the new key");
}

function createKey(stateDir: string, purpose: KeyPurpose, random: Random): void {
  const path = keyPath(stateDir, purpose);
  const seed = random.bytes(SEED_BYTES);
  const publicKey = toBase64(signerFromSeed(seed).publicKey);
  const content = `${JSON.stringify({ version: FORMAT_VERSION, purpose, publicKey, seed: toBase64(seed) })}\n`;
  try {
    if (mkdirSync(keysFolder(stateDir), { recursive: true, mode: 0o700 }) !== undefined) syncFolder(stateDir);
    createFile(path, content); // leaves a key alone that another process made meanwhile: it is read in its place
  } catch (error) {
    throw new KeyFileError(`${path}: cannot be made (${errorCode(error)})`);
  }
}

/** Private files that others on this machine could read. */
function exposed(stateDir: string): string[] {
  const paths = [keysFolder(stateDir), ...KEY_PURPOSES.map((purpose) => keyPath(stateDir, purpose))];
  return paths.flatMap((path) => {
    const mode = statSync(path).mode & 0o777;
    const lawful = path.endsWith(".key") ? "600" : "700";
    return (mode & 0o077) === 0 ? [] : [`${path}: others can read it (mode ${mode.toString(8)}); chmod ${lawful} it`];
  });
}

/** A log that was signed needs the key that signed it: a new one would look like a fork. */
function refuseLostKey(stateDir: string): void {
  const files = (folder: string): string[] => {
    try {
      return readdirSync(join(stateDir, folder));
    } catch {
      return [];
    }
  };
  if (!files("log").includes("checkpoint")) return;
  throw new KeyFileError(`${keyPath(stateDir, "log")}: missing, and ${join(stateDir, "log")} was signed with it; `
    + "put back a copy, or move the log away too");
}

/**
 * The device's keys, made where there are none; a key that is there is never overwritten.
 * Throws KeyFileError: damaged, unreadable, cannot be made, or lost while the log that it signed is still there.
 */
export function loadOrCreateKeys(stateDir: string, random: Random): DeviceKeys {
  const created: KeyPurpose[] = [];
  const load = (purpose: KeyPurpose): Signer => {
    const found = readKey(stateDir, purpose);
    if (found !== undefined) return found;
    if (purpose === "log") refuseLostKey(stateDir);
    createKey(stateDir, purpose, random);
    created.push(purpose);
    const made = readKey(stateDir, purpose);
    if (made === undefined) throw new KeyFileError(`${keyPath(stateDir, purpose)}: vanished while it was made`);
    return made;
  };
  const signers = { statement: load("statement"), log: load("log") };
  return { signers, created, warnings: exposed(stateDir) };
}

/** The public half as a C2SP verifier key. The log's key carries the log's origin as its name. */
export function publicName(crypto: Crypto, station: StationId, purpose: KeyPurpose, publicKey: Uint8Array): string {
  const name = purpose === "log" ? originOf(station) : `${originOf(station)}/${purpose}`;
  return formatVerifierKey(verifierKeyOf(crypto, name, publicKey));
}
