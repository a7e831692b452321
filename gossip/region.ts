/**
 * Region scope (SPEC.md, section 12). Each member *attests* levels of its own zone, signed; a quorum's attestations
 * make a *summary*, which goes over the bridges and which anyone who has the roster can check. What the summaries say
 * of all zones together is decided by every agent itself. An agent keeps one summary a zone and key, and looks at so
 * many an epoch, however large the region is.
 */
import type { Crypto } from "../models/crypto.ts";
import { type EvidenceKey, EVIDENCE_KEYS } from "../models/terms.ts";
import type { ZoneId } from "../models/units.ts";
import { headOf, quorumOf } from "./certificate.ts";
import type { Directory } from "./directory.ts";
import { verifyAs } from "./domain.ts";
import { LEASE_EPOCHS } from "./incidents.ts";
import { type MessageOf, signedBytes, verifyMessage } from "./message.ts";
import type { Contents } from "./message-content.ts";
import { type Output, type ProtocolState, publish } from "./protocol-state.ts";
import type { Problem } from "./traffic.ts";
import type { ZoneHistory } from "./zone-law.ts";
import { EPOCHS_AHEAD, EPOCHS_BACK, type Held, historyOf, WINDOW_EPOCHS } from "./zone-view.ts";

/** What is claimed is said again after so many epochs: three times a lease, so that a loss heals. */
export const SAID_AGAIN_EPOCHS = 10;
/** Attestations that make one summary lie at most so far apart, epochs. */
const TOGETHER_EPOCHS = SAID_AGAIN_EPOCHS + EPOCHS_BACK;
/**
 * Summaries of other zones whose signatures are looked at in an epoch: of one zone, which may be captured, one a key;
 * of all together, so that an agent's work does not depend on how many zones there are.
 */
export const MOST_OF_A_ZONE = 32;
export const MOST_SUMMARIES = 4 * MOST_OF_A_ZONE;
/** Tenths of a nat: far more than the largest zone's sum can be. */
export const MOST_LEVEL = 20_000;
/** A level is told at once when it is higher by this. */
const WORTH_TELLING = 5;

/** models/agree/region-decision.ts, handed in as the zone's law is. */
export interface RegionLaw {
  /** What this member may attest by what it holds: tenths of a nat. */
  readonly levels: (zone: ZoneHistory<Held>, zones: number) => readonly { keyIndex: number; level: number }[];
  readonly decide: (
    key: EvidenceKey, zones: readonly { readonly n: number; readonly f: number }[],
    levels: readonly (number | undefined)[],
  ) => RegionDecision;
}

export interface RegionDecision {
  readonly sum: number;
  readonly threshold: number;
  /** Places of zones. */
  readonly supporters: readonly number[];
  readonly raises: boolean;
}

type Attested = Contents["summary"]["attested"][number];

/** What a quorum of a zone attests; a lease, as a certificate is. */
export interface Claim {
  readonly epoch: number;
  readonly level: number;
  readonly attested: readonly Attested[];
  /** The whole message, once there is one. */
  readonly whole?: Uint8Array;
}

interface RegionIncident {
  /** Its identity: the first epoch of the window, of those that divide time, in which the earliest claim lies. */
  readonly first: number;
  /** The earliest claim that was held when it was raised. */
  readonly since: number;
  /** Zones that were told. */
  zones: readonly ZoneId[];
}

export interface RegionState {
  readonly law: RegionLaw;
  /** All zones of the roster, in its order; the own one among them. */
  directories: readonly Directory[];
  /** Whether this member has links to another zone. */
  isBridge: boolean;
  /** By key index, then by member's index: what the own zone's members attest. */
  readonly attested: Map<number, Map<number, Attested>>;
  /** By zone, then by key index. */
  readonly claims: Map<ZoneId, Map<number, Claim>>;
  /** By key index. */
  readonly incidents: Map<number, RegionIncident>;
  /** Summaries of other zones that were looked at in this epoch. */
  readonly looked: Map<string, number>;
}

