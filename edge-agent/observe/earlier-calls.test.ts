import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { DAY_MS, HOUR_MS, type MonotonicMs, rfc3339, type WallMs } from "../../models/units.ts";
import { createEarlierCalls, isLateCopy, noteAnswered } from "./earlier-calls.ts";

const START = Date.UTC(2026, 2, 2) as WallMs;
const after = (ms: number) => ({ at: (START + ms) as WallMs, monoMs: (1_000 + ms) as MonotonicMs });
interface Sent {
  readonly action: string;
  readonly text: string;
  readonly at: WallMs;
}

function sent(id: number, ms: number, stamp = rfc3339(after(ms).at), action = "StatusNotification"): Sent {
  return { action, text: `[2,"${id}","${action}",{"timestamp":"${stamp}"}]`, at: after(ms).at };
}

/** Whether `call` is a copy when it comes again at `ms`, after it and then `others` were answered at 0. */
function again(call: Omit<Sent, "at">, ms: number, others = [sent(2, 1)]): boolean {
  const earlier = createEarlierCalls();
  for (const one of [{ ...call, at: START }, ...others]) noteAnswered(earlier, one, after(0).monoMs);
  return isLateCopy(earlier, { ...call, at: after(ms).at }, after(ms).monoMs);
}

test("a copy is one to the letter, an hour later or more, of a call after which another was answered", () => {
  assert.ok(again(sent(1, 0), DAY_MS));
  assert.ok(again(sent(1, 0), HOUR_MS));
  assert.not.ok(again(sent(1, 0), HOUR_MS - 1_000), "within the hour it may be a retry");
  const later = (count: number) => Array.from({ length: count }, (_, n) => sent(2 + n, 1));
  assert.ok(again(sent(1, 0), HOUR_MS / 4, later(5)), "no queue is so far out of order");
  assert.not.ok(again(sent(1, 0), HOUR_MS - 1_000, later(4)));
  assert.not.ok(again(sent(1, 0), HOUR_MS / 4 - 1_000, later(50)));
  assert.not.ok(again(sent(1, 0), DAY_MS, []), "the head of a queue, whose answer was lost");
  const earlier = createEarlierCalls();
  for (const n of [1, 2]) noteAnswered(earlier, sent(n, 0), after(0).monoMs);
  assert.not.ok(isLateCopy(earlier, sent(1, 5), after(DAY_MS).monoMs), "another time");
  assert.not.ok(isLateCopy(earlier, sent(3, 0), after(DAY_MS).monoMs), "another id");
  assert.not.ok(isLateCopy(earlier, sent(1, 0), after(-DAY_MS).monoMs), "a clock that went back");
});

test("calls that bear no time, or none of these days, may be alike by chance", () => {
  assert.not.ok(again({ action: "Authorize", text: '[2,"1","Authorize",{"idTag":"A"}]' }, DAY_MS));
  const none = ["1970-01-01T00:00:09Z", "2018-01-01T00:00:09Z", "2018-01-01T00:00:09", "2026-03-02T", "x".repeat(99)];
  for (const stamp of none) assert.not.ok(again(sent(1, 0, stamp), DAY_MS), stamp);
});

test("what tells of a transaction is the same under another number, and other calls are not", () => {
  const anew = (action: string, ms = 0, spelt = action): boolean => {
    const earlier = createEarlierCalls();
    const call = (id: number, at: number): Sent => ({ ...sent(id, at, undefined, spelt), action });
    for (const id of [1, 2]) noteAnswered(earlier, call(id, id), after(0).monoMs);
    return isLateCopy(earlier, { ...call(9, 1 + ms), at: after(DAY_MS).at }, after(DAY_MS).monoMs);
  };
  for (const action of ["StartTransaction", "StopTransaction", "TransactionEvent"]) {
    assert.ok(anew(action), action);
    assert.not.ok(anew(action, 1_000), `${action} of another time`);
    assert.not.ok(anew(action, 1_000, `\\u00${action.charCodeAt(0).toString(16)}${action.slice(1)}`), "however spelt");
  }
  // A station that is asked for them sends them as they were.
  for (const action of ["StatusNotification", "MeterValues", "toString"]) assert.not.ok(anew(action), action);
});

test("a local time without zone is known to the day, which is enough", () => {
  for (const stamp of ["2026-03-02T00:00:00", "2026-03-01T13:00:00.250", "2026-03-02T01:00:00+01:00"]) {
    assert.ok(again(sent(1, 0, stamp), DAY_MS), stamp);
  }
});

test("two hundred thousand honest calls: none is a copy, and what is long ago is forgotten", () => {
  const earlier = createEarlierCalls();
  for (let n = 0; n < 200_000; n++) {
    const [call, { monoMs }] = [sent(n % 1_000, n * 60_000), after(n * 60_000)];
    assert.not.ok(isLateCopy(earlier, call, monoMs), `${n}`);
    noteAnswered(earlier, call, monoMs);
  }
  assert.not.ok(isLateCopy(earlier, sent(0, 0), after(200_000 * 60_000).monoMs));
});

test("whatever is sent, nothing throws", () => {
  const [random, earlier] = [seeded(4), createEarlierCalls()];
  for (let n = 0; n < 20_000; n++) {
    const text = random.pick(["", "\"2026-03-02T", "\u0000", "😀".repeat(5_000), sent(n % 9, n).text]);
    const at = random.pick([0, -1, START, Number.MAX_SAFE_INTEGER]) as WallMs;
    const monoMs = random.pick([0, -5, 1, 1e15]) as MonotonicMs;
    const action = random.pick(["", "StatusNotification", "TransactionEvent"]);
    noteAnswered(earlier, { action, text, at }, monoMs);
    isLateCopy(earlier, { action, text, at }, monoMs);
  }
});
