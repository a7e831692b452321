/**
 * The fault table: what becomes of the agent, and what its charger saw of it. One row a fault, on the shipped file as
 * processes, with a charging station and a CSMS on either side; printed when all rows are there.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { uptime } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { PROGRAMS, bundle } from "../build/bundler.ts";
import { repoRoot } from "../build/paths.ts";
import { assert, test } from "../build/testing.ts";
import {
  BOOT, connectStation, connectThrough, type Csms, type Ends, freshFolder, Heard, passes, startCsms, within,
  writeConfig,
} from "./agent.testing.ts";
import { BEATS_MISSED } from "./adapters/agent-child.ts";
import { askStatus } from "./adapters/agent-client.ts";
import { BEAT_MS } from "./adapters/supervised.ts";
import { pauseMs } from "./crash-record.ts";
import type { Status } from "./status.ts";

const program = join(freshFolder(), "kerbwatch.cjs");
writeFileSync(program, (await bundle(repoRoot, PROGRAMS[0]!)).contents);

/** A defect, loaded before the agent: on a frame with this word it turns for ever, or ends the process. */
const defect = join(freshFolder(), "defect.cjs");
writeFileSync(defect, `const parse = JSON.parse;
JSON.parse = (text, ...more) => {
  while (String(text).includes("turn-for-ever")) ;
  if (String(text).includes("fall-over")) process.exit(70);
  return parse(text, ...more);
};`);

/** What systemd does with a socket unit: keeps the socket, which nobody else accepts from, and starts again at once. */
const holder = join(freshFolder(), "holder.cjs");
writeFileSync(holder, `const { spawnSync } = require("node:child_process");
const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
  console.error("socket " + server.address().port);
  const start = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"';
  for (;;) spawnSync("sh", ["-c", start, "sh", process.execPath, ...process.argv.slice(2)],
    { stdio: ["ignore", "inherit", "inherit", server._handle.fd] });
});`);

interface Run {
  readonly child: ChildProcess;
  readonly err: Heard<string>;
}

const runs = new Set<Run>();
const agents = new Set<number>();
const rows: { readonly fault: string; readonly saw: string; readonly seconds: number }[] = [];

interface Bench {
  readonly csms: Csms;
  readonly folder: string;
  /** Runs the program; `before`: words of a command that it is run behind. */
  start(args: readonly string[], before?: readonly string[]): Run;
  row(fault: string, saw: string, since: number): void;
}

const nowMs = (): number => performance.now();

/** Starts and ends the processes of one test. */
async function onBench(use: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = freshFolder();
  const csms = await startCsms();
  const start: Bench["start"] = (args, before = [process.execPath, program]) => {
    const [command = "", ...rest] = [...before, ...args];
    const child = spawn(command, rest, { stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, NODE_OPTIONS: `--require ${defect}` } });
    const err = new Heard<string>();
    createInterface({ input: child.stderr! }).on("line", (line) => err.add(line));
    const run = { child, err };
    runs.add(run);
    return run;
  };
  const row: Bench["row"] = (fault, saw, since) => void rows.push({ fault, saw, seconds: (nowMs() - since) / 1000 });
  try {
    await within(use({ csms, folder, start, row }), () => [...runs].flatMap(({ err }) => err.all).join("\n"));
  } finally {
    for (const { child } of runs) child.kill("SIGKILL");
    for (const pid of agents) endIfThere(pid);
    runs.clear();
    agents.clear();
    await csms.close();
  }
}

function endIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

const WATCHES = "watches CP-001: chargers connect to";
const RELAYS = "plain relay: chargers connect to";
const portIn = (line: string): number => Number(/(?:ws:\/\/127\.0\.0\.1:|socket )(\d+)/.exec(line)?.[1]);

/** The status after the n-th such line: of the agent, or of the relay. */
async function statusAfter({ folder }: Bench, { err }: Run, words: string, nth: number): Promise<Status> {
  const lines = (): string[] => err.all.filter((line) => line.includes(words));
  await err.next(() => lines().length >= nth);
  const asked = await askStatus(join(folder, "state"), 20_000);
  if (asked.kind !== "status") throw new Error(`no status: ${JSON.stringify(asked)}`);
  agents.add(asked.status.agent.pid);
  return asked.status;
}

async function supervised(bench: Bench): Promise<{ run: Run; port: number; config: string; agent: number }> {
  const config = writeConfig(bench.folder, { csms: `ws://127.0.0.1:${bench.csms.port}` });
  const run = bench.start(["run", "--supervised", "--config", config]);
  const { agent } = await statusAfter(bench, run, WATCHES, 1);
  return { run, config, agent: agent.pid, port: portIn(agent.listen) };
}

