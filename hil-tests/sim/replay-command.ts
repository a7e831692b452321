/** `kerbwatch-sim replay`: every station of a region over captures, in virtual time, with a network between them. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { checkReadable, LineProblems, mergedLines } from "../../edge-agent/adapters/capture-file.ts";
import { type Command, type Io, parseOptions } from "../../edge-agent/cli/command.ts";
import { captureFiles, epochOption } from "../../edge-agent/cli/replay.ts";
import { parseRegion } from "../../edge-agent/region.ts";
import { UsageError } from "../../edge-agent/usage-error.ts";
import type { Alert } from "../../models/terms.ts";
import { rfc3339, type WallMs } from "../../models/units.ts";
import { parseLiars } from "./liars.ts";
import { refuse } from "../../edge-agent/refuse.ts";
import { RegionRun } from "./region-run.ts";
import { numberOption } from "./number-option.ts";
import { timeOption } from "./time-option.ts";

const HELP = `Usage: kerbwatch-sim replay --region R.yaml --ocpp FILE... --meter FILE... --out alerts.jsonl

Runs every station of a region file over captures, each with the real agent core, in virtual time, with a simulated
network between them. Writes every alert of every scope once for the zone (not once per agent), and a summary on
standard error. The same inputs and seed give the same bytes.

  --region FILE   the region file (YAML or JSON)
  --ocpp FILE...  OCPP traffic (.jsonl or .jsonl.gz), one file or several
  --meter FILE... the agents' own meters, one file or several
  --out FILE      where the alerts go, as JSON Lines
  --seed N        0 to 4294967295; default 1: keys, delays and losses
  --loss P        share of messages lost, 0 to 0.95; default 0
  --liars FILE    which agents lie: a list of {station, from, to, behaviour}
  --until T       stop at this moment of the captures, RFC 3339
  --epoch S       the round, in seconds (default 10)

Example
  kerbwatch-sim capture --region street.yaml --days 14 --out cap
  kerbwatch-sim replay --region street.yaml --ocpp cap/A.ocpp.jsonl --ocpp cap/B.ocpp.jsonl --out alerts.jsonl

Exit codes: 0 done, 1 nothing in the captures could be read, 2 wrong usage.`;

const OPTIONS = {
  region: { type: "string", required: true, value: "FILE" },
  ocpp: { type: "string", multiple: true, required: true, value: "FILE" },
  meter: { type: "string", multiple: true, value: "FILE" },
  out: { type: "string", required: true, value: "FILE" },
  seed: { type: "string", value: "N" },
  loss: { type: "string", value: "P" },
  liars: { type: "string", value: "FILE" },
  until: { type: "string", value: "T" },
  epoch: { type: "string", value: "S" },
} as const;

export const replayCommand: Command = {
  name: "replay",
  summary: "run every station of a region over captures",
  help: HELP,
  async run(args, io) {
    const { options } = parseOptions(args, OPTIONS);
    const region = parseRegion(readText("--region", options.region));
    const files = captureFiles(options.ocpp, options.meter);
    await checkReadable(files);
    const liars = options.liars === undefined ? [] : parseLiars(readText("--liars", options.liars));
    const stations = new Set(region.zones.flatMap((zone) => zone.stations.map(({ id }) => id)));
    const stranger = liars.find(({ station }) => !stations.has(station));
    if (stranger !== undefined) refuse("--liars", stranger.station, "stations of the region file");
    const out = openOut(options.out);
    const tally = new Tally();
    const run = new RegionRun({
      region, liars, seed: numberOption("--seed", options.seed ?? "1", 0, 2 ** 32 - 1, true),
      loss: numberOption("--loss", options.loss ?? "0", 0, 0.95, false), epochS: epochOption(options.epoch),
    }, (alert) => {
      tally.add(alert);
      writeSync(out, `${JSON.stringify(alert)}\n`);
    });
    const problems = new LineProblems((text) => io.err(text));
    const until = options.until === undefined ? Infinity : timeOption("--until", options.until);
    try {
      for await (const line of mergedLines(files, problems)) {
        if (line.at > until) break;
        run.take(line);
        tally.progress(line.at, io);
      }
    } finally {
      closeSync(out);
    }
    io.err(tally.summary(run, problems.total()));
    return run.counts.frames + run.counts.meterReadings > 0 ? 0 : 1;
  },
};

/** Counts for the summary on standard error. */
class Tally {
  readonly #raised = new Map<string, number>();
  #day = "";

  add({ state, scope, threat }: Alert): void {
    if (state !== "raised") return;
    const name = `${scope} ${threat}`;
    this.#raised.set(name, (this.#raised.get(name) ?? 0) + 1);
  }

  progress(at: WallMs, io: Io): void {
    const day = rfc3339(at).slice(0, 10);
    if (day === this.#day) return;
    this.#day = day;
    io.err(`replay: ${day}\n`);
  }

  summary(run: RegionRun, bad: number): string {
    const { counts } = run;
    const apart = run.disagreements();
    const agreement = apart.length === 0 ? "all honest agents of each zone hold the same incidents\n"
      : apart.map((one) => `honest agents hold different incidents: ${one}\n`).join("");
    const raised = [...this.#raised].sort().map(([name, count]) => `  ${count} ${name}\n`).join("");
    const perStatement = counts.statements === 0 ? 0 : counts.messages / counts.statements;
    return `${counts.frames} frames, ${counts.meterReadings} meter readings, ${counts.epochs} epochs` +
      `${bad > 0 ? `, ${bad} bad lines skipped` : ""}` +
      `${counts.strangers > 0 ? `, ${counts.strangers} lines of strangers` : ""}\n` +
      `${counts.messages} messages (${counts.messageBytes} bytes, ${perStatement.toFixed(1)} a statement), ` +
      `${counts.lost} lost\nraised:\n${raised || "  nothing\n"}${agreement}`;
  }
}

function readText(option: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return refuse(option, path, `a file that can be read (${(error as NodeJS.ErrnoException).code ?? "failed"})`);
  }
}

function openOut(path: string): number {
  try {
    return openSync(path, "w");
  } catch (error) {
    throw new UsageError(`--out: ${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? "failed"})`);
  }
}
