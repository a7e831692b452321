/** Gathers from the log's files what proves an entry or an incident. Needs no lock: the agent may go on writing. */
import { readCertificate } from "../../gossip/certificate.ts";
import type { Crypto } from "../../models/crypto.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import type { Alert } from "../../models/terms.ts";
import { parseAlert } from "../alert-schema.ts";
import { type Evidence, type EvidenceEntry, MAX_EVIDENCE_ENTRIES } from "../evidence/evidence-file.ts";
import { parseCheckpoint } from "../record/checkpoint.ts";
import { decodeEntry, type Entry } from "../record/entry.ts";
import { consistencyProof, inclusionProof, rememberedSubtrees, subtreeName } from "../record/merkle.ts";
import { parseNote } from "../record/note.ts";
import { contentHash } from "../record/record.ts";
import { type LogFound, readLog } from "./ledger-read.ts";

/** 64 MB of hashes: years of a log. What is longer is not proven on a board. */
const MOST_LEAVES = 2_000_000;

interface Leaves {
  readonly found: LogFound;
  /** Roots of parts of the tree, also of those of which the leaves are gone. */
  readonly subtrees: ReturnType<typeof rememberedSubtrees>;
  readonly leaves: readonly Uint8Array[];
  /** Entries that the newest checkpoint covers, by its own word. */
  readonly signedSize: number;
}

const sizeOf = (note: string | undefined): number => {
  const parsed = note === undefined ? undefined : parseNote(note);
  const checkpoint = parsed?.ok ? parseCheckpoint(parsed.value.text) : undefined;
  return checkpoint?.ok ? checkpoint.value.size : 0;
};

/** Reads every leaf, and hands over each entry; `problem` when nothing can be proven. Throws the system's error. */
function leavesOf(
  stateDir: string, crypto: Crypto, visit: (entry: Uint8Array, index: number, hash: Uint8Array) => void,
): Result<Leaves> {
  const leaves: Uint8Array[] = [];
  const gone = new Map<string, Uint8Array>();
  const found = readLog(stateDir, crypto, ({ entry, leafHash }, index) => {
    if (index < MOST_LEAVES) leaves[index] = leafHash.slice();
    visit(entry, index, leafHash);
  }, ({ root, size }, index) => {
    if (index < MOST_LEAVES) gone.set(subtreeName(index, size), root);
  });
  // A list with holes: of what is gone there are subtrees.
  leaves.length = Math.min(found.frontier.size, MOST_LEAVES);
  if (found.damage !== undefined) return problem(`the log is damaged: ${found.damage}`);
  if (found.frontier.size > MOST_LEAVES) return problem(`the log has more than ${MOST_LEAVES} entries`);
  const signedSize = sizeOf(found.checkpoint);
  if (signedSize === 0) return problem("there is no checkpoint: nothing of the log is signed");
  return signedSize > leaves.length ? problem(`the checkpoint attests ${signedSize} entries of ${leaves.length}`)
    : ok({ found, leaves, signedSize, subtrees: rememberedSubtrees(crypto, gone) });
}

export interface ProvenEntry extends EvidenceEntry {
  /** What it is proven against: with witnesses' lines where they cover the entry. */
  readonly note: string;
}

/** One entry with its proof. `which`: its index, or `sha256:` and its leaf hash. Throws the system's error. */
export function proveEntry(stateDir: string, crypto: Crypto, which: string): Result<ProvenEntry> {
  let wanted: { index: number; entry: Uint8Array } | undefined;
  const read = leavesOf(stateDir, crypto, (entry, index, hash) => {
    if (wanted === undefined && (String(index) === which || contentHash(hash) === which)) {
      wanted = { index, entry: entry.slice() };
    }
  });
  if (!read.ok) return read;
  if (wanted === undefined) return problem(`there is no entry ${which}`);
  const { found: { cosigned, checkpoint }, leaves, signedSize, subtrees } = read.value;
  const { index, entry } = wanted;
  if (index >= signedSize) return problem(`entry ${which} is newer than the checkpoint`);
  const [note, size] = index < sizeOf(cosigned) ? [cosigned!, sizeOf(cosigned)] : [checkpoint!, signedSize];
  if (size > leaves.length) return problem(`the cosigned checkpoint attests ${size} entries of ${leaves.length}`);
  return ok({ index, entry, note, proof: inclusionProof(crypto, leaves, index, size, subtrees) });
}

