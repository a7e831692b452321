/**
 * `npm run bench outlets [-- --quick --json FILE]`: from an alert to its receipt at Mosquitto, Debian's webhook,
 * rsyslog and a CSMS of ocpp-rpc, through the agent's queue on disk and by the outlet alone; the agent's processor time
 * and memory with all four on against none, two agents side by side on the same traffic; and what 0, 1 and 10 viewers
 * of its page cost.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeProgram, PROGRAMS } from "../../build/bundler.ts";
import { repoRoot } from "../../build/paths.ts";
import { endEveryProcess } from "../bench/agent-process.ts";
import { attack, type Cost, costs, enter, startAgent, viewers } from "./agent-cost.ts";
import { receipts } from "./receipts.ts";
import { RECEIVERS, type Receiving } from "./receivers.ts";

const VIEWERS = [0, 1, 10] as const;
/** Caches and compilers settle first. */
const WARM_S = 5;

const costText = ({ cpu, residentMb, frames }: Cost): string =>
  `${cpu.toFixed(2)} % of a core, ${residentMb.toFixed(1)} MB, ${frames} frames`;

interface OutletCost {
  readonly without: Cost;
  readonly with: Cost;
  readonly ratio: number;
  /** What the receivers took meanwhile. */
  readonly sent: Readonly<Record<string, number>>;
}

async function outletCost(folder: string, seconds: number): Promise<OutletCost> {
  const started: Receiving[] = [];
  for (const [name, start] of Object.entries(RECEIVERS)) {
    const own = join(folder, name);
    mkdirSync(own, { recursive: true });
    const one = await start(own, () => undefined);
    if (one !== undefined) started.push(one);
  }
  const bare = await startAgent(join(folder, "none"), {});
  const alerts = Object.fromEntries(started.flatMap((one) => Object.entries(one.alerts)));
  const full = await startAgent(join(folder, "all"), alerts);
  try {
    await costs([bare, full], WARM_S);
    const [without, all] = await costs([bare, full], seconds, () => {
      for (const one of [bare, full]) attack(one);
      return Promise.resolve();
    });
    const sent = Object.fromEntries((await full.outlets()).map((one) => [one.name, one.sent]));
    return { without: without!, with: all!, ratio: all!.cpu / without!.cpu, sent };
  } finally {
    await Promise.all([bare.stop(), full.stop(), ...started.map((one) => one.stop())]);
  }
}

interface PageCost extends Cost {
  readonly viewers: number;
  readonly asked: number;
  /** Of one answer. */
  readonly bytes: number;
}

async function pageCost(folder: string, seconds: number): Promise<PageCost[]> {
  const agent = await startAgent(folder, {});
  try {
    attack(agent);
    const cookie = await enter(agent);
    await costs([agent], WARM_S);
    const found: PageCost[] = [];
    for (const count of VIEWERS) {
      let seen = { asked: 0, bytes: 0 };
      const [cost] = await costs([agent], seconds, async (until) => {
        seen = await viewers(agent, cookie, count, until);
      });
      found.push({ ...cost!, viewers: count, asked: seen.asked,
        bytes: seen.asked === 0 ? 0 : Math.round(seen.bytes / seen.asked) });
    }
    return found;
  } finally {
    await agent.stop();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "string" }, quick: { type: "boolean" } } });
  const quick = values.quick === true;
  const program = PROGRAMS[0];
  if (program === undefined || !await makeProgram(repoRoot, program, () => undefined)) {
    throw new Error("the agent could not be built: npm run build says why");
  }
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-outlets-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  console.log(`load at the start: ${loadavg()[0]?.toFixed(1)}\n\nalert to receipt, ms: median and largest`);
  const received = await receipts(join(folder, "receipts"), quick ? 20 : 200, (text) => console.log(text));
  for (const { name, what, alerts, queued, alone } of received) {
    console.log(`${name.padEnd(8)} through the queue ${queued.median.toFixed(1)} / ${queued.most.toFixed(1)}, by the `
      + `outlet alone ${alone.median.toFixed(1)} / ${alone.most.toFixed(1)}  (${alerts} alerts; ${what})`);
  }
  const outlets = await outletCost(join(folder, "cost"), quick ? 15 : 60);
  console.log(`\nno outlets  ${costText(outlets.without)}\nall outlets ${costText(outlets.with)}; processor time `
    + `${outlets.ratio.toFixed(2)} of it without; alerts sent: ${JSON.stringify(outlets.sent)}\n`);
  const page = await pageCost(join(folder, "page"), quick ? 15 : 60);
  for (const one of page) {
    console.log(`${String(one.viewers).padStart(2)} viewers  ${costText(one)}, ${one.asked} answers of ${one.bytes} B`);
  }
  const json = { received, outlets, page };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(json, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await endEveryProcess();
}
