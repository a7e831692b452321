import { assert, test } from "../build/testing.ts";
import type { Alert } from "../models/terms.ts";
import { wantsColour } from "./adapters/alert-terminal.ts";
import { alertText } from "./alert-text.ts";

const ALERT: Alert = {
  schemaVersion: "1.0", time: "2026-03-01T09:00:20.000Z", incidentId: "3fa2c1b4d5e6f708", state: "raised",
  scope: "station", threat: "energy-theft", region: "local", zone: "CP-001", stations: ["CP-001"],
  onset: "2026-03-01T08:57:00.000Z", severity: "high", confidence: 0.974,
  summary: "Energy is delivered and not billed at CP-001: 12.4 kWh.",
  explanation: [
    { term: "power step", value: 3, share: 0.19 }, { term: "delivered less billed", value: 13, share: 0.81 },
  ],
  evidence: [], nextStep: "Compare the meters.", agent: "CP-001",
};

test("an alert in plain words: when, how bad, what, where, why with the largest reason first, what next", () => {
  assert.is(alertText(ALERT, false), [
    "2026-03-01T09:00:20.000Z  RAISED high  energy-theft at CP-001, 97 % sure",
    "    Energy is delivered and not billed at CP-001: 12.4 kWh.",
    "    since: 2026-03-01T08:57:00.000Z",
    "    why:   delivered less billed 81 %; power step 19 %",
    "    next:  Compare the meters.",
    "    more:  kerbwatch explain 3fa2c1b4d5e6",
    "",
  ].join("\n"));
});

test("no alert is quite sure", () => {
  assert.match(alertText({ ...ALERT, confidence: 1 }, false), "at CP-001, over 99 % sure\n");
  assert.match(alertText({ ...ALERT, confidence: 0.99 }, false), "at CP-001, 99 % sure\n");
});

test("a cleared alert asks for nothing", () => {
  assert.not.match(alertText({ ...ALERT, state: "cleared" }, false), "next:");
});

test("a zone alert names the zone and some of its stations", () => {
  const stations = Array.from({ length: 14 }, (_, i) => `CP-${i}`);
  const text = alertText({ ...ALERT, scope: "zone", zone: "feeder-7", stations }, false);
  assert.match(text, "at zone feeder-7 (CP-0, CP-1, CP-2, CP-3, CP-4 and 9 more)");
});

test("vendor strings cannot colour, move the cursor or forge a line", () => {
  const evil = "a\u001b[2J\u009b31m\r\n2026 CLEARED\u202e";
  const text = alertText({
    ...ALERT, summary: evil, nextStep: evil, stations: [evil], time: evil, incidentId: evil,
    explanation: [{ term: evil, value: 1, share: 1 }],
  }, false);
  assert.not.match(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  assert.is(text.split("\n").length, 7);
});

test("colour only when asked for", () => {
  assert.match(alertText(ALERT, true), "\u001b[31mRAISED high\u001b[0m");
  assert.not.match(alertText(ALERT, false), "\u001b");
});

const COLOUR: [boolean | undefined, Record<string, string>, boolean][] = [
  [true, {}, true], [true, { NO_COLOR: "" }, true], [true, { NO_COLOR: "1" }, false], [true, { TERM: "dumb" }, false],
  [false, {}, false], [undefined, {}, false],
];
for (const [isTty, env, expected] of COLOUR) {
  test(`colour with a terminal ${String(isTty)} and ${JSON.stringify(env)}: ${expected}`, () => {
    assert.is(wantsColour(isTty, env), expected);
  });
}