/** A session that goes on after the fault: the charger tries until it is let in again, and its frames pass. */
async function goesOn(port: number, csms: Csms): Promise<Ends> {
  for (;;) {
    const probe = new WebSocket(`ws://127.0.0.1:${port}/CP-001`, ["ocpp1.6"]);
    probe.on("error", () => undefined);
    const opened = await new Promise((resolve) => {
      probe.on("open", () => resolve(true)).on("close", () => resolve(false));
    });
    probe.terminate();
    if (!opened) continue;
    const again = await connectThrough(port, csms);
    await passes(again);
    assert.is((await again.station.call("BootNotification", BOOT)).status, "Accepted");
    return again;
  }
}

/** A frame with this word passes, whatever becomes of whoever reads it. */
async function says(word: string, { station, csms }: Ends): Promise<void> {
  station.send(Buffer.from(`[2,"${word}","DataTransfer",{"vendorId":"x"}]`));
  await csms.got.next(({ bytes }) => bytes.toString().includes(word));
}

const FAULTS: readonly { fault: string; saw: string; harm: (agent: number, ends: Ends) => Promise<void> | void }[] = [
  { fault: "the agent is killed", saw: "dropped, and let in by the next agent on the same port",
    harm: (agent) => void process.kill(agent, "SIGKILL") },
  { fault: "the agent is stopped (SIGSTOP)", saw: "nothing passes until it is found hanging and killed; then as above",
    harm: (agent) => void process.kill(agent, "SIGSTOP") },
  { fault: "a detector spins", saw: "its frame passes; then as with an agent that is stopped",
    harm: (_agent, ends) => says("turn-for-ever", ends) },
  { fault: "a detector ends the process", saw: "its frame passes; then as with an agent that is killed",
    harm: (_agent, ends) => says("fall-over", ends) },
];

for (const { fault, saw, harm } of FAULTS) {
  test(`supervised, ${fault}: the charger goes on, and is watched again`, () => onBench(async (bench) => {
    const { run, port, agent } = await supervised(bench);
    const ends = await connectThrough(port, bench.csms);
    await passes(ends);
    const since = nowMs();
    await harm(agent, ends);
    await ends.station.gone();
    await goesOn(port, bench.csms);
    bench.row(fault, saw, since);
    const next = await statusAfter(bench, run, WATCHES, 2);
    assert.equal([next.agent.mode, next.agent.pid === agent], ["observe", false]);
    assert.ok(run.err.all.some((line) => /the agent ended unasked \(.+\) and starts again/.test(line)));
  }));
}

test("what is found hanging is dead to its charger for ten seconds at most, and fifteen are allowed", () =>
  assert.ok((BEATS_MISSED + 1) * BEAT_MS + pauseMs({ ends: [] }) <= 10_100));

test("supervised, killed six times: a plain relay takes over and says so", () => onBench(async (bench) => {
  const { run, port, agent } = await supervised(bench);
  const since = nowMs();
  let last = agent;
  for (let nth = 2; nth <= 6; nth += 1) {
    process.kill(last, "SIGKILL");
    last = (await statusAfter(bench, run, WATCHES, nth)).agent.pid;
  }
  process.kill(last, "SIGKILL");
  await run.err.next((line) => line.includes(RELAYS));
  const ends = await goesOn(port, bench.csms);
  await says("turn-for-ever", ends);
  await passes(ends);
  bench.row("the agent is killed six times", "dropped each time; at last a plain relay passes what it says", since);
  const { agent: relay, link } = await statusAfter(bench, run, RELAYS, 1);
  assert.equal([relay.mode, relay.pid, link.state], ["relay", run.child.pid, "relay-only"]);
  assert.match(relay.relay?.why ?? "", /^the agent ended 6 times within 10 minutes, last: SIGKILL$/);
  assert.ok(relay.relay?.tryAt !== undefined && relay.relay.bytesFromStation > 0);
}));

test("when the relay's term is over the agent is tried beside it: it keeps whom it has, and who comes is watched", () =>
  onBench(async (bench) => {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const relay = { since: Date.now(), why: "it fell over", termS: 600, untilS: uptime() + 4 };
    mkdirSync(join(bench.folder, "state"));
    writeFileSync(join(bench.folder, "state", "crashes.json"), JSON.stringify({ boot, record: { ends: [], relay } }));
    const config = writeConfig(bench.folder, { csms: `ws://127.0.0.1:${bench.csms.port}` });
    const run = bench.start(["run", "--supervised", "--config", config]);
    const port = portIn(await run.err.next((line) => line.includes(RELAYS)));
    const ends = await connectThrough(port, bench.csms);
    const since = nowMs();
    await run.err.next((line) => line.includes("the agent runs again; what the relay has follows when quiet"));
    await passes(ends);
    await passes(await connectThrough(port, bench.csms));
    bench.row("the relay's term is over", "nothing: the relay keeps it, a new connection gets the agent", since);
    const { agent, link, notices } = await statusAfter(bench, run, WATCHES, 1);
    assert.equal([agent.mode, link.framesFromStation], ["observe", 3]);
    assert.ok(notices.some((line) => line.includes("frames passed unread, by a plain relay: it fell over")));
  }));

