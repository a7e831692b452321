/** `kerbwatch explain`: an incident told from the log. */
import { nodeCrypto } from "../adapters/crypto.ts";
import { findIncidents, readStory } from "../adapters/incident-log.ts";
import { CATALOGUE } from "../alert/catalogue.ts";
import { catalogueText } from "../catalogue-text.ts";
import { SHORT_ID_CHARS, listText, storyText } from "../explain-text.ts";
import type { IncidentSummary } from "../explain-text.ts";
import { shown } from "../plain-text.ts";
import { UsageError, parseOptions } from "./command.ts";
import type { Command, Io } from "./command.ts";
import { STATE_HELP, STATE_OPTIONS, noLogIn, stateDirOf } from "./state-dir.ts";

const MOST_NAMED = 5;

function listJson(incidents: readonly IncidentSummary[]): string {
  return JSON.stringify({ schemaVersion: "1.0", incidents: incidents.map(({ incidentId, first, last, alerts }) => ({
    incidentId, threat: last.threat, state: last.state, severity: last.severity, raised: first.time,
    newest: last.time, alerts, summary: last.summary,
  })) });
}

function only(prefix: string, found: readonly IncidentSummary[]): IncidentSummary | undefined {
  const exact = found.find(({ incidentId }) => incidentId === prefix);
  if (exact !== undefined || found.length < 2) return exact ?? found[0];
  const names = found.slice(0, MOST_NAMED).map(({ incidentId }) => incidentId.slice(0, SHORT_ID_CHARS)).join(", ");
  throw new UsageError(`${prefix}: ${found.length} incidents begin so; allowed: more digits, as in ${names}`);
}

async function run(args: string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, {
    ...STATE_OPTIONS, json: { type: "boolean" }, catalogue: { type: "boolean" },
  }, { max: 1, what: "one incident id" });
  if (options.catalogue) {
    io.out(options.json ? `${JSON.stringify({ schemaVersion: "1.0", threats: CATALOGUE })}\n` : catalogueText());
    return 0;
  }
  const prefix = positionals[0]?.toLowerCase();
  if (prefix !== undefined && !/^[0-9a-f]{1,64}$/.test(prefix)) {
    throw new UsageError(`${shown(prefix)}: not an incident id; allowed: 1 to 64 hexadecimal digits`);
  }
  const stateDir = await stateDirOf(options, io);
  const crypto = nodeCrypto();
  const { incidents, entries, damage } = findIncidents(stateDir, crypto, prefix ?? "");
  if (damage !== undefined) io.err(`kerbwatch: the log is damaged (${damage}); this is what stands before\n`);
  if (entries === 0) {
    io.err(`kerbwatch: ${noLogIn(stateDir)}\n`);
    return 1;
  }
  if (prefix === undefined) {
    io.out(options.json ? `${listJson(incidents)}\n` : listText(incidents));
    return 0;
  }
  const summary = only(prefix, incidents);
  if (summary === undefined) {
    io.err(`kerbwatch: no incident in ${stateDir} begins with ${prefix}; without an id, explain lists them\n`);
    return 1;
  }
  const story = readStory(stateDir, crypto, summary);
  io.out(options.json ? `${JSON.stringify({ schemaVersion: "1.0", ...story })}\n` : storyText(story));
  return 0;
}

export const explain: Command = {
  name: "explain",
  summary: "why an incident was raised, in plain words, with the frames",
  help: `
Usage: kerbwatch explain [INCIDENT] [--json] [--state DIR | --config FILE]
       kerbwatch explain --catalogue [--json]

Tells one incident from the log: what was said of it and when, the reasons with
their shares of the decision, the frames that it rests on (redacted), and what
to do next. Of a zone's incident, who signed which certificate, and the
statements that it rests on. INCIDENT is an id or the beginning of one, as
alerts and status print it. Without it, the incidents in the log are listed.

${STATE_HELP}
  --catalogue     every threat instead: what it means, innocent causes, what to
                  do, as Markdown
  --json          the same as JSON, stable, for programs

Exit codes: 0 told, 1 no such incident or no log, 2 wrong usage.
`,
  run,
};
