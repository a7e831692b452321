/** Checks the evidence of an incident, every part of it, from the operators' keys or the log's own alone. */
import { readCertificate, readMessage } from "../../gossip/certificate.ts";
import { directoryOf } from "../../gossip/directory.ts";
import { checkProof } from "../../gossip/equivocation.ts";
import { sameBytes } from "../../gossip/bytes.ts";
import {
  memberOf, nextOperators, type Operators, type Roster, type TrustedUntil, zoneOf,
} from "../../gossip/roster.ts";
import { chainProblem, decodeRosterFile, type VerifiedRoster, verifyRosterFile } from "../../gossip/roster-file.ts";
import type { Crypto } from "../../models/crypto.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import { type Alert, threatOf } from "../../models/terms.ts";
import type { StationId } from "../../models/units.ts";
import { parseAlert } from "../alert-schema.ts";
import { checkRecorded, type CheckedCertificate, recordedCertificates } from "../record/certificate-entry.ts";
import { openCheckpoint, originOf, parseCheckpoint, type SignedCheckpoint } from "../record/checkpoint.ts";
import { readCosigned } from "../record/cosigned.ts";
import { decodeEntry, type Entry } from "../record/entry.ts";
import type { Evidence } from "./evidence-file.ts";
import { neededFor, signerOf, standingOf, witnessesOf } from "./last-trusted.ts";
import { leafHash, verifyConsistency, verifyInclusion } from "../record/merkle.ts";
import { parseNote, type VerifierKey, verifierKeyOf } from "../record/note.ts";
import { contentHash } from "../record/record.ts";

/** Whom the reader trusts: operators, who say whose keys those are, or one log's key. */
export type Trust = { readonly operators: Operators } | { readonly logKey: VerifierKey };

export interface BelievedRoster extends VerifiedRoster {
  /** The signed bytes. */
  readonly bytes: Uint8Array;
}

/** Who vouches for the log, and up to where. */
export interface Vouched {
  readonly size: number;
  readonly by: readonly StationId[];
  /** How many neighbours there are, and of how many one at least is honest. */
  readonly neighbours: number;
  readonly needed: number;
  /** When the last of those needed had cosigned, unix seconds; absent when there are fewer. */
  readonly timeS?: number;
}

export interface CheckedEntry {
  readonly index: number;
  readonly hash: string;
  readonly entry: Entry;
}

/** Evidence in which everything was found to be good. */
export interface CheckedEvidence {
  readonly incidentId: string;
  readonly checkpoint: SignedCheckpoint;
  readonly logKey: VerifierKey;
  readonly rosters: readonly BelievedRoster[];
  readonly vouched?: Vouched;
  /** The log's key was revoked, and that much of the log is believed. */
  readonly until?: TrustedUntil;
  readonly entries: readonly CheckedEntry[];
  /** Of the incident, oldest first; at least one. */
  readonly alerts: readonly Alert[];
  readonly certificates: readonly CheckedCertificate[];
  /** Agents that two statements prove guilty. */
  readonly guilty: readonly StationId[];
}

/** Says why in words; never leaves this file. */
class Refused extends Error {}

function must<T>(result: Result<T>, place: string): T {
  if (result.ok) return result.value;
  throw new Refused(`${place}: ${result.problem}`);
}

/** SPEC.md, section 2: the first by the operators that the reader trusts, each further one by those before it. */
function rosterChain(crypto: Crypto, files: readonly Uint8Array[], trust: Trust): BelievedRoster[] {
  if (files.length > 0 && !("operators" in trust)) throw new Refused("rosters: checked with the operators' keys only");
  const chain: BelievedRoster[] = [];
  for (const [i, file] of files.entries()) {
    const last = chain.at(-1);
    const operators = last === undefined ? (trust as { operators: Operators }).operators : nextOperators(last.roster);
    const verified = must(verifyRosterFile(crypto, file, operators), `rosters[${i}]`);
    const wrong = last && chainProblem(last, verified.roster);
    if (wrong !== undefined) throw new Refused(`rosters[${i}]: ${wrong}`);
    chain.push({ ...verified, bytes: must(decodeRosterFile(file), `rosters[${i}]`).bytes });
  }
  return chain;
}

