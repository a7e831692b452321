/** The whole sentence, pure and in virtual time: a step's effects, in their order, and what recurs beside it. */
import { assert, test } from "../build/testing.ts";
import type { Alert } from "../models/terms.ts";
import type { Epoch, MonotonicMs, Now, StationId, WallMs, ZoneId } from "../models/units.ts";
import { nodeCrypto, signerFromSeed } from "./adapters/crypto.ts";
import { createCore } from "./core.ts";
import { type AgentState, step } from "./pipeline.ts";
import type { AgentEvent, Effect } from "./ports.ts";
import { decodeEntry, type Entry } from "./record/entry.ts";
import { createRecord, contentHash, NEW_LOG, refuse } from "./record/record.ts";
import { leafHash } from "./record/merkle.ts";
import { decodeBody } from "../gossip/statement.ts";

const crypto = nodeCrypto();
const START = Date.UTC(2026, 8, 1);
const at = (s: number): Now => ({ wallMs: (START + s * 1_000) as WallMs, monoMs: (1e6 + s * 1_000) as MonotonicMs });

function create(signed = true): AgentState {
  const log = createRecord({ origin: "kerbwatch/CP-001", crypto, recovered: NEW_LOG,
    ...(signed && { signer: signerFromSeed(new Uint8Array(32).fill(2)) }) });
  return createCore({
    station: "CP-001" as StationId, region: "local", zone: "CP-001" as ZoneId, epochS: 10,
    site: { csmsHost: "csms.example" }, crypto, tokenSecret: new Uint8Array(32), log, earliest: 0 as WallMs,
    statementSigner: signerFromSeed(new Uint8Array(32).fill(1)),
  }, at(0)).state;
}

let messages = 0;

/** A call and its result, one frame after the other at one moment. */
function asked(
  state: AgentState, s: number, from: "cp-to-csms" | "csms-to-cp", action: string, payload: unknown, result: unknown,
): Effect[] {
  const id = `m${messages++}`;
  const back = from === "cp-to-csms" ? "csms-to-cp" : "cp-to-csms";
  const frames: AgentEvent[] = [
    { kind: "frame", direction: from, text: JSON.stringify([2, id, action, payload]) },
    { kind: "frame", direction: back, text: JSON.stringify([3, id, result]) },
  ];
  return frames.flatMap((frame) => step(state, frame, at(s)));
}

const tick = (state: AgentState, s: number): Effect[] => step(state, { kind: "tick" }, at(s));
const hostileOrder = (state: AgentState, s: number, host = "198.51.100.7"): Effect[] =>
  asked(state, s, "csms-to-cp", "UpdateFirmware", { location: `http://${host}/fw.bin` }, {});
const kinds = (effects: readonly Effect[]): string[] => effects.map(({ kind }) => kind);
const alertsIn = (effects: readonly Effect[]): Alert[] =>
  effects.flatMap((effect) => effect.kind === "alert" ? [effect.alert] : []);
const entriesIn = (effects: readonly Effect[]): { entry: Entry; leaf: string }[] => effects.flatMap((effect) =>
  effect.kind !== "append" ? [] : effect.entries.map((bytes) => {
    const decoded = decodeEntry(bytes);
    if (!decoded.ok) throw new Error(decoded.problem);
    return { entry: decoded.value, leaf: contentHash(leafHash(crypto, bytes)) };
  }));

test("an alert goes out after its entries and their checkpoint, is remembered, and names frames in the log", () => {
  const state = create();
  tick(state, 0);
  tick(state, 70);
  const effects = hostileOrder(state, 70);
  assert.equal(kinds(effects), ["append", "checkpoint", "alert", "finding", "remember"]);
  const entries = entriesIn(effects);
  assert.equal(entries.map(({ entry }) => entry.kind), ["statement", "frame", "verdict", "alert"]);
  const [alert] = alertsIn(effects);
  const frame = entries.find(({ entry }) => entry.kind === "frame");
  assert.equal(alert?.evidence, [frame?.leaf]);
  const logged = entries.find(({ entry }) => entry.kind === "alert")?.entry;
  assert.equal(logged?.kind === "alert" ? JSON.parse(logged.json) : undefined, alert);
});

test("a log that may not be signed takes entries, and alerts go out: nothing is stated and nothing signed", () => {
  const state = create();
  refuse(state.journal.log, "the disk is full");
  const effects = [...tick(state, 0), ...hostileOrder(state, 70), ...tick(state, 3_000)];
  assert.equal(kinds(effects).filter((kind) => kind !== "remember"), ["append", "alert", "finding"]);
  assert.equal(entriesIn(effects).map(({ entry }) => entry.kind), ["frame", "verdict", "alert"]);
});

test("a frame is recorded once, however many verdicts rest on it", () => {
  const state = create();
  hostileOrder(state, 0);
  const later = [...hostileOrder(state, 100, "198.51.100.8"), ...tick(state, 200)];
  assert.equal(alertsIn(later).map((alert) => alert.state), ["updated"]);
  assert.is(entriesIn(later).filter(({ entry }) => entry.kind === "frame").length, 1);
  assert.is(alertsIn(later)[0]?.evidence.length, 2);
});

