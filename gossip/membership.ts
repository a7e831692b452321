/**
 * Who is whose neighbour: a function of the roster alone, so that each agent computes the same graph and a neighbour
 * that was not chosen is noticed (SPEC.md, section 2, "Neighbours"). In a large zone half of the links go to the
 * nearest members, who feel the same feeder, and half are random: two rings in hash order, so that the zone stays
 * connected, and within few hops, whatever its map looks like. Zones are joined by bridges, in two rings as well.
 */
import type { Crypto } from "../models/crypto.ts";
import type { StationId, ZoneId } from "../models/units.ts";
import type { Kind } from "./message.ts";
import type { Outgoing } from "./protocol-state.ts";
import { byText, type Member, memberOf, type Roster, type Zone, zoneMembers, zoneOf } from "./roster.ts";

/** A zone of this many members or fewer is meshed fully. */
export const FULL_MESH = 9;
/** Most links to the nearest in a larger zone; the two rings add at most as many. */
const NEAR_LINKS = 4;
const RINGS = 2;
/** How many of the nearest are looked at for those links: some of them have enough already. */
const CANDIDATES = 16;

export interface Neighbour {
  readonly member: Member;
  /** `near` and `long` lie in the own zone, `long` ones along a ring; `bridge` leads to another. */
  readonly link: "near" | "long" | "bridge";
  /** Where it stands on a ring, of those that this member is beside it on. */
  readonly isNext?: boolean;
  readonly isLast?: boolean;
}

const text = new TextEncoder();

/** In the order of SHA-256(network LF version LF purpose LF name): a new shuffle with each version. */
function shuffled<T>(
  crypto: Crypto, { network, version }: Roster, purpose: string, all: readonly T[], nameOf: (one: T) => string,
): readonly T[] {
  const ranked = all.map((one) => ({
    one, rank: crypto.sha256(text.encode(`${network}\n${version}\n${purpose}\n${nameOf(one)}`)),
  }));
  const compare = (a: Uint8Array, b: Uint8Array): number => {
    const at = a.findIndex((byte, i) => byte !== b[i]);
    return at < 0 ? 0 : a[at]! - b[at]!;
  };
  return ranked.sort((a, b) => compare(a.rank, b.rank)).map(({ one }) => one);
}

function drawn(crypto: Crypto, roster: Roster, purpose: string, members: readonly Member[]): readonly Member[] {
  return shuffled(crypto, roster, purpose, members, ({ station }) => station);
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
  for (const [from, member, isNext] of [[a, b, true], [b, a, false]] as const) {
    const own = links.get(from.station) ?? new Map<StationId, Neighbour>();
    links.set(from.station, own);
    const known = own.get(member.station);
    if (from.station === member.station || (known !== undefined && kind !== "long")) continue;
    const place = kind === "long" && { [isNext ? "isNext" : "isLast"]: true };
    own.set(member.station, { member, link: kind, ...known, ...place });
  }
}

function linkRings(crypto: Crypto, roster: Roster, members: readonly Member[], links: Links): readonly Member[] {
  const rings = Array.from({ length: RINGS }, (_, i) => drawn(crypto, roster, `ring ${i}`, members));
  for (const ring of rings) linkRing(ring, links);
  return rings[0]!;
}

function linkRing(ring: readonly Member[], links: Links): void {
  ring.forEach((member, i) => link(links, member, ring[(i + 1) % ring.length]!, "long"));
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
    // One ring for two: what goes along rings one way goes both ways here.
    const ring = drawn(crypto, roster, "ring 0", members);
    for (const one of [ring, [...ring].reverse()]) linkRing(one, links);
    for (const a of members) for (const b of members) link(links, a, b, "near");
    return;
  }
  linkNearest(linkRings(crypto, roster, members, links), links);
}

/** Zones that are joined, each pair once, with the purpose under which members are drawn for its bridges. */
function joinedZones(
  crypto: Crypto, roster: Roster,
): { readonly a: Zone; readonly b: Zone; readonly purpose: string }[] {
  const rings = [roster.zones, shuffled(crypto, roster, "zones", roster.zones, ({ id }) => id)];
  const joined = new Set<string>();
  return rings.flatMap((ring, round) => ring.flatMap((a, i) => {
    const b = ring[(i + 1) % ring.length]!;
    if (a === b || joined.has(`${a.id} ${b.id}`)) return [];
    joined.add(`${a.id} ${b.id}`).add(`${b.id} ${a.id}`);
    return [{ a, b, purpose: round === 0 ? "bridge" : "bridge 1" }];
  }));
}

