/**
 * Compares uses of one idToken at two stations: at both at once, or sooner at the second than anybody can drive there.
 * Pure, and the same at every station; what it is worth as evidence is credential-cloning's.
 */
import { HOUR_MS, MINUTE_MS, type TokenPseudonym } from "../units.ts";

/** When an idToken was in use; `to` undefined while the transaction is open. */
export interface Span {
  readonly from: number;
  readonly to?: number | undefined;
}

/** One use of an idToken at another station, as that station tells it. */
export interface HeardUse extends Span {
  readonly token: TokenPseudonym;
  readonly station: string;
  /** From here, as the crow flies; without it only overlaps are told. */
  readonly km?: number | undefined;
}

/** What two uses of one idToken show, the more telling first; `possible` is no meeting. */
export const MEETINGS = ["too-fast", "overlap-far", "overlap-near"] as const;
export type Meeting = (typeof MEETINGS)[number];

/** As far as a household or a fleet parks its cars apart and still shares a card. */
const NEAR_KM = 1;
/** Nobody drives faster from charger to charger, as the crow flies. */
const FASTEST_KM_PER_HOUR = 130;
/** Clocks of two stations, and what a station rounds. */
export const CLOCKS_MS = 2 * MINUTE_MS;
const EARTH_KM = 6_371;

export interface Place {
  /** Degrees. */
  readonly lat: number;
  readonly lon: number;
}

/** Great-circle distance, km (haversine; R. W. Sinnott, Sky and Telescope 68, 1984). */
export function distanceKm(a: Place, b: Place): number {
  const radians = Math.PI / 180;
  const half = (degrees: number): number => Math.sin((degrees * radians) / 2) ** 2;
  const h = half(b.lat - a.lat) + Math.cos(a.lat * radians) * Math.cos(b.lat * radians) * half(b.lon - a.lon);
  return 2 * EARTH_KM * Math.asin(Math.sqrt(Math.min(1, h)));
}

/**
 * What two uses of one idToken at two stations show, either way round. `undefined`: one driver can have done both.
 * @param km between the stations; undefined where a place is not known
 * @param now an open use lasts until now at least
 */
export function meetingOf(one: Span, other: Span, km: number | undefined, now: number): Meeting | undefined {
  const [first, second] = one.from <= other.from ? [one, other] : [other, one];
  const gapMs = second.from - Math.max(first.from, first.to ?? now);
  if (!Number.isFinite(gapMs)) return undefined;
  const far = km !== undefined && km > NEAR_KM;
  if (gapMs < -CLOCKS_MS) return far ? "overlap-far" : "overlap-near";
  const neededMs = far ? (km / FASTEST_KM_PER_HOUR) * HOUR_MS : 0;
  return neededMs > gapMs + CLOCKS_MS ? "too-fast" : undefined;
}

/** The most telling meeting with each station that used the same idToken. At most `heard.length` steps. */
export function meetingsOf(
  token: TokenPseudonym, use: Span, heard: readonly HeardUse[], now: number,
): Map<string, Meeting> {
  const met = new Map<string, Meeting>();
  for (const other of heard) {
    if (other.token !== token) continue;
    const meeting = meetingOf(use, other, other.km, now);
    if (meeting === undefined) continue;
    const known = met.get(other.station);
    if (known === undefined || MEETINGS.indexOf(meeting) < MEETINGS.indexOf(known)) met.set(other.station, meeting);
  }
  return met;
}