test("statements name the newest checkpoint, and follow one another", () => {
  const state = create();
  const effects: Effect[] = [];
  for (let s = 0; s <= 3 * 3_600; s += 60) effects.push(...tick(state, s));
  const notes = effects.flatMap((effect) => effect.kind === "checkpoint" ? [effect.note] : []);
  const hash = (text: string): string => contentHash(crypto.sha256(new TextEncoder().encode(text)));
  const bodies = entriesIn(effects).flatMap(({ entry }) =>
    entry.kind === "statement" ? [decodeBody(entry.signedBytes)!] : []);
  assert.equal(bodies.map(({ seq }) => seq), [0, 1, 2, 3]);
  assert.is(bodies[0]?.checkpoint.length, 0);
  bodies.slice(1).forEach(({ checkpoint }, i) => assert.is(contentHash(checkpoint), hash(notes[i]!)));
});

test("a checkpoint is signed within a minute of an entry, and not when no entry is new", () => {
  const state = create();
  const signedAt: number[] = [];
  const appendedAt: number[] = [];
  for (let s = 0; s <= 7_200; s += 10) {
    const effects = tick(state, s);
    if (kinds(effects).includes("checkpoint")) signedAt.push(s);
    if (kinds(effects).includes("append")) appendedAt.push(s);
  }
  assert.equal(appendedAt, [0, 3_600, 7_200]);
  assert.equal(signedAt.length, 3);
  signedAt.forEach((s, i) => assert.ok(s >= appendedAt[i]! && s <= appendedAt[i]! + 60, `${s}`));
});

test("what was learned is saved each quarter of an hour, and soon after transactions, but not for each of many", () => {
  const state = create();
  const savedAt: number[] = [];
  const note = (s: number, effects: readonly Effect[]): void => {
    for (const { kind } of effects) if (kind === "remember") savedAt.push(s);
  };
  for (let s = 10; s <= 1_900; s += 10) note(s, tick(state, s));
  assert.equal(savedAt, [880, 1_780]);
  savedAt.length = 0;
  for (let n = 0; n < 10; n++) {
    note(1_901 + n, asked(state, 1_901 + n, "cp-to-csms", "StartTransaction",
      { connectorId: 1, idTag: `T${n}`, meterStart: 0, timestamp: new Date(at(1_901 + n).wallMs).toISOString() },
      { transactionId: n + 1, idTagInfo: { status: "Accepted" } }));
  }
  assert.equal(savedAt, [1_901]);
  for (let s = 1_912; s <= 2_000; s += 4) note(s, tick(state, s));
  assert.equal(savedAt, [1_901, 1_924]);
});

test("an incident clears an hour after its last evidence; an order after the hold-down raises another", () => {
  const state = create();
  const [first] = alertsIn(hostileOrder(state, 0));
  const told: [number, string, string][] = [];
  for (let s = 10; s <= 4_000; s += 10) {
    for (const { state: change, incidentId } of alertsIn(tick(state, s))) told.push([s, change, incidentId]);
  }
  assert.equal(told, [[3_600, "cleared", first?.incidentId]]);
  assert.is(state.opine["firmware-tampering"]?.sinceOnsetNats, 0);
  const [second] = alertsIn(hostileOrder(state, 6_000, "198.51.100.8"));
  assert.is(second?.state, "raised");
  assert.is.not(second?.incidentId, first?.incidentId);
  assert.is(second?.onset, new Date(at(6_000).wallMs).toISOString());
});

test("evidence half the way to a verdict is mentioned once, and again only after it had gone back", () => {
  const state = create(false);
  const refused = (s: number, card: number): number => {
    const effects = asked(state, s, "cp-to-csms", "Authorize", { idTag: `CARD${card}` },
      { idTagInfo: { status: "Invalid" } });
    return effects.filter(({ kind }) => kind === "finding").length;
  };
  let mentioned = 0;
  for (let card = 0; card < 20; card++) mentioned += refused(card * 5, card);
  assert.is(mentioned, 1);
  for (let s = 100; s <= 10 * 3_600; s += 60) tick(state, s);
  for (let card = 20; card < 40; card++) mentioned += refused(10 * 3_600 + card * 5, card);
  assert.is(mentioned, 2);
});

test("a kind of unread message is mentioned once; one that could be read and is odd is not mentioned", () => {
  const state = create();
  const sent = (text: string): Effect[] => step(state, { kind: "frame", direction: "cp-to-csms", text }, at(1));
  const said = (effects: readonly Effect[]): string[] =>
    effects.flatMap((effect) => effect.kind === "notice" ? [effect.text] : []);
  assert.match(said(sent("CARD-1 is no JSON")).join(), /^frames: one passed untouched and unread \(not-json: /);
  assert.equal(said(sent("CARD-2 is none")), []);
  assert.equal(said(sent('[2,"1","NoSuchAction",{}]')), []);
  assert.is(said(sent("{}")).length, 1);
});

test("an epoch is stated once, whatever the clock does", () => {
  const state = create();
  const epochs = [0, 5, 3_700, 100, 3_705, 7_500].flatMap((s) => entriesIn(step(state, { kind: "tick" },
    { wallMs: at(s).wallMs, monoMs: (2e6 + messages++ * 4_000_000) as MonotonicMs })))
    .flatMap(({ entry }) => entry.kind === "statement" ? [decodeBody(entry.signedBytes)?.epoch] : []);
  assert.equal(epochs, [START / 10_000, START / 10_000 + 370, START / 10_000 + 750] as Epoch[]);
});
