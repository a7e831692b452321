import { createHmac } from "node:crypto";
import { assert, test } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import type { Seeded } from "../../build/seeded.ts";
import type { Crypto } from "../../models/crypto.ts";
import type { Direction, Observation } from "../../models/terms.ts";
import type { MonotonicMs, Now, StationId, WallMs } from "../../models/units.ts";
import { parseMeterLine } from "./meter-capture.ts";
import { createObserve, observe, recentFrame } from "./observe.ts";
import type { ObserveLimits, ObserveState } from "./observe.ts";
import { OCPP16 } from "./ocpp16.ts";
import { OCPP21 } from "./ocpp201.ts";
import { createSchemas } from "./schema-text.ts";
import { parseTraceLine } from "./trace.ts";

const crypto: Crypto = {
  sha256: () => new Uint8Array(32),
  hmacSha256: (key, data) => createHmac("sha256", key).update(data).digest(),
  verify: () => false,
};
const START = Date.UTC(2024, 0, 15, 10);
const at = (s: number): Now => ({ wallMs: (START + s * 1000) as WallMs, monoMs: (s * 1000) as MonotonicMs });

function create(limits: Partial<ObserveLimits> = {}): ObserveState {
  return createObserve({ station: "CP-1" as StationId, crypto, tokenSecret: new Uint8Array(32), limits });
}

function send(state: ObserveState, direction: Direction, frame: unknown, s = 0): Observation[] {
  const text = typeof frame === "string" ? frame : JSON.stringify(frame);
  return observe(state, { kind: "frame", direction, text }, at(s));
}

test("an observation that needs a result is dated and numbered by its call, the CSMS's clock by its result", () => {
  const state = create();
  assert.equal(send(state, "cp-to-csms", [2, "1", "BootNotification", { chargePointVendor: "V" }], 0), []);
  const seen = send(state, "csms-to-cp", [3, "1", { status: "Accepted", currentTime: "2024-01-15T10:00:09Z" }], 9);
  assert.equal(seen.map(({ kind, at: when, frameNo }) => [kind, when, frameNo]),
    [["boot", START, 1], ["csms-time", START + 9000, 2]]);
});

test("link, meter and time pass through", () => {
  const state = create();
  const wall = at(5).wallMs;
  assert.equal(observe(state, { kind: "link", state: "connect", remoteAddress: "192.0.2.1" }, at(5)),
    [{ kind: "link", at: wall, state: "connect", remoteAddress: "192.0.2.1" }]);
  assert.equal(observe(state, { kind: "meter", reading: { evseId: 1, powerW: 5 }, side: "ac-input" }, at(5)),
    [{ kind: "meter-reading", at: wall, reading: { evseId: 1, powerW: 5 }, side: "ac-input" }]);
  assert.equal(observe(state, { kind: "meter-lost", evseId: 1, why: "timed out" }, at(5)),
    [{ kind: "meter-lost", at: wall, evseId: 1, why: "timed out" }]);
  assert.equal(observe(state, { kind: "tick" }, at(5)), [{ kind: "tick", at: wall }]);
});

test("a frame that the tap could not parse is counted and seen", () => {
  const state = create();
  const oddity = { oddity: "binary", detail: "9 bytes" } as const;
  const seen = observe(state, { kind: "unparsed", direction: "cp-to-csms", ...oddity }, at(0));
  assert.equal(seen, [{ kind: "oddity", at: START, ...oddity }]);
  assert.equal([state.counts.frames, state.counts.unparsed, state.counts.oddities.get("binary")], [1, 1, 1]);
});

test("a recent frame is shown redacted, and gone once the ring is past it", () => {
  const state = create({ frames: { maxFrames: 2, maxChars: 1000 } });
  send(state, "cp-to-csms", [2, "1", "Authorize", { idTag: "04A2B3" }], 3);
  assert.equal(recentFrame(state, 1), {
    direction: "cp-to-csms", at: START + 3000, text: '[2,"1","Authorize",{"idTag":"<token>"}]',
  });
  send(state, "cp-to-csms", "garbage 04A2B3", 4);
  assert.is(recentFrame(state, 2)?.text, "<unparsed, 14 bytes>");
  send(state, "cp-to-csms", [2, "3", "Heartbeat", {}], 5);
  assert.is(recentFrame(state, 1), undefined);
  assert.is(recentFrame(state, 3)?.text, '[2,"3","Heartbeat",{}]');
  assert.is(recentFrame(state, 99), undefined);
});

