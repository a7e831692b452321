/** The command line of the simulator's bundle. Exit codes: 0 done, 1 the work failed, 2 wrong usage. */
import type { Command, Io } from "../../edge-agent/cli/command.ts";
import { plainText, shown } from "../../edge-agent/plain-text.ts";
import { UsageError } from "../../edge-agent/usage-error.ts";
import { captureCommand } from "./capture-command.ts";
import { replayCommand } from "./replay-command.ts";
import { runCommand, soakCommand } from "./soak/soak-command.ts";

const COMMANDS: readonly Command[] = [captureCommand, replayCommand, runCommand, soakCommand];

const HELP = `kerbwatch-sim: captures and benches for kerbwatch; stays in the workshop, never shipped to a board.

Commands (kerbwatch-sim <command> --help says more):
${COMMANDS.map(({ name, summary }) => `  ${name}  ${summary}\n`).join("")}
Example:
  kerbwatch-sim capture --region street.yaml --days 14 --out captures

Exit codes: 0 done, 1 the work failed, 2 wrong usage or configuration.
`;

const isHelp = (word: string | undefined): boolean => word === "--help" || word === "-h";

async function perform(args: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined || isHelp(first)) {
    (first === undefined ? io.err : io.out)(HELP);
    return first === undefined ? 2 : 0;
  }
  const command = COMMANDS.find(({ name }) => name === first);
  if (command === undefined) {
    throw new UsageError(`${shown(first)}: unknown command; allowed: ${COMMANDS.map(({ name }) => name).join(", ")}`);
  }
  if (!rest.some(isHelp)) return command.run(rest, io);
  io.out(`kerbwatch-sim ${command.name}: ${command.summary}\n\n${command.help}\n`);
  return 0;
}

/** Runs one command. Never rejects. */
export async function simCli(args: readonly string[], io: Io): Promise<number> {
  try {
    return await perform(args, io);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    io.err(`kerbwatch-sim: ${plainText(message, 1000) || "failed without a reason"}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}
