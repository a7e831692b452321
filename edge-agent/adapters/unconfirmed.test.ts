import { assert, test } from "../../build/testing.ts";
import type { MonotonicMs } from "../../models/units.ts";
import { Unconfirmed } from "./unconfirmed.ts";

const at = (ms: number): MonotonicMs => ms as MonotonicMs;

function filled(count: number, most = 100, mostBytes = 1_000, forMs = 1_000): Unconfirmed {
  const unconfirmed = new Unconfirmed(most, mostBytes, forMs);
  for (let n = 0; n < count; n++) unconfirmed.add({ topic: `${n}`, payload: new Uint8Array(10) }, at(n));
  return unconfirmed;
}

const topics = (unconfirmed: Unconfirmed, ms: number): string[] => unconfirmed.all(at(ms)).map(({ topic }) => topic);

test("an answered ping confirms what went out before it, and nothing after", () => {
  const unconfirmed = filled(3);
  unconfirmed.pinged();
  unconfirmed.add({ topic: "after", payload: new Uint8Array(1) }, at(5));
  assert.equal(topics(unconfirmed, 5), ["0", "1", "2", "after"]);
  unconfirmed.answered();
  assert.equal(topics(unconfirmed, 5), ["after"]);
  unconfirmed.answered();
  assert.equal(topics(unconfirmed, 5), ["after"], "an answer to no ping confirms nothing");
});

test("bounded in number, bytes and age, the oldest first", () => {
  assert.equal(topics(filled(9, 3), 9), ["6", "7", "8"]);
  assert.equal(topics(filled(9, 100, 20), 9), ["7", "8"]);
  assert.equal(topics(filled(9, 100, 1_000, 2), 9), ["7", "8"]);
  assert.equal(topics(filled(9, 100, 5), 9), [], "one alone may be too large");
});

test("what was left out before the answer is not left out twice", () => {
  const unconfirmed = filled(4, 4);
  unconfirmed.pinged();
  for (const topic of ["a", "b"]) unconfirmed.add({ topic, payload: new Uint8Array(1) }, at(4));
  unconfirmed.answered();
  assert.equal(topics(unconfirmed, 4), ["a", "b"]);
  unconfirmed.clear();
  assert.equal(topics(unconfirmed, 4), []);
  for (let n = 0; n < 4; n++) unconfirmed.add({ topic: `${n}`, payload: new Uint8Array(249) }, at(5));
  assert.is(topics(unconfirmed, 5).length, 4, "bytes were counted down");
});