test("the ring is bounded in characters too, and a huge frame does not empty it", () => {
  const state = create({ frames: { maxFrames: 1000, maxChars: 1000 } });
  for (let i = 0; i < 100; i += 1) send(state, "cp-to-csms", `[2,"${i}","Heartbeat",{"x":"${"x".repeat(70)}"}]`);
  assert.ok(state.frames.chars <= 1000 && state.frames.ring.size >= 9);
  send(state, "cp-to-csms", `[2,"h","Heartbeat",{"x":"${"x".repeat(900)}"}]`);
  assert.is(recentFrame(state, 101), undefined);
  assert.ok(state.frames.ring.size >= 9);
});

test("calls are counted by action; names that no version has are counted as one", () => {
  const state = create();
  for (let i = 0; i < 1000; i += 1) send(state, "cp-to-csms", [2, `u${i}`, `Action${i}`, {}]);
  for (let i = 0; i < 3; i += 1) send(state, "cp-to-csms", [2, `h${i}`, "Heartbeat", {}]);
  assert.equal([...state.counts.actions], [["unknown", 1000], ["Heartbeat", 3]]);
  assert.is(state.counts.oddities.get("unknown-action"), 1000);
});

test("a frame over the limit is an oddity and no more", () => {
  const state = create({ maxFrameChars: 100 });
  const seen = send(state, "cp-to-csms", [2, "1", "Heartbeat", { x: "x".repeat(200) }]);
  assert.equal(seen.map((one) => one.kind === "oddity" && one.oddity), ["too-large"]);
});

test("more entries than are walked are said, and cost no more", () => {
  const state = create();
  const meterValue = Array.from({ length: 1000 }, () => ({ sampledValue: [{ value: "1" }] }));
  const seen = send(state, "cp-to-csms", [2, "1", "MeterValues", { connectorId: 1, meterValue }]);
  assert.is(seen.filter(({ kind }) => kind === "reported-reading").length, 256);
  assert.equal(seen.at(-1), {
    kind: "oddity", at: START, frameNo: 1, oddity: "over-budget", detail: "MeterValues: 1000 items",
  });
});

test("a flood of calls without results ends the oldest and never grows", () => {
  const state = create();
  let authorizations = 0;
  for (let i = 0; i < 5000; i += 1) {
    authorizations += send(state, "cp-to-csms", [2, `a${i}`, "Authorize", { idTag: `T${i}` }]).length;
  }
  assert.is(state.calls.waiting["cp-to-csms"].calls.size, 256);
  assert.is(authorizations, 5000 - 256);
});

test("what a station says of itself cannot forge a line or reorder text", () => {
  const state = create();
  const forged = { connectorId: 1, status: "A\nB\u202e\u0000C" };
  const [seen] = send(state, "cp-to-csms", [2, "1", "StatusNotification", forged]);
  assert.is(seen?.kind === "status" && seen.status, "A?B??C");
});