export interface RegionNews {
  readonly kind: "region";
  readonly change: "raised" | "updated" | "lapsed";
  readonly key: EvidenceKey;
  /** Identity of the incident: an epoch. */
  readonly incident: number;
  /** Epoch of the earliest claim. */
  readonly since: number;
  readonly decision: RegionDecision;
  /** Zones whose claims count, with their level in tenths of a nat and the summary's message where it is held. */
  readonly zones: readonly { readonly zone: ZoneId; readonly level: number; readonly whole?: Uint8Array }[];
}

/** Where a member stands in its region. */
export type Seats = Pick<RegionState, "directories" | "isBridge">;

export function createRegion(law: RegionLaw, { directories, isBridge }: Seats): RegionState {
  return {
    law, directories, isBridge, attested: new Map(), claims: new Map(), incidents: new Map(), looked: new Map(),
  };
}

/** Another roster: indexes of members, and with them signatures' places, are those of their own roster. */
export function reseatRegion(region: RegionState, { directories, isBridge }: Seats): void {
  Object.assign(region, { directories, isBridge });
  region.attested.clear();
  region.claims.clear();
}

export function directoryIn(state: ProtocolState, zone: string): Directory | undefined {
  return state.region?.directories.find((one) => one.zone.id === zone);
}

/** At an epoch's start: attests, claims for the own zone, and tells what the region's claims come to. */
export function beginRegionEpoch(state: ProtocolState, epoch: number, out: Output): void {
  const { region, directory } = state;
  if (region === undefined || region.directories.length < 2 || state.metered) return;
  region.looked.clear();
  forget(region, epoch);
  if (state.maySign && !state.frozen) {
    const found = region.law.levels(historyOf(state.view, directory.zone.f, epoch), region.directories.length);
    for (const { keyIndex, level } of found) attest(state, region, keyIndex, Math.min(level, MOST_LEVEL), epoch, out);
  }
  for (const keyIndex of region.attested.keys()) claim(state, region, keyIndex, epoch, out);
  for (const keyIndex of keysOf(region)) judge(region, keyIndex, out);
}

function forget({ attested, claims }: RegionState, epoch: number): void {
  for (const byMember of attested.values()) {
    for (const [index, one] of byMember) if (one.epoch <= epoch - TOGETHER_EPOCHS) byMember.delete(index);
  }
  for (const byKey of claims.values()) {
    for (const [keyIndex, one] of byKey) if (one.epoch <= epoch - LEASE_EPOCHS) byKey.delete(keyIndex);
  }
}

function attest(
  state: ProtocolState, region: RegionState, keyIndex: number, level: number, epoch: number, out: Output,
): void {
  const said = region.attested.get(keyIndex)?.get(state.self);
  const isHigher = said === undefined || level >= said.level + WORTH_TELLING;
  if (!isHigher && epoch < said.epoch + SAID_AGAIN_EPOCHS) return;
  const { signature } = publish(state, "attestation", { epoch, keyIndex, level }, out);
  keepAttested(region, keyIndex, { index: state.self, epoch, level, signature });
}

/** The later one of a member counts. */
function keepAttested({ attested }: RegionState, keyIndex: number, one: Attested): void {
  const byMember = attested.get(keyIndex) ?? new Map<number, Attested>();
  attested.set(keyIndex, byMember);
  if ((byMember.get(one.index)?.epoch ?? -1) <= one.epoch) byMember.set(one.index, one);
}

/** Takes another member's attestation; its signature was checked. */
export function takeAttestation(state: ProtocolState, message: MessageOf<"attestation">): Problem | undefined {
  const { content: { epoch, keyIndex, level }, signature, station } = message;
  const { region } = state;
  if (region === undefined || keyIndex >= EVIDENCE_KEYS.length) return "bad-summary";
  keepAttested(region, keyIndex, { index: state.directory.indexOf(station), epoch, level, signature });
  return undefined;
}

