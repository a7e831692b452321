import { assert, test } from "../../build/testing.ts";
import type { Alert, Verdict } from "../../models/terms.ts";
import type { Epoch, MonotonicMs, Now, StationId, WallMs, ZoneId } from "../../models/units.ts";
import { nodeCrypto, signerFromSeed } from "../adapters/crypto.ts";
import type { RecentFrame } from "../observe/frames.ts";
import { decodeEntry, type Entry } from "./entry.ts";
import { checkpointHash, createJournal, type JournalState, record, recordAlerts, signCheckpoint } from "./journal.ts";
import { EMPTY_FRONTIER, leafHash, rootOf } from "./merkle.ts";
import { contentHash, createRecord, NEW_LOG, type RecoveredLog, refuse } from "./record.ts";

const crypto = nodeCrypto();
const NOW: Now = { wallMs: Date.UTC(2026, 2, 1, 9) as WallMs, monoMs: 0 as MonotonicMs };

function create(recovered: RecoveredLog = NEW_LOG): JournalState {
  const signer = signerFromSeed(new Uint8Array(32).fill(4));
  return createJournal(createRecord({ origin: "kerbwatch/CP-001", crypto, signer, recovered }));
}

function verdict(frames: readonly number[], epoch = 5): Verdict {
  const onset = NOW.wallMs;
  return {
    threat: "firmware-tampering", scope: "station", zone: "zone-1" as ZoneId, stations: ["CP-001" as StationId],
    epoch: epoch as Epoch, onset, confidence: 0.5, belief: {
      key: "firmware-tampering", cumulativeMillinats: 0, sinceOnsetNats: 9, onset, thresholdNats: 7, opinion: 1,
      terms: [], frames, says: "",
    },
  };
}

/** A ring that holds frames 1 to 999, but for every tenth. */
const frames = (no: number): RecentFrame | undefined =>
  (no % 10 === 0 ? undefined : { direction: "csms-to-cp", at: NOW.wallMs, text: `["${no}"]` });

function entriesOf(encoded: readonly Uint8Array[]): Entry[] {
  return encoded.map((bytes) => {
    const entry = decodeEntry(bytes);
    if (!entry.ok) throw new Error(entry.problem);
    return entry.value;
  });
}

test("a verdict's frames come before it, each once, and their leaf hashes are its evidence", () => {
  const journal = create();
  const { entries, evidence } = record(journal, { statement: undefined, verdicts: [verdict([3, 10, 7])], frames }, NOW);
  assert.equal(entriesOf(entries).map(({ kind }) => kind), ["frame", "frame", "verdict"], "frame 10 is gone");
  const hashes = entries.slice(0, 2).map((bytes) => contentHash(leafHash(crypto, bytes)));
  assert.equal(evidence.get("firmware-tampering"), hashes);
  const again = record(journal, { statement: undefined, verdicts: [verdict([7, 8])], frames }, NOW);
  assert.equal(entriesOf(again.entries).map(({ kind }) => kind), ["frame", "verdict"]);
  assert.is(again.evidence.get("firmware-tampering")![0], hashes[1]);
});

test("an epoch that no entry can hold is brought within bounds", () => {
  for (const [epoch, logged] of [[-5, 0], [2 ** 32 + 9, 2 ** 32 - 1], [77, 77]] as const) {
    const { entries } = record(create(), { statement: undefined, verdicts: [verdict([], epoch)], frames }, NOW);
    const [entry] = entriesOf(entries);
    assert.is(entry?.kind === "verdict" ? entry.epoch : undefined, logged);
  }
});

test("what was logged of frames is remembered within bounds", () => {
  const journal = create();
  for (let n = 1; n < 999; n++) record(journal, { statement: undefined, verdicts: [verdict([n])], frames }, NOW);
  assert.ok(journal.frames.size <= 512);
  assert.ok(journal.frames.has(998) && !journal.frames.has(1));
});

test("alerts are logged as they go out", () => {
  const alerts = [{ threat: "energy-theft", state: "raised" } as Alert, { state: "cleared" } as Alert];
  const logged = entriesOf(recordAlerts(create(), alerts, NOW));
  const json = logged.map((entry) => entry.kind === "alert" && entry.json);
  assert.equal(json, alerts.map((alert) => JSON.stringify(alert)));
});

test("statements name the last checkpoint, and nothing once the log may not be signed", () => {
  const journal = create();
  assert.equal(checkpointHash(journal), new Uint8Array(0));
  record(journal, { statement: undefined, verdicts: [verdict([1])], frames }, NOW);
  const [effect] = signCheckpoint(journal);
  const note = effect?.kind === "checkpoint" ? effect.note : "";
  assert.match(note, Buffer.from(rootOf(crypto, journal.log.frontier)).toString("base64"));
  assert.equal(checkpointHash(journal), crypto.sha256(new TextEncoder().encode(note)));
  assert.equal(signCheckpoint(journal), []);
  refuse(journal.log, "the disk is full");
  record(journal, { statement: undefined, verdicts: [verdict([2])], frames }, NOW);
  assert.equal([checkpointHash(journal), signCheckpoint(journal)], [undefined, []]);
});

test("into a frozen log nothing goes, and evidence is named all the same", () => {
  const journal = create({ frontier: EMPTY_FRONTIER, tornBytes: 0, damage: "bad entry" });
  const { entries, evidence } = record(journal, { statement: undefined, verdicts: [verdict([1])], frames }, NOW);
  assert.equal(entries, []);
  assert.is(evidence.get("firmware-tampering")!.length, 1);
  assert.equal(recordAlerts(journal, [{} as Alert], NOW), []);
});
