/**
 * Certificates (SPEC.md, section 6): a proposal and a quorum of votes for it. Anyone who has the roster can check one,
 * years later and offline; with the statements that it lists, also that they raise.
 */
import type { Crypto, Signer } from "../models/crypto.ts";
import { type EvidenceKey, EVIDENCE_KEYS } from "../models/terms.ts";
import type { StationId, ZoneId } from "../models/units.ts";
import { hex } from "./bytes.ts";
import type { Directory } from "./directory.ts";
import { verifyAs } from "./domain.ts";
import type { ProposalContent, ProposalItem } from "./message-content.ts";
import {
  decodeMessage, encodeMessage, type Head, type Kind, type MessageOf, signedBytes, verifyMessage,
} from "./message.ts";
import type { Decide, Decision } from "./zone-law.ts";
import { EPOCHS_AHEAD, EPOCHS_BACK, WINDOW_EPOCHS } from "./zone-view.ts";

/** A certificate whose signatures are good. */
export interface Certificate {
  /** Hash of the proposal's signed bytes, in hex: its name, whoever put the votes together. */
  readonly name: string;
  readonly hash: Uint8Array;
  /** The proposal's epoch, from which the lease counts. */
  readonly epoch: number;
  readonly zone: ZoneId;
  /** Members' indexes below are those of this roster. */
  readonly rosterVersion: number;
  readonly key: EvidenceKey;
  readonly keyIndex: number;
  readonly onset: number;
  readonly items: readonly ProposalItem[];
  /** Indexes of those who voted for it. */
  readonly signers: readonly number[];
  /** The message as it travels. */
  readonly whole: Uint8Array;
  /** Who put it together. */
  readonly station: StationId;
}

export type Verified =
  | {
    readonly ok: true; readonly certificate: Certificate; readonly decision?: Decision;
    /** Listed members of whom a statement is missing: they counted as the lowest value, and it raises all the same. */
    readonly missing?: number;
  }
  | { readonly ok: false; readonly problem: string };

/** What a growth is taken from. */
export interface Sample {
  readonly index: number;
  readonly epoch: number;
  readonly evidence: readonly number[];
}

/** What of a directory a quorum depends on. */
export interface Sized {
  readonly members: { readonly length: number };
  readonly zone: { readonly f: number };
}

/** Any two quorums share an honest member, since n > 3f (SPEC.md, section 6). */
export function quorumOf({ members, zone }: Sized): number {
  return Math.floor((members.length + zone.f) / 2) + 1;
}

/** A proposal that this zone can have: its key is known, its onset lies in its window, its members exist. */
export function isPossible(proposal: ProposalContent, directory: Directory): boolean {
  const { epoch, keyIndex, onset, items } = proposal;
  return keyIndex < EVIDENCE_KEYS.length && onset <= epoch && onset > epoch - WINDOW_EPOCHS &&
    items.every(({ index }) => index < directory.members.length);
}

/**
 * Each listed member's growth, millinats, where it can be taken; undefined where statements are missing; nothing at all
 * when a listed pair is not one that the rules allow.
 */
export function growthsOf(
  { epoch, keyIndex, items }: ProposalContent, find: (hash: Uint8Array) => Sample | undefined,
): readonly (number | undefined)[] | undefined {
  const growths: (number | undefined)[] = [];
  for (const { index, newer: newerHash, older: olderHash } of items) {
    const newer = find(newerHash);
    const older = find(olderHash);
    for (const one of [newer, older]) {
      if (one !== undefined && (one.index !== index || one.epoch <= epoch - WINDOW_EPOCHS)) return undefined;
    }
    if (newer !== undefined && (newer.epoch < epoch - EPOCHS_BACK || newer.epoch > epoch + EPOCHS_AHEAD)) {
      return undefined;
    }
    if (newer === undefined || older === undefined) growths.push(undefined);
    else if (older.epoch > newer.epoch) return undefined;
    else growths.push((newer.evidence[keyIndex] ?? 0) - (older.evidence[keyIndex] ?? 0));
  }
  return growths;
}

/** Puts a certificate together from votes that were checked; `votes` by voter's index. */
export function assemble(
  proposal: MessageOf<"proposal">, votes: ReadonlyMap<number, Uint8Array>, head: Head, signer: Signer,
): MessageOf<"certificate"> {
  const list = [...votes].sort(([a], [b]) => a - b).map(([index, signature]) => ({ index, signature }));
  return encodeMessage("certificate", { epoch: proposal.content.epoch, proposal: proposal.whole, votes: list }, head,
    signer);
}

/**
 * Checks a whole certificate message against the roster that it names.
 * @param beside statements that it lists, as whole messages, to see also that they raise; what is missing can only
 *   have made it raise less
 */
