import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import type { WallMs } from "../../models/units.ts";
import { nodeCrypto, systemRandom } from "../adapters/crypto.ts";
import { keyPath, loadOrCreateKeys } from "../adapters/keys.ts";
import { openLedger } from "../adapters/ledger-file.ts";
import { encodeEntry } from "../record/entry.ts";
import { ran } from "./io.testing.ts";

interface Bundle {
  readonly config: { inForce?: Record<string, unknown>; problem?: string };
  readonly agent: { running: boolean; why?: string };
  readonly doctor: readonly { name: string; state: string }[] | string;
  readonly record: {
    log: { entries: number; damage?: string; kinds: Record<string, number>; newest: unknown[] };
    notices: { text: string }[]; frames: { text: string }[];
  } | { problem: string };
  readonly crashes: unknown;
  readonly state: { files?: { name: string; mode?: string }[]; problem?: string };
}

const bundleOf = (path: string): Bundle => JSON.parse(readFileSync(path, "utf8")) as Bundle;

/** A device with keys, a log, crashes and brokers' passwords, on which no agent runs. */
function device(): { folder: string; stateDir: string; config: string; secrets: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-support-"));
  const stateDir = join(folder, "state");
  mkdirSync(stateDir, { mode: 0o700 });
  loadOrCreateKeys(stateDir, systemRandom);
  const crypto = nodeCrypto();
  const { store } = openLedger(stateDir, crypto);
  const frames = Array.from({ length: 30 }, (_, n) => (
    { kind: "frame", at: (n * 1000) as WallMs, direction: "cp-to-csms", text: `[2,"${n}","Heartbeat",{}]` } as const));
  const notice = { kind: "notice", at: 5 as WallMs, text: "the clock was set" } as const;
  const body = { kind: "alert", at: 6 as WallMs, json: `{"summary":"WhatAnEntrySays"}` } as const;
  store.append([...frames, notice, body].map(encodeEntry));
  store.close();
  const crashed = { boot: "-", record: { ends: [{ atS: 1, weight: 1, how: "SIGKILL" }] } };
  writeFileSync(join(stateDir, "crashes.json"), JSON.stringify(crashed));
  writeFileSync(join(folder, "meter.secret"), "MeterPass123\n");
  const config = join(folder, "kerbwatch.yaml");
  writeFileSync(config, `station: CP-001
csms: ws://127.0.0.1:1
listen: ws://127.0.0.1:0
stateDir: state
meters:
  - evse: 1
    kind: mqtt
    broker: { url: "mqtt://127.0.0.1:1", user: me, password: "file:meter.secret" }
    topic: house/meter
    powerW: /power
frames: { broker: { url: "mqtt://127.0.0.1:1", user: me, password: "env:FRAMES_PASS" }, module: ocpp_api }
`);
  const seeds = (["statement", "log"] as const).map((purpose) =>
    (JSON.parse(readFileSync(keyPath(stateDir, purpose), "utf8")) as { seed: string }).seed);
  return { folder, stateDir, config, secrets: ["MeterPass123", "FramesPass456", "WhatAnEntrySays", ...seeds] };
}

const ENV = { FRAMES_PASS: "FramesPass456" };

