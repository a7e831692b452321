/**
 * `node build/run.mjs build/fit-prior.ts`: fits the shipped prior to the sessions in ../shared/data and writes
 * models/detect/prior.ts. Derived figures only; no session leaves the data.
 *
 * Starts an hour: stations differ, and their rates are taken to be Gamma-distributed; its moments over all stations
 * give the mean and, as mean over variance, how many hours of watching that knowledge is worth. Each kind of place
 * weighs the same, whatever number of stations was published. The shape: starts by hour of the week, in local time,
 * each kind's over its own mean, then the mean of the kinds, smoothed over its neighbours.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BINS, binOf } from "../models/detect/learned/rate.ts";
import { HOUR_MS } from "../models/units.ts";
import { repoRoot, sharedDir } from "./paths.ts";
import { type City, readCities, type RealSession } from "./session-data.ts";

export interface Prior {
  readonly startsPerHour: number;
  readonly startsWeightHours: number;
  readonly startShape: readonly number[];
  readonly byKind: Readonly<Record<string, KindFigures>>;
}

interface KindFigures {
  readonly stations: number;
  readonly sessions: number;
  readonly startsPerDay: number;
  /** 5 %, 25 %, 50 %, 75 %, 95 %. */
  readonly durationH: readonly number[];
  readonly energyWh: readonly number[];
  readonly meanW: readonly number[];
  readonly gapH: readonly number[];
  /** Under two minutes or 50 Wh. */
  readonly shortShare: number;
}

const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95];
/** A station with less than this says little about its rate. */
const LEAST_SESSIONS = 10;
const LEAST_HOURS = 28 * 24;

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
const round = (value: number, digits = 3): number => Number(value.toPrecision(digits));

function quantiles(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return QUANTILES.map((q) => round(sorted[Math.floor(q * (sorted.length - 1))] ?? 0));
}

const span = (list: readonly RealSession[]): number =>
  list.length < 2 ? 0 : (list.at(-1)!.from - list[0]!.from) / HOUR_MS;
const isShort = ({ hours, energyWh }: RealSession): boolean => hours < 1 / 30 || energyWh < 50;

/** Starts an hour of each station that was watched for long enough. */
function ratesOf(stations: City["stations"]): number[] {
  return stations.filter((list) => list.length >= LEAST_SESSIONS && span(list) >= LEAST_HOURS)
    .map((list) => (list.length - 1) / span(list));
}

/** Starts by bin over what an even week would give, mean 1 over the week. */
function shapeOf(stations: City["stations"]): number[] {
  const counts = new Array<number>(BINS).fill(0);
  for (const { from } of stations.flat()) counts[binOf(from)]! += 1;
  const hoursOf = (bin: number): number => (bin < 24 ? 5 : 2);
  const perHour = counts.reduce((sum, count) => sum + count, 0) / (7 * 24);
  return counts.map((count, bin) => count / (hoursOf(bin) * perHour));
}

/** A quarter of each neighbour: where daylight saving and rounding blur the hour anyway. */
function smooth(shape: readonly number[]): number[] {
  return shape.map((value, bin) => {
    const day = bin < 24 ? 0 : 24;
    const at = (hour: number): number => shape[day + ((hour + 24) % 24)]!;
    return value / 2 + (at(bin - day - 1) + at(bin - day + 1)) / 4;
  });
}

function figuresOf(stations: City["stations"]): KindFigures {
  const all = stations.flat();
  const whole = all.filter((session) => !isShort(session));
  const gaps = stations.flatMap((list) => list.slice(1).map(({ from }, i) =>
    Math.max(0, (from - list[i]!.from) / HOUR_MS - list[i]!.hours)));
  return {
    stations: stations.length, sessions: all.length, startsPerDay: round(24 * mean(ratesOf(stations))),
    durationH: quantiles(whole.map(({ hours }) => hours)), energyWh: quantiles(whole.map(({ energyWh }) => energyWh)),
    meanW: quantiles(whole.map(({ hours, energyWh }) => energyWh / hours)), gapH: quantiles(gaps),
    shortShare: round(1 - whole.length / all.length),
  };
}

export function fitPrior(cities: readonly City[]): Prior {
  const kinds = [...new Set(cities.map(({ kind }) => kind))];
  const ofKinds = kinds.map((kind) =>
    ({ kind, stations: cities.filter((city) => city.kind === kind).flatMap(({ stations }) => stations) }));
  const rates = ofKinds.map(({ stations }) => ratesOf(stations));
  const startsPerHour = mean(rates.map(mean));
  const variance = mean(rates.map((list) => mean(list.map((rate) => (rate - startsPerHour) ** 2))));
  const shapes = ofKinds.map(({ stations }) => shapeOf(stations));
  const startShape = smooth(shapes[0]!.map((_, bin) => mean(shapes.map((shape) => shape[bin]!))));
  return {
    startsPerHour: round(startsPerHour), startsWeightHours: round(startsPerHour / variance),
    startShape: startShape.map((value) => round(value, 2)),
    byKind: Object.fromEntries(ofKinds.map(({ kind, stations }) => [kind, figuresOf(stations)])),
  };
}

function listed(name: string, doc: string, values: readonly number[]): string {
  const rows = [0, 12, 24, 36].map((at) => `  ${values.slice(at, at + 12).join(", ")},`);
  return `/**\n * ${doc}\n */\nexport const ${name}: readonly number[] = [\n${rows.join("\n")}\n];\n`;
}

const SHAPE_DOC = [
  "Starts by local hour over the mean: 24 hours of weekdays, 24 of the weekend (rate.ts). No detector begins with it:",
  "left out in turn, three of six cities lose by it, and a time zone that is not known costs more than it can give",
  "(npm run bench prior).",
].join("\n * ");

/** The module that ships. */
export function priorModule(prior: Prior, cities: readonly City[]): string {
  const sources = cities.map(({ name, kind, source, licence, stations }) =>
    ` *   ${name} (${kind}): ${source}; ${licence}; ${stations.flat().length} sessions.`);
  const kinds = Object.entries(prior.byKind).map(([kind, figures]) => {
    const members = Object.entries(figures).map(([name, value]) =>
      `    ${name}: ${Array.isArray(value) ? `[${value.join(", ")}]` : String(value)},`);
    return `  ${kind}: {\n${members.join("\n")}\n  },`;
  });
  return `/**
 * The shipped prior: figures fitted by build/fit-prior.ts, which is to be run again instead of editing this file.
 *
 * Every figure is derived from all of these sets:
${sources.join("\n")}
 * Nothing of them is copied.
 */

/** Starts an hour of a station that nobody has watched yet, and how many hours of watching that is worth. */
export const STARTS_PER_HOUR = ${prior.startsPerHour};
export const STARTS_WEIGHT_HOURS = ${prior.startsWeightHours};

${listed("START_SHAPE", SHAPE_DOC, prior.startShape)}
/**
 * Sessions by kind of place: quantiles at 5, 25, 50, 75 and 95 % of those of two minutes and 50 Wh at least; the share
 * of shorter ones. Trondheim's stations are users of private places.
 */
export const SESSIONS = {
${kinds.join("\n")}
} as const;
`;
}

export const PRIOR_FILE = join(repoRoot, "models/detect/prior.ts");

if (process.argv[1]?.includes("fit-prior.") === true && !process.argv[1].includes("test")) {
  const shared = sharedDir();
  if (shared === undefined) throw new Error("no ../shared: there is nothing to fit to");
  const cities = readCities(shared);
  writeFileSync(PRIOR_FILE, priorModule(fitPrior(cities), cities));
  console.log(`wrote ${PRIOR_FILE}`);
}
