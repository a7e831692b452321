/**
 * Earned trust: how much a member's word weighs in the map of who is affected (opinion-map.ts). It decides nothing,
 * names nobody, and only ever falls below MOST_TRUST: nobody can praise anybody.
 *
 * Trust falls to nothing with a proof of guilt, and by PENALTY with each certificate whose listed statements of the
 * member contradict one another: both sides of one balance of the station's own meter against its bills have grown, by
 * more than honest chance gives in both (an e-value each: e^-12 together). Each such fall heals in a straight line over
 * RECOVERY_EPOCHS. It depends on signed statements of certificates alone and not on their order: agents that hold the
 * same certificates give the same trust.
 */
import { type EvidenceKey, EVIDENCE_KEYS } from "../terms.ts";

export const MOST_TRUST = 1_000;
/** Two contradictions leave nothing. */
export const PENALTY = 500;
/** A day at ten-second epochs. */
export const RECOVERY_EPOCHS = 8_640;
/** Growth that an honest station has by chance once in e^6 windows, in one key. */
export const CLEAR_MILLINATS = 6_000;
/** What no single meter can show at once. */
const EXCLUSIVE: readonly (readonly [EvidenceKey, EvidenceKey])[] = [
  ["energy-theft", "billing-inflation"], ["delivered-less-billed", "billed-less-delivered"],
];
const PLACES = EXCLUSIVE.map((pair) => pair.map((key) => EVIDENCE_KEYS.indexOf(key)) as [number, number]);
/** More contradictions than these change nothing. */
const MOST_KEPT = 8;

/** Epochs of the certificates in which a station contradicted itself, newest last. */
export type Contradictions = Map<string, number[]>;

/**
 * Whether a member's two statements contradict one another.
 * @param older, newer cumulative evidence, millinats, in the order of EVIDENCE_KEYS
 */
export function contradictsItself(older: readonly number[], newer: readonly number[]): boolean {
  const grew = (place: number): boolean => (newer[place] ?? 0) - (older[place] ?? 0) >= CLEAR_MILLINATS;
  return PLACES.some(([one, other]) => grew(one) && grew(other));
}

/** Keeps that a station contradicted itself in a certificate of this epoch; once an epoch, in whatever order. */
export function noteContradiction(known: Contradictions, station: string, epoch: number): void {
  const epochs = known.get(station) ?? [];
  if (epochs.includes(epoch)) return;
  known.set(station, [...epochs, epoch].sort((a, b) => a - b).slice(-MOST_KEPT));
}

/** Trust in a member's word at a certificate's epoch: 0 to MOST_TRUST. Later contradictions do not count yet. */
export function trustAt(known: Contradictions, station: string, epoch: number, isGuilty: boolean): number {
  if (isGuilty) return 0;
  let lost = 0;
  for (const at of known.get(station) ?? []) {
    const since = epoch - at;
    if (since >= 0 && since < RECOVERY_EPOCHS) lost += PENALTY - Math.floor((PENALTY * since) / RECOVERY_EPOCHS);
  }
  return Math.max(0, MOST_TRUST - lost);
}
