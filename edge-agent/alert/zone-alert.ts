/**
 * The life of a zone's incident at one agent: raised with its first certificate, updated when a later one shows
 * more, cleared when the lease ends. One threat is one incident, whichever of its keys certificates are of. Every
 * certificate goes into the log, whether or not there is anything to tell. The map of who is affected is drawn from the
 * certificate's own statements, so every agent that holds them draws the same. An agent that contradicts itself is
 * named once, with the proof.
 */
import { quorumOf } from "../../gossip/certificate.ts";
import { incidentOf, isHeld } from "../../gossip/incidents.ts";
import type { CertificateNews, News, ProtocolState } from "../../gossip/protocol-state.ts";
import { isGuilty, statementByHash } from "../../gossip/zone-view.ts";
import { drawMap } from "../../models/agree/opinion-map.ts";
import { type Contradictions, contradictsItself, noteContradiction, trustAt } from "../../models/agree/trust.ts";
import { growthOf } from "../../models/agree/zone-decision.ts";
import { clipOf, SUPPORT_MILLINATS, zoneThreshold } from "../../models/agree/zone-laws.ts";
import { confidenceAt } from "../../models/opine/threshold.ts";
import {
  type Alert, type AlertReach, EVIDENCE_KEYS, type ExplanationTerm, type Feature, type Threat, threatOf,
} from "../../models/terms.ts";
import { type ContentHash, type Now, rfc3339, SECOND_MS, type StationId, type WallMs } from "../../models/units.ts";
import { certificateEntries } from "../record/certificate-entry.ts";
import { recordNamed, type JournalState } from "../record/journal.ts";
import { CATALOGUE } from "./catalogue.ts";
import { type AlertState, HOLD_DOWN_MS } from "./alert.ts";
import { regionAlert, type RegionAlertState } from "./region-alert.ts";
import { severityOf } from "./severity.ts";

/** Where a member stands, for the map. */
export interface Place {
  readonly station: StationId;
  readonly latE6: number;
  readonly lonE6: number;
  /** Its rated power. */
  readonly ratedW: number;
}

export interface ZoneAlertState {
  readonly protocol: ProtocolState;
  /** In the roster's order. */
  places: readonly Place[];
  /** What the equipment that the zone shares carries. */
  ratingW: number;
  readonly epochS: number;
  /** Open incidents by threat: the last alert of each. */
  readonly open: Map<Threat, Alert>;
  /** The last alert of each threat's last incident that was cleared: it stands again when a certificate comes late. */
  readonly closed: Map<Threat, Alert>;
  /** For the trust that members have earned. */
  readonly contradictions: Contradictions;
  readonly region: RegionAlertState;
}

export interface ZoneTold {
  readonly entries: readonly Uint8Array[];
  readonly alerts: readonly Alert[];
}

const MOST_TERMS = 8;
const NATS = 1_000;

/** What the stations of a zone have in common, for the summary. */
const TOGETHER: Readonly<Record<Feature, string>> = {
  "starts": "started charging together",
  "stops": "stopped charging together",
  "refusals": "saw more refused idTokens than they usually do",
  "power-step": "changed their power together",
  "setpoint-step": "had their charging limit changed together",
  "delivered-less-billed": "delivered more than they billed",
  "billed-less-delivered": "billed more than they delivered",
  "settings": "had their settings changed together",
  "firmware-orders": "were told to change their firmware together",
  "commands": "were sent more commands than usual together",
  "link-losses": "lost their link together",
  "uploads": "were told to upload together",
  "probes": "were asked about themselves together",
  "export": "fed power back together",
  "clones": "saw idTokens that were in use elsewhere at the same time",
};

