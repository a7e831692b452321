/**
 * The record step of the pipeline: what the log's tree looks like, and whether it may still be signed. A log that
 * contradicts a checkpoint of its own is never signed again: two checkpoints of one origin that disagree are a fork,
 * and prove the agent guilty of one.
 */
import { hex } from "../../gossip/bytes.ts";
import type { Crypto, Signer } from "../../models/crypto.ts";
import type { ContentHash } from "../../models/units.ts";
import type { Effect } from "../ports.ts";
import { formatCheckpoint, parseCheckpoint } from "./checkpoint.ts";
import { grow, type Growth } from "./growth.ts";
import { EMPTY_FRONTIER, appendLeaf, leafHash, rootOf } from "./merkle.ts";
import type { Frontier } from "./merkle.ts";
import { openNote, signNote, verifierKeyOf } from "./note.ts";
import { ok, problem } from "../../models/result.ts";
import type { Result } from "../../models/result.ts";

/** A log as it was found on disk. */
export interface RecoveredLog {
  readonly frontier: Frontier;
  /** Bytes of an unacknowledged batch that a crash left behind. */
  readonly tornBytes: number;
  /** Acknowledged entries are bad: why. The frontier covers what stands before them. */
  readonly damage?: string;
  /** The stored checkpoint, a signed note; not judged yet. */
  readonly checkpoint?: string;
  /** Root of the first so many leaves as the checkpoint says; absent when there are not so many. */
  readonly checkpointRoot?: Uint8Array;
  /** The stored checkpoint with witnesses' cosignatures, and its root; not judged either. */
  readonly cosigned?: string;
  readonly cosignedRoot?: Uint8Array;
}

/** No log at all yet. */
export const NEW_LOG: RecoveredLog = { frontier: EMPTY_FRONTIER, tornBytes: 0 };

export interface RecordOptions {
  /** Which log: `originOf(station)`. */
  readonly origin: string;
  readonly crypto: Crypto;
  /** The key for checkpoints; absent in a replay, which keeps a log without signing it. */
  readonly signer?: Signer;
  readonly recovered: RecoveredLog;
  /** What went along while the log was read, for proofs to its witnesses; absent when it has none. */
  readonly growth?: Growth;
}

/** Changed only by the functions of this file. */
export interface RecordState {
  readonly origin: string;
  readonly crypto: Crypto;
  readonly signer: Signer | undefined;
  frontier: Frontier;
  growth: Growth | undefined;
  /** Size of the newest checkpoint. */
  signedSize: number;
  /** The log up to here needs no new checkpoint: what follows the newest are neighbours' checkpoints alone. */
  quietSize: number;
  /** Witnesses should see the next checkpoint: for its entries, or since one of them holds another than the last. */
  unseen: boolean;
  /** As they were found: the own checkpoint, if it is good, and one of this log that witnesses cosigned. */
  readonly stored: string | undefined;
  readonly attestedSize: number;
  readonly cosigned: string | undefined;
  /** Witnesses were asked what they hold of this log: until they say, nothing is stated. */
  asking: boolean;
  /** Why nothing may be signed any more, statements included: undefined when all is well. */
  refused: string | undefined;
  /** No entry can follow: the stored log is damaged, and is kept as it is for whoever examines it. */
  readonly frozen: boolean;
  /** What the operator should hear about how the log was found; one line each. */
  readonly notices: readonly string[];
}

/** The size that the stored checkpoint attests, or why log and checkpoint do not belong together. */
function attestedSize({ origin, crypto, signer, recovered }: RecordOptions): Result<number> {
  const { checkpoint, checkpointRoot, damage, frontier } = recovered;
  if (damage !== undefined) return problem(`the log is damaged: ${damage}`);
  if (checkpoint === undefined || signer === undefined) return ok(0);
  const opened = openNote(crypto, checkpoint, verifierKeyOf(crypto, origin, signer.publicKey));
  if (!opened.ok) return problem(`the log's checkpoint is not its own: ${opened.problem}`);
  const parsed = parseCheckpoint(opened.value);
  if (!parsed.ok) return problem(`the log's checkpoint is malformed: ${parsed.problem}`);
  const { size, root } = parsed.value;
  if (parsed.value.origin !== origin) return problem("the log's checkpoint is of another log");
  if (size > frontier.size) {
    return problem(`the log has ${frontier.size} entries, and its own checkpoint attests ${size}: some were lost`);
  }
  const same = checkpointRoot?.every((byte, i) => byte === root[i]) ?? false;
  return same ? ok(size) : problem(`the first ${size} entries of the log are not those that its checkpoint attests`);
}

