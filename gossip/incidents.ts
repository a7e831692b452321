/**
 * Incidents of a zone: what its certificates say, in time. A certificate is a lease; overlapping leases of one key are
 * one incident, whose identity is the epoch of its first certificate; when the last lease ends, it clears.
 */
import type { Certificate } from "./certificate.ts";
import { WINDOW_EPOCHS } from "./zone-view.ts";

/** How long a certificate counts, epochs. */
export const LEASE_EPOCHS = 30;
/** It may be renewed from this long before its end, epochs. */
export const RENEWAL_EPOCHS = 15;
/** A certificate bears on onsets of the window; after that it is forgotten. */
export const REMEMBERED_EPOCHS = LEASE_EPOCHS + WINDOW_EPOCHS;

export interface Incident {
  first: Certificate;
  newest: Certificate;
  lapsed: boolean;
  /** The newest certificate's statements are not all here yet. */
  incomplete: boolean;
  /** The incident before, which a certificate that comes late may turn out to join with this one. */
  before?: { readonly first: Certificate; readonly end: number };
}

/** The last incident of each key, by the key's index. */
export type Incidents = Map<number, Incident>;

export type Change =
  | "new" | "renewed"
  /** A certificate from before the first one that was known: the incident's identity is now this epoch. */
  | "earlier"
  /** One between the first and the newest. */
  | "further";

/** Takes a valid certificate in; undefined when it belongs to an incident before the one that is known. */
export function takeCertificate(
  incidents: Incidents, certificate: Certificate, epoch: number,
): { readonly incident: Incident; readonly change: Change } | undefined {
  const known = incidents.get(certificate.keyIndex);
  if (known === undefined || certificate.epoch >= known.newest.epoch + LEASE_EPOCHS) {
    const before = known && { first: known.first, end: leaseEnd(known) };
    const incident: Incident = {
      first: certificate, newest: certificate, lapsed: false, incomplete: false, ...(before && { before }),
    };
    incidents.set(certificate.keyIndex, incident);
    return { incident, change: "new" };
  }
  if (certificate.epoch <= known.first.epoch - LEASE_EPOCHS) return undefined;
  let change: Change = "further";
  if (isBefore(certificate, known.first)) {
    known.first = joinsBefore(known, certificate) ? known.before!.first : certificate;
    change = "earlier";
  } else if (isBefore(known.newest, certificate)) {
    known.newest = certificate;
    change = "renewed";
  }
  if (leaseEnd(known) > epoch) known.lapsed = false;
  return { incident: known, change };
}

function joinsBefore({ before }: Incident, certificate: Certificate): boolean {
  return before !== undefined && certificate.epoch < before.end;
}

/** By epoch; liars beyond f could certify two of one epoch, and all agents must still order them alike. */
function isBefore(a: Certificate, b: Certificate): boolean {
  return a.epoch !== b.epoch ? a.epoch < b.epoch : a.name < b.name;
}

/** The first epoch in which the incident no longer stands unless it is renewed. */
export function leaseEnd({ newest }: Incident): number {
  return newest.epoch + LEASE_EPOCHS;
}

/** Incidents whose lease ended; each is told once. Forgets what bears on nothing any more. */
export function lapse(incidents: Incidents, epoch: number): Incident[] {
  const lapsed: Incident[] = [];
  for (const [keyIndex, incident] of incidents) {
    if (!incident.lapsed && leaseEnd(incident) <= epoch) {
      incident.lapsed = true;
      lapsed.push(incident);
    }
    if (incident.newest.epoch + REMEMBERED_EPOCHS < epoch) incidents.delete(keyIndex);
  }
  return lapsed;
}

/**
 * What a new proposal for the key must respect: the onset lies after this epoch (-1: any); undefined while a
 * certificate stands that is not yet to be renewed. Evidence that was certified once does not raise again.
 */
export function onsetBound(incidents: Incidents, keyIndex: number, epoch: number): number | undefined {
  const known = incidents.get(keyIndex);
  if (known === undefined) return -1;
  if (epoch < known.newest.epoch + LEASE_EPOCHS - RENEWAL_EPOCHS) return undefined;
  return Math.max(-1, known.newest.epoch - LEASE_EPOCHS);
}

/**
 * Certificates of incidents that stand, made under this roster, for others knew no older one: the first and the newest
 * of each, newest incidents first.
 */
export function standing(incidents: Incidents, rosterVersion: number): Certificate[] {
  return [...incidents.values()].filter(({ lapsed }) => !lapsed)
    .sort((a, b) => b.newest.epoch - a.newest.epoch)
    .flatMap(({ first, newest }) => (first === newest ? [newest] : [newest, first]))
    .filter((certificate) => certificate.rosterVersion === rosterVersion);
}
