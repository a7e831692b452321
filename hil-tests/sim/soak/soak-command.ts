/** `kerbwatch-sim soak` and `kerbwatch-sim run`: contracts, section 6. */
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Command, parseOptions } from "../../../edge-agent/cli/command.ts";
import { refuse } from "../../../edge-agent/refuse.ts";
import { UsageError } from "../../../edge-agent/usage-error.ts";
import { numberOption } from "../number-option.ts";
import { runOne } from "./run-one.ts";
import { parseScenario } from "./scenario-file.ts";
import { otherPlayer, ownPlayer, servePlays } from "./players.ts";
import { MOST_SEED, soak } from "./seeds.ts";
import { readState, type SoakState, writeState } from "./soak-state.ts";
import { codeName, failureText, Tally } from "./tally.ts";

const SOAK_HELP = `Usage: kerbwatch-sim soak --minutes N

Plays zones of real agents in virtual time, each with a scenario that a fresh seed draws: at least eight agents, now and
then in several zones with bridges, 200 epochs and three kinds of fault, in each zone up to f liars and broken chargers,
then a healing and an attack on all; now and then some members are on metered links, as many as a zone bears. Checkers
look on: no contradictory certificates, validity, no honest agent named, an honest agent's word, consistent logs,
bounded memory and traffic, nothing signed while rosters fork, the region's word, liveness after healing, and nothing
throws. Prints how much was tried; the first failure ends it.

  --minutes N  begin new seeds for so long
  --seeds N    so many seeds; with --minutes, whichever ends first
  --first N    the first seed, 0 to 4294967295; default a random one, which is printed
  --seed N     this seed alone: plays a failure again
  --step N     every N-th seed from the first on; default 1
  --jobs N     deals the seeds out to N processes, 1 to 64; default 1
  --state FILE keeps the counts of --seeds N --first N in a file: the same command goes on from there, and the counts
               are those of all parts; not with another build of this program
  --trace      one line for each seed, with a hash of all that was said
  --json       the counts as one line of JSON, with the failure if there is one

Agents of one process share what they read: a message is decoded, hashed and verified once for all who receive it.

Evidence is written into what the agents accumulate; in one seed of five real frames pass, too. Signatures are a keyed
hash in 49 seeds of 50, and Ed25519 in the other.

Exit codes: 0 no checker failed, 1 one did, 2 wrong usage.`;

const NUMBER = { type: "string", value: "N" } as const;
const MINUTE_MS = 60_000;
const MOST_MINUTES = 10_000;
const MOST_SEEDS = 10_000_000;
const MOST_JOBS = 64;

const OPTIONS = {
  minutes: NUMBER, seeds: NUMBER, first: NUMBER, seed: NUMBER, step: NUMBER, jobs: NUMBER,
  state: { type: "string", value: "FILE" }, trace: { type: "boolean" }, json: { type: "boolean" },
  served: { type: "boolean" },
} as const;
type Options = ReturnType<typeof parseOptions<typeof OPTIONS>>["options"];

export const soakCommand: Command = {
  name: "soak",
  summary: "zones of agents under faults and liars, fresh seeds, all checkers",
  help: SOAK_HELP,
  async run(args, io) {
    const { options } = parseOptions(args, OPTIONS);
    // For a parent process alone.
    if (options.served) return servePlays().then(() => 0);
    const jobs = options.jobs === undefined ? 1 : numberOption("--jobs", options.jobs, 1, MOST_JOBS, true);
    const untilMs = options.minutes === undefined ? Infinity
      : Date.now() + number("--minutes", options.minutes, MOST_MINUTES) * MINUTE_MS;
    const state = stateOf(options);
    const { state: path, trace, json } = options;
    const before = state.tally === undefined ? "" : `, ${state.tally.seeds} played`;
    if (!json) io.out(`soak: from seed ${state.first} on${before}\n`);
    const plan = { state, untilMs, trace, ...(path !== undefined && { keep: writeState.bind(undefined, path) }) };
    const players = jobs === 1 ? [ownPlayer()]
      : Array.from({ length: Math.min(jobs, state.seeds) }, () => otherPlayer());
    const { tally, failures, state: { seconds, seeds } } = await soak(plan, players, io);
    if (json) io.out(`${JSON.stringify({ ...tally.json(), seconds, failures })}\n`);
    else io.out(`${failures.join("")}${tally.text(seconds)}${failures.length === 0 ? "no checker failed\n" : ""}`);
    const left = seeds - tally.seeds;
    if (path !== undefined && left > 0) io.err(`soak: ${left} of ${seeds} seeds are left: the same command goes on\n`);
    return failures.length === 0 ? 0 : 1;
  },
};