/** Takes over the log that was found. Whether it may be signed: `refused`. */
export function createRecord(options: RecordOptions): RecordState {
  const { origin, crypto, signer, recovered, growth } = options;
  const attested = attestedSize(options);
  const signedSize = attested.ok ? attested.value : 0;
  const notices: string[] = [];
  if (recovered.tornBytes > 0) {
    notices.push(`log: ${recovered.tornBytes} bytes of an unfinished write were cut off; nothing acknowledged is lost`);
  }
  if (!attested.ok) notices.push(`log: ${attested.problem}; this agent signs nothing more`);
  return {
    origin, crypto, signer, notices, growth, signedSize,
    frontier: recovered.frontier,
    quietSize: signedSize,
    unseen: true,
    stored: attested.ok ? recovered.checkpoint : undefined,
    attestedSize: signedSize,
    cosigned: recovered.cosigned,
    asking: false,
    refused: attested.ok ? undefined : attested.problem,
    frozen: recovered.damage !== undefined,
  };
}

export interface Appended {
  /** At most one append, to be carried out before anything that rests on the entries. */
  readonly effects: readonly Effect[];
  /** Index of the first of the entries in the log. */
  readonly firstIndex: number;
  /** One for each entry, also when the log is frozen. */
  readonly leafHashes: readonly Uint8Array[];
}

/** What entries ask for: nothing at all, the next checkpoint, or that witnesses see that one too. */
export type Asks = "nothing" | "checkpoint" | "witnesses";

/** Adds encoded entries (of `encodeEntry`) to the tree. In a frozen log they go nowhere. */
export function appendEntries(
  state: RecordState, entries: readonly Uint8Array[], asks: Asks = "witnesses",
): Appended {
  const firstIndex = state.frontier.size;
  const leafHashes = entries.map((entry) => leafHash(state.crypto, entry));
  if (state.frozen || entries.length === 0) return { effects: [], firstIndex, leafHashes };
  for (const leaf of leafHashes) {
    if (state.growth !== undefined) grow(state.crypto, state.growth, state.frontier, leaf);
    state.frontier = appendLeaf(state.crypto, state.frontier, leaf);
  }
  if (asks === "nothing" && state.quietSize === firstIndex) state.quietSize = state.frontier.size;
  if (asks === "witnesses") state.unseen = true;
  return { effects: [{ kind: "append", entries }], firstIndex, leafHashes };
}

/** A signed checkpoint over all entries so far; no effect when none is new, or when nothing may be signed. */
export function checkpoint(state: RecordState): Effect[] {
  const { crypto, origin, signer, frontier } = state;
  if (signer === undefined || state.refused !== undefined || frontier.size === state.signedSize) return [];
  const text = formatCheckpoint({ origin, size: frontier.size, root: rootOf(crypto, frontier) });
  state.signedSize = state.quietSize = frontier.size;
  return [{ kind: "checkpoint", note: signNote(crypto, text, origin, signer) }];
}

/**
 * Stops signing until the next start: the agent calls it when the log could not be written, since the tree here is
 * then ahead of the disk. The first reason stays.
 */
export function refuse(state: RecordState, reason: string): Effect[] {
  if (state.refused !== undefined) return [];
  state.refused = reason;
  return [{ kind: "notice", text: `log: ${reason}; this agent signs nothing more until it is restarted` }];
}

/** `sha256:` and the hash in hexadecimal: how alerts point at entries of the log. */
export function contentHash(hash: Uint8Array): ContentHash {
  return `sha256:${hex(hash)}` as ContentHash;
}
