import {
  chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seeded } from "../../build/seeded.ts";
import { test, assert } from "../../build/testing.ts";
import type { StationId } from "../../models/units.ts";
import { parseVerifierKey } from "../record/note.ts";
import { nodeCrypto, signerFromSeed } from "./crypto.ts";
import { openLedger } from "./ledger-file.ts";
import { checkpointPath } from "./ledger-read.ts";
import { KEY_PURPOSES, KeyFileError, keyPath, loadOrCreateKeys, publicName, readKey } from "./keys.ts";

const crypto = nodeCrypto();
const message = Uint8Array.of(1, 2, 3);

function withFolder(body: (stateDir: string) => void): () => void {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), "kerbwatch-keys-"));
    try {
      body(join(folder, "state"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

function refusal(body: () => unknown): string {
  try {
    body();
    return "none";
  } catch (error) {
    if (error instanceof KeyFileError) return error.message;
    throw error;
  }
}

test("keys are made once, one for each purpose, and are the same ever after", withFolder((stateDir) => {
  const first = loadOrCreateKeys(stateDir, seeded(1));
  assert.equal(first.created, [...KEY_PURPOSES]);
  assert.not.equal(first.signers.log.publicKey, first.signers.statement.publicKey);
  const again = loadOrCreateKeys(stateDir, seeded(2));
  assert.equal(again.created, []);
  for (const purpose of KEY_PURPOSES) {
    assert.equal(again.signers[purpose].publicKey, first.signers[purpose].publicKey);
    assert.ok(crypto.verify(first.signers[purpose].publicKey, message, again.signers[purpose].sign(message)));
  }
  assert.equal(again.warnings, []);
}));

test("private files are for the owner alone, and nothing is left beside them", withFolder((stateDir) => {
  loadOrCreateKeys(stateDir, seeded(1));
  assert.is(statSync(join(stateDir, "keys")).mode & 0o777, 0o700);
  for (const purpose of KEY_PURPOSES) assert.is(statSync(keyPath(stateDir, purpose)).mode & 0o777, 0o600);
  assert.equal(readdirSync(join(stateDir, "keys")).sort(), ["log.key", "statement.key", "tls.key", "witness.key"]);
}));

test("a key that others can read still works, with a warning", withFolder((stateDir) => {
  loadOrCreateKeys(stateDir, seeded(1));
  chmodSync(keyPath(stateDir, "log"), 0o644);
  chmodSync(join(stateDir, "keys"), 0o750);
  const { warnings } = loadOrCreateKeys(stateDir, seeded(2));
  assert.is(warnings.length, 2);
  assert.match(warnings.join(), /log.key: others can read it \(mode 644\); chmod 600/);
}));

test("a damaged key is an error that names the file, and is left alone", withFolder((stateDir) => {
  loadOrCreateKeys(stateDir, seeded(1));
  const path = keyPath(stateDir, "log");
  const good = readFileSync(path, "utf8");
  const seed = (JSON.parse(good) as { seed: string }).seed;
  const bad = [
    "", "{", "null", "[]", "7", good.slice(0, -20), good.replace(seed, `A${seed.slice(1)}A`),
    good.replace(seed, Buffer.alloc(32, 3).toString("base64")), good.replace(seed, Buffer.alloc(31).toString("base64")),
    good.replace('"version":1', '"version":2'), good.replace('"log"', '"statement"'), " ".repeat(5000) + good,
    good.replace(`"${seed}"`, "7"),
  ];
  for (const text of bad) {
    writeFileSync(path, text);
    assert.match(refusal(() => loadOrCreateKeys(stateDir, seeded(2))), /log.key: damaged, or not a log key/);
    assert.is(readFileSync(path, "utf8"), text);
  }
}));

test("an error says nothing of the seed", withFolder((stateDir) => {
  loadOrCreateKeys(stateDir, seeded(1));
  const text = readFileSync(keyPath(stateDir, "log"), "utf8");
  const { seed } = JSON.parse(text) as { seed: string };
  writeFileSync(keyPath(stateDir, "log"), text.replace('"version":1', '"version":9'));
  assert.not(refusal(() => readKey(stateDir, "log")).includes(seed.slice(0, 8)));
}));

test("a lost log key is not quietly replaced while the log that it signed is there", withFolder((stateDir) => {
  loadOrCreateKeys(stateDir, seeded(1));
  rmSync(keyPath(stateDir, "log"));
  const refuses = (): void => {
    assert.match(refusal(() => loadOrCreateKeys(stateDir, seeded(2))), /log.key: missing, and .* was signed with it/);
    assert.not(existsSync(keyPath(stateDir, "log")));
  };
  const { store } = openLedger(stateDir, nodeCrypto());
  store.writeCheckpoint("x");
  store.close();
  refuses();
  rmSync(join(stateDir, "log"), { recursive: true });
  mkdirSync(join(stateDir, "log"));
  writeFileSync(checkpointPath(stateDir), "as an older release left it");
  refuses();
  rmSync(keyPath(stateDir, "statement"));
  rmSync(join(stateDir, "log"), { recursive: true });
  assert.equal(loadOrCreateKeys(stateDir, seeded(3)).created, ["statement", "log"]);
}));

test("a state directory of an earlier release gains the keys that it lacks", withFolder((stateDir) => {
  const first = loadOrCreateKeys(stateDir, seeded(1));
  for (const purpose of ["witness", "tls"] as const) rmSync(keyPath(stateDir, purpose));
  mkdirSync(join(stateDir, "log"));
  writeFileSync(join(stateDir, "log", "checkpoint"), "x");
  const again = loadOrCreateKeys(stateDir, seeded(2));
  assert.equal(again.created, ["witness", "tls"]);
  assert.equal(again.signers.log.publicKey, first.signers.log.publicKey);
  assert.not.equal(again.signers.tls.publicKey, first.signers.tls.publicKey);
}));

test("the seed that TLS needs is that of the TLS key", withFolder((stateDir) => {
  const { tlsSeed, signers } = loadOrCreateKeys(stateDir, seeded(1));
  assert.equal(signerFromSeed(tlsSeed).publicKey, signers.tls.publicKey);
}));

test("a folder that cannot be is an error that names it", withFolder((stateDir) => {
  writeFileSync(stateDir, "a file");
  assert.match(refusal(() => loadOrCreateKeys(stateDir, seeded(1))), /statement.key: cannot be (read|made) \(\w+\)/);
}));

test("no key yet is no error", withFolder((stateDir) => {
  assert.is(readKey(stateDir, "log"), undefined);
}));

test("public halves are verifier keys named for the station", withFolder((stateDir) => {
  const { signers } = loadOrCreateKeys(stateDir, seeded(1));
  for (const [purpose, name] of [["log", "kerbwatch/CP-001"], ["statement", "kerbwatch/CP-001/statement"],
    ["witness", "kerbwatch/CP-001/witness"], ["tls", "kerbwatch/CP-001/tls"]] as const) {
    const text = publicName(crypto, "CP-001" as StationId, purpose, signers[purpose].publicKey);
    const parsed = parseVerifierKey(crypto, text);
    assert.ok(parsed.ok);
    assert.is(parsed.value.name, name);
    assert.equal(parsed.value.publicKey, signers[purpose].publicKey);
  }
}));
