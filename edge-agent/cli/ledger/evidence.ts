/** `kerbwatch ledger verify FILE`: whether a file of evidence is good, from the operators' keys or the log's own. */
import type { Crypto } from "../../../models/crypto.ts";
import { problem, type Result } from "../../../models/result.ts";
import { nodeCrypto } from "../../adapters/crypto.ts";
import { readRosterFile, readSmallText } from "../../adapters/roster-file.ts";
import { type CheckedEvidence, checkEvidence, checkSince, type Trust } from "../../evidence/evidence-check.ts";
import { HOW_TO_VERIFY, MAX_EVIDENCE_CHARS, parseEvidence } from "../../evidence/evidence-file.ts";
import { evidenceReport } from "../../evidence/evidence-report.ts";
import { plainText, shown } from "../../plain-text.ts";
import { parseVerifierKey } from "../../record/note.ts";
import { type Io, parseOptions, UsageError } from "../command.ts";
import { must, readOperatorsOption } from "../roster/files.ts";

/** Whom the options say to trust. Throws UsageError. */
export function trustIn(
  crypto: Crypto, { operators, key }: { readonly operators: string | undefined; readonly key: string | undefined },
): Trust {
  if (operators !== undefined && key !== undefined) {
    throw new UsageError("--key: found beside --operators; allowed: one of the two");
  }
  if (operators !== undefined) return { operators: readOperatorsOption(crypto, operators) };
  if (key === undefined) throw new UsageError("--operators: missing; allowed: --operators FILE, or --key VKEY");
  const parsed = parseVerifierKey(crypto, key);
  if (parsed.ok) return { logKey: parsed.value };
  throw new UsageError(`--key: found ${shown(key)} (${parsed.problem}); allowed: a key as keygen --station shows it`);
}

/**
 * The evidence of a file, every part of it held to be good; `problem` names the first that is not. Never throws.
 * @param since the file of a later roster, which may have revoked the log's key meanwhile
 */
export function openEvidence(
  crypto: Crypto, text: string, trust: Trust, since?: Uint8Array,
): Result<CheckedEvidence> {
  const file = parseEvidence(text);
  if (!file.ok) return file;
  const checked = checkEvidence(crypto, file.value.evidence, trust);
  if (!checked.ok) return checked;
  if (file.value.report !== evidenceReport(checked.value)) return problem("report: not what follows from the entries");
  if (file.value.howToVerify !== HOW_TO_VERIFY) return problem("howToVerify: not this version's text");
  if (since === undefined || !("operators" in trust)) return checked;
  const later = checkSince(crypto, file.value.evidence, checked.value, trust.operators, since);
  return later.ok ? checked : later;
}

export async function verifyFile(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, {
    operators: { type: "string", value: "FILE" }, key: { type: "string", value: "VKEY" },
    roster: { type: "string", value: "FILE" }, json: { type: "boolean" },
  }, { max: 1, what: "one file of evidence" });
  const crypto = nodeCrypto();
  const trust = trustIn(crypto, options);
  const text = must(readSmallText(positionals[0] ?? "", MAX_EVIDENCE_CHARS), "evidence");
  if (options.roster !== undefined && options.operators === undefined) {
    throw new UsageError("--operators: missing, and needed beside --roster");
  }
  const since = options.roster === undefined ? undefined : must(readRosterFile(options.roster), "--roster");
  const opened = openEvidence(crypto, text, trust, since);
  if (!opened.ok) {
    const why = plainText(opened.problem);
    io.out(options.json ? `${JSON.stringify({ version: 1, ok: false, problem: why })}\n` : `NOT GOOD\n  ${why}\n`);
    return 1;
  }
  const { incidentId, checkpoint: { origin, size }, vouched, entries, certificates, guilty } = opened.value;
  io.out(options.json ? `${JSON.stringify({
    version: 1, ok: true, incidentId, origin, size, entries: entries.length, cosigned: vouched,
    certificates: certificates.map(({ certificate: { name, key, epoch }, signers }) => ({ name, key, epoch, signers })),
    guilty,
  })}\n` : `Good: every part of it was checked.\n\n${evidenceReport(opened.value)}\n`);
  return 0;
}