/** The station whose log it says it is; nothing is verified yet. */
function claimedStation(note: string): StationId {
  const text = must(parseNote(note), "log.checkpoint").text;
  const { origin } = must(parseCheckpoint(text), "log.checkpoint");
  return origin.slice(originOf("" as StationId).length) as StationId;
}

/** The log's key, and the newest roster that gives it to the station; none where the reader trusts the key itself. */
interface Home {
  readonly key: VerifierKey;
  readonly roster?: BelievedRoster;
}

function homeOf(
  crypto: Crypto, station: StationId, rosters: readonly BelievedRoster[], trust: Trust, note: string,
): Home {
  if ("logKey" in trust) return { key: trust.logKey };
  const newest = rosters.at(-1)?.roster;
  if (newest === undefined) throw new Refused("rosters: none, so the operators' keys say nothing of this log");
  const listing = rosters.filter(({ roster }) => memberOf(roster, station) !== undefined);
  if (listing.length === 0) throw new Refused(`rosters: version ${newest.version} does not list the log's station`);
  const keys = listing.map(({ roster }) => memberOf(roster, station)!.keys.log).reverse();
  const key = signerOf(crypto, note, originOf(station), keys) ?? keys[0]!;
  const roster = listing.findLast((one) => sameBytes(memberOf(one.roster, station)!.keys.log, key))!;
  return { key: verifierKeyOf(crypto, originOf(station), key), roster };
}

/** What is asked of a log whose key a roster revokes. */
type Revocable = Pick<CheckedEvidence, "checkpoint" | "entries" | "vouched" | "logKey">;

/**
 * How far a roster believes the log, when its key is no member's any more; throws when the evidence goes further, or is
 * not proven to lie below: by the consistency of both checkpoints, or by what enough witnesses cosigned before.
 */
function untilUnder(
  crypto: Crypto, { checkpoint, entries, vouched, logKey }: Revocable, { trusted = [] }: Evidence, roster: Roster,
): TrustedUntil | undefined {
  const standing = standingOf(roster, checkpoint.origin, logKey.publicKey);
  if (standing.kind === "of-member") return undefined;
  const version = `version ${roster.version} of the roster`;
  if (standing.kind === "nothing") {
    throw new Refused(`log.checkpoint: by a key that ${version} gives to nobody, nor believes anything of`);
  }
  const { until } = standing;
  const beyond = entries.find(({ index }) => index >= until.size);
  if (beyond !== undefined) {
    throw new Refused(`entry ${beyond.index}: ${version} believes the first ${until.size} entries of this log`);
  }
  const [a, b] = checkpoint.size < until.size ? [checkpoint, until] : [until, checkpoint];
  if (verifyConsistency(crypto, a.size, b.size, a.root, b.root, trusted)) return until;
  const isVouched = vouched?.timeS !== undefined && vouched.size <= until.size;
  if (isVouched && entries.every(({ index }) => index < vouched.size)) return until;
  throw new Refused(`log.trusted: the log is not proven to be the one that ${version} believes`);
}

function checkEntries(
  crypto: Crypto, entries: Evidence["entries"], { size, root }: SignedCheckpoint,
): readonly CheckedEntry[] {
  return entries.map(({ index, entry: bytes, proof }, i) => {
    const place = `entries[${i}]`;
    if (i > 0 && index <= entries[i - 1]!.index) throw new Refused(`${place}: not after the one before`);
    const leaf = leafHash(crypto, bytes);
    if (!verifyInclusion(crypto, leaf, index, size, proof, root)) {
      throw new Refused(`${place}: is not proven to be entry ${index} of the ${size} that the log signed`);
    }
    return { index, hash: contentHash(leaf), entry: must(decodeEntry(bytes), place) };
  });
}