test("without a running agent: everything but its status is in, it says so, and no secret is", async () => {
  const { folder, config, secrets } = device();
  const path = join(folder, "support.json");
  const { code, out, err } = await ran(["support-bundle", "--config", config, "--out", path, "--frames", "7"], ENV);
  assert.is(code, 0, err);
  assert.is(out, `${path}\n`);
  const lines = err.trim().split("\n");
  assert.is(lines.length, 7);
  assert.match(lines[2]!, /^3\/7 agent: no agent is running on /);
  const { agent, doctor, record, config: told, crashes, state } = bundleOf(path);
  assert.is(agent.running, false);
  assert.is(told.inForce?.["station"], "CP-001");
  assert.ok(Array.isArray(doctor) && doctor.some(({ name, state: is }) => name === "csms" && is === "fail"));
  assert.ok("log" in record);
  assert.equal([record.log.entries, record.log.kinds], [32, { frame: 30, notice: 1, alert: 1 }]);
  assert.equal(record.notices, [{ at: "1970-01-01T00:00:00.005Z", text: "the clock was set" }]);
  const newest = [23, 24, 25, 26, 27, 28, 29].map((n) => `[2,"${n}","Heartbeat",{}]`);
  assert.equal(record.frames.map(({ text }) => text), newest);
  assert.match(JSON.stringify(crashes), "SIGKILL");
  assert.ok(state.files?.some(({ name, mode }) => name === "keys/log.key" && mode === "600"));
  const text = readFileSync(path, "utf8");
  for (const secret of secrets) assert.not.ok(text.includes(secret) || err.includes(secret), secret);
  assert.is(statSync(path).mode & 0o777, 0o600);
});

test("a configuration that is wrong: its fault is in the bundle, with what the state directory tells", async () => {
  const { folder, stateDir, secrets } = device();
  const config = join(folder, "wrong.yaml");
  writeFileSync(config, `station: CP-001\ncsms: ws://user:CsmsPass789@127.0.0.1:1\n`);
  const path = join(folder, "support.json");
  const { code, err } = await ran(["support-bundle", "--config", config, "--state", stateDir, "--out", path]);
  assert.is(code, 0, err);
  const { config: told, doctor, record } = bundleOf(path);
  assert.match(told.problem ?? "", /csms: found .*; allowed/);
  assert.is(doctor, "needs a configuration that can be read");
  assert.ok("log" in record && record.frames.length === 20, "as many as usual");
  const text = readFileSync(path, "utf8");
  for (const secret of [...secrets, "CsmsPass789"]) assert.not.ok(text.includes(secret), secret);
});

test("nothing at all is there: the bundle is made, and says what it could not read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-support-"));
  const path = join(folder, "support.json");
  const { code } = await ran(["support-bundle", "--state", join(folder, "nowhere"), "--out", path]);
  assert.is(code, 0);
  const { state, crashes, agent, record } = bundleOf(path);
  assert.equal([state.problem, crashes, agent.running], ["ENOENT", "none", false]);
  assert.ok("log" in record && record.log.entries === 0);
});

test("a damaged log is told with its damage, a crash record that is none as such", async () => {
  const { folder, stateDir } = device();
  writeFileSync(join(stateDir, "log/00000002.seg"), "nonsense");
  writeFileSync(join(stateDir, "crashes.json"), "{");
  const path = join(folder, "support.json");
  await ran(["support-bundle", "--state", stateDir, "--out", path]);
  const { record, crashes } = bundleOf(path);
  assert.ok("log" in record && (record.log.damage ?? "").length > 0);
  assert.equal(crashes, { problem: "no JSON" });
});

for (const [frames, found] of [["many", '"many"'], ["501", '"501"'], ["-1", "no value"], ["1.5", '"1.5"']] as const) {
  test(`--frames ${frames} is wrong usage, and nothing is written`, async () => {
    const { code, err } = await ran(["support-bundle", "--frames", frames, "--out", "/nowhere/x.json"]);
    assert.equal([code, err.includes(`--frames: found ${found}; allowed: `)], [2, true], err);
  });
}

test("a file that is there is never replaced; a place that cannot be written is named", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-support-"));
  const path = join(folder, "support.json");
  writeFileSync(path, "mine");
  const taken = await ran(["support-bundle", "--state", folder, "--out", path]);
  assert.is(taken.code, 2);
  assert.match(taken.err, /--out: found .*support\.json, which is there already; allowed: a new file/);
  assert.is(readFileSync(path, "utf8"), "mine");
  const nowhere = await ran(["support-bundle", "--state", folder, "--out", join(folder, "no/such/x.json")]);
  assert.is(nowhere.code, 1);
  assert.match(nowhere.err, /x\.json cannot be written \(ENOENT\)/);
});
