/**
 * The shipped file as a process, alone in an empty folder, between a charging station and a CSMS: signals, kills, full
 * disks, and the commands that look at a running agent. It is bundled here as the build does it, from the sources that
 * are tested.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PROGRAMS, bundle } from "../build/bundler.ts";
import { repoRoot } from "../build/paths.ts";
import { assert, test } from "../build/testing.ts";
import { type SimulatedMeter, startModbusMeter } from "../hil-tests/bench/modbus-meter.ts";
import {
  alertsAreLogged, BOOT, connectThrough, type Csms, type Ends, entriesOf, freshFolder, Heard, HOSTILE_ORDER, passes,
  startCsms, statementsOf, within, writeConfig,
} from "./agent.testing.ts";
import { nodeCrypto } from "./adapters/crypto.ts";
import { readMemory } from "./adapters/memory-file.ts";
import { ran } from "./cli/io.testing.ts";
import type { Status } from "./status.ts";

const program = join(freshFolder(), "kerbwatch.cjs");
writeFileSync(program, (await bundle(repoRoot, PROGRAMS[0]!)).contents);

interface Run {
  readonly child: ChildProcess;
  readonly out: Heard<string>;
  readonly err: Heard<string>;
  /** Exit code or signal. */
  readonly ended: Promise<number | string>;
}

/** Of the test under way. */
const runs = new Set<Run>();

/** `before`: words of a shell command that the program is run behind. */
function startProgram(args: readonly string[], before: readonly string[] = []): Run {
  const [command, ...rest] = [...before, process.execPath, program, ...args] as [string, ...string[]];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = [new Heard<string>(), new Heard<string>()];
  createInterface({ input: child.stdout! }).on("line", (line) => out.add(line));
  createInterface({ input: child.stderr! }).on("line", (line) => err.add(line));
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  const run = { child, out, err, ended };
  runs.add(run);
  return run;
}

async function command(...args: string[]): Promise<{ code: number | string; out: string; err: string }> {
  const run = startProgram(args);
  const code = await run.ended;
  return { code, out: run.out.all.join("\n"), err: run.err.all.join("\n") };
}

class Street {
  readonly folder = freshFolder();
  readonly stateDir = join(this.folder, "state");
  readonly csms: Csms;
  config = "";
  /** Where chargers connect, the same after a restart. */
  port = 0;

  constructor(csms: Csms) {
    this.csms = csms;
  }

  configure(more: Record<string, unknown> = {}): void {
    this.config = writeConfig(this.folder, {
      csms: `ws://127.0.0.1:${this.csms.port}`, listen: `ws://127.0.0.1:${this.port}`, ...more,
    });
  }

  /** Starts the agent; settles when chargers can connect. */
  async start(before: readonly string[] = []): Promise<Run> {
    const run = startProgram(["run", "--config", this.config], before);
    const ended = run.ended.then((how) => `ended with ${how}: ${run.err.all.join("\n")}`);
    const line = await Promise.race([run.err.next((text) => text.includes("chargers connect to")), ended]);
    const [, port] = /connect to ws:\/\/127\.0\.0\.1:(\d+),/.exec(line) ?? [];
    if (port === undefined) throw new Error(line);
    this.port = Number(port);
    return run;
  }

  connect(): Promise<Ends> {
    return connectThrough(this.port, this.csms);
  }

  async status(): Promise<Status> {
    const { code, out, err } = await command("status", "--json", "--state", this.stateDir);
    assert.is(code, 0, err);
    return JSON.parse(out) as Status;
  }

  /** The log is whole and signed as `ledger verify` finds it, and its statements are a chain. */
  async verify(): Promise<{ size: number; signedSize: number }> {
    const { code, out, err } = await ran(["ledger", "verify", "--json", "--state", this.stateDir]);
    assert.is(code, 0, `${out}\n${err}`);
    statementsOf(entriesOf(this.stateDir));
    return JSON.parse(out) as { size: number; signedSize: number };
  }
}

async function onStreet(use: (street: Street) => Promise<void>): Promise<void> {
  const street = new Street(await startCsms());
  street.configure();
  try {
    await within(use(street), () => [...runs].flatMap(({ err }) => err.all).join("\n"));
  } finally {
    for (const { child } of runs) child.kill("SIGKILL");
    runs.clear();
    await street.csms.close();
  }
}

async function stopped(run: Run): Promise<number | string> {
  run.child.kill("SIGTERM");
  return await run.ended;
}

async function killed(run: Run): Promise<void> {
  run.child.kill("SIGKILL");
  assert.is(await run.ended, "SIGKILL");
}

test("an unknown key: exit code 2, one line that names file and key and suggests the nearest; nothing is made", () =>
  onStreet(async (street) => {
    street.configure({ stateDirr: "state" });
    const { code, out, err } = await command("run", "--config", street.config);
    assert.equal([code, out], [2, ""]);
    assert.is(err, `kerbwatch: ${street.config}: stateDirr: unknown key; did you mean \`stateDir\`?`);
  }));

