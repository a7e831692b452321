/**
 * `npm run bench fuzz [-- --seconds N --seed S]`: fresh damaged inputs for everything that observing reads, each fuzzer
 * its share of the time. A fault is told with the seed that gives it again, and ends the run with 1.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { FUZZER_NAMES, type FuzzerName, readInputs, tryInput } from "./observing.fuzz.ts";

const SECONDS = 20;
const QUICK_SECONDS = 4;
/** Inputs between two looks at the clock. */
const BATCH = 50;

interface Row {
  readonly fuzzer: FuzzerName;
  readonly inputs: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly faults: readonly string[];
}

/** A whole number of an option, or the default. */
function wholeOption(name: string, given: string | undefined, otherwise: number): number {
  const value = Number(given ?? otherwise);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`--${name}: found ${given}; allowed: a whole number from 0 on`);
}

function run(fuzzer: FuzzerName, firstSeed: number, seconds: number, inputs: ReturnType<typeof readInputs>): Row {
  const began = performance.now();
  const passedS = (): number => (performance.now() - began) / 1000;
  const faults: string[] = [];
  let [tried, bytes] = [0, 0];
  while (passedS() < seconds && faults.length === 0) {
    for (let n = 0; n < BATCH && faults.length === 0; n += 1, tried += 1) {
      try {
        bytes += tryInput(fuzzer, firstSeed + tried, inputs);
      } catch (error) {
        faults.push((error as Error).message);
      }
    }
  }
  return { fuzzer, inputs: tried, bytes, seconds: passedS(), faults };
}

function print(rows: readonly Row[], firstSeed: number): void {
  console.log(`from seed ${firstSeed} on`);
  console.log(`${"fuzzer".padEnd(18)}${"inputs".padStart(10)}${"MB".padStart(9)}${"inputs/s".padStart(10)}  faults`);
  for (const { fuzzer, inputs, bytes, seconds, faults } of rows) {
    const rate = (inputs / seconds).toFixed(0).padStart(10);
    const tried = `${String(inputs).padStart(10)}${(bytes / 1e6).toFixed(1).padStart(9)}`;
    console.log(`${fuzzer.padEnd(18)}${tried}${rate}  ${faults.length}`);
  }
  for (const { faults } of rows) for (const fault of faults) console.error(fault);
}

function main(): void {
  const text = { type: "string" } as const;
  const options = { json: text, seconds: text, seed: text, quick: { type: "boolean" } } as const;
  const { values } = parseArgs({ options });
  const seconds = wholeOption("seconds", values.seconds, values.quick === true ? QUICK_SECONDS : SECONDS);
  const firstSeed = wholeOption("seed", values.seed, Date.now() % 2 ** 31);
  const inputs = readInputs(true);
  const rows = FUZZER_NAMES.map((name) => run(name, firstSeed, seconds / FUZZER_NAMES.length, inputs));
  print(rows, firstSeed);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ firstSeed, rows }, null, 2)}\n`);
  if (rows.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
}

try {
  main();
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
