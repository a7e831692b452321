/**
 * Guilt (SPEC.md, section 5): two statements of one author with one epoch or one place in the chain, and different
 * bytes. Both together prove it to anyone who has the author's key; nothing else names an agent.
 */
import type { Crypto, Signer } from "../models/crypto.ts";
import { sameBytes } from "./bytes.ts";
import type { Directory } from "./directory.ts";
import { decodeMessage, encodeMessage, type Head, type MessageOf, verifyMessage } from "./message.ts";

interface Placed {
  readonly epoch: number;
  readonly seq: number;
}

/** Whether two different statements of one author may not both be. The caller knows that their bytes differ. */
export function contradicts(a: Placed, b: Placed): boolean {
  return a.epoch === b.epoch || a.seq === b.seq;
}

/** @param first @param second whole statement messages of one author that contradict each other */
export function makeProof(first: Uint8Array, second: Uint8Array, head: Head, signer: Signer): MessageOf<"proof"> {
  return encodeMessage("proof", { first, second }, head, signer);
}

/**
 * Who is guilty by this proof: the member's index in the zone; undefined when it proves nothing. The reporter's own
 * signature is not looked at: the two statements speak for themselves, also when they were made under older rosters.
 */
export function checkProof(
  { first, second }: MessageOf<"proof">["content"], directory: Directory, crypto: Crypto,
): number | undefined {
  const a = readStatement(first);
  const b = readStatement(second);
  if (a === undefined || b === undefined || a.station !== b.station) return undefined;
  if (sameBytes(a.bytes, b.bytes) || !contradicts(a.content, b.content)) return undefined;
  const index = directory.indexOf(a.station);
  const member = directory.members[index];
  const here = [a, b].every(({ network, zone }) => network === directory.network && zone === directory.zone.id);
  if (member === undefined || !here) return undefined;
  return [a, b].every((one) => verifyMessage(one, member.statementKey, crypto)) ? index : undefined;
}

function readStatement(whole: Uint8Array): MessageOf<"statement"> | undefined {
  const decoded = decodeMessage("statement", whole);
  return decoded.ok && decoded.message.kind === "statement" ? decoded.message : undefined;
}
