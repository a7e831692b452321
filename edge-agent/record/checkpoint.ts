/** The text of a checkpoint: C2SP tlog-checkpoint (c2sp.org/tlog-checkpoint). Signed as a note by the log's key. */
import type { Crypto } from "../../models/crypto.ts";
import type { StationId } from "../../models/units.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { isKeyName, type NoteSignature, openSigned, type VerifierKey } from "./note.ts";
import { ok, problem } from "../../models/result.ts";
import type { Result } from "../../models/result.ts";

const ROOT_BYTES = 32;

export interface Checkpoint {
  /** Which log: also the name of the key that signs. */
  readonly origin: string;
  /** Number of leaves. */
  readonly size: number;
  /** Root of the tree of `size` leaves, 32 bytes. */
  readonly root: Uint8Array;
}

/** The origin of a station's log. */
export function originOf(station: StationId): string {
  return `kerbwatch/${station}`;
}

/** "Note text": origin, decimal size, base64 root, each on a line; no extension lines. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** Takes the text of a note that was opened. Extension lines, which the specification discourages, are refused. */
export function parseCheckpoint(text: string): Result<Checkpoint> {
  const lines = text.split("\n");
  const [origin, digits, base64, end] = lines;
  if (lines.length !== 4 || end !== "") return problem("a checkpoint has three lines");
  if (origin === undefined || !isKeyName(origin)) return problem("the origin is not a key name");
  const size = Number(digits);
  if (!/^(0|[1-9][0-9]*)$/.test(digits ?? "") || !Number.isSafeInteger(size)) {
    return problem("the size is not a plain decimal number below 2^53");
  }
  const root = fromBase64(base64 ?? "");
  if (root?.length !== ROOT_BYTES) return problem("the root is not 32 bytes in base64");
  return ok({ origin, size, root });
}

/** A checkpoint with its signatures, of which the log's own was verified. */
export interface SignedCheckpoint extends Checkpoint {
  /** All of it. */
  readonly note: string;
  /** What is signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Opens a note that must be a checkpoint of the log whose key it is; `problem` says why it is none. */
export function openCheckpoint(crypto: Crypto, note: string, key: VerifierKey): Result<SignedCheckpoint> {
  const opened = openSigned(crypto, note, key);
  if (!opened.ok) return opened;
  const parsed = parseCheckpoint(opened.value.text);
  if (!parsed.ok) return parsed;
  if (parsed.value.origin !== key.name) return problem(`of the log ${parsed.value.origin}, not of ${key.name}`);
  return ok({ ...parsed.value, ...opened.value, note });
}
