/**
 * Signatures that `minisign -V` and signify-like tools check, made with an operator's key (minisign(1), "Signature
 * format", as of version 0.11): prehashed, algorithm "ED", over BLAKE2b-512 of the file.
 */
import { createHash } from "node:crypto";
import type { Signer } from "../../models/crypto.ts";

const KEY_ID_BYTES = 8;
const base64 = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString("base64");

/** minisign draws it at random; here it follows from the key, so that one key has one name. */
const keyIdOf = ({ publicKey }: Signer): Uint8Array =>
  createHash("sha256").update(publicKey).digest().subarray(0, KEY_ID_BYTES);

/** What `minisign -P` takes. */
export const minisignPublicKey = (signer: Signer): string =>
  base64(Buffer.from("Ed"), keyIdOf(signer), signer.publicKey);

/**
 * The text of `<file>.minisig`. `trusted` is signed with the file: one line, shown by whoever checks it.
 * @throws RangeError when it is more than a line
 */
export function minisignature(file: Uint8Array, signer: Signer, trusted: string): string {
  if (/[\r\n]/.test(trusted)) throw new RangeError("a trusted comment is one line");
  const signature = signer.sign(createHash("blake2b512").update(file).digest());
  const whole = signer.sign(Buffer.concat([signature, Buffer.from(trusted)]));
  return `untrusted comment: signed by key ${Buffer.from(keyIdOf(signer)).toString("hex")}
${base64(Buffer.from("ED"), keyIdOf(signer), signature)}
trusted comment: ${trusted}
${base64(whole)}
`;
}
