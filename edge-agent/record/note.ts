/**
 * Signed notes: C2SP signed-note (c2sp.org/signed-note), with Ed25519 signatures (type 0x01). A note is text, an empty
 * line, and one line for each signature; a verifier key names who signs.
 */
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, publicKeyProblem } from "../../gossip/ed25519.ts";
import type { Crypto, Signer } from "../../models/crypto.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { ok, problem } from "../../models/result.ts";
import type { Result } from "../../models/result.ts";

/** "Signature types": 0x01 is Ed25519 over the note's text. */
export const ED25519_TYPE = 0x01;
const KEY_ID_BYTES = 4;

/** Longest note that is looked at, in UTF-16 units: a checkpoint with its cosignatures is far below. */
export const MAX_NOTE_CHARS = 16_384;
/** Most signature lines in a note: a log's own and its witnesses'. */
export const MAX_SIGNATURES = 64;

/** A public key as the specification's "verifier key" encodes it: who signs, and how. */
export interface VerifierKey {
  readonly name: string;
  /** First 4 bytes of SHA-256(name || 0x0A || type of signature || public key). */
  readonly keyId: Uint8Array;
  readonly publicKey: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  /** What follows the key id: 64 bytes for Ed25519, other lengths for other types. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** With its final newline: exactly what is signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** "Key names": not empty, no Unicode space, no plus sign. */
export function isKeyName(name: string): boolean {
  return /^[^\s+\p{White_Space}\p{Cc}\p{Cs}]{1,256}$/u.test(name);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Throws on a name that no key may have: names come from configuration that was checked. */
export function verifierKeyOf(
  crypto: Crypto, name: string, publicKey: Uint8Array, type = ED25519_TYPE,
): VerifierKey {
  if (!isKeyName(name)) throw new RangeError("not a key name");
  const hash = crypto.sha256(utf8(`${name}\n`), Uint8Array.of(type), publicKey);
  return { name, publicKey, keyId: hash.slice(0, KEY_ID_BYTES) };
}

/** `name+hash+base64(type || key)`, hash as 8 hexadecimal digits. */
export function formatVerifierKey(key: VerifierKey): string {
  const id = Array.from(key.keyId, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${key.name}+${id}+${toBase64(Uint8Array.of(ED25519_TYPE, ...key.publicKey))}`;
}

export function parseVerifierKey(crypto: Crypto, text: string): Result<VerifierKey> {
  // The key's own base64 may hold plus signs; a name may not.
  const parts = text.length <= MAX_NOTE_CHARS ? /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) : null;
  if (parts === null || !isKeyName(parts[1]!)) return problem("not of the form name+hash+key");
  const key = fromBase64(parts[3]!);
  if (key === undefined || key.length !== 1 + PUBLIC_KEY_BYTES) return problem("the key is not 33 bytes in base64");
  if (key[0] !== ED25519_TYPE) return problem(`key type ${key[0]} is not Ed25519 (1)`);
  const found = verifierKeyOf(crypto, parts[1]!, key.slice(1));
  if (formatVerifierKey(found) !== text) return problem("the hash does not belong to this name and key");
  const weak = publicKeyProblem(found.publicKey);
  return weak === undefined ? ok(found) : problem(`the key is unusable: ${weak}`);
}

/** "Signed note": well-formed UTF-8, no control character below U+0020 but newline. */
function isNoteText(text: string): boolean {
  return text.endsWith("\n") && !/[\u0000-\u0009\u000b-\u001f]|\p{Cs}/u.test(text);
}

function signatureLine(line: string): NoteSignature | undefined {
  const parts = /^\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)$/.exec(line);
  const bytes = parts === null ? undefined : fromBase64(parts[2]!);
  if (bytes === undefined || bytes.length <= KEY_ID_BYTES || !isKeyName(parts![1]!)) return undefined;
  return { name: parts![1]!, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

/** A signature as it stands in a note, without the newline. */
export function lineOf({ name, keyId, signature }: NoteSignature): string {
  return `\u2014 ${name} ${toBase64(Uint8Array.of(...keyId, ...signature))}`;
}

/** Takes a note apart without judging its signatures. */
export function parseNote(note: string): Result<Note> {
  if (note.length > MAX_NOTE_CHARS) return problem(`longer than ${MAX_NOTE_CHARS} characters`);
  if (!isNoteText(note)) return problem("not text that ends with a newline, or with control characters");
  // "The text is separated from the signatures by the last empty line."
  const split = note.lastIndexOf("\n\n");
  if (split < 0) return problem("no empty line between text and signatures");
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) return problem(`more than ${MAX_SIGNATURES} signatures`);
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = signatureLine(line);
    if (signature === undefined) return problem("a malformed signature line");
    signatures.push(signature);
  }
  return ok({ text: note.slice(0, split + 1), signatures });
}

/** Signs `text`, which ends with a newline. Throws when it is no note text: the caller wrote it. */
export function signNote(crypto: Crypto, text: string, name: string, signer: Signer): string {
  if (!isNoteText(text)) throw new RangeError("not the text of a note");
  const { keyId } = verifierKeyOf(crypto, name, signer.publicKey);
  return `${text}\n${lineOf({ name, keyId, signature: signer.sign(utf8(text)) })}\n`;
}

/**
 * "Verifying a note": gives it back, taken apart, when `key` signed it. Signatures by unknown keys are ignored; of the
 * known key there must be one, and a bad one refuses the note.
 */
export function openSigned(crypto: Crypto, note: string, key: VerifierKey): Result<Note> {
  const parsed = parseNote(note);
  if (!parsed.ok) return parsed;
  const { text, signatures } = parsed.value;
  const own = signatures.filter((one) => one.name === key.name && sameBytes(one.keyId, key.keyId));
  if (own.length === 0) return problem(`not signed by ${formatVerifierKey(key)}`);
  const message = utf8(text);
  const good = own.every(({ signature }) =>
    signature.length === SIGNATURE_BYTES && crypto.verify(key.publicKey, message, signature));
  return good ? parsed : problem(`the signature of ${key.name} is wrong`);
}

/** The same, and of it the text alone. */
export function openNote(crypto: Crypto, note: string, key: VerifierKey): Result<string> {
  const opened = openSigned(crypto, note, key);
  return opened.ok ? ok(opened.value.text) : opened;
}
