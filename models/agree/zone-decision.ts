/**
 * The zone's decision for one evidence key: the common-onset trimmed sum (gossip/SPEC.md, section 6).
 *
 * For an onset, each member's growth since then is clipped, the f highest and the f lowest are dropped and the rest is
 * added; what counts is the largest such sum over the onsets. The f highest are dropped because up to f members may
 * claim anything; accumulated growth is trimmed and not single epochs, because trimming each epoch leaves a bias.
 * Everything is integer arithmetic in millinats, so that every engine decides alike; floats are used only where they
 * hold integers below 2^53.
 */
import { type EvidenceKey, EVIDENCE_KEYS } from "../terms.ts";
import { clipOf, SUPPORT_MILLINATS, zoneThreshold } from "./zone-laws.ts";

/** A member whose newest statement is older than this many epochs counts as the lowest value. */
export const NEWER_WITHIN_EPOCHS = 6;
/** No statement and no onset is older than this, epochs. */
export const WINDOW_EPOCHS = 180;
/** Statements are accepted from this far ahead, epochs. */
const AHEAD_EPOCHS = 1;

export interface ZoneSize {
  /** Members in the roster's zone. */
  readonly n: number;
  /** How many of them may lie or be broken: n > 3f. */
  readonly f: number;
}

export interface Decision {
  /** The trimmed sum, millinats. */
  readonly sum: number;
  /** The sum less the threshold, millinats. */
  readonly margin: number;
  /** Members whose growth is above SUPPORT_MILLINATS. */
  readonly supporters: number;
  readonly raises: boolean;
}

/** Growth of cumulative evidence, millinats, within [-clip, clip]. */
export function growthOf(newer: number, older: number, clip: number): number {
  return Math.max(-clip, Math.min(clip, newer - older));
}

/** The sum of all but the f highest and the f lowest; 0 when nothing is left. */
export function trimmedSum(growths: readonly number[], f: number): number {
  return sumBetween(sort([...growths]), f);
}

/** In place, by insertion: zones are small, and most of what the engine's own sort costs of so few is its call. */
function sort(growths: number[]): number[] {
  for (let at = 1; at < growths.length; at++) {
    const growth = growths[at] as number;
    let hole = at;
    for (; hole > 0 && (growths[hole - 1] as number) > growth; hole--) growths[hole] = growths[hole - 1] as number;
    growths[hole] = growth;
  }
  return growths;
}

function sumBetween(sorted: readonly number[], f: number): number {
  let sum = 0;
  for (let index = f; index < sorted.length - f; index++) sum += sorted[index] as number;
  return sum;
}

/**
 * The decision on the growths that a proposal lists, one a member. Members that are not listed count as the lowest
 * value, and so does what is no integer; more growths than members, or an f that n does not carry, raise nothing.
 */
export function decide(asked: ZoneSize & { readonly key: EvidenceKey; readonly growths: readonly number[] }): Decision {
  const { n, f, key, growths } = asked;
  const threshold = zoneThreshold(key, { n, f });
  if (growths.length > n || !carries({ n, f })) return { sum: 0, margin: -threshold, supporters: 0, raises: false };
  const clip = clipOf(key, { n, f });
  const all = Array.from({ length: n }, (_, index) => {
    const growth = growths[index];
    return growth !== undefined && Number.isSafeInteger(growth) ? growthOf(growth, 0, clip) : -clip;
  });
  const supporters = supportersOf(all);
  const sum = trimmedSum(all, f);
  return { sum, margin: sum - threshold, supporters, raises: sum >= threshold && supporters >= f + 1 };
}

/** Whether a zone of n members can survive f: n > 3f. */
export function carries({ n, f }: ZoneSize): boolean {
  return Number.isSafeInteger(n) && Number.isSafeInteger(f) && f >= 0 && n >= 1 && n > 3 * f;
}

function supportersOf(growths: readonly number[]): number {
  let supporters = 0;
  for (const growth of growths) if (growth > SUPPORT_MILLINATS) supporters += 1;
  return supporters;
}

