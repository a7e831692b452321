/** The corpus of quirks: reading it, and playing one of its captures through an agent's core. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { nodeCrypto, signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { parseMeterLine } from "../../edge-agent/observe/meter-capture.ts";
import { createObserve, observe, type ObserveState } from "../../edge-agent/observe/observe.ts";
import { type CaptureLine, type CaptureProblem, parseTraceLine } from "../../edge-agent/observe/trace.ts";
import { type FoundLine, Replay } from "../../edge-agent/replay.ts";
import type { Alert, Observation } from "../../models/terms.ts";
import { type MonotonicMs, type Now, SECOND_MS } from "../../models/units.ts";
import { schemaOf } from "./schemas.testing.ts";

export const CORPUS = join(repoRoot, "hil-tests/corpus");

export interface Quirk {
  readonly quirk: string;
  readonly why: string;
  readonly must: string;
  readonly meter?: boolean;
  readonly theftStillShows?: boolean;
  readonly expect: {
    readonly transactions: readonly string[];
    readonly readings: Readonly<Record<string, number>>;
    readonly offlineReadings?: number;
    readonly saidAt: number;
    readonly oddities: Readonly<Record<string, number>>;
    readonly unparsed: number;
    /** Calls that still wait for a result at the end. */
    readonly waiting?: number;
    readonly kinds?: Readonly<Record<string, number>>;
  };
}

export function readQuirks(): readonly Quirk[] {
  const index = JSON.parse(readFileSync(join(CORPUS, "index.json"), "utf8")) as { readonly quirks: readonly Quirk[] };
  return index.quirks;
}

function linesOf(file: string, parse: (text: string) => CaptureLine | CaptureProblem): CaptureLine[] {
  const texts = readFileSync(join(CORPUS, file), "utf8").trimEnd().split("\n");
  return texts.map((text, index) => {
    const line = parse(text);
    if (!line.ok) throw new Error(`${file}, line ${index + 1}: ${line.what}: ${line.found}; allowed: ${line.allowed}`);
    return line;
  });
}

/** What passed and what the meter said, by time; on a tie the meter leads. */
export function linesOfQuirk({ quirk, meter }: Quirk): CaptureLine[] {
  const frames = linesOf(`${quirk}.jsonl`, (text) => parseTraceLine(text));
  const readings = meter === true ? linesOf(`${quirk}.meter.jsonl`, parseMeterLine) : [];
  return [...readings, ...frames].sort((one, other) => one.at - other.at);
}

/** The same lines with a meter that counts `factor` times what it did: energy that nobody is billed for. */
export function withFactor(lines: readonly CaptureLine[], factor: number): CaptureLine[] {
  let firstWh: number | undefined;
  return lines.map((line) => {
    if (line.event.kind !== "meter") return line;
    const { powerW = 0, energyImportWh = 0, ...rest } = line.event.reading;
    firstWh ??= energyImportWh;
    const reading = { ...rest, powerW: powerW * factor, energyImportWh: firstWh + (energyImportWh - firstWh) * factor };
    return { ...line, event: { ...line.event, reading } };
  });
}

export interface Told {
  readonly alerts: readonly Alert[];
  /** Told from half the threshold of a threat on. */
  readonly findings: readonly FoundLine[];
}

/** The whole core, from the shipped prior, with ticks of ten seconds. */
export function replayed(lines: readonly CaptureLine[]): Told {
  const alerts: Alert[] = [];
  const findings: FoundLine[] = [];
  const options = { crypto: nodeCrypto(), signer: signerFromSeed(new Uint8Array(32)), epochS: 10, schemaOf };
  const replay = new Replay(options, (line) => {
    if (!("kind" in line)) alerts.push(line);
    else if (line.kind === "finding") findings.push(line);
  });
  for (const line of lines) replay.take(line);
  return { alerts, findings };
}

export interface Observed {
  readonly state: ObserveState;
  readonly seen: readonly Observation[];
}

/** The step *observe* alone, with the same ticks: what the detectors are given. */
export function observed(lines: readonly CaptureLine[]): Observed {
  const [first] = lines;
  if (first === undefined) throw new Error("an empty capture");
  const state = createObserve({
    station: first.station, crypto: nodeCrypto(), tokenSecret: new Uint8Array(32), schemaOf,
  });
  const seen: Observation[] = [];
  const tickMs = 10 * SECOND_MS;
  const nowAt = (at: number): Now => ({ wallMs: at as Now["wallMs"], monoMs: (at - first.at) as MonotonicMs });
  let next = (Math.floor(first.at / tickMs) + 1) * tickMs;
  for (const line of lines) {
    for (; next <= line.at; next += tickMs) seen.push(...observe(state, { kind: "tick" }, nowAt(next)));
    seen.push(...observe(state, line.event, nowAt(line.at)));
  }
  return { state, seen };
}
