/**
 * Evidence of one incident, as `ledger export` writes it and `ledger verify FILE` reads it: the log's entries with
 * proofs that they are in the log, its signed checkpoint and what witnesses made of it, the rosters that say whose keys
 * those are, and a report in plain words that follows from all this. JSON of version 1.0; who reads it needs nothing
 * but the operators' keys. What is in the file and cannot be checked is refused.
 */
import { ok, problem, type Result } from "../../models/result.ts";
import { fromBase64, toBase64 } from "../record/base64.ts";

export const EVIDENCE_VERSION = "1.0";
/** Longest file, UTF-16 units: bounds what a reader holds. */
export const MAX_EVIDENCE_CHARS = 64 * 1024 * 1024;
/** Alerts, frames, and certificates of an incident that goes on for weeks. */
export const MAX_EVIDENCE_ENTRIES = 4_096;
/** Versions of a roster, oldest first. */
export const MAX_EVIDENCE_ROSTERS = 256;

export interface EvidenceEntry {
  readonly index: number;
  readonly entry: Uint8Array;
  /** From the leaf to the checkpoint's root (RFC 9162, 2.1.3). */
  readonly proof: readonly Uint8Array[];
}

export interface Evidence {
  readonly incidentId: string;
  /** The log's newest checkpoint, a signed note. */
  readonly checkpoint: string;
  /** The newest one that enough witnesses cosigned, with their lines; and the proof from there to `checkpoint`. */
  readonly cosigned?: { readonly note: string; readonly consistency: readonly Uint8Array[] };
  /** Of a log whose key was revoked: the proof between what the newest roster believes of it and `checkpoint`. */
  readonly trusted?: readonly Uint8Array[];
  /** Whole roster files, each the next version of the one before; none of a station that is in no street. */
  readonly rosters: readonly Uint8Array[];
  /** By index, rising. */
  readonly entries: readonly EvidenceEntry[];
}

/** What stands in the file beside the evidence; both follow from it. */
export interface EvidenceFile {
  readonly evidence: Evidence;
  readonly report: string;
  readonly howToVerify: string;
}

export const HOW_TO_VERIFY = [
  "With this program: kerbwatch ledger verify FILE --operators operators.json, where operators.json has the operators'",
  "public keys as you had them from the operators themselves; for a station without a roster, --key and its log's key.",
  "Without it: each entry is a leaf of a Merkle tree (RFC 9162, 2.1: SHA-256(0x00 || entry), base64 here), proven by",
  "its inclusion proof against the root in log.checkpoint, a signed note (c2sp.org/signed-note,",
  "c2sp.org/tlog-checkpoint) of the key that the newest roster gives to this log; the lines of log.cosigned are",
  "witnesses' (c2sp.org/tlog-cosignature). Rosters, certificates and statements are described in kerbwatch's",
  "gossip/SPEC.md, sections 1 to 6.",
].join(" ");

const texts = (list: readonly Uint8Array[]): string[] => list.map(toBase64);

export function formatEvidence({ evidence, report, howToVerify }: EvidenceFile): string {
  const { incidentId, checkpoint, cosigned, trusted, rosters, entries } = evidence;
  return `${JSON.stringify({
    schemaVersion: EVIDENCE_VERSION, howToVerify, report: report.split("\n"), incidentId,
    log: {
      checkpoint,
      ...(cosigned && { cosigned: { note: cosigned.note, consistency: texts(cosigned.consistency) } }),
      ...(trusted && { trusted: texts(trusted) }),
    },
    rosters: texts(rosters),
    entries: entries.map(({ index, entry, proof }) => ({ index, entry: toBase64(entry), proof: texts(proof) })),
  }, null, 1)}\n`;
}

/** Says why in words; never leaves this file. */
class Refused extends Error {}

type Fields = Readonly<Record<string, unknown>>;

/** An object with exactly these keys; those that end in `?` may be absent. */
function fieldsOf(value: unknown, place: string, keys: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refused(`${place}: no object`);
  const known = keys.map((key) => key.replace("?", ""));
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Refused(`${place}: an unknown key; allowed: ${known.join(", ")}`);
  const missing = keys.find((key) => !key.endsWith("?") && !Object.hasOwn(value, key));
  if (missing !== undefined) throw new Refused(`${place}.${missing}: missing`);
  return value as Fields;
}

function textOf(value: unknown, place: string): string {
  if (typeof value !== "string") throw new Refused(`${place}: no text`);
  return value;
}

function listOf<T>(value: unknown, place: string, most: number, read: (item: unknown, place: string) => T): T[] {
  if (!Array.isArray(value) || value.length > most) throw new Refused(`${place}: no list of at most ${most}`);
  return value.map((item, i) => read(item, `${place}[${i}]`));
}

function bytesOf(value: unknown, place: string): Uint8Array {
  const bytes = fromBase64(textOf(value, place));
  if (bytes === undefined) throw new Refused(`${place}: no base64`);
  return bytes;
}

const MOST_HASHES = 64;
const MOST_LINES = 10_000;
const hashesOf = (value: unknown, place: string): Uint8Array[] => listOf(value, place, MOST_HASHES, bytesOf);

function entryOf(value: unknown, place: string): EvidenceEntry {
  const { index, entry, proof } = fieldsOf(value, place, ["index", "entry", "proof"]);
  if (typeof index !== "number" || !Number.isSafeInteger(index) || index < 0) {
    throw new Refused(`${place}.index: no whole number from 0`);
  }
  return { index, entry: bytesOf(entry, `${place}.entry`), proof: hashesOf(proof, `${place}.proof`) };
}

function fileOf(value: unknown): EvidenceFile {
  const file = fieldsOf(value, "file",
    ["schemaVersion", "howToVerify", "report", "incidentId", "log", "rosters", "entries"]);
  if (file["schemaVersion"] !== EVIDENCE_VERSION) throw new Refused(`schemaVersion: not ${EVIDENCE_VERSION}`);
  const log = fieldsOf(file["log"], "log", ["checkpoint", "cosigned?", "trusted?"]);
  const cosigned = log["cosigned"] === undefined ? undefined
    : fieldsOf(log["cosigned"], "log.cosigned", ["note", "consistency"]);
  return {
    howToVerify: textOf(file["howToVerify"], "howToVerify"),
    report: listOf(file["report"], "report", MOST_LINES, textOf).join("\n"),
    evidence: {
      incidentId: textOf(file["incidentId"], "incidentId"), checkpoint: textOf(log["checkpoint"], "log.checkpoint"),
      ...(cosigned && { cosigned: {
        note: textOf(cosigned["note"], "log.cosigned.note"),
        consistency: hashesOf(cosigned["consistency"], "log.cosigned.consistency"),
      } }),
      ...(log["trusted"] !== undefined && { trusted: hashesOf(log["trusted"], "log.trusted") }),
      rosters: listOf(file["rosters"], "rosters", MAX_EVIDENCE_ROSTERS, bytesOf),
      entries: listOf(file["entries"], "entries", MAX_EVIDENCE_ENTRIES, entryOf),
    },
  };
}

/** Takes a file apart, by shape alone. Never throws. */
export function parseEvidence(text: string): Result<EvidenceFile> {
  if (text.length > MAX_EVIDENCE_CHARS) return problem(`longer than ${MAX_EVIDENCE_CHARS} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return problem("not JSON");
  }
  try {
    return ok(fileOf(value));
  } catch (error) {
    if (error instanceof Refused) return problem(error.message);
    throw error;
  }
}
