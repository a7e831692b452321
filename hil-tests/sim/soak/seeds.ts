/** Seed after seed, in this process or dealt out to several. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Io } from "../../../edge-agent/cli/command.ts";
import { drawScenario } from "./draw.ts";
import { runOne } from "./run-one.ts";
import { failureText, Tally, type TallyJson } from "./tally.ts";

export const MOST_SEED = 2 ** 32 - 1;
const TELLS_EVERY_MS = 10_000;
const MINUTE_MS = 60_000;

export interface Plan {
  readonly first: number;
  readonly seeds: number;
  /** Every so manieth seed. */
  readonly step: number;
  readonly untilMs: number;
  /** One line for each seed. */
  readonly trace: boolean;
}

export interface Soaked {
  readonly tally: Tally;
  /** How to see each again; a process stops at its first. */
  readonly failures: readonly string[];
}

export function soak({ first, seeds, step, untilMs, trace }: Plan, io: Io): Soaked {
  const tally = new Tally();
  const beganMs = Date.now();
  let toldMs = beganMs;
  for (let i = 0; i < seeds && (i === 0 || Date.now() < untilMs); i++) {
    const seed = (first + i * step) % (MOST_SEED + 1);
    const scenario = drawScenario(seed);
    const outcome = runOne({ scenario, seed });
    tally.add(scenario, outcome);
    if (trace) io.out(`seed ${seed}: ${outcome.counts.messages} messages, trace ${outcome.trace}\n`);
    if (outcome.failed !== undefined) {
      return { tally, failures: [failureText(outcome.failed, seed, scenario, `kerbwatch-sim soak --seed ${seed}`)] };
    }
    if (Date.now() - toldMs < TELLS_EVERY_MS) continue;
    toldMs = Date.now();
    const leftS = Math.round(Math.min((untilMs - toldMs) / 1_000, (seeds / (i + 1) - 1) * (toldMs - beganMs) / 1_000));
    io.err(`soak: ${tally.seeds} seeds, ${tally.agentEpochs} agent-epochs; ${leftS} s left\n`);
  }
  return { tally, failures: [] };
}

/** Process `i` of `jobs` plays each seed whose place is `i` modulo `jobs`. What one says goes out as it comes. */
export async function soakInJobs(plan: Plan, jobs: number, io: Io): Promise<Soaked> {
  const all = await Promise.all(Array.from({ length: Math.min(jobs, plan.seeds) }, (_, i) =>
    child(commandOf(plan, i, jobs), io)));
  const tally = new Tally();
  for (const one of all) if ("seeds" in one) tally.join(one);
  return { tally, failures: all.flatMap(({ failures }) => failures) };
}

/** The command line of one of the processes. */
export function commandOf({ first, seeds, step, untilMs, trace }: Plan, i: number, jobs: number): string[] {
  const limit = untilMs === Infinity ? ["--seeds", `${Math.ceil((seeds - i) / jobs)}`]
    : ["--minutes", ((untilMs - Date.now()) / MINUTE_MS).toFixed(4)];
  return [
    "soak", ...limit, "--first", `${(first + i * step) % (MOST_SEED + 1)}`, "--step", `${step * jobs}`, "--json",
    ...(trace ? ["--trace"] : []),
  ];
}

type Told = (TallyJson & { readonly failures: readonly string[] }) | { readonly failures: readonly string[] };

function child(command: readonly string[], io: Io): Promise<Told> {
  return new Promise((resolve) => {
    const started = spawn(process.execPath, [process.argv[1]!, ...command], { stdio: ["ignore", "pipe", "pipe"] });
    let told: Told = { failures: [`a process ended without a result: ${command.join(" ")}\n`] };
    createInterface(started.stdout).on("line", (line) => {
      if (line.startsWith("{")) told = JSON.parse(line) as Told;
      else io.out(`${line}\n`);
    });
    createInterface(started.stderr).on("line", (line) => io.err(`${line}\n`));
    started.on("error", (error) => resolve({ failures: [`${error.message}\n`] }));
    started.on("close", () => resolve(told));
  });
}