export function verifyCertificate(
  whole: Uint8Array, directory: Directory, crypto: Crypto,
  beside?: { readonly decide: Decide; readonly statements: readonly Uint8Array[] },
): Verified {
  const outer = readAs("certificate", whole, directory, crypto);
  if (typeof outer === "string") return refused(outer);
  const proposal = readAs("proposal", outer.content.proposal, directory, crypto);
  if (typeof proposal === "string") return refused(proposal);
  if (proposal.content.epoch !== outer.content.epoch) return refused("the epoch is not the proposal's");
  if (!isPossible(proposal.content, directory)) return refused("the proposal is none that the rules allow");
  const hash = crypto.sha256(proposal.bytes);
  const lacking = votesProblem(outer, hash, directory, crypto);
  if (lacking !== undefined) return refused(lacking);
  const certificate = certificateOf(outer, proposal, hash);
  return beside === undefined ? { ok: true, certificate } : recomputed(certificate, directory, crypto, beside);
}

function certificateOf(
  { content: { votes }, whole, station }: MessageOf<"certificate">, proposal: MessageOf<"proposal">, hash: Uint8Array,
): Certificate {
  const { content: { epoch, keyIndex, onset, items }, rosterVersion, zone } = proposal;
  return {
    name: hex(hash), hash, epoch, zone, rosterVersion, key: EVIDENCE_KEYS[keyIndex]!, keyIndex, onset, items,
    signers: votes.map(({ index }) => index), whole, station,
  };
}

/** What a certificate says, no signature looked at; undefined for what is none. Never throws. */
export function readCertificate(whole: Uint8Array, crypto: Crypto): Certificate | undefined {
  const outer = readMessage("certificate", whole);
  const proposal = outer && readMessage("proposal", outer.content.proposal);
  if (proposal === undefined || proposal.content.keyIndex >= EVIDENCE_KEYS.length) return undefined;
  return certificateOf(outer!, proposal, crypto.sha256(proposal.bytes));
}

/** A message of one kind by size and shape alone; undefined for anything else. Never throws. */
export function readMessage<K extends Kind>(kind: K, whole: Uint8Array): MessageOf<K> | undefined {
  const decoded = decodeMessage(kind, whole);
  return decoded.ok ? decoded.message as MessageOf<K> : undefined;
}

function refused(problem: string): Verified {
  return { ok: false, problem };
}

/** A message of this zone and roster whose author's signature is good; otherwise what is wrong. */
function readAs<K extends "certificate" | "proposal" | "statement">(
  kind: K, whole: Uint8Array, directory: Directory, crypto: Crypto,
): MessageOf<K> | string {
  const decoded = decodeMessage(kind, whole);
  if (!decoded.ok) return `the ${kind} cannot be read: ${decoded.problem}`;
  const { message } = decoded;
  if (message.network !== directory.network || message.zone !== directory.zone.id) {
    return `the ${kind} belongs to ${message.network}, ${message.zone}`;
  }
  // A statement may be older than the roster; its author's key is what counts.
  if (kind !== "statement" && message.rosterVersion !== directory.version) {
    return `the ${kind} was made under roster ${message.rosterVersion}`;
  }
  const member = directory.members[directory.indexOf(message.station)];
  if (member === undefined) return `${message.station}, author of the ${kind}, is no member of the zone`;
  if (!verifyMessage(message, member.statementKey, crypto)) return `the signature of the ${kind} is wrong`;
  return message as MessageOf<K>;
}

function votesProblem(
  { content: { epoch, votes } }: MessageOf<"certificate">, hash: Uint8Array, directory: Directory, crypto: Crypto,
): string | undefined {
  const quorum = quorumOf(directory);
  if (votes.length < quorum) return `${votes.length} votes; the quorum is ${quorum}`;
  for (const { index, signature } of votes) {
    const voter = directory.members[index];
    if (voter === undefined) return `voter ${index} is no member of the zone`;
    const bytes = signedBytes("vote", { epoch, proposal: hash }, headOf(directory, voter.station));
    if (!verifyAs("vote", bytes, signature, voter.statementKey, crypto)) return `the vote of ${voter.station} is wrong`;
  }
  return undefined;
}

export function headOf(directory: Directory, station: Head["station"]): Head {
  return { network: directory.network, zone: directory.zone.id, rosterVersion: directory.version, station };
}

function recomputed(
  certificate: Certificate, directory: Directory, crypto: Crypto,
  { decide, statements }: { readonly decide: Decide; readonly statements: readonly Uint8Array[] },
): Verified {
  const listed = new Set(certificate.items.flatMap(({ newer, older }) => [hex(newer), hex(older)]));
  const samples = new Map<string, Sample>();
  for (const whole of statements) {
    const statement = readAs("statement", whole, directory, crypto);
    if (typeof statement === "string") return refused(statement);
    const name = hex(crypto.sha256(statement.bytes));
    if (!listed.has(name)) return refused(`a statement of ${statement.station} is none that it lists`);
    const { epoch, evidence } = statement.content;
    samples.set(name, { index: directory.indexOf(statement.station), epoch, evidence });
  }
  const growths = growthsOf(certificate, (hash) => samples.get(hex(hash)));
  if (growths === undefined) return refused("a pair of statements is none that the rules allow");
  const known = growths.filter((growth) => growth !== undefined);
  const missing = growths.length - known.length;
  const n = directory.members.length;
  const decision = decide({ n, f: directory.zone.f, key: certificate.key, growths: known });
  if (decision.raises) return { ok: true, certificate, decision, missing };
  const without = missing === 0 ? "" : `; those of ${missing} members are missing`;
  return refused(`the statements do not raise${without}`);
}
