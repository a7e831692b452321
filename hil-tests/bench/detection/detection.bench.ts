/**
 * `npm run bench detection [-- --quick --json FILE --seed S]`: what one station's agent finds, how often it is wrong,
 * how far its evidence can be believed, and what that costs; against three baselines fed the same features.
 *
 * `--seconds N` begins no more jobs after that long and tells what is known by then. `--attacks NAME,NAME` tries those
 * alone. A line a job goes to standard error as it is done.
 *
 * Thresholds are the shipped ones, which follow from a promise and not from these data. The baselines learn, and have
 * their thresholds set to the aim's false-alarm rate, on all cities but the one that they are judged on.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { repoRoot, sharedDir } from "../../../build/paths.ts";
import { wholeOption } from "../../../build/whole-option.ts";
import { THREATS } from "../../../models/terms.ts";
import { ATTACKS } from "../../attackers/catalogue.ts";
import { type AttackJob, type AttackOutcome, type AttackResult, runAttacks } from "./attack-run.ts";
import { fixedThresholds } from "./baselines/fixed-thresholds.ts";
import { isolationForest } from "./baselines/isolation-forest.ts";
import { ratioRules } from "./baselines/ratio-rules.ts";
import { chosen, CITIES, type City, type CityStation, stationsOf } from "./cities.ts";
import { type Cost, measureCost } from "./cost.ts";
import { type FalseAlert, type HonestJob, type HonestResult, runHonest } from "./honest-run.ts";
import { type LookAlikeJob, type LookAlikeResult, runLookAlikes } from "./look-alike-run.ts";
import { alarmCurve, findingCurve, reliabilityPicture } from "./picture.ts";
import { runAll, serve, WORKER } from "./pool.ts";
import { Progress } from "./progress.ts";
import { type Reference, referenceTraces } from "./references.ts";
import {
  attackRows, cityRow, leaveOneOut, lookAlikeRows, ownRow, samplingRows, tailRows, tallyOf, visibleRow, yearsOf,
} from "./summary.ts";
import {
  alertTable, attackTable, honestTable, lookAlikeTable, methodTable, noProofTable, resultLine, samplingTable, table,
  tailTable, threatTable, visibleText,
} from "./text.ts";

type Job = HonestJob | AttackJob | LookAlikeJob;
type Result = HonestResult | AttackResult | LookAlikeResult;

interface Size {
  readonly stationsACity: number;
  readonly mostDays: number;
  /** Stations of each city that are attacked. */
  readonly attackedACity: number;
  /** Stations of each city to which every look-alike comes. */
  readonly lookAlikesACity: number;
  readonly meterEveryS: number;
  readonly costDays: number;
  readonly samplingDays: number;
  /** Names of the attacks that are tried; absent: all. */
  readonly only?: readonly string[];
}

const QUICK: Size = {
  stationsACity: 5, mostDays: 200, attackedACity: 1, lookAlikesACity: 1, meterEveryS: 60, costDays: 2, samplingDays: 10,
};
/** Some forty station-years, so that one alert in five of them shows, in about an hour on two cores. */
const FULL: Size = {
  stationsACity: 12, mostDays: 400, attackedACity: 3, lookAlikesACity: 2, meterEveryS: 60, costDays: 20,
  samplingDays: 30,
};
/** Ticks of honest years: detectors should not depend on it (see the table of samplings), and every tick costs. */
const EPOCH_S = 60;

function stationOf(shared: string, cityName: string, station: string): CityStation {
  const city = CITIES.find(({ name }) => name === cityName) as City;
  return stationsOf(shared, city).find((one) => one.station === station) as CityStation;
}

function work(shared: string, job: Job): Result {
  const of = stationOf(shared, job.city, job.station);
  if (job.kind === "look-alikes") return runLookAlikes(job, of);
  return job.kind === "honest" ? runHonest(job, of) : runAttacks(job, of);
}

/** The busier third of a city: an attack on energy needs sessions to come to. */
function busy(shared: string, city: City): CityStation[] {
  const all = [...stationsOf(shared, city)].sort((a, b) => b.sessions.length - a.sessions.length);
  return all.slice(0, Math.ceil(all.length / 3));
}

