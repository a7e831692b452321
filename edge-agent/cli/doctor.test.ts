import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { startModbusMeter } from "../../hil-tests/bench/modbus-meter.ts";
import type { StationId, WallMs } from "../../models/units.ts";
import { nodeCrypto, signerFromSeed } from "../adapters/crypto.ts";
import { createStatusServer } from "../adapters/http.ts";
import { loadOrCreateKeys, keyPath } from "../adapters/keys.ts";
import { openLedger } from "../adapters/ledger-file.ts";
import { checkpointPath, segmentPath } from "../adapters/ledger-read.ts";
import { formatCheckpoint, originOf } from "../record/checkpoint.ts";
import { encodeEntry } from "../record/entry.ts";
import { signNote } from "../record/note.ts";
import { STATUS } from "../status.testing.ts";
import type { Status } from "../status.ts";
import type { Check } from "./checks/check.ts";
import { commitsOften } from "./checks/disk.ts";
import { ran } from "./io.testing.ts";
import { USUAL_STATE_DIR } from "./state-dir.ts";
import { parseConfig } from "../config.ts";

const crypto = nodeCrypto();

async function open(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

interface Site {
  readonly folder: string;
  readonly stateDir: string;
  readonly csmsPort: number;
}

interface Report {
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly config: Record<string, unknown>;
}

/** A site where all is well: a CSMS that answers, a state directory, free ports. */
async function site(run: (site: Site) => Promise<void>): Promise<void> {
  const csms = createServer((_request, response) => { response.writeHead(426).end(); });
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-doctor-"));
  const stateDir = join(folder, "state");
  mkdirSync(stateDir, { mode: 0o700 });
  try {
    await run({ folder, stateDir, csmsPort: await open(csms) });
  } finally {
    csms.close();
    csms.closeAllConnections();
  }
}

async function examined({ folder, csmsPort }: Site, more = "listen: ws://127.0.0.1:0"): Promise<Report> {
  const file = join(folder, "k.yaml");
  writeFileSync(file, `station: CP-001\ncsms: ws://127.0.0.1:${csmsPort}\nstateDir: state\n${more}\n`);
  const { code, out, err } = await ran(["doctor", "--config", file, "--json"]);
  assert.is(err, "");
  const report = JSON.parse(out) as Report;
  assert.is(code, report.ok ? 0 : 1);
  assert.is(report.ok, report.checks.every(({ state }) => state !== "fail"));
  return report;
}

function check(report: Report, name: string, state: Check["state"], says: RegExp): void {
  const found = report.checks.find((one) => one.name === name);
  assert.is(found?.state, state, `${name}: ${found?.says}`);
  assert.match(found?.says ?? "", says);
  assert.is(found?.mend === undefined, state === "ok");
}

test("where all is well every check says so, and nothing is left behind", () => site(async (here) => {
  const report = await examined(here);
  assert.ok(report.ok);
  assert.equal(report.checks.map(({ name }) => name),
    ["config", "clock", "disk", "listen", "keys", "csms", "schemas", "meter", "log", "neighbours", "outlet"]);
  check(report, "csms", "ok", /name and TCP work/);
  check(report, "disk", "ok", /can be written, .* free/);
  check(report, "meter", "warn", /none configured/);
  check(report, "schemas", "warn", /none came with this program/);
  assert.is(report.config["stateDir"], here.stateDir);
  assert.equal(readdirSync(here.stateDir), []);
}));

test("for people: one line a check, and the configuration in force when asked for", () => site(async (here) => {
  await examined(here);
  const file = join(here.folder, "k.yaml");
  const plain = await ran(["doctor", "--config", file]);
  assert.is(plain.code, 0);
  assert.is(plain.out.trimEnd().split("\n").length, 11);
  assert.match(plain.out, /^ok {4}neighbours {2}none: works alone$/m);
  assert.match(plain.out, /^warn {2}meter {7}none configured.* -> give meters/m);
  const shown = await ran(["doctor", "--config", file, "--show"]);
  assert.match(shown.out, '"epochS": 10');
}));

test("a CSMS that is away fails, and the rest is still examined", () => site(async (here) => {
  const gone = createTcpServer();
  const csmsPort = await open(gone);
  gone.close();
  await once(gone, "close");
  const report = await examined({ ...here, csmsPort });
  check(report, "csms", "fail", /refuses the connection/);
  check(report, "log", "ok", /no entries yet/);
}));

test("a port that another program has fails; one that our agent holds is good", () => site(async (here) => {
  const holder = createTcpServer();
  const port = await open(holder);
  const listen = `listen: ws://127.0.0.1:${port}`;
  check(await examined(here, listen), "listen", "fail", /cannot be listened on \(EADDRINUSE\)/);
  const status: Status = { ...STATUS, agent: { ...STATUS.agent, listen: `ws://127.0.0.1:${port}` } };
  const agent = createStatusServer({ stateDir: here.stateDir, status: () => status });
  await agent.start();
  check(await examined(here, listen), "listen", "ok", /is held by the running agent/);
  await agent.stop();
  holder.close();
}));

test("addresses that are free, and one that this machine has not", () => site(async (here) => {
  check(await examined(here, "listen: ws://127.0.0.1:0\nhttp: 127.0.0.1:0"), "http", "ok", /is free/);
  check(await examined(here, "listen: ws://192.0.2.1:9000"), "listen", "fail", /EADDRNOTAVAIL/);
}));

test("a meter is read, one that is away fails, and one that the running agent reads is left alone",
  () => site(async (here) => {
    const meter = await startModbusMeter({ model: "sdm630", quantities: { powerW: 7200 } });
    const more = `listen: ws://127.0.0.1:0\nmeters: [{ evse: 1, model: sdm630, address: "${meter.address}" }]`;
    check(await examined(here, more), "meter", "ok", /7200 W/);
    const status: Status = { ...STATUS, meters: [
      { evse: 1, model: "sdm630", address: meter.address, everyS: 10, state: "reading", powerW: 42 },
    ] };
    const agent = createStatusServer({ stateDir: here.stateDir, status: () => status });
    await agent.start();
    const before = meter.connections();
    check(await examined(here, more), "meter", "ok", /the running agent reads 42 W/);
    assert.is(meter.connections(), before);
    await agent.stop();
    await meter.close();
    check(await examined(here, more), "meter", "fail", /EVSE 1, sdm630 at 127\.0\.0\.1/);
  }));

test("keys: made ones are good, exposed ones are warned of, damaged ones fail", () => site(async (here) => {
  check(await examined(here), "keys", "ok", /none yet/);
  loadOrCreateKeys(here.stateDir, { bytes: (length) => new Uint8Array(length).fill(7) });
  check(await examined(here), "keys", "ok", /there and kept from others: statement, log, witness, tls/);
  chmodSync(keyPath(here.stateDir, "log"), 0o644);
  check(await examined(here), "keys", "warn", /can be read by others \(mode 644\)/);
  writeFileSync(keyPath(here.stateDir, "log"), "{}");
  check(await examined(here), "keys", "fail", /damaged/);
}));

test("TLS files that are absent, or no PEM, fail with the key that names them", () => site(async (here) => {
  const more = "listen: wss://127.0.0.1:0\ntls: { cert: c.pem, key: k.pem }";
  check(await examined(here, more), "tls", "fail", /^tls\.cert: cannot read/);
  for (const name of ["c.pem", "k.pem"]) writeFileSync(join(here.folder, name), "no PEM");
  check(await examined(here, more), "tls", "fail", /./);
}));

const entry = encodeEntry({ kind: "notice", at: Date.UTC(2026, 2, 1) as WallMs, text: "x" });

test("the log: whole, torn, and one that lost what its checkpoint attests", () => site(async (here) => {
  const { store } = openLedger(here.stateDir, crypto);
  store.append([entry, entry]);
  check(await examined(here), "log", "ok", /2 entries, whole/);
  store.close();
  appendFileSync(segmentPath(here.stateDir, 0), "torn");
  check(await examined(here), "log", "warn", /2 entries, and 4 bytes of a write that a crash cut short/);
  const origin = originOf("CP-001" as StationId);
  const text = formatCheckpoint({ origin, size: 3, root: new Uint8Array(32) });
  writeFileSync(checkpointPath(here.stateDir), signNote(crypto, text, origin, signerFromSeed(new Uint8Array(32))));
  check(await examined(here), "log", "fail", /has 2 entries, and its checkpoint attests 3: some were lost/);
}));

test("a state directory that others may write is warned of; one that is a file fails", () => site(async (here) => {
  chmodSync(here.stateDir, 0o777);
  check(await examined(here), "disk", "warn", /can be written by others/);
  writeFileSync(join(here.folder, "file"), "");
  const file = join(here.folder, "k.yaml");
  writeFileSync(file, `station: A\ncsms: ws://127.0.0.1:${here.csmsPort}\nlisten: ws://127.0.0.1:0\nstateDir: file\n`);
  const { code, out } = await ran(["doctor", "--config", file]);
  assert.is(code, 1);
  assert.match(out, /^fail {2}disk /m);
}));

test("ext4 that notes each epoch by itself is told from what does not", () => {
  const mounts = (options: string, type = "ext4"): string =>
    `22 1 0:20 / /proc rw - proc proc rw\n31 1 179:2 / / rw,relatime shared:1 - ${type} /dev/mmcblk0p2 ${options}\n`;
  const device = (179 << 8) | 2;
  for (const options of ["rw", "rw,commit=5", "rw,errors=remount-ro", "rw,xcommit=300"]) {
    assert.ok(commitsOften(mounts(options), device), options);
  }
  for (const options of ["rw,commit=300", "commit=60,rw"]) assert.not(commitsOften(mounts(options), device), options);
  assert.not(commitsOften(mounts("rw", "xfs"), device));
  assert.not(commitsOften(mounts("rw"), device + 1));
  assert.ok(commitsOften(mounts("rw").replace("179:2", "259:65537"), (259 << 8) | 1 | (0x100 << 20)), "a large minor");
  for (const text of ["", "junk", "31 1 179:2 / /", "31 1 179:2 / / rw -"]) assert.not(commitsOften(text, device));
});

test("the reference needs no configuration; everything else does", async () => {
  const { code, out } = await ran(["doctor", "--reference"]);
  assert.is(code, 0);
  assert.match(out, /^stateDir$/m);
  const err = "kerbwatch: --config: missing; allowed: --config FILE\n";
  assert.equal(await ran(["doctor"]), { code: 2, out: "", err });
});

test("a wrong configuration ends with 2 and one line", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "kerbwatch-doctor-")), "k.yaml");
  writeFileSync(file, "station: A\ncsms: ws://a\nepochs: 1\n");
  const err = `kerbwatch: ${file}: epochs: unknown key; did you mean \`epochS\`?\n`;
  assert.equal(await ran(["doctor", "--config", file]), { code: 2, out: "", err });
});

test("status without an agent says so and ends with 1; with one it tells", () => site(async (here) => {
  const none = `kerbwatch: no agent is running on this state directory (${here.stateDir}); `
    + "start it with kerbwatch run, or name its own with --state DIR or --config FILE\n";
  assert.equal(await ran(["status", "--state", here.stateDir]), { code: 1, out: "", err: none });
  const agent = createStatusServer({ stateDir: here.stateDir, status: () => STATUS });
  await agent.start();
  assert.match((await ran(["status", "--state", here.stateDir])).out, "charger and CSMS connected");
  assert.equal(JSON.parse((await ran(["status", "--json", "--state", here.stateDir])).out), STATUS);
  await agent.stop();
}));

test("the usual state directory of the commands is that of the configuration", () => {
  assert.is(parseConfig("station: A\ncsms: ws://a", "k.yaml", {}).stateDir, USUAL_STATE_DIR);
});
