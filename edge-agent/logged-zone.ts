/**
 * What the log tells a member of its zone at a start: certificates, proofs of guilt, and which of the zone's and the
 * region's incidents were told. So an incident is raised once, whatever happens to the agent, and its lease goes on.
 */
import { type Certificate, readCertificate, readMessage } from "../gossip/certificate.ts";
import { incidentOf, type Incidents, isHeld, takeCertificate } from "../gossip/incidents.ts";
import type { MessageOf } from "../gossip/message.ts";
import { restoreRegion } from "../gossip/region.ts";
import { restoreGuilt, restoreIncidents, restoreStatements } from "../gossip/restore.ts";
import { decodeBody, type Statement, type StatementBody } from "../gossip/statement.ts";
import { HELD_EPOCHS } from "../gossip/zone-view.ts";
import { type Contradictions, contradictsItself, noteContradiction } from "../models/agree/trust.ts";
import type { Crypto } from "../models/crypto.ts";
import { type Alert, EVIDENCE_KEYS, type Threat, threatOf } from "../models/terms.ts";
import { SECOND_MS } from "../models/units.ts";
import type { ZoneAlertState } from "./alert/zone-alert.ts";
import type { CertificateEntry } from "./record/certificate-entry.ts";
import type { Entry } from "./record/entry.ts";

export interface LoggedZone {
  readonly crypto: Crypto;
  /** By what the certificates say: their signatures are checked when they are restored. */
  readonly incidents: Incidents;
  /** Certificates that fitted none of these when they were read, the newest last. */
  readonly loose: Certificate[];
  /** Whole messages by the station that they name. */
  readonly proofs: Map<string, Uint8Array>;
  /** The last alert of each threat's incident, as it was told. */
  readonly open: Map<Threat, Alert>;
  readonly closed: Map<Threat, Alert>;
  readonly contradictions: Contradictions;
  /** This agent's last, as many as a zone looks back for. */
  readonly statements: Statement[];
  /** The last summary of each zone and key. */
  readonly summaries: Map<string, MessageOf<"summary">>;
  /** The last alert of each threat's incident of the region, as it was told. */
  readonly openInRegion: Map<Threat, Alert>;
}

/** More than there are of zones and keys that can speak at a time; the oldest are over. */
const MOST_SUMMARIES_KEPT = 1_024;
/** Enough for what an agent fetched at once when it came back to a long incident. */
const MOST_LOOSE = 32;

export function nothingOfZone(crypto: Crypto): LoggedZone {
  return {
    crypto, incidents: new Map(), loose: [], proofs: new Map(), open: new Map(), closed: new Map(),
    contradictions: new Map(), statements: [], summaries: new Map(), openInRegion: new Map(),
  };
}

/** @param alert what the entry tells, where it is an alert's */
export function noteZone(logged: LoggedZone, entry: Entry, alert: Alert | undefined): void {
  if (entry.kind === "statement") noteStatement(logged, entry.signedBytes, entry.signature);
  if (entry.kind === "certificate") noteCertificate(logged, entry);
  if (entry.kind === "proof") {
    const proof = readMessage("proof", entry.message);
    const culprit = proof && readMessage("statement", proof.content.first)?.station;
    if (culprit !== undefined) logged.proofs.set(culprit, entry.message);
  }
  if (entry.kind === "summary") noteSummary(logged, entry.message);
  if (alert?.scope === "zone") noteAlert(logged, alert);
  if (alert?.scope === "region") noteRegionAlert(logged, alert);
}

function noteStatement({ statements }: LoggedZone, bytes: Uint8Array, signature: Uint8Array): void {
  const body = decodeBody(bytes);
  if (body === undefined) return;
  statements.push({ body, bytes, signature });
  if (statements.length > HELD_EPOCHS) statements.shift();
}

function noteCertificate(
  { incidents, loose, contradictions, crypto }: LoggedZone, { message, statements }: CertificateEntry,
): void {
  const certificate = readCertificate(message, crypto);
  if (certificate !== undefined) noteTestimony(contradictions, certificate, statements);
  if (certificate === undefined || takeCertificate(incidents, certificate, certificate.epoch) !== undefined) return;
  const known = incidentOf(incidents, certificate.keyIndex);
  if (known !== undefined && isHeld(known, certificate.name)) return;
  loose.push(certificate);
  if (loose.length > MOST_LOOSE) loose.shift();
}

