/** The process that a bench starts in the place of an agent: the lying agent of liar.ts on the command line. */
import { loadConfig } from "../../edge-agent/adapters/config-file.ts";
import { type Io, parseOptions } from "../../edge-agent/cli/command.ts";
import { addressText } from "../../edge-agent/config.ts";
import { plainText } from "../../edge-agent/plain-text.ts";
import { refuse } from "../../edge-agent/refuse.ts";
import { UsageError } from "../../edge-agent/usage-error.ts";
import { BEHAVIOURS } from "../sim/liars.ts";
import { Liar } from "./liar.ts";

const HELP = `node build/run.mjs hil-tests/attackers/liar-agent.ts --config FILE --behaviour B

A lying agent in place of the true one, with its configuration, keys and log:
its charger charges on, and its street is told what the behaviour says. Writes a
line an epoch about what it said to standard output, and nothing to stateDir.
Once it lied, the board's keys are worth nothing: the agent that comes back
contradicts it and is found guilty. Ctrl-C or SIGTERM ends it.

  --config FILE    the agent's kerbwatch.yaml; the agent must not be running
  --behaviour B    frame       claims everything at the maximum, proposes and
                               votes for anything, forges certificates
                   hide        claims that nothing happens, and votes for nothing
                   silent      says nothing
                   equivocate  tells each half of its neighbours something else
                   replay      says what was said before, again and again
                   flood       says the truth, and junk as fast as it can

Exit codes: 0 stopped as asked, 1 could not start, 2 wrong usage.
`;

const OPTIONS = {
  config: { type: "string", required: true, value: "FILE" },
  behaviour: { type: "string", required: true, value: BEHAVIOURS.join("|") },
} as const;

async function lie(args: readonly string[], io: Io): Promise<number> {
  if (args.includes("--help")) {
    io.out(HELP);
    return 0;
  }
  const { options } = parseOptions(args, OPTIONS);
  const behaviour = BEHAVIOURS.find((one) => one === options.behaviour)
    ?? refuse("--behaviour", options.behaviour, BEHAVIOURS.join(", "));
  const config = loadConfig(options.config, io.env);
  const stopAsked = new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
  });
  const liar = new Liar(config, behaviour, {
    said: (line) => io.out(`${line}\n`), notice: (line) => io.err(`${line}\n`), env: io.env,
  });
  await liar.start();
  io.err(`a liar (${behaviour}) in the place of ${config.station}: chargers connect to ${liar.listening}, ` +
    `the CSMS is ${addressText(config.csms)}\n`);
  await stopAsked;
  await liar.stop();
  return 0;
}

process.stdout.on("error", () => {}); // a reader that has gone is no failure
const io: Io = {
  out: (text) => void process.stdout.write(text), err: (text) => void process.stderr.write(text), env: process.env,
};
process.exitCode = await lie(process.argv.slice(2), io).catch((error: Error) => {
  io.err(`liar-agent: ${plainText(error.message, 1000)}\n`);
  return error instanceof UsageError ? 2 : 1;
});
