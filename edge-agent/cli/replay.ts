/** `kerbwatch replay`: an agent over a capture. */
import { checkReadable, type CaptureFile, LineProblems, mergedLines } from "../adapters/capture-file.ts";
import { nodeCrypto, signerFromSeed } from "../adapters/crypto.ts";
import { readMemory } from "../adapters/memory-file.ts";
import { errorCode } from "../adapters/durable-file.ts";
import { TraceFile } from "../adapters/trace-file.ts";
import { parseMeterLine } from "../observe/meter-capture.ts";
import { parseTraceLine } from "../observe/trace.ts";
import { counted } from "../plain-text.ts";
import { Replay } from "../replay.ts";
import { type Command, type Io, parseOptions, UsageError } from "./command.ts";

const HELP = `Usage: kerbwatch replay CAPTURE... [--meter FILE...] [--state DIR]
         [--station ID] [--epoch S] [--trace FILE]

Runs the agent over a capture, in virtual time, and prints as JSON Lines what it
would have said: findings (evidence that came half the way to an alert), plain
faults, and the station's alerts. --state is only read.

  CAPTURE         OCPP traffic as Open OCPP Trace v1.1 (.jsonl or .jsonl.gz);
                  several are merged by time
  --meter FILE    the agent's own meter (.jsonl or .jsonl.gz); one file or
                  several
  --state DIR     start from what was learned there, instead of the shipped
                  prior
  --station ID    only this station; otherwise every station of the capture has
                  an agent of its own
  --epoch S       the round, in seconds (default 10)
  --trace FILE    also write the frames that were read as Open OCPP Trace v1.1,
                  redacted: without idTokens, passwords and keys, to be shared

Example
  kerbwatch replay monday.jsonl.gz --meter monday-meter.jsonl |
    jq 'select(.state == "raised") | .summary'

Exit codes: 0 the capture was read, whatever was found; 1 nothing in it could be
read; 2 wrong usage.
`;

const OPTIONS = {
  meter: { type: "string", multiple: true, value: "FILE" },
  state: { type: "string", value: "DIR" },
  station: { type: "string", value: "ID" },
  epoch: { type: "string", value: "S" },
  trace: { type: "string", value: "FILE" },
} as const;

export const replay: Command = {
  name: "replay",
  summary: "run the agent over a capture and print what it would have said",
  help: HELP,
  async run(args, io) {
    const { options, positionals } = parseOptions(args, OPTIONS, { max: Infinity, what: "CAPTURE...", files: true });
    if (positionals.length === 0) throw new UsageError("CAPTURE: missing; allowed: one or more captures");
    const files = captureFiles(positionals, options.meter);
    await checkReadable(files);
    const crypto = nodeCrypto();
    const memory = options.state === undefined ? undefined : readMemory(options.state, crypto);
    if (memory !== undefined && !memory.ok) throw new UsageError(`--state: ${memory.problem}`);
    const run = new Replay({
      crypto, signer: signerFromSeed(new Uint8Array(32)), epochS: epochOption(options.epoch),
      ...(memory !== undefined && { memory: memory.value }),
    }, (line) => io.out(`${JSON.stringify(line)}\n`));
    const trace = options.trace === undefined ? undefined : traceAt(options.trace);
    try {
      return await feed(run, files, options.station, io, trace);
    } finally {
      trace?.close();
    }
  },
};

function traceAt(path: string): TraceFile {
  try {
    return new TraceFile(path);
  } catch (error) {
    throw new UsageError(`--trace: ${path}: cannot be written (${errorCode(error)}); allowed: a file that can`);
  }
}

/** Captures and meter files with the parser of each. */
export function captureFiles(ocpp: readonly string[], meters: readonly string[]): CaptureFile[] {
  return [
    ...ocpp.map((path) => ({ path, parse: (text: string) => parseTraceLine(text) })),
    ...meters.map((path) => ({ path, parse: parseMeterLine })),
  ];
}

export function epochOption(text: string | undefined): number {
  const epochS = Number(text ?? "10");
  if (Number.isInteger(epochS) && epochS >= 1 && epochS <= 3_600) return epochS;
  throw new UsageError(`--epoch: found ${text}; allowed: whole seconds from 1 to 3600`);
}

/** Feeds every line, and says at the end what was read. */
export async function feed(
  run: Replay, files: readonly CaptureFile[], station: string | undefined, io: Io, trace?: TraceFile,
): Promise<number> {
  const problems = new LineProblems((text) => io.err(text));
  const [heard, metered] = [new Set<string>(), new Set<string>()];
  for await (const line of mergedLines(files, problems)) {
    if (station !== undefined && line.station !== station) continue;
    (line.event.kind === "meter" ? metered : heard).add(line.station);
    run.take(line);
    if (line.event.kind === "frame") trace?.frame({ at: line.at, station: line.station, ...line.event });
  }
  const { frames, meterReadings, late, findings, faults, raised, beyond } = run.counts;
  const also = [
    problems.total() > 0 ? `${counted(problems.total(), "bad line", "bad lines")} skipped` : "",
    late > 0 ? `${counted(late, "line", "lines")} out of order` : "",
    beyond > 0 ? `${beyond} lines of too many stations left out` : "",
  ].filter((text) => text !== "").map((text) => `, ${text}`).join("");
  const stations = run.stations().length;
  // What its meter shows would all be taken for charging without a transaction.
  for (const id of heard.size > 0 ? metered : []) {
    if (!heard.has(id)) io.err(`${id}: meter readings without a frame; is it named otherwise in the OCPP capture?\n`);
  }
  io.err(`${counted(stations, "station", "stations")}, ${counted(frames, "frame", "frames")}, `
    + `${counted(meterReadings, "meter reading", "meter readings")}${also}: `
    + `${counted(findings, "finding", "findings")}, ${counted(raised, "alert", "alerts")} raised`
    + (faults > 0 ? `, ${counted(faults, "fault", "faults")}\n` : "\n"));
  if (stations > 0) return 0;
  io.err(nothingRead(station));
  return 1;
}

export function nothingRead(station: string | undefined): string {
  return station === undefined ? "nothing in the capture could be read\n" : `the capture holds no station ${station}\n`;
}