/** An author's two statements stand beside one another; of a certificate of several entries one pair may be parted. */
function noteTestimony(known: Contradictions, { epoch }: Certificate, statements: readonly Uint8Array[]): void {
  const first = new Map<string, StatementBody>();
  for (const whole of statements) {
    const statement = readMessage("statement", whole);
    if (statement === undefined) continue;
    const { station, content } = statement;
    const other = first.get(station);
    first.set(station, content);
    if (other === undefined) continue;
    const [older, newer] = other.epoch < content.epoch ? [other, content] : [content, other];
    if (contradictsItself(older.evidence, newer.evidence)) noteContradiction(known, station, epoch);
  }
}

/** What names an agent has no certificate, and is no incident that ends. */
function noteAlert({ open, closed }: LoggedZone, alert: Alert): void {
  const { threat, state, certificate, incidentId } = alert;
  if (certificate === undefined) return;
  if (state !== "cleared") {
    open.set(threat, alert);
    return;
  }
  closed.set(threat, alert);
  if (open.get(threat)?.incidentId === incidentId) open.delete(threat);
}

function noteSummary({ summaries }: LoggedZone, whole: Uint8Array): void {
  const message = readMessage("summary", whole);
  if (message === undefined) return;
  const name = `${message.zone} ${message.content.keyIndex}`;
  summaries.delete(name);
  summaries.set(name, message);
  if (summaries.size > MOST_SUMMARIES_KEPT) summaries.delete(summaries.keys().next().value!);
}

function noteRegionAlert({ openInRegion }: LoggedZone, alert: Alert): void {
  if (alert.state !== "cleared") openInRegion.set(alert.threat, alert);
  else if (openInRegion.get(alert.threat)?.incidentId === alert.incidentId) openInRegion.delete(alert.threat);
}

/** Which keys spoke of a threat is what summaries of it were logged with its alerts. */
function restoreRegionIncidents(zone: ZoneAlertState, logged: LoggedZone, epoch: number): void {
  const summaries = [...logged.summaries.values()];
  const open = [...logged.openInRegion.values()].flatMap((alert) => {
    const onset = Date.parse(alert.onset);
    const since = Number.isNaN(onset) ? epoch : Math.floor(onset / (zone.epochS * SECOND_MS));
    const known = new Set(summaries.map(({ content: { keyIndex } }) => keyIndex)
      .filter((keyIndex) => keyIndex < EVIDENCE_KEYS.length && threatOf(EVIDENCE_KEYS[keyIndex]!) === alert.threat));
    // Of one that no summary is left of the threat's own key stands for all: it lapses, and the alert is cleared.
    const keys = known.size > 0 ? [...known] : [EVIDENCE_KEYS.indexOf(alert.threat)];
    zone.region.open.set(alert.threat, { alert, keys: new Set(keys.map((keyIndex) => EVIDENCE_KEYS[keyIndex]!)) });
    return keys.map((keyIndex) => ({ keyIndex, since }));
  });
  restoreRegion(zone.protocol, { summaries, open }, epoch);
}

/** To be called once, before the first epoch. */
export function restoreZone(zone: ZoneAlertState, logged: LoggedZone, epoch: number): void {
  const { incidents, loose, proofs, open, closed, contradictions, statements } = logged;
  restoreStatements(zone.protocol, statements);
  // The log holds them as their statements came, which need not be the order in which they fit one another.
  for (const one of loose.toSorted((a, b) => b.epoch - a.epoch)) takeCertificate(incidents, one, one.epoch);
  restoreIncidents(zone.protocol, incidents, epoch);
  for (const proof of proofs.values()) restoreGuilt(zone.protocol, proof);
  for (const [threat, alert] of open) zone.open.set(threat, alert);
  for (const [threat, alert] of closed) zone.closed.set(threat, alert);
  restoreRegionIncidents(zone, logged, epoch);
  for (const [station, epochs] of contradictions) zone.contradictions.set(station, epochs);
}
