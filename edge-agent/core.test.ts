import { seeded, type Seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { ODDITIES } from "../models/terms.ts";
import { crypto, CoreBench, eventfulStory, type Happening, Story } from "./core.testing.ts";
import type { AgentEvent, Effect } from "./ports.ts";
import { decodeEntry, type Entry } from "./record/entry.ts";
import { leafHash } from "./record/merkle.ts";
import { contentHash } from "./record/record.ts";

const STORY = eventfulStory();

/** Effects as text, bytes included. */
function textOf(effects: readonly Effect[]): string {
  return JSON.stringify(effects, (_, value: unknown) =>
    (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value));
}

function entriesOf(effect: Effect): Entry[] {
  if (effect.kind !== "append") return [];
  return effect.entries.map((bytes) => {
    const entry = decodeEntry(bytes);
    if (!entry.ok) throw new Error(entry.problem);
    return entry.value;
  });
}

const alertsOf = (effects: readonly Effect[]) => effects.flatMap((one) => (one.kind === "alert" ? [one.alert] : []));

test("the story raises what was played, each once, and clears it when it is over", () => {
  const alerts = alertsOf(new CoreBench().takeAll(STORY));
  const raised = alerts.filter(({ state }) => state === "raised").map(({ threat }) => threat);
  assert.equal(raised, ["authorization-abuse", "firmware-tampering", "energy-theft", "configuration-tampering"]);
  const cleared = alerts.filter(({ state }) => state === "cleared").map(({ threat }) => threat);
  assert.equal(new Set(cleared), new Set(raised));
  for (const { incidentId, state } of alerts) assert.match(incidentId, /^[0-9a-f]{64}$/, state);
});

test("the same events give byte-identical effects", () => {
  assert.is(textOf(new CoreBench().takeAll(STORY)), textOf(new CoreBench().takeAll(STORY)));
});

test("what an alert rests on is appended before it goes out, and the alert itself too", () => {
  const bench = new CoreBench();
  const frames = new Set<string>();
  let alerts = 0;
  for (const happening of STORY) {
    let appended: Entry[] = [];
    for (const effect of bench.take(happening)) {
      appended = [...appended, ...entriesOf(effect)];
      if (effect.kind === "append") {
        effect.entries.forEach((bytes, i) => {
          if (entriesOf(effect)[i]!.kind === "frame") frames.add(contentHash(leafHash(crypto, bytes)));
        });
      }
      if (effect.kind !== "alert") continue;
      alerts += 1;
      const logged = appended.filter(({ kind }) => kind === "alert").map((one) => one.kind === "alert" && one.json);
      assert.ok(logged.includes(JSON.stringify(effect.alert)), "the alert stands in the log as it goes out");
      for (const hash of effect.alert.evidence) assert.ok(frames.has(hash), `${hash} is a frame in the log`);
      if (effect.alert.state === "raised") assert.ok(appended.some(({ kind }) => kind === "verdict"));
    }
  }
  assert.ok(alerts >= 8, `${alerts}`);
});

test("a raise of what frames showed names frames", () => {
  const raised = alertsOf(new CoreBench().takeAll(STORY)).filter(({ state }) => state === "raised");
  for (const { threat, evidence } of raised) assert.ok(evidence.length > 0, threat);
});

test("one append a step, and an alert's checkpoint between it and the alert", () => {
  const bench = new CoreBench();
  for (const happening of STORY) {
    const kinds = bench.take(happening).map(({ kind }) => kind);
    assert.ok(kinds.filter((kind) => kind === "append").length <= 1);
    if (kinds.includes("append")) assert.is(kinds.indexOf("append"), 0);
    if (!kinds.includes("alert")) continue;
    assert.ok(kinds.indexOf("checkpoint") > 0 && kinds.indexOf("checkpoint") < kinds.indexOf("alert"));
  }
});

const SECRET_KEYS = ["AuthorizationKey", "authorizationkey", "BasicAuthPassword", "WifiPassword", "MasterPassIdTag"];

test("no idToken, password or key in any effect, whatever the session", () => {
  for (let seed = 1; seed <= 2; seed++) {
    const random = seeded(seed);
    const planted: string[] = [];
    const secret = (): string => {
      const text = `S3CR${Array.from({ length: 10 }, () => random.pick([..."ABCDEFGHKMNPQR"])).join("")}`;
      planted.push(text);
      return text;
    };
    const story = new Story();
    story.boot(0);
    for (let n = 0; n < 3; n++) story.session(100 + n * 3_000, 5 + random.int(20), secret(), random.pick([1, 1.5]));
    for (let n = 0; n < 20; n++) story.guess(9_500 + 5 * n, secret());
    const ok = { status: "Accepted" };
    for (const key of SECRET_KEYS) {
      story.call(10_000 + random.int(500), "csms", "ChangeConfiguration", { key, value: secret() }, ok);
    }
    const location = `ftp://${secret()}:${secret()}@198.51.100.${random.int(250)}/fw.bin`;
    story.call(11_000, "csms", "UpdateFirmware", { location, retrieveDate: "2026-03-02T10:00:00Z" }, {});
    story.call(11_001, "csms", "ChangeConfiguration", { key: "SecurityProfile", value: "0" }, { status: "Accepted" });
    story.call(11_002, "csms", "RemoteStartTransaction", { idTag: secret(), connectorId: 1 }, { status: "Accepted" });
    story.call(11_003, "csms", "SendLocalList",
      { listVersion: 1, updateType: "Full", localAuthorizationList: [{ idTag: secret() }] }, { status: "Accepted" });
    story.ticks(0, 12_000);
    const bench = new CoreBench();
    const effects = textOf(bench.takeAll(story.inOrder()));
    assert.ok(alertsOf(bench.effects).length >= 3, `seed ${seed}`);
    for (const text of planted) assert.not.ok(effects.includes(text), `seed ${seed}: ${text}`);
  }
});

const FIELDS = [
  "idTag", "connectorId", "meterStart", "meterValue", "sampledValue", "transactionId", "key", "value", "location",
  "status", "timestamp",
];

/** Anything that an adapter could hand in. */
function anyEvent(random: Seeded): AgentEvent {
  const number = (): number => random.pick([0, -1, 1, 7_000, 1e12, 1e308, Number.NaN, Infinity]);
  const word = (): string => random.pick(["", "__proto__", "constructor", "a", "😀\u0000", "x".repeat(300), "-1"]);
  const value = (depth: number): unknown => random.pick<() => unknown>([
    number, word, () => null, () => true,
    () => (depth > 3 ? 0 : Array.from({ length: random.int(3) }, () => value(depth + 1))),
    () => (depth > 3 ? 0 : { [random.pick([...FIELDS, word()])]: value(depth + 1), connectorId: number() }),
  ])();
  const action = random.pick(["Authorize", "StartTransaction", "StopTransaction", "MeterValues", "UpdateFirmware",
    "ChangeConfiguration", "TransactionEvent", "SetVariables", "BootNotification", "SetNetworkProfile", word()]);
  const frame = random.pick<() => unknown>([
    () => [2, word(), action, value(0)], () => [3, word(), value(0)], () => [4, word(), word(), word(), value(0)],
    () => value(0),
  ])();
  const text = random.int(5) === 0 ? word() : JSON.stringify(frame) ?? "";
  const direction = random.pick(["cp-to-csms", "csms-to-cp"] as const);
  const reading = { evseId: random.int(4), powerW: number(), energyImportWh: number() };
  return random.pick<AgentEvent>([
    { kind: "frame", direction, text }, { kind: "frame", direction, text, ocppVersion: random.pick(["1.6", "2.0.1"]) },
    { kind: "unparsed", direction, oddity: random.pick(ODDITIES), detail: word() },
    { kind: "link", state: random.pick(["connect", "disconnect"]), remoteAddress: word(), closeCode: number() },
    { kind: "meter", reading, side: random.pick(["ac-input", "evse-output"]) },
    { kind: "meter-lost", evseId: random.int(4), why: word() }, { kind: "tick" },
  ]);
}

test("fuzz: random events never throw, and leave a state that can be remembered", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = seeded(seed);
    const bench = new CoreBench();
    for (let n = 0, s = 0; n < 2_000; n++) {
      s += random.pick([0, 0.001, 1, 10, 300]);
      bench.take({ s, event: anyEvent(random) });
      bench.effects.length = 0;
    }
    const { opine, detect } = bench.core.state;
    assert.not.ok(/:null/.test(JSON.stringify(opine)), "no evidence was lost to NaN");
    assert.ok(JSON.stringify(detect).length < 512 * 1024);
  }
});

