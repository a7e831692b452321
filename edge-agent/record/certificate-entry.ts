/**
 * Certificates in the log: each that an agent accepts once, with the statements that it lists, so that the entry can be
 * checked from the roster alone, years later, and the logs of two agents be compared by the certificates' names.
 *
 * An entry has room for 64 KB, and the statements of a large zone may need more: then several entries carry the same
 * message, each with a part of them. Nothing is left out because another entry holds it: an entry should not depend on
 * others, and the statements of a renewal are nearly all new.
 *
 * An incident that goes on is renewed every 15 epochs: 3.4 KB in a zone of 6, 10.8 KB in one of 20. With epochs of 10 s
 * that is 2.0 and 6.2 MB a day for each key, beside 2.2 MB of own statements (measured with plain ids).
 */
import { type Certificate, quorumOf, readCertificate, verifyCertificate } from "../../gossip/certificate.ts";
import { directoryOf } from "../../gossip/directory.ts";
import { zoneOf } from "../../gossip/roster.ts";
import { decodeRoster } from "../../gossip/roster-rules.ts";
import type { Decision } from "../../gossip/zone-law.ts";
import { decide } from "../../models/agree/zone-decision.ts";
import type { Crypto } from "../../models/crypto.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import type { StationId, WallMs } from "../../models/units.ts";
import { type Entry, MAX_ENTRY_BYTES } from "./entry.ts";

export type CertificateEntry = Extract<Entry, { kind: "certificate" }>;

/** Above what an entry takes beside its message and statements: version, kind, time, and heads of CBOR items. */
const HEAD_BYTES = 64;
const BLOB_HEAD_BYTES = 3;

/** The entries of one certificate: one, unless its statements need more room. */
export function certificateEntries(
  message: Uint8Array, statements: readonly Uint8Array[], at: WallMs,
): readonly CertificateEntry[] {
  const parts: Uint8Array[][] = [[]];
  const room = MAX_ENTRY_BYTES - HEAD_BYTES - message.length;
  let left = room;
  for (const statement of statements) {
    if (statement.length + BLOB_HEAD_BYTES > left) {
      parts.push([]);
      left = room;
    }
    parts.at(-1)!.push(statement);
    left -= statement.length + BLOB_HEAD_BYTES;
  }
  return parts.map((part) => ({ kind: "certificate", at, message, statements: part }));
}

/** One certificate as a log holds it, its parts put together. */
export interface RecordedCertificate {
  readonly certificate: Certificate;
  /** Whole messages. */
  readonly statements: readonly Uint8Array[];
}

/** The certificates among a log's entries by name, in their order; no signature is looked at. */
export function recordedCertificates(entries: Iterable<Entry>, crypto: Crypto): Map<string, RecordedCertificate> {
  const found = new Map<string, RecordedCertificate>();
  for (const entry of entries) {
    const certificate = entry.kind === "certificate" ? readCertificate(entry.message, crypto) : undefined;
    if (certificate === undefined || entry.kind !== "certificate") continue;
    const { statements = [] } = found.get(certificate.name) ?? {};
    found.set(certificate.name, { certificate, statements: [...statements, ...entry.statements] });
  }
  return found;
}

export interface CheckedCertificate {
  readonly certificate: Certificate;
  /** Who voted for it, and how many had to. */
  readonly signers: readonly StationId[];
  readonly quorum: number;
  /** Recomputed from the statements. */
  readonly decision: Decision;
  /** Listed members of whom a statement is missing: they counted as the lowest value. */
  readonly missing: number;
}

/**
 * Checks a recorded certificate from a roster's signed bytes alone, as an auditor would: a quorum of the zone's members
 * signed, and the statements, recomputed, raise. Whether operators signed that roster is for verifyRosterFile. Never
 * throws.
 */
export function checkRecorded(
  { certificate: { whole }, statements }: RecordedCertificate, rosterBytes: Uint8Array, crypto: Crypto,
): Result<CheckedCertificate> {
  const roster = decodeRoster(rosterBytes);
  if (!roster.ok) return roster;
  const zone = readCertificate(whole, crypto)?.zone;
  if (zone === undefined) return problem("the message is no certificate");
  if (zoneOf(roster.value, zone) === undefined) return problem(`the roster has no zone ${zone}`);
  const directory = directoryOf(roster.value, zone);
  const verified = verifyCertificate(whole, directory, crypto, { decide, statements });
  if (!verified.ok) return verified;
  const { certificate, decision, missing = 0 } = verified;
  const signers = certificate.signers.map((index) => directory.members[index]!.station);
  return ok({ certificate, signers, quorum: quorumOf(directory), decision: decision!, missing });
}
