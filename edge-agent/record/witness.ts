/**
 * What a witness holds of a log, and which checkpoints it cosigns: the rules of C2SP tlog-witness
 * (c2sp.org/tlog-witness), adapted to checkpoints that are told to all neighbours at once (SPEC.md, section 9).
 */
import { sameBytes } from "../../gossip/bytes.ts";
import type { Contents } from "../../gossip/message-content.ts";
import type { Crypto } from "../../models/crypto.ts";
import { openCheckpoint, type SignedCheckpoint } from "./checkpoint.ts";
import { EMPTY_FRONTIER, rootOf, verifyConsistency } from "./merkle.ts";
import type { VerifierKey } from "./note.ts";

/** Why a checkpoint is not cosigned. */
export type Refusal =
  /** No checkpoint of this log by its key, or with other signatures beside it, or smaller than the old size. */
  | "bad-note"
  /** Another tree of the same size. */
  | "fork"
  /** The proof begins elsewhere than at what is held. */
  | "old-size"
  /** Fewer entries than are held. */
  | "smaller"
  /** Exactly what is held. */
  | "nothing-new"
  /** One was taken in this epoch; of answers, one of this epoch or a later one. */
  | "too-soon"
  /** The proof begins at what is held and does not lead from there. */
  | "bad-proof";

/** What a witness knows of one log. */
export interface Known {
  /** The newest checkpoint that it cosigned; durable. */
  readonly held: SignedCheckpoint | undefined;
  /** One that it will cosign at the epoch's end. */
  readonly taken: SignedCheckpoint | undefined;
}

export type Judged =
  | { readonly take: SignedCheckpoint }
  | { readonly refuse: Refusal; readonly seen?: SignedCheckpoint };

/** Judges a checkpoint message of the log whose key it is; the cheapest check first, the proof last. */
export function judge(
  crypto: Crypto, key: VerifierKey, { held, taken }: Known, { note, proof, oldSize }: Contents["checkpoint"],
): Judged {
  const opened = openCheckpoint(crypto, note, key);
  if (!opened.ok || opened.value.signatures.length !== 1 || opened.value.size < oldSize) return { refuse: "bad-note" };
  const seen = opened.value;
  const { size, root } = seen;
  const refused = (refuse: Refusal): Judged => ({ refuse, seen });
  for (const other of [held, taken]) {
    if (other !== undefined && other.size === size && !sameBytes(other.root, root)) return refused("fork");
  }
  const from = held ?? { size: 0, root: rootOf(crypto, EMPTY_FRONTIER) };
  if (size < from.size) return refused("smaller");
  if (oldSize !== from.size) return refused("old-size");
  if (size === from.size) return refused("nothing-new");
  if (taken !== undefined) return refused("too-soon");
  return verifyConsistency(crypto, from.size, size, from.root, root, proof) ? { take: seen } : refused("bad-proof");
}
