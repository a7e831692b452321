/**
 * Domain separation: what is signed is named by its kind, so that no signature of one kind is one of another
 * (SPEC.md, section 1).
 */
import type { Crypto, Signer } from "../models/crypto.ts";

const encoder = new TextEncoder();

/** What Ed25519 is given: "kerbwatch 1 " || kind || 0x0A || bytes. */
export function underDomain(kind: string, bytes: Uint8Array): Uint8Array {
  const prefix = encoder.encode(`kerbwatch 1 ${kind}\n`);
  const whole = new Uint8Array(prefix.length + bytes.length);
  whole.set(prefix);
  whole.set(bytes, prefix.length);
  return whole;
}

export function signAs(kind: string, bytes: Uint8Array, signer: Signer): Uint8Array {
  return signer.sign(underDomain(kind, bytes));
}

/** Never throws. */
export function verifyAs(
  kind: string, bytes: Uint8Array, signature: Uint8Array, publicKey: Uint8Array, crypto: Crypto,
): boolean {
  return crypto.verify(publicKey, underDomain(kind, bytes), signature);
}
