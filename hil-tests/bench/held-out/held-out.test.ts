import { assert, test } from "../../../build/testing.ts";
import { EVIDENCE_KEYS } from "../../../models/terms.ts";
import { DAY_MS, HOUR_MS, type WallMs } from "../../../models/units.ts";
import { planSessions } from "../../sim/sessions.ts";
import { PROFILES } from "../../sim/profile.ts";
import { localTime } from "../../../models/local-time.ts";
import { CITIES, type CityStation } from "../detection/cities.ts";
import { cell } from "./text.ts";
import { CENTRE, honestYears, POSSIBLE, POSSIBLE_HIDDEN, trial } from "./trials.ts";
import { casesOf, pooled, raisedAt, risesOf, supporting, tracksOf } from "./zone-cases.ts";
import { type Stated, zoneDays } from "./zone-days.ts";

const SIZE = { n: 6, f: 1 };
const STARTS = EVIDENCE_KEYS.indexOf("starts");
const SPAN = { first: 1_000, last: 1_400 };
const EPOCH = 1_300;

/** Quiet, and so much of one key from an epoch on. */
const rising = (millinats: number, epoch = EPOCH): Stated[] => [0, millinats].map((sum, place) =>
  ({ epoch: place === 0 ? 0 : epoch, evidence: EVIDENCE_KEYS.map((_, key) => (key === STARTS ? sum : 0)) }));
const all = (millinats: number): Stated[][] => Array.from({ length: SIZE.n }, () => rising(millinats));

const raises = (stated: Stated[][], name: string, seed = 1): boolean => {
  const one = casesOf(SIZE).find((of) => of.name === name)!;
  return raisedAt(tracksOf(stated, one, SPAN, seed), SPAN, SIZE, EPOCH, EVIDENCE_KEYS).length > 0;
};

test("what rises at all raises, liars or not; framers alone raise nothing, nor does what half of the zone has", () => {
  assert.equal(["no liars", "f frame", "f hide"].map((name) => raises(all(9_000), name)), [true, true, true]);
  assert.equal(["no liars", "f frame"].map((name) => raises(all(0), name)), [false, false]);
  assert.not(raises(all(9_000), "half cut off"));
});

test("what is lost is told by the next statement; what rose is looked at as long as that may take", () => {
  const rises = risesOf(all(9_000), SPAN, 6);
  assert.equal([...rises.keys()], [0, 1, 2, 3, 4, 5, 6].map((late) => EPOCH + late));
  const loss = casesOf(SIZE).find(({ name }) => name === "50 % lost")!;
  const seen = [1, 2, 3, 4, 5].map((seed) => {
    const tracks = tracksOf(all(9_000), loss, SPAN, seed);
    return [...rises].findIndex(([epoch, keys]) => raisedAt(tracks, SPAN, SIZE, epoch, [...keys]).length > 0);
  });
  assert.ok(seen.every((late) => late >= 0) && seen.some((late) => late > 0), `${seen}`);
});

test("the centre adds what everybody's evidence grew, within the widest clip, over the best onset", () => {
  const tracks = tracksOf([rising(5_000), rising(40_000), rising(-3_000)], { name: "" }, SPAN, 1);
  assert.is(pooled(tracks, SPAN, EPOCH, "starts"), 5 + 12 - 3);
  const framed = 14 - Math.log((Math.exp(12) + Math.exp(5) + Math.exp(-3)) / 3);
  assert.ok(Math.abs(pooled(tracks, SPAN, EPOCH, "starts", { framers: 1 }) - framed) < 1e-9, "one may frame");
  assert.ok(pooled(tracks, SPAN, EPOCH, "starts", { framers: 1, hiders: 1 }) > 5, "one hides as well");
  assert.is(pooled(tracks, SPAN, EPOCH, "stops"), 0);
  const apart = tracksOf([rising(5_000, EPOCH - 10), rising(-3_000, EPOCH - 20)], { name: "" }, SPAN, 1);
  assert.is(pooled(apart, SPAN, EPOCH, "starts"), 5, "an onset after the fall");
});

test("those support who grew by more than a nat since one onset, liars and all losses aside", () => {
  const grown = (...nats: number[]) => tracksOf(nats.map((one) => rising(1_000 * one)), { name: "" }, SPAN, 1);
  const counted = (...nats: number[]): number => supporting(grown(...nats), SPAN, EPOCH, "starts");
  assert.equal([counted(2, 2, 0.5, -4), counted(1, 1, 1), counted(30, 0, 0)], [2, 0, 1]);
  assert.is(supporting(grown(9, 9, 9), SPAN, EPOCH, "stops"), 0);
  const apart = tracksOf([rising(5_000, EPOCH - 200), rising(5_000)], { name: "" }, SPAN, 1);
  assert.is(supporting(apart, SPAN, EPOCH, "starts"), 1, "one of them grew before the window");
});

test("a cell is the median, or the share that was found", () => {
  assert.equal([cell([]), cell([Infinity]), cell([1, Infinity]), cell([30, 10, 20]), cell([36_000])],
    ["", "-", "50 %", "20", "10.0 h"]);
});

/** Six stations with sessions of their own. */
function city(): CityStation[] {
  const [made] = CITIES;
  return Array.from({ length: SIZE.n }, (_, i) => ({
    city: made!, station: `made-${i}`, sessions: [...planSessions({
      profile: PROFILES["public-rapid"], evses: 1, ratedW: 50_000, local: localTime("UTC"), seed: i,
      from: Date.UTC(2026, 0, 5) as WallMs, until: Date.UTC(2026, 0, 9) as WallMs,
    })],
  }));
}

test("a zone of a city: honest days are quiet, a strong attack on all is found from its beginning on", () => {
  const zone = zoneDays("made", city(), SIZE.n, { seed: 1, learnDays: 1, days: 1, momentHours: [9] });
  assert.equal([zone.members.length, zone.to - zone.from, zone.moments[0]! - zone.from], [6, DAY_MS, 9 * HOUR_MS]);
  const honest = honestYears([zone], SIZE);
  assert.equal([honest.raised, honest.years], [{ "no liars": [], "f frame": [] }, 1 / 365]);
  const attack = { name: "thin-guesses", threat: "authorization-abuse" } as const;
  const found = trial(zone, SIZE, 0, attack, "strong", honest.centre)!;
  assert.is(found.hit, SIZE.n);
  assert.ok(found.evident > SIZE.f && found.evident <= SIZE.n, `${found.evident}`);
  assert.ok(found.independent);
  for (const name of [CENTRE, POSSIBLE, POSSIBLE_HIDDEN, "no liars", "f frame"]) {
    const delay = found.delays[name]!;
    assert.ok(delay > 0 && delay <= 3_600, `${name}: ${delay}`);
  }
  const { centre } = honest;
  assert.ok(centre.get("link-losses")! >= 8 * SIZE.n && centre.get("starts")! < 8 * SIZE.n, "one cause, or own ones");
  assert.equal(trial(zone, SIZE, 0, attack, "strong", honest.centre), found, "the same again");
});
