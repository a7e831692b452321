/**
 * Compares uses of idTokens at two stations: one token in two places at once, or sooner in the second than anybody can
 * drive there. What credential-cloning's notes are for once neighbours exchange them; pure, and the same at both.
 *
 * Statistic: for each use the nearest one of the same pseudonym elsewhere, judged once: ln P(kind | clone) /
 * P(kind | honest). Honest: a family or a fleet with copies of one card, an app's account that charges two cars; clocks
 * a minute apart. The shares are judgements: no public figures exist.
 */
import type { TokenPseudonym } from "../units.ts";
import { HOUR_MS, MINUTE_MS } from "../units.ts";

/** One use of an idToken somewhere: a note with its place. */
export interface Use {
  readonly token: TokenPseudonym;
  readonly station: string;
  readonly from: number;
  /** Undefined while the transaction is open. */
  readonly to?: number | undefined;
  /** As the roster has it, degrees; without it only overlaps are told. */
  readonly lat?: number;
  readonly lon?: number;
}

export type Meeting = "overlap-near" | "overlap-far" | "too-fast" | "possible";

export interface Compared {
  readonly token: TokenPseudonym;
  readonly kind: Meeting;
  readonly km: number | undefined;
  /** Between the end of the first use and the begin of the second; negative when they overlap. */
  readonly minutes: number;
  readonly nats: number;
}

/** As far as a household or a fleet parks its cars apart and still shares a card. */
const NEAR_KM = 1;
/** Nobody drives faster from charger to charger, as the crow flies. */
const FASTEST_KM_PER_HOUR = 130;
/** Clocks of two stations, and what a station rounds. */
const CLOCKS_MS = 2 * MINUTE_MS;
const EARTH_KM = 6_371;

/** Shares of pairs of uses of one idToken at two stations: a clone's and honest ones'. Each column adds to 1. */
const SHARES: Readonly<Record<Meeting, readonly [clone: number, honest: number]>> = {
  "overlap-near": [0.1, 0.02],
  "overlap-far": [0.3, 0.004],
  "too-fast": [0.2, 0.001],
  "possible": [0.4, 0.975],
};

/** Great-circle distance, km (haversine; R. W. Sinnott, Sky and Telescope 68, 1984). */
export function distanceKm(a: Required<Pick<Use, "lat" | "lon">>, b: Required<Pick<Use, "lat" | "lon">>): number {
  const radians = Math.PI / 180;
  const half = (degrees: number): number => Math.sin((degrees * radians) / 2) ** 2;
  const h = half(b.lat - a.lat) + Math.cos(a.lat * radians) * Math.cos(b.lat * radians) * half(b.lon - a.lon);
  return 2 * EARTH_KM * Math.asin(Math.sqrt(Math.min(1, h)));
}

function placed(use: Use): use is Use & { lat: number; lon: number } {
  return Math.abs(use.lat ?? NaN) <= 90 && Math.abs(use.lon ?? NaN) <= 180;
}

/** What two uses of one idToken at two stations show. `undefined`: not comparable (another token, the same station). */
export function compareUses(one: Use, other: Use, now: number): Compared | undefined {
  if (one.token !== other.token || one.station === other.station) return undefined;
  const [first, second] = one.from <= other.from ? [one, other] : [other, one];
  const gapMs = second.from - Math.max(first.from, first.to ?? now);
  if (!Number.isFinite(gapMs)) return undefined;
  const km = placed(first) && placed(second) ? distanceKm(first, second) : undefined;
  const kind = meeting(gapMs, km);
  const [clone, honest] = SHARES[kind];
  return { token: one.token, kind, km, minutes: gapMs / MINUTE_MS, nats: Math.log(clone / honest) };
}

function meeting(gapMs: number, km: number | undefined): Meeting {
  if (gapMs < -CLOCKS_MS) return km !== undefined && km > NEAR_KM ? "overlap-far" : "overlap-near";
  const neededMs = km === undefined ? 0 : (km / FASTEST_KM_PER_HOUR) * HOUR_MS;
  return neededMs > gapMs + CLOCKS_MS && (km ?? 0) > NEAR_KM ? "too-fast" : "possible";
}

/**
 * What a new use shows against the uses that are known: the one nearest in time of the same token elsewhere, so that
 * many notes of one card do not count many times. At most `known.length` steps.
 */
export function compareWithNotes(use: Use, known: readonly Use[], now: number): Compared | undefined {
  let nearest: Compared | undefined;
  for (const other of known) {
    const compared = compareUses(use, other, now);
    if (compared !== undefined && (nearest === undefined || compared.minutes < nearest.minutes)) nearest = compared;
  }
  return nearest;
}
