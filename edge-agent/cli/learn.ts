/** `kerbwatch learn`: what is normal, from a capture. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type CaptureFile, checkReadable, LineProblems, mergedLines } from "../adapters/capture-file.ts";
import { nodeCrypto, signerFromSeed } from "../adapters/crypto.ts";
import { type Lock, LockHeldError, takeLock } from "../adapters/lock-file.ts";
import { hasMemory, memoryPath, MemoryFile, readMemory } from "../adapters/memory-file.ts";
import { learnedOnly, type Memory } from "../memory.ts";
import type { CaptureLine } from "../observe/trace.ts";
import { Replay } from "../replay.ts";
import { DAY_MS, rfc3339, type StationId } from "../../models/units.ts";
import { captureFiles, epochOption, nothingRead } from "./replay.ts";
import { type Command, type Io, parseOptions, UsageError } from "./command.ts";

const HELP = `Usage: kerbwatch learn --ocpp FILE... [--meter FILE...] --state DIR
         [--station ID] [--epoch S] [--fresh]

Learns what is normal for a station from a capture of honest traffic, as the
agent itself does while it runs, and saves it in the state directory, where
\`kerbwatch run\` goes on from it. A day is useful, two weeks are sharp.

  --ocpp FILE     OCPP traffic as Open OCPP Trace v1.1 (.jsonl or .jsonl.gz);
                  one file or several
  --meter FILE    the agent's own meter over the same time; one file or several
  --state DIR     where it is saved (normal.json)
  --station ID    which station, when the capture holds several
  --epoch S       the round, in seconds (default 10)
  --fresh         forget what was learned there before; otherwise it is carried
                  on

Example
  kerbwatch learn --ocpp may.jsonl.gz --meter may-meter.jsonl.gz \\
    --state /var/lib/kerbwatch

Exit codes: 0 learned, 1 nothing in the capture could be read or saved, 2 wrong
usage.
`;

const OPTIONS = {
  ocpp: { type: "string", multiple: true, required: true, value: "FILE" },
  meter: { type: "string", multiple: true, value: "FILE" },
  state: { type: "string", required: true, value: "DIR" },
  station: { type: "string", value: "ID" },
  epoch: { type: "string", value: "S" },
  fresh: { type: "boolean" },
} as const;

export const learn: Command = {
  name: "learn",
  summary: "learn what is normal for a station from a capture",
  help: HELP,
  async run(args, io) {
    const { options } = parseOptions(args, OPTIONS);
    if (options.ocpp.length === 0) throw new UsageError("--ocpp: missing; allowed: --ocpp FILE");
    const stateDir = String(options.state);
    const files = captureFiles(options.ocpp, options.meter);
    await checkReadable(files);
    const lock = takeState(stateDir);
    try {
      return await learnInto(stateDir, files, options, io);
    } finally {
      lock.release();
    }
  },
};

interface LearnOptions {
  readonly epoch: string | undefined;
  readonly station: string | undefined;
  readonly fresh: boolean;
}

async function learnInto(
  stateDir: string, files: readonly CaptureFile[], options: LearnOptions, io: Io,
): Promise<number> {
  const before = options.fresh ? undefined : earlier(stateDir);
  const run = new Replay({
    crypto: nodeCrypto(), signer: signerFromSeed(new Uint8Array(32)), epochS: epochOption(options.epoch),
    ...(before !== undefined && { memory: before }),
  }, () => undefined);
  const problems = new LineProblems((text) => io.err(text));
  const learned = await watch(run, mergedLines(files, problems), options.station, io);
  if (learned === undefined) return 1;
  save(stateDir, learned);
  const days = (learned.savedAt - learned.since) / DAY_MS;
  io.out(`learned ${days.toFixed(1)} days of ${run.stations()[0]}, from ${rfc3339(learned.since)} to ` +
    `${rfc3339(learned.savedAt)}: ${memoryPath(stateDir)}\n`);
  if (run.counts.raised > 0) {
    io.err(`${run.counts.raised} alerts would have been raised on this capture: is it honest? ` +
      "See `kerbwatch replay`; --fresh forgets\n");
  }
  return 0;
}

/** Keeps a running agent and this command from writing over each other. */
function takeState(stateDir: string): Lock {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    return takeLock(join(stateDir, "lock"));
  } catch (error) {
    if (error instanceof LockHeldError) {
      throw new Error(`--state: ${stateDir} is in use by an agent (process ${error.pid}); stop it first`);
    }
    throw new Error(`--state: ${stateDir} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** What was learned before, to be carried on. */
function earlier(stateDir: string): Memory | undefined {
  if (!hasMemory(stateDir)) return undefined;
  const memory = readMemory(stateDir, nodeCrypto());
  if (!memory.ok) throw new UsageError(`--state: ${memory.problem}; allowed: a whole one, or --fresh to begin anew`);
  return memory.value;
}

/** Feeds the capture with a line of progress a virtual day, and hands back what was learned of the one station. */
async function watch(
  run: Replay, lines: AsyncIterable<CaptureLine>, station: string | undefined, io: Io,
): Promise<Memory | undefined> {
  let only: StationId | undefined;
  let day = -1;
  for await (const line of lines) {
    if (station !== undefined && line.station !== station) continue;
    only ??= line.station;
    if (line.station !== only) {
      const found = `found stations ${only} and ${line.station}`;
      throw new UsageError(`--ocpp: ${found}; allowed: one, chosen with --station ID`);
    }
    run.take(line);
    const today = Math.floor(line.at / DAY_MS);
    if (today > day) io.err(`learning ${rfc3339(line.at).slice(0, 10)}\n`);
    day = Math.max(day, today);
  }
  const memory = only === undefined ? undefined : run.memoryOf(only);
  if (memory !== undefined) return learnedOnly(memory);
  io.err(nothingRead(station));
  return undefined;
}

function save(stateDir: string, memory: Memory): void {
  try {
    new MemoryFile(stateDir, nodeCrypto()).saveWhole(memory);
  } catch (error) {
    throw new Error(`--state: ${memoryPath(stateDir)} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}