/** Claims for the own zone what a quorum attests, where that is news. */
function claim(state: ProtocolState, region: RegionState, keyIndex: number, epoch: number, out: Output): void {
  const { directory } = state;
  const all = [...region.attested.get(keyIndex)!.values()];
  const known = region.claims.get(directory.zone.id)?.get(keyIndex);
  // A lease is renewed by what was said since it began, or words would outlive what they speak of.
  const found = highest(directory, all.filter((one) => one.epoch > (known?.epoch ?? -1)));
  const isRenewal = known !== undefined && found !== undefined && epoch >= known.epoch + SAID_AGAIN_EPOCHS;
  const best = isRenewal || known === undefined ? found : highest(directory, all);
  if (best === undefined || (known !== undefined && !isRenewal && best.level < known.level + WORTH_TELLING)) return;
  const { level, attested } = best;
  const isTelling = region.isBridge && state.maySign && !state.frozen;
  const whole = isTelling ? publish(state, "summary", { epoch, keyIndex, level, attested }, out).whole : undefined;
  keepClaim(region, directory.zone.id, keyIndex, { epoch, level, attested, ...(whole && { whole }) });
}

/** The highest level that a quorum reaches, and who of it; undefined without a quorum. */
function highest(directory: Directory, all: readonly Attested[]): Pick<Claim, "level" | "attested"> | undefined {
  const quorum = quorumOf(directory);
  const ranked = [...all].sort((a, b) => b.level - a.level || a.index - b.index).slice(0, quorum);
  const level = ranked[quorum - 1]?.level;
  return level === undefined ? undefined : { level, attested: ranked.sort((a, b) => a.index - b.index) };
}

function keepClaim({ claims }: RegionState, zone: ZoneId, keyIndex: number, one: Claim): void {
  const byKey = claims.get(zone) ?? new Map<number, Claim>();
  claims.set(zone, byKey);
  byKey.set(keyIndex, one);
}

/**
 * A summary is passed on along rings in one direction, which turns with each renewal: it costs a copy less, and whoever
 * sits before a member on both rings keeps nothing from it for as long as a lease.
 */
export function turnOf({ content: { epoch } }: MessageOf<"summary">): 0 | 1 {
  return Math.floor(epoch / SAID_AGAIN_EPOCHS) % 2 === 0 ? 0 : 1;
}

/** Whether a summary would change anything: asked before any signature is looked at. */
export function isNewSummary({ region }: ProtocolState, { zone, content }: MessageOf<"summary">): boolean {
  const { epoch, keyIndex, level } = content;
  const known = region?.claims.get(zone)?.get(keyIndex);
  return known === undefined || epoch >= known.epoch + SAID_AGAIN_EPOCHS ||
    (level >= known.level + WORTH_TELLING && epoch >= known.epoch - EPOCHS_BACK);
}

/** Uses one look at another zone up; false when none is left in this epoch. */
export function takeLook({ region }: ProtocolState, zone: string): boolean {
  if (region === undefined) return false;
  const { looked } = region;
  const before = looked.get(zone) ?? 0;
  const all = [...looked.values()].reduce((sum, one) => sum + one, 0);
  if (before >= MOST_OF_A_ZONE || all >= MOST_SUMMARIES) return false;
  looked.set(zone, before + 1);
  return true;
}

/** Takes a zone's summary; the signature of whoever put it together was checked. */
export function takeSummary(state: ProtocolState, message: MessageOf<"summary">, out: Output): Problem | undefined {
  const { region, crypto } = state;
  const { content, zone, whole } = message;
  const { epoch, keyIndex, level, attested } = content;
  const directory = directoryIn(state, zone);
  if (region === undefined || directory === undefined || keyIndex >= EVIDENCE_KEYS.length) return "bad-summary";
  if (summaryProblem(content, directory, crypto) !== undefined) return "bad-summary";
  keepClaim(region, zone, keyIndex, { epoch, level, attested, whole });
  judge(region, keyIndex, out);
  return undefined;
}

/** Why a summary is none, by the roster alone; undefined when a quorum of the zone attests its level. */
export function summaryProblem(
  { epoch, keyIndex, level, attested }: Contents["summary"], directory: Directory, crypto: Crypto,
): string | undefined {
  const quorum = quorumOf(directory);
  if (attested.length < quorum) return `${attested.length} attestations; the quorum is ${quorum}`;
  for (const one of attested) {
    const member = directory.members[one.index];
    if (member === undefined) return `attested by ${one.index}, which is no member of the zone`;
    if (one.level < level) return `${member.station} attests ${one.level}, below ${level}`;
    if (one.epoch > epoch + EPOCHS_AHEAD || one.epoch <= epoch - TOGETHER_EPOCHS) {
      return `${member.station} attests of epoch ${one.epoch}; the summary is of ${epoch}`;
    }
    const said = { epoch: one.epoch, keyIndex, level: one.level };
    const bytes = signedBytes("attestation", said, headOf(directory, member.station));
    if (!verifyAs("attestation", bytes, one.signature, member.statementKey, crypto)) {
      return `the attestation of ${member.station} is wrong`;
    }
  }
  return undefined;
}

