import { assert, test } from "../../build/testing.ts";
import { HOUR_MS, MINUTE_MS, type WallMs } from "../units.ts";
import { jointCauses, openWindows, windowNames } from "./joint-causes.ts";

const tariff = { kind: "tariff", zone: "z", daily: "00:30", spreadS: 600, timezone: "Europe/Madrid" };
const response = {
  kind: "demand-response", zone: "z", from: "2026-03-01T17:00:00.000Z", to: "2026-03-01T18:00:00.000Z",
  expect: "decrease",
};
const read = (...events: object[]) => jointCauses(events.map((event) => JSON.stringify(event)), "z");
const open = (time: string, ...events: object[]) =>
  openWindows(read(...events), Date.parse(time) as WallMs).map(({ expect }) => expect);

test("a tariff's window is by the local clock, in summer too, and lasts as long as its spread", () => {
  const cases: [string, boolean][] = [
    ["2026-03-01T23:28:50Z", false], ["2026-03-01T23:29:10Z", true], ["2026-03-01T23:40:50Z", true],
    ["2026-03-01T23:41:10Z", false], ["2026-03-02T00:31:00Z", false], ["2026-07-01T22:31:00Z", true],
    ["2026-07-01T23:31:00Z", false],
  ];
  for (const [time, isOpen] of cases) assert.equal(open(time, tariff), isOpen ? ["increase"] : [], time);
});

test("a demand response goes in its direction and comes back in the other", () => {
  const cases: [string, string[]][] = [
    ["2026-03-01T16:58:00Z", []], ["2026-03-01T17:05:00Z", ["decrease"]], ["2026-03-01T17:30:00Z", []],
    ["2026-03-01T18:05:00Z", ["increase"]], ["2026-03-01T18:12:00Z", []], ["2026-03-02T17:05:00Z", []],
  ];
  for (const [time, expected] of cases) assert.equal(open(time, response), expected, time);
});

test("each occurrence of a tariff is a window of its own, under one name", () => {
  const causes = read(tariff);
  const first = openWindows(causes, Date.parse("2026-03-01T23:35:00Z") as WallMs)[0]!;
  const second = openWindows(causes, Date.parse("2026-03-02T23:35:00Z") as WallMs)[0]!;
  assert.is(second.from - first.from, 24 * HOUR_MS);
  assert.is(first.to - first.from, 12 * MINUTE_MS);
  assert.equal([second.name, [...windowNames(causes)]], [first.name, [first.name]]);
});

test("what is for another zone, of another kind or unreadable explains nothing; without a zone it is for all", () => {
  const bad: object[] = [
    { ...tariff, zone: "y" }, { ...tariff, kind: "weather" }, { ...tariff, daily: "24:30" }, { ...tariff, daily: 30 },
    { ...tariff, spreadS: -1 }, { ...tariff, spreadS: 1e9 }, { ...tariff, timezone: "Mars/Olympus" },
    { ...tariff, expect: "sideways" }, { ...response, to: response.from }, { ...response, from: "soon" },
    { kind: "demand-response" }, [], [tariff],
  ];
  assert.equal(read(...bad), []);
  assert.equal(jointCauses(["", "{", "null", "7", "[]"], "z"), []);
  assert.is(read({ ...tariff, zone: undefined }).length, 1);
  assert.is(read(...new Array<object>(500).fill(tariff)).length, 32);
});
