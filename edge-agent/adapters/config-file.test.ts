import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { parseConfig } from "../config.ts";
import { UsageError } from "../usage-error.ts";
import { loadConfig } from "./config-file.ts";
import { readCsmsTls, readListenTls, readSiteBrokers } from "./tls-files.ts";

const folder = mkdtempSync(join(tmpdir(), "kerbwatch-config-"));
const LEAST = "station: CP-001\ncsms: wss://csms.example\n";

function written(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.instance(error, UsageError);
    return (error as Error).message;
  }
  return "accepted";
}

test("a file is read, and its folder is where relative paths begin", () => {
  assert.is(loadConfig(written("k.yaml", `${LEAST}stateDir: state\n`), {}).stateDir, join(folder, "state"));
});

test("a byte-order mark is no part of the configuration", () => {
  assert.is(loadConfig(written("bom.yaml", `\ufeff${LEAST}`), {}).station, "CP-001");
  assert.is(loadConfig(written("bom.json", '\ufeff{"station":"A","csms":"ws://b"}'), {}).station, "A");
});

mkdirSync(join(folder, "dir.yaml"));
const WRONG: [string, () => string, string][] = [
  ["absent", () => join(folder, "none.yaml"), "none.yaml: no such file; allowed: a YAML or JSON file"],
  ["a folder", () => join(folder, "dir.yaml"), "dir.yaml: found no regular file; allowed: a YAML or JSON file"],
  ["a device that never ends", () => "/dev/zero", "/dev/zero: found no regular file; allowed: a YAML or JSON file"],
  ["huge", () => written("huge.yaml", "#".repeat(262_145)), "huge.yaml: found 262145 bytes; allowed: at most 262144"],
  ["binary", () => written("bin.yaml", new Uint8Array([0, 255, 254, 1])),
    "bin.yaml: line 1: cannot be read as YAML or JSON: "],
];
for (const [name, path, message] of WRONG) {
  test(`refused in one line: ${name}`, () => {
    const said = refusal(() => loadConfig(path(), {}));
    assert.match(said, message);
    assert.not.match(said, /\n/);
  });
}

test("an operator's key whose digits do not belong together is refused, and so is one given twice", () => {
  const alice = "operator/alice+550d5c05+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
  const operators = (...keys: string[]): string => `${LEAST}operators: { threshold: 1, keys: [${keys.join(", ")}] }\n`;
  assert.is(loadConfig(written("op.yaml", operators(alice)), {}).operators?.threshold, 1);
  const mistyped = refusal(() => loadConfig(written("op.yaml", operators(alice.replace("alice", "alise"))), {}));
  assert.match(mistyped, "op.yaml: operators.keys[0]: found \"operator/alise+550d5c05+");
  assert.match(mistyped, "(the hash does not belong to this name and key); allowed: operator/<label>+");
  assert.match(refusal(() => loadConfig(written("op.yaml", operators(alice, alice)), {})),
    "op.yaml: operators.keys[1]: found the key of keys[0] again; allowed: each key once");
});

const TLS = `${LEAST}listen: wss://0.0.0.0:9000\ntls: { cert: c.pem, key: "env:KW_KEY", ca: ca.pem }\n`
  + "csmsTls: { cert: c.pem, key: \"file:k.pem\" }\n";

test("certificates and keys come from files and from the environment", () => {
  written("c.pem", "CERT");
  written("k.pem", "KEY");
  written("ca.pem", "CA");
  const config = loadConfig(written("tls.yaml", TLS), { KW_KEY: "FROM ENV" });
  assert.equal(readListenTls(config, { KW_KEY: "FROM ENV" }), { cert: "CERT", key: "FROM ENV", ca: "CA" });
  assert.equal(readCsmsTls(config, {}), { cert: "CERT", key: "KEY" });
});

test("without TLS there is nothing to read", () => {
  const config = parseConfig(LEAST, "k.yaml", {});
  assert.is(readListenTls(config, {}), undefined);
  assert.equal(readCsmsTls(config, {}), {});
});

test("a certificate or key that cannot be read is named", () => {
  const config = parseConfig(TLS, "/nowhere/k.yaml", { KW_KEY: "x" });
  assert.is(refusal(() => readListenTls(config, {})),
    "tls.cert: cannot read /nowhere/c.pem (ENOENT); allowed: a PEM file");
  assert.is(refusal(() => readCsmsTls({ ...config, csmsTls: { key: { from: "file", path: "/nowhere/k.pem" } } }, {})),
    "csmsTls.key: cannot read /nowhere/k.pem (ENOENT); allowed: a PEM file");
});

const ALICE = "operator/alice+550d5c05+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
const SITES = `operators: { threshold: 1, keys: [${ALICE}] }\n`
  + "mesh:\n  roster: r.kw\n  ca: ca.pem\n  brokers:\n    - mqtts://site:8883\n"
  + '    - { url: "mqtt://127.0.0.1:1883", user: CP-001, password: "file:site.password" }\n'
  + '    - { url: "mqtt://10.0.0.9:1883", plain: true, user: CP-001, password: "env:KW_SITE" }\n'
  + '    - { url: "mqtts://site:8884", user: CP-001 }\n';

test("what a site's broker asks for comes from files and the environment", () => {
  written("ca.pem", "CA");
  written("site.password", "from a file \r\n");
  const env = { KW_SITE: "from the environment" };
  assert.equal(readSiteBrokers(loadConfig(written("sites.yaml", `${LEAST}\n${SITES}`), env), env), [
    { host: "site", port: 8883, ca: "CA" },
    { host: "127.0.0.1", port: 1883, login: { user: "CP-001", password: "from a file " } },
    { host: "10.0.0.9", port: 1883, login: { user: "CP-001", password: "from the environment" } },
    { host: "site", port: 8884, ca: "CA", login: { user: "CP-001" } },
  ]);
  assert.equal(readSiteBrokers(parseConfig(LEAST, "k.yaml", {}), {}), []);
});

test("a password that is none, or an authority that is not there, is named and not repeated", () => {
  const config = loadConfig(written("sites.yaml", `${LEAST}\n${SITES}`), { KW_SITE: "x" });
  const key = "mesh.brokers[1].password";
  for (const [content, found] of [["", "nothing"], ["\n", "nothing"], ["one\ntwo\n", "several lines"]] as const) {
    written("site.password", content);
    assert.is(refusal(() => readSiteBrokers(config, { KW_SITE: "x" })),
      `${key}: found ${found}; allowed: a file with the password alone`);
  }
  const lost = parseConfig(`${LEAST}\n${SITES}`, "/nowhere/k.yaml", { KW_SITE: "x" });
  assert.is(refusal(() => readSiteBrokers(lost, {})),
    "mesh.ca: cannot read /nowhere/ca.pem (ENOENT); allowed: a PEM file");
});