test("supervised, a typing error in the configuration: relayed by the last good one until it is mended", () =>
  onBench(async (bench) => {
    const { run, port, config } = await supervised(bench);
    run.child.kill("SIGTERM");
    assert.equal(await once(run.child, "close"), [0, null]);
    const listen = `ws://127.0.0.1:${port}`;
    writeFileSync(config, readFileSync(config, "utf8").replace('"station"', '"statoin"').replace(/ws:[^"]*:0/, listen));
    const since = nowMs();
    const second = bench.start(["run", "--supervised", "--config", config]);
    const at = portIn(await second.err.next((line) => line.includes(RELAYS)));
    const ends = await connectThrough(at, bench.csms);
    await passes(ends);
    bench.row("a typing error in the configuration", "a plain relay, by the last configuration that was good", since);
    assert.ok(second.err.all.some((line) => line.includes("statoin")));
    writeConfig(bench.folder, { csms: `ws://127.0.0.1:${bench.csms.port}` });
    const { agent } = await statusAfter(bench, second, WATCHES, 1);
    assert.is(agent.mode, "observe");
    await passes(ends);
  }));

test("a socket that is kept for it (LISTEN_FDS): whoever comes while no agent runs waits, and is not refused", () =>
  onBench(async (bench) => {
    const config = writeConfig(bench.folder, { csms: `ws://127.0.0.1:${bench.csms.port}` });
    const run = bench.start(["run", "--config", config], [process.execPath, holder, program]);
    const port = portIn(await run.err.next((line) => line.startsWith("socket ")));
    const { agent } = await statusAfter(bench, run, WATCHES, 1);
    assert.is(portIn(agent.listen), port);
    const ends = await connectThrough(port, bench.csms);
    const since = nowMs();
    process.kill(agent.pid, "SIGKILL");
    await ends.station.gone();
    await passes(await connectThrough(port, bench.csms));
    bench.row("killed, with a socket of systemd", "dropped; the next connection waits and is served", since);
    const next = await statusAfter(bench, run, WATCHES, 2);
    assert.is.not(next.agent.pid, agent.pid);
  }));

test("no file descriptors left: who is connected stays, and when some are free again others come", () =>
  onBench(async (bench) => {
    const config = writeConfig(bench.folder, { csms: `ws://127.0.0.1:${bench.csms.port}` });
    const limit = ["sh", "-c", 'ulimit -n 40; exec "$@"', "sh", process.execPath, program];
    const run = bench.start(["run", "--config", config], limit);
    const { agent } = await statusAfter(bench, run, WATCHES, 1);
    const port = portIn(agent.listen);
    const ends = await connectThrough(port, bench.csms);
    const since = nowMs();
    // Fewer than may wait for their upgrade: one that is closed was closed for want of a descriptor.
    const idle: Socket[] = [];
    const closed = new Heard<number>();
    for (let n = 0; n < 30; n += 1) {
      idle.push(connect(port, "127.0.0.1").on("error", () => undefined).on("close", () => closed.add(n)));
    }
    await closed.next(() => true);
    for (let n = 0; n < 5; n += 1) await passes(ends);
    bench.row("no file descriptors left", "nothing when it is connected, else turned away until some are free", since);
    for (const socket of idle) socket.destroy();
    await goesOn(port, bench.csms);
    await passes(ends);
  }));

test("the CSMS ends and comes back: the charger is told so at once, and then let in", () => onBench(async (bench) => {
  const { port } = await supervised(bench);
  const ends = await connectThrough(port, bench.csms);
  const since = nowMs();
  await bench.csms.close();
  await ends.station.gone();
  const turnedAway = await connectStation(port).then(() => "let in", (error: Error) => error.message);
  assert.is(turnedAway, "HTTP 502");
  const csms = await startCsms({ port: bench.csms.port });
  try {
    await goesOn(port, csms);
    bench.row("the CSMS is away", "dropped, HTTP 502 at once, let in when the CSMS is back", since);
  } finally {
    await csms.close();
  }
}));

test("the table: one row a fault, with what the charger saw", () => {
  const wide = Math.max(...rows.map(({ fault }) => fault.length));
  for (const { fault, saw, seconds } of rows) {
    console.log(`${fault.padEnd(wide)}  ${seconds.toFixed(1).padStart(5)} s  ${saw}`);
  }
  assert.is(rows.length, FAULTS.length + 6);
});
