/** `kerbwatch incident`: what a person says of an open incident. */
import { askAgent } from "../adapters/agent-client.ts";
import { ACTIONS } from "../alert/handling.ts";
import { plainText, shown } from "../plain-text.ts";
import { parseOptions, UsageError } from "./command.ts";
import type { Command, Io } from "./command.ts";
import { STATE_HELP, STATE_OPTIONS, stateDirOf } from "./state-dir.ts";
import { whoAmI } from "./who.ts";

const TIME_OUT_MS = 5_000;
const OPTIONS = {
  ...STATE_OPTIONS, reason: { type: "string", required: true, value: "TEXT" }, by: { type: "string", value: "NAME" },
  json: { type: "boolean" },
} as const;

async function run(args: string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS, {
    max: 2, what: "acknowledge or close, and an incident", words: ACTIONS,
  });
  const [action, incident] = positionals;
  if (!ACTIONS.some((one) => one === action)) {
    throw new UsageError(`${shown(action)}: not an action; allowed: ${ACTIONS.join(", ")}`);
  }
  if (incident === undefined || !/^[0-9a-fA-F]{6,64}$/.test(incident)) {
    throw new UsageError(`${shown(incident)}: not an incident id; allowed: 6 to 64 hexadecimal digits`);
  }
  const stateDir = await stateDirOf(options, io);
  const by = options.by ?? whoAmI(io.env);
  const asked = { incidentId: incident.toLowerCase(), by, reason: options.reason };
  const answered = await askAgent(stateDir, `/incidents/${action}`, asked, TIME_OUT_MS);
  if (answered.kind === "answer" && answered.code === 200) {
    const { incidentId } = answered.body;
    io.out(options.json ? `${JSON.stringify({ schemaVersion: "1.0", incidentId, action, by })}\n`
      : `${action === "close" ? "closed" : "acknowledged"}: ${plainText(String(incidentId), 64)}; it is in the log\n`);
    return 0;
  }
  const why = answered.kind === "answer" ? String(answered.body["error"]) : answered.kind === "problem" ? answered.why
    : `no agent is running on this state directory (${stateDir})`;
  io.err(`kerbwatch: ${plainText(why, 400)}\n`);
  return 1;
}

export const incident: Command = {
  name: "incident",
  summary: "acknowledge or close an open incident, with a reason",
  help: `
Usage: kerbwatch incident acknowledge INCIDENT --reason TEXT [--by NAME]
       kerbwatch incident close INCIDENT --reason TEXT [--by NAME]

Says that somebody has an incident in hand, or that a station's own incident is
done with. Who said it and why goes into the log. What was acknowledged is no
longer told with each thing that is added, only when it is over. Of two who
acknowledge at once the second learns who was first. A zone's incident cannot be
closed: it stands as long as its members certify it.

  --reason TEXT   why; at most 300 characters
  --by NAME       who says it (default: the user at this console)
${STATE_HELP}
  --json          the same as JSON, stable, for programs

Example
  kerbwatch incident acknowledge 3fa2c1b4 --reason "technician on site"

Exit codes: 0 done, 1 no such incident, somebody was first, or no agent is
running there, 2 wrong usage.
`,
  run,
};