/** Where the soak begins: anew, or where a part before it ended. */
function stateOf({ minutes, seeds, seed, first, step, state }: Options): SoakState {
  const isOne = seed !== undefined;
  if (isOne ? (seeds ?? minutes ?? state) !== undefined : (seeds ?? minutes) === undefined) {
    throw new UsageError("soak: --minutes N, --seeds N or both, or --seed N alone");
  }
  if (state !== undefined && (seeds === undefined || first === undefined)) {
    throw new UsageError("soak: --state goes with --seeds N and --first N");
  }
  const plan = {
    code: codeName(),
    first: integer("--seed", seed, MOST_SEED) ?? integer("--first", first, MOST_SEED) ?? randomInt(MOST_SEED),
    step: step === undefined ? 1 : numberOption("--step", step, 1, MOST_SEEDS, true),
    seeds: isOne ? 1 : integer("--seeds", seeds, MOST_SEEDS) ?? Infinity,
  };
  return state === undefined ? { ...plan, through: 0, beyond: [], seconds: 0 } : readState(state, plan);
}

const RUN_HELP = `Usage: kerbwatch-sim run --scenario S.yaml [--seed N]

Plays one scenario with all checkers: real agents, in one zone or several, in virtual time, with the faults, liars and
attacks that the file says. When a checker fails, prints the seed, the code's hash and the parameters.

  --scenario FILE  YAML or JSON
  --seed N         0 to 4294967295; default 1: delays, losses, noise, and what liars make up

Example of a scenario
  version: 1
  agents: 10
  epochs: 200
  healedAt: 140
  faults:
    - { kind: partition, from: 30, to: 60, shape: split, side: [0, 1, 2] }
    - { kind: crash, agent: 4, at: 50, effects: 1, downEpochs: 5 }
    - { kind: loss, from: 20, to: 100, share: 0.3 }
  liars:
    - { agent: 3, behaviour: collude }
    - { agent: 7, behaviour: equivocate, from: 80 }
  attacks:
    - { key: energy-theft, from: 160, to: 168, agents: [0, 1, 2, 4, 5, 6, 8, 9], perEpoch: 6000 }

Exit codes: 0 no checker failed, 1 one did, 2 wrong usage or scenario.`;

export const runCommand: Command = {
  name: "run",
  summary: "one scenario of faults and liars, with all checkers",
  help: RUN_HELP,
  async run(args, io) {
    const { options } = parseOptions(args, {
      scenario: { type: "string", required: true, value: "FILE" }, seed: NUMBER,
    });
    const seed = integer("--seed", options.seed, MOST_SEED) ?? 1;
    const scenario = parseScenario(readText(options.scenario));
    const beganMs = Date.now();
    const outcome = runOne({ scenario, seed });
    const tally = new Tally();
    tally.add(scenario, outcome);
    const { failed } = outcome;
    const again = `kerbwatch-sim run --scenario ${options.scenario} --seed ${seed}`;
    if (failed !== undefined) io.out(failureText(failed, seed, scenario, again));
    io.out(tally.text((Date.now() - beganMs) / 1_000));
    if (failed === undefined) io.out(`no checker failed; trace ${outcome.trace}\n`);
    return failed === undefined ? 0 : 1;
  },
};

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return refuse("--scenario", path, `a file that can be read (${(error as NodeJS.ErrnoException).code ?? "failed"})`);
  }
}

function integer(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const fits = /^\d{1,10}$/.test(text) && Number(text) <= most;
  return fits ? Number(text) : refuse(name, text, `an integer from 0 to ${most}`);
}

function number(name: string, text: string, most: number): number {
  const fits = /^\d{1,6}(\.\d{1,6})?$/.test(text) && Number(text) <= most && Number(text) > 0;
  return fits ? Number(text) : refuse(name, text, `a number above 0, at most ${most}`);
}
