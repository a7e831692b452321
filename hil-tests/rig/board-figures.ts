/**
 * What the agent costs, read inside the board: memory, time to the first frame, processor, bytes written. Processor
 * time is told as turns of an empty loop on the same emulation, since seconds of an emulator are nobody's seconds.
 */
import { type Check, outcomeOf, type Outcome } from "../bench/acts/act.ts";
import { BUDGETS } from "../../targets/qemu-virt-arm64/board.ts";
import type { Bench } from "./board-bench.ts";
import { LOOP_COMMAND, loopTurnS, type Reading, readingCommand, readingOf } from "./board-reading.ts";
import { type Neighbours, NEIGHBOURS } from "./board-street.ts";

/** Calls that are sent through the agent to find what a frame costs: as many before them, while V8 still compiles. */
const CALLS = 300;
const TOGETHER_WITHIN_S = 600;
const DAY_S = 86_400;
const MILLION = 1e6;

const within = (what: string, value: number, budget: number, digits = 2): Check =>
  ({ saw: `${what} ${value.toFixed(digits)} of ${budget}`, ok: value <= budget });
const mb = (kilobytes: number): string => `${(kilobytes / 1024).toFixed(1)} MB`;
const waitS = async (s: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000 * s));

async function read(bench: Bench, pid: number): Promise<Reading> {
  return readingOf((await bench.run(readingCommand(pid))).out);
}

/** What the rest is measured by: bare Node's memory, and a turn of an empty loop. */
interface Yardstick {
  readonly bareKb: number;
  readonly turnS: number;
}

async function yardstickOf(bench: Bench): Promise<Yardstick> {
  const started = await bench.run("/usr/lib/kerbwatch/node -e 'setInterval(() => {}, 1e6)' & sleep 6; echo pid=$!");
  const pid = Number(/pid=(\d+)/.exec(started.out)?.[1]);
  const { residentKb } = await read(bench, pid);
  await bench.run(`kill ${pid}`);
  return { bareKb: residentKb, turnS: loopTurnS((await bench.run(LOOP_COMMAND)).out) };
}

const memory = (what: string, { residentKb }: Reading, { bareKb }: Yardstick, budget: number): Check =>
  within(`${what} ${mb(residentKb)}, bare Node ${mb(bareKb)}: times`, residentKb / bareKb, budget);

/** Processor time between two moments, millions of turns of the empty loop a second. */
const millionTurnsAS = (from: Reading, to: Reading, { turnS }: Yardstick): number =>
  (to.cpuS - from.cpuS) / turnS / MILLION / (to.atS - from.atS);

/** Seconds of the board's clock from the start of the process until a charger's way to its CSMS stood. */
async function startToLink(bench: Bench): Promise<number> {
  const pid = await bench.restart();
  await bench.charger();
  const { startedS } = await read(bench, pid);
  const since = (await bench.status())?.link.since;
  const { out } = await bench.run("cut -d ' ' -f 1 /proc/uptime; date -u +%s");
  const [uptimeS = NaN, wallS = NaN] = out.trim().split("\n").map(Number);
  return Date.parse(since ?? "") / 1000 - (wallS - uptimeS) - startedS;
}

/** Of one frame: calls and their answers, less what the agent does meanwhile anyway. */
async function frameTurns(bench: Bench, pid: number, idle: number, yardstick: Yardstick): Promise<number> {
  const station = bench.station ?? await bench.charger();
  const call = async (): Promise<void> => {
    for (let sent = 0; sent < CALLS; sent++) await station.heartbeat();
  };
  await call();
  const before = await read(bench, pid);
  await call();
  const after = await read(bench, pid);
  const busy = millionTurnsAS(before, after, yardstick);
  return (busy - idle) * (after.atS - before.atS) / (2 * CALLS);
}

