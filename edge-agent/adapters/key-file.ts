/**
 * A private key in a file: JSON of version 1 with its purpose, the seed, and the public key that belongs to it, so that
 * a damaged seed is noticed. Readable by its owner alone, and never overwritten.
 */
import { readFileSync, statSync } from "node:fs";
import type { Signer } from "../../models/crypto.ts";
import type { Random } from "../ports.ts";
import { fromBase64, toBase64 } from "../record/base64.ts";
import { SEED_BYTES, signerFromSeed } from "./crypto.ts";
import { createFile, errorCode, ifThere } from "./durable-file.ts";

const FORMAT_VERSION = 1;
/** A key file is about 160 bytes; nothing larger is read. */
const MAX_KEY_FILE_BYTES = 4096;

/** A key file is damaged, or cannot be read or made. One line that says which, and what to do. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
}

export interface StoredKey {
  readonly signer: Signer;
  /** 32 secret bytes. For node:tls, which cannot be handed a signer; nothing else needs it. */
  readonly seed: Uint8Array;
  /** Whose key it is, where the file says so. */
  readonly label?: string;
}

function parse(text: string, purpose: string): StoredKey | undefined {
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
  if (toBase64(signer.publicKey) !== fields["publicKey"]) return undefined;
  return { signer, seed, ...(typeof fields["label"] === "string" && { label: fields["label"] }) };
}

/**
 * The key at `path`; undefined when there is no such file. `mend`: what to do about a damaged one.
 * Throws KeyFileError when it is damaged, unreadable, or a key for something else.
 */
export function readKeyFile(path: string, purpose: string, mend: string): StoredKey | undefined {
  let text: string | undefined;
  try {
    text = ifThere(() => (statSync(path).size > MAX_KEY_FILE_BYTES ? "" : readFileSync(path, "utf8")));
  } catch (error) {
    throw new KeyFileError(`${path}: cannot be read (${errorCode(error)})`);
  }
  if (text === undefined) return undefined;
  const key = parse(text, purpose);
  if (key !== undefined) return key;
  throw new KeyFileError(`${path}: damaged, or not ${/^[aeiou]/.test(purpose) ? "an" : "a"} ${purpose} key; ${mend}`);
}

/** Makes a key at `path`, or leaves alone what is there. Throws KeyFileError when it cannot. */
export function createKeyFile(path: string, purpose: string, random: Random, label?: string): void {
  const seed = random.bytes(SEED_BYTES);
  const publicKey = toBase64(signerFromSeed(seed).publicKey);
  const fields = { version: FORMAT_VERSION, purpose, ...(label !== undefined && { label }), publicKey };
  try {
    createFile(path, `${JSON.stringify({ ...fields, seed: toBase64(seed) })}\n`);
  } catch (error) {
    throw new KeyFileError(`${path}: cannot be made (${errorCode(error)})`);
  }
}

/** What to say of a private file or folder that others on this machine could read; nothing when they cannot. */
export function exposure(path: string, lawful: "600" | "700"): string | undefined {
  const mode = statSync(path).mode & 0o777;
  return (mode & 0o077) === 0 ? undefined
    : `${path}: others can read it (mode ${mode.toString(8)}); chmod ${lawful} it`;
}
