/** What `npm start` may be asked for. Pure. */
import { parseArgs } from "node:util";
import { ACT_IDS, type ActId } from "./acts/act.ts";
import { ACTS, actOfSabotage, actsFor } from "./acts/acts.ts";

export interface Options {
  /** Play this one, and what it needs beforehand; none: whoever is at the page plays them. */
  readonly only: ActId | "none" | undefined;
  readonly sabotage: string | undefined;
  readonly stay: boolean;
  readonly keep: boolean;
}

const SABOTAGES = ACTS.flatMap((act) => Object.entries(act.sabotages).map(([name, what]) =>
  ({ act, name, line: `    ${name.padEnd(13)} ${act.id}: ${what}` })));

export const HELP = `npm start [-- OPTIONS]

A street on this machine: two zones of six chargers, each with an agent, a
meter, keys and a log of its own, one CSMS behind them all, and no server
between the agents. Attacked in seven acts; exit code 0 only if all of them end
as told. Everything stays on loopback. Under five minutes on two cores.

  --act ID         play one act (${ACT_IDS.at(0)} to ${ACT_IDS.at(-1)}), and before it what it needs
  --stay           leave it all running after the last act, until Ctrl-C, with a
                   page of the street: each agent's own page behind it, and
                   buttons for the acts that were not played
  --stay --act none  play nothing: the acts are the page's buttons
  --keep           keep the folder with keys, configurations, logs and alerts
  --help           this text
  --sabotage NAME  break the premise of an act, to see a failure reported; plays
                   that act unless --act names one:
${SABOTAGES.map(({ line }) => line).join("\n")}
`;

/** Asked for the help, or wrong usage; `code` is the exit code. */
export interface Said {
  readonly code: 0 | 2;
  readonly text: string;
}

export function readOptions(args: readonly string[]): Options | Said {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        act: { type: "string" }, sabotage: { type: "string" }, stay: { type: "boolean", default: false },
        keep: { type: "boolean", default: false }, help: { type: "boolean", default: false },
      },
    });
    return values.help ? { code: 0, text: HELP } : chosen(values);
  } catch (error) {
    return wrong((error as Error).message.split("\n")[0]!);
  }
}

interface Given {
  readonly act?: string;
  readonly sabotage?: string;
  readonly stay: boolean;
  readonly keep: boolean;
}

function chosen({ act, sabotage, stay, keep }: Given): Options | Said {
  if (act === "none") {
    if (stay && sabotage === undefined) return { only: act, sabotage, stay, keep };
    return wrong("--act none: allowed: with --stay, and without --sabotage");
  }
  const id = ACT_IDS.find((one) => one === act);
  if (act !== undefined && id === undefined) return wrong(`--act: found ${act}; allowed: ${ACT_IDS.join(", ")}`);
  const only = id ?? (sabotage === undefined ? undefined : actOfSabotage(sabotage)?.id);
  if (sabotage !== undefined) {
    const broken = actOfSabotage(sabotage);
    const allowed = SABOTAGES.filter(({ act: { id: of } }) => actsFor(id).some((one) => one.id === of));
    if (broken === undefined || !actsFor(only).includes(broken)) {
      return wrong(`--sabotage: found ${sabotage}; allowed: ${allowed.map(({ name }) => name).join(", ")}`);
    }
  }
  return { only, sabotage, stay, keep };
}

function wrong(text: string): Said {
  return { code: 2, text: `npm start: ${text} (npm start -- --help)\n` };
}
