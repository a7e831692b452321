import { assert, test } from "../../build/testing.ts";
import type { Direction } from "../../models/terms.ts";
import type { MonotonicMs, WallMs } from "../../models/units.ts";
import { answeredBy, contradicts, createCalls, endOverdue, noteCall } from "./calls.ts";
import type { Call } from "./calls.ts";

function call(id: string, rest: { text?: string; direction?: Direction; monoMs?: number } = {}): Call {
  const { text = id, direction = "cp-to-csms", monoMs = 0 } = rest;
  return {
    direction, id, text, action: "Heartbeat", payload: {}, version: "1.6", frameNo: 1, at: 0 as WallMs,
    monoMs: monoMs as MonotonicMs,
  };
}

const ids = (calls: readonly Call[]): string[] => calls.map(({ id }) => id);
const SMALL = { maxCalls: 3, maxChars: 100, timeoutMs: 1000 };

test("a result answers the call of the other direction, once", () => {
  const calls = createCalls();
  noteCall(calls, call("a"));
  assert.is(answeredBy(calls, "cp-to-csms", "a"), undefined);
  assert.is(answeredBy(calls, "csms-to-cp", "a")?.id, "a");
  assert.is(answeredBy(calls, "csms-to-cp", "a"), undefined);
});

test("the same id in the other direction is another call", () => {
  const calls = createCalls();
  assert.is(noteCall(calls, call("a")).as, "new");
  assert.is(noteCall(calls, call("a", { direction: "csms-to-cp" })).as, "new");
});

test("an identical call is a retry; another content under its id is a repeat and ends the earlier call", () => {
  const calls = createCalls();
  noteCall(calls, call("a", { text: "one" }));
  assert.equal(noteCall(calls, call("a", { text: "one" })), { as: "retry", ended: [] });
  const repeated = noteCall(calls, call("a", { text: "two" }));
  assert.is(repeated.as, "repeated");
  assert.equal(repeated.ended.map(({ text }) => text), ["one"]);
  assert.is(answeredBy(calls, "csms-to-cp", "a")?.text, "two");
});

test("past the number of calls, the oldest ends", () => {
  const calls = createCalls(SMALL);
  for (const id of ["a", "b", "c"]) assert.equal(noteCall(calls, call(id)).ended, []);
  assert.equal(ids(noteCall(calls, call("d")).ended), ["a"]);
  assert.is(answeredBy(calls, "csms-to-cp", "a"), undefined);
  assert.is(answeredBy(calls, "csms-to-cp", "b")?.id, "b");
});

test("past the characters, the oldest end; one call larger than the limit may wait alone", () => {
  const calls = createCalls(SMALL);
  noteCall(calls, call("a", { text: "x".repeat(60) }));
  assert.equal(ids(noteCall(calls, call("b", { text: "x".repeat(60) })).ended), ["a"]);
  assert.equal(ids(noteCall(calls, call("c", { text: "x".repeat(500) })).ended), ["b"]);
  assert.is(calls.waiting["cp-to-csms"].chars, 500);
  assert.is(answeredBy(calls, "csms-to-cp", "c")?.id, "c");
  assert.is(calls.waiting["cp-to-csms"].chars, 0);
});

test("a call is overdue at its time-out and not before; without a time all end", () => {
  const calls = createCalls(SMALL);
  noteCall(calls, call("a", { monoMs: 0 }));
  noteCall(calls, call("b", { monoMs: 500 }));
  noteCall(calls, call("c", { monoMs: 600, direction: "csms-to-cp" }));
  assert.equal(ids(endOverdue(calls, 999 as MonotonicMs)), []);
  assert.equal(ids(endOverdue(calls, 1000 as MonotonicMs)), ["a"]);
  assert.equal(ids(endOverdue(calls)), ["b", "c"]);
  assert.is(calls.waiting["cp-to-csms"].calls.size, 0);
});

test("a second result contradicts the first where both decide, and differently", () => {
  const calls = createCalls();
  noteCall(calls, call("a"));
  answeredBy(calls, "csms-to-cp", "a", "Accepted");
  assert.ok(contradicts(calls, "csms-to-cp", "a", "Invalid"));
  for (const verdict of ["Accepted", undefined]) assert.not.ok(contradicts(calls, "csms-to-cp", "a", verdict), verdict);
  assert.not.ok(contradicts(calls, "cp-to-csms", "a", "Invalid"), "the other direction");
  assert.not.ok(contradicts(calls, "csms-to-cp", "b", "Invalid"), "nobody asked");
  for (let n = 0; n < 2; n++) noteCall(calls, call("c"));
  answeredBy(calls, "csms-to-cp", "c", "Accepted");
  assert.not.ok(contradicts(calls, "csms-to-cp", "c", "ConcurrentTx"), "asked twice");
});
