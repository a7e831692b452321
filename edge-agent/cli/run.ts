/** `kerbwatch run`: the agent on a charger. */
import { startAgent } from "../agent.ts";
import { wantsColour } from "../adapters/alert-terminal.ts";
import { loadConfig } from "../adapters/config-file.ts";
import { keepHeapSmall } from "../adapters/small-heap.ts";
import { addressText } from "../config.ts";
import { VERSION } from "../version.ts";
import { type Command, parseOptions } from "./command.ts";

const HELP = `Usage: kerbwatch run --config FILE

Runs the agent: the charger connects to it, it dials the CSMS, passes every byte
untouched, and watches. Stop it with Ctrl-C or SIGTERM; what it learned and
recorded is kept in stateDir. Alerts go to the outlets of the configuration,
notices about the agent itself to standard error.

  --config FILE   kerbwatch.yaml (YAML or JSON); all its keys: kerbwatch doctor
                  --reference

Example
  kerbwatch doctor --config kerbwatch.yaml
  kerbwatch run --config kerbwatch.yaml

Exit codes: 0 stopped as asked, 1 could not start, 2 wrong configuration.
`;

const OPTIONS = { config: { type: "string", required: true, value: "FILE" } } as const;

export const run: Command = {
  name: "run",
  summary: "the agent on a charger",
  help: HELP,
  async run(args, io) {
    const { options } = parseOptions(args, OPTIONS);
    const config = loadConfig(options.config, io.env);
    keepHeapSmall();
    const stopAsked = signalled();
    const agent = await startAgent(config, {
      notice: (text) => io.err(`${text}\n`), out: (text) => io.out(text), env: io.env,
      colour: wantsColour(process.stdout.isTTY, io.env),
    });
    const { listen } = agent.status().agent;
    io.err(`kerbwatch ${VERSION} watches ${config.station}: chargers connect to ${listen}, the CSMS is ` +
      `${addressText(config.csms)}\n`);
    await stopAsked;
    await agent.stop();
    return 0;
  },
};

/** Resolves at the first request to stop; a second one ends the process at once, as the system does by itself. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}
