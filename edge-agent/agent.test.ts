/** The agent in process: bad input and faults. Each is said clearly, harms no frame, and loses nothing acknowledged. */
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { assert, test } from "../build/testing.ts";
import { startModbusMeter } from "../hil-tests/bench/modbus-meter.ts";
import { HOUR_MS, type MonotonicMs, type WallMs } from "../models/units.ts";
import { type AgentOutput, type RunningAgent, startAgent } from "./agent.ts";
import {
  alertsAreLogged, alertsIn, BOOT, connectStation, connectThrough, type Csms, type CsmsOptions, type Ends, entriesOf,
  freshFolder, Heard, HOSTILE_ORDER, passes, selfSigned, startCsms, statementsOf, within, writeConfig,
} from "./agent.testing.ts";
import { loadConfig } from "./adapters/config-file.ts";
import { writeHere } from "./adapters/slot-file.ts";
import { ran } from "./cli/io.testing.ts";

interface Street {
  readonly folder: string;
  readonly stateDir: string;
  readonly csms: Csms;
  readonly notices: Heard<string>;
  readonly told: Heard<string>;
  readonly agents: RunningAgent[];
  /** Starts an agent with these settings beside the usual ones. */
  start(more?: Record<string, unknown>, output?: Partial<AgentOutput>): Promise<RunningAgent>;
  connect(agent: RunningAgent): Promise<Ends>;
}

/** A CSMS and a place for an agent; afterwards all is closed, and the log must be good unless `damaged`. */
async function onStreet(
  use: (street: Street) => Promise<void>, { damaged = false, ...options }: CsmsOptions & { damaged?: boolean } = {},
): Promise<void> {
  const folder = freshFolder();
  const csms = await startCsms(options);
  const [notices, told] = [new Heard<string>(), new Heard<string>()];
  const street: Street = {
    folder, stateDir: join(folder, "state"), csms, notices, told, agents: [],
    async start(more = {}, output = {}) {
      const file = writeConfig(folder, { csms: `ws://127.0.0.1:${csms.port}`, ...more });
      const agent = await startAgent(loadConfig(file, {}), {
        notice: (text) => notices.add(text), out: (text) => told.add(text), colour: false, env: {}, ...output,
      });
      street.agents.push(agent);
      return agent;
    },
    connect: (agent) => connectThrough(agent.listening.port, csms),
  };
  try {
    await within(use(street), () => [...notices.all, ...told.all].join("\n"));
  } finally {
    for (const agent of street.agents) await agent.stop().catch(() => undefined);
    await csms.close();
  }
  if (damaged) return;
  const { code, out } = await ran(["ledger", "verify", "--state", street.stateDir]);
  assert.is(code, 0, out);
  statementsOf(entriesOf(street.stateDir));
}

const says = (street: Street, pattern: RegExp): Promise<string> => street.notices.next((text) => pattern.test(text));
const times = (street: Street, pattern: RegExp): number =>
  street.notices.all.filter((text) => pattern.test(text)).length;

