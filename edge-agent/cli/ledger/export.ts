/** `kerbwatch ledger export`: one file with everything that proves an incident to whoever has the operators' keys. */
import { decodeRosterFile } from "../../../gossip/roster-file.ts";
import { decodeRoster } from "../../../gossip/roster-rules.ts";
import { nodeCrypto } from "../../adapters/crypto.ts";
import { errorCode } from "../../adapters/durable-file.ts";
import { gatherEvidence } from "../../adapters/evidence-read.ts";
import { findIncidents } from "../../adapters/incident-log.ts";
import { readKey } from "../../adapters/keys.ts";
import { readRosterFile } from "../../adapters/roster-file.ts";
import { checkEvidence, type Trust } from "../../evidence/evidence-check.ts";
import { type Evidence, formatEvidence, HOW_TO_VERIFY } from "../../evidence/evidence-file.ts";
import { signerOf } from "../../evidence/last-trusted.ts";
import { evidenceReport } from "../../evidence/evidence-report.ts";
import { plainText, shown } from "../../plain-text.ts";
import { originOf, parseCheckpoint } from "../../record/checkpoint.ts";
import { parseNote, verifierKeyOf } from "../../record/note.ts";
import type { Crypto } from "../../../models/crypto.ts";
import { problem, type Result } from "../../../models/result.ts";
import { type Io, parseOptions, UsageError } from "../command.ts";
import { must, readOperatorsOption, written } from "../roster/files.ts";
import { STATE_OPTIONS, stateDirOf } from "../state-dir.ts";

const OPTIONS = {
  ...STATE_OPTIONS, incident: { type: "string", required: true, value: "ID" },
  out: { type: "string", required: true, value: "FILE" },
  roster: { type: "string", multiple: true, value: "FILE" }, operators: { type: "string", value: "FILE" },
} as const;

/** The whole id of the one incident that begins so; undefined where there is none. Throws UsageError. */
export function onlyIncident(stateDir: string, crypto: Crypto, prefix: string): string | undefined {
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) {
    throw new UsageError(`--incident: found ${shown(prefix)}; allowed: 1 to 64 hexadecimal digits`);
  }
  const { incidents } = findIncidents(stateDir, crypto, prefix);
  const exact = incidents.find(({ incidentId }) => incidentId === prefix);
  if (exact === undefined && incidents.length > 1) {
    throw new UsageError(`--incident: ${incidents.length} incidents begin with ${prefix}; allowed: more digits`);
  }
  return (exact ?? incidents[0])?.incidentId;
}

/** Of a station in no street the log's own key, which whoever reads the file must have by another way. */
function ownTrust(crypto: Crypto, stateDir: string, { checkpoint }: Evidence): Trust {
  const note = parseNote(checkpoint);
  const parsed = note.ok ? parseCheckpoint(note.value.text) : note;
  const own = readKey(stateDir, "log");
  if (own === undefined || !parsed.ok) {
    throw new UsageError("--roster: missing, and the state directory holds no log key");
  }
  return { logKey: verifierKeyOf(crypto, parsed.value.origin, own.publicKey) };
}

/** How many entries the newest roster believes of a log whose key it revokes; it is judged with the rest. */
function trustedSize(crypto: Crypto, file: Uint8Array | undefined, note: string): number | undefined {
  const taken = file && decodeRosterFile(file);
  const roster = taken?.ok ? decodeRoster(taken.value.bytes) : undefined;
  if (roster?.ok !== true) return undefined;
  const { trustedUntil = [] } = roster.value;
  return trustedUntil.find(({ station, log }) => signerOf(crypto, note, originOf(station), [log]) !== undefined)?.size;
}

interface Wanted {
  readonly stateDir: string;
  readonly incident: string;
  readonly rosters: readonly string[];
  readonly operators: string | undefined;
}

/** The file's text, checked as its reader will. Throws UsageError, and the system's error. */
function evidenceText(crypto: Crypto, { stateDir, incident, rosters, operators }: Wanted): Result<string> {
  if (rosters.length > 0 !== (operators !== undefined)) {
    throw new UsageError(`--${operators === undefined ? "operators" : "roster"}: missing; allowed: both, or neither`);
  }
  const id = onlyIncident(stateDir, crypto, incident);
  if (id === undefined) return problem(`no incident in ${stateDir} begins with ${incident}`);
  const files = rosters.map((path) => must(readRosterFile(path), "--roster"));
  const gathered = gatherEvidence(stateDir, crypto, id, files, (note) => trustedSize(crypto, files.at(-1), note));
  if (!gathered.ok) return gathered;
  const trust = operators === undefined ? ownTrust(crypto, stateDir, gathered.value)
    : { operators: readOperatorsOption(crypto, operators) };
  const checked = checkEvidence(crypto, gathered.value, trust);
  if (!checked.ok) return checked;
  const report = evidenceReport(checked.value);
  return { ok: true, value: formatEvidence({ evidence: gathered.value, report, howToVerify: HOW_TO_VERIFY }) };
}

export async function exportEvidence(args: readonly string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, OPTIONS);
  const { incident, roster: rosters, operators, out } = options;
  const stateDir = await stateDirOf(options, io);
  try {
    const made = evidenceText(nodeCrypto(), { stateDir, incident: incident.toLowerCase(), rosters, operators });
    if (made.ok) return written(out, made.value, io.err) ? 0 : 1;
    io.err(`kerbwatch: ${plainText(made.problem)}\n`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    io.err(`kerbwatch: the log in ${stateDir} cannot be read (${errorCode(error)})\n`);
  }
  return 1;
}
