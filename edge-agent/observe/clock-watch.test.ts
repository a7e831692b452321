import { assert, test } from "../../build/testing.ts";
import type { Observation } from "../../models/terms.ts";
import type { MonotonicMs, Now, WallMs } from "../../models/units.ts";
import type { News } from "../../gossip/protocol-state.ts";
import { type ClockWatch, createClockWatch, neighboursClock, watchClock } from "./clock-watch.ts";

const EARLIEST = Date.UTC(2026, 0, 1) as WallMs;
const MARCH = Date.UTC(2026, 2, 1);

const now = (wallMs: number): Now => ({ wallMs: wallMs as WallMs, monoMs: 0 as MonotonicMs });

/** What is said when the agent's clock shows `wallMs` and the CSMS tells a clock `aheadS` behind it, if any. */
function told(watch: ClockWatch, wallMs: number, aheadS?: number): string[] {
  const at = wallMs as WallMs;
  const seen: Observation[] = aheadS === undefined ? [{ kind: "tick", at }]
    : [{ kind: "csms-time", at, csmsTime: (wallMs - aheadS * 1_000) as WallMs }];
  return watchClock(watch, seen, now(wallMs)).map((effect) => (effect.kind === "notice" ? effect.text : effect.kind));
}

test("a clock that agrees, or that nobody checked, is not talked of", () => {
  const watch = createClockWatch(EARLIEST);
  assert.equal(told(watch, MARCH), []);
  assert.is(watch.state, "unchecked");
  for (const aheadS of [0, 5, -59, 60]) assert.equal(told(watch, MARCH, aheadS), []);
  assert.is(watch.state, "good");
});

test("a clock that is off is said once, with how much and which way, and again when it is good", () => {
  const watch = createClockWatch(EARLIEST);
  assert.match(told(watch, MARCH, 61).join(), /61 s ahead of the CSMS's/);
  assert.equal(told(watch, MARCH, 7_200), []);
  assert.equal(told(watch, MARCH), []);
  assert.match(told(watch, MARCH, 1).join(), /agrees again/);
  assert.match(told(watch, MARCH, -3_600).join(), /3600 s behind the CSMS's/);
  assert.is(watch.aheadOfCsmsMs, -3_600_000);
});

test("a clock that was never set is said, and states what that means", () => {
  const watch = createClockWatch(EARLIEST);
  assert.match(told(watch, 5_000).join(), /1970-01-01T00:00:05.000Z cannot be.*nothing is stated/);
  assert.is(watch.state, "unset");
  assert.equal(told(watch, EARLIEST - 1), []);
  assert.is(told(watch, MARCH).length, 1);
  assert.is(watch.state, "unchecked");
});

test("what the zone says of the clock: how much, which way, and when it is over; nothing else is its business", () => {
  const says = (...news: readonly News[]): string[] => neighboursClock(news, 10).map((effect) =>
    (effect.kind === "notice" ? effect.text : effect.kind));
  assert.equal(says({ kind: "clock", isOff: true, offsetEpochs: 5 }),
    ["clock: 50 s behind the neighbours' median; publishes nothing until it is set"]);
  assert.match(says({ kind: "clock", isOff: true, offsetEpochs: -7 }).join(), "70 s ahead of the neighbours' median");
  assert.match(says({ kind: "clock", isOff: false, offsetEpochs: 0 }).join(), "publishes again");
  assert.equal(says({ kind: "problem", problem: "past", from: "CP-2" }), []);
});

test("unset wins over off: first things first", () => {
  const watch = createClockWatch(EARLIEST);
  assert.match(told(watch, 1_000, -1e9).join(), /never set/);
  assert.match(told(watch, MARCH, 1e6).join(), /1000000 s ahead/);
});