function checkCosigned(
  crypto: Crypto, cosigned: NonNullable<Evidence["cosigned"]>, checkpoint: SignedCheckpoint, key: VerifierKey,
  station: StationId, home: BelievedRoster | undefined,
): Vouched {
  if (home === undefined) throw new Refused("log.cosigned: there is no roster that says who the witnesses are");
  const witnesses = witnessesOf(crypto, home.roster, station);
  const read = must(readCosigned(crypto, cosigned.note, key, witnesses), "log.cosigned");
  if (read.forged.length > 0) throw new Refused(`log.cosigned: the cosignature of ${read.forged[0]} is wrong`);
  if (read.signatures.length !== read.lines.size + 1) {
    throw new Refused("log.cosigned: a line that is of no witness in its roster, or a second one of the same");
  }
  const { size, root, lines, timesS } = read;
  if (!verifyConsistency(crypto, size, checkpoint.size, root, checkpoint.root, cosigned.consistency)) {
    throw new Refused("log.cosigned: is not proven to be the beginning of the log");
  }
  const needed = neededFor(home.roster, memberOf(home.roster, station));
  const timeS = timesS[needed - 1];
  return {
    size, by: [...lines.keys()].sort(), neighbours: witnesses.length, needed, ...(timeS !== undefined && { timeS }),
  };
}

