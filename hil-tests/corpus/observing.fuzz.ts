/** The fuzzers of all that observing reads, by name: each takes one input of a seed, and throws what it found. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot, sharedDir } from "../../build/paths.ts";
import { seeded, type Seeded } from "../../build/seeded.ts";
import { CORPUS } from "./corpus.testing.ts";
import { schemaVerdicts } from "./schema.fuzz.ts";
import { brokerMessages, captureLines, mappings, ocppJ } from "./text.fuzz.ts";
import { frameCutter, meterAnswers, tapWithDeflate, webSocket } from "./wire.fuzz.ts";

export interface Inputs {
  /** Lines of captures, and the frames in them. */
  readonly lines: readonly string[];
  readonly texts: readonly string[];
}

export const FUZZERS = {
  "WebSocket reader": (random, { texts }) => webSocket(random, texts),
  "frame cutter": (random, { texts }) => frameCutter(random, texts),
  "tap with deflate": (random, { texts }) => tapWithDeflate(random, texts),
  "OCPP-J": (random, { texts }) => ocppJ(random, texts),
  "mappings": (random, { texts }) => mappings(random, texts),
  "schema verdicts": (random) => schemaVerdicts(random),
  "captures": (random, { lines }) => captureLines(random, lines),
  "broker messages": (random, { texts }) => brokerMessages(random, texts),
  "meter answers": (random) => meterAnswers(random),
} as const satisfies Record<string, (random: Seeded, inputs: Inputs) => number>;

export type FuzzerName = keyof typeof FUZZERS;
export const FUZZER_NAMES = Object.keys(FUZZERS) as readonly FuzzerName[];

function linesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".jsonl")).sort()
    .flatMap((name) => readFileSync(join(folder, name), "utf8").trimEnd().split("\n"));
}

/** The frames of the vectors, which have every action of every version. */
function vectorTexts(): string[] {
  return ["frames", "ocpp16", "ocpp201"].flatMap((file) => {
    const path = join(repoRoot, "edge-agent/observe/vectors", `${file}.json`);
    const { vectors } = JSON.parse(readFileSync(path, "utf8")) as { vectors: { steps: [string, unknown][] }[] };
    return vectors.flatMap(({ steps }) => steps.filter(([way]) => way === ">" || way === "<")
      .map(([, frame]) => (typeof frame === "string" ? frame : JSON.stringify(frame))));
  });
}

/** Sound inputs to begin from: the corpus, the vectors, and with `shared` the reference traces, if they are there. */
export function readInputs(shared: boolean): Inputs {
  const reference = shared ? sharedDir() : undefined;
  const lines = [...linesBelow(CORPUS), ...(reference === undefined ? [] : linesBelow(join(reference, "data/traces")))];
  const raws = lines.flatMap((line) => {
    const { raw } = JSON.parse(line) as { raw?: unknown };
    return typeof raw === "string" ? [raw] : [];
  });
  return { lines, texts: [...raws, ...vectorTexts()] };
}

/** Tries one input, the bytes of which it returns; what it throws names fuzzer and seed, which give it again. */
export function tryInput(name: FuzzerName, seed: number, inputs: Inputs): number {
  try {
    return FUZZERS[name](seeded(seed), inputs);
  } catch (error) {
    throw new Error(`${name}, seed ${seed}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
  }
}
