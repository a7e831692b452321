/**
 * `npm run bench fuzz [-- --seconds N --seed S]`: fresh damaged inputs for everything that observing, the mesh and the
 * ledger read, each fuzzer its share of the time. A fault is told with the seed that gives it again, and ends the run
 * with 1. Of mesh and ledger the most that one input cost is told too; the fuzzers hold each to its bound.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { wholeOption } from "../../build/whole-option.ts";
import { goodEvidence, MESH_FUZZER_NAMES, tryMeshInput } from "./mesh.fuzz.ts";
import { FUZZER_NAMES, readInputs, tryInput } from "./observing.fuzz.ts";
import type { Cost } from "./protocol.fuzz.ts";

const SECONDS = 20;
const QUICK_SECONDS = 4;
/** Inputs between two looks at the clock. */
const BATCH = 50;

interface Row {
  readonly fuzzer: string;
  readonly inputs: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Inputs that were taken, as far as the fuzzer tells. */
  readonly taken: number;
  /** The most that one input cost. */
  readonly most: Cost;
  readonly slowestMs: number;
  readonly faults: readonly string[];
}

type Try = (seed: number) => Cost;
const NOTHING: Cost = { bytes: 0, verifies: 0, hashed: 0, kept: 0 };

function run(fuzzer: string, tries: Try, firstSeed: number, seconds: number): Row {
  const began = performance.now();
  const passedS = (): number => (performance.now() - began) / 1000;
  const faults: string[] = [];
  let [tried, bytes, taken, slowestMs] = [0, 0, 0, 0];
  let most = NOTHING;
  while (passedS() < seconds && faults.length === 0) {
    for (let n = 0; n < BATCH && faults.length === 0; n += 1, tried += 1) {
      const at = performance.now();
      try {
        const cost = tries(firstSeed + tried);
        bytes += cost.bytes;
        if (cost.kept > 0) taken += 1;
        most = {
          bytes: Math.max(most.bytes, cost.bytes), verifies: Math.max(most.verifies, cost.verifies),
          hashed: Math.max(most.hashed, cost.hashed), kept: Math.max(most.kept, cost.kept),
        };
      } catch (error) {
        faults.push((error as Error).message);
      }
      slowestMs = Math.max(slowestMs, performance.now() - at);
    }
  }
  return { fuzzer, inputs: tried, bytes, seconds: passedS(), taken, most, slowestMs, faults };
}

function print(rows: readonly Row[], firstSeed: number): void {
  const cell = (value: number | string): string => String(value).padStart(10);
  console.log(`from seed ${firstSeed} on; the most of one input: signatures verified, bytes hashed, things kept`);
  const heads = ["inputs", "MB", "inputs/s", "verified", "hashed", "kept", " slowest ms", "faults"];
  console.log("fuzzer".padEnd(18) + heads.map(cell).join(""));
  for (const { fuzzer, inputs, bytes, seconds, most, slowestMs, faults } of rows) {
    const costs = most === NOTHING || most.kept === 0 ? ["", "", ""] : [most.verifies, most.hashed, most.kept];
    const cells = [inputs, (bytes / 1e6).toFixed(1), (inputs / seconds).toFixed(0), ...costs, slowestMs.toFixed(1),
      faults.length];
    console.log(fuzzer.padEnd(18) + cells.map(cell).join(""));
  }
  const all = rows.reduce((sum, { inputs }) => sum + inputs, 0);
  console.log(`${all} inputs, ${rows.reduce((sum, { faults }) => sum + faults.length, 0)} faults`);
  for (const { faults } of rows) for (const fault of faults) console.error(fault);
}

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const options = { json: text, seconds: text, seed: text, quick: { type: "boolean" } } as const;
  const { values } = parseArgs({ options });
  const seconds = wholeOption("seconds", values.seconds, values.quick === true ? QUICK_SECONDS : SECONDS);
  const firstSeed = wholeOption("seed", values.seed, Date.now() % 2 ** 31);
  const inputs = readInputs(true);
  const good = await goodEvidence();
  const observing = FUZZER_NAMES.map((name): [string, Try] =>
    [name, (seed) => ({ ...NOTHING, bytes: tryInput(name, seed, inputs) })]);
  const mesh = MESH_FUZZER_NAMES.map((name): [string, Try] => [name, (seed) => tryMeshInput(name, seed, good)]);
  const all = [...observing, ...mesh];
  const rows = all.map(([name, tries]) => run(name, tries, firstSeed, seconds / all.length));
  print(rows, firstSeed);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ firstSeed, rows }, null, 2)}\n`);
  if (rows.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
