import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { freshFolder } from "../agent.testing.ts";
import { ran } from "./io.testing.ts";

/** A board that trusts two of two operators, and a release that they signed. */
async function enrolled(): Promise<{ folder: string; config: string; release: string }> {
  const folder = freshFolder();
  const keys: string[] = [];
  for (const label of ["alice", "bob"]) {
    const made = await ran(["keygen", "--operator", join(folder, `${label}.key`), "--json"]);
    const text = /operator\/[^"\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+/.exec(made.out)?.[0];
    keys.push(text ?? assert.unreachable(made.out + made.err) as never);
  }
  const config = join(folder, "kerbwatch.yaml");
  writeFileSync(config, JSON.stringify({
    station: "CP-001", csms: "ws://127.0.0.1:1", stateDir: "state", operators: { threshold: 2, keys },
  }));
  writeFileSync(join(folder, "kerbwatch.cjs"), "process.exit(7);\n");
  return { folder, config, release: await released(folder, 1) };
}

async function released(folder: string, sequence: number, ...more: string[]): Promise<string> {
  const release = join(folder, `${sequence}.release`);
  const args = ["--files", join(folder, "kerbwatch.cjs"), "--sequence", String(sequence), "--name", `0.${sequence}.0`];
  assert.is((await ran(["update", "create", ...args, "--out", release, ...more])).code, 0);
  for (const label of ["alice", "bob"]) {
    const signed = await ran(["update", "sign", release, "--key", join(folder, `${label}.key`)]);
    assert.is(signed.code, 0, signed.err);
  }
  return release;
}

test("a signed release is checked, installed for a trial, and taken back by hand; it does not come twice", async () => {
  const { folder, config, release } = await enrolled();
  const checked = await ran(["update", "check", release, "--config", config]);
  assert.match(checked.out, /Release 1 \(0\.1\.0\), signed by operator\/alice and operator\/bob/);
  assert.match(checked.out, /may be installed/);
  const installed = await ran(["update", "install", release, "--config", config]);
  assert.is(installed.code, 0, installed.err);
  assert.match((await ran(["update", "status", "--config", config])).out, /on trial  release 1 \(0\.1\.0\)/);
  assert.is(readdirSync(join(folder, "state/releases")).length, 3);
  assert.is((await ran(["update", "rollback", "--config", config])).code, 0);
  assert.is((await ran(["update", "rollback", "--config", config])).code, 1);
  const again = await ran(["update", "install", release, "--config", config]);
  assert.is(again.code, 1);
  assert.match(again.out, /allowed: more than 1/);
});

test("one signature of two, another program, and a release of nobody are refused", async () => {
  const { folder, config, release } = await enrolled();
  const one = join(folder, "one.release");
  const of = ["--files", join(folder, "kerbwatch.cjs"), "--sequence", "3", "--name", "a"];
  await ran(["update", "create", ...of, "--out", one]);
  await ran(["update", "sign", one, "--key", join(folder, "bob.key")]);
  assert.match((await ran(["update", "install", one, "--config", config])).err, /found 1 good signature/);
  writeFileSync(join(folder, "kerbwatch.cjs"), "process.exit(8);\n");
  assert.match((await ran(["update", "install", release, "--config", config])).err, /another hash/);
  writeFileSync(join(folder, "kerbwatch.cjs"), "process.exit(77);\n");
  assert.match((await ran(["update", "install", release, "--config", config])).err, /bytes; allowed/);
  assert.match((await ran(["update", "check", join(folder, "none"), "--config", config])).err, /no such file/);
});

test("it waits for its turn, and comes before it when told to", async () => {
  const { folder, config } = await enrolled();
  const later = await released(folder, 2, "--stages", "0:0,86400:100");
  const first = await ran(["update", "install", later, "--config", config]);
  assert.is(first.code, 0);
  assert.match(first.out, /not yet/);
  assert.match((await ran(["update", "install", later, "--config", config, "--now"])).out, /installed for a trial/);
});

test("from a web server; what it answers beyond what was signed is not read", async () => {
  const { folder, config, release } = await enrolled();
  copyFileSync(release, join(folder, "latest.release"));
  let extra = "";
  const server = createServer((request, response) => {
    const name = (request.url ?? "").slice(1);
    if (!["latest.release", "kerbwatch.cjs"].includes(name)) return void response.writeHead(404).end();
    response.end(readFileSync(join(folder, name), "latin1") + (name === "kerbwatch.cjs" ? extra : ""), "latin1");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    extra = "x".repeat(100_000);
    assert.match((await ran(["update", "install", `${base}/latest.release`, "--config", config])).err, /longer than/);
    extra = "";
    assert.match((await ran(["update", "install", `${base}/none`, "--config", config])).err, /HTTP 404/);
    const done = await ran(["update", "install", `${base}/latest.release`, "--config", config]);
    assert.is(done.code, 0, done.err);
  } finally {
    server.close();
  }
});

test("a configuration without operators trusts nobody, and says so", async () => {
  const { folder, release } = await enrolled();
  const config = join(folder, "alone.yaml");
  writeFileSync(config, JSON.stringify({ station: "CP-001", csms: "ws://127.0.0.1:1", stateDir: "state" }));
  const { code, err } = await ran(["update", "install", release, "--config", config]);
  assert.is(code, 2);
  assert.match(err, /operators: missing/);
});
