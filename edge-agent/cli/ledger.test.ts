import { cpSync, readFileSync, rmSync, statSync, writeFileSync, appendFileSync } from "node:fs";
import { join } from "node:path";
import { test, assert } from "../../build/testing.ts";
import type { StationId, WallMs } from "../../models/units.ts";
import { nodeCrypto, signerFromSeed, systemRandom } from "../adapters/crypto.ts";
import { loadOrCreateKeys, publicName } from "../adapters/keys.ts";
import { openLedger } from "../adapters/ledger-file.ts";
import { checkpointPath, readNote, segmentPath, slotsPath } from "../adapters/ledger-read.ts";
import { withFolder } from "../adapters/ledger.testing.ts";
import { readTokenSecret } from "../adapters/tls-files.ts";
import type { Config } from "../config.ts";
import { originOf } from "../record/checkpoint.ts";
import { encodeEntry } from "../record/entry.ts";
import { appendEntries, checkpoint, createRecord } from "../record/record.ts";
import { UsageError } from "./command.ts";
import type { Command } from "./command.ts";
import { keygen } from "./keygen.ts";
import { qrOf, qrText } from "./qr.ts";
import { ledger } from "./ledger.ts";

const crypto = nodeCrypto();
const station = "CP-001" as StationId;

interface Ran { readonly code: number; readonly out: string; readonly err: string }

async function execute(command: Command, ...args: string[]): Promise<Ran> {
  let out = "";
  let err = "";
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text), env: {} };
  const code = await command.run(args, io).catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    err += error.message;
    return 2;
  });
  return { code, out, err };
}

/** A log of `signed` entries with a checkpoint and `unsigned` after it, one an hour. */
function makeLog(stateDir: string, signed: number, unsigned = 0): string {
  const { log } = loadOrCreateKeys(stateDir, systemRandom).signers;
  const { store, recovered } = openLedger(stateDir, crypto);
  const record = createRecord({ origin: originOf(station), crypto, signer: log, recovered });
  const add = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const at = Date.UTC(2026, 2, 1, record.frontier.size) as WallMs;
      const entries = [encodeEntry({ kind: "notice", at, text: `number ${i}` })];
      appendEntries(record, entries);
      store.append(entries);
    }
  };
  add(signed);
  for (const effect of checkpoint(record)) if (effect.kind === "checkpoint") store.writeCheckpoint(effect.note);
  add(unsigned);
  store.close();
  return publicName(crypto, station, "log", log.publicKey);
}

const verify = (stateDir: string, ...args: string[]): Promise<Ran> =>
  execute(ledger, "verify", "--state", stateDir, ...args);

test("verify: a whole, signed log is good, with the device's key and with a given one", withFolder(async (stateDir) => {
  const key = makeLog(stateDir, 5, 2);
  const ran = await verify(stateDir);
  assert.is(ran.code, 0, ran.out + ran.err);
  assert.match(ran.out, /Good: every one of the 5 entries/);
  assert.match(ran.out, /entries +7, of them 2 newer/);
  assert.match(ran.out, /oldest +2026-03-01T00:00:00.000Z\nnewest +2026-03-01T06:00:00.000Z/);
  const json = JSON.parse((await verify(stateDir, "--key", key, "--json")).out) as Record<string, unknown>;
  assert.is(json["ok"], true);
  assert.is(json["size"], 7);
  assert.is(json["signedSize"], 5);
  assert.is(json["origin"], "kerbwatch/CP-001");
  assert.is(json["key"], key);
  assert.equal(json["problems"], []);
}));

test("verify: an auditor's copy of the log folder needs the key given", withFolder(async (stateDir) => {
  const key = makeLog(stateDir, 3);
  const copy = `${stateDir}-copy`;
  cpSync(join(stateDir, "log"), join(copy, "log"), { recursive: true });
  const without = await verify(copy);
  assert.is(without.code, 2);
  assert.match(without.err, /--key: missing/);
  assert.is((await verify(copy, "--key", key)).code, 0);
}));

test("verify: a torn tail is told and is no fault", withFolder(async (stateDir) => {
  makeLog(stateDir, 3);
  appendFileSync(segmentPath(stateDir, 0), "torn");
  const ran = await verify(stateDir);
  assert.is(ran.code, 0);
  assert.match(ran.out, /torn tail 4 bytes/);
}));

test("verify: what is not good exits 1 and says why", withFolder(async (stateDir) => {
  makeLog(stateDir, 4);
  const segment = readFileSync(segmentPath(stateDir, 0));
  const path = checkpointPath(stateDir);
  const note = readNote(path, crypto)!;
  rmSync(slotsPath(path));
  writeFileSync(path, note);
  const expect = async (reason: RegExp, ...args: string[]): Promise<void> => {
    const ran = await verify(stateDir, ...args);
    assert.is(ran.code, 1, ran.out);
    assert.match(ran.out, /^NOT GOOD/);
    assert.match(ran.out, reason);
    writeFileSync(segmentPath(stateDir, 0), segment);
    writeFileSync(path, note);
  };
  writeFileSync(segmentPath(stateDir, 0), segment.map((byte, i) => i === 60 ? byte ^ 1 : byte));
  await expect(/damaged: 00000000.seg/);
  writeFileSync(segmentPath(stateDir, 0), segment.subarray(0, -3));
  await expect(/3 entries, and the checkpoint attests 4/);
  writeFileSync(path, note.replace("\n4\n", "\n3\n"));
  await expect(/the signature of kerbwatch\/CP-001 is wrong/);
  writeFileSync(path, "junk");
  await expect(/the checkpoint is malformed/);
  rmSync(path);
  await expect(/no checkpoint/);
  const stranger = signerFromSeed(new Uint8Array(32).fill(3)).publicKey;
  await expect(/not signed by kerbwatch\/CP-001/, "--key", publicName(crypto, station, "log", stranger));
  assert.is((await verify(stateDir)).code, 0);
}));

