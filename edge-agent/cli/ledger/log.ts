/** `kerbwatch ledger verify`: recomputes the log from its files and checks it against its signed checkpoint. */
import { nodeCrypto } from "../../adapters/crypto.ts";
import { KeyFileError, readKey } from "../../adapters/keys.ts";
import { readLog } from "../../adapters/ledger-read.ts";
import type { LogFound } from "../../adapters/ledger-read.ts";
import { plainText, shown } from "../../plain-text.ts";
import { readCertificate } from "../../../gossip/certificate.ts";
import { sameBytes } from "../../../gossip/bytes.ts";
import { byText } from "../../../gossip/roster.ts";
import { type ContentHash, rfc3339 } from "../../../models/units.ts";
import type { Crypto } from "../../../models/crypto.ts";
import type { EvidenceKey } from "../../../models/terms.ts";
import { toBase64 } from "../../record/base64.ts";
import { openCheckpoint, parseCheckpoint } from "../../record/checkpoint.ts";
import { decodeEntry, type Entry } from "../../record/entry.ts";
import { type Frontier, rootOf } from "../../record/merkle.ts";
import { formatVerifierKey, parseNote, parseVerifierKey, verifierKeyOf } from "../../record/note.ts";
import type { VerifierKey } from "../../record/note.ts";
import { contentHash } from "../../record/record.ts";
import { ok, problem } from "../../../models/result.ts";
import type { Result } from "../../../models/result.ts";
import { UsageError, parseOptions } from "../command.ts";
import type { Io } from "../command.ts";
import {
  contradiction, type CosignedReport, cosignedText, judgeCosigned, type Revoked, revokedIn, type Street, streetOf,
  witnessesIn,
} from "../ledger-witnesses.ts";
import { STATE_OPTIONS, noLogIn, stateDirOf } from "../state-dir.ts";

/** What was found; the JSON output. */
interface Report {
  readonly version: 1;
  readonly ok: boolean;
  /** One line each: why the log is not good. */
  readonly problems: readonly string[];
  /** Entries that are whole. */
  readonly size: number;
  /** Root of all of them, base64. */
  readonly root: string;
  /** Entries that the checkpoint attests; zero without a good one. */
  readonly signedSize: number;
  readonly origin?: string;
  readonly key?: string;
  readonly tornBytes: number;
  /** Times of the first and the last entry that can be read. */
  readonly oldest?: string;
  readonly newest?: string;
  /** Whole entries of a kind or version that this release does not know. */
  readonly unknownEntries: number;
  /** Entries of which the log keeps its proofs and not the words: statements of old. */
  readonly thinnedEntries: number;
  readonly certificateCount: number;
  /** What zones certified, each once, sorted; the newest MOST_CERTIFICATES of the log. */
  readonly certificates: readonly CertificateRow[];
  /** The log's key was revoked: how many entries the roster goes on believing, and how many lie behind those. */
  readonly revoked?: { readonly trustedSize: number; readonly behind: number };
  /** What witnesses vouch for; absent when there is nothing of it and no roster was given. */
  readonly cosigned?: CosignedReport;
}

/** One certificate as every honest log of the zone holds it. */
interface CertificateRow {
  readonly zone: string;
  readonly key: EvidenceKey;
  readonly epoch: number;
  /** SHA-256 of what was voted for. */
  readonly name: ContentHash;
}

type Scanned = "oldest" | "newest" | "unknownEntries" | "thinnedEntries" | "certificateCount" | "certificates";

interface Scan extends Pick<Report, Scanned> {
  readonly found: LogFound;
}

/** Bounds the memory whatever the log holds. */
const MOST_CERTIFICATES = 10_000;

function scan(stateDir: string, crypto: Crypto): Scan {
  let oldest: string | undefined;
  let newest: string | undefined;
  let [unknownEntries, thinnedEntries] = [0, 0];
  const certified = new Certified(crypto);
  const found = readLog(stateDir, crypto, ({ entry }) => {
    const decoded = decodeEntry(entry);
    if (!decoded.ok) {
      unknownEntries += 1;
      return;
    }
    newest = rfc3339(decoded.value.at);
    oldest ??= newest;
    certified.note(decoded.value);
  }, ({ size }) => {
    thinnedEntries += size;
  });
  return {
    found, unknownEntries, thinnedEntries, ...(oldest && { oldest }), ...(newest && { newest }),
    certificateCount: certified.count, certificates: certified.sorted(),
  };
}

