import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { nodeCrypto } from "../edge-agent/adapters/crypto.ts";
import type { StationId } from "../models/units.ts";
import {
  FULL_MESH, isSuspected, leftOut, neighboursOf, neighboursOfAll, reachOf, squaredDistance,
} from "./membership.ts";
import { KINDS } from "./message.ts";
import type { Member, Roster } from "./roster.ts";
import { type MadeOf, madeRoster } from "./roster.testing.ts";

const crypto = nodeCrypto();
const IN_ZONE = 8;

/** Every member's neighbours, each as that member computes them. */
function graphOf(roster: Roster): Map<StationId, ReturnType<typeof neighboursOf>> {
  return new Map(roster.members.map(({ station }) => [station, neighboursOf(crypto, roster, station)]));
}

type Graph = ReturnType<typeof graphOf>;

function reached(graph: Graph, within: (member: Member) => boolean, start: StationId): Set<string> {
  const seen = new Set<StationId>([start]);
  const waiting = [start];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const { member } of graph.get(at)!) {
      if (!within(member) || seen.has(member.station)) continue;
      seen.add(member.station);
      waiting.push(member.station);
    }
  }
  return seen;
}

function checkGraph(roster: Roster): void {
  const graph = graphOf(roster);
  const [first] = roster.members;
  assert.is(reached(graph, () => true, first!.station).size, roster.members.length, "the region is connected");
  for (const { id } of roster.zones) {
    const own = roster.members.filter(({ zone }) => zone === id);
    const inside = reached(graph, ({ zone }) => zone === id, own[0]!.station);
    assert.is(inside.size, own.length, `${id} is connected by itself`);
    for (const member of own) {
      const neighbours = graph.get(member.station)!;
      const near = neighbours.filter((one) => one.member.zone === id);
      assert.ok(near.length <= IN_ZONE, `${member.station} has ${near.length} neighbours in its zone`);
      assert.ok(near.length >= Math.min(own.length - 1, 3), `${member.station} has only ${near.length}`);
      for (const { member: other, link } of neighbours) {
        assert.is.not(other.station, member.station);
        assert.is(link === "bridge", other.zone !== id);
        const back = graph.get(other.station)!.filter((one) => one.member.station === member.station);
        assert.equal(back.map((one) => one.link), [link], "symmetric, once, of the same kind");
      }
    }
  }
}

for (const onePlace of [false, true]) {
  test(`rosters of 4 to 200 ${onePlace ? "at one place" : "spread out"}: connected, symmetric, bounded`, () => {
    const random = seeded(onePlace ? 21 : 20);
    for (const n of [4, 8, 9, 10, 11, 12, 15, 20, 31, 48, 64]) {
      checkGraph(madeRoster({ zones: [{ id: "a", n, f: Math.floor((n - 1) / 3) }], seed: n, onePlace }));
    }
    for (const total of [5, 12, 40, 90, 200]) {
      const zones: MadeOf["zones"][number][] = [];
      for (let left = total; left > 0;) {
        const n = Math.min(left, 1 + random.int(40));
        zones.push({ id: `z-${zones.length + 10}`, n, f: random.int(Math.floor((n - 1) / 3) + 1) });
        left -= n;
      }
      checkGraph(madeRoster({ zones, seed: total, onePlace }));
    }
  });
}

test("a zone of nine is meshed fully, one of ten is not", () => {
  const nine = madeRoster({ zones: [{ id: "a", n: FULL_MESH, f: 0 }] });
  assert.is(neighboursOf(crypto, nine, nine.members[0]!.station).length, 8);
  const ten = madeRoster({ zones: [{ id: "a", n: FULL_MESH + 1, f: 0 }] });
  assert.ok(neighboursOf(crypto, ten, ten.members[0]!.station).length < 9);
});

test("in a large zone about half of the links are long, half are near, and near ones are shorter", () => {
  const roster = madeRoster({ zones: [{ id: "a", n: 60, f: 0 }], seed: 5 });
  const sums = { near: { n: 0, m: 0 }, long: { n: 0, m: 0 } };
  for (const member of roster.members) {
    for (const { member: other, link } of neighboursOf(crypto, roster, member.station)) {
      if (link === "bridge") continue;
      sums[link].n += 1;
      sums[link].m += Math.sqrt(squaredDistance(member, other));
    }
  }
  assert.ok(sums.near.n / 60 > 3.5 && sums.near.n / 60 <= 4);
  assert.ok(sums.long.n / 60 > 3.5 && sums.long.n / 60 <= 4);
  assert.ok(sums.near.m / sums.near.n < sums.long.m / sums.long.n / 2);
});