function jobsOf(shared: string, size: Size, seed: number): Job[] {
  const { meterEveryS, mostDays } = size;
  const honest = CITIES.flatMap((city) => chosen(stationsOf(shared, city), size.stationsACity, seed)
    .map(({ station }): Job =>
      ({ kind: "honest", city: city.name, station, seed, mostDays, meterEveryS, epochS: EPOCH_S })));
  const attacks = CITIES.flatMap((city) => chosen(busy(shared, city), size.attackedACity, seed + 1)
    .map(({ station }): Job => ({ kind: "attacks", city: city.name, station, seed, meterEveryS,
      ...(size.only !== undefined && { only: size.only }) })));
  const lookAlikes = CITIES.flatMap((city) => chosen(busy(shared, city), size.lookAlikesACity, seed + 3)
    .map(({ station }): Job => ({ kind: "look-alikes", city: city.name, station, seed, meterEveryS })));
  const ofCity = (jobs: readonly Job[]): Job[][] =>
    CITIES.map(({ name }) => jobs.filter(({ city }) => city === name));
  return dealt([...ofCity(attacks), lookAlikes, samplingJobs(shared, size, seed), ...ofCity(honest)]);
}

/** Each pile spread evenly over the whole: a run that is cut short has some of everything. */
function dealt(piles: readonly (readonly Job[])[]): Job[] {
  return piles.flatMap((pile) => pile.map((job, i) => ({ job, at: (i + 0.5) / pile.length })))
    .sort((a, b) => a.at - b.at).map(({ job }) => job);
}

/** Seconds between meter readings and ticks. */
const SAMPLINGS = [[10, 10], [60, 10], [60, 60], [300, 60]] as const;

function samplingJobs(shared: string, size: Size, seed: number): Job[] {
  return CITIES.slice(0, 2).flatMap((city) => chosen(busy(shared, city), 1, seed + 2).flatMap(({ station }) =>
    SAMPLINGS.map(([meterEveryS, epochS]): Job => ({ kind: "honest", city: city.name, station, seed, meterEveryS,
      epochS, mostDays: size.samplingDays, sampling: true }))));
}

interface Outcome {
  readonly honest: readonly HonestResult[];
  readonly samplings: readonly HonestResult[];
  readonly attacks: readonly AttackResult[];
  readonly lookAlikes: readonly LookAlikeResult[];
  readonly cost: readonly Cost[];
  readonly references: readonly Reference[];
  readonly seed: number;
}

function report({ honest, attacks, lookAlikes, samplings, cost, references, seed }: Outcome): object {
  const cities = CITIES.map(({ name }) => name).filter((city) => honest.some((one) => one.city === city));
  const cityRows = [...cities.map((city) => cityRow(city, honest.filter((one) => one.city === city))),
    cityRow("all", honest)];
  const outcomes: AttackOutcome[] = attacks.flatMap((one) => one.outcomes);
  const made = outcomes.filter(({ impossible }) => impossible === undefined);
  const methods = [ownRow(honest, made),
    ...[fixedThresholds, ratioRules, isolationForest].map((baseline) => leaveOneOut(baseline, honest, made, seed))];
  const rows = attackRows(outcomes);
  const tails = tailRows(honest);
  say("False alerts at honest stations (real sessions; frames, commands and refusals are synthetic)",
    honestTable(cityRows));
  say("False alerts a station-year by threat (*: the null rests on synthetic frames)", threatTable(cityRows));
  say("Each of them", alertTable(honest.flatMap((one) => one.alerts)));
  const likes = lookAlikeRows(lookAlikes);
  say("Attacks at one station (-: leaves no proof there)", attackTable(rows));
  say("Attacks that leave no proof at one station", noProofTable());
  const visible = visibleRow(rows);
  say("Medium and strong attacks that are visible at one station", visibleText(visible));
  say("Look-alikes and broken chargers: what was raised beyond the same days without", lookAlikeTable(likes));
  say("Each of them", alertTable(raisedBy(lookAlikes)));
  say("Against baselines: false alerts a station-year in the city left out, attacks found, median delay",
    methodTable(methods));
  say("Reliability: observed over predicted (at most 2), of single e-values and of their sums; sums promised at 1e-4",
    tailTable(tails));
  const sampled = samplingRows(samplings);
  say("Sampling: the same stations and days", samplingTable(sampled));
  say("Cost", table(["station", "observations", "us each", "KB of state"], cost.map((one) =>
    [one.station, String(one.observations), one.microsAnObservation.toFixed(1), one.stateKb.toFixed(1)])));
  say("Reference traces", table(["trace", "threats", "faults"], references.map((one) =>
    [one.trace, one.threats.join(" ") || "none", [...new Set(one.faults)].join(" ") || "none"])));
  return { seed, cities: cityRows, attacks: rows, visible, lookAlikes: likes, methods, tails, sampled, cost, references,
    alerts: honest.flatMap((one) => one.alerts),
    lookAlikeAlerts: raisedBy(lookAlikes),
    impossible: outcomes.filter(({ impossible }) => impossible !== undefined)
      .map(({ city, station, attack, strength, impossible }) => ({ city, station, attack, strength, impossible })) };
}

