/** The device's keys: made on the device, one for each purpose, never leaving it. */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Crypto, Signer } from "../../models/crypto.ts";
import type { StationId } from "../../models/units.ts";
import { keyName, MEMBER_KEYS } from "../member-file.ts";
import type { Random } from "../ports.ts";
import { formatVerifierKey, verifierKeyOf } from "../record/note.ts";
import { errorCode, syncFolder } from "./durable-file.ts";
import { createKeyFile, exposure, KeyFileError, readKeyFile } from "./key-file.ts";
import type { StoredKey } from "./key-file.ts";

export { KeyFileError } from "./key-file.ts";

/**
 * What a key signs, and nothing else: `statement` what the agent publishes, `log` the log's checkpoints, `witness` the
 * checkpoints of neighbours, `tls` the handshakes of its connections.
 */
export const KEY_PURPOSES = MEMBER_KEYS;
export type KeyPurpose = (typeof KEY_PURPOSES)[number];

export interface DeviceKeys {
  readonly signers: Readonly<Record<KeyPurpose, Signer>>;
  /** The TLS key's 32 secret bytes: node:tls cannot be handed a signer. */
  readonly tlsSeed: Uint8Array;
  /** Which were made just now; the others were there. */
  readonly created: readonly KeyPurpose[];
  /** What the operator should mend; one line each. */
  readonly warnings: readonly string[];
}

const keysFolder = (stateDir: string): string => join(stateDir, "keys");

export function keyPath(stateDir: string, purpose: KeyPurpose): string {
  return join(keysFolder(stateDir), `${purpose}.key`);
}

function readStored(stateDir: string, purpose: KeyPurpose): StoredKey | undefined {
  return readKeyFile(keyPath(stateDir, purpose), purpose,
    "put back a copy, or move it away and have the operator enrol the new key");
}

/** The key for one purpose; undefined when there is none yet. Throws KeyFileError when it is damaged or unreadable. */
export function readKey(stateDir: string, purpose: KeyPurpose): Signer | undefined {
  return readStored(stateDir, purpose)?.signer;
}

function createKey(stateDir: string, purpose: KeyPurpose, random: Random): void {
  const path = keyPath(stateDir, purpose);
  try {
    if (mkdirSync(keysFolder(stateDir), { recursive: true, mode: 0o700 }) !== undefined) syncFolder(stateDir);
  } catch (error) {
    throw new KeyFileError(`${path}: cannot be made (${errorCode(error)})`);
  }
  createKeyFile(path, purpose, random); // leaves a key alone that another process made meanwhile: it is read instead
}

/** Private files that others on this machine could read. */
function exposed(stateDir: string): string[] {
  const folder = exposure(keysFolder(stateDir), "700");
  const files = KEY_PURPOSES.map((purpose) => exposure(keyPath(stateDir, purpose), "600"));
  return [folder, ...files].filter((warning) => warning !== undefined);
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
  if (!files("log").some((name) => /^checkpoint(\.slots)?$/.test(name))) return;
  throw new KeyFileError(`${keyPath(stateDir, "log")}: missing, and ${join(stateDir, "log")} was signed with it; `
    + "put back a copy, or move the log away too");
}

/**
 * The device's keys, made where there are none; a key that is there is never overwritten.
 * Throws KeyFileError: damaged, unreadable, cannot be made, or lost while the log that it signed is still there.
 */
export function loadOrCreateKeys(stateDir: string, random: Random): DeviceKeys {
  const created: KeyPurpose[] = [];
  const load = (purpose: KeyPurpose): StoredKey => {
    const found = readStored(stateDir, purpose);
    if (found !== undefined) return found;
    if (purpose === "log") refuseLostKey(stateDir);
    createKey(stateDir, purpose, random);
    created.push(purpose);
    const made = readStored(stateDir, purpose);
    if (made === undefined) throw new KeyFileError(`${keyPath(stateDir, purpose)}: vanished while it was made`);
    return made;
  };
  const stored = { statement: load("statement"), log: load("log"), witness: load("witness"), tls: load("tls") };
  return keysOf(stored, created, exposed(stateDir));
}

/** The device's keys as they are; undefined while one is missing. Throws KeyFileError like `readKey`. */
export function readKeys(stateDir: string): DeviceKeys | undefined {
  const stored = KEY_PURPOSES.map((purpose) => [purpose, readStored(stateDir, purpose)] as const);
  if (stored.some(([, key]) => key === undefined)) return undefined;
  return keysOf(Object.fromEntries(stored) as Record<KeyPurpose, StoredKey>, [], []);
}

function keysOf(
  { statement, log, witness, tls }: Record<KeyPurpose, StoredKey>, created: readonly KeyPurpose[],
  warnings: readonly string[],
): DeviceKeys {
  const signers = { statement: statement.signer, log: log.signer, witness: witness.signer, tls: tls.signer };
  return { signers, tlsSeed: tls.seed, created, warnings };
}

/** The public half as a C2SP verifier key. The log's key carries the log's origin as its name. */
export function publicName(crypto: Crypto, station: StationId, purpose: KeyPurpose, publicKey: Uint8Array): string {
  return formatVerifierKey(verifierKeyOf(crypto, keyName(station, purpose), publicKey));
}