test("a large zone holds together when any f of its members are gone", () => {
  const roster = madeRoster({ zones: [{ id: "a", n: 40, f: 3 }], seed: 6 });
  const graph = graphOf(roster);
  const random = seeded(8);
  for (let i = 0; i < 300; i++) {
    const gone = new Set(Array.from({ length: 3 }, () => random.pick(roster.members).station));
    const left = roster.members.filter(({ station }) => !gone.has(station));
    const inside = reached(graph, ({ station }) => !gone.has(station), left[0]!.station);
    assert.is(inside.size, left.length);
  }
});

test("everybody's neighbours at once are what each finds by itself", () => {
  const zones = Array.from({ length: 7 }, (_, i) => ({ id: `z-${i}`, n: 3 + 4 * i, f: Math.floor((2 + 4 * i) / 3) }));
  const roster = madeRoster({ zones, seed: 3 });
  assert.equal(neighboursOfAll(crypto, roster), graphOf(roster));
});

/** Zones that are reached in so many steps from zone to zone, from the first. */
function zonesWithin(graph: ReturnType<typeof neighboursOfAll>, roster: Roster, steps: number): number {
  const zoneAt = new Map(roster.members.map(({ station, zone }) => [station, zone]));
  let reached = new Set([roster.zones[0]!.id]);
  for (let step = 0; step < steps; step++) {
    reached = new Set([...reached, ...roster.members.filter(({ zone }) => reached.has(zone)).flatMap(({ station }) =>
      graph.get(station)!.map(({ member }) => zoneAt.get(member.station)!))]);
  }
  return reached.size;
}

test("60 zones are within five steps from zone to zone; along the roster's ring alone it takes thirty", () => {
  const zones = Array.from({ length: 60 }, (_, i) => ({ id: `z-${10 + i}`, n: 6, f: 1 }));
  const roster = madeRoster({ zones, seed: 4 });
  assert.is(zonesWithin(neighboursOfAll(crypto, roster), roster, 5), 60);
});

test("passed on: to neither whom it came from nor its author, most of it along rings and bridges alone", () => {
  const roster = madeRoster({ zones: [{ id: "a", n: 30, f: 4 }, { id: "b", n: 6, f: 1 }], seed: 5 });
  const bridged = roster.members.find(({ station, zone }) =>
    zone === "a" && neighboursOf(crypto, roster, station).some(({ link }) => link === "bridge"))!;
  const neighbours = neighboursOf(crypto, roster, bridged.station);
  const reach = reachOf(neighbours);
  const count = (wanted: string): number => neighbours.filter(({ link }) => link === wanted).length;
  assert.equal([reach.near.size, reach.bridges.size], [count("near"), count("bridge")]);
  assert.ok(reach.near.size >= 3 && reach.bridges.size >= 1);
  const [from, station] = neighbours.filter(({ link }) => link === "long").map(({ member }) => member.station);
  for (const kind of KINDS) {
    const isForOthers = ["summary", "roster", "part", "release", "fetch", "piece"].includes(kind);
    const beyond = isForOthers ? [] : reach.bridges;
    const near = ["statement", "note", "summary"].includes(kind) ? reach.near : [];
    assert.equal(leftOut({ kind, station: station!, from: from! }, reach),
      new Set([from, station, ...near, ...beyond]), kind);
    assert.equal(leftOut({ kind, station: station! }, reach), new Set(beyond), `${kind}: an own one, or for who asked`);
  }
  const spared = leftOut({ kind: "piece", station: station!, only: new Set([from!]) }, reach);
  assert.equal([...reach.all].filter((one) => !spared.has(one)), [from], "what is for one alone goes to that one");
  const nine = madeRoster({ zones: [{ id: "a", n: FULL_MESH, f: 2 }] });
  for (const { station: one } of nine.members) assert.is(reachOf(neighboursOf(crypto, nine, one)).near.size, 6, "ring");
});

