/**
 * Incidents of a zone: what its certificates say, in time. A certificate is a lease; overlapping leases of one threat,
 * whichever of its keys they are of, are one incident, whose identity is the epoch of its first certificate; when the
 * last lease ends, it clears.
 */
import { threatIndexOf } from "../models/terms.ts";
import type { Certificate } from "./certificate.ts";
import { WINDOW_EPOCHS } from "./zone-view.ts";

/** How long a certificate counts, epochs. */
export const LEASE_EPOCHS = 30;
/** It may be renewed from this long before its end, epochs. */
export const RENEWAL_EPOCHS = 15;
/** A certificate bears on onsets of the window; after that it is forgotten. */
export const REMEMBERED_EPOCHS = LEASE_EPOCHS + WINDOW_EPOCHS;
/** Renewals are kept for whoever missed them: these go back 120 epochs and more. */
export const MOST_BETWEEN = 8;

/** Certificates whose leases overlap. */
export interface Chain {
  first: Certificate;
  newest: Certificate;
  /** The last ones between the first and the newest, in their order. */
  between: Certificate[];
}

export interface Incident extends Chain {
  lapsed: boolean;
  /** Those of the incident before, which a certificate that comes late may turn out to join with this one. */
  before?: Chain;
}

/** The last incident of each threat, by its number as an evidence key. */
export type Incidents = Map<number, Incident>;

export type Change =
  | "new" | "renewed"
  /** A certificate from before the first one that was known: the incident's identity is now this epoch. */
  | "earlier"
  /** One between the first and the newest. */
  | "further";

/**
 * Takes a valid certificate in; undefined when it changes nothing: it is known, its lease was over before any of its
 * incident came (who kept it could have it told again and again), or it belongs to an incident before the known one.
 */
export function takeCertificate(
  incidents: Incidents, certificate: Certificate, epoch: number,
): { readonly incident: Incident; readonly change: Change } | undefined {
  const threat = threatIndexOf(certificate.keyIndex);
  const known = incidents.get(threat);
  if (known === undefined || certificate.epoch >= leaseEnd(known)) {
    if (certificate.epoch + LEASE_EPOCHS <= epoch) return undefined;
    const incident: Incident = {
      first: certificate, newest: certificate, between: [], lapsed: false,
      ...(known && { before: { first: known.first, newest: known.newest, between: known.between } }),
    };
    incidents.set(threat, incident);
    return { incident, change: "new" };
  }
  if (certificate.epoch <= known.first.epoch - LEASE_EPOCHS || isHeld(known, certificate.name)) return undefined;
  const change = join(known, certificate);
  if (change === undefined) return undefined;
  if (leaseEnd(known) > epoch) known.lapsed = false;
  return { incident: known, change };
}

/** Puts it into its place; undefined when that is before all that are kept between the first and the newest. */
function join(known: Incident, certificate: Certificate): Change | undefined {
  const { first, newest } = known;
  if (isBefore(certificate, first)) {
    const { before } = known;
    const joins = before !== undefined && certificate.epoch < leaseEnd(before);
    known.first = joins ? before.first : certificate;
    keep(known, joins ? [...before.between, before.newest, certificate, first] : [first]);
    if (joins) delete known.before;
    return "earlier";
  }
  if (isBefore(newest, certificate)) {
    known.newest = certificate;
    keep(known, [newest]);
    return "renewed";
  }
  keep(known, [certificate]);
  return known.between.includes(certificate) ? "further" : undefined;
}

function keep(known: Incident, more: readonly Certificate[]): void {
  const between = [...known.between, ...more].filter((one) => one !== known.first && one !== known.newest);
  known.between = between.sort((a, b) => (isBefore(a, b) ? -1 : 1)).slice(-MOST_BETWEEN);
}

/** By epoch; liars beyond f could certify two of one epoch, and all agents must still order them alike. */
function isBefore(a: Certificate, b: Certificate): boolean {
  return a.epoch !== b.epoch ? a.epoch < b.epoch : a.name < b.name;
}

/** The first epoch in which the incident no longer stands unless it is renewed. */
export function leaseEnd({ newest }: Chain): number {
  return newest.epoch + LEASE_EPOCHS;
}

/** Incidents whose lease ended; each is told once. Forgets what bears on nothing any more. */
export function lapse(incidents: Incidents, epoch: number): Incident[] {
  const lapsed: Incident[] = [];
  for (const [threat, incident] of incidents) {
    if (!incident.lapsed && leaseEnd(incident) <= epoch) {
      incident.lapsed = true;
      lapsed.push(incident);
    }
    if (incident.newest.epoch + REMEMBERED_EPOCHS < epoch) incidents.delete(threat);
  }
  return lapsed;
}

/** The last incident of the threat that a key raises. */
export function incidentOf(incidents: Incidents, keyIndex: number): Incident | undefined {
  return incidents.get(threatIndexOf(keyIndex));
}

/**
 * What a new proposal for the key must respect: the onset lies after this epoch (-1: any); undefined while a
 * certificate of its threat stands that is not yet to be renewed. Evidence that was certified once does not raise
 * again, nor what another key of the threat makes of the same acts.
 */
export function onsetBound(incidents: Incidents, keyIndex: number, epoch: number): number | undefined {
  const known = incidentOf(incidents, keyIndex);
  if (known === undefined) return -1;
  if (epoch < known.newest.epoch + LEASE_EPOCHS - RENEWAL_EPOCHS) return undefined;
  return Math.max(-1, known.newest.epoch - LEASE_EPOCHS);
}

/** The newest, the first, then what is kept between them, the newer first. */
export function certificatesOf(chain: Chain): Certificate[] {
  return [...ends(chain), ...chain.between.toReversed()];
}

function ends({ first, newest }: Chain): Certificate[] {
  return first === newest ? [newest] : [newest, first];
}

export function isHeld({ first, newest, between }: Chain, name: string): boolean {
  return first.name === name || newest.name === name || between.some((one) => one.name === name);
}

/**
 * Certificates of incidents that stand, made under this roster, for others knew no older one: the first and the newest
 * of each, newest incidents first; then what lies between.
 */
export function standing(incidents: Incidents, rosterVersion: number): Certificate[] {
  const open = [...incidents.values()].filter(({ lapsed }) => !lapsed)
    .sort((a, b) => b.newest.epoch - a.newest.epoch);
  return [...open.flatMap(ends), ...open.flatMap(({ between }) => between.toReversed())]
    .filter((certificate) => certificate.rosterVersion === rosterVersion);
}