/** Of a statement, what the decision needs: `evidence` is cumulative, in the order of EVIDENCE_KEYS. */
export interface Stated {
  readonly epoch: number;
  readonly evidence: readonly number[];
}

export interface MemberHistory<S extends Stated> {
  /** Epochs ascending and different. */
  readonly statements: readonly S[];
  /** Proved to have equivocated: counts as the lowest value. */
  readonly guilty?: boolean;
  /** In the order of EVIDENCE_KEYS, values that no statement is below (floor.ts); absent: every statement is read. */
  readonly floor?: ArrayLike<number>;
}

/** What an agent holds of its zone. Members are in the roster's order; one that is not listed counts as silent. */
export interface ZoneHistory<S extends Stated> extends ZoneSize {
  readonly epoch: number;
  readonly members: readonly MemberHistory<S>[];
}

/** The two statements that a member's growth rests on. */
export interface Pair<S> {
  readonly newer: S;
  readonly older: S;
}

export interface Onset<S> {
  readonly key: EvidenceKey;
  readonly onset: number;
  readonly decision: Decision;
  /** One a member, in the roster's order: clipped, millinats. */
  readonly growths: readonly number[];
  /** One a member; undefined for one that counts as the lowest value. */
  readonly pairs: readonly (Pair<S> | undefined)[];
}

/**
 * The onset with the largest trimmed sum among those that have f + 1 supporters, the latest of equals; undefined when
 * no onset has a positive one.
 */
export function searchOnset<S extends Stated>(zone: ZoneHistory<S>, key: EvidenceKey): Onset<S> | undefined {
  return carries(zone) ? search(align(zone), key, EVIDENCE_KEYS.indexOf(key), 1) : undefined;
}

/** The same for every key; those without a positive sum are left out. */
export function searchEveryKey<S extends Stated>(zone: ZoneHistory<S>): Onset<S>[] {
  return searchAll(zone, () => 1);
}

/**
 * Only the keys that raise: what a member looks for in every epoch, and cheaper, since most keys stay far below.
 * @param keys which to look at
 */
export function searchRaises<S extends Stated>(zone: ZoneHistory<S>, keys = EVIDENCE_KEYS): Onset<S>[] {
  return searchAll(zone, (key) => zoneThreshold(key, zone), keys);
}

/** Only the keys whose sum is at least `leastOf` them, which is positive, whether or not they raise. */
export function searchAbove<S extends Stated>(
  zone: ZoneHistory<S>, leastOf: (key: EvidenceKey) => number,
): Onset<S>[] {
  return searchAll(zone, leastOf);
}

function searchAll<S extends Stated>(
  zone: ZoneHistory<S>, leastOf: (key: EvidenceKey) => number, keys = EVIDENCE_KEYS,
): Onset<S>[] {
  if (!carries(zone)) return [];
  const bounds = boundsOf(zone);
  let aligned: Aligned<S> | undefined;
  const found: Onset<S>[] = [];
  for (const key of keys) {
    const index = EVIDENCE_KEYS.indexOf(key);
    if (!canSupport(bounds, index, zone.f)) continue;
    const least = leastOf(key);
    if (!canReach(bounds, zone, index, clipOf(key, zone), least)) continue;
    aligned ??= align(zone);
    const best = search(aligned, key, index, least);
    if (best !== undefined) found.push(best);
  }
  return found;
}

/** Of a member that counts: its growth since any onset is at most its newest evidence less its floor. */
interface Bound {
  readonly newest: readonly number[];
  /** Absent: the growth may be anything. */
  readonly floor: ArrayLike<number> | undefined;
}

function boundsOf<S extends Stated>({ n, epoch, members }: ZoneHistory<S>): Bound[] {
  const bounds: Bound[] = [];
  for (let member = 0; member < n && member < members.length; member++) {
    const { statements, guilty, floor } = members[member] as MemberHistory<S>;
    const newest = statements[statements.length - 1];
    if (guilty === true || newest === undefined || newest.epoch < epoch - NEWER_WITHIN_EPOCHS) continue;
    bounds.push({ newest: newest.evidence, floor: newest.epoch <= epoch + AHEAD_EPOCHS ? floor : undefined });
  }
  return bounds;
}