test("a summary goes along two rings one way, and the other way with its renewal; along one ring both ways", () => {
  const roster = madeRoster({ zones: [{ id: "a", n: 30, f: 4 }], seed: 7 });
  const told = (of: Roster, turn: 0 | 1) => new Map(of.members.map(({ station }) => {
    const reach = reachOf(neighboursOf(crypto, of, station));
    const except = leftOut({ kind: "summary", station: "x" as StationId, from: "x", turn }, reach);
    return [station, [...reach.all].filter((one) => !except.has(one))];
  }));
  const [even, odd] = [told(roster, 0), told(roster, 1)];
  for (const { station } of roster.members) {
    assert.ok(even.get(station)!.length <= 2 && odd.get(station)!.length <= 2, station);
    const back = even.get(station)!.filter((one) => odd.get(one as StationId)!.includes(station));
    assert.equal(back, even.get(station), "turned round");
    for (const ways of [even, odd]) {
      const reached = new Set<string>([station]);
      for (const one of reached) for (const to of ways.get(one as StationId)!) reached.add(to);
      assert.is(reached.size, 30, "all are reached from everywhere");
    }
  }
  const nine = madeRoster({ zones: [{ id: "a", n: FULL_MESH, f: 2 }] });
  assert.equal(told(nine, 0), told(nine, 1));
  assert.equal([...told(nine, 0).values()].map(({ length }) => length), nine.members.map(() => 2));
});

test("bridges between two zones outnumber the liars of both", () => {
  const roster = madeRoster({ zones: [{ id: "a", n: 6, f: 1 }, { id: "b", n: 6, f: 1 }] });
  const ends = roster.members.flatMap(({ station, zone }) => neighboursOf(crypto, roster, station)
    .filter(({ link }) => link === "bridge" && zone === "a").map(({ member }) => [station, member.station]));
  assert.is(ends.length, 3);
  assert.is(new Set(ends.flat()).size, 6);
});

test("long links change with the version and the network, and with nothing else of the roster", () => {
  const roster = madeRoster({ zones: [{ id: "a", n: 40, f: 0 }] });
  const names = (of: Roster): string => JSON.stringify(of.members.map(({ station }) =>
    neighboursOf(crypto, of, station).map(({ member, link }) => `${member.station} ${link}`)));
  assert.is(names({ ...roster, epochS: 5, events: [] }), names(roster));
  assert.is.not(names({ ...roster, version: 2 }), names(roster));
  assert.is.not(names({ ...roster, network: "other" }), names(roster));
});

test("a station that is no member has no neighbours; a lone one has none either", () => {
  const roster = madeRoster({ zones: [{ id: "a", n: 1, f: 0 }] });
  assert.equal(neighboursOf(crypto, roster, "x" as StationId), []);
  assert.equal(neighboursOf(crypto, roster, roster.members[0]!.station), []);
});

test("distances: symmetric, over the date line, and about right", () => {
  const [base] = madeRoster({ zones: [{ id: "a", n: 1, f: 0 }] }).members;
  const at = (lat: number, lon: number): Member => ({ ...base!, latE6: lat * 1e6, lonE6: lon * 1e6 });
  const metres = (a: Member, b: Member): number => Math.sqrt(squaredDistance(a, b)) * 1.11;
  assert.is(squaredDistance(at(0, 179.5), at(0, -179.5)), squaredDistance(at(0, 0), at(0, 1)));
  const random = seeded(3);
  for (let i = 0; i < 500; i++) {
    const a = at(random.int(121) - 60, random.int(361) - 180);
    const b = { ...a, latE6: a.latE6 + random.int(50_000), lonE6: a.lonE6 + random.int(50_000) - 25_000 };
    assert.is(squaredDistance(a, b), squaredDistance(b, a));
    const naive = Math.hypot((a.latE6 - b.latE6) * 0.111,
      (a.lonE6 - b.lonE6) * 0.111 * Math.cos((a.latE6 / 1e6) * (Math.PI / 180)));
    assert.ok(Math.abs(metres(a, b) - naive) <= 0.02 * naive + 5, `${metres(a, b)} for ${naive}`);
  }
  assert.ok(Number.isSafeInteger(squaredDistance(at(90, 0), at(-90, 180))));
});

test("who was not heard for more than six epochs is suspected", () => {
  assert.equal([0, 6, 7, 1_000].map(isSuspected), [false, false, true, true]);
});
