/** `capture`: captures of every station of a region, with attacks and look-alikes if wanted, and their ground truth. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseOptions, type Command, type Io } from "../../edge-agent/cli/command.ts";
import { counted } from "../../edge-agent/plain-text.ts";
import { refuse } from "../../edge-agent/refuse.ts";
import { UsageError } from "../../edge-agent/usage-error.ts";
import { DAY_MS, rfc3339, type WallMs } from "../../models/units.ts";
import { ATTACKS } from "../attackers/catalogue.ts";
import { STRENGTHS, STRENGTH_NAMES } from "../attackers/strength.ts";
import { parseAttackFile, type AttackPlan } from "./attack-file.ts";
import { LOOK_ALIKES } from "./look-alikes/catalogue.ts";
import { realSessions } from "./real-sessions.ts";
import { parseRegion } from "./region.ts";
import { captureRegion, endOf, type RegionSpec } from "./region-capture.ts";
import { numberOption } from "./number-option.ts";
import { timeOption } from "./time-option.ts";

const HELP = `Makes captures of every station of a region, in virtual time: what an agent beside each would see.
Writes DIR/<station>.ocpp.jsonl, DIR/<station>.meter.jsonl and DIR/truth.json. The same inputs and seed give the same
bytes.

  --region FILE      the region file (YAML or JSON)
  --days D           how many days, up to 366; fractions are allowed
  --out DIR          where to write; made if absent, files in it are replaced
  --attack FILE      attacks and look-alikes, as below; default none
  --sessions FILE    real sessions (.csv, or .csv.xz where xz is installed) in place of fitted ones: the file's busiest
                     stations play the region's, moved by whole weeks
  --seed N           0 to 4294967295; default 1
  --from T           first moment, RFC 3339; default 2026-03-02T00:00:00.000Z, a Monday
  --meter-every S    seconds between meter readings, 1 to 3600; default 10
  --quirks P         share of the stations with a harmless quirk, 0 to 1; default 0.2
  --list             prints the attacks and look-alikes, and what a strength of each means, and writes nothing

A station of the region file may say "profile: public-rapid", "workplace" or "residential"; otherwise its rating
chooses: from 40 kW the first, from 22 kW the second, below the third. From 22.1 kW an EVSE gives direct current, and at
half of the stations its meter stands before the rectifier, which loses 4 to 10 %.

The attack file (YAML or JSON). Whom: one of stations, zone, count. Without "from" it comes in the last quarter.
  version: 1
  attacks:
    - { attack: guess-burst, strength: medium, count: 1 }
    - { attack: synchronised-starts, strength: 0.8, zone: feeder-7, from: "2026-03-14T17:30:00.000Z" }
  lookAlikes:
    - { name: power-cut, zone: feeder-7 }
    - { name: meter-drift, stations: [CP-001] }

Example: two weeks of a street, and what one of its stations said first
  kerbwatch-sim capture --region street.yaml --days 14 --out captures
  head captures/CP-001.ocpp.jsonl`;

interface CaptureOptions {
  readonly spec: RegionSpec;
  readonly out: string;
}

/** Reads a file with `parse`; complaints name the file. */
function readFile<T>(option: string, path: string, parse: (source: string) => T): T {
  let source: string;
  try {
    source = readFileSync(path, "utf8");
  } catch (error) {
    return refuse(option, path, `a file that can be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return parse(source);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${path}: ${error.message}`) : error;
  }
}

const OPTIONS = {
  region: { type: "string", required: true, value: "FILE" },
  days: { type: "string", required: true, value: "D" },
  out: { type: "string", required: true, value: "DIR" },
  attack: { type: "string", value: "FILE" },
  sessions: { type: "string", value: "FILE" },
  seed: { type: "string", value: "N" },
  from: { type: "string", value: "T" },
  "meter-every": { type: "string", value: "S" },
  quirks: { type: "string", value: "P" },
} as const;

const NOTHING: AttackPlan = { attacks: [], lookAlikes: [] };

