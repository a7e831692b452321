/**
 * `npm run bench forward [-- --quick --json FILE --only plain:200]`: what being in line costs, in one run on loopback,
 * held against nginx `stream`, HAProxy, a bare splice on Node, a bare ws relay and ocpp-rpc that makes each call anew;
 * then what the agent itself takes: one observed frame; 500 stations that come and go in rounds; a million frames
 * through one connection, as fast as they go and at a rate at which all are observed. `--only` compares in one case,
 * and ends.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Authority } from "../../edge-agent/adapters/authority.testing.ts";
import { makeProgram, PROGRAMS } from "../../build/bundler.ts";
import { repoRoot } from "../../build/paths.ts";
import { loadAims, loadText, manyFrames, manyStations } from "./agent-load.ts";
import type { AgentLoad, AgentLoads } from "./agent-load.ts";
import { aimLine, aimsOf, lineOf, rowsOf, TABLE_HEAD } from "./figures.ts";
import type { Row } from "./figures.ts";
import { measure } from "./measure.ts";
import type { Case, Effort } from "./measure.ts";
import { binaryOf, HOST_NAME, PROXIES } from "./proxies.ts";
import { beRelayIfAsked } from "./relays.ts";
import { tapCost } from "./tap-cost.ts";

const SIZES = [200, 16_384] as const;
const FULL: Effort = { tripRounds: 40, trips: 400, bulkRounds: 9, bulkBytes: 24 << 20 };
/** The load's own compressor would take most of the time: deflated, an eighth of the bulk says as much. */
const DEFLATED_SHARE = 1 / 8;
const QUICK: Effort = { tripRounds: 11, trips: 200, bulkRounds: 3, bulkBytes: 6 << 20 };

function casesOf(): Case[] {
  const authority = new Authority("bench");
  const tls = { ...authority.issue(`DNS:${HOST_NAME},IP:127.0.0.1`), ca: authority.cert };
  return SIZES.flatMap((bytes): Case[] =>
    [{ transport: "plain", bytes }, { transport: "tls", bytes, tls }, { transport: "deflate", bytes }]);
}

/** @throws Error that says which there are */
function chosenCases(only: string | undefined): Case[] {
  const all = casesOf();
  const nameOf = ({ transport, bytes }: Case): string => `${transport}:${bytes}`;
  const chosen = all.filter((one) => only === undefined || only === nameOf(one));
  if (chosen.length === 0) throw new Error(`--only: found ${only}; allowed: ${all.map(nameOf).join(", ")}`);
  return chosen;
}

async function compare(effort: Effort, only: string | undefined, folder: string): Promise<Row[]> {
  for (const proxy of PROXIES) if (binaryOf(proxy) === undefined) console.log(`${proxy}: not installed, left out`);
  console.log(TABLE_HEAD);
  const rows: Row[] = [];
  for (const one of chosenCases(only)) {
    const bulkBytes = effort.bulkBytes * (one.transport === "deflate" ? DEFLATED_SHARE : 1);
    const added = rowsOf(await measure(one, { ...effort, bulkBytes }, folder), one.transport, one.bytes);
    for (const row of added) console.log(lineOf(row));
    rows.push(...added);
  }
  return rows;
}

/** Well within what the parser takes of frames this long (TAP_LIMITS), both directions. */
const OBSERVED_PER_S = 12_000;

/** The shipped file, made from the sources as they are. */
async function loadAgent(quick: boolean, folder: string): Promise<AgentLoads> {
  const program = PROGRAMS[0];
  if (program === undefined || !await makeProgram(repoRoot, program, () => undefined)) {
    throw new Error("the agent could not be built: npm run build says why");
  }
  console.log("\nthe agent under load, as a process:");
  const told = (load: AgentLoad): AgentLoad => {
    console.log(loadText(load));
    return load;
  };
  const frames = quick ? 100_000 : 1_000_000;
  const stations = told(await manyStations(join(folder, "stations"), 500, quick ? 9 : 24, quick ? 5 : 20));
  const flood = told(await manyFrames(join(folder, "flood"), frames, 200));
  const paced = told(await manyFrames(join(folder, "paced"), frames, 200, OBSERVED_PER_S));
  return { stations, flood, paced };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: {
    json: { type: "string" }, quick: { type: "boolean" }, only: { type: "string" },
  } });
  const quick = values.quick === true;
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-forward-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  try {
    const rows = await compare(quick ? QUICK : FULL, values.only, folder);
    const aims = aimsOf(rows);
    console.log(`\n${aims.map(aimLine).join("\n")}`);
    if (values.only !== undefined) return;
    const observed = [false, true].flatMap((deflate) =>
      SIZES.map((bytes) => tapCost(bytes, deflate, quick ? 4_000 : 20_000)));
    console.log("\none observed frame, from bytes to event, processor time:");
    for (const { bytes, deflate, usPerFrame } of observed) {
      console.log(`  ${bytes} bytes, ${deflate ? "deflate" : "plain"}: ${usPerFrame} µs`);
    }
    const agent = await loadAgent(quick, folder);
    const loaded = loadAims(agent);
    console.log(`\n${loaded.map(aimLine).join("\n")}`);
    const load = loadavg().map((value) => value.toFixed(1)).join(" ");
    console.log(`\nload of this machine over the last 1, 5 and 15 minutes: ${load}`);
    if (values.json !== undefined) {
      const all = { rows, aims: [...aims, ...loaded], observed, agent, load };
      writeFileSync(values.json, `${JSON.stringify(all, null, 2)}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Without a word of its own a signal would end this process alone, and nothing of what is done at its exit.
for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  process.once(signal, () => process.exit(code));
}
if (!await beRelayIfAsked()) await main();
