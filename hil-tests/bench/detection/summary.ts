/** From the results of all jobs to the figures of the tables. */
import { type EvidenceKey, SEVERITIES, type Threat, THREATS } from "../../../models/terms.ts";
import { HOUR_MS } from "../../../models/units.ts";
import { STRENGTH_NAMES, type StrengthName } from "../../attackers/strength.ts";
import type { AttackOutcome } from "./attack-run.ts";
import {
  type Alarms, alarmsIn, type Baseline, calibrated, incidents, quantile, type Rows,
} from "./baselines/scorer.ts";
import type { FalseAlert, HonestResult } from "./honest-run.ts";
import type { LookAlikeResult } from "./look-alike-run.ts";
import { isVisible } from "./no-proof.ts";
import { addTally, HEIGHTS, type Tally, type TailRow, tailRow } from "./tally.ts";

/** One false alert of severity medium or above at a station in five years, all threats together. */
export const AIM_PER_YEAR = 0.2;
const DAYS_A_YEAR = 365.25;

export const isSerious = ({ severity }: Pick<FalseAlert, "severity">): boolean =>
  SEVERITIES.indexOf(severity as (typeof SEVERITIES)[number]) >= SEVERITIES.indexOf("medium");

export interface CityRow {
  readonly city: string;
  readonly stations: number;
  readonly years: number;
  readonly sessions: number;
  readonly alerts: number;
  readonly serious: number;
  /** Serious alerts at a station in five years, and what they would be at most (Poisson, 95 %). */
  readonly inFiveYears: number;
  readonly atMost: number;
  readonly byThreat: Partial<Record<Threat, number>>;
}

export const yearsOf = (results: readonly HonestResult[]): number =>
  results.reduce((sum, { days }) => sum + days, 0) / DAYS_A_YEAR;

/** Upper limit (95 %, one-sided) of a Poisson mean of which `count` were seen: where P(at most count) is 5 %. */
export function poissonAtMost(count: number): number {
  let [low, high] = [count, count + 10 + 4 * Math.sqrt(count)];
  for (let i = 0; i < 60; i++) {
    const mean = (low + high) / 2;
    let [term, sum] = [Math.exp(-mean), 0];
    for (let k = 0; k <= count; k++, term *= mean / k) sum += term;
    if (sum > 0.05) low = mean;
    else high = mean;
  }
  return high;
}

export function cityRow(city: string, results: readonly HonestResult[]): CityRow {
  const years = yearsOf(results);
  const alerts = results.flatMap((one) => one.alerts);
  const serious = alerts.filter(isSerious).length;
  const byThreat: Partial<Record<Threat, number>> = {};
  for (const { threat } of alerts) byThreat[threat] = (byThreat[threat] ?? 0) + 1;
  return {
    city, stations: results.length, years, sessions: results.reduce((sum, one) => sum + one.sessions, 0),
    alerts: alerts.length, serious, inFiveYears: (5 * serious) / years, atMost: (5 * poissonAtMost(serious)) / years,
    byThreat,
  };
}

export interface AttackRow {
  readonly attack: string;
  readonly threat: Threat;
  readonly strength: StrengthName;
  readonly amount: string;
  readonly made: number;
  readonly found: number;
  readonly medianDelayS: number;
  /** Found ones whose evidence is of the attack, and is told in words and terms. */
  readonly explained: number;
  readonly others: readonly Threat[];
  /** Highest evidence as a share of the threshold, the median of those that were missed. */
  readonly missedAt: number;
  readonly missedIn: readonly string[];
  readonly term: string;
  /** Whether one station's frames and readings can tell it from an honest day (no-proof.ts). */
  readonly visible: boolean;
}

/** An explanation is right when it names the class, in words, and most of its evidence came since the attack began. */
const isExplained = ({ sinceAttack = 0, says, terms }: AttackOutcome): boolean =>
  sinceAttack >= 0.5 && says !== "" && terms.length > 0;

