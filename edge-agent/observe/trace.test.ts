import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sharedDir } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import type { StationId } from "../../models/units.ts";
import { answeredBy, createCalls, noteCall } from "./calls.ts";
import type { Call } from "./calls.ts";
import { parseMessage } from "./ocppj.ts";
import { parseTraceLine } from "./trace.ts";

/** The expected consumer view that the reference traces come with. */
interface Expected {
  readonly counts: { records: number; calls: number; callResults: number; callErrors: number };
  readonly records: readonly {
    index?: number; messageType: string; messageId: string; action?: string; correlatesWith?: number;
  }[];
  readonly unansweredCalls: readonly number[];
  readonly orphanResponses: readonly number[];
}

/** The same view of a trace, as our parser and our matching of calls see it. */
function viewOf(lines: readonly string[]): Expected {
  const counts = { records: 0, calls: 0, callResults: 0, callErrors: 0 };
  const calls = createCalls();
  const records: Expected["records"][number][] = [];
  const orphanResponses: number[] = [];
  lines.forEach((line, index) => {
    const parsed = parseTraceLine(line);
    if (!parsed.ok || parsed.event.kind !== "frame") throw new Error(`line ${index} was not read`);
    const { direction, text } = parsed.event;
    const message = parseMessage(text);
    counts.records += 1;
    if (message.type === "CALL") {
      counts.calls += 1;
      const call = { direction, ...message, text, frameNo: index, at: parsed.at, monoMs: 0, version: "1.6" };
      noteCall(calls, call as unknown as Call);
      records.push({ messageType: "CALL", messageId: message.id, action: message.action });
    } else if (message.type === "CALLRESULT" || message.type === "CALLERROR") {
      counts[message.type === "CALLRESULT" ? "callResults" : "callErrors"] += 1;
      const call = answeredBy(calls, direction, message.id);
      if (call === undefined) orphanResponses.push(index);
      const found = call === undefined ? {} : { action: call.action, correlatesWith: call.frameNo };
      records.push({ messageType: message.type, messageId: message.id, ...found });
    }
  });
  const unansweredCalls = Object.values(calls.waiting)
    .flatMap(({ calls: left }) => [...left.values()].map(({ frameNo }) => frameNo));
  return { counts, records, unansweredCalls, orphanResponses };
}

function withoutRaw(line: string): string {
  const { raw: _raw, ...rest } = JSON.parse(line) as Record<string, unknown>;
  return JSON.stringify(rest);
}

const shared = sharedDir();
if (shared === undefined) test.skip("the reference traces", "no ../shared");
else {
  const folder = join(shared, "data/traces/fixtures");
  const names = readdirSync(folder).sort();
  test("there are 16 reference traces", () => {
    assert.is(names.length, 16);
  });
  for (const name of names) {
    test(`reference trace ${name}: as expected, from raw frames and from fields`, () => {
      const expected = JSON.parse(readFileSync(join(folder, name, "expected.json"), "utf8")) as Expected;
      const lines = readFileSync(join(folder, name, "trace.jsonl"), "utf8").split("\n").filter((line) => line !== "");
      const records = expected.records.map(({ index: _index, ...rest }) => rest);
      const { counts, unansweredCalls, orphanResponses } = expected;
      const view = { counts, records, unansweredCalls, orphanResponses };
      assert.equal(viewOf(lines), view);
      assert.equal(viewOf(lines.map(withoutRaw)), view);
    });
  }
}

const LINE = {
  schemaVersion: "1.1", timestamp: "2024-01-15T12:00:00.000Z", ocppVersion: "1.6", transport: "json",
  chargePointId: "CP-1", direction: "cp-to-csms", messageType: "CALL", messageId: "1", action: "Heartbeat", payload: {},
};
const parse = (change: object): ReturnType<typeof parseTraceLine> =>
  parseTraceLine(JSON.stringify({ ...LINE, ...change }));
const textOf = (change: object): unknown => {
  const line = parse(change);
  return line.ok && line.event.kind === "frame" ? line.event.text : line;
};

test("raw is the truth, whatever the fields say", () => {
  assert.is(textOf({ raw: "not even JSON", messageType: "NONSENSE", messageId: 7 }), "not even JSON");
  assert.is(textOf({ raw: "" }), "");
});