/** What comes before the capture begins or after it ends would not show. */
function checkTimes({ attacks, lookAlikes }: AttackPlan, path: string, from: WallMs, to: WallMs): void {
  const check = (key: string, at: WallMs | undefined): void => {
    if (at === undefined || (at >= from && at < to)) return;
    refuse(`${path}: ${key}.from`, rfc3339(at), `a time from ${rfc3339(from)} on, before ${rfc3339(to)}`);
  };
  attacks.forEach((one, i) => check(`attacks[${i}]`, one.from));
  lookAlikes.forEach((one, i) => check(`lookAlikes[${i}]`, one.from));
}

function captureOptions(args: readonly string[]): CaptureOptions {
  const { options } = parseOptions(args, OPTIONS);
  const days = numberOption("--days", options.days, 0.01, 366, false);
  const seed = numberOption("--seed", options.seed ?? "1", 0, 2 ** 32 - 1, true);
  const from = timeOption("--from", options.from ?? "2026-03-02T00:00:00.000Z");
  const to = (from + days * DAY_MS) as WallMs;
  const meterEveryS = numberOption("--meter-every", options["meter-every"] ?? "10", 1, 3600, false);
  const quirks = numberOption("--quirks", options.quirks ?? "0.2", 0, 1, false);
  const region = readFile("--region", options.region, parseRegion);
  const plan = options.attack === undefined ? NOTHING
    : readFile("--attack", options.attack, (source) => parseAttackFile(source, region, seed));
  checkTimes(plan, options.attack ?? "", from, to);
  const stations = region.zones.reduce((sum, zone) => sum + zone.stations.length, 0);
  const real = options.sessions === undefined ? undefined : realSessions(options.sessions, stations, from, to);
  const spec = { region, from, days, seed, meterEveryS, quirks, plan, ...(real === undefined ? {} : { real }) };
  return { spec, out: options.out };
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

function listed(): string {
  const attacks = Object.entries(ATTACKS).map(([name, { threat, scope, does, amount }]) =>
    `${name}\n  ${threat}, ${scope} scope: ${does}\n` +
    STRENGTH_NAMES.map((strength) => `  ${strength.padEnd(7)}${amount(STRENGTHS[strength])}\n`).join(""));
  const others = Object.entries(LOOK_ALIKES).map(([name, { scope, like, does }]) =>
    `${name}\n  ${scope} scope, easily taken for ${like}: ${does}\n`);
  return `Attacks\n\n${attacks.join("")}\nLook-alikes and faults\n\n${others.join("")}`;
}

/** @throws UsageError, Error when an attack finds no opportunity, or what the file system throws. */
function capture(args: readonly string[], io: Io): number {
  if (args.length === 1 && args[0] === "--list") {
    io.out(listed());
    return 0;
  }
  const { spec, out } = captureOptions(args);
  const { region, seed, from, days, real } = spec;
  mkdirSync(out, { recursive: true });
  const total = region.zones.reduce((sum, zone) => sum + zone.stations.length, 0);
  const { attacks, lookAlikes, stations } = captureRegion(spec, out, progress(io, total));
  const truth = {
    version: 1, region: region.region, seed, from: rfc3339(from), to: rfc3339(endOf(spec)),
    synthetic: real === undefined ? "all frames, refusals and commands; sessions from fitted profiles"
      : "all frames, refusals and commands; sessions are real",
    attacks, lookAlikes, stations,
  };
  writeFileSync(join(out, "truth.json"), `${JSON.stringify(truth, null, 2)}\n`);
  const also = attacks.length + lookAlikes.length === 0 ? ""
    : `, ${counted(attacks.length, "attack", "attacks")}, ${counted(lookAlikes.length, "look-alike", "look-alikes")}`;
  io.err(`capture: ${total} stations, ${days} days, seed ${seed}${also}, in ${out}\n`);
  return 0;
}

export const captureCommand: Command = {
  name: "capture",
  summary: "captures of every station of a region, honest or attacked, with ground truth",
  help: HELP,
  run: async (args, io) => capture(args, io),
};
