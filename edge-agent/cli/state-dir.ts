/** Where a command finds the agent's state: `--state DIR`, or `stateDir` of `--config FILE`, or the usual place. */
import { UsageError } from "../usage-error.ts";
import type { Io, OptionSpec } from "./command.ts";

/** As in the configuration schema, which is too much to load for a default. A test holds them together. */
export const USUAL_STATE_DIR = "/var/lib/kerbwatch";

export const STATE_OPTIONS = {
  state: { type: "string", value: "DIR" },
  config: { type: "string", value: "FILE" },
} as const satisfies Record<string, OptionSpec>;

export const STATE_HELP = `  --state DIR     the agent's state directory (default: ${USUAL_STATE_DIR})
  --config FILE   or its configuration, which names it`;

/** What to say where there is no log at all: nothing that could be good or bad. */
export const noLogIn = (stateDir: string): string =>
  `there is no log in ${stateDir}; name the agent's own with --state DIR or --config FILE`;

export async function stateDirOf(
  options: { readonly state: string | undefined; readonly config: string | undefined }, io: Io,
): Promise<string> {
  if (options.state !== undefined && options.config !== undefined) {
    throw new UsageError("--config: found beside --state; allowed: one of the two");
  }
  if (options.config === undefined) return options.state ?? USUAL_STATE_DIR;
  const { loadConfig } = await import("../adapters/config-file.ts");
  return loadConfig(options.config, io.env).stateDir;
}