async function failure(start: Promise<unknown>): Promise<string> {
  try {
    await start;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it started");
}

test("a quiet session: everything passes, the log is begun and signed, the status counts it", () =>
  onStreet(async (street) => {
    const agent = await street.start();
    const ends = await street.connect(agent);
    await ends.station.call("BootNotification", BOOT);
    await passes(ends);
    const { link, log, agent: self, notices } = agent.status();
    assert.is(link.state, "connected");
    assert.is(link.ocppVersion, "1.6");
    assert.is(link.connections, 1);
    // Boot, up, the answer to down, heartbeat; and as many the other way.
    assert.equal([link.framesFromStation, link.framesFromCsms], [4, 4]);
    assert.equal(link.unparsed, {});
    assert.is(log.state, "good");
    assert.match(self.listen, /^ws:\/\/127\.0\.0\.1:\d+$/);
    assert.is(notices.length, 1, "only that keys were made");
    await agent.stop();
    assert.equal(readdirSync(street.stateDir).sort(), ["keys", "log", "normal.json"]);
    const kinds = entriesOf(street.stateDir).map(({ kind }) => kind);
    assert.is(kinds[0], "start");
    assert.ok(kinds.includes("statement"));
    assert.is(times(street, /log:|defect/), 0);
  }));

test("a hostile order is told once, and what it rests on is in the log", () =>
  onStreet(async (street) => {
    const ends = await street.connect(await street.start());
    await ends.station.call("BootNotification", BOOT);
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    assert.match(await street.told.next(() => true), "198.51.100.7");
    await passes(ends);
    const [alert, ...more] = alertsAreLogged(street.stateDir);
    assert.equal([alert?.state, alert?.threat, more.length], ["raised", "firmware-tampering", 0]);
    assert.is(alert?.evidence.length, 1);
    const { code, out } = await ran(["explain", String(alert?.incidentId), "--state", street.stateDir]);
    assert.is(code, 0);
    assert.match(out, "http://198.51.100.7");
  }));

test("port in use: an error that says where and what to do; whoever has it keeps it, and the state is left good", () =>
  onStreet(async (street) => {
    const first = await street.start();
    const ends = await street.connect(first);
    const port = first.listening.port;
    const error = await failure(street.start({ listen: `ws://127.0.0.1:${port}`, stateDir: "other" }));
    assert.is(error, `listen: cannot listen on ws://127.0.0.1:${port} (EADDRINUSE); ` +
      "another program has this port: end it, or choose another port");
    await passes(ends);
    assert.not.ok(readdirSync(join(street.folder, "other")).includes("lock"));
    await (await street.start({ stateDir: "other" })).stop();
  }));

test("the port for the status in use: said, and the agent runs without it", () =>
  onStreet(async (street) => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    try {
      const agent = await street.start({ http: `127.0.0.1:${port}` });
      await says(street, new RegExp(`status: http: cannot listen on 127.0.0.1 port ${port}: the port is in use`));
      await passes(await street.connect(agent));
      assert.is(agent.status().agent.http, undefined);
    } finally {
      other.close();
    }
  }));

test("a second agent on the same state is refused; the first goes on", () =>
  onStreet(async (street) => {
    const ends = await street.connect(await street.start());
    const error = await failure(street.start());
    assert.is(error, `${street.stateDir} is in use by another agent (process ${process.pid})`);
    const learn = await ran(["learn", "--ocpp", "package.json", "--state", street.stateDir]);
    assert.equal([learn.code, learn.err], [1, `kerbwatch: --state: ${street.stateDir} is in use by an agent ` +
      `(process ${process.pid}); stop it first\n`]);
    await passes(ends);
  }));

test("CSMS away at the start: the charger is told at once, it is said once, and frames pass when it is back", () =>
  onStreet(async (street) => {
    const { port } = street.csms;
    await street.csms.close();
    const agent = await street.start();
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.is(await failure(connectStation(agent.listening.port)), "HTTP 502");
    }
    const line = await says(street, /csms/);
    assert.match(line, new RegExp(`csms: ws://127.0.0.1:${port} cannot be reached .*ECONNREFUSED.*will try again`));
    const back = await startCsms({ port });
    try {
      await passes(await connectThrough(agent.listening.port, back));
      await says(street, /answers again/);
      assert.is(times(street, /cannot be reached/), 1);
      assert.is(agent.status().link.refused, 3);
    } finally {
      await back.close();
    }
  }));

test("CSMS gone in mid-session: the charger sees it at once and comes back; the agent stays", () =>
  onStreet(async (street) => {
    const agent = await street.start();
    const { port } = street.csms;
    const ends = await street.connect(agent);
    await passes(ends);
    await street.csms.close();
    await ends.station.gone();
    const back = await startCsms({ port });
    try {
      await passes(await connectThrough(agent.listening.port, back));
      assert.is(agent.status().link.connections, 2);
    } finally {
      await back.close();
    }
  }));

test("meter away, and back: said once with its address, frames pass before, during and after", () =>
  onStreet(async (street) => {
    const meter = await startModbusMeter({ model: "sdm630", quantities: { powerW: 0, energyImportWh: 1000 } });
    const { port, address } = meter;
    const agent = await street.start({ meters: [{ evse: 1, model: "sdm630", address, everyS: 1 }] });
    const ends = await street.connect(agent);
    await meter.nextRequest();
    await passes(ends);
    await meter.close();
    const line = await says(street, /meter of EVSE 1/);
    assert.match(line, `(sdm630 at ${address})`);
    assert.is(agent.status().meters[0]?.state, "lost");
    await passes(ends);
    const again = await startModbusMeter({ model: "sdm630", port, quantities: { energyImportWh: 1500 } });
    try {
      while (agent.status().meters[0]?.state === "lost") await again.nextRequest();
      assert.is(agent.status().meters[0]?.energyImportWh, 1500);
      await passes(ends);
      assert.is(times(street, /meter of EVSE/), 1);
      assert.is(times(street, /fault: .*\(meter-lost\)/), 1, "and once as what it is");
    } finally {
      await agent.stop();
      await again.close();
    }
  }));