test("without raw the frame is rebuilt, of every message type", () => {
  assert.is(textOf({}), '[2,"1","Heartbeat",{}]');
  assert.is(textOf({ messageType: "CALLRESULT", payload: { a: 1 } }), '[3,"1",{"a":1}]');
  assert.is(textOf({ messageType: "CALLERROR", error: { code: "X" } }), '[4,"1","X","",{}]');
  const error = { code: "X", description: "d", details: [] };
  assert.is(textOf({ messageType: "CALLRESULTERROR", error }), '[5,"1","X","d",[]]');
  assert.is(textOf({ messageType: "SEND", payload: undefined }), '[6,"1","Heartbeat",{}]');
});

test("an unknown ocppVersion is left to the traffic; unknown fields are ignored", () => {
  const line = parse({ ocppVersion: "1.5", anything: [] });
  assert.equal(line.ok && line.event, { kind: "frame", direction: "cp-to-csms", text: '[2,"1","Heartbeat",{}]' });
});

test("a line without chargePointId is of the station that the caller names", () => {
  const text = JSON.stringify({ ...LINE, chargePointId: undefined });
  const line = parseTraceLine(text, "CP-9" as StationId);
  assert.is(line.ok && line.station, "CP-9");
  assert.is(parseTraceLine(text).ok, false);
});

test("connection lines", () => {
  const base = { timestamp: LINE.timestamp, chargePointId: "CP-1" };
  const meta = { tlsPeerSha256: "ab", remoteAddress: "192.0.2.1", closeCode: 1006, other: 1 };
  const link = (change: object): unknown => {
    const line = parseTraceLine(JSON.stringify({ ...base, ...change }));
    return line.ok && line.event;
  };
  assert.equal(link({ event: "connect" }), { kind: "link", state: "connect" });
  assert.equal(link({ event: "disconnect", meta }), {
    kind: "link", state: "disconnect", tlsPeerSha256: "ab", remoteAddress: "192.0.2.1", closeCode: 1006,
  });
  const bad = { remoteAddress: 7, closeCode: "x" };
  assert.equal(link({ event: "connect", meta: bad }), { kind: "link", state: "connect" });
});

const BAD: readonly (readonly [object, string])[] = [
  [{ timestamp: "2024-01-15T12:00:00" }, "timestamp"],
  [{ timestamp: undefined }, "timestamp"],
  [{ chargePointId: "a/b" }, "chargePointId"],
  [{ chargePointId: "x".repeat(49) }, "chargePointId"],
  [{ chargePointId: 7 }, "chargePointId"],
  [{ schemaVersion: "2.0" }, "schemaVersion"],
  [{ schemaVersion: 1.1 }, "schemaVersion"],
  [{ transport: "soap" }, "transport"],
  [{ direction: "up" }, "direction"],
  [{ direction: undefined }, "direction"],
  [{ raw: {} }, "raw"],
  [{ raw: null }, "raw"],
  [{ messageType: "PING" }, "messageType"],
  [{ messageType: "constructor" }, "messageType"],
  [{ messageId: 7 }, "messageId"],
  [{ action: undefined }, "action"],
  [{ event: "explode" }, "event"],
  [{ event: null }, "event"],
];

for (const [change, what] of BAD) {
  test(`a line with ${JSON.stringify(change).slice(0, 60)} names ${what}`, () => {
    const problem = parse(change);
    assert.is(!problem.ok && problem.what, what);
    assert.ok(!problem.ok && problem.allowed.length > 0 && problem.found.length <= 64);
  });
}

test("what is no JSON object, or far too long, is a problem of the line", () => {
  for (const text of ["", "null", "[]", "{", "7", '"x"', "[".repeat(100_000), " ".repeat(5 << 20)]) {
    const problem = parseTraceLine(text);
    assert.is(!problem.ok && problem.what, "line", text.slice(0, 10));
  }
});

test("a payload nested too deep to be written again is a problem and no exception", () => {
  const deep = `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`;
  const line = parseTraceLine(JSON.stringify(LINE).replace('"payload":{}', `"payload":${deep}`));
  assert.is(!line.ok && ["payload", "line"].includes(line.what), true);
});
