import { seeded, type Seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { StationId } from "../units.ts";
import {
  AFFECTED, closeness, distanceM, drawMap, EPSILON, firstOpinion, type MapMember, MOST_OPINION, MOST_ROUNDS,
  NEIGHBOURS,
} from "./opinion-map.ts";
import { clipOf, zoneThreshold } from "./zone-laws.ts";

const KEY = "starts";
const CLIP = clipOf(KEY, { n: 6, f: 1 });
/** A degree of latitude in millionths, a metre. */
const METRE_E6 = 9;
const id = (n: number): StationId => `CP-${String(n).padStart(3, "0")}` as StationId;

/** Posts along a street at 56.46 N, 20 m apart. */
const street = (growths: readonly number[], trust = 1_000): MapMember[] => growths.map((growth, n) =>
  ({ station: id(n), latE6: 56_460_000 + n * 20 * METRE_E6, lonE6: -2_970_000, trust, growth }));

test("distances in metres, against the great circle", () => {
  const cases: [number, number, number, number][] = [
    [56_460_000, -2_970_000, 56_460_000, -2_970_000], [56_460_000, -2_970_000, 56_461_000, -2_970_000],
    [56_460_000, -2_970_000, 56_460_000, -2_969_000], [0, 179_999_000, 0, -179_999_000],
    [37_980_000, 23_730_000, 37_990_000, 23_740_000], [-33_868_000, 151_209_000, -33_900_000, 151_200_000],
    [69_650_000, 18_955_000, 69_652_000, 18_950_000],
  ];
  for (const [lat1, lon1, lat2, lon2] of cases) {
    const metres = distanceM({ latE6: lat1, lonE6: lon1 }, { latE6: lat2, lonE6: lon2 });
    const radians = (e6: number): number => (e6 * Math.PI) / 180e6;
    const haversine = Math.sin(radians(lat2 - lat1) / 2) ** 2 +
      Math.cos(radians(lat1)) * Math.cos(radians(lat2)) * Math.sin(radians(lon2 - lon1) / 2) ** 2;
    const exact = 2 * 6_371_000 * Math.asin(Math.sqrt(haversine));
    assert.ok(Math.abs(metres - exact) <= 2 + 0.005 * exact, `${metres} for ${exact}`);
    assert.is(distanceM({ latE6: lat2, lonE6: lon2 }, { latE6: lat1, lonE6: lon1 }), metres);
  }
  assert.is(distanceM({ latE6: 0, lonE6: 0 }, { latE6: 0, lonE6: 90_000_000 }), 1_000_000, "far is far");
});

test("closeness halves at a hundred metres", () => {
  assert.equal([0, 100, 300, 900, 1_000_000].map(closeness), [1_000, 500, 250, 100, 0]);
});

test("the first opinion: half for the growth that all would need, nothing for none, at most all", () => {
  const zone = { n: 6, f: 1 };
  const needed = Math.ceil(zoneThreshold(KEY, zone) / 4);
  assert.is(firstOpinion(needed, KEY, zone), AFFECTED);
  assert.equal([0, -1, -CLIP].map((growth) => firstOpinion(growth, KEY, zone)), [0, 0, 0]);
  assert.is(firstOpinion(1e15, KEY, zone), firstOpinion(CLIP, KEY, zone));
  assert.is(firstOpinion(CLIP, KEY, { n: 60, f: 3 }), MOST_OPINION);
});

test("nobody, everybody, nowhere", () => {
  assert.equal(drawMap([], KEY, { n: 6, f: 1 }), { opinions: [], affected: [], level: 0, edge: [], rounds: 1 });
  const quiet = drawMap(street([0, 0, -5, 0, 0, 0]), KEY, { n: 6, f: 1 });
  assert.equal([quiet.affected, quiet.level, quiet.edge], [[], 0, []]);
  const all = drawMap(street(new Array<number>(6).fill(CLIP)), KEY, { n: 6, f: 1 });
  assert.is(all.affected.length, 6);
  assert.is(all.level, firstOpinion(CLIP, KEY, { n: 6, f: 1 }));
  assert.equal(all.edge, []);
});

test("the edge lies between the last that is affected and its first neighbour that is not", () => {
  const growths = Array.from({ length: 12 }, (_, n) => (n < 6 ? CLIP : 0));
  const { affected, edge } = drawMap(street(growths), KEY, { n: 12, f: 2 });
  assert.equal(affected, [0, 1, 2, 3, 4, 5].map(id));
  assert.ok(edge.some(([inside, outside]) => inside === id(5) && outside === id(6)));
  for (const [inside, outside] of edge) assert.ok(affected.includes(inside) && !affected.includes(outside));
  assert.not(edge.some(([inside]) => inside === id(0)), "its neighbours are all affected");
});

test("one in doubt among the convinced is drawn along; a contrary one within reach of nobody stays", () => {
  const zone = { n: 8, f: 1 };
  const growthFor = (opinion: number): number => {
    let growth = 0;
    while (firstOpinion(growth, KEY, zone) < opinion) growth += 1;
    return growth;
  };
  const convinced = growthFor(AFFECTED + 150);
  const doubt = growthFor(AFFECTED - 90);
  const one = drawMap(street([convinced, convinced, convinced, doubt, convinced, convinced, 0, 0]), KEY, zone);
  assert.ok(one.affected.includes(id(3)));
  const contrary = growthFor(AFFECTED + 150 - EPSILON - 1);
  const two = drawMap(street([convinced, convinced, convinced, contrary, convinced, convinced, 0, 0]), KEY, zone);
  assert.not(two.affected.includes(id(3)));
});

test("trust: the distrusted move nobody, and show nobody", () => {
  const growths = [2_600, 2_600, 3_900, 3_900, 2_600, 2_600];
  const zone = { n: 6, f: 1 };
  const untrusted = drawMap(street(growths, 0), KEY, zone);
  assert.equal([untrusted.opinions.map(({ opinion }) => opinion), untrusted.rounds], [[0, 0, 0, 0, 0, 0], 1]);
  const pulled = drawMap(street(growths), KEY, zone).opinions[1]!.opinion;
  const members = street(growths).map((member, n) => ({ ...member, trust: n === 2 || n === 3 ? 0 : 1_000 }));
  const steady = drawMap(members, KEY, zone).opinions[1]!.opinion;
  assert.is(steady, firstOpinion(2_600, KEY, zone));
  assert.ok(pulled > steady, `${pulled} and ${steady}`);
});

function someMembers(dice: Seeded, n: number): MapMember[] {
  return Array.from({ length: n }, (_, index) => ({
    station: id(index), latE6: 56_460_000 + dice.int(3) * 900, lonE6: -2_970_000 + dice.int(40) * 1_600,
    trust: dice.int(1_001), growth: dice.int(2 * CLIP) - CLIP,
  }));
}

test("the order of members does not matter, also where positions coincide; opinions stay integers in bounds", () => {
  const dice = seeded(11);
  for (let round = 0; round < 100; round++) {
    const members = someMembers(dice, 1 + dice.int(30));
    const zone = { n: members.length, f: 0 };
    const map = drawMap(members, KEY, zone);
    const shuffled = members.map((member) => ({ member, at: dice.next() })).sort((a, b) => a.at - b.at);
    assert.equal(drawMap(shuffled.map(({ member }) => member), KEY, zone), map);
    assert.ok(map.rounds <= MOST_ROUNDS);
    assert.ok(map.edge.length <= 2 * NEIGHBOURS * members.length);
    assert.ok(map.opinions.every(({ opinion }) => Number.isInteger(opinion) && opinion >= 0 && opinion <= 1_000));
  }
});

test("no station's opinion leaves the range of the first ones", () => {
  const dice = seeded(12);
  for (let round = 0; round < 100; round++) {
    const members = someMembers(dice, 2 + dice.int(30));
    const zone = { n: members.length, f: 0 };
    const first = members.map(({ growth }) => firstOpinion(growth, KEY, zone));
    for (const { opinion } of drawMap(members, KEY, zone).opinions) {
      assert.ok(opinion >= Math.min(...first) && opinion <= Math.max(...first));
    }
  }
});

/** F1 of the affected stations against those that an attack hit, over patterns of one street segment each. */
function localisation(dice: Seeded, hitShare: number, rounds: number): { map: number; alone: number } {
  const counts = { map: [0, 0, 0], alone: [0, 0, 0] };
  const zone = { n: 20, f: 3 };
  for (let round = 0; round < rounds; round++) {
    const from = dice.int(13);
    const hit = (n: number): boolean => n >= from && n < from + 8;
    // Of the stations that are hit most show it at once; elsewhere a driver starts now and then.
    const members = street(Array.from({ length: zone.n }, (_, n) => {
      const chance = hit(n) ? hitShare : 0.08;
      return dice.next() < chance ? 4_000 + dice.int(1_500) : -dice.int(300);
    }));
    const { affected } = drawMap(members, KEY, zone);
    members.forEach(({ station, growth }, n) => {
      const claims = { map: affected.includes(station), alone: firstOpinion(growth, KEY, zone) > AFFECTED };
      for (const way of ["map", "alone"] as const) {
        const kind = claims[way] ? (hit(n) ? 0 : 1) : hit(n) ? 2 : undefined;
        if (kind !== undefined) counts[way][kind] = (counts[way][kind] ?? 0) + 1;
      }
    });
  }
  const f1 = ([right = 0, wrong = 0, missed = 0]: number[]): number => (2 * right) / (2 * right + wrong + missed);
  return { map: f1(counts.map), alone: f1(counts.alone) };
}

test("localisation: F1 of a street segment that was hit", () => {
  const whole = localisation(seeded(13), 1, 300);
  const most = localisation(seeded(14), 0.8, 300);
  assert.ok(whole.map > 0.9, `all hit: ${whole.map.toFixed(2)}, opinions alone ${whole.alone.toFixed(2)}`);
  assert.ok(most.map > 0.8, `four of five hit: ${most.map.toFixed(2)}, opinions alone ${most.alone.toFixed(2)}`);
});

test("whom nobody trusts is not shown, the less trusted the less it moves others; praise is nothing", () => {
  const zone = { n: 6, f: 1 };
  const growths = [CLIP, 0, 0, CLIP, CLIP, CLIP];
  const trusting = (trust: number) =>
    drawMap(street(growths).map((one, index) => (index === 0 ? { ...one, trust } : one)), KEY, zone);
  assert.ok(trusting(1_000).affected.includes(id(0)));
  assert.not.ok(trusting(0).affected.includes(id(0)));
  const influence = [1_000, 500, 0].map((trust) =>
    drawMap(street([3_900, ...new Array<number>(5).fill(2_600)])
      .map((one, index) => (index === 0 ? { ...one, trust } : one)), KEY, zone).opinions[1]!.opinion);
  assert.ok(influence[0]! > influence[1]! && influence[1]! > influence[2]!, `${influence}`);
  assert.equal(trusting(9_999), trusting(1_000));
});
