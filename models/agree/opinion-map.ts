/**
 * The map of a raised threat: who is affected, how badly, and where its edge lies.
 *
 * Bounded confidence after Hegselmann and Krause: each opinion moves to the mean of those of its neighbours that lie
 * within EPSILON of it, weighted by electrical closeness and earned trust. It adds no evidence and decides nothing: it
 * runs on a proposal that was decided, in integers, so that all honest agents draw the same map and an auditor can
 * replay each round.
 */
import { type EvidenceKey } from "../terms.ts";
import type { StationId } from "../units.ts";
import { MOST_TRUST } from "./trust.ts";
import { clipOf, zoneThreshold } from "./zone-laws.ts";

/** Opinions are 0 to MOST_OPINION; above AFFECTED a station counts as affected. */
export const MOST_OPINION = 1_000;
export const AFFECTED = 500;
/** Opinions further apart than this do not move each other. */
export const EPSILON = 250;
export const MOST_ROUNDS = 16;
/** A station listens to this many of its nearest, and to those that listen to it. */
export const NEIGHBOURS = 4;
/** Closeness halves at this distance, m: neighbouring posts of one feeder. */
const CLOSE_M = 100;

export interface MapMember {
  readonly station: StationId;
  /** Position in millionths of a degree. */
  readonly latE6: number;
  readonly lonE6: number;
  /** Earned trust (trust.ts), 0 to 1,000. */
  readonly trust: number;
  /** Clipped growth of the proposal, millinats. */
  readonly growth: number;
}

export interface OpinionMap {
  /** Final opinions by station, in the order of station ids. */
  readonly opinions: readonly { readonly station: StationId; readonly opinion: number }[];
  /** In the order of station ids. */
  readonly affected: readonly StationId[];
  /** Mean opinion of the affected, 0 to 1,000; 0 when there are none. */
  readonly level: number;
  /** Neighbouring pairs of an affected station and one that is not: where it ends. */
  readonly edge: readonly (readonly [affected: StationId, unaffected: StationId])[];
  readonly rounds: number;
}

/**
 * First opinion: AFFECTED for the growth that each counted member would need if all had the same, in proportion.
 * @param size n members and f of the zone's roster, which may be more than are listed
 */
export function firstOpinion(growth: number, key: EvidenceKey, size: { n: number; f: number }): number {
  const counted = Math.max(1, size.n - 2 * size.f);
  const within = Math.max(0, Math.min(clipOf(key, size), growth));
  return Math.min(MOST_OPINION, Math.floor((AFFECTED * within * counted) / zoneThreshold(key, size)));
}

/** Draws the map; the order in which members are given does not matter. */
export function drawMap(
  members: readonly MapMember[], key: EvidenceKey, size: { n: number; f: number },
): OpinionMap {
  const sorted = [...members].sort((a, b) => (a.station < b.station ? -1 : a.station > b.station ? 1 : 0));
  const graph = neighbourGraph(sorted);
  let opinions = sorted.map(({ growth }) => firstOpinion(growth, key, size));
  let rounds = 0;
  for (let moved = true; moved && rounds < MOST_ROUNDS; rounds++) {
    const next = opinions.map((_, index) => listen(index, opinions, graph));
    moved = next.some((opinion, index) => opinion !== opinions[index]);
    opinions = next;
  }
  // At last, for not to bring a claim nearer to others: what a member says of itself counts as much as it is trusted.
  const counted = opinions.map((opinion, index) =>
    Math.floor((opinion * trustWithin(sorted[index]?.trust ?? 0)) / MOST_TRUST));
  return describe(sorted, counted, graph, rounds);
}

interface Neighbour {
  readonly index: number;
  readonly weight: number;
}

/** One round for one station: the weighted mean of what lies within EPSILON, rounded half up. */
function listen(index: number, opinions: readonly number[], graph: readonly (readonly Neighbour[])[]): number {
  const own = opinions[index] ?? 0;
  let weighed = 0;
  let weights = 0;
  for (const neighbour of graph[index] ?? []) {
    const opinion = opinions[neighbour.index] ?? 0;
    if (Math.abs(opinion - own) > EPSILON) continue;
    weighed += neighbour.weight * opinion;
    weights += neighbour.weight;
  }
  return weights === 0 ? own : Math.floor((2 * weighed + weights) / (2 * weights));
}

