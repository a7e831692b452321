import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { KeyFileError } from "./key-file.ts";
import { loadOrCreateOperatorKey, readOperatorKey } from "./operator-key.ts";
import { loadOrCreateKeys, keyPath } from "./keys.ts";

const folder = mkdtempSync(join(tmpdir(), "kerbwatch-operator-"));
const file = (name: string): string => join(folder, name);

function refusal(body: () => unknown): string {
  try {
    body();
    return "none";
  } catch (error) {
    if (error instanceof KeyFileError) return error.message;
    throw error;
  }
}

test("an operator's key is made once, for its owner alone, and is the same ever after", () => {
  const path = file("a.key");
  const made = loadOrCreateOperatorKey(path, "alice", seeded(1));
  assert.ok(made.created);
  assert.is(statSync(path).mode & 0o777, 0o600);
  const again = loadOrCreateOperatorKey(path, "another", seeded(2));
  assert.not(again.created);
  assert.is(again.label, "alice");
  assert.equal(readOperatorKey(path)?.signer.publicKey, made.signer.publicKey);
  assert.is(again.warning, undefined);
});

test("no file is no key; a readable one is a warning", () => {
  assert.is(readOperatorKey(file("none.key")), undefined);
  loadOrCreateOperatorKey(file("open.key"), "o", seeded(1));
  chmodSync(file("open.key"), 0o644);
  assert.match(readOperatorKey(file("open.key"))?.warning ?? "", /others can read it \(mode 644\); chmod 600 it$/);
});

test("what is damaged, nameless, or a key for something else is refused and left alone", () => {
  const path = file("b.key");
  loadOrCreateOperatorKey(path, "bob", seeded(3));
  const good = readFileSync(path, "utf8");
  const bad = ["", "{}", good.slice(1), good.replace('"bob"', '"b b"'), good.replace('"label":"bob",', ""),
    good.replace('"operator"', '"log"'), good.replace('"seed":"', '"seed":"A')];
  for (const text of bad) {
    writeFileSync(path, text);
    assert.match(refusal(() => loadOrCreateOperatorKey(path, "bob", seeded(4))),
      /b.key: damaged, or not an operator key; put back a copy, or name another file$/);
    assert.is(readFileSync(path, "utf8"), text);
  }
  loadOrCreateKeys(file("state"), seeded(5));
  assert.match(refusal(() => readOperatorKey(keyPath(file("state"), "log"))), /not an operator key/);
  assert.match(refusal(() => loadOrCreateOperatorKey(file("none/x.key"), "x", seeded(6))), /cannot be made \(ENOENT\)/);
  assert.match(refusal(() => readOperatorKey(folder)), /cannot be read \(EISDIR\)/);
});