/** What the zone's news means to people, and what of it goes into the log. */
export function zoneAlert(
  state: ZoneAlertState | undefined, own: AlertState, journal: JournalState, news: readonly News[], now: Now,
): ZoneTold {
  if (state === undefined) return NOTHING;
  const { incidents } = state.protocol;
  const told: ZoneTold[] = [];
  // After a restart: of a roster that is no longer in force, or over for so long that it is forgotten.
  for (const threat of state.open.keys()) {
    if (!incidents.has(EVIDENCE_KEYS.indexOf(threat))) told.push(clear(state, threat, now));
  }
  for (const one of news) {
    const what = tell(state, own, journal, one, now);
    if (what !== NOTHING) told.push(what);
  }
  // What most messages come to.
  if (told.length === 0) return NOTHING;
  return { entries: told.flatMap(({ entries }) => entries), alerts: told.flatMap(({ alerts }) => alerts) };
}

const NOTHING: ZoneTold = { entries: [], alerts: [] };

function tell(state: ZoneAlertState, own: AlertState, journal: JournalState, news: News, now: Now): ZoneTold {
  switch (news.kind) {
    case "certificate":
      return certified(state, own, journal, news, now);
    case "lapsed":
      return clear(state, threatOf(news.key), now);
    case "guilty":
      return guilty(own, journal, news, now);
    case "region":
      return regionAlert(state.region, own, journal, news, now);
    default:
      return NOTHING;
  }
}

function clear(state: ZoneAlertState, threat: Threat, now: Now): ZoneTold {
  const last = state.open.get(threat);
  if (last === undefined) return NOTHING;
  const cleared: Alert = { ...last, state: "cleared", time: rfc3339(now.wallMs) };
  state.open.delete(threat);
  state.closed.set(threat, cleared);
  return { entries: [], alerts: [cleared] };
}

function certified(
  state: ZoneAlertState, own: AlertState, journal: JournalState, news: CertificateNews, now: Now,
): ZoneTold {
  const renamed = rename(state, own, news, now);
  // While its statements are being fetched nobody can say who is affected.
  if (!news.complete) return { entries: [], alerts: renamed };
  noteTestimony(state, news);
  const parts = certificateEntries(news.certificate.whole, statementsOf(state, news), now.wallMs)
    .map((entry) => recordNamed(journal, entry));
  const entries = parts.flatMap((part) => part.entries);
  const alert = alertOf(state, own, news, parts[0]!.hash, now);
  if (alert === undefined) return { entries, alerts: renamed };
  const { formerly: _, ...kept } = alert;
  state.open.set(alert.threat, kept);
  return { entries, alerts: [...renamed, alert] };
}

/**
 * An earlier certificate of an incident that was told came late, as it may to who was cut off: the incident goes on
 * under the name that it has at all others. The other name is cleared, so that nobody waits for its end.
 */
function rename(state: ZoneAlertState, own: AlertState, news: CertificateNews, now: Now): Alert[] {
  const before = state.open.get(threatOf(news.key));
  const incident = incidentOf(state.protocol.incidents, news.certificate.keyIndex);
  if (before === undefined || incident === undefined || incident.lapsed) return [];
  const incidentId = incidentIdOf(own, news);
  if (before.incidentId === incidentId) return [];
  const time = rfc3339(now.wallMs);
  const after: Alert = { ...before, incidentId, state: "updated", time };
  state.open.set(before.threat, after);
  return [{ ...before, state: "cleared", time }, { ...after, formerly: before.incidentId }];
}

