/**
 * `npm run hil board`: the whole board in QEMU. Its agent is started by init; CSMS, meter and charger are outside of it
 * and on this machine's loopback, which the board reaches as 10.0.2.2 (QEMU's user network).
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BoardImage, makeBoard } from "../../build/package/board.ts";
import { makeRelease } from "../../build/package/release.ts";
import { needTools } from "../../build/package/tools.ts";
import { seeded } from "../../build/seeded.ts";
import { RESIDENT_TIMES_BARE } from "../../targets/qemu-virt-arm64/board.ts";
import { type Check, type Outcome, outcomeOf } from "../bench/acts/act.ts";
import { BenchCsms } from "../bench/csms.ts";
import { type SimulatedMeter, startModbusMeter } from "../bench/modbus-meter.ts";
import { BenchStation } from "../bench/station.ts";
import { freePort } from "../bench/street-ports.ts";
import { BoardMachine } from "./board-machine.ts";
import type { Recorder } from "./recorder.ts";

const OUTSIDE = "10.0.2.2";
const STATE = "/var/lib/kerbwatch/state";
const DISK_MB = "64M";
const TOKEN = "04A1000001";
const SESSION_S = 8;
const UP_WITHIN_S = 60;
const SEED = 8;

class Bench {
  readonly #image: BoardImage;
  readonly #disk: string;
  readonly csms: BenchCsms;
  readonly meter: SimulatedMeter;
  readonly port: number;
  machine: BoardMachine | undefined;
  station: BenchStation | undefined;

  constructor(image: BoardImage, disk: string, csms: BenchCsms, meter: SimulatedMeter, port: number) {
    this.#image = image;
    this.#disk = disk;
    this.csms = csms;
    this.meter = meter;
    this.port = port;
  }

  /** Powers the board on; seconds until its agent takes chargers. */
  async power(clock?: string): Promise<number> {
    await this.off();
    this.machine = new BoardMachine({
      ...this.#image, disk: this.#disk, chargerPort: this.port, ...(clock !== undefined && { clock }),
    });
    await this.machine.booted();
    await this.agentUp();
    return (performance.now() - this.machine.begunMs) / 1000;
  }

  async run(command: string): Promise<{ readonly code: number; readonly out: string }> {
    if (this.machine === undefined) throw new Error("the board is off");
    return await this.machine.run(command);
  }

  /** Waits for an agent that answers; its process. */
  async agentUp(): Promise<number> {
    for (const endMs = performance.now() + 1000 * UP_WITHIN_S; performance.now() < endMs;) {
      // The socket alone may be left over: what listens is asked for (port 9000 is 0x2328).
      const { out } = await this.run(`grep -q ":2328 .* 0A" /proc/net/tcp && pidof node || sleep 1`);
      const pid = /^(\d+)/m.exec(out)?.[1];
      if (pid !== undefined) return Number(pid);
    }
    throw new Error(`no agent after ${UP_WITHIN_S} s`);
  }

  /** A charger of the outside, connected through the agent. */
  async charger(): Promise<BenchStation> {
    await this.station?.close();
    this.station = new BenchStation({
      id: "CP-001", ocppVersion: "1.6", url: `ws://127.0.0.1:${this.port}`, registerWh: 1_000_000,
      firmwareVersion: "1.0.0",
    });
    await this.station.connect();
    await this.station.boot();
    return this.station;
  }

  async rssKb(pid: number): Promise<number> {
    return Number(/VmRSS:\s+(\d+)/.exec((await this.run(`grep VmRSS /proc/${pid}/status`)).out)?.[1]);
  }

  /** The log's sizes as `ledger verify` finds them; undefined when it is not whole. */
  async log(): Promise<{ readonly size: number; readonly signedSize: number } | undefined> {
    const { code, out } = await this.run(`kerbwatch ledger verify --json --state ${STATE}`);
    const line = out.split("\n").find((one) => one.startsWith("{"));
    return code === 0 && line !== undefined ? JSON.parse(line) as { size: number; signedSize: number } : undefined;
  }

  async off(): Promise<void> {
    await this.station?.close();
    this.station = undefined;
    await this.machine?.cutPower();
    this.machine = undefined;
  }
}

/** The ext4 image that lasts, with the agent's configuration on it. */
function makeDisk(folder: string, csmsPort: string, meterPort: number): string {
  const files = join(folder, "disk");
  mkdirSync(files);
  writeFileSync(join(files, "kerbwatch.yaml"), JSON.stringify({
    station: "CP-001", csms: `ws://${OUTSIDE}:${csmsPort}`, listen: "ws://0.0.0.0:9000", stateDir: STATE,
    meters: [{ evse: 1, address: `${OUTSIDE}:${meterPort}`, model: "sdm630", everyS: 2 }],
  }));
  const disk = join(folder, "disk.img");
  execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", files, disk, DISK_MB], { stdio: "pipe" });
  return disk;
}

async function playSession(bench: Bench): Promise<Outcome> {
  const upS = await bench.power();
  const station = await bench.charger();
  const { authorization, billedWh } = await station.session({
    token: TOKEN, seconds: SESSION_S, powerW: 50_000,
    onFlow: ({ powerW, deliveredWh }) => bench.meter.set({ powerW, energyImportWh: deliveredWh }),
  });
  const ended = bench.csms.transactions.filter((one) => one.ended).length;
  return outcomeOf([
    { saw: `chargers can connect ${upS.toFixed(0)} s after power-on`, ok: upS < UP_WITHIN_S },
    { saw: `${authorization}, ${billedWh} Wh billed`, ok: authorization === "Accepted" && billedWh > 0 },
    { saw: `${ended} bill at the CSMS`, ok: ended === 1 },
  ]);
}

