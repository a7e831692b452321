/** `capture`: honest captures of every station of a region, with their ground truth. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseOptions, type Command, type Io } from "../../edge-agent/cli/command.ts";
import { UsageError } from "../../edge-agent/usage-error.ts";
import { DAY_MS, rfc3339, type WallMs } from "../../models/units.ts";
import { purposeSeed } from "./dice.ts";
import { honestCapture } from "./honest.ts";
import { LineFile } from "./line-file.ts";
import { PROFILES, profileForRating } from "./profile.ts";
import { parseRegion, type Region, type RegionStation } from "./region.ts";
import type { HonestCounts } from "./station.ts";
import { refuse } from "../../edge-agent/refuse.ts";

const HELP = `Makes honest captures of every station of a region, in virtual time: what an agent beside each would see.
Writes DIR/<station>.ocpp.jsonl, DIR/<station>.meter.jsonl and DIR/truth.json. The same inputs and seed give the same
bytes.

  --region FILE      the region file (YAML or JSON)
  --days D           how many days, up to 366; fractions are allowed
  --out DIR          where to write; made if absent, files in it are replaced
  --seed N           0 to 4294967295; default 1
  --from T           first moment, RFC 3339; default 2026-03-02T00:00:00.000Z, a Monday
  --meter-every S    seconds between meter readings, 1 to 3600; default 10

A station of the region file may say "profile: public-rapid", "workplace" or "residential"; otherwise its rating
chooses: from 40 kW the first, from 22 kW the second, below the third.

Example: two weeks of a street, and what one of its stations said first
  kerbwatch-sim capture --region street.yaml --days 14 --out captures
  head captures/CP-001.ocpp.jsonl`;

interface CaptureOptions {
  readonly region: Region;
  readonly days: number;
  readonly out: string;
  readonly seed: number;
  readonly from: WallMs;
  readonly meterEveryS: number;
}

function numberOption(key: string, found: string, low: number, high: number, whole: boolean): number {
  // Number() alone would read "" as 0, and take "0x10" and "1e2".
  const value = /^\d+(\.\d+)?$/.test(found) ? Number(found) : Number.NaN;
  if (value >= low && value <= high && (!whole || Number.isInteger(value))) return value;
  return refuse(key, found, `${whole ? "an integer" : "a number"} from ${low} to ${high}`);
}

function timeOption(key: string, found: string): WallMs {
  // With its offset or Z: a time without a zone would mean another moment on another machine.
  const complete = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(found);
  const at = complete ? Date.parse(found) : Number.NaN;
  return Number.isNaN(at) ? refuse(key, found, "a time like 2026-03-02T00:00:00.000Z") : at as WallMs;
}

function readRegion(path: string): Region {
  let source: string;
  try {
    source = readFileSync(path, "utf8");
  } catch (error) {
    refuse("--region", path, `a file that can be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return parseRegion(source);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${path}: ${error.message}`) : error;
  }
}

const OPTIONS = {
  region: { type: "string", required: true, value: "FILE" },
  days: { type: "string", required: true, value: "D" },
  out: { type: "string", required: true, value: "DIR" },
  seed: { type: "string", value: "N" },
  from: { type: "string", value: "T" },
  "meter-every": { type: "string", value: "S" },
} as const;

function captureOptions(args: readonly string[]): CaptureOptions {
  const { options } = parseOptions(args, OPTIONS);
  return {
    days: numberOption("--days", options.days, 0.01, 366, false),
    seed: numberOption("--seed", options.seed ?? "1", 0, 2 ** 32 - 1, true),
    from: timeOption("--from", options.from ?? "2026-03-02T00:00:00.000Z"),
    meterEveryS: numberOption("--meter-every", options["meter-every"] ?? "10", 1, 3600, false),
    out: options.out,
    region: readRegion(options.region),
  };
}

function profileOf(station: RegionStation): (typeof PROFILES)[keyof typeof PROFILES] {
  return station.profile === undefined ? profileForRating(station.ratedW) : PROFILES[station.profile];
}

function writeStation(station: RegionStation, options: CaptureOptions): Readonly<HonestCounts> {
  const { out, seed, from, days, meterEveryS, region } = options;
  const { items, counts } = honestCapture({
    station: station.id, ocppVersion: station.ocppVersion, evses: station.evses, from, days, meterEveryS,
    ratedW: station.ratedW / station.evses, timezone: region.timezone, profile: profileOf(station),
    seed: purposeSeed(seed, station.id), fleetSeed: seed,
  });
  const files = {
    ocpp: new LineFile(join(out, `${station.id}.ocpp.jsonl`)),
    meter: new LineFile(join(out, `${station.id}.meter.jsonl`)),
  };
  for (const { stream, line } of items) files[stream].write(line);
  files.ocpp.close();
  files.meter.close();
  return counts;
}

/** A word now and then, for whoever waits. */
function progress(io: Io, total: number): (done: number) => void {
  const everyMs = 2_000;
  let saidAt = Date.now();
  return (done) => {
    if (Date.now() - saidAt < everyMs || done === total) return;
    saidAt = Date.now();
    io.err(`capture: ${done} of ${total} stations written\n`);
  };
}

/** @throws UsageError, or what the file system throws. */
function captureRegion(args: readonly string[], io: Io): number {
  const options = captureOptions(args);
  const { region, days, out, seed, from } = options;
  mkdirSync(out, { recursive: true });
  const stations = region.zones.flatMap((zone) => zone.stations);
  const report = progress(io, stations.length);
  const written = stations.map((station, i) => {
    const counts = writeStation(station, options);
    report(i + 1);
    const { id, zone, ocppVersion } = station;
    return { station: id, zone, ocppVersion, profile: profileOf(station).name, ...counts };
  });
  const truth = {
    version: 1, region: region.region, seed, from: rfc3339(from), to: rfc3339((from + days * DAY_MS) as WallMs),
    synthetic: "all frames, refusals and commands; sessions from fitted profiles",
    attacks: [], stations: written,
  };
  writeFileSync(join(out, "truth.json"), `${JSON.stringify(truth, null, 2)}\n`);
  io.err(`capture: ${stations.length} stations, ${days} days, seed ${seed}, in ${out}\n`);
  return 0;
}

export const captureCommand: Command = {
  name: "capture",
  summary: "honest captures of every station of a region, with ground truth",
  help: HELP,
  run: async (args, io) => captureRegion(args, io),
};
