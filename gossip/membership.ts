/**
 * Who is whose neighbour: a function of the roster alone, so that each agent computes the same graph and a neighbour
 * that was not chosen is noticed (SPEC.md, section 2, "Neighbours"). In a large zone half of the links go to the
 * nearest members, who feel the same feeder, and half are random: two rings in hash order, so that the zone stays
 * connected, and within few hops, whatever its map looks like. Zones are joined by bridges.
 */
import type { Crypto } from "../models/crypto.ts";
import type { StationId } from "../models/units.ts";
import { byText, type Member, memberOf, type Roster, zoneMembers, zoneOf } from "./roster.ts";

/** A zone of this many members or fewer is meshed fully. */
export const FULL_MESH = 9;
/** Most links to the nearest in a larger zone; the two rings add at most as many. */
const NEAR_LINKS = 4;
const RINGS = 2;
/** How many of the nearest are looked at for those links: some of them have enough already. */
const CANDIDATES = 16;

export interface Neighbour {
  readonly member: Member;
  /** `near` and `long` lie in the own zone; `bridge` leads to another. */
  readonly link: "near" | "long" | "bridge";
}

const text = new TextEncoder();

/** Members in the order of SHA-256(network LF version LF purpose LF station): a new shuffle with each version. */
function shuffled(crypto: Crypto, roster: Roster, purpose: string, members: readonly Member[]): readonly Member[] {
  const ranked = members.map((member) => ({
    member, rank: crypto.sha256(text.encode(`${roster.network}\n${roster.version}\n${purpose}\n${member.station}`)),
  }));
  const compare = (a: Uint8Array, b: Uint8Array): number => {
    const at = a.findIndex((byte, i) => byte !== b[i]);
    return at < 0 ? 0 : a[at]! - b[at]!;
  };
  return ranked.sort((a, b) => compare(a.rank, b.rank)).map(({ member }) => member);
}

/**
 * The square of the distance of two members, in units of 10^-5 degrees of latitude (about a metre). Integers below 2^53
 * throughout, since floats and cosines differ between engines: cos by Bhaskara I, at the whole degree.
 */
export function squaredDistance(a: Member, b: Member): number {
  const degree = Math.trunc((a.latE6 + b.latE6) / 2_000_000);
  const cosMilli = Math.floor(1000 * (32_400 - 4 * degree * degree) / (32_400 + degree * degree));
  const around = Math.abs(a.lonE6 - b.lonE6);
  const east = Math.floor(Math.min(around, 360_000_000 - around) * cosMilli / 10_000);
  const north = Math.floor(Math.abs(a.latE6 - b.latE6) / 10);
  return east * east + north * north;
}

interface Pair {
  /** Places on the first ring, a < b. */
  readonly a: number;
  readonly b: number;
  readonly distance: number;
  /** Steps between them on the first ring: orders members at one place without favouring any. */
  readonly steps: number;
}

const byDistance = (p: Pair, q: Pair): number =>
  p.distance - q.distance || p.steps - q.steps || p.a - q.a || p.b - q.b;

/** For each place of the ring, the pairs with its nearest; each pair once, all of them sorted. */
function candidatePairs(ring: readonly Member[], linked: (a: number, b: number) => boolean): readonly Pair[] {
  const n = ring.length;
  const pairs = new Map<number, Pair>();
  ring.forEach((member, at) => {
    const own: Pair[] = [];
    ring.forEach((other, to) => {
      if (to === at || linked(at, to)) return;
      const around = Math.abs(at - to);
      own.push({
        a: Math.min(at, to), b: Math.max(at, to), distance: squaredDistance(member, other),
        steps: Math.min(around, n - around),
      });
    });
    for (const pair of own.sort(byDistance).slice(0, CANDIDATES)) pairs.set(pair.a * n + pair.b, pair);
  });
  return [...pairs.values()].sort(byDistance);
}

type Links = Map<StationId, Map<StationId, Neighbour>>;

function link(links: Links, a: Member, b: Member, kind: Neighbour["link"]): void {
  for (const [from, member] of [[a, b], [b, a]] as const) {
    const own = links.get(from.station) ?? new Map<StationId, Neighbour>();
    if (from.station !== member.station && !own.has(member.station)) own.set(member.station, { member, link: kind });
    links.set(from.station, own);
  }
}

function linkRings(crypto: Crypto, roster: Roster, members: readonly Member[], links: Links): readonly Member[] {
  const rings = Array.from({ length: RINGS }, (_, i) => shuffled(crypto, roster, `ring ${i}`, members));
  for (const ring of rings) ring.forEach((member, i) => link(links, member, ring[(i + 1) % ring.length]!, "long"));
  return rings[0]!;
}

/** The shortest pairs first, as long as both ends have links to give: symmetric, and bounded for everyone. */
function linkNearest(ring: readonly Member[], links: Links): void {
  const linked = (a: number, b: number): boolean => links.get(ring[a]!.station)!.has(ring[b]!.station);
  const given = ring.map(() => 0);
  for (const { a, b } of candidatePairs(ring, linked)) {
    if (given[a]! >= NEAR_LINKS || given[b]! >= NEAR_LINKS) continue;
    given[a]! += 1;
    given[b]! += 1;
    link(links, ring[a]!, ring[b]!, "near");
  }
}

function linkZone(crypto: Crypto, roster: Roster, members: readonly Member[], links: Links): void {
  if (members.length <= FULL_MESH) {
    for (const a of members) for (const b of members) link(links, a, b, "near");
    return;
  }
  linkNearest(linkRings(crypto, roster, members, links), links);
}

/**
 * Zones in a ring, in the order of the roster; between two that are beside each other so many pairs of different
 * members that the liars of both cannot sit on every one.
 */
function linkZones(crypto: Crypto, roster: Roster, links: Links): void {
  const { zones } = roster;
  zones.forEach((zone, i) => {
    const next = zones[(i + 1) % zones.length]!;
    if (next.id === zone.id || (zones.length === 2 && i === 1)) return;
    const [from, to] = [zone, next].map(({ id }) => shuffled(crypto, roster, "bridge", zoneMembers(roster, id)));
    const pairs = Math.min(zone.f + next.f + 1, from!.length, to!.length);
    for (let at = 0; at < pairs; at++) link(links, from![at]!, to![at]!, "bridge");
  });
}

/**
 * The neighbours of a member; none for a station that the roster does not have. Symmetric: each has the other. In the
 * own zone at most 8; bridges come on top. Costs a distance for each pair of the zone: ask once for each roster.
 */
export function neighboursOf(crypto: Crypto, roster: Roster, station: StationId): readonly Neighbour[] {
  const member = memberOf(roster, station);
  if (member === undefined) return [];
  const links: Links = new Map();
  if (zoneOf(roster, member.zone) !== undefined) {
    linkZone(crypto, roster, zoneMembers(roster, member.zone), links);
  }
  linkZones(crypto, roster, links);
  return [...links.get(station)?.values() ?? []].sort((a, b) => byText(a.member.station, b.member.station));
}

/** A member that was not heard for more epochs than this is suspected: information, never guilt. */
export const SUSPECT_AFTER_EPOCHS = 6;

export function isSuspected(silentEpochs: number): boolean {
  return silentEpochs > SUSPECT_AFTER_EPOCHS;
}