async function playMemory(bench: Bench): Promise<Outcome> {
  if (bench.machine === undefined) await bench.power();
  const agent = await bench.rssKb(await bench.agentUp());
  const started = await bench.run("/usr/lib/kerbwatch/node -e 'setInterval(() => {}, 1e6)' & sleep 6; echo pid=$!");
  const pid = Number(/pid=(\d+)/.exec(started.out)?.[1]);
  const bare = await bench.rssKb(pid);
  await bench.run(`kill ${pid}`);
  const times = agent / bare;
  return outcomeOf([{
    saw: `agent ${(agent / 1024).toFixed(1)} MB, bare Node ${(bare / 1024).toFixed(1)} MB: ${times.toFixed(2)} times`,
    ok: times <= RESIDENT_TIMES_BARE,
  }]);
}

async function playKill(bench: Bench): Promise<Outcome> {
  if (bench.machine === undefined) await bench.power();
  const station = bench.station ?? await bench.charger();
  const before = await bench.agentUp();
  const down = station.whenDisconnected();
  await bench.run(`kill -9 ${before}`);
  await down;
  const since = performance.now();
  await station.whenConnected();
  const backS = (performance.now() - since) / 1000;
  const after = await bench.agentUp();
  return outcomeOf([{ saw: `the charger is back after ${backS.toFixed(1)} s`, ok: after !== before }]);
}

/** Cards are tried, the power goes at some moment, and the log is read after the next start. */
async function cutOnce(bench: Bench, waitMs: number, before: number): Promise<Check & { readonly size: number }> {
  const station = await bench.charger();
  const writing = (async (): Promise<void> => {
    for (let card = 0; card < 200; card++) await station.authorize(`0BAD${card}`);
  })().catch(() => undefined); // the power is gone
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  await bench.machine?.cutPower();
  await bench.off();
  await writing;
  await bench.power();
  const log = await bench.log();
  if (log === undefined) return { saw: `a log that is not whole, cut after ${waitMs} ms`, ok: false, size: before };
  return { saw: `${log.size} entries`, ok: log.size >= before, size: log.size };
}

async function playCuts(bench: Bench, cuts: number): Promise<Outcome> {
  if (bench.machine === undefined) await bench.power();
  const random = seeded(SEED);
  let size = 0;
  const bad: Check[] = [];
  for (let cut = 0; cut < cuts; cut++) {
    const check = await cutOnce(bench, 500 + random.int(4_000), size);
    size = check.size;
    if (!check.ok) bad.push(check);
  }
  return outcomeOf([{ saw: `${cuts - bad.length} of ${cuts} times the log was whole after it, ${size} entries at last`,
    ok: bad.length === 0 }, ...bad]);
}

async function playNoClock(bench: Bench): Promise<Outcome> {
  await bench.power("1970-01-01T00:00:00");
  const station = await bench.charger();
  const status = await station.authorize(TOKEN);
  const { out } = await bench.run(`kerbwatch status --json --state ${STATE}`);
  const line = out.split("\n").find((one) => one.startsWith("{"));
  const clock = line === undefined ? "none" : (JSON.parse(line) as { clock: { state: string } }).clock.state;
  return outcomeOf([
    { saw: `frames pass: ${status}`, ok: status === "Accepted" },
    { saw: `the clock is ${clock}`, ok: clock !== "good" && clock !== "none" },
  ]);
}

export interface BoardOptions {
  /** How often the power is cut. */
  readonly cuts: number;
  readonly keep: boolean;
  readonly acts?: readonly string[];
}

interface BoardAct {
  readonly id: string;
  readonly name: string;
  readonly told: string;
  play(bench: Bench): Promise<Outcome>;
}

const actsOf = (cuts: number): readonly BoardAct[] => [
  { id: "session", name: "power on, a charging session from outside", told: "one bill, every frame passed",
    play: playSession },
  { id: "memory", name: "resident memory, read inside", told: `at most ${RESIDENT_TIMES_BARE} times bare Node`,
    play: playMemory },
  { id: "kill", name: "the agent is killed", told: "init starts it again, the charger comes back", play: playKill },
  { id: "cuts", name: `the power is cut ${cuts} times while frames pass`, told: "the log is whole each time",
    play: (bench) => playCuts(bench, cuts) },
  { id: "clock", name: "a boot without a clock", told: "frames pass, the agent says so", play: playNoClock },
];

/** @throws MissingTool when QEMU or mke2fs is not here */
export async function playBoard({ cuts, keep, acts }: BoardOptions, recorder: Recorder): Promise<void> {
  needTools({ "qemu-system-aarch64": "qemu-system-arm", mke2fs: "e2fsprogs" });
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-board-"));
  const image = await makeBoard(await makeRelease((line) => recorder.say(line.trim())), folder);
  const csms = await BenchCsms.listen({ tokens: [TOKEN] });
  const meter = await startModbusMeter({ model: "sdm630", quantities: { voltageV: 230 } });
  const disk = makeDisk(folder, new URL(csms.url).port, meter.port);
  const bench = new Bench(image, disk, csms, meter, await freePort());
  try {
    for (const act of actsOf(cuts)) {
      if (acts === undefined || acts.includes(act.id)) await recorder.play(act, () => act.play(bench));
    }
  } finally {
    await bench.off();
    await Promise.all([csms.close(), meter.close()]);
    if (keep) recorder.say(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}