test("verify: a rewritten history with whole records is found by its root", withFolder(async (stateDir) => {
  makeLog(stateDir, 4);
  const other = `${stateDir}-other`;
  const { store } = openLedger(other, crypto);
  for (let i = 0; i < 4; i++) store.append([encodeEntry({ kind: "notice", at: 0 as WallMs, text: `other ${i}` })]);
  store.close();
  cpSync(segmentPath(other, 0), segmentPath(stateDir, 0));
  const ran = await verify(stateDir);
  assert.is(ran.code, 1);
  assert.match(ran.out, /the first 4 entries are not those that were signed/);
}));

test("verify: no log at all, and wrong usage", withFolder(async (stateDir) => {
  const none = await verify(stateDir);
  assert.is(none.code, 1);
  assert.match(none.out, `there is no log in ${stateDir}; name the agent's own with --state DIR`);
  for (const args of [[], ["prove"], ["verify", "7"], ["verify", "--keys", "x"]]) {
    assert.is((await execute(ledger, ...args, "--state", stateDir)).code, 2, args.join(" "));
  }
  const ran = await verify(stateDir, "--key", "nonsense");
  assert.is(ran.code, 2);
  assert.match(ran.err, /--key: found "nonsense"/);
}));

test("keygen: makes keys, shows public halves only, and overwrites nothing", withFolder(async (stateDir) => {
  const first = await execute(keygen, "--state", stateDir, "--station", station);
  assert.is(first.code, 0, first.err);
  assert.match(first.out, /log: signs the checkpoints/);
  assert.match(first.out, /kerbwatch\/CP-001\+[0-9a-f]{8}\+/);
  assert.match(first.out, /log.key \(made now; stays on this device\)/);
  const file = readFileSync(join(stateDir, "keys", "log.key"), "utf8");
  assert.not(first.out.includes((JSON.parse(file) as { seed: string }).seed));
  const again = await execute(keygen, "--state", stateDir, "--station", station, "--json");
  const json = JSON.parse(again.out) as { keys: { purpose: string; created: boolean; verifierKey: string }[] };
  const all = ["statement", "log", "witness", "tls"];
  assert.equal(json.keys.map((key) => [key.purpose, key.created]), all.map((name) => [name, false]));
  assert.ok(first.out.includes(json.keys[1]!.verifierKey));
  assert.is(readFileSync(join(stateDir, "keys", "log.key"), "utf8"), file);
  assert.match((await execute(keygen, "--state", stateDir)).out, /was there; left as it is/);
}));

test("keygen --qr: the member file's text as a code, with a file or without", withFolder(async (stateDir) => {
  const path = join(stateDir, "..", "member.json");
  const own = ["--state", stateDir, "--station", station, "--advertise", "10.0.0.5:8883"];
  const { code, out } = await execute(keygen, ...own, "--qr", "--member", path);
  assert.is(code, 0);
  const text = JSON.stringify(JSON.parse(readFileSync(path, "utf8")));
  assert.ok(out.includes(qrText(qrOf(new TextEncoder().encode(text)))));
  assert.ok((await execute(keygen, ...own, "--qr")).out.endsWith(qrText(qrOf(new TextEncoder().encode(text)))));
  assert.match((await execute(keygen, "--state", stateDir, "--qr")).err, /--station: missing; .* since --qr names/);
  assert.match((await execute(keygen, ...own, "--qr", "--json")).err, /--qr: found beside --json/);
}));

test("keygen: a zone's token secret is made once, for its owner alone, and is what the configuration takes",
  withFolder(async (folder) => {
    const path = join(folder, "..", "zone.secret");
    const made = await execute(keygen, "--token-secret", path);
    assert.is(made.code, 0, made.err);
    assert.match(made.out, /zone.secret \(made now\): the same file for each member/);
    const text = readFileSync(path, "utf8");
    assert.match(text, /^[0-9a-f]{64}\n$/);
    assert.is(statSync(path).mode & 0o777, 0o600);
    assert.not(made.out.includes(text.trim()));
    const again = await execute(keygen, "--token-secret", path, "--json");
    assert.equal(JSON.parse(again.out), { version: 1, file: path, created: false });
    assert.is(readFileSync(path, "utf8"), text);
    assert.match((await execute(keygen, "--token-secret", path, "--state", folder)).err, /--state: found beside/);
    assert.is((await execute(keygen, "--token-secret", join(folder, "none", "x"))).code, 1);
    const config = { mesh: { tokenSecret: { from: "file", path } } } as unknown as Config;
    assert.is(Buffer.from(readTokenSecret(config, {})!).toString("hex"), text.trim());
    writeFileSync(path, "zz");
    assert.throws(() => readTokenSecret(config, {}), /^mesh.tokenSecret: found something else; allowed: a file as/);
    assert.is(readTokenSecret({} as Config, {}), undefined);
  }));

test("keygen: wrong usage, and a damaged key", withFolder(async (stateDir) => {
  assert.is((await execute(keygen)).code, 2);
  assert.match((await execute(keygen, "--state", stateDir, "--station", "CP 1")).err, /--station: found "CP 1"/);
  await execute(keygen, "--state", stateDir);
  writeFileSync(join(stateDir, "keys", "log.key"), "{}");
  const ran = await execute(keygen, "--state", stateDir);
  assert.is(ran.code, 1);
  assert.match(ran.err, /log.key: damaged/);
  assert.is(ran.out, "");
}));
