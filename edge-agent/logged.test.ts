/** What a start takes from the log, against what a memory says. */
import { assert, test } from "../build/testing.ts";
import { signStatement } from "../gossip/statement.ts";
import { type Alert, EVIDENCE_KEYS } from "../models/terms.ts";
import type { Epoch, MonotonicMs, Now, StationId, WallMs, ZoneId } from "../models/units.ts";
import { nodeCrypto, signerFromSeed } from "./adapters/crypto.ts";
import { createCore } from "./core.ts";
import { type Logged, noteEntry, nothingLogged } from "./logged.ts";
import { type Memory, memoryOf } from "./memory.ts";
import type { AgentState } from "./pipeline.ts";
import { createRecord, NEW_LOG } from "./record/record.ts";

const crypto = nodeCrypto();
const signer = signerFromSeed(new Uint8Array(32).fill(1));
const T0 = Date.UTC(2026, 8, 1);
const at = (minutes: number): Now =>
  ({ wallMs: T0 + minutes * 60_000 as WallMs, monoMs: 1e9 + minutes * 60_000 as MonotonicMs });
const KEY = EVIDENCE_KEYS.indexOf("firmware-tampering");

function alertEntry(state: Alert["state"], minutes: number, incidentId = "aa"): Parameters<typeof noteEntry>[1] {
  const time = new Date(at(minutes).wallMs).toISOString();
  const alert: Alert = {
    schemaVersion: "1.0", time, incidentId, state, scope: "station", threat: "firmware-tampering", region: "local",
    zone: "CP-001", stations: ["CP-001"], onset: time, severity: "high", confidence: 0.9, summary: "s",
    explanation: [{ term: "a", value: 6, share: 0.75 }, { term: "b", value: 2, share: 0.25 }],
    evidence: [], nextStep: "n", agent: "CP-001",
  };
  return { kind: "alert", at: at(minutes).wallMs, json: JSON.stringify(alert) };
}

function statementEntry(minutes: number, millinats: number): Parameters<typeof noteEntry>[1] {
  const evidence = EVIDENCE_KEYS.map((_, index) => (index === KEY ? millinats : 0));
  const { bytes, signature } = signStatement({
    network: "local", zone: "CP-001", station: "CP-001", epoch: 100 as Epoch, seq: 4, previous: new Uint8Array(32),
    rosterVersion: 0, evidence, checkpoint: new Uint8Array(0),
  }, signer);
  return { kind: "statement", at: at(minutes).wallMs, signedBytes: bytes, signature };
}

function logOf(...entries: Parameters<typeof noteEntry>[1][]): Logged {
  const logged = nothingLogged();
  for (const entry of entries) noteEntry(logged, entry);
  return logged;
}

function started(now: Now, logged?: Logged, memory?: Memory): AgentState {
  return createCore({
    station: "CP-001" as StationId, region: "local", zone: "CP-001" as ZoneId, epochS: 10, site: {}, crypto,
    tokenSecret: new Uint8Array(32), statementSigner: signer, earliest: 0 as WallMs,
    log: createRecord({ origin: "o", crypto, recovered: NEW_LOG }),
    ...(logged !== undefined && { logged }), ...(memory !== undefined && { memory: structuredClone(memory) }),
  }, now).state;
}

const openIds = ({ alert, agree }: AgentState): unknown[] =>
  [Object.values(alert.open).map(({ incidentId }) => incidentId), Object.keys(agree.raised)];

test("an incident that only the log knows is open, as it was told, for as long as it has stood", () => {
  const state = started(at(30), logOf(alertEntry("raised", 10)));
  assert.equal(openIds(state), [["aa"], ["firmware-tampering"]]);
  assert.equal(state.agree.raised["firmware-tampering"]?.lastRiseMs, at(10).monoMs);
  assert.equal(state.opine["firmware-tampering"]?.terms, { a: 6, b: 2 });
  assert.is(state.opine["firmware-tampering"]?.sinceOnsetNats, 8);
});

test("an incident that the log says is cleared is not open, whatever an older memory says", () => {
  const memory = memoryOf(started(at(11), logOf(alertEntry("raised", 10))), at(11));
  assert.equal(openIds(started(at(30), logOf(alertEntry("raised", 10)), memory)), [["aa"], ["firmware-tampering"]]);
  const cleared = started(at(30), logOf(alertEntry("raised", 10), alertEntry("cleared", 20)), memory);
  assert.equal(openIds(cleared), [[], []]);
  assert.is(cleared.opine["firmware-tampering"]?.sinceOnsetNats, 0);
});

test("a memory that is newer than the log is believed: the log could not be written for a while", () => {
  const memory = memoryOf(started(at(26), logOf(alertEntry("raised", 25, "bb"))), at(26));
  assert.equal(openIds(started(at(30), logOf(alertEntry("raised", 10, "aa")), memory))[0], ["bb"]);
  assert.equal(openIds(started(at(30), logOf(alertEntry("cleared", 20, "bb")), memory))[0], ["bb"]);
});

test("what was stated after the memory was saved is where the sums go on", () => {
  const memory = memoryOf(started(at(11)), at(11));
  const sum = (state: AgentState): number => state.opine["firmware-tampering"]?.cumulativeMillinats ?? 0;
  const newer = started(at(30), logOf(statementEntry(20, 8_500)), memory);
  assert.is(sum(newer), 8_500);
  assert.equal([newer.gossip.seq, newer.gossip.lastEpoch], [5, 100]);
  assert.is(sum(started(at(30), logOf(statementEntry(5, 8_500)), memory)), 0);
  assert.is(sum(started(at(30), logOf(statementEntry(20, 8_500)))), 8_500);
});

test("an alert or a statement that cannot be read is passed over", () => {
  const state = started(at(30), logOf({ kind: "alert", at: at(1).wallMs, json: "{" },
    { kind: "statement", at: at(2).wallMs, signedBytes: new Uint8Array([1]), signature: new Uint8Array(64) }));
  assert.equal(openIds(state), [[], []]);
  assert.is(state.gossip.seq, 0);
});