/**
 * Zones in two rings, in the order of the roster and in hash order, so that a region of many zones is within few hops;
 * between two that are joined so many pairs of different members that the liars of both cannot sit on every one.
 */
function linkZones(crypto: Crypto, roster: Roster, only: ZoneId | undefined, links: Links): void {
  for (const { a, b, purpose } of joinedZones(crypto, roster)) {
    // Of others' bridges nothing is asked here, and their members are many.
    if (only !== undefined && a.id !== only && b.id !== only) continue;
    const [from, to] = [a, b].map(({ id }) => drawn(crypto, roster, purpose, zoneMembers(roster, id)));
    const pairs = Math.min(a.f + b.f + 1, from!.length, to!.length);
    for (let at = 0; at < pairs; at++) link(links, from![at]!, to![at]!, "bridge");
  }
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
  linkZones(crypto, roster, member.zone, links);
  return inOrder(links, station);
}

/** Everybody's, as each finds by `neighboursOf`: what one process makes at once for all of a roster. */
export function neighboursOfAll(crypto: Crypto, roster: Roster): ReadonlyMap<StationId, readonly Neighbour[]> {
  const links: Links = new Map();
  for (const { id } of roster.zones) linkZone(crypto, roster, zoneMembers(roster, id), links);
  linkZones(crypto, roster, undefined, links);
  return new Map(roster.members.map(({ station }) => [station, inOrder(links, station)]));
}

function inOrder(links: Links, station: StationId): Neighbour[] {
  return [...links.get(station)?.values() ?? []].sort((a, b) => byText(a.member.station, b.member.station));
}

/** What most of the traffic is of: passed on along rings and bridges alone, and repaired by digests. */
const ALONG_RINGS: ReadonlySet<Kind> = new Set(["statement", "note", "summary"]);
/** What whoever is beyond a bridge takes; all else is its own zone's business. */
const OVER_BRIDGES: ReadonlySet<Kind> = new Set(["summary", "roster", "part", "release", "fetch", "piece"]);
const NOBODY: ReadonlySet<string> = new Set();

/** The neighbours' stations, and those behind links along which not everything goes. */
export interface Reach {
  readonly all: ReadonlySet<string>;
  readonly near: ReadonlySet<string>;
  readonly bridges: ReadonlySet<string>;
  /** Those on rings to whom a summary of this turn (`turnOf`, region.ts) is not passed on. */
  readonly turnedFrom: readonly [ReadonlySet<string>, ReadonlySet<string>];
}

export function reachOf(neighbours: readonly Neighbour[]): Reach {
  const those = (wanted: (one: Neighbour) => boolean): ReadonlySet<string> =>
    new Set(neighbours.filter(wanted).map(({ member: { station } }) => station));
  const behind = (wanted: Neighbour["link"]): ReadonlySet<string> => those(({ link }) => link === wanted);
  const notAt = (place: "isNext" | "isLast"): ReadonlySet<string> =>
    those((one) => one.link === "long" && one[place] !== true);
  return {
    all: those(() => true), near: behind("near"), bridges: behind("bridge"),
    turnedFrom: [notAt("isNext"), notAt("isLast")],
  };
}

/**
 * Whom of its neighbours an agent does not tell what it publishes (SPEC.md, section 7): those over bridges, unless it
 * is for other zones; of another's message, the one whom it came from, its author, and of most messages the near ones;
 * of a summary those who sit the other way round on the rings, too.
 * Answers to those who asked leave out nobody in the zone, but where they are for some alone.
 */
export function leftOut(
  { kind, station, from, only, turn }: Pick<Outgoing, "kind" | "station" | "from" | "only" | "turn">,
  { all, near, bridges, turnedFrom }: Reach,
): ReadonlySet<string> {
  if (only !== undefined) return new Set([...all].filter((one) => !only.has(one)));
  const beyond = OVER_BRIDGES.has(kind) ? NOBODY : bridges;
  if (from === undefined) return beyond;
  const turned = turn === undefined ? NOBODY : turnedFrom[turn];
  return new Set([from, station, ...beyond, ...turned, ...(ALONG_RINGS.has(kind) ? near : [])]);
}

/** A member that was not heard for more epochs than this is suspected: information, never guilt. */
export const SUSPECT_AFTER_EPOCHS = 6;

export function isSuspected(silentEpochs: number): boolean {
  return silentEpochs > SUSPECT_AFTER_EPOCHS;
}