/** What there is to tell: an incident that stands and was not told, or that has come to reach further. */
function alertOf(
  state: ZoneAlertState, own: AlertState, news: CertificateNews, file: ContentHash, now: Now,
): Alert | undefined {
  const incident = incidentOf(state.protocol.incidents, news.certificate.keyIndex);
  if (incident === undefined || incident.lapsed || !isHeld(incident, news.certificate.name)) return undefined;
  const threat = threatOf(news.key);
  const before = state.open.get(threat);
  const affected = affectedOf(state, news);
  const isOlder = news.certificate.epoch < (before?.certificate?.epoch ?? 0);
  if (isOlder || (before !== undefined && affected.every((one) => before.stations.includes(one)))) return undefined;
  const incidentId = incidentIdOf(own, news);
  const closed = state.closed.get(threat);
  const told = [before, closed].some((one) => one?.incidentId === incidentId);
  const alert = compose(state, own, news, { incidentId, file, affected, now });
  if (told || before !== undefined) return { ...alert, state: "updated" };
  // Its name is that of its first certificate, at all agents; people hear that the one before goes on.
  const goesOn = closed !== undefined && now.wallMs - Date.parse(closed.time) < HOLD_DOWN_MS;
  return goesOn ? { ...alert, state: "updated", formerly: closed.incidentId } : { ...alert, state: "raised" };
}

function growthsOf(state: ZoneAlertState, news: CertificateNews): number[] {
  const clip = clipOf(news.key, sizeOf(state));
  return news.growths.map((growth) => (growth === undefined ? -clip : growthOf(growth, 0, clip)));
}

/** Whom the map shows; where evidence is spread so evenly that it shows nobody, whoever supports the raise. */
function affectedOf(state: ZoneAlertState, news: CertificateNews): readonly StationId[] {
  const { affected } = mapOf(state, news);
  if (affected.length > 0) return affected;
  const growths = growthsOf(state, news);
  return state.places.filter((_, index) => growths[index]! > SUPPORT_MILLINATS).map(({ station }) => station);
}

function mapOf(state: ZoneAlertState, news: CertificateNews) {
  const growths = growthsOf(state, news);
  const members = state.places.map((place, index) => ({
    ...place, trust: trustIn(state, place.station, news.certificate.epoch), growth: growths[index]!,
  }));
  return drawMap(members, news.key, sizeOf(state));
}

/** Trust that a member has earned by an epoch (models/agree/trust.ts). */
export function trustIn({ protocol, contradictions }: ZoneAlertState, station: StationId, epoch: number): number {
  const index = protocol.directory.indexOf(station);
  return trustAt(contradictions, station, epoch, isGuilty(protocol.view, index));
}

/** Who contradicts itself in the statements that a certificate lists. */
function noteTestimony({ protocol, contradictions }: ZoneAlertState, { certificate }: CertificateNews): void {
  for (const { index, newer, older } of certificate.items) {
    const [after, before] = [newer, older].map((hash) => statementByHash(protocol.view, hash));
    const member = protocol.directory.members[index];
    if (after === undefined || before === undefined || member === undefined) continue;
    if (!contradictsItself(before.evidence, after.evidence)) continue;
    noteContradiction(contradictions, member.station, certificate.epoch);
  }
}

function sizeOf({ protocol }: ZoneAlertState): { n: number; f: number } {
  return { n: protocol.directory.members.length, f: protocol.directory.zone.f };
}

/** Those of the listed statements that are here, each once. */
function statementsOf({ protocol }: ZoneAlertState, { certificate }: CertificateNews): Uint8Array[] {
  const held = certificate.items.flatMap(({ newer, older }) => [newer, older])
    .map((hash) => statementByHash(protocol.view, hash));
  return [...new Set(held)].flatMap((one) => (one === undefined ? [] : [one.whole]));
}

/** SHA-256 of zone, threat and the first certificate's epoch (contracts, section 4). */
function incidentIdOf(own: AlertState, news: CertificateNews): string {
  return idOf(own, `${own.zone}\n${threatOf(news.key)}\n${news.incident}`);
}

