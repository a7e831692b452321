import {
  afterEnd, type CrashNow, type CrashRecord, FIRST_TERM_S, LIMIT, LONGEST_TERM_S, NO_CRASHES, pastOf, pauseMs,
  relayTerm, tryAt, WINDOW_S,
} from "./crash-record.ts";
import { assert, test } from "../build/testing.ts";
import type { WallMs } from "../models/units.ts";

const at = (uptimeS: number): CrashNow => ({ uptimeS, wallMs: 1_772_355_600_000 + 1_000 * uptimeS as WallMs });

function afterEnds(times: readonly number[], hung = false, from: CrashRecord = NO_CRASHES): CrashRecord {
  return times.reduce((record, time) => afterEnd(record, "SIGKILL", hung, at(time)), from);
}

const seconds = (count: number, from = 100): number[] => Array.from({ length: count }, (_, i) => from + i);

test("one end less than the limit runs on; the limit itself relays, from the first end beyond for one term", () => {
  assert.is(afterEnds(seconds(LIMIT - 1)).relay, undefined);
  const { relay } = afterEnds(seconds(LIMIT));
  assert.equal(relay, { since: at(105).wallMs, why: "the agent ended 6 times within 10 minutes, last: SIGKILL",
    termS: FIRST_TERM_S, untilS: 105 + FIRST_TERM_S });
});

test("one hang runs on, two relay", () => {
  assert.is(afterEnds([100], true).relay, undefined);
  assert.ok(afterEnds([100, 120], true).relay);
});

test("ends that lie apart do not add up, however many", () => {
  const apart = Array.from({ length: 50 }, (_, i) => i * WINDOW_S / (LIMIT - 1));
  assert.is(afterEnds(apart).relay, undefined);
  assert.ok(afterEnds(apart.map((time) => time * 0.99)).relay, "a little closer they do");
});

test("ends of a later uptime than now are another boot's", () => {
  const record = afterEnds(seconds(LIMIT - 1, 5_000));
  assert.is(afterEnds(seconds(1, 10), false, record).ends.length, 1);
});

test("the record stays small", () => {
  const record = afterEnds(seconds(1_000));
  assert.is(record.ends.length, LIMIT);
  assert.ok(JSON.stringify(record).length < 1_000);
});

test("a try that fails once leads back at once, twice as long, until the longest term; since stays", () => {
  let record = afterEnds(seconds(LIMIT));
  const since = record.relay?.since;
  const terms = [];
  for (let round = 0; round < 8; round++) {
    const untilS = record.relay?.untilS ?? 0;
    assert.ok(relayTerm(record, untilS - 1));
    assert.is(relayTerm(record, untilS), undefined, "the agent is tried");
    record = afterEnds([untilS + WINDOW_S], false, record);
    terms.push(record.relay?.termS);
    assert.is(record.relay?.since, since);
  }
  assert.equal(terms, [1200, 2400, 4800, 9600, 19_200, LONGEST_TERM_S, LONGEST_TERM_S, LONGEST_TERM_S]);
  assert.match(record.relay?.why ?? "", "the agent ended again within 10 minutes");
});

test("the time of the next try by the wall clock", () => {
  const { relay } = afterEnds(seconds(LIMIT));
  assert.is(tryAt(relay!, at(105)), at(105 + FIRST_TERM_S).wallMs);
  assert.is(tryAt(relay!, at(9_999)), at(9_999).wallMs, "never in the past");
});

test("what the log is told: nothing, the end, the end and the relay", () => {
  assert.equal(pastOf(NO_CRASHES), []);
  assert.equal(pastOf(afterEnds([100])), ["the run before this one ended unasked (SIGKILL)"]);
  assert.match(pastOf(afterEnds(seconds(LIMIT)))[1] ?? "",
    /^from 2026-03-01T09:01:45.000Z on frames passed unread, by a plain relay: the agent ended 6 times/);
});

test("pauses grow from a fifth of a second and stay bearable", () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7].map((count) => pauseMs(afterEnds(seconds(count))));
  assert.equal(pauses, [200, 400, 800, 1600, 3200, 5000, 5000]);
});
