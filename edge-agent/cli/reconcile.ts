/** `kerbwatch reconcile`: the operator's records against the agent's own meter. */
import { checkReadable, LineProblems, mergedLines } from "../adapters/capture-file.ts";
import { billsOf, type EvseNames } from "../reconcile/bills.ts";
import type { Cdr } from "../reconcile/cdr.ts";
import { type Classes, Reconciler } from "../reconcile/reconcile.ts";
import { reconciledJson, reconciledText } from "../reconcile/report.ts";
import { METER_CLASSES, type MeterClass } from "../../models/detect/energy/records.ts";
import { parseMeterLine } from "../observe/meter-capture.ts";
import { parseRfc3339 } from "../observe/time-stamp.ts";
import { shown } from "../plain-text.ts";
import type { StationId, WallMs } from "../../models/units.ts";
import { type Command, type Io, parseOptions, type Parsed, UsageError } from "./command.ts";
import { readRecords } from "./reconcile/records.ts";

const HELP = `
Usage: kerbwatch reconcile --cdr FILE|URL... --meter FILE... [--evse NAME=N...]
         [--station ID] [--from TIME] [--to TIME] [--class A|B|C]
         [--billing-class A|B|C] [--token REF] [--ca FILE] [--plain] [--json]

Holds the operator's charge detail records (OCPI 2.2.1) against the agent's own
meter: for each session, day and month, what was delivered, what was charged
for, and whether the classes of both meters allow the difference. What they do
not allow adds up to evidence of energy-theft (more delivered) or
billing-inflation (more charged for), by the same rules as an agent's.

  --cdr FILE|URL  records as a JSON list or as OCPI's answer, or the address of
                  an operator's CDRs module, which is read page by page
  --meter FILE    the agent's own meter (.jsonl or .jsonl.gz); one file or
                  several, oldest first
  --evse NAME=N   the operator's evse_uid or evse_id of EVSE N. Left out where
                  the records name one EVSE and the meter another: they are it
  --station ID    which station, when the meter's files hold several
  --from TIME     only what began at this time or later (RFC 3339)
  --to TIME       only what began before
  --class A|B|C   of the agent's meter by EN 50470-3 (default: B)
  --billing-class A|B|C
                  of the meter that bills (default: B)
  --token REF     for an address: file:PATH or env:NAME with the token that the
                  operator gave out
  --ca FILE       authorities that its certificate must come from, PEM
  --plain         an http:// address beyond this machine, where whoever is in
                  between reads the token
  --json          everything as JSON, stable, for programs

No token of a driver and no contract is read or shown. A bad record is told and
left out. Where all records fit the meter only when they are moved by some
hours, that is said, and nobody is accused.

Example
  kerbwatch reconcile --cdr cdrs.json --meter meter.jsonl --evse DE*ABC*E1=1

Exit codes: 0 compared, whatever was found; 1 nothing could be compared, or the
records' clock is off; 2 wrong usage.
`;

const CLASS_NAMES = Object.keys(METER_CLASSES).join("|");
const OPTIONS = {
  cdr: { type: "string", multiple: true, required: true, value: "FILE" },
  meter: { type: "string", multiple: true, required: true, value: "FILE" },
  evse: { type: "string", multiple: true, value: "NAME=N" },
  station: { type: "string", value: "ID" }, from: { type: "string", value: "TIME" },
  to: { type: "string", value: "TIME" }, class: { type: "string", value: CLASS_NAMES },
  "billing-class": { type: "string", value: CLASS_NAMES }, token: { type: "string", value: "REF" },
  ca: { type: "string", value: "FILE" }, plain: { type: "boolean" }, json: { type: "boolean" },
} as const;
export type ReconcileOptions = Parsed<typeof OPTIONS>["options"];

function classOption(option: "class" | "billing-class", found: string | undefined): MeterClass {
  if (found === undefined) return "B";
  if (Object.hasOwn(METER_CLASSES, found)) return found as MeterClass;
  throw new UsageError(`--${option}: found ${shown(found)}; allowed: ${Object.keys(METER_CLASSES).join(", ")}`);
}