function idOf({ crypto }: AlertState, name: string): string {
  const hash = crypto.sha256(new TextEncoder().encode(name));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

interface Composed {
  readonly incidentId: string;
  readonly file: ContentHash;
  readonly affected: readonly StationId[];
  readonly now: Now;
}

function compose(
  state: ZoneAlertState, own: AlertState, news: CertificateNews, { incidentId, file, affected, now }: Composed,
): Omit<Alert, "state"> {
  const threat = threatOf(news.key);
  const entry = CATALOGUE[threat];
  const { certificate } = news;
  const onset = rfc3339(Math.min(certificate.onset * state.epochS * SECOND_MS, now.wallMs) as WallMs);
  const size = sizeOf(state);
  const reach = reachOf(state, affected);
  const together = TOGETHER[news.key as Feature] ?? `show ${threat} at once`;
  const sum = trimmed(growthsOf(state, news), size.f).reduce((total, { growth }) => total + growth, 0);
  return {
    schemaVersion: "1.0", time: rfc3339(now.wallMs), incidentId, scope: "zone", threat, region: own.region,
    zone: own.zone, stations: affected, onset, severity: severityOf(threat, "zone", reach), reach,
    confidence: Math.round(confidenceAt(sum / NATS, zoneThreshold(news.key, size) / NATS) * NATS) / NATS,
    summary: `${affected.length} of ${size.n} chargers on ${own.zone} ${together} since ${onset}.`,
    explanation: explanationOf(state, news), evidence: [file], nextStep: entry.nextStep, agent: own.station,
    certificate: {
      epoch: certificate.epoch, rosterVersion: certificate.rosterVersion,
      quorum: quorumOf(state.protocol.directory), file, key: news.key,
    },
  };
}

function reachOf({ places, ratingW }: ZoneAlertState, affected: readonly StationId[]): AlertReach {
  const ratedW = places.filter(({ station }) => affected.includes(station)).reduce((sum, one) => sum + one.ratedW, 0);
  return { stations: affected.length, of: places.length, ratedW, ratingW };
}

/** The growths that the decision added: without the f highest and the f lowest. */
function trimmed(growths: readonly number[], f: number): { index: number; growth: number }[] {
  return growths.map((growth, index) => ({ index, growth }))
    .sort((a, b) => b.growth - a.growth || a.index - b.index)
    .slice(f, growths.length - f);
}

function explanationOf(state: ZoneAlertState, news: CertificateNews): ExplanationTerm[] {
  const counted = trimmed(growthsOf(state, news), sizeOf(state).f);
  const named = counted.slice(0, MOST_TERMS - 1).map(({ index, growth }) => ({
    term: `${news.key} at ${state.places[index]?.station ?? index}`, nats: growth / NATS,
  }));
  const rest = counted.slice(MOST_TERMS - 1).reduce((sum, { growth }) => sum + growth, 0) / NATS;
  const terms = rest === 0 ? named : [...named, { term: "the other counted stations", nats: rest }];
  const total = terms.reduce((sum, { nats }) => sum + nats, 0);
  return terms.map(({ term, nats }) => ({ term, value: nats, share: total === 0 ? 0 : nats / total }));
}

/** Equivocation is the one thing that names an agent; the proof is in the log. */
function guilty(
  own: AlertState, journal: JournalState, { station, proof }: Extract<News, { kind: "guilty" }>, now: Now,
): ZoneTold {
  const { entries, hash } = recordNamed(journal, { kind: "proof", at: now.wallMs, message: proof });
  const entry = CATALOGUE["agent-misbehaviour"];
  const alert: Alert = {
    schemaVersion: "1.0", time: rfc3339(now.wallMs),
    incidentId: idOf(own, `${own.zone}\nagent-misbehaviour\n${station}`),
    state: "raised", scope: "zone", threat: "agent-misbehaviour", region: own.region, zone: own.zone,
    stations: [station], onset: rfc3339(now.wallMs), severity: entry.severity, confidence: 1,
    summary: `The agent at ${station} signed two different statements for one place in its sequence.`,
    explanation: [{ term: "two statements, one sequence number", value: 1, share: 1 }],
    evidence: [hash], nextStep: entry.nextStep, agent: own.station,
  };
  return { entries, alerts: [alert] };
}
