/**
 * `npm run bench scale [-- --quick]`: what an agent costs, against the size of its region. Real cores on simulated
 * ports, in zones of 30, on two processes; then how fast what is for a whole region reaches all of it, by the links and
 * the rule that agents have (spread.ts).
 *
 * What a process shares among its agents, and boards do not, is said in scale-region.ts and under the table. One roster
 * holds some 1,300 members: larger regions are several rosters. No agent speaks to one of another roster, so they are
 * played one after the other, two at a time. `--agents N,M --epochs E` plays other sizes.
 */
import { fork } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { repoRoot } from "../../../build/paths.ts";
import { wholeOption } from "../../../build/whole-option.ts";
import { EPOCH_S, MOST_ZONES, rostersFor, ZONE_SIZE } from "./scale-plan.ts";
import { costPicture, rowText, type ScaleRow, scaleTable } from "./scale-text.ts";
import { added, runAsWorker, type WorkerNews, type WorkerResult, type WorkerTask } from "./scale-worker.ts";
import { SPREAD_CASES, spreadRow, spreadTable } from "./spread.ts";

const PROCESSES = 2;
/** Of one process, MB: twice what 1,200 agents take after 60 epochs. */
const MOST_HEAP_MB = 2_500;
const PROGRESS_MS = 10_000;

interface Plan {
  readonly agents: number;
  readonly epochs: number;
  readonly warmUp: number;
}

const FULL: readonly Plan[] = [30, 120, 480, 1_000, 10_000, 100_000]
  .map((agents) => ({ agents, epochs: 60, warmUp: 10 }));
const QUICK: readonly Plan[] = [30, 120, 480, 1_000].map((agents) => ({ agents, epochs: 28, warmUp: 8 }))
  .concat([{ agents: 10_000, epochs: 8, warmUp: 6 }]);
/** An agent states from its fourth epoch on: fewer cost nothing and tell nothing. */
const FEWEST_EPOCHS = 5;

/** Rosters dealt out: the largest first, each to whom has least. */
function dealt(zones: readonly number[]): WorkerTask["rosters"][] {
  const piles = Array.from({ length: Math.min(PROCESSES, zones.length) }, () => ({ zones: 0, rosters: [] as
    { name: string; zones: number }[] }));
  [...zones].sort((a, b) => b - a).forEach((size, place) => {
    const pile = piles.reduce((least, one) => (one.zones < least.zones ? one : least));
    pile.zones += size;
    pile.rosters.push({ name: `region-${place}`, zones: size });
  });
  return piles.map(({ rosters }) => rosters);
}

function inProcess(task: WorkerTask, onProgress: (share: number) => void): Promise<WorkerResult> {
  const child = fork(fileURLToPath(import.meta.url), ["--worker"], {
    serialization: "advanced", execArgv: [`--max-old-space-size=${MOST_HEAP_MB}`],
  });
  return new Promise((resolve, reject) => {
    child.on("message", (news: WorkerNews) => {
      if (news.kind === "progress") onProgress(news.share);
      else resolve(news.result);
    });
    child.on("exit", (code) => reject(new Error(`a process of the region ended with ${code}`)));
    child.send(task);
  });
}

async function play({ agents, epochs, warmUp }: Plan): Promise<ScaleRow> {
  const began = performance.now();
  const shares = new Map<number, number>();
  let said = began;
  const zones = rostersFor(agents);
  const results = await Promise.all(dealt(zones).map((rosters, place, all) =>
    inProcess({ rosters, epochs, warmUp }, (share) => {
      shares.set(place, share);
      const now = performance.now();
      if (now - said < PROGRESS_MS) return;
      said = now;
      const done = [...shares.values()].reduce((a, b) => a + b, 0) / all.length;
      const left = (now - began) * (1 / done - 1) / 1_000;
      console.error(`${agents} agents: ${Math.round(100 * done)} %, ${Math.ceil(left)} s left`);
    })));
  return rowOf(agents, zones, epochs, results, (performance.now() - began) / 1_000);
}

function rowOf(
  asked: number, zones: readonly number[], epochs: number, results: readonly WorkerResult[], seconds: number,
): ScaleRow {
  const sum = (of: (one: WorkerResult) => number): number => results.reduce((total, one) => total + of(one), 0);
  const agents = sum((one) => one.agents);
  const traffic = added(results.map((one) => one.traffic));
  const wire = [...traffic.values()].reduce((total, one) => total + one.wire, 0);
  const statements = traffic.get("statement")!;
  const waits = results.flatMap((one) => one.waitsMs).sort((a, b) => a - b);
  return {
    asked, agents, rosters: zones.length, zonesEach: Math.max(...zones), epochs, seconds,
    cpuMs: sum((one) => one.cpuMs) / sum((one) => one.agentEpochs),
    perSecond: agents * epochs / seconds,
    heapKb: sum((one) => one.heapBytes) / agents / 1_024,
    copies: statements.messages / sum((one) => one.statements) / (ZONE_SIZE - 1),
    statementKbits: (8 * statements.wire) / agents / epochs / EPOCH_S / 1_000,
    allKbits: (8 * wire) / agents / epochs / EPOCH_S / 1_000,
    raised: sum((one) => one.raised),
    certifiedS: waits.length === 0 ? undefined : [waits[waits.length >> 1]! / 1_000, waits.at(-1)! / 1_000],
  };
}

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { json: text, agents: text, epochs: text, quick: { type: "boolean" } } });
  const epochs = wholeOption("epochs", values.epochs, 60, FEWEST_EPOCHS);
  const asked = values.agents?.split(",").map((agents) => wholeOption("agents", agents, 0, 1))
    .map((agents) => ({ agents, epochs, warmUp: Math.min(10, epochs - 1) }));
  const plans = asked ?? (values.quick === true ? QUICK : FULL);
  const rows: ScaleRow[] = [];
  for (const plan of plans) {
    const row = await play(plan);
    rows.push(row);
    console.error(rowText(row)); // the next may take longer than anybody waits
  }
  console.log(scaleTable(rows, MOST_ZONES));
  const spread = SPREAD_CASES.map(spreadRow);
  console.log(spreadTable(spread));
  const folder = join(repoRoot, "dist/bench");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "scale.svg"), costPicture(rows));
  console.log("picture: dist/bench/scale.svg");
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ rows, spread }));
}

if (process.argv.includes("--worker")) runAsWorker();
else await main();