test("time is told by ticks alone: without traffic statements come once an hour, and nothing else", () => {
  const story = new Story();
  story.ticks(0, 5 * 3_600);
  const effects = new CoreBench().takeAll(story.inOrder());
  const kinds = effects.flatMap(entriesOf).map(({ kind }) => kind);
  assert.equal(kinds, ["statement", "statement", "statement", "statement", "statement"]);
  assert.equal(new Set(effects.map(({ kind }) => kind)), new Set(["append", "checkpoint", "remember"]));
});

test("a clock at the end of all calendars harms nobody", () => {
  const story = new Story();
  const far = (Date.UTC(9999, 11, 31) - Date.UTC(2026, 2, 2, 8)) / 1_000;
  for (let n = 0; n < 40; n++) story.guess(far + 3 * n, `G-${n}`);
  const moved: Happening[] = story.inOrder();
  assert.ok(alertsOf(new CoreBench().takeAll(moved)).length > 0);
});

test("a clock from before 1970 states nothing, and what is logged can be read", () => {
  const story = new Story();
  const past = (Date.UTC(1955, 0, 1) - Date.UTC(2026, 2, 2, 8)) / 1_000;
  for (let n = 0; n < 40; n++) story.guess(past + 3 * n, `G-${n}`);
  const kinds = new CoreBench().takeAll(story.inOrder()).flatMap(entriesOf).map(({ kind }) => kind);
  assert.ok(kinds.includes("alert") && kinds.includes("verdict"));
  assert.not.ok(kinds.includes("statement"));
});
