/**
 * Cosignatures: C2SP tlog-cosignature (c2sp.org/tlog-cosignature), the Ed25519 type. A witness says that at some time
 * the checkpoint was the largest consistent one that it had seen of a log. In a note it is one more signature line.
 */
import { sameBytes } from "../../gossip/bytes.ts";
import { SIGNATURE_BYTES } from "../../gossip/ed25519.ts";
import type { Crypto, Signer } from "../../models/crypto.ts";
import { lineOf, type NoteSignature, type VerifierKey, verifierKeyOf } from "./note.ts";

/** "Format": the type of a cosigner's key. */
const COSIGNER_TYPE = 0x04;
const TIME_BYTES = 8;
const HALF = 2 ** 32;

/** A witness's key as its cosignatures carry it: the same key under another id than one that signs notes. */
export function cosignerKeyOf(crypto: Crypto, name: string, publicKey: Uint8Array): VerifierKey {
  return verifierKeyOf(crypto, name, publicKey, COSIGNER_TYPE);
}

/** "Ed25519 signed message". */
function signedMessage(text: string, timeS: number): Uint8Array {
  return new TextEncoder().encode(`cosignature/v1\ntime ${timeS}\n${text}`);
}

/**
 * The signature line, without its newline, for the text of a checkpoint.
 * @param timeS unix seconds, not below 0
 */
export function cosign(crypto: Crypto, text: string, name: string, signer: Signer, timeS: number): string {
  const { keyId } = cosignerKeyOf(crypto, name, signer.publicKey);
  const signature = new Uint8Array(TIME_BYTES + SIGNATURE_BYTES);
  const view = new DataView(signature.buffer);
  view.setUint32(0, Math.floor(timeS / HALF));
  view.setUint32(4, timeS % HALF);
  signature.set(signer.sign(signedMessage(text, timeS)), TIME_BYTES);
  return lineOf({ name, keyId, signature });
}

/** When `key` cosigned the text, unix seconds; undefined when it did not. Never throws. */
export function cosignedAt(
  crypto: Crypto, text: string, { name, keyId, signature }: NoteSignature, key: VerifierKey,
): number | undefined {
  if (name !== key.name || !sameBytes(keyId, key.keyId)) return undefined;
  if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined;
  const view = new DataView(signature.buffer, signature.byteOffset);
  const timeS = view.getUint32(0) * HALF + view.getUint32(4);
  if (!Number.isSafeInteger(timeS)) return undefined;
  return crypto.verify(key.publicKey, signedMessage(text, timeS), signature.subarray(TIME_BYTES)) ? timeS : undefined;
}