export function attackRows(outcomes: readonly AttackOutcome[]): AttackRow[] {
  const names = [...new Set(outcomes.map(({ attack }) => attack))];
  return names.flatMap((attack) => STRENGTH_NAMES.map((strength) => {
    const tried = outcomes.filter((one) => one.attack === attack && one.strength === strength);
    const made = tried.filter(({ impossible }) => impossible === undefined);
    const found = made.filter(({ delayS }) => delayS !== undefined);
    const missed = made.filter(({ delayS }) => delayS === undefined);
    const [any] = tried as [AttackOutcome];
    return {
      attack, strength, threat: any.threat, amount: any.amount, made: made.length, found: found.length,
      medianDelayS: quantile(found.map(({ delayS = 0 }) => delayS), 0.5), explained: found.filter(isExplained).length,
      others: [...new Set(made.flatMap(({ others }) => others))],
      missedAt: quantile(missed.map(({ opinion }) => opinion), 0.5),
      missedIn: missed.map(({ city, station }) => `${city} ${station}`), term: found[0]?.terms[0] ?? "",
      visible: isVisible(attack, strength),
    };
  }));
}

export interface VisibleRow {
  readonly made: number;
  readonly found: number;
  /** Attacks by name and strength of which not one was found, and those that were found here and there. */
  readonly never: readonly string[];
  readonly sometimes: readonly string[];
}

/** The aim's own figure: medium and strong attacks that are visible at one station. */
export function visibleRow(rows: readonly AttackRow[]): VisibleRow {
  const of = rows.filter(({ visible, strength, made }) => visible && strength !== "weak" && made > 0);
  const sum = (which: "made" | "found"): number => of.reduce((total, row) => total + row[which], 0);
  const names = (some: readonly AttackRow[]): string[] => some.map(({ attack, strength }) => `${attack} ${strength}`);
  return {
    made: sum("made"), found: sum("found"), never: names(of.filter(({ found }) => found === 0)),
    sometimes: names(of.filter(({ found, made }) => found > 0 && found < made)),
  };
}

export interface LookAlikeRow {
  readonly lookAlike: string;
  readonly made: number;
  /** Alerts of severity medium or above, and the threats of all alerts. */
  readonly serious: number;
  readonly threats: readonly Threat[];
  readonly faults: readonly string[];
}

export function lookAlikeRows(results: readonly LookAlikeResult[]): LookAlikeRow[] {
  const outcomes = results.flatMap((one) => one.outcomes);
  return [...new Set(outcomes.map(({ lookAlike }) => lookAlike))].map((lookAlike) => {
    const of = outcomes.filter((one) => one.lookAlike === lookAlike);
    const alerts = of.flatMap((one) => one.alerts);
    return {
      lookAlike, made: of.length, serious: alerts.filter(isSerious).length,
      threats: [...new Set(alerts.map(({ threat }) => threat))],
      faults: [...new Set(of.flatMap(({ faults }) => faults))],
    };
  });
}

export interface MethodRow {
  readonly method: string;
  /** False incidents a station-year in each city, learned and set without it. */
  readonly falsePerYear: Readonly<Record<string, number>>;
  readonly falseOverall: number;
  /** Attacks found over attacks made. */
  readonly found: Readonly<Record<StrengthName, number>>;
  readonly medianDelayS: number;
}

const rowsOf = (results: readonly HonestResult[]): Rows => ({
  hours: results.flatMap(({ hours }) => hours), sessions: results.flatMap(({ sessionRows }) => sessionRows),
});

/** Found at: seconds from the beginning to the first row that alarms. */
function baselineDelay(alarms: Alarms, { hours, sessions, fromMs }: AttackOutcome): number | undefined {
  const [first] = alarmsIn(alarms, { hours, sessions });
  return first === undefined ? undefined : (first - fromMs) / 1_000;
}