/** A clock that a test sets. */
function handClock(wallMs: number) {
  const clock = { at: wallMs, wallMs: () => clock.at as WallMs, monoMs: () => performance.now() as MonotonicMs };
  return clock;
}

test("clock hours off: said once, with by how much; it is watched and recorded all the same", () =>
  onStreet(async (street) => {
    const clock = handClock(Date.now() + 3 * HOUR_MS);
    const agent = await street.start({}, { clock });
    const ends = await street.connect(agent);
    await passes(ends); // its heartbeat tells the CSMS's time
    const line = await says(street, /clock:/);
    assert.match(line, /clock: 1\d{4} s ahead of the CSMS's; set it \(NTP\)/);
    assert.equal([agent.status().clock.state, agent.status().link.state], ["off", "connected"]);
    await passes(ends);
    clock.at = Date.now();
    await passes(ends);
    await says(street, /clock: agrees again/);
    assert.is(times(street, /clock:/), 2);
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    await street.told.next(() => true);
    assert.is(alertsAreLogged(street.stateDir).length, 1);
  }));

test("clock unset at boot: said once, nothing is stated, alerts go out; when it is set, statements follow", () =>
  onStreet(async (street) => {
    const clock = handClock(1_000);
    const agent = await street.start({}, { clock });
    const ends = await street.connect(agent);
    await passes(ends);
    await says(street, /1970-01-01T00:00:01.000Z clock: 1970-01-01T00:00:01.000Z cannot be; it was never set/);
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    await street.told.next(() => true);
    assert.is(statementsOf(entriesOf(street.stateDir)).length, 0);
    assert.is(agent.status().clock.state, "unset");
    clock.at = Date.now();
    await passes(ends);
    await says(street, /clock: agrees again, or was set/);
    assert.ok(statementsOf(entriesOf(street.stateDir)).length > 0);
    assert.is(alertsAreLogged(street.stateDir).length, 1);
  }));

test("a clock that was ahead and is set back: no epoch is stated twice, also over a restart", () =>
  onStreet(async (street) => {
    const ahead = Date.now() + 3 * HOUR_MS;
    for (const wallMs of [ahead, ahead - 3 * HOUR_MS, ahead, ahead + 2 * HOUR_MS]) {
      const agent = await street.start({}, { clock: handClock(wallMs) });
      const ends = await street.connect(agent);
      await passes(ends);
      await agent.stop();
      statementsOf(entriesOf(street.stateDir));
    }
    assert.is(statementsOf(entriesOf(street.stateDir)).length, 2);
  }));

test("a log with a torn tail: cut back and said, every whole entry is still there", () =>
  onStreet(async (street) => {
    const first = await street.start();
    const ends = await street.connect(first);
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    await street.told.next(() => true);
    await first.stop();
    const before = entriesOf(street.stateDir);
    const [segment] = readdirSync(join(street.stateDir, "log")).filter((name) => name.endsWith(".seg"));
    // A batch that was being written when the power went: its own length says 200 bytes, and 60 are there.
    appendFileSync(join(street.stateDir, "log", String(segment)), Buffer.alloc(60, 7));
    const second = await street.start();
    const line = await says(street, /log: 60 bytes/);
    assert.match(line, "of an unfinished write were cut off; nothing acknowledged is lost");
    await passes(await street.connect(second));
    assert.equal(entriesOf(street.stateDir).slice(0, before.length), before);
    assert.is(alertsAreLogged(street.stateDir).length, 1);
  }));

test("a log that lost entries: said, signed no more; frames pass and alerts go out", () =>
  onStreet(async (street) => {
    await (await street.start()).stop();
    const log = join(street.stateDir, "log");
    const [segment] = readdirSync(log).filter((name) => name.endsWith(".seg"));
    rmSync(join(log, String(segment)));
    const agent = await street.start();
    assert.match(await says(street, /some were lost/), "this agent signs nothing more");
    const ends = await street.connect(agent);
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    await street.told.next(() => true);
    await passes(ends);
    assert.is(agent.status().log.state, "read-only");
    assert.is(statementsOf(entriesOf(street.stateDir)).length, 0);
  }, { damaged: true }));

const MANGLED: readonly (readonly [what: string, bytes: Buffer, binary: boolean, notice: RegExp])[] = [
  ["a frame of 2 MB", Buffer.from(`[2,"big","DataTransfer",{"data":"${"x".repeat(2 << 20)}"}]`), false,
    /too-large: 2097/],
  ["invalid UTF-8", Buffer.from([0x5b, 0x32, 0x2c, 0x22, 0xff, 0xfe, 0xc0, 0x22, 0x5d]), false, /bad-utf8: 9 bytes/],
  ["text that is no JSON", Buffer.from("GET / HTTP/1.1"), false, /not-json: /],
  ["an empty frame", Buffer.alloc(0), false, /not-json: /],
  ["a binary frame", Buffer.from([0, 1, 2, 255]), true, /binary: 4 bytes/],
  ["a million brackets", Buffer.from("[".repeat(1_000_000)), false, /over-budget: nested/],
];
for (const [what, bytes, binary, notice] of MANGLED) {
  test(`${what} from the charger: arrives as it is, said once, frames around it pass`, () =>
    onStreet(async (street) => {
      const agent = await street.start();
      const ends = await street.connect(agent);
      await passes(ends);
      for (let round = 0; round < 2; round++) {
        const seen = ends.csms.got.all.length;
        ends.station.send(bytes, binary);
        const got = await ends.csms.got.next((message) => ends.csms.got.all.indexOf(message) >= seen);
        assert.ok(got.bytes.equals(bytes));
        assert.is(got.isBinary, binary);
        await passes(ends);
      }
      assert.match(await says(street, notice), "one passed untouched and unread");
      assert.is(times(street, notice), 1);
      assert.is(agent.status().link.state, "connected");
      await ends.csms.call("UpdateFirmware", HOSTILE_ORDER); // the agent still sees
      await street.told.next(() => true);
      alertsAreLogged(street.stateDir);
    }));
}

function fullDisk(): never {
  throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
}

test("a disk that fills up while it runs: said once, alerts go out, no frame is touched, the log stays good", () =>
  onStreet(async (street) => {
    let full = false;
    const agent = await street.start({}, {
      logWrite: (...what) => (full ? fullDisk() : writeHere(...what)),
    });
    const ends = await street.connect(agent);
    await passes(ends);
    const before = entriesOf(street.stateDir);
    full = true;
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    assert.match(await street.told.next(() => true), "198.51.100.7");
    const line = await says(street, /log:/);
    assert.match(line, /log: the log in .*state cannot be written: ENOSPC.*signs nothing more until it is restarted/);
    await passes(ends);
    full = false; // too late: what was counted meanwhile is missing
    await passes(ends);
    assert.is(times(street, /log:/), 1);
    assert.equal([agent.status().log.state, alertsIn(join(street.stateDir, "alerts.jsonl")).length], ["read-only", 1]);
    await agent.stop();
    assert.equal(entriesOf(street.stateDir), before);
    const again = await street.connect(await street.start());
    await passes(again);
    assert.is(street.agents.at(-1)?.status().log.state, "good");
    assert.is(street.agents.at(-1)?.status().incidents.length, 1, "the memory knew of the incident");
  }));

test("a log folder that cannot be written at the start: said, and the charger is served", () =>
  onStreet(async (street) => {
    await (await street.start()).stop();
    rmSync(join(street.stateDir, "log"), { recursive: true });
    writeFileSync(join(street.stateDir, "log"), "not a folder");
    const agent = await street.start();
    const line = await says(street, /log: the log in/);
    assert.match(line, /cannot be written: .*signs nothing more until it is restarted/);
    const ends = await street.connect(agent);
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    await street.told.next(() => true);
    await passes(ends);
    assert.is(agent.status().log.state, "read-only");
  }, { damaged: true }));

test("alerts that cannot be written to their file: said once, and told on the terminal", () =>
  onStreet(async (street) => {
    const ends = await street.connect(await street.start({ alerts: { jsonl: "no/such/folder/alerts.jsonl" } }));
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    await street.told.next(() => true);
    assert.match(await says(street, /alerts:/), /jsonl: an alert could not be written \(ENOENT/);
    await passes(ends);
  }));

test("a damaged memory: said, begun anew, and a good one is saved in its place", () =>
  onStreet(async (street) => {
    await (await street.start()).stop();
    const path = join(street.stateDir, "normal.json");
    writeFileSync(path, readFileSync(path, "utf8").replace('"savedAt":1', '"savedAt":2'));
    const agent = await street.start();
    assert.match(await says(street, /learned normal: /), `${path}: damaged: its hash differs; begins anew`);
    await passes(await street.connect(agent));
    await agent.stop();
    await street.start();
    assert.is(times(street, /learned normal/), 1);
  }));

test("what was learned is saved with an alert, and at the end so that an older release can go on from it, too", () =>
  onStreet(async (street) => {
    const agent = await street.start();
    const ends = await street.connect(agent);
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    await street.told.next(() => true);
    await passes(ends);
    const path = join(street.stateDir, "normal.json");
    const before = readFileSync(path, "utf8");
    await agent.stop();
    assert.is.not(readFileSync(path, "utf8"), before);
  }));

test("a damaged key: an error that names the file and says what to do; nothing is overwritten", () =>
  onStreet(async (street) => {
    await (await street.start()).stop();
    for (const name of ["log.key", "statement.key", "token.secret"]) {
      const path = join(street.stateDir, "keys", name);
      const whole = readFileSync(path);
      writeFileSync(path, whole.subarray(0, 20));
      assert.match(await failure(street.start()), new RegExp(`${path}: damaged.*move it away`));
      assert.is(readFileSync(path).length, 20);
      writeFileSync(path, whole);
    }
    await passes(await street.connect(await street.start()));
  }));

test("an incident outlives a memory that was saved before it: the log knows, and it is not raised twice", () =>
  onStreet(async (street) => {
    const first = await street.start();
    const path = join(street.stateDir, "normal.json");
    await first.stop();
    const old = readFileSync(path);
    const second = await street.start();
    const ends = await street.connect(second);
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    await street.told.next(() => true);
    const [before] = second.status().incidents;
    await second.stop();
    writeFileSync(path, old);
    const third = await street.start();
    assert.equal(third.status().incidents, [before]);
    const again = await street.connect(third);
    await again.csms.call("UpdateFirmware", HOSTILE_ORDER);
    await passes(again);
    assert.equal(alertsAreLogged(street.stateDir).map(({ state }) => state), ["raised"]);
    const sums = statementsOf(entriesOf(street.stateDir)).map(({ evidence }) => Math.max(...evidence));
    assert.equal(sums, [...sums].sort((a, b) => a - b), "what was stated is not taken back");
  }));

async function tlsTests(): Promise<void> {
  const own = selfSigned("csms");
  const stranger = selfSigned("stranger");

  test("wss:// towards the charger and the CSMS, each with its certificate", () =>
    onStreet(async (street) => {
      const agent = await street.start({
        listen: "wss://127.0.0.1:0", tls: { cert: own.certFile, key: `file:${own.keyFile}` },
        csms: `wss://127.0.0.1:${street.csms.port}`, csmsTls: { ca: own.certFile },
      });
      const ends = await connectThrough(agent.listening.port, street.csms, { secure: true, ca: own.cert });
      await passes(ends);
      const { agent: shown, certificates = [] } = agent.status();
      assert.match(shown.listen, /^wss:/);
      assert.equal(certificates.map(({ use }) => use), ["tls"], "the one towards the CSMS has none of its own");
      await says(street, new RegExp(`tls: the certificate in tls\\.cert ends on ${certificates[0]?.ends}, in 1 day:`));
    }, { tls: own }));

  test("a CSMS with another authority is refused and said so; with its own the charger gets through", () =>
    onStreet(async (street) => {
      const csms = `wss://127.0.0.1:${street.csms.port}`;
      const wary = await street.start({ csms, csmsTls: { ca: stranger.certFile } });
      assert.is(await failure(connectStation(wary.listening.port)), "HTTP 502");
      assert.match(await says(street, /csms:/), /is not trusted \(.*\): the charger is refused until .*csmsTls\.ca/);
      await wary.stop();
      await passes(await street.connect(await street.start({ csms, csmsTls: { ca: own.certFile } })));
    }, { tls: own }));

  test("a certificate that is none: an error that names the key, and the state is free again", () =>
    onStreet(async (street) => {
      const listen = "wss://127.0.0.1:0";
      const missing = failure(street.start({ listen, tls: { cert: "gone.pem", key: `file:${own.keyFile}` } }));
      assert.match(await missing, /tls\.cert: cannot read .*gone\.pem \(ENOENT\)/);
      const mixed = failure(street.start({ listen, tls: { cert: own.certFile, key: `file:${stranger.keyFile}` } }));
      assert.match(await mixed, /tls: found cert, key or ca that OpenSSL refuses/);
      await passes(await street.connect(await street.start()));
    }));
}
if (spawnSync("openssl", ["version"]).status === 0) await tlsTests();
else test.skip("TLS of a running agent", "no openssl command");