/** Valid frames of many actions, to be damaged. */
const SAMPLES: readonly string[] = [
  ...[...OCPP16.keys(), ...OCPP21.keys()].map((action) => JSON.stringify([2, "7", action, {
    connectorId: 1, evseId: 1, evse: { id: 1 }, transactionId: 7, idTag: "04A2B3",
    idToken: { idToken: "04A2B3", type: "Local" }, timestamp: "2024-01-15T10:00:00Z", meterStart: 1,
    meterStop: 2, eventType: "Started", seqNo: 1, status: "Accepted",
    transactionInfo: { transactionId: "T1" }, key: "K", value: "ws://u:p@h/?q", location: "ftp://u:p@h/f",
    meterValue: [{ timestamp: "2024-01-15T10:00:00Z", sampledValue: [{ value: "1", unit: "kWh", phase: "L1" }] }],
    setVariableData: [{ attributeValue: "1", component: { name: "A" }, variable: { name: "B" } }],
    csChargingProfiles: { chargingSchedule: { chargingSchedulePeriod: [{ limit: 6 }] } },
    chargingProfile: { chargingSchedule: [{ chargingSchedulePeriod: [{ limit: 6 }] }] },
  }])),
  '[3,"7",{"status":"Accepted","transactionId":7,"currentTime":"2024-01-15T10:00:00Z",' +
    '"idTagInfo":{"status":"Invalid"},"idTokenInfo":{"status":"Blocked"},' +
    '"setVariableResult":[{"attributeStatus":"Accepted"}]}]',
  '[4,"7","InternalError","",{}]', '[5,"7","X"]', '[6,"7","NotifyPeriodicEventStream",{}]',
];
const VALUES = [
  "null", "{}", "[]", "-1", "1e400", '""', '"\\u0000"', "true", "[[]]", '{"__proto__":1}', "99999999999999999999",
];

