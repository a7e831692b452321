import { assert, test } from "../../../build/testing.ts";
import { RELEASED } from "../../version.ts";
import { checkClock } from "./clock.ts";

const NOW = Date.parse("2026-11-01T12:00:00.000Z");
const CASES: [string, number, number | undefined, string, RegExp][] = [
  ["never set", 0, undefined, "fail", /^1970-.* the clock was never set$/],
  ["a second before the release", Date.parse(RELEASED) - 1, undefined, "fail", /never set/],
  ["nothing to compare with", NOW, undefined, "ok", /gives no time/],
  ["the same", NOW, NOW, "ok", /0 s ahead of the CSMS/],
  ["within one epoch and the header's second", NOW, NOW + 11_000, "ok", /11 s behind/],
  ["more than one epoch behind", NOW, NOW + 12_000, "warn", /12 s behind/],
  ["more than one epoch ahead", NOW, NOW - 300_000, "warn", /5 min ahead/],
  ["hours off", NOW, NOW - 7_200_000, "fail", /2 h 0 min ahead/],
];
for (const [name, wallMs, csmsMs, state, says] of CASES) {
  test(`clock ${name}: ${state}`, () => {
    const check = checkClock(wallMs, csmsMs, 10);
    assert.is(check.state, state);
    assert.match(check.says, says);
    assert.is(check.mend === undefined, state === "ok");
  });
}
