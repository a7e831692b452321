/** The shipped agent under load, as a process: 500 stations through it, and a million frames through one connection. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { WebSocket } from "ws";
import { AGENT_FILE, agentCommand, AgentProcess, runFile } from "../bench/agent-process.ts";
import { freePort } from "../bench/street-ports.ts";
import type { Aim } from "./figures.ts";
import { cpuUsOf, residentMbOf } from "./processes.ts";
import { callOf, type Ends, openEnds, paced, pipelined } from "./traffic.ts";

export interface Mark {
  /** Frames so far, both directions. */
  readonly frames: number;
  readonly residentMb: number;
}

export interface AgentLoad {
  readonly stations: number;
  readonly bytes: number;
  readonly frames: number;
  readonly seconds: number;
  /** Of the whole agent: forwarding, parsing, detecting, recording. */
  readonly cpuUsPerFrame: number;
  /** Frames that the agent read and the pipeline took; the others passed over the parser's budget, unread. */
  readonly observed: number;
  readonly marks: readonly Mark[];
}

export interface AgentLoads {
  readonly stations: AgentLoad;
  /** As many frames a second as go through: most pass over the parser's budget. */
  readonly flood: AgentLoad;
  /** At a rate within the parser's budget. */
  readonly paced: AgentLoad;
}

/** An agent with its CSMS, and what `use` made of them. */
async function withAgent<T>(
  folder: string, bytes: number, use: (agent: { port: number; pid: number; ends: Ends; status: Status }) => Promise<T>,
): Promise<T> {
  mkdirSync(folder, { recursive: true });
  const ends = await openEnds("plain", bytes, undefined);
  const port = await freePort();
  const config = join(folder, "kerbwatch.json");
  writeFileSync(config, JSON.stringify({
    station: "CP-001", listen: `ws://127.0.0.1:${port}`, csms: `ws://127.0.0.1:${ends.port}`,
    stateDir: join(folder, "state"),
  }));
  const status: Status = async () => {
    const { out, err } = await runFile(AGENT_FILE, ["status", "--json", "--config", config]);
    if (out === "") throw new Error(`the agent's status cannot be had: ${err.trim()}`);
    return JSON.parse(out) as AgentStatus;
  };
  const agent = new AgentProcess(agentCommand(config), join(folder, "agent.log"));
  await agent.start();
  try {
    // The process that carries the traffic, which is a child of the one that was started.
    const { agent: { pid } } = await status();
    const result = await use({ port, pid, ends, status });
    if (agent.deaths.length > 0 || (await status()).agent.pid !== pid) throw new Error("the agent died on the way");
    return result;
  } finally {
    await agent.stop();
    ends.close();
  }
}

interface AgentStatus {
  readonly agent: { readonly pid: number };
  readonly link: { readonly framesFromStation: number; readonly framesFromCsms: number };
}
type Status = () => Promise<AgentStatus>;

const observedOf = ({ link }: AgentStatus): number => link.framesFromStation + link.framesFromCsms;

const DIALLED_AT_ONCE = 16;
const IN_FLIGHT = 32;

async function dialAll(ends: Ends, port: number, count: number): Promise<WebSocket[]> {
  const chargers: WebSocket[] = [];
  while (chargers.length < count) {
    const more = Math.min(DIALLED_AT_ONCE, count - chargers.length);
    chargers.push(...await Promise.all(Array.from({ length: more }, () => ends.dial(port))));
  }
  return chargers;
}

async function hangUp(chargers: readonly WebSocket[]): Promise<void> {
  await Promise.all(chargers.map((charger) => new Promise((resolve) => {
    charger.once("close", resolve);
    charger.terminate();
  })));
}

/**
 * `rounds` times `stations` chargers connect, make `calls` calls each and leave: a mark while all are connected and
 * one when they are gone, so that what each round leaves behind can be seen.
 */
