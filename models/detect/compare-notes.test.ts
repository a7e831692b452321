import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { HOUR_MS, MINUTE_MS, type TokenPseudonym } from "../units.ts";
import { compareUses, compareWithNotes, distanceKm, type Use } from "./compare-notes.ts";

const TOKEN = "00000000000000aa" as TokenPseudonym;
const NOW = 100 * HOUR_MS;
const DUNDEE = { lat: 56.46, lon: -2.97 };
const GLASGOW = { lat: 55.86, lon: -4.25 };
const NEXT_DOOR = { lat: 56.4605, lon: -2.9705 };
const use = (station: string, fromMin: number, toMin: number | undefined, place: object = {}): Use => ({
  token: TOKEN, station, from: fromMin * MINUTE_MS, to: toMin === undefined ? undefined : toMin * MINUTE_MS, ...place,
});

test("distances as the crow flies", () => {
  const cases: [{ lat: number; lon: number }, { lat: number; lon: number }, number][] = [
    [DUNDEE, DUNDEE, 0], [DUNDEE, GLASGOW, 103.5], [{ lat: 0, lon: 0 }, { lat: 0, lon: 180 }, 20_015],
    [{ lat: 90, lon: 0 }, { lat: 90, lon: 77 }, 0], [{ lat: 0, lon: 179.9 }, { lat: 0, lon: -179.9 }, 22.2],
  ];
  for (const [from, to, km] of cases) {
    assert.ok(Math.abs(distanceKm(from, to) - km) < 1, `${distanceKm(from, to)}`);
    assert.ok(Math.abs(distanceKm(from, to) - distanceKm(to, from)) < 1e-9);
  }
});

test("two uses of one idToken at two stations, as a table", () => {
  const cases: [string, Use, Use, string | undefined][] = [
    ["one after the other, a drive apart", use("A", 0, 60, DUNDEE), use("B", 180, 240, GLASGOW), "possible"],
    ["100 km in ten minutes", use("A", 0, 60, DUNDEE), use("B", 70, 240, GLASGOW), "too-fast"],
    ["two places at once", use("A", 0, 60, DUNDEE), use("B", 30, 90, GLASGOW), "overlap-far"],
    ["still open there", use("A", 0, undefined, DUNDEE), use("B", 600, 660, GLASGOW), "overlap-far"],
    ["a household's two cars", use("A", 0, 60, DUNDEE), use("B", 30, 90, NEXT_DOOR), "overlap-near"],
    ["a minute of overlap is two clocks", use("A", 0, 60, DUNDEE), use("B", 59, 90, NEXT_DOOR), "possible"],
    ["next door at once after the end", use("A", 0, 60, DUNDEE), use("B", 60, 90, NEXT_DOOR), "possible"],
    ["places not known", use("A", 0, 60), use("B", 61, 90, GLASGOW), "possible"],
    ["places not known, at once", use("A", 0, 60), use("B", 30, 90), "overlap-near"],
    ["absurd places", use("A", 0, 60, { lat: 900, lon: NaN }), use("B", 61, 90, GLASGOW), "possible"],
    ["the same station", use("A", 0, 60, DUNDEE), use("A", 30, 90, DUNDEE), undefined],
    ["a time that is none", use("A", NaN, 60), use("B", 30, 90), undefined],
  ];
  for (const [name, one, other, kind] of cases) {
    assert.is(compareUses(one, other, NOW)?.kind, kind, name);
    assert.is(compareUses(other, one, NOW)?.kind, kind, `${name}, the other way round`);
  }
  assert.is(compareUses(use("A", 0, 1), { ...use("B", 0, 1), token: "bb" as TokenPseudonym }, NOW), undefined);
});

test("the evidence of a pair is an e-value at the honest shares, and negative where all is possible", () => {
  const pairs: [Use, number][] = [
    [use("B", 180, 240, GLASGOW), 0.975], [use("B", 70, 90, GLASGOW), 0.001],
    [use("B", 30, 90, GLASGOW), 0.004], [use("B", 30, 90, NEXT_DOOR), 0.02],
  ];
  const nats = pairs.map(([other]) => compareUses(use("A", 0, 60, DUNDEE), other, NOW)!.nats);
  const expectation = pairs.reduce((sum, [, honest], i) => sum + honest * Math.exp(nats[i]!), 0);
  assert.ok(Math.abs(expectation - 1) < 1e-12);
  assert.ok(nats[0]! < 0 && nats[1]! > 4 && nats[2]! > 4 && nats[3]! < 2);
});

test("of many notes of a card the one nearest in time counts, once", () => {
  const known = [use("B", 0, 60, GLASGOW), use("C", 300, 360, NEXT_DOOR), use("D", 5, 6, GLASGOW)];
  assert.is(compareWithNotes(use("A", 365, 400, DUNDEE), known, NOW)!.kind, "possible");
  assert.is(compareWithNotes(use("A", 61, 90, DUNDEE), known.slice(0, 1), NOW)!.kind, "too-fast");
  assert.is(compareWithNotes(use("A", 61, 90, DUNDEE), [], NOW), undefined);
});

test("property: finite evidence and no throw, whatever the notes hold", () => {
  const random = seeded(64);
  const figures = [NaN, Infinity, -Infinity, 0, -1, 90, 181, 1e308];
  const figure = (): number => (random.int(2) === 0 ? random.pick(figures) : random.next() * 1e9);
  for (let run = 0; run < 5_000; run++) {
    const any = (station: string): Use =>
      ({ token: TOKEN, station, from: figure(), to: figure(), lat: figure(), lon: figure() });
    const compared = compareUses(any("A"), any("B"), figure());
    if (compared !== undefined) assert.ok(Number.isFinite(compared.nats));
  }
});
