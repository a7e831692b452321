/** `kerbwatch page`: a code to sign in with on the agent's page. */
import { askAgent, askStatus } from "../adapters/agent-client.ts";
import { ROLES } from "../dashboard/sessions.ts";
import { plainText, shown } from "../plain-text.ts";
import { parseOptions, UsageError } from "./command.ts";
import type { Command, Io } from "./command.ts";
import { STATE_HELP, STATE_OPTIONS, stateDirOf } from "./state-dir.ts";

const TIME_OUT_MS = 5_000;
const OPTIONS = {
  ...STATE_OPTIONS, role: { type: "string", value: ROLES.join("|") }, name: { type: "string", value: "NAME" },
  json: { type: "boolean" },
} as const;

async function run(args: string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, OPTIONS);
  const role = options.role ?? "auditor";
  if (!ROLES.some((one) => one === role)) {
    throw new UsageError(`--role: found ${shown(role)}; allowed: ${ROLES.join(", ")}`);
  }
  const stateDir = await stateDirOf(options, io);
  const asked = await askStatus(stateDir, TIME_OUT_MS);
  const answered = await askAgent(stateDir, "/code", { role, name: options.name ?? role }, TIME_OUT_MS);
  if (asked.kind !== "status" || answered.kind !== "answer" || answered.code !== 200) {
    io.err(`kerbwatch: no agent is running on this state directory (${stateDir}), or it does not answer\n`);
    return 1;
  }
  const { http } = asked.status.agent;
  const code = plainText(String(answered.body["code"]), 20);
  const told = { schemaVersion: "1.0", code, role, ...(http !== undefined && { http }) };
  if (options.json) io.out(`${JSON.stringify(told)}\n`);
  else {
    io.out(http === undefined ? "the agent serves no page: set http in its configuration\n"
      : `page   http://${http}/ (https:// where httpTls is set)\ncode   ${code}, good once and for ten minutes\n`
        + `role   ${role}\n`);
  }
  return http === undefined ? 1 : 0;
}

export const page: Command = {
  name: "page",
  summary: "a code to sign in with on the agent's page",
  help: `
Usage: kerbwatch page [--role ROLE] [--name NAME] [--json]
                      [--state DIR | --config FILE]

The running agent's page (http in the configuration) has no passwords. This
command asks the agent, over a socket that only its own user may open, for a
code; whoever types it in is that person in that role for a day.

  --role ROLE     auditor: reads (default); installer: runs the checks too;
                  operator: answers incidents too
  --name NAME     whose it is, as the log is to have it (default: the role)
${STATE_HELP}
  --json          the same as JSON, stable, for programs

Example
  kerbwatch page --role operator --name alice --config kerbwatch.yaml

Exit codes: 0 printed, 1 no agent is running there, or it serves no page, 2
wrong usage.
`,
  run,
};