function mostGrowth({ newest, floor }: Bound, keyIndex: number): number {
  return floor === undefined ? Infinity : (newest[keyIndex] ?? 0) - (floor[keyIndex] as number);
}

/** Whether any onset could have f + 1 supporters. Most keys of a quiet zone end here. */
function canSupport(bounds: readonly Bound[], keyIndex: number, f: number): boolean {
  let supporters = 0;
  for (const bound of bounds) if (mostGrowth(bound, keyIndex) > SUPPORT_MILLINATS) supporters += 1;
  return supporters > f;
}

/**
 * Whether any onset could have f + 1 supporters and a sum of `least`: if even with the growth of each member since its
 * own floor it could not, the sum being monotone, none has.
 */
function canReach(
  bounds: readonly Bound[], { n, f }: ZoneSize, keyIndex: number, clip: number, least: number,
): boolean {
  const most = new Array<number>(n).fill(-clip);
  bounds.forEach((bound, place) => {
    most[place] = growthOf(mostGrowth(bound, keyIndex), 0, clip);
  });
  return reaches(most, f, least);
}

/** Sorts `growths`. */
function reaches(growths: number[], f: number, least: number): boolean {
  let positive = 0;
  for (const growth of growths) if (growth > 0) positive += growth;
  return positive >= least && supportersOf(growths) > f && sumBetween(sort(growths), f) >= least;
}

/** One member's statements of the window against the common list of onsets. */
interface Track<S> {
  readonly member: number;
  readonly statements: readonly S[];
  /** For each statement, its epoch's place in the list of onsets. */
  readonly places: readonly number[];
  /** For each onset, the place of the member's older statement. */
  readonly older: readonly number[];
}

interface Aligned<S> {
  readonly zone: ZoneSize;
  /** Every epoch of the window in which somebody stated, ascending. */
  readonly onsets: readonly number[];
  /** Members that count; all others count as the lowest value. */
  readonly tracks: readonly Track<S>[];
}

function align<S extends Stated>(zone: ZoneHistory<S>): Aligned<S> {
  const first = zone.epoch - WINDOW_EPOCHS + 1;
  const last = zone.epoch + AHEAD_EPOCHS;
  const counting = zone.members.slice(0, zone.n).flatMap(({ statements, guilty }, member) => {
    const held = between(statements, first, last);
    const newest = held[held.length - 1];
    const counts = guilty !== true && newest !== undefined && newest.epoch >= zone.epoch - NEWER_WITHIN_EPOCHS;
    return counts ? [{ member, held }] : [];
  });
  const placeOf = new Array<number>(last - first + 1).fill(-1);
  for (const { held } of counting) for (const { epoch } of held) placeOf[epoch - first] = 0;
  const onsets: number[] = [];
  placeOf.forEach((stated, index) => {
    if (stated === 0) placeOf[index] = onsets.push(first + index) - 1;
  });
  const tracks = counting.map(({ member, held }) => {
    const places = held.map(({ epoch }) => placeOf[epoch - first] as number);
    return { member, statements: held, places, older: olderOf(places, onsets.length) };
  });
  return { zone, onsets, tracks };
}

/** Those of these epochs: nearly always all but the oldest few. */
function between<S extends Stated>(statements: readonly S[], first: number, last: number): readonly S[] {
  let from = 0;
  let to = statements.length;
  while (from < to && (statements[from] as S).epoch < first) from += 1;
  while (to > from && (statements[to - 1] as S).epoch > last) to -= 1;
  return statements.slice(from, to);
}

/** The last statement at or before each onset; before a member's first one, that. */
function olderOf(places: readonly number[], onsets: number): number[] {
  const older: number[] = [];
  let at = 0;
  for (let place = 0; place < onsets; place++) {
    while (at + 1 < places.length && (places[at + 1] as number) <= place) at += 1;
    older.push(at);
  }
  return older;
}