/** What a log tells of a region at a start. */
export interface LoggedRegion {
  /** As they were taken, no signature looked at. */
  readonly summaries: readonly MessageOf<"summary">[];
  /** Incidents that were told and not cleared. */
  readonly open: readonly { readonly keyIndex: number; readonly since: number }[];
}

/**
 * Takes over what an earlier run of this agent held of its region: claims whose lease still runs, checked again against
 * the roster in force, and what was told, so that it is told once. What nothing holds open any more lapses at the next
 * epoch's start.
 */
export function restoreRegion(state: ProtocolState, { summaries, open }: LoggedRegion, epoch: number): void {
  const { region } = state;
  if (region === undefined) return;
  for (const message of summaries) {
    const { content, zone, whole } = message;
    const isLater = (region.claims.get(zone)?.get(content.keyIndex)?.epoch ?? -1) < content.epoch;
    if (!isLater || content.epoch <= epoch - LEASE_EPOCHS || !isGoodSummary(state, message)) continue;
    const { level, attested } = content;
    keepClaim(region, zone, content.keyIndex, { epoch: content.epoch, level, attested, whole });
  }
  for (const { keyIndex, since } of open) {
    const zones = summaries.filter(({ content }) => content.keyIndex === keyIndex).map(({ zone }) => zone);
    region.incidents.set(keyIndex, { first: windowOf(since), since, zones: [...new Set(zones)] });
  }
}

function isGoodSummary(state: ProtocolState, message: MessageOf<"summary">): boolean {
  const directory = directoryIn(state, message.zone);
  const author = directory?.members[directory.indexOf(message.station)];
  if (directory === undefined || author === undefined || message.rosterVersion !== directory.version) return false;
  return verifyMessage(message, author.statementKey, state.crypto)
    && summaryProblem(message.content, directory, state.crypto) === undefined;
}

/** Whoever puts a summary together dates it, an epoch or two apart: agents agree on the window that it lies in. */
const windowOf = (epoch: number): number => Math.floor(epoch / WINDOW_EPOCHS) * WINDOW_EPOCHS;

function keysOf({ claims, incidents }: RegionState): number[] {
  return [...new Set([...incidents.keys(), ...[...claims.values()].flatMap((byKey) => [...byKey.keys()])])]
    .sort((a, b) => a - b);
}

function judge(region: RegionState, keyIndex: number, out: Output): void {
  const { directories, claims, incidents, law } = region;
  const key = EVIDENCE_KEYS[keyIndex]!;
  const held = directories.map(({ zone: { id } }) => claims.get(id)?.get(keyIndex));
  const sizes = directories.map(({ members, zone: { f } }) => ({ n: members.length, f }));
  const decision = law.decide(key, sizes, held.map((one) => one?.level));
  const zones = decision.supporters.map((place) => {
    const { level, whole } = held[place]!;
    return { zone: directories[place]!.zone.id, level, ...(whole && { whole }) };
  });
  const known = incidents.get(keyIndex);
  const tell = (change: RegionNews["change"], { first: incident, since }: RegionIncident): void =>
    void out.news.push({ kind: "region", change, key, incident, since, decision, zones });
  if (!decision.raises) {
    // Held as long as anything is claimed: claims come and go by a nat.
    if (known === undefined || zones.length > 0) return;
    incidents.delete(keyIndex);
    return tell("lapsed", known);
  }
  const ids = zones.map(({ zone }) => zone);
  if (known === undefined) {
    const earliest = Math.min(...decision.supporters.map((place) => held[place]!.epoch));
    const raised = { first: windowOf(earliest), since: earliest, zones: ids };
    incidents.set(keyIndex, raised);
    return tell("raised", raised);
  }
  if (ids.every((id) => known.zones.includes(id))) return;
  known.zones = [...new Set([...known.zones, ...ids])];
  tell("updated", known);
}