test("a changed configuration that is wrong does not touch the agent that runs", () =>
  onStreet(async (street) => {
    const run = await street.start();
    const ends = await street.connect();
    street.configure({ stateDirr: "state" });
    assert.is((await command("run", "--config", street.config)).code, 2);
    await passes(ends);
    assert.is(await stopped(run), 0);
  }));

test("port in use, and a second agent on the state: exit code 1, one line each; the first agent's traffic passes", () =>
  onStreet(async (street) => {
    const run = await street.start();
    const ends = await street.connect();
    const second = await command("run", "--config", street.config);
    assert.equal([second.code, second.err],
      [1, `kerbwatch: ${street.stateDir} is in use by another agent (process ${run.child.pid})`]);
    street.configure({ stateDir: "other" });
    const third = await command("run", "--config", street.config);
    assert.is(third.code, 1);
    assert.match(third.err, `kerbwatch: listen: cannot listen on ws://127.0.0.1:${street.port} (EADDRINUSE); ` +
      "another program has this port");
    await passes(ends);
    await stopped(run);
    assert.is((await street.verify()).size, (await street.verify()).signedSize);
  }));

test("SIGTERM: exit code 0, everything signed and saved, the charger let go; SIGINT the same", () =>
  onStreet(async (street) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const run = await street.start();
      const ends = await street.connect();
      await passes(ends);
      await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
      assert.is((await street.status()).incidents.length, 1);
      run.child.kill(signal);
      assert.is(await run.ended, 0);
      await ends.station.gone();
      const { size, signedSize } = await street.verify();
      assert.is(size, signedSize);
      assert.ok(readMemory(street.stateDir, nodeCrypto()).ok);
      assert.not.ok(run.err.all.some((line) => /log:|defect/.test(line)), run.err.all.join("\n"));
    }
  }));

/** A day of heartbeats as a capture: enough to tell that learning was carried on. */
function writeCapture(path: string, station: string): void {
  const lines = Array.from({ length: 24 }, (_, hour) => JSON.stringify({
    schemaVersion: "1.1", timestamp: `2026-03-01T${String(hour).padStart(2, "0")}:00:00.000Z`, ocppVersion: "1.6",
    transport: "json", chargePointId: station, direction: "cp-to-csms", raw: `[2,"h${hour}","Heartbeat",{}]`,
  }));
  writeFileSync(path, `${lines.join("\n")}\n`);
}

const START = { connectorId: 1, idTag: "TAG-1", meterStart: 1000, timestamp: new Date().toISOString() };
const METER = { connectorId: 1, transactionId: 4711, meterValue: [{ timestamp: START.timestamp, sampledValue: [
  { value: "1010", measurand: "Energy.Active.Import.Register", unit: "Wh" }] }] };
const STOP = { transactionId: 4711, meterStop: 1020, timestamp: START.timestamp, idTag: "TAG-1" };

async function learnt(street: Street, meter: SimulatedMeter): Promise<void> {
  const capture = join(street.folder, "capture.jsonl");
  writeCapture(capture, "CP-001");
  const { code, out } = await command("learn", "--ocpp", capture, "--state", street.stateDir);
  assert.is(code, 0);
  assert.match(out, "learned 1.0 days of CP-001, from 2026-03-01T00:00:00.000Z");
  street.configure({ meters: [{ evse: 1, model: "sdm630", address: meter.address, everyS: 1 }] });
}

test("SIGKILL in mid-session: back at once, the transaction goes on, nothing is lost, told twice or signed twice", () =>
  onStreet(async (street) => {
    const meter = await startModbusMeter({ model: "sdm630", quantities: { powerW: 0, energyImportWh: 1000 } });
    try {
      await learnt(street, meter);
      const first = await street.start();
      const ends = await street.connect();
      await ends.station.call("BootNotification", BOOT);
      assert.is((await ends.station.call("StartTransaction", START)).transactionId, 4711);
      await ends.station.call("MeterValues", METER);
      await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
      await first.out.next((line) => line.includes("198.51.100.7"));
      await killed(first);
      const before = entriesOf(street.stateDir);
      const [raised] = alertsAreLogged(street.stateDir);
      await street.verify();
      await ends.station.gone();

      street.configure({ listen: `ws://127.0.0.1:${street.port}`,
        meters: [{ evse: 1, model: "sdm630", address: meter.address, everyS: 1 }] });
      const second = await street.start();
      const again = await street.connect();
      await passes(again);
      await again.station.call("MeterValues", METER);
      await again.csms.call("UpdateFirmware", HOSTILE_ORDER);
      await again.station.call("StopTransaction", STOP);
      await passes(again);
      const { incidents, learned } = await street.status();
      assert.equal(incidents.map(({ incidentId }) => incidentId), [raised?.incidentId]);
      assert.is(learned.since, "2026-03-01T00:00:00.000Z");
      assert.is(await stopped(second), 0);

      assert.equal(entriesOf(street.stateDir).slice(0, before.length), before);
      assert.equal(alertsAreLogged(street.stateDir).filter(({ state }) => state === "raised"), [raised]);
      const { size, signedSize } = await street.verify();
      assert.is(size, signedSize);
      const memory = readMemory(street.stateDir, nodeCrypto());
      const known = memory.ok ? memory.value.transactions.map(([id, { evseId, open }]) => ({ id, evseId, open })) : [];
      assert.equal(known, [{ id: "4711", evseId: 1, open: false }]);
      assert.is((await command("ledger", "verify", "--state", street.stateDir)).code, 0);
      const told = await command("explain", String(raised?.incidentId).slice(0, 12), "--state", street.stateDir);
      assert.is(told.code, 0, told.err);
      assert.match(told.out, "http://198.51.100.7/");
    } finally {
      await meter.close();
    }
  }));