function damage(random: Seeded, text: string): string {
  const where = random.int(text.length + 1);
  switch (random.int(6)) {
    case 0: return text.slice(0, where) + String.fromCharCode(random.int(0x10000)) + text.slice(where);
    case 1: return text.slice(0, where) + text.slice(where + 1 + random.int(8));
    case 2: return text.slice(0, where) + text.slice(random.int(text.length + 1));
    // A value of another type in the place of a value: the frame still parses, the payload is wrong.
    default: return text.replace(/:("[^"]*"|\d+)/g, (value) => random.int(4) === 0 ? `:${random.pick(VALUES)}` : value);
  }
}

test("damaged frames, bytes and lines never throw, and take bounded time (12,000 inputs, seed 2)", () => {
  const random = seeded(2);
  const state = create();
  const began = process.hrtime.bigint();
  for (let i = 0; i < 12_000; i += 1) {
    const bytes = (): string => String.fromCharCode(...random.bytes(random.int(60)));
    const text = random.int(10) === 0 ? bytes() : damage(random, random.pick(SAMPLES));
    const seen = send(state, random.int(2) === 0 ? "cp-to-csms" : "csms-to-cp", text, i / 10);
    for (const one of seen) assert.not.match(JSON.stringify(one), /04A2B3|u:p@/);
    if (random.int(50) === 0) observe(state, { kind: "tick" }, at(i / 10));
    if (random.int(20) === 0) recentFrame(state, state.frames.lastNo);
    parseTraceLine(text);
    parseMeterLine(text);
  }
  assert.ok(Number(process.hrtime.bigint() - began) < 60e9);
  assert.ok(state.transactions.known.size <= 64 && state.calls.waiting["cp-to-csms"].calls.size <= 256);
  assert.ok(state.counts.actions.size <= OCPP16.size + OCPP21.size + 1);
});

/** Frames of a megabyte made to cost as much as they can: each must stay far from what a frame budget allows. */
const COSTLY: readonly (readonly [string, string])[] = [
  ["one word without end", `[2,"1","GetLog",{"log":{"remoteLocation":"${"a".repeat(1_000_000)}@"}}]`],
  ["colons without end", `[2,"1","ChangeConfiguration",{"key":"K","value":"@${"a:".repeat(500_000)}"}]`],
  ["digits without end", `[${"2".repeat(1_000_000)},"1","Heartbeat",{}]`],
  ["spaces without end", `[2,${" ".repeat(1_000_000)}"1","Heartbeat",{}]`],
  ["lists in lists", `[2,"1","DataTransfer",{"data":${"[".repeat(500_000)}${"]".repeat(500_000)}}]`],
  ["objects in objects", `[2,"1","MeterValues",{"meterValue":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}]`],
  ["many samples", `[2,"1","MeterValues",{"meterValue":[${Array(900).fill(
    `{"sampledValue":[${Array(40).fill('{"value":"1","phase":"L1"}').join(",")}]}`).join(",")}]}]`],
  ["many variables", `[2,"1","SetVariables",{"setVariableData":[${Array(15_000).fill(
    '{"component":{"name":"A"},"variable":{"name":"B"},"x":1}').join(",")}]}]`],
];

for (const [name, text] of COSTLY) {
  test(`a megabyte of ${name} is observed and redacted in linear time`, () => {
    const state = create({ frames: { maxFrames: 10, maxChars: 8 << 20 } });
    const began = process.hrtime.bigint();
    send(state, "csms-to-cp", text);
    send(state, "cp-to-csms", text);
    recentFrame(state, 1);
    observe(state, { kind: "link", state: "disconnect" }, at(1));
    // Quadratic work would take minutes; the margin is for a machine with much else to do.
    assert.ok(Number(process.hrtime.bigint() - began) < 10e9);
  });
}

test("which version a station speaks is asked anew with each connection", () => {
  const state = create();
  const text = '[2,"1","Heartbeat",{}]';
  observe(state, { kind: "frame", direction: "cp-to-csms", text, ocppVersion: "2.0.1" }, at(0));
  assert.is(state.version, "2.0.1");
  observe(state, { kind: "link", state: "disconnect" }, at(1));
  assert.is(state.version, "2.0.1");
  observe(state, { kind: "link", state: "connect" }, at(2));
  assert.is(state.version, undefined);
  send(state, "cp-to-csms", [2, "2", "Heartbeat", {}], 3);
  assert.is(state.version, undefined, "either version has it");
  send(state, "cp-to-csms", [2, "3", "StopTransaction", { transactionId: 1, meterStop: 0 }], 4);
  assert.is(state.version, "1.6");
});

test("what breaks OCPP's schema is an oddity, where the version was agreed on and nothing else is wrong", () => {
  const asked: string[] = [];
  const schema = { type: "object", properties: { currentTime: { type: "string" } }, required: ["currentTime"] };
  const text = `\nHeartbeat.call\t{"type":"object","additionalProperties":false}`
    + `\nHeartbeat.result\t${JSON.stringify(schema)}\n`;
  const schemaOf = createSchemas((version) => (asked.push(version), text));
  const state = createObserve({ station: "CP-1" as StationId, crypto, tokenSecret: new Uint8Array(32), schemaOf });
  const said = (direction: Direction, frame: unknown, ocppVersion?: "1.6" | "2.1"): string[] =>
    observe(state,
      { kind: "frame", direction, text: JSON.stringify(frame), ...(ocppVersion && { ocppVersion }) }, at(0))
      .flatMap((seen) => (seen.kind === "oddity" ? [`${seen.oddity}: ${seen.detail}`] : []));
  assert.equal(said("cp-to-csms", [2, "1", "Heartbeat", { idTag: "T" }]), [], "the version is a guess");
  assert.equal(asked, []);
  assert.equal(said("cp-to-csms", [2, "2", "Heartbeat", { idTag: "T" }], "1.6"),
    ["schema-error: Heartbeat: payload: found a member of another name; allowed: no members"]);
  assert.equal(said("csms-to-cp", [3, "2", { currentTime: 7 }], "1.6"),
    ["schema-error: the result of Heartbeat: currentTime: found a whole number; allowed: a text"]);
  assert.equal(said("cp-to-csms", [2, "3", "Heartbeat", []], "1.6"),
    ["bad-payload: the payload of Heartbeat is no object"]);
  assert.equal(said("csms-to-cp", [2, "4", "Heartbeat", { a: 1 }], "1.6"),
    ["wrong-direction: Heartbeat from the csms"]);
  assert.equal(said("cp-to-csms", [2, "5", "Heartbeat", { a: 1 }], "2.1").length, 1);
  assert.equal(said("cp-to-csms", [2, "6", "Authorize", {}], "2.1").filter((one) => one.startsWith("schema")), []);
  assert.equal(asked, ["1.6", "2.1"], "each version's once");
  assert.is(state.counts.oddities.get("schema-error"), 3);
});
