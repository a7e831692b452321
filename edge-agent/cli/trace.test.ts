/** Frames of a log and of a capture as Open OCPP Trace v1.1, read back by `replay`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import type { Alert } from "../../models/terms.ts";
import type { WallMs } from "../../models/units.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { openLedger } from "../adapters/ledger-file.ts";
import { encodeEntry, type Entry, MAX_TEXT_CHARS } from "../record/entry.ts";
import { leafHash } from "../record/merkle.ts";
import { contentHash } from "../record/record.ts";
import { ran } from "./io.testing.ts";

const crypto = nodeCrypto();
const folder = mkdtempSync(join(tmpdir(), "kerbwatch-trace-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const out = join(folder, "out.jsonl");
const at = (seconds: number): WallMs => (Date.UTC(2026, 2, 1, 9) + seconds * 1_000) as WallMs;

const frame = (seconds: number, text: string, direction = "cp-to-csms"): Entry =>
  ({ kind: "frame", at: at(seconds), direction, text });
const FRAMES = [
  frame(0, '[2,"1","Authorize",{"idTag":"<token>"}]'),
  frame(1, '[3,"1",{"idTagInfo":{"status":"Blocked"}}]', "csms-to-cp"),
  frame(2, "<unparsed, 12 bytes>"), frame(3, `[2,"2","DataTransfer",{"vendorId":"${"x".repeat(MAX_TEXT_CHARS)}"}]`),
];
const ID = "3fa2c1b4".padEnd(64, "0");
const ALERT: Alert = {
  schemaVersion: "1.0", time: "2026-03-01T09:00:20.000Z", incidentId: ID, state: "raised", scope: "station",
  threat: "authorization-abuse", region: "local", zone: "CP-001", stations: ["CP-001"],
  onset: "2026-03-01T08:57:00.000Z", severity: "medium", confidence: 0.97, summary: "Refused.",
  explanation: [{ term: "refusals", value: 8, share: 1 }], nextStep: "Look.", agent: "CP-001",
  evidence: [contentHash(leafHash(crypto, encodeEntry(FRAMES[1]!)))],
};

function stateWith(name: string, ...entries: Entry[]): string {
  const { store } = openLedger(join(folder, name), crypto);
  if (entries.length > 0) store.append(entries.map(encodeEntry));
  store.close();
  return join(folder, name);
}
const full = stateWith("full", ...FRAMES, { kind: "alert", at: at(20), json: JSON.stringify(ALERT) });
const lines = (): Record<string, unknown>[] => readFileSync(out, "utf8").split("\n").slice(0, -1)
  .map((line) => JSON.parse(line) as Record<string, unknown>);

test("ledger trace: every frame that is whole, with its entry; the rest is counted; replay reads it", async () => {
  const { code, out: said, err } = await ran(["ledger", "trace", "--out", out, "--state", full]);
  assert.equal([code, err, said], [0, "", `${out}: 2 frames, 2 that were cut or no message left out\n`]);
  assert.equal(lines().map(({ messageType, chargePointId, direction, timestamp }) =>
    [messageType, chargePointId, direction, timestamp]), [
    ["CALL", "CP-001", "cp-to-csms", "2026-03-01T09:00:00.000Z"],
    ["CALLRESULT", "CP-001", "csms-to-cp", "2026-03-01T09:00:01.000Z"],
  ]);
  assert.is((lines()[1]!["meta"] as { entry: string }).entry, ALERT.evidence[0]);
  const replayed = await ran(["replay", out]);
  assert.is(replayed.code, 0);
  assert.match(replayed.err, /^1 station, 2 frames, 0 meter readings: /);
});

test("ledger trace --incident: only what its alerts name", async () => {
  assert.is((await ran(["ledger", "trace", "--out", out, "--incident", "3fa2", "--state", full])).code, 0);
  assert.equal(lines().map(({ messageId, messageType }) => [messageId, messageType]), [["1", "CALLRESULT"]]);
});

test("ledger trace: what is wrong is said, and nothing is written", async () => {
  const empty = stateWith("empty");
  const nothing = await ran(["ledger", "trace", "--out", join(folder, "no"), "--state", empty]);
  assert.equal([nothing.code, /holds no frames\n$/.test(nothing.err)], [1, true]);
  const unknown = await ran(["ledger", "trace", "--out", join(folder, "no"), "--incident", "77", "--state", full]);
  assert.equal([unknown.code, /--incident: found "77"; allowed: one in the log/.test(unknown.err)], [2, true]);
  const nowhere = await ran(["ledger", "trace", "--out", join(folder, "none/x"), "--state", full]);
  assert.equal([nowhere.code, /not be written \(ENOENT\)/.test(nowhere.err)], [1, true]);
});

test("replay names stations whose meter is read and of whom no frame came", async () => {
  const capture = join(folder, "named.jsonl");
  const meter = join(folder, "named-meter.jsonl");
  const timestamp = "2026-03-01T09:00:00.000Z";
  writeFileSync(capture, `${JSON.stringify({ timestamp, event: "connect", chargePointId: "CP-001" })}\n`);
  const read = async (stationId: string): Promise<string> => {
    writeFileSync(meter, `${JSON.stringify({ timestamp, stationId, evseId: 1, powerW: 0, source: "modbus" })}\n`);
    return (await ran(["replay", capture, "--meter", meter])).err;
  };
  assert.match(await read("cp001"), /^cp001: meter readings without a frame; is it named otherwise .*\n2 stations, /);
  assert.match(await read("CP-001"), /^1 station, /);
});

test("replay --trace: a capture without its secrets, which replays alike", async () => {
  const capture = join(folder, "capture.jsonl");
  const head = { schemaVersion: "1.1", ocppVersion: "1.6", transport: "json", chargePointId: "CP-9" };
  const line = (seconds: number, direction: string, raw: string): string =>
    JSON.stringify({ ...head, timestamp: new Date(at(seconds)).toISOString(), direction, raw });
  writeFileSync(capture, [
    JSON.stringify({ event: "connect", timestamp: new Date(at(0)).toISOString(), chargePointId: "CP-9" }),
    line(1, "cp-to-csms", '[2,"a","Authorize",{"idTag":"04A1B2C3"}]'),
    line(2, "csms-to-cp", '[3,"a",{"idTagInfo":{"status":"Accepted"}}]'),
    line(3, "csms-to-cp", '[2,"b","ChangeConfiguration",{"key":"AuthorizationKey","value":"hunter2hunter2"}]'),
    line(4, "cp-to-csms", "nonsense"),
  ].join("\n"));
  const first = await ran(["replay", capture, "--trace", out]);
  assert.is(first.code, 0);
  assert.equal(lines().map(({ messageType, ocppVersion }) => [messageType, ocppVersion]),
    [["CALL", "1.6"], ["CALLRESULT", "1.6"], ["CALL", "1.6"]]);
  assert.not.match(readFileSync(out, "utf8"), /04A1B2C3|hunter2/);
  const again = await ran(["replay", out]);
  assert.match(again.err, /^1 station, 3 frames, /);
  const refused = await ran(["replay", capture, "--trace", join(folder, "none/x")]);
  assert.equal([refused.code, /^kerbwatch: --trace: .*cannot be written \(ENOENT\)/.test(refused.err)], [2, true]);
});