/** Certificates by name, as entries come; no signature is looked at: that takes the roster. */
class Certified {
  count = 0;
  readonly #crypto: Crypto;
  readonly #rows = new Map<string, CertificateRow>();

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  note(entry: Entry): void {
    const read = entry.kind === "certificate" ? readCertificate(entry.message, this.#crypto) : undefined;
    if (read === undefined || this.#rows.has(read.name)) return;
    const { name, zone, key, epoch, hash } = read;
    this.count += 1;
    this.#rows.set(name, { zone, key, epoch, name: contentHash(hash) });
    if (this.#rows.size > MOST_CERTIFICATES) this.#rows.delete(this.#rows.keys().next().value!);
  }

  sorted(): CertificateRow[] {
    const text = ({ zone, key, epoch, name }: CertificateRow): string =>
      `${zone}\n${key}\n${String(epoch).padStart(10, "0")}\n${name}`;
    return [...this.#rows.values()].map((row) => ({ row, text: text(row) }))
      .sort((a, b) => byText(a.text, b.text)).map(({ row }) => row);
  }
}

/** The key that the checkpoint is to be signed with: the one given, or the device's own under the checkpoint's name. */
function expectedKey(crypto: Crypto, stateDir: string, given: string | undefined, origin: string): VerifierKey {
  if (given !== undefined) {
    const parsed = parseVerifierKey(crypto, given);
    if (parsed.ok) return parsed.value;
    throw new UsageError(`--key: found ${shown(given)} (${parsed.problem}); allowed: a key as keygen --station shows`);
  }
  const own = readKey(stateDir, "log");
  if (own === undefined) throw new UsageError("--key: missing, and the state directory holds no log key");
  return verifierKeyOf(crypto, origin, own.publicKey);
}

/** The entries that a good checkpoint attests. */
function judge(crypto: Crypto, found: LogFound, key: VerifierKey): Result<number> {
  const opened = openCheckpoint(crypto, found.checkpoint ?? "", key);
  if (!opened.ok) return problem(`the checkpoint: ${plainText(opened.problem)}`);
  const { size } = opened.value;
  const wrong = contradiction(found.frontier.size, opened.value, found.checkpointRoot);
  return wrong === undefined ? ok(size) : problem(wrong);
}

/** The root of the first `size` entries; undefined when it lies within what was thinned, or behind the end. */
function rootAt(stateDir: string, crypto: Crypto, size: number): Uint8Array | undefined {
  let root: Uint8Array | undefined;
  const look = (before: Frontier): void => {
    if (before.size === size) root = rootOf(crypto, before);
  };
  const { frontier } = readLog(stateDir, crypto, (_stored, _index, before) => look(before),
    (_gone, _index, before) => look(before));
  look(frontier);
  return root;
}

/** Why a log whose key was revoked is not even believed as far as the roster says; undefined when it is. */
function revokedProblem(stateDir: string, crypto: Crypto, { until }: Revoked, entries: number): string | undefined {
  if (until === undefined) return "the key of this log was revoked, and the roster believes nothing of it";
  const { size, root } = until;
  if (size > entries) return `${entries} entries, and the roster believes ${size}: some were lost or taken out`;
  const found = rootAt(stateDir, crypto, size);
  if (found === undefined) return `what the roster believes ends at entry ${size}, and those around it were thinned`;
  return sameBytes(found, root) ? undefined : `the first ${size} entries are not those that the roster believes`;
}

function originIn(checkpoint: string): string | undefined {
  const note = parseNote(checkpoint);
  const parsed = note.ok ? parseCheckpoint(note.value.text) : note;
  return parsed.ok ? parsed.value.origin : undefined;
}

function examine(stateDir: string, given: string | undefined, street: Street | undefined): Report {
  const crypto = nodeCrypto();
  const { found, ...entries } = scan(stateDir, crypto);
  const problems: string[] = [];
  if (found.damage !== undefined) problems.push(`damaged: ${found.damage}`);
  const origin = originIn(found.checkpoint ?? "");
  // A key that was mistyped is wrong usage even when there is no checkpoint to check with it.
  const revoked = street && origin !== undefined
    ? revokedIn(crypto, street, origin, found.checkpoint ?? "") : undefined;
  const known = street && origin !== undefined && revoked === undefined ? witnessesIn(crypto, street, origin)
    : undefined;
  const key = (revoked ?? known)?.logKey ?? (given !== undefined || origin !== undefined
    ? expectedKey(crypto, stateDir, given, origin ?? "") : undefined);
  let signedSize = 0;
  const empty = found.frontier.size === 0 && found.tornBytes === 0;
  if (found.checkpoint === undefined && empty) problems.push(noLogIn(stateDir));
  else if (found.checkpoint === undefined) problems.push("no checkpoint: nothing signed to hold the log against");
  else if (key === undefined) problems.push("the checkpoint is malformed");
  else {
    const judged = judge(crypto, found, key);
    if (judged.ok) signedSize = judged.value;
    else problems.push(judged.problem);
  }
  const wrong = revoked && revokedProblem(stateDir, crypto, revoked, found.frontier.size);
  if (wrong !== undefined) problems.push(wrong);
  const trustedSize = wrong === undefined ? revoked?.until?.size ?? 0 : 0;
  if (revoked !== undefined) signedSize = Math.min(signedSize, trustedSize);
  const cosigned = key === undefined || revoked !== undefined ? undefined
    : judgeCosigned(crypto, found, key, known, problems);
  return {
    version: 1, ok: problems.length === 0, problems, size: found.frontier.size,
    root: toBase64(rootOf(crypto, found.frontier)), signedSize, ...(origin !== undefined && { origin }),
    ...(key !== undefined && { key: formatVerifierKey(key) }), tornBytes: found.tornBytes, ...entries,
    ...(revoked !== undefined && { revoked: { trustedSize, behind: found.frontier.size - trustedSize } }),
    ...(cosigned !== undefined && { cosigned }),
  };
}

/** `9 refusals in feeder-7, 3 starts in feeder-7`. */
function tally(rows: readonly CertificateRow[]): string {
  const counts = new Map<string, number>();
  for (const { zone, key } of rows) counts.set(`${key} in ${zone}`, (counts.get(`${key} in ${zone}`) ?? 0) + 1);
  return [...counts].map(([what, count]) => `${count} ${what}`).join(", ");
}

function asText(report: Report): string {
  const gone = report.thinnedEntries === 0 ? "" : `, or its hash is (${report.thinnedEntries} old ones were thinned)`;
  const good = report.signedSize === 1 ? "Good: the one entry that was signed is there, unchanged."
    : `Good: every one of the ${report.signedSize} entries that were signed is there, unchanged${gone}.`;
  const lines = [
    report.ok ? good : "NOT GOOD",
    ...report.problems.map((text) => `  ${text}`),
    `log       ${report.origin ?? "unknown"}`,
    `entries   ${report.size}, of them ${report.size - report.signedSize} newer than the last good checkpoint`,
    `root      ${report.root}`,
  ];
  if (report.key !== undefined) lines.push(`key       ${report.key}`);
  if (report.revoked !== undefined) {
    const { trustedSize, behind } = report.revoked;
    lines.push(`revoked   the key of this log: its first ${trustedSize} entries are believed, ${behind} behind not`);
  }
  if (report.cosigned !== undefined) lines.push(`cosigned  ${cosignedText(report.cosigned)}`);
  if (report.oldest !== undefined) lines.push(`oldest    ${report.oldest}`, `newest    ${report.newest}`);
  if (report.tornBytes > 0) {
    lines.push(`torn tail ${report.tornBytes} bytes of an unfinished write; nothing acknowledged is lost`);
  }
  if (report.certificateCount > 0) lines.push(`certified ${report.certificateCount}: ${tally(report.certificates)}`);
  if (report.unknownEntries > 0) lines.push(`unknown   ${report.unknownEntries} entries that this release cannot read`);
  return `${lines.join("\n")}\n`;
}

/** `verify` without a file; `args`: the options after it. */
export async function verifyLog(args: readonly string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, {
    ...STATE_OPTIONS, key: { type: "string", value: "VKEY" }, roster: { type: "string", value: "FILE" },
    operators: { type: "string", value: "FILE" }, json: { type: "boolean" },
  });
  const stateDir = await stateDirOf(options, io);
  const street = streetOf(nodeCrypto(), options);
  try {
    const report = examine(stateDir, options.key, street);
    io.out(options.json ? `${JSON.stringify(report)}\n` : asText(report));
    return report.ok ? 0 : 1;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const why = error instanceof KeyFileError ? error.message : `the log in ${stateDir}: ${(error as Error).message}`;
    io.err(`kerbwatch: ${why}\n`);
    return 1;
  }
}
