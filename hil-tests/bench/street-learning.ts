/** What each agent of the street knows before the first act: honest traffic of its own charger, learned as it is. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DAY_MS } from "../../models/units.ts";
import { AGENT_FILE, type Ran, runFile, SIM_FILE } from "./agent-process.ts";
import { type Plot, regionFile } from "./street-plan.ts";

/** Two weeks, so that each hour of the week was seen twice. */
export const LEARNED_DAYS = 14;
/** Seconds between readings and in a round while learning: as good for what is learned as one of ten, and cheaper. */
const STEP_S = 60;
/** The whole street's: every station draws its own traffic from it. */
const SEED = 7;

export interface Learned {
  /** What the station ran at the end of the days: it is the same station that goes on live. */
  readonly firmware: string;
  /** What the agent's meter showed last, Wh: it goes on from there. */
  readonly meterWh: number;
  /** OCPP frames and meter readings. */
  readonly lines: number;
  /** Alerts that this honest traffic would have raised. */
  readonly raised: number;
}

export interface LearningOptions {
  readonly plot: Plot;
  readonly state: string;
  /** For the captures, which are removed again. */
  readonly folder: string;
  readonly timezone: string;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/** Makes two weeks of honest traffic and lets the agent learn them, as an operator does with `kerbwatch learn`. */
export async function learnStation(options: LearningOptions): Promise<Learned> {
  const { plot: { station }, plot, state, folder, timezone, now, signal } = options;
  const captures = join(folder, "captures");
  mkdirSync(captures, { recursive: true });
  const region = join(captures, "region.json");
  writeFileSync(region, regionFile([plot], timezone));
  const from = new Date(now.getTime() - LEARNED_DAYS * DAY_MS).toISOString();
  demand("kerbwatch-sim capture", await runFile(SIM_FILE, [
    "capture", "--region", region, "--days", `${LEARNED_DAYS}`, "--from", from, "--seed", `${SEED}`,
    "--meter-every", `${STEP_S}`, "--out", captures,
  ], { signal }));
  const [ocpp, meter] = [join(captures, `${station}.ocpp.jsonl`), join(captures, `${station}.meter.jsonl`)];
  const learned = demand("kerbwatch learn", await runFile(AGENT_FILE, [
    "learn", "--ocpp", ocpp, "--meter", meter, "--state", state, "--epoch", `${STEP_S}`,
  ], { signal }));
  const [frames, readings] = [readFileSync(ocpp, "utf8"), readFileSync(meter, "utf8")];
  const lines = frames.split("\n").length + readings.split("\n").length - 2;
  rmSync(captures, { recursive: true });
  return {
    firmware: lastFirmware(frames), meterWh: lastRegister(readings), lines, raised: raisedIn(learned.err),
  };
}

/** @throws Error with what the command said when it did not end well */
export function demand(what: string, ran: Ran): Ran {
  if (ran.code === 0) return ran;
  const says = (ran.err || ran.out).trim().split("\n").at(-1) ?? "";
  throw new Error(`${what} ended with exit code ${ran.code}${says === "" ? "" : `: ${says}`}`);
}

/** How many alerts `learn` says that its capture would have raised. */
export function raisedIn(said: string): number {
  return Number(/^(\d+) alerts would have been raised/m.exec(said)?.[1] ?? 0);
}

/** The version in the last BootNotification; the simulator's first release where none is named. */
export function lastFirmware(capture: string): string {
  const at = capture.lastIndexOf('"firmwareVersion":"');
  return at < 0 ? "2.0.0" : /:"([^"]+)"/.exec(capture.slice(at, at + 100))?.[1] ?? "2.0.0";
}

/** The register in the last whole line of a meter capture; 0 where there is none. */
export function lastRegister(capture: string): number {
  const last = capture.trimEnd().split("\n").at(-1);
  return last === undefined || last === "" ? 0 : (JSON.parse(last) as { energyImportWh: number }).energyImportWh;
}
