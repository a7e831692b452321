/**
 * What of a message depends on its bytes alone: what it says, its name, and whether a key signed it. A port, because
 * agents that share one process (the simulator's) read the same bytes once for all of them; an agent on a board has
 * nobody to share with and reads them itself.
 */
import type { Crypto } from "../models/crypto.ts";
import { hex } from "./bytes.ts";
import { decodeMessage, type DecodeProblem, type Kind, type Message, verifyMessage } from "./message.ts";

export interface Read {
  readonly message: Message;
  /** Of the signed bytes; of the proposal's signed bytes for a certificate: many can put the same one together. */
  readonly hash: Uint8Array;
  /** The same in hexadecimal. */
  readonly name: string;
}

export interface Reader {
  /** By size and shape alone, the signature is not looked at; or why it cannot be read. Never throws. */
  read(kind: Kind, whole: Uint8Array): Read | DecodeProblem | "bad-certificate";
  /** Whether the holder of `publicKey` signed it. Never throws. */
  isSigned(read: Read, publicKey: Uint8Array): boolean;
}

export function readerOf(crypto: Crypto): Reader {
  return {
    read(kind, whole) {
      const decoded = decodeMessage(kind, whole);
      if (!decoded.ok) return decoded.problem;
      const { message } = decoded;
      const bytes = namedBy(message);
      return bytes === undefined ? "bad-certificate" : { message, ...namesOf(bytes, crypto) };
    },
    isSigned: ({ message }, publicKey) => verifyMessage(message, publicKey, crypto),
  };
}

/** The hash of signed bytes, and the same in hexadecimal. */
export function namesOf(bytes: Uint8Array, crypto: Crypto): Pick<Read, "hash" | "name"> {
  const hash = crypto.sha256(bytes);
  return { hash, name: hex(hash) };
}

function namedBy(message: Message): Uint8Array | undefined {
  if (message.kind !== "certificate") return message.bytes;
  const proposal = decodeMessage("proposal", message.content.proposal);
  return proposal.ok ? proposal.message.bytes : undefined;
}
