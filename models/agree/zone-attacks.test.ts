/** What a zone of six with f = 1 finds, with the real detectors: attacks that no station sees, and a broken charger. */
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { type Happening, HOUR_S, type Key, Street } from "./street.testing.ts";
import { decide } from "./zone-decision.ts";

const ZONE = { n: 6, f: 1 };
const FROM_S = 2 * HOUR_S;
const everybody = [0, 1, 2, 3, 4, 5];

/** Lives through what is planned on an otherwise quiet street; the time of the first raise of each key, s. */
function raisedAt(
  epochS: number, happenings: readonly Happening[],
): { at: Partial<Record<Key, number>>; alone: boolean } {
  const street = new Street({ n: ZONE.n, epochS, still: true }, seeded(1));
  for (const happening of happenings) street.plan(happening);
  const at: Partial<Record<Key, number>> = {};
  let alone = false;
  street.live(6, (key, seconds) => {
    alone ||= street.raisedAlone("authorization-abuse") > 0;
    for (const onset of street.onsets(key, seconds)) {
      const growths = street.growths(key, onset, seconds).map((nats) => Math.round(1_000 * nats));
      if (decide({ ...ZONE, key, growths }).raises) at[key] ??= seconds - FROM_S;
    }
  });
  return { at, alone };
}

const starts = (stations: readonly number[]): Happening[] => stations.map((station) =>
  ({ seconds: FROM_S + 1 + 1.5 * station, station, what: "start", value: 1 }));
const refusals = (stations: readonly number[], each: number, everyS: number): Happening[] =>
  stations.flatMap((station) => Array.from({ length: each }, (_, n) =>
    ({ seconds: FROM_S + 1 + (n + station / 6) * everyS, station, what: "refusal" as const, value: 1 })));

test("four of six start within ten seconds: raised within two epochs; three are a coincidence", () => {
  const { at } = raisedAt(10, starts([0, 2, 3, 5]));
  assert.ok((at.starts ?? Infinity) <= 20, `${at.starts}`);
  assert.is(raisedAt(10, starts([0, 2, 3])).at.starts, undefined);
});

test("refused tokens at 2.5 an hour at each station: raised within an hour, and by no station alone by then", () => {
  const { at, alone } = raisedAt(10, refusals(everybody, 3, HOUR_S / 2.5));
  assert.ok((at.refusals ?? Infinity) <= HOUR_S, `${at.refusals}`);
  assert.not(alone);
});

test("two refused tokens at each station in two minutes, one-second epochs: the zone says it, no station does", () => {
  const { at, alone } = raisedAt(1, refusals(everybody, 2, 60));
  assert.ok((at.refusals ?? Infinity) <= 120 && (at["authorization-abuse"] ?? Infinity) <= 120, JSON.stringify(at));
  assert.not(alone);
});

test("one charger that refuses everything and starts without end: the station says it, the zone does not", () => {
  const storm = Array.from({ length: 300 }, (_, n): Happening =>
    ({ seconds: FROM_S + n * 20, station: 3, what: n % 3 === 0 ? "start" : "refusal", value: 1 }));
  const { at, alone } = raisedAt(10, storm);
  assert.equal(at, {});
  assert.ok(alone);
});