test("killed again and again under traffic: what the log held is there, and the station is served each time", () =>
  onStreet(async (street) => {
    let before = 0;
    for (let round = 0; round < 6; round++) {
      const run = await street.start();
      street.configure();
      const ends = await street.connect();
      for (let frame = 0; frame <= round * 7; frame++) {
        await ends.csms.call("ChangeConfiguration", { key: "SecurityProfile", value: String(frame % 3) });
      }
      if (round % 2 === 0) await passes(ends);
      await killed(run);
      const entries = entriesOf(street.stateDir);
      assert.ok(entries.length > before);
      before = entries.length;
      alertsAreLogged(street.stateDir);
      await street.verify();
    }
    const ids = alertsAreLogged(street.stateDir).filter(({ state }) => state === "raised").map(({ threat }) => threat);
    assert.equal(ids, [...new Set(ids)], "one incident, one raise");
  }));

test("a disk that is full at the start: said, the charger is served, alerts go to the terminal, the log stays", () =>
  onStreet(async (street) => {
    await stopped(await street.start());
    const before = entriesOf(street.stateDir);
    street.configure();
    // A file-size limit of nothing: every write to a file fails (EFBIG), as on a full disk and without being root.
    const run = await street.start(["sh", "-c", 'ulimit -f 0; exec "$@"', "sh"]);
    assert.match(await run.err.next((line) => line.includes("log:")), /cannot be written: EFBIG.*signs nothing more/);
    const ends = await street.connect();
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    await run.out.next((line) => line.includes("198.51.100.7"));
    await passes(ends);
    await run.err.next((line) => line.includes("alerts: jsonl: an alert could not be written"));
    await run.err.next((line) => line.includes("learned normal: cannot be saved"));
    const { log, link } = await street.status();
    assert.equal([log.state, link.state], ["read-only", "connected"]);
    assert.is(await stopped(run), 0);
    assert.is(run.err.all.filter((line) => /log:/.test(line)).length, 1);
    assert.equal(entriesOf(street.stateDir), before);
    await street.verify();
  }));

test("whoever read its output goes away: the agent does not", () =>
  onStreet(async (street) => {
    const run = await street.start();
    run.child.stdout?.destroy();
    run.child.stderr?.destroy();
    const ends = await street.connect();
    await ends.csms.call("UpdateFirmware", HOSTILE_ORDER);
    await passes(ends);
    assert.is((await street.status()).incidents.length, 1);
    assert.is(await stopped(run), 0);
  }));

test("status and doctor while it runs and while it does not", () =>
  onStreet(async (street) => {
    const none = await command("status", "--state", street.stateDir);
    assert.is(none.code, 1);
    const run = await street.start();
    street.configure();
    const ends = await street.connect();
    await passes(ends);
    const { link, agent } = await street.status();
    assert.equal([link.framesFromStation, link.framesFromCsms, agent.pid], [3, 3, run.child.pid]);
    assert.ok(agent.residentBytes > 0);
    const beside = await command("doctor", "--json", "--config", street.config);
    assert.is(beside.code, 0, beside.out);
    await passes(ends);
    await stopped(run);
    const without = await command("doctor", "--config", street.config);
    assert.is(without.code, 0, without.out);
    assert.not.match(without.out, /^fail/m);
    await street.csms.close();
    const away = await command("doctor", "--config", street.config);
    assert.is(away.code, 1);
    assert.match(away.out, /^fail {2}csms .*->/m);
    assert.is((await command("status", "--state", street.stateDir)).code, 1);
  }));

test("a damaged key file: exit code 1 and one line that says what to do", () =>
  onStreet(async (street) => {
    await stopped(await street.start());
    const path = join(street.stateDir, "keys", "log.key");
    writeFileSync(path, readFileSync(path).subarray(0, 30));
    const { code, err } = await command("run", "--config", street.config);
    assert.is(code, 1);
    assert.match(err, `kerbwatch: ${path}: damaged`);
    assert.match(err, "put back a copy, or move it away");
  }));
