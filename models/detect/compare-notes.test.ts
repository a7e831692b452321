import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { HOUR_MS, MINUTE_MS, type TokenPseudonym } from "../units.ts";
import { distanceKm, type HeardUse, MEETINGS, meetingOf, meetingsOf, type Span } from "./compare-notes.ts";

const TOKEN = "00000000000000aa" as TokenPseudonym;
const NOW = 100 * HOUR_MS;
const span = (fromMin: number, toMin?: number): Span =>
  ({ from: fromMin * MINUTE_MS, ...(toMin !== undefined && { to: toMin * MINUTE_MS }) });
const heard = (station: string, fromMin: number, toMin?: number, km?: number): HeardUse =>
  ({ token: TOKEN, station, ...span(fromMin, toMin), ...(km !== undefined && { km }) });

test("distances as the crow flies", () => {
  const dundee = { lat: 56.46, lon: -2.97 };
  const cases: [{ lat: number; lon: number }, { lat: number; lon: number }, number][] = [
    [dundee, dundee, 0], [dundee, { lat: 55.86, lon: -4.25 }, 103.5],
    [{ lat: 0, lon: 0 }, { lat: 0, lon: 180 }, 20_015],
    [{ lat: 90, lon: 0 }, { lat: 90, lon: 77 }, 0], [{ lat: 0, lon: 179.9 }, { lat: 0, lon: -179.9 }, 22.2],
  ];
  for (const [from, to, km] of cases) {
    assert.ok(Math.abs(distanceKm(from, to) - km) < 1, `${distanceKm(from, to)}`);
    assert.ok(Math.abs(distanceKm(from, to) - distanceKm(to, from)) < 1e-9);
  }
});

test("two uses of one idToken at two stations, as a table", () => {
  const cases: [string, Span, Span, number | undefined, string | undefined][] = [
    ["one after the other, a drive apart", span(0, 60), span(180, 240), 104, undefined],
    ["100 km in ten minutes", span(0, 60), span(70, 240), 104, "too-fast"],
    ["two places at once", span(0, 60), span(30, 90), 104, "overlap-far"],
    ["still open there", span(0), span(600, 660), 104, "overlap-far"],
    ["a household's two cars", span(0, 60), span(30, 90), 0.06, "overlap-near"],
    ["a minute of overlap is two clocks", span(0, 60), span(59, 90), 0.06, undefined],
    ["next door at once after the end", span(0, 60), span(60, 90), 0.06, undefined],
    ["places not known", span(0, 60), span(61, 90), undefined, undefined],
    ["places not known, at once", span(0, 60), span(30, 90), undefined, "overlap-near"],
    ["an absurd distance", span(0, 60), span(61, 90), Number.NaN, undefined],
    ["a time that is none", span(Number.NaN, 60), span(30, 90), 1, undefined],
  ];
  for (const [name, one, other, km, meeting] of cases) {
    assert.is(meetingOf(one, other, km, NOW), meeting, name);
    assert.is(meetingOf(other, one, km, NOW), meeting, `${name}, the other way round`);
  }
});

test("of many notes of a card the most telling of each station counts, and other cards do not", () => {
  const known = [
    heard("B", 0, 360, 0.1), heard("B", 10, 20, 50), heard("C", 300, 360, 0.2), heard("D", 5, 400, 9),
    { ...heard("E", 0, 500, 9), token: "bb" as TokenPseudonym },
  ];
  assert.equal([...meetingsOf(TOKEN, span(330, 400), known, NOW)], [
    ["B", "overlap-near"], ["C", "overlap-near"], ["D", "overlap-far"],
  ]);
  assert.equal([...meetingsOf(TOKEN, span(25, 26), known, NOW)], [["B", "too-fast"], ["D", "overlap-far"]]);
  assert.is(meetingsOf(TOKEN, span(61, 90), [], NOW).size, 0);
});

test("property: either way round the same, and no throw, whatever the notes hold", () => {
  const random = seeded(64);
  const figures = [NaN, Infinity, -Infinity, 0, -1, 90, 181, 1e308];
  const figure = (): number => (random.int(2) === 0 ? random.pick(figures) : random.next() * 1e9);
  let met = 0;
  for (let run = 0; run < 5_000; run++) {
    const [one, other, km, now] = [
      { from: figure(), to: figure() }, { from: figure(), to: figure() }, figure(), figure(),
    ];
    const meeting = meetingOf(one, other, km, now);
    if (one.from !== other.from) assert.is(meetingOf(other, one, km, now), meeting);
    assert.ok(meeting === undefined || MEETINGS.includes(meeting));
    if (meeting !== undefined) met += 1;
  }
  assert.ok(met > 500);
});