export async function manyStations(
  folder: string, stations: number, rounds: number, calls: number,
): Promise<AgentLoad> {
  const bytes = 200;
  return await withAgent(folder, bytes, async ({ port, pid, ends, status }) => {
    const call = callOf("ID", bytes);
    const marks: Mark[] = [];
    let frames = 0;
    const mark = (): void => void marks.push({ frames, residentMb: residentMbOf(pid) ?? Number.NaN });
    mark();
    const [begun, cpuBefore] = [performance.now(), cpuUsOf(pid) ?? Number.NaN];
    for (let round = 0; round < rounds; round++) {
      const chargers = await dialAll(ends, port, stations);
      for (let at = 0; at < stations; at += IN_FLIGHT) {
        await Promise.all(chargers.slice(at, at + IN_FLIGHT).map((one) => pipelined(one, call, calls, 1)));
      }
      frames += 2 * stations * calls;
      mark();
      await hangUp(chargers);
      mark();
    }
    const seconds = (performance.now() - begun) / 1000;
    const cpuUsPerFrame = ((cpuUsOf(pid) ?? Number.NaN) - cpuBefore) / frames;
    return { stations, bytes, frames, seconds, cpuUsPerFrame, observed: observedOf(await status()), marks };
  });
}

const MARKS = 20;

/**
 * `total` frames through one connection, with a mark after every twentieth part: as fast as they go, or at most `perS`
 * a second.
 */
export async function manyFrames(
  folder: string, total: number, bytes: number, perS = Number.POSITIVE_INFINITY,
): Promise<AgentLoad> {
  return await withAgent(folder, bytes, async ({ port, pid, ends, status }) => {
    const [charger] = await dialAll(ends, port, 1) as [WebSocket];
    const call = callOf("ID", bytes);
    const marks: Mark[] = [];
    const [begun, cpuBefore] = [performance.now(), cpuUsOf(pid) ?? Number.NaN];
    const calls = Math.ceil(total / 2 / MARKS);
    for (let i = 1; i <= MARKS; i++) {
      await paced(charger, call, calls, { inFlight: IN_FLIGHT, perS: perS / 2 });
      marks.push({ frames: 2 * calls * i, residentMb: residentMbOf(pid) ?? Number.NaN });
    }
    const seconds = (performance.now() - begun) / 1000;
    const frames = 2 * calls * MARKS;
    const cpuUsPerFrame = ((cpuUsOf(pid) ?? Number.NaN) - cpuBefore) / frames;
    const observed = observedOf(await status());
    await hangUp([charger]);
    return { stations: 1, bytes, frames, seconds, cpuUsPerFrame, observed, marks };
  });
}

/**
 * Mean resident memory over the last third of the marks, divided by that over the third before it. The first third is
 * of a process that warms up: code is compiled, pools and heap find their size.
 */
export function growthOf(marks: readonly Mark[]): number {
  const third = Math.floor(marks.length / 3);
  const mean = (some: readonly Mark[]): number => some.reduce((sum, one) => sum + one.residentMb, 0) / some.length;
  return mean(marks.slice(-third)) / mean(marks.slice(-2 * third, -third));
}

/** Memory is flat when its growth from third to third is within this: what leaks goes on for ever. */
const FLAT = 1.05;

export function loadAims({ stations, flood, paced }: AgentLoads): Aim[] {
  const flat = (load: AgentLoad, of: string): Aim =>
    ({ what: `resident memory, last third over the second (${of})`, found: growthOf(load.marks), atMost: FLAT });
  return [
    flat(stations, `${stations.stations} stations, in rounds`),
    flat(flood, `${flood.frames} frames, unpaced`),
    flat(paced, `${paced.frames} frames, paced`),
    { what: "frames of the paced run that were not observed", found: paced.frames - paced.observed, atMost: 0 },
  ];
}

export function loadText(load: AgentLoad): string {
  const { stations, frames, bytes, seconds, cpuUsPerFrame, observed, marks } = load;
  const mb = marks.map(({ residentMb }) => residentMb.toFixed(1)).join(" ");
  const read = (100 * observed / frames).toFixed(1);
  return `${stations} station(s), ${frames} frames of ${bytes} bytes in ${seconds.toFixed(0)} s, ${read} % of them ` +
    `observed, the whole agent ${cpuUsPerFrame.toFixed(1)} µs a frame\n  resident MB: ${mb}`;
}