/** Cumulative evidence for one key. */
interface Columns {
  /** One a track: its statements' values. */
  readonly values: readonly (readonly number[])[];
  /**
   * The onsets that matter: those right before a statement that rose. At any other, the next onset finds no member's
   * evidence higher, so no growth smaller, and the sum only rises with each growth: leaving it out loses nothing.
   */
  readonly marked: readonly boolean[];
  /** The growth of each member since its own lowest value: at no onset is it above this. */
  readonly most: number[];
}

function columnsOf<S extends Stated>({ zone, onsets, tracks }: Aligned<S>, keyIndex: number, clip: number): Columns {
  const marked = new Array<boolean>(onsets.length).fill(false);
  const most = new Array<number>(zone.n).fill(-clip);
  const values = tracks.map(({ statements, places }, track) => {
    const column: number[] = [];
    let before = Infinity;
    let lowest = Infinity;
    for (let at = 0; at < statements.length; at++) {
      const value = (statements[at] as S).evidence[keyIndex] ?? 0;
      column.push(value);
      if (value > before) marked[(places[at] as number) - 1] = true;
      if (value < lowest) lowest = value;
      before = value;
    }
    most[track] = growthOf(before, lowest, clip);
    return column;
  });
  return { values, marked, most };
}

/** The best onset whose sum is at least `least`, which is positive. */
function search<S extends Stated>(
  aligned: Aligned<S>, key: EvidenceKey, keyIndex: number, least: number,
): Onset<S> | undefined {
  const { zone: { n, f }, onsets, tracks } = aligned;
  const clip = clipOf(key, { n, f });
  const { values, marked, most } = columnsOf(aligned, keyIndex, clip);
  if (!reaches(most, f, least)) return undefined;
  const growths = new Array<number>(n).fill(0);
  let best = least - 1;
  let bestPlace = -1;
  for (let place = onsets.length - 1; place >= 0; place--) {
    if (marked[place] !== true) continue;
    const { positive, supporting } = growthsAt(growths, tracks, values, place, clip);
    // What is positive bounds the sum: most onsets end here, unsorted.
    if (supporting <= f || positive <= best) continue;
    const sum = sumBetween(sort(growths), f);
    if (sum > best) [best, bestPlace] = [sum, place];
  }
  return bestPlace < 0 ? undefined : resultAt(aligned, key, keyIndex, bestPlace);
}

/** Writes the growths since one onset and tells the sum of the positive ones and how many support. */
function growthsAt<S>(
  growths: number[], tracks: readonly Track<S>[], values: readonly (readonly number[])[], place: number, clip: number,
): { positive: number; supporting: number } {
  let positive = 0;
  let supporting = 0;
  growths.fill(-clip);
  for (let track = 0; track < tracks.length; track++) {
    const column = values[track] as readonly number[];
    const older = column[(tracks[track] as Track<S>).older[place] as number] as number;
    const growth = growthOf(column[column.length - 1] as number, older, clip);
    growths[track] = growth;
    if (growth > 0) positive += growth;
    if (growth > SUPPORT_MILLINATS) supporting += 1;
  }
  return { positive, supporting };
}

function resultAt<S extends Stated>(
  { zone: { n, f }, onsets, tracks }: Aligned<S>, key: EvidenceKey, keyIndex: number, place: number,
): Onset<S> {
  const clip = clipOf(key, { n, f });
  const growths = new Array<number>(n).fill(-clip);
  const pairs = new Array<Pair<S> | undefined>(n).fill(undefined);
  for (const { member, statements, older } of tracks) {
    const pair = { newer: statements.at(-1) as S, older: statements[older[place] as number] as S };
    growths[member] = growthOf(pair.newer.evidence[keyIndex] ?? 0, pair.older.evidence[keyIndex] ?? 0, clip);
    pairs[member] = pair;
  }
  return { key, onset: onsets[place] as number, decision: decide({ n, f, key, growths }), growths, pairs };
}