function timeOption(option: string, found: string | undefined): WallMs | undefined {
  const at = found === undefined ? undefined : parseRfc3339(found);
  if (found === undefined || at !== undefined) return at;
  throw new UsageError(`--${option}: found ${shown(found)}; allowed: RFC 3339, as in 2026-03-01T00:00:00Z`);
}

/** The operator's names of this station's EVSEs, as they were given; without, the only one of each side. */
function evseNames(given: readonly string[], cdrs: readonly Cdr[], meters: ReadonlySet<number>): EvseNames {
  if (given.length > 0) {
    return new Map(given.map((text) => {
      const [, name, number] = /^(.{1,48})=(\d{1,3})$/.exec(text) ?? [];
      if (name !== undefined) return [name.toLowerCase(), Number(number)] as const;
      throw new UsageError(`--evse: found ${shown(text)}; allowed: NAME=N, as in DE*ABC*E1=1`);
    }));
  }
  const names = [...new Set(cdrs.map(({ evseUid }) => evseUid.toLowerCase()))];
  const only = names.length === 1 && meters.size === 1 ? [...meters][0] : undefined;
  if (only !== undefined) return new Map([[names[0]!, only]]);
  const found = names.slice(0, 5).map((name) => shown(name)).join(", ") || "none";
  throw new UsageError(`--evse: missing; allowed: NAME=N for each EVSE of this station, as the records name them `
    + `(found ${found}${names.length > 5 ? ` and ${names.length - 5} more` : ""})`);
}

/** The EVSEs that the files have readings of, and their one station. */
async function metersIn(options: ReconcileOptions, io: Io): Promise<{ station: StationId; evses: Set<number> }> {
  const evses = new Set<number>();
  let station: StationId | undefined;
  for await (const line of mergedLines(meterFiles(options), new LineProblems((text) => io.err(text)))) {
    if (options.station !== undefined && line.station !== options.station) continue;
    station ??= line.station;
    if (line.station !== station) {
      throw new UsageError(`--station: missing; allowed: one of those in the files, as ${station} or ${line.station}`);
    }
    if (line.event.kind === "meter") evses.add(line.event.reading.evseId);
  }
  if (station !== undefined) return { station, evses };
  throw new UsageError(`--meter: found no reading${options.station === undefined ? "" : ` of ${options.station}`}; `
    + "allowed: the meter's capture");
}

const meterFiles = ({ meter }: ReconcileOptions) => meter.map((path) => ({ path, parse: parseMeterLine }));

async function run(args: string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, OPTIONS);
  const classes: Classes = { own: classOption("class", options.class),
    billing: classOption("billing-class", options["billing-class"]) };
  const [from, to] = [timeOption("from", options.from) ?? -Infinity, timeOption("to", options.to) ?? Infinity];
  await checkReadable(meterFiles(options));
  const book = await readRecords(options, io);
  const { station, evses } = await metersIn(options, io);
  const cdrs = book.all().filter(({ startMs }) => startMs >= from && startMs < to);
  if (cdrs.length === 0) {
    io.err(`kerbwatch: --cdr: none of ${book.counts.records} records can be used\n`);
    return 1;
  }
  const { bills, elsewhere } = billsOf(cdrs, evseNames(options.evse, cdrs, evses), evses);
  const reconciler = new Reconciler(bills, classes);
  // What is wrong with a line was said when it was read first.
  const again = mergedLines(meterFiles(options), new LineProblems(() => undefined));
  for await (const { event, station: whose, at } of again) {
    if (whose === station && event.kind === "meter") reconciler.reading(at, event.reading, event.side);
  }
  const report = { station, classes, ...reconciler.end(), counts: { ...book.counts, elsewhere } };
  io.out(options.json ? `${JSON.stringify(reconciledJson(report))}\n` : reconciledText(report));
  return report.movedMs === 0 && report.sessions.some(({ state }) => state !== "not-compared") ? 0 : 1;
}

export const reconcile: Command = {
  name: "reconcile",
  summary: "the operator's records (OCPI) against the meter",
  help: HELP,
  run,
};
