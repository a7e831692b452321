/** The machine's randomness, and hashes of text for records. */
import { randomBytes as nodeRandomBytes } from "node:crypto";
import type { Crypto } from "../../models/crypto.ts";
import type { Random } from "../ports.ts";
import { contentHash } from "../record/record.ts";

export const randomBytes: Random = {
  bytes: (length) => new Uint8Array(nodeRandomBytes(length)),
};

/** `sha256:` and the hash of a text. */
export function hash(crypto: Crypto, text: string): string {
  return contentHash(crypto.sha256(new TextEncoder().encode(text)));
}
