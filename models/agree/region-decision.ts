/**
 * The region's decision for one evidence key (gossip/SPEC.md, section 12): what is too thin to raise in any zone, or
 * goes from zone to zone, adds up over zones.
 *
 * A zone *claims* a level: the trimmed sum that its members find (zone-decision.ts), in tenths of a nat. The claims of
 * the g highest zones are dropped, since up to g zones may be captured and claim anything; of the others, how
 * surprising each is is added. Integers throughout.
 *
 * Why the threshold holds. A zone's sum reaches its own threshold by chance `budget` times a year (zone-laws.ts), and
 * a sum that is d nats lower at most e^(K d) times as often. So in a window of half an hour P(surprise >= x) <= e^-x,
 * where surprise = ln(windows a year / budget) - K d. It is capped at d = 0, at S: the mean of e^surprise is then at
 * most 1 + S. With ln(1 + S) and, in each of z zones, ln z taken off, the sum of what is left is at most the sum of
 * ln(1 + E / z) for E of a mean of at most 1, and the mean of its exponential is at most (1 + 1/z)^z < e. A window
 * raises with a probability below e^(1 - threshold). Zones are taken to be independent, as members are in a zone.
 */
import { type EvidenceKey, EVIDENCE_KEYS } from "../terms.ts";
import { type Onset, searchAbove, type Stated, type ZoneHistory, type ZoneSize } from "./zone-decision.ts";
import { BUDGET_PER_YEAR, isIndependent, lnMillinats, zoneThreshold } from "./zone-laws.ts";

const NAT = 1_000;
/** Of a level, millinats. */
const UNIT = 100;
/** A claim that counts for less than this would only cost messages, millinats. */
const WORTH_CLAIMING = 1 * NAT;
/** Half hours: WINDOW_EPOCHS of ten seconds. */
const WINDOWS_A_YEAR = 17_520;
/** Between two false raises of a key; and what zone-laws.ts promises of keys that were not measured. */
const YEARS_BETWEEN = 50;
/**
 * K. Where the zone's law was measured, half hours with framed sums up to six nats below the threshold were up to e^2.8
 * times as many a nat (honest streets of 6 and 20 members); elsewhere the law is Markov's inequality, of which it is e.
 */
const MEASURED_SLOPE = 3;
const REASONED_SLOPE = 1;
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

const isMeasured = (key: EvidenceKey): key is keyof typeof BUDGET_PER_YEAR => Object.hasOwn(BUDGET_PER_YEAR, key);

/** The surprise that a sum at the zone's threshold is, millinats. */
function mostSurprise(key: EvidenceKey): number {
  return lnMillinats(Math.floor(WINDOWS_A_YEAR * (isMeasured(key) ? 1 / BUDGET_PER_YEAR[key] : YEARS_BETWEEN)));
}

/** What is taken off a surprise before it counts, millinats: ln(1 + S) + ln z, rounded up. */
function handicap(key: EvidenceKey, zones: number): number {
  return lnMillinats(1 + Math.ceil(mostSurprise(key) / NAT)) + lnMillinats(zones) + 2;
}

/** The sum over zones at which the region raises, millinats: windows overlap, so each counts twice. */
export const REGION_THRESHOLD = NAT + lnMillinats(2 * WINDOWS_A_YEAR * YEARS_BETWEEN) + 1;

const slopeOf = (key: EvidenceKey): number => (isMeasured(key) ? MEASURED_SLOPE : REASONED_SLOPE);

/** The lowest level that a zone's member claims. Where all may have one cause, what raises the zone. */
export function leastLevel(key: EvidenceKey, size: ZoneSize, zones: number): number {
  const threshold = zoneThreshold(key, size);
  if (!isIndependent(key)) return Math.ceil(threshold / UNIT);
  const room = Math.max(0, mostSurprise(key) - handicap(key, zones) - WORTH_CLAIMING);
  return Math.max(1, Math.ceil((threshold - Math.floor(room / slopeOf(key))) / UNIT));
}

/** Levels that a member may claim for its zone by what it holds, in the order of keys. */
export function levelsOf<S extends Stated>(
  zone: ZoneHistory<S>, zones: number,
): { readonly keyIndex: number; readonly level: number }[] {
  const found: readonly Onset<S>[] = searchAbove(zone, (key) => leastLevel(key, zone, zones) * UNIT);
  return found.map(({ key, decision: { sum } }) => ({
    keyIndex: EVIDENCE_KEYS.indexOf(key), level: Math.floor(sum / UNIT),
  }));
}

export interface RegionDecision {
  /** Surprise less the handicaps, millinats, without the g highest; where all may have one cause, zones that raise. */
  readonly sum: number;
  readonly threshold: number;
  /** Places of the zones whose claims count. */
  readonly supporters: readonly number[];
  readonly raises: boolean;
}

/** @param levels one a zone; undefined or anything but an integer: no claim */
export function decideRegion(
  key: EvidenceKey, zones: readonly ZoneSize[], levels: readonly (number | undefined)[],
): RegionDecision {
  const excesses = zones.map((size, place) => excessOf(key, size, levels[place], zones.length));
  const supporters = excesses.flatMap((excess, place) => (excess > 0 ? [place] : []));
  const needed = zonesNeeded(zones.length);
  // Where no zone may be captured two would be a region, and each of them says it already.
  if (capturedTolerated(zones.length) === 0) return { sum: 0, threshold: needed, supporters: [], raises: false };
  if (!isIndependent(key)) {
    const sum = supporters.length;
    return { sum, threshold: needed, supporters, raises: sum >= needed };
  }
  const sum = [...excesses].sort((a, b) => b - a).slice(capturedTolerated(zones.length))
    .reduce((total, excess) => total + excess, 0);
  const threshold = REGION_THRESHOLD;
  return { sum, threshold, supporters, raises: sum >= threshold && supporters.length >= needed };
}

/** What of a claim counts, millinats: never more than what raises the zone itself. */
function excessOf(key: EvidenceKey, size: ZoneSize, level: number | undefined, zones: number): number {
  if (level === undefined || !Number.isSafeInteger(level)) return 0;
  const threshold = zoneThreshold(key, size);
  if (!isIndependent(key)) return level >= Math.ceil(threshold / UNIT) ? 1 : 0;
  const below = Math.max(0, threshold - level * UNIT);
  return Math.max(0, mostSurprise(key) - slopeOf(key) * below - handicap(key, zones));
}