function methodRow(
  method: string, honest: readonly HonestResult[], falseOf: ReadonlyMap<string, number>,
  delays: ReadonlyMap<AttackOutcome, number | undefined>,
): MethodRow {
  const cities = [...falseOf.keys()];
  const shareFound = (strength: StrengthName): number => {
    const of = [...delays].filter(([outcome]) => outcome.strength === strength);
    return of.filter(([, delay]) => delay !== undefined).length / Math.max(1, of.length);
  };
  const yearsIn = (city: string): number => yearsOf(honest.filter((one) => one.city === city));
  const total = cities.reduce((sum, city) => sum + (falseOf.get(city) ?? 0), 0);
  return {
    method, falseOverall: total / yearsOf(honest),
    falsePerYear: Object.fromEntries(cities.map((city) => [city, (falseOf.get(city) ?? 0) / yearsIn(city)])),
    found: { weak: shareFound("weak"), medium: shareFound("medium"), strong: shareFound("strong") },
    medianDelayS: quantile([...delays.values()].filter((delay) => delay !== undefined), 0.5),
  };
}

/** A baseline with each city left out in turn: learned, and its thresholds set, on the others alone. */
export function leaveOneOut(
  baseline: Baseline, honest: readonly HonestResult[], outcomes: readonly AttackOutcome[], seed: number,
): MethodRow {
  const falseOf = new Map<string, number>();
  const delays = new Map<AttackOutcome, number | undefined>();
  for (const city of new Set(honest.map((one) => one.city))) {
    const others = honest.filter((one) => one.city !== city);
    const training = rowsOf(others);
    const alarms = calibrated(baseline.fit(training, seed), training, AIM_PER_YEAR * yearsOf(others));
    const own = honest.filter((one) => one.city === city);
    falseOf.set(city, own.reduce((sum, { hours, sessionRows }) =>
      sum + incidents(alarmsIn(alarms, { hours, sessions: sessionRows }), HOUR_MS), 0));
    for (const outcome of outcomes) if (outcome.city === city) delays.set(outcome, baselineDelay(alarms, outcome));
  }
  return methodRow(baseline.name, honest, falseOf, delays);
}

/** Kerbwatch in the same terms; nothing of it is set on any of the cities here but the shipped prior. */
export function ownRow(honest: readonly HonestResult[], outcomes: readonly AttackOutcome[]): MethodRow {
  const cities = new Set(honest.map((one) => one.city));
  const falseOf = new Map([...cities].map((city) =>
    [city, honest.filter((one) => one.city === city).flatMap(({ alerts }) => alerts).filter(isSerious).length]));
  return methodRow("kerbwatch", honest, falseOf, new Map(outcomes.map((outcome) => [outcome, outcome.delayS])));
}

export function tallyOf(honest: readonly HonestResult[]): Tally {
  const tally: Tally = {};
  for (const one of honest) addTally(tally, one.tally);
  return tally;
}

export interface SamplingRow {
  readonly meterEveryS: number;
  readonly epochS: number;
  readonly alerts: number;
  /** Excursions of all threats' evidence above so many nats. */
  readonly aboveOne: number;
  readonly aboveThree: number;
  /** The highest of HEIGHTS that any came to. */
  readonly highest: number;
}

export function samplingRows(results: readonly HonestResult[]): SamplingRow[] {
  const pairs = new Map(results.map(({ job }) => [`${job.meterEveryS}/${job.epochS}`, job]));
  return [...pairs.values()].map(({ meterEveryS, epochS }) => {
    const of = results.filter(({ job }) => job.meterEveryS === meterEveryS && job.epochS === epochS);
    const tally = tallyOf(of);
    const counts = THREATS.flatMap((key) => (tally[key] === undefined ? [] : [tally[key].excursionsAt]));
    const above = (nats: number): number =>
      counts.reduce((sum, at) => sum + (at[HEIGHTS.indexOf(nats)] ?? 0), 0);
    return {
      meterEveryS, epochS, alerts: of.reduce((sum, { alerts }) => sum + alerts.length, 0), aboveOne: above(1),
      aboveThree: above(3), highest: Math.max(0, ...HEIGHTS.filter((height) => above(height) > 0)),
    };
  }).sort((a, b) => a.meterEveryS - b.meterEveryS || a.epochS - b.epochS);
}

/** Threats only: joint features are judged by their zone (npm run bench zone-laws). */
export function tailRows(honest: readonly HonestResult[]): TailRow[] {
  const tally = tallyOf(honest);
  return THREATS.flatMap((key: EvidenceKey) => {
    const of = tally[key];
    return of === undefined ? [] : [tailRow(key, of, yearsOf(honest))];
  });
}
