/**
 * `npm run bench attackers`: every attack on the mesh, played on a real agent over real sockets; a table of what
 * happened and of what the agent logged. An attack that gets through ends it with 1. Then a thousand junk messages a
 * second at the file that ships: honest messages keep their delay, and the agent stays under a quarter of a core.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { makeProgram, PROGRAMS } from "../../build/bundler.ts";
import { repoRoot } from "../../build/paths.ts";
import { entriesOf } from "../../edge-agent/agent.testing.ts";
import { alertsOf } from "../bench/four-houses.testing.ts";
import { type JunkFigures, underJunk } from "./junk.ts";
import { CONNECTIONS, STATEMENTS } from "./mesh-attacks.ts";
import { SIEGES } from "./mesh-sieges.ts";
import { type Attack, type Stage, unmoved, withStage } from "./mesh-stage.ts";

interface Row {
  readonly attack: string;
  readonly happened: string;
  readonly logged: string;
  readonly failed?: true;
}

const JUNK_S = 15;
const MOST_CPU = 0.25;

/** What of it is on the disk or was said to the operator, beside what an agent logs anyway. */
function loggedSince({ house, notices }: Stage, notes: number, before: number): string {
  const entries = entriesOf(house.folder).slice(before).filter(({ kind }) => !["statement", "start"].includes(kind));
  const kinds = [...new Set(entries.map(({ kind }) => `entry: ${kind}`))];
  const alerts = alertsOf(house).map(({ threat, stations }) => `alert: ${threat} of ${stations.join(", ")}`);
  // Nobody answers where this agent dials: the others are played.
  const news = notices.slice(notes).filter((text) => !text.includes("ECONNREFUSED"));
  const said = news.map((text) => `notice: ${text.replace(/^\S+Z /, "").slice(0, 70)}`);
  return [...kinds, ...alerts, ...said].join("; ") || "counted in status";
}

async function told(stage: Stage, attack: string, play: () => Promise<string>): Promise<Row> {
  const [notes, before] = [stage.notices.length, entriesOf(stage.house.folder).length];
  try {
    return { attack, happened: await play(), logged: loggedSince(stage, notes, before) };
  } catch (error) {
    return { attack, happened: `NOT HELD: ${(error as Error).message.split("\n")[0]}`, logged: "", failed: true };
  }
}

async function onOneStage(attacks: readonly Attack[], what: string): Promise<Row[]> {
  const rows: Row[] = [];
  await withStage(async (stage) => {
    for (const attack of attacks) {
      rows.push(await told(stage, `${what}${attack.name}`, async () => {
        await unmoved(stage, attack);
        return `refused (${attack.where === "broker" ? "at the broker" : "message"}: ${attack.why}), nothing changed`;
      }));
    }
  });
  return rows;
}

async function played(): Promise<Row[]> {
  const rows = [...await onOneStage(CONNECTIONS, ""), ...await onOneStage(STATEMENTS, "a statement, ")];
  for (const { name, play } of SIEGES) {
    await withStage(async (stage) => void rows.push(await told(stage, name, () => play(stage))));
  }
  return rows;
}

async function junk(): Promise<Row> {
  if (!await makeProgram(repoRoot, PROGRAMS[0]!, () => undefined)) throw new Error("npm run build says why");
  const [quiet, loud] = [await underJunk(JUNK_S, false), await underJunk(JUNK_S, true)];
  const failed = loud.cpuShare > MOST_CPU || loud.delayMs > 2 * quiet.delayMs + 5;
  const ms = ({ delayMs, slowestMs }: JunkFigures): string =>
    `${delayMs.toFixed(1)} ms (most ${slowestMs.toFixed(0)})`;
  const cpu = ({ cpuShare }: JunkFigures): string => `${(100 * cpuShare).toFixed(1)} % of a core`;
  return {
    attack: `${loud.sent} junk messages in ${JUNK_S} s`, logged: "counted in status",
    happened: `honest messages: ${ms(loud)}, without junk ${ms(quiet)}; the agent ${cpu(loud)}, without ${cpu(quiet)}`,
    ...(failed && { failed }),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "string" }, quick: { type: "boolean" } } });
  const rows = [...await played(), ...(values.quick === true ? [] : [await junk()])];
  for (const { attack, happened, logged } of rows) console.log(`${attack}\n    ${happened}\n    ${logged}`);
  const failed = rows.filter((row) => row.failed);
  console.log(`${rows.length} attacks, ${failed.length} not held`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

await main();