/** Everybody of the zone is linked with the board: by its own dialling or by theirs. */
async function allLinked(bench: Bench): Promise<boolean> {
  for (const endMs = performance.now() + 1000 * TOGETHER_WITHIN_S; performance.now() < endMs; await waitS(3)) {
    const mesh = (await bench.status())?.mesh;
    const linked = new Set([...mesh?.broker?.connected ?? [], ...(mesh?.links ?? []).flatMap(({ to, up }) =>
      (up ? [to] : []))]);
    const heard = mesh?.members.filter(({ lastEpoch }) => lastEpoch !== undefined).length ?? 0;
    if (linked.size >= NEIGHBOURS && heard > NEIGHBOURS) return true;
  }
  return false;
}

export class Figures {
  readonly #bench: Bench;
  readonly #neighbours: Neighbours;
  /** Of quiet: what is measured over them is as exact as they are long. */
  readonly #quietS: number;
  /** Million turns a second that the agent takes by itself. */
  #idle: number | undefined;

  constructor(bench: Bench, neighbours: Neighbours, quietS: number) {
    this.#bench = bench;
    this.#neighbours = neighbours;
    this.#quietS = quietS;
  }

  async playAlone(): Promise<Outcome> {
    const bench = this.#bench;
    await bench.power({ counted: true });
    const startS = await startToLink(bench);
    const pid = await bench.agentUp();
    const yardstick = await yardstickOf(bench);
    const before = await read(bench, pid);
    await waitS(this.#quietS);
    const after = await read(bench, pid);
    this.#idle = millionTurnsAS(before, after, yardstick);
    const frame = await frameTurns(bench, pid, this.#idle, yardstick);
    const { epochS } = bench.options.streets.street;
    return outcomeOf([
      memory("alone", after, yardstick, BUDGETS.residentTimesBareAlone),
      within("seconds from start to a charger's link", startS, BUDGETS.startS, 1),
      within("thousand turns a frame", 1000 * frame, BUDGETS.frameThousandTurns, 1),
      within("million turns in an idle epoch", epochS * this.#idle, BUDGETS.idleEpochMillionTurns, 1),
      { saw: `a turn ${(1e9 * yardstick.turnS).toFixed(1)} ns`, ok: true },
    ]);
  }

  async playTogether(): Promise<Outcome> {
    const bench = this.#bench;
    await bench.power({ counted: true });
    const { street } = bench.options.streets;
    await this.#neighbours.start(street);
    try {
      // Counted time falls behind or runs ahead while the board is busy, and the round is what all clocks agree on.
      await bench.run(`date -u -s @${Math.round(Date.now() / 1000)}`);
      const pid = await bench.restart("street");
      await bench.charger();
      const yardstick = await yardstickOf(bench);
      await bench.run(`date -u -s @${Math.round(Date.now() / 1000)}`);
      if (!await allLinked(bench)) return outcomeOf([{ saw: `not all of ${NEIGHBOURS} neighbours`, ok: false }]);
      await waitS(2 * street.epochS);
      const before = await read(bench, pid);
      await waitS(this.#quietS);
      const after = await read(bench, pid);
      return outcomeOf(this.#togetherChecks(before, after, yardstick, street.epochS));
    } finally {
      await this.#neighbours.stop();
    }
  }

  #togetherChecks(before: Reading, after: Reading, yardstick: Yardstick, epochS: number): Check[] {
    const turns = millionTurnsAS(before, after, yardstick);
    const writtenMb = (after.writtenBytes - before.writtenBytes) / MILLION / (after.atS - before.atS) * DAY_S;
    return [
      memory(`with ${NEIGHBOURS} neighbours`, after, yardstick, BUDGETS.residentTimesBareTogether),
      within("million turns an epoch", epochS * turns, BUDGETS.epochMillionTurns, 1),
      ...(this.#idle === undefined ? [] : [within("million turns a neighbour's statement",
        epochS * (turns - this.#idle) / NEIGHBOURS, BUDGETS.statementMillionTurns, 1)]),
      within("MB written a day", writtenMb, BUDGETS.writtenMbADay, 0),
    ];
  }
}