function raisedBy(results: readonly LookAlikeResult[]): (FalseAlert & { lookAlike: string })[] {
  return results.flatMap(({ outcomes }) => outcomes).flatMap(({ lookAlike, alerts }) =>
    alerts.map((alert) => ({ lookAlike, ...alert })));
}

function say(title: string, text: string): void {
  console.log(`\n${title}\n${text}`);
}

function draw(honest: readonly HonestResult[]): void {
  const folder = join(repoRoot, "dist", "bench");
  mkdirSync(folder, { recursive: true });
  const tally = tallyOf(honest);
  const years = yearsOf(honest);
  const keys = THREATS.filter((key) => tally[key] !== undefined);
  const note = `${honest.length} honest stations, ${years.toFixed(1)} station-years; dashed: twice as often`;
  const pictures = {
    "detection-sums.svg": reliabilityPicture("Evidence: how often its sum came to a height", note,
      keys.map((key) => alarmCurve(key, tally[key]!, years))),
    "detection-e-values.svg": reliabilityPicture("Evidence: single e-values", note,
      keys.map((key) => findingCurve(key, tally[key]!))),
  };
  for (const [name, svg] of Object.entries(pictures)) {
    writeFileSync(join(folder, name), svg);
    console.log(`picture: dist/bench/${name}`);
  }
}

function sizeOf(values: Readonly<Record<string, string | boolean | undefined>>): Size {
  const size = values["quick"] === true ? QUICK : FULL;
  const given = (name: string, otherwise: number): number => wholeOption(name, values[name], otherwise);
  return {
    ...size, stationsACity: given("stations", size.stationsACity), mostDays: given("days", size.mostDays),
    attackedACity: given("attacked", size.attackedACity),
    lookAlikesACity: given("look-alikes", size.lookAlikesACity), ...namedAttacks(values["attacks"]),
  };
}

function namedAttacks(given: string | boolean | undefined): Pick<Size, "only"> {
  if (typeof given !== "string") return {};
  const only = given.split(",");
  const unknown = only.find((name) => !Object.hasOwn(ATTACKS, name));
  if (unknown === undefined) return { only };
  throw new TypeError(`--attacks: found ${unknown}; allowed: ${Object.keys(ATTACKS).join(" ")}`);
}

async function main(shared: string): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: {
    json: text, seed: text, seconds: text, quick: { type: "boolean" }, stations: text, days: text, attacked: text,
    "look-alikes": text, attacks: text } });
  const seed = Number(values.seed ?? 1);
  const size = sizeOf(values);
  const jobs = jobsOf(shared, size, seed);
  const honest: HonestResult[] = [];
  const attacks: AttackResult[] = [];
  const samplings: HonestResult[] = [];
  const lookAlikes: LookAlikeResult[] = [];
  const endMs = performance.now() + 1_000 * Number(values.seconds ?? Infinity);
  const progress = new Progress("detection", jobs.length);
  await runAll<Job, Result>(jobs, Math.min(2, availableParallelism()), (result, done) => {
    if (result.kind === "attacks") attacks.push(result);
    else if (result.kind === "look-alikes") lookAlikes.push(result);
    else (result.job.sampling === true ? samplings : honest).push(result);
    console.error(resultLine(result));
    progress.at(done);
  }, () => performance.now() > endMs);
  const done = honest.length + attacks.length + lookAlikes.length + samplings.length;
  console.log(`${done} of ${jobs.length} jobs done, seed ${seed}`);
  const busiest = CITIES.slice(0, 2).map((city) => [...stationsOf(shared, city)]
    .sort((a, b) => b.sessions.length - a.sessions.length)[0] as CityStation);
  const cost = busiest.map((of) => measureCost(of, seed, size.costDays));
  const result = report({ honest, attacks, lookAlikes, samplings, cost, references: referenceTraces(shared), seed });
  draw(honest);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(result));
}

const shared = sharedDir();
if (shared === undefined) console.log("skipped: no ../shared");
else if (process.argv.includes(WORKER)) serve((job: Job) => work(shared, job));
else await main(shared);