/** For each member itself and its neighbours, with weights 0 to 1,000,000. */
function neighbourGraph(members: readonly MapMember[]): Neighbour[][] {
  const distances = members.map((one) => members.map((other) => distanceM(one, other)));
  const near = distances.map((row, own) => new Set(
    row.map((distance, index) => ({ distance, index }))
      .filter(({ index }) => index !== own)
      // Of equally distant ones the first by station id.
      .sort((a, b) => a.distance - b.distance || a.index - b.index)
      .slice(0, NEIGHBOURS)
      .map(({ index }) => index),
  ));
  return members.map((_, own) => members.flatMap(({ trust }, index) => {
    const linked = index === own || near[own]?.has(index) === true || near[index]?.has(own) === true;
    return linked ? [{ index, weight: trustWithin(trust) * closeness(distances[own]?.[index] ?? 0) }] : [];
  }));
}

function trustWithin(trust: number): number {
  return Math.max(0, Math.min(MOST_TRUST, Math.floor(trust)));
}

/** 1,000 at the same place, 500 at CLOSE_M, and so on. */
export function closeness(metres: number): number {
  return Math.floor((1_000 * CLOSE_M) / (CLOSE_M + metres));
}

/** Metres in a degree of latitude. */
const DEGREE_M = 111_195;
const FURTHEST_M = 1_000_000;

/** Distance on the ground in whole metres, good for a few kilometres; integer arithmetic. */
export function distanceM(
  one: { readonly latE6: number; readonly lonE6: number }, other: { readonly latE6: number; readonly lonE6: number },
): number {
  const lat = Math.abs(one.latE6 - other.latE6);
  const around = Math.abs(one.lonE6 - other.lonE6) % 360_000_000;
  const lon = Math.min(around, 360_000_000 - around);
  const cos = cosineE4(Math.floor(Math.abs(one.latE6 + other.latE6) / 2_000));
  const north = Math.floor((lat * DEGREE_M) / 1_000_000);
  const east = Math.floor((Math.floor((lon * DEGREE_M) / 1_000_000) * cos) / 10_000);
  if (north > FURTHEST_M || east > FURTHEST_M) return FURTHEST_M;
  return Math.min(FURTHEST_M, integerRoot(north * north + east * east));
}

/** Cosine of an angle up to 90 degrees, given in thousandths, in ten-thousandths: Bhaskara's formula, within 0.002. */
function cosineE4(degreesE3: number): number {
  const square = Math.floor((Math.min(90_000, degreesE3) ** 2) / 1_000_000);
  return Math.floor((10_000 * (32_400 - 4 * square)) / (32_400 + square));
}

/** The largest integer whose square is not above the value; no engine's root is trusted with the last bit. */
function integerRoot(value: number): number {
  let root = Math.floor(Math.sqrt(value));
  while (root * root > value) root -= 1;
  while ((root + 1) * (root + 1) <= value) root += 1;
  return root;
}

function describe(
  members: readonly MapMember[], opinions: readonly number[], graph: readonly (readonly Neighbour[])[], rounds: number,
): OpinionMap {
  const station = (index: number): StationId => (members[index] as MapMember).station;
  const isAffected = (index: number): boolean => (opinions[index] ?? 0) > AFFECTED;
  const hit = members.map((_, index) => index).filter(isAffected);
  const total = hit.reduce((sum, index) => sum + (opinions[index] ?? 0), 0);
  return {
    opinions: members.map((member, index) => ({ station: member.station, opinion: opinions[index] ?? 0 })),
    affected: hit.map(station),
    level: hit.length === 0 ? 0 : Math.floor(total / hit.length),
    edge: hit.flatMap((index) => (graph[index] ?? [])
      .filter((neighbour) => !isAffected(neighbour.index))
      .map((neighbour) => [station(index), station(neighbour.index)] as const)),
    rounds,
  };
}
