/** `kerbwatch status`: what the running agent sees and believes now. */
import { askStatus } from "../adapters/agent-client.ts";
import { statusText } from "../status-text.ts";
import { parseOptions } from "./command.ts";
import type { Command, Io } from "./command.ts";
import { STATE_HELP, STATE_OPTIONS, stateDirOf } from "./state-dir.ts";

const TIME_OUT_MS = 5_000;

async function run(args: string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, { ...STATE_OPTIONS, json: { type: "boolean" } });
  const stateDir = await stateDirOf(options, io);
  const asked = await askStatus(stateDir, TIME_OUT_MS);
  if (asked.kind === "status") {
    io.out(options.json ? `${JSON.stringify(asked.status)}\n` : statusText(asked.status));
    return 0;
  }
  const why = asked.kind === "none" ? `no agent is running on this state directory (${stateDir}); `
    + "start it with kerbwatch run, or name its own with --state DIR or --config FILE" : asked.why;
  io.err(`kerbwatch: ${why}\n`);
  return 1;
}

export const status: Command = {
  name: "status",
  summary: "what the running agent sees and believes now",
  help: `
Usage: kerbwatch status [--json] [--state DIR | --config FILE]

Asks the agent that runs on this machine: is it in line, what passed, what the
meter says, how the clock and the log are, how much of normal is learned, which
incidents are open and what it leans to believe. For a member of a roster also:
what the zone certified, who was not heard, links and traffic.

${STATE_HELP}
  --json          the same as JSON, stable, for programs

Exit codes: 0 told, 1 no agent is running there or it does not answer, 2 wrong
usage.
`,
  run,
};