/** The one form of a time in alerts; with four digits of a year, all that is counted from it is a time too. */
const TIME = /^[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The incident's alerts, each by the agent whose log this is; every entry that they name must be there. */
function alertsOf(incidentId: string, entries: readonly CheckedEntry[], station: StationId): Alert[] {
  const there = new Set(entries.map(({ hash }) => hash));
  const alerts: Alert[] = [];
  for (const { entry, index } of entries) {
    if (entry.kind !== "alert") continue;
    const alert = parseAlert(entry.json);
    if (alert?.incidentId !== incidentId) throw new Refused(`entry ${index}: an alert of another incident`);
    if (alert.agent !== station) throw new Refused(`entry ${index}: an alert of another agent`);
    if (!TIME.test(alert.time) || Number.isNaN(Date.parse(alert.time))) throw new Refused(`entry ${index}: no time`);
    const named = [...alert.evidence, ...(alert.certificate === undefined ? [] : [alert.certificate.file])];
    if (!named.every((hash) => there.has(hash))) {
      throw new Refused(`entry ${index}: the alert names an entry that is not in the file`);
    }
    alerts.push(alert);
  }
  if (alerts.length === 0) throw new Refused("entries: no alert of the incident");
  return alerts;
}

/** Each certificate under the roster that it names; of a zone's alert, that it is one of its zone and threat. */
function checkCertificates(
  crypto: Crypto, entries: readonly CheckedEntry[], rosters: readonly BelievedRoster[], alerts: readonly Alert[],
): CheckedCertificate[] {
  const recorded = recordedCertificates(entries.map(({ entry }) => entry), crypto);
  const checked = new Map([...recorded].map(([name, one]) => {
    const { rosterVersion, epoch } = one.certificate;
    const roster = rosters.find(({ roster: { version } }) => version === rosterVersion);
    if (roster === undefined) throw new Refused(`rosters: version ${rosterVersion}, of a certificate, is not there`);
    return [name, must(checkRecorded(one, roster.bytes, crypto), `the certificate for epoch ${epoch}`)];
  }));
  const byHash = new Map<string, CheckedCertificate>();
  for (const { hash, index, entry } of entries) {
    if (entry.kind !== "certificate") continue;
    const one = checked.get(readCertificate(entry.message, crypto)?.name ?? "");
    if (one === undefined) throw new Refused(`entry ${index}: a certificate that cannot be read`);
    byHash.set(hash, one);
  }
  for (const { certificate, zone, threat } of alerts) {
    if (certificate === undefined) continue;
    const told = byHash.get(certificate.file)?.certificate;
    if (told?.zone !== zone || threatOf(told.key) !== threat || told.epoch !== certificate.epoch) {
      throw new Refused("an alert names a certificate of something else");
    }
  }
  return [...checked.values()];
}

function guiltyOf(crypto: Crypto, entries: readonly CheckedEntry[], rosters: readonly BelievedRoster[]): StationId[] {
  return entries.flatMap(({ entry, index }) => {
    if (entry.kind !== "proof") return [];
    const proof = readMessage("proof", entry.message);
    const roster = rosters.find(({ roster: { version } }) => version === proof?.rosterVersion)?.roster;
    if (proof === undefined || roster === undefined || zoneOf(roster, proof.zone) === undefined) {
      throw new Refused(`entry ${index}: a proof of no zone that is known`);
    }
    const directory = directoryOf(roster, proof.zone);
    const guilty = checkProof(proof.content, directory, crypto);
    if (guilty === undefined) throw new Refused(`entry ${index}: a proof that proves nothing`);
    return [directory.members[guilty]!.station];
  });
}

function checked(crypto: Crypto, evidence: Evidence, trust: Trust): CheckedEvidence {
  const rosters = rosterChain(crypto, evidence.rosters, trust);
  const station = claimedStation(evidence.checkpoint);
  const { key: logKey, roster: home } = homeOf(crypto, station, rosters, trust, evidence.checkpoint);
  const checkpoint = must(openCheckpoint(crypto, evidence.checkpoint, logKey), "log.checkpoint");
  if (checkpoint.signatures.length !== 1) throw new Refused("log.checkpoint: more than the log's own signature");
  const entries = checkEntries(crypto, evidence.entries, checkpoint);
  const vouched = evidence.cosigned
    && checkCosigned(crypto, evidence.cosigned, checkpoint, logKey, station, home);
  const newest = rosters.at(-1)?.roster;
  const until = newest && untilUnder(crypto, { checkpoint, entries, logKey, ...(vouched && { vouched }) }, evidence,
    newest);
  const alerts = alertsOf(evidence.incidentId, entries, station);
  const certificates = checkCertificates(crypto, entries, rosters, alerts);
  return {
    incidentId: evidence.incidentId, checkpoint, logKey, rosters, entries, alerts, certificates,
    guilty: guiltyOf(crypto, entries, rosters), ...(vouched && { vouched }), ...(until && { until }),
  };
}

/** Never throws; `problem` names the place. */
export function checkEvidence(crypto: Crypto, evidence: Evidence, trust: Trust): Result<CheckedEvidence> {
  return refusing(() => checked(crypto, evidence, trust));
}

/**
 * The same evidence under a later roster than those in it: whether a key of it was revoked meanwhile. `file` is that
 * roster's, believed by the trusted operators or by those whom the newest in the evidence names. Never throws.
 */
export function checkSince(
  crypto: Crypto, evidence: Evidence, found: CheckedEvidence, operators: Operators, file: Uint8Array,
): Result<TrustedUntil | undefined> {
  return refusing(() => {
    const newest = found.rosters.at(-1)?.roster;
    if (newest === undefined) throw new Refused("--roster: the evidence is of no street");
    const [byGiven, byNewest] = [operators, nextOperators(newest)].map((one) => verifyRosterFile(crypto, file, one));
    const { roster } = must(byNewest!.ok ? byNewest! : byGiven!, "--roster");
    if (roster.network !== newest.network || roster.version < newest.version) {
      throw new Refused(`--roster: found version ${roster.version} of ${roster.network}; allowed: version ` +
        `${newest.version} or later of ${newest.network}`);
    }
    return untilUnder(crypto, found, evidence, roster);
  });
}

function refusing<T>(work: () => T): Result<T> {
  try {
    return ok(work());
  } catch (error) {
    if (error instanceof Refused) return problem(error.message);
    throw error;
  }
}