/** Which entries belong to an incident: two passes, since an alert is logged after what it names. */
class Wanted {
  readonly #incidentId: string;
  readonly #crypto: Crypto;
  readonly hashes = new Set<string>();
  readonly #certificates = new Set<string>();
  readonly entries: { readonly index: number; readonly entry: Uint8Array }[] = [];

  constructor(incidentId: string, crypto: Crypto) {
    this.#incidentId = incidentId;
    this.#crypto = crypto;
  }

  #alertIn(entry: Entry): Alert | undefined {
    if (entry.kind !== "alert" || !entry.json.includes(this.#incidentId)) return undefined;
    const alert = parseAlert(entry.json);
    return alert?.incidentId === this.#incidentId ? alert : undefined;
  }

  /** First pass: what alerts name. */
  readonly look = (bytes: Uint8Array): void => {
    const entry = decodeEntry(bytes);
    const alert = entry.ok ? this.#alertIn(entry.value) : undefined;
    for (const hash of alert?.evidence ?? []) this.hashes.add(hash);
    if (alert?.certificate !== undefined) this.hashes.add(alert.certificate.file);
  };

  /** Second pass: takes alerts, what they name, and further parts of a certificate that one of them names. */
  readonly take = (bytes: Uint8Array, index: number, hash: Uint8Array): void => {
    const decoded = decodeEntry(bytes);
    if (!decoded.ok) return;
    const entry = decoded.value;
    const isNamed = this.hashes.delete(contentHash(hash));
    const certificate = entry.kind === "certificate" ? readCertificate(entry.message, this.#crypto)?.name : undefined;
    if (isNamed && certificate !== undefined) this.#certificates.add(certificate);
    const isPart = certificate !== undefined && this.#certificates.has(certificate);
    if (isNamed || isPart || this.#alertIn(entry) !== undefined) this.entries.push({ index, entry: bytes.slice() });
  };
}

/**
 * Everything that the log proves of an incident; `problem` when it is not all there. Throws the system's error.
 * @param trustedSize how many entries the newest roster believes of it, when its key was revoked
 */
export function gatherEvidence(
  stateDir: string, crypto: Crypto, incidentId: string, rosters: readonly Uint8Array[],
  trustedSize: (note: string) => number | undefined = () => undefined,
): Result<Evidence> {
  const wanted = new Wanted(incidentId, crypto);
  readLog(stateDir, crypto, ({ entry }) => wanted.look(entry));
  const read = leavesOf(stateDir, crypto, wanted.take);
  if (!read.ok) return read;
  const { found: { checkpoint, cosigned }, leaves, signedSize, subtrees } = read.value;
  const { entries, hashes } = wanted;
  const [lost] = hashes;
  if (lost !== undefined) return problem(`the incident names ${lost}, which is not in the log`);
  if (entries.length > MAX_EVIDENCE_ENTRIES) {
    return problem(`the incident has ${entries.length} entries; allowed: at most ${MAX_EVIDENCE_ENTRIES}`);
  }
  if (entries.some(({ index }) => index >= signedSize)) {
    return problem("the newest checkpoint does not cover the incident yet: the agent signs the next one in a minute");
  }
  const before = sizeOf(cosigned);
  const trusted = trustedSize(checkpoint!);
  if (trusted !== undefined && trusted > leaves.length) {
    return problem(`the roster believes ${trusted} entries of this log, and it has ${leaves.length}`);
  }
  return ok({
    incidentId, checkpoint: checkpoint!, rosters,
    ...(rosters.length > 0 && before > 0 && before <= signedSize && { cosigned: {
      note: cosigned!, consistency: consistencyProof(crypto, leaves, before, signedSize, subtrees),
    } }),
    ...(trusted !== undefined && { trusted: consistencyProof(crypto, leaves, Math.min(trusted, signedSize),
      Math.max(trusted, signedSize), subtrees) }),
    entries: entries.map(({ index, entry }) =>
      ({ index, entry, proof: inclusionProof(crypto, leaves, index, signedSize, subtrees) })),
  });
}
