/**
 * The region's decision for one evidence key (gossip/SPEC.md, section 12): what is too thin to raise in any zone, or
 * goes from zone to zone, adds up over zones.
 *
 * A zone *claims* a level: the trimmed sum that its members find (zone-decision.ts), in whole nats. The claims of the g
 * highest zones are dropped, since up to g zones may be captured and claim anything; of the others, what is above the
 * handicap of each is added. Integers throughout.
 *
 * Why the threshold holds. Honest growth since one onset is the logarithm of an e-value, so P(sum >= x) <= e^-x, and
 * over the onsets and over which members are trimmed at most (1 + n) C(n - f, f) times that: the logarithm of this is
 * taken off, and E = e^(level - it) has a mean of at most 1. With ln z more taken off in each of z zones, the sum of
 * what is left is at most the sum of ln(1 + E / z), of which the mean of the exponential is at most (1 + 1/z)^z < e.
 * So a look raises with a probability below e^(1 - threshold), and there are as many looks as e-values in the region.
 * Zones are taken to be independent, as members are in a zone.
 */
import { type EvidenceKey, EVIDENCE_KEYS } from "../terms.ts";
import { type Onset, searchAbove, type Stated, type ZoneHistory, type ZoneSize } from "./zone-decision.ts";
import { isIndependent, lnMillinats, zoneThreshold } from "./zone-laws.ts";

const NAT = 1_000;
/** A claim below this above its handicap would only cost messages, nats. */
const WORTH_CLAIMING = 1 * NAT;
/** e-values a station and year, at most (zone-laws.ts), and years between two false alerts of a key. */
const LOOKS_A_STATION = 8_000;
const YEARS_BETWEEN = 50;
/** One zone in so many may be captured: have more than f liars. */
const CAPTURED_ONE_IN = 32;

/** g: how many zones of z may claim anything; 0 below four zones, where nothing could be left to agree. */
export function capturedTolerated(zones: number): number {
  return Math.min(Math.floor((zones - 1) / 3), 1 + Math.floor(zones / CAPTURED_ONE_IN));
}

/** Zones with a claim that a raise takes: at least two of them are not captured. */
export function zonesNeeded(zones: number): number {
  return capturedTolerated(zones) + 2;
}

/** 1,000 ln C(n, k), each factor rounded up. */
function lnChoose(n: number, k: number): number {
  let ln = 0;
  for (let i = 1; i <= k; i++) ln += lnMillinats(n - k + i) + 1 - lnMillinats(i);
  return ln;
}

/** What a zone's claim must be above to count, millinats. */
export function handicap({ n, f }: ZoneSize, zones: number): number {
  return lnChoose(n - f, f) + lnMillinats(1 + n) + lnMillinats(zones) + 2;
}

/** The sum over zones at which the region raises, millinats. @param stations of all zones together */
export function regionThreshold(stations: number): number {
  return NAT + lnMillinats(stations) + lnMillinats(LOOKS_A_STATION) + lnMillinats(YEARS_BETWEEN) + 3;
}

/** The lowest level that a zone's member claims, nats. Where all may have one cause, what raises the zone. */
export function leastLevel(key: EvidenceKey, size: ZoneSize, zones: number): number {
  const least = isIndependent(key) ? handicap(size, zones) + WORTH_CLAIMING : zoneThreshold(key, size);
  return Math.ceil(Math.min(least, zoneThreshold(key, size)) / NAT);
}

/** Levels that a member may claim for its zone by what it holds, in the order of keys. */
export function levelsOf<S extends Stated>(
  zone: ZoneHistory<S>, zones: number,
): { readonly keyIndex: number; readonly level: number }[] {
  const found: readonly Onset<S>[] = searchAbove(zone, (key) => leastLevel(key, zone, zones) * NAT);
  return found.map(({ key, decision: { sum } }) => ({
    keyIndex: EVIDENCE_KEYS.indexOf(key), level: Math.floor(sum / NAT),
  }));
}

export interface RegionDecision {
  /** Millinats above the handicaps, without the g highest; where all may have one cause, zones that raise. */
  readonly sum: number;
  readonly threshold: number;
  /** Places of the zones whose claims count. */
  readonly supporters: readonly number[];
  readonly raises: boolean;
}

/** @param levels one a zone, nats; undefined or anything but an integer: no claim */
export function decideRegion(
  key: EvidenceKey, zones: readonly ZoneSize[], levels: readonly (number | undefined)[],
): RegionDecision {
  const excesses = zones.map((size, place) => excessOf(key, size, levels[place], zones.length));
  const supporters = excesses.flatMap((excess, place) => (excess > 0 ? [place] : []));
  const needed = zonesNeeded(zones.length);
  if (!isIndependent(key)) {
    const sum = supporters.length;
    return { sum, threshold: needed, supporters, raises: sum >= needed };
  }
  const sum = [...excesses].sort((a, b) => b - a).slice(capturedTolerated(zones.length))
    .reduce((total, excess) => total + excess, 0);
  const threshold = regionThreshold(zones.reduce((all, { n }) => all + n, 0));
  return { sum, threshold, supporters, raises: sum >= threshold && supporters.length >= needed };
}

/** What of a claim counts, millinats: never more than what raises the zone itself. */
function excessOf(key: EvidenceKey, size: ZoneSize, level: number | undefined, zones: number): number {
  if (level === undefined || !Number.isSafeInteger(level)) return 0;
  const most = zoneThreshold(key, size);
  if (!isIndependent(key)) return level >= Math.ceil(most / NAT) ? 1 : 0;
  return Math.max(0, Math.min(level * NAT, most) - handicap(size, zones));
}
