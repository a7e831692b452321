/**
 * Attacks of the catalogue at one station of a city: four honest weeks are lived once, then each attack gets a copy of
 * the agent as it stood on the day before it, and the rest of the fourth week with the attack in it.
 */
import type { AgentEvent } from "../../../edge-agent/ports.ts";
import { parseMeterLine } from "../../../edge-agent/observe/meter-capture.ts";
import { parseTraceLine } from "../../../edge-agent/observe/trace.ts";
import type { Belief, Threat } from "../../../models/terms.ts";
import { DAY_MS, HOUR_MS, type WallMs } from "../../../models/units.ts";
import { type Attacked, playground, type StationAttack } from "../../attackers/attack.ts";
import { ATTACKS } from "../../attackers/catalogue.ts";
import { STRENGTH_NAMES, STRENGTHS, type StrengthName } from "../../attackers/strength.ts";
import { type Capture, type CaptureItem, collect, type TimedLine } from "../../sim/capture.ts";
import { dice, purposeSeed } from "../../sim/dice.ts";
import { honestCapture } from "../../sim/honest.ts";
import { itemsOf } from "../../sim/trial.ts";
import { type CityStation, daysOf, specOf, startOf } from "./cities.ts";
import { copyOf } from "./copy.ts";
import { createFeatures, feedFeatures, type FeatureState, type Row } from "./features.ts";
import { type Raised, Watch } from "./watch.ts";

export interface AttackJob {
  readonly kind: "attacks";
  readonly city: string;
  readonly station: string;
  readonly seed: number;
  readonly meterEveryS: number;
  /** Names of the attacks that are tried; absent: all. */
  readonly only?: readonly string[];
}

export interface AttackOutcome {
  readonly city: string;
  readonly station: string;
  readonly attack: string;
  readonly threat: Threat;
  readonly strength: StrengthName;
  readonly amount: string;
  /** Why the attack could not be made here; then nothing else counts. */
  readonly impossible?: string;
  /** Seconds from the attack's beginning to the alert of its class; absent: not found. */
  readonly delayS?: number;
  /** Share of the alert's evidence that was added since the attack began. */
  readonly sinceAttack?: number;
  readonly terms: readonly string[];
  readonly says: string;
  /** Highest evidence for the class as a share of its threshold. */
  readonly opinion: number;
  /** Other threats that the attack raised and that honest traffic did not. */
  readonly others: readonly Threat[];
  /** The baselines' rows that differ from the honest week's, from the attack's beginning to an hour after its end. */
  readonly hours: readonly Row[];
  readonly sessions: readonly Row[];
  readonly fromMs: number;
}

export interface AttackResult {
  readonly kind: "attacks";
  readonly city: string;
  readonly station: string;
  readonly outcomes: readonly AttackOutcome[];
  /** What the honest week alone raised. */
  readonly honest: readonly Threat[];
}

const DAYS = 28;
const LEARN_EPOCH_S = 60;
const EPOCH_S = 10;
/** Evidence may come with the hour after the last trace of an attack. */
const AFTER_MS = HOUR_MS;

/** An agent as it stood at a moment of the honest capture. */
interface Standing {
  readonly at: number;
  readonly watch: Watch;
  readonly features: FeatureState;
  /** Index of the first line in each stream that it has not seen. */
  readonly ocppFrom: number;
  readonly meterFrom: number;
}

/** The fourth week as it went on from the same standing. */
interface Week {
  readonly raised: readonly Raised[];
  readonly features: FeatureState;
  readonly opinions: ReadonlyMap<string, number>;
  readonly sinceAttack: ReadonlyMap<Threat, number>;
}

/** Four weeks whose last has at least this many sessions, if there are any such. */
const WANTED_SESSIONS = 4;

function baseCapture(job: AttackJob, of: CityStation): Capture {
  const chance = dice(job.seed, `weeks of ${of.station}`);
  const latest = Math.max(0, daysOf(of.sessions) - DAYS);
  let from = startOf(of.sessions);
  for (let tries = 0; tries < 40; tries++) {
    from = (startOf(of.sessions) + chance.int(latest + 1) * DAY_MS) as WallMs;
    const [last, end] = [from + 0.75 * DAYS * DAY_MS, from + DAYS * DAY_MS];
    const sessions = of.sessions.filter(({ plugInAt, plugOutAt, energyWh }) =>
      plugInAt > last && plugOutAt < end && energyWh > 2_000);
    if (sessions.length >= WANTED_SESSIONS) break;
  }
  const spec = specOf(of, job.seed, { from, days: DAYS }, job.meterEveryS);
  return collect({ station: of.station, ocppVersion: spec.ocppVersion }, honestCapture(spec).items);
}

const firstFrom = (lines: readonly TimedLine[], atMs: number): number => {
  const index = lines.findIndex(({ at }) => at >= atMs);
  return index < 0 ? lines.length : index;
};

function learned(capture: Capture, fromMs: number): Standing {
  const start = Math.min(capture.meter[0]?.at ?? 0, capture.ocpp[0]?.at ?? Infinity) as WallMs;
  const watch = new Watch({ station: capture.station, epochS: LEARN_EPOCH_S, from: start });
  const features = createFeatures();
  const [ocppFrom, meterFrom] = [firstFrom(capture.ocpp, fromMs), firstFrom(capture.meter, fromMs)];
  const past = { ...capture, ocpp: capture.ocpp.slice(0, ocppFrom), meter: capture.meter.slice(0, meterFrom) };
  for (const item of itemsOf(past)) watch.take(item, { observations: feedFeatures.bind(undefined, features) });
  features.hours.length = features.sessions.length = 0;
  return { at: fromMs, watch: watch.fork(EPOCH_S), features, ocppFrom, meterFrom };
}

/** Lines of one honest week come again with each attack: they are read once. */
class Reader {
  readonly #events = new Map<string, AgentEvent>();

  read({ stream, at, line }: CaptureItem): CaptureItem {
    let event = this.#events.get(line);
    if (event === undefined) {
      const parsed = stream === "ocpp" ? parseTraceLine(line) : parseMeterLine(line);
      if (!parsed.ok) throw new Error(`a capture of our own is bad: ${parsed.what}: ${parsed.found}`);
      this.#events.set(line, (event = parsed.event));
    }
    return { stream, at, line, event };
  }
}

interface Living {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Told the agent each midnight. */
  readonly midnight?: (at: number, watch: Watch, features: FeatureState) => void;
}

function liveOn(standing: Standing, capture: Capture, reader: Reader, { fromMs, untilMs, midnight }: Living): Week {
  const watch = standing.watch.fork(EPOCH_S);
  const features = copyOf(standing.features);
  let midnightAt = (Math.floor(standing.at / DAY_MS) + 1) * DAY_MS;
  const raised: Raised[] = [];
  const opinions = new Map<string, number>();
  const gained = new Map<string, number>();
  const sinceAttack = new Map<Threat, number>();
  const witness = {
    observations: feedFeatures.bind(undefined, features),
    findings: (findings: readonly { key: string; nats: number; at: number }[]) => {
      for (const { key, nats, at } of findings) {
        if (at >= fromMs && nats > 0) gained.set(key, (gained.get(key) ?? 0) + nats);
      }
    },
    beliefs: (beliefs: readonly Belief[]) => {
      for (const { key, opinion } of beliefs) opinions.set(key, Math.max(opinion, opinions.get(key) ?? 0));
    },
    raised: (one: Raised) => {
      raised.push(one);
      if (sinceAttack.has(one.threat)) return;
      sinceAttack.set(one.threat, Math.min(1, (gained.get(one.threat) ?? 0) / one.belief.sinceOnsetNats));
    },
  };
  const { ocppFrom, meterFrom } = standing;
  const week = { ...capture, ocpp: capture.ocpp.slice(ocppFrom), meter: capture.meter.slice(meterFrom) };
  for (const item of itemsOf(week)) {
    if (item.at > untilMs) break;
    for (; item.at >= midnightAt; midnightAt += DAY_MS) midnight?.(midnightAt, watch, features);
    watch.take(reader.read(item), witness);
  }
  watch.tickTo(untilMs, witness);
  return { raised, features, opinions, sinceAttack };
}

function sameLines(some: readonly TimedLine[], others: readonly TimedLine[], count: number): boolean {
  for (let i = 0; i < count; i++) if (some[i]?.line !== others[i]?.line) return false;
  return true;
}

const newRows = (rows: readonly Row[], honest: readonly Row[], fromMs: number, toMs: number): Row[] => {
  const before = new Set(honest.map(({ at, values }) => `${at} ${values.join()}`));
  return rows.filter(({ at, values }) => at >= fromMs && at <= toMs && !before.has(`${at} ${values.join()}`));
};

interface Scene {
  readonly job: AttackJob;
  readonly capture: Capture;
  /** One a day of the fourth week, oldest first. */
  readonly standings: readonly Standing[];
  readonly reader: Reader;
  readonly honest: Week;
}

/** The latest standing before the attack whose past the attack left as it was. */
function standingBefore({ standings, capture, job }: Scene, made: Attacked, fromMs: number, name: string): Standing {
  const untouched = ({ at, ocppFrom, meterFrom }: Standing): boolean => at <= fromMs
    && sameLines(made.capture.ocpp, capture.ocpp, ocppFrom) && sameLines(made.capture.meter, capture.meter, meterFrom);
  const found = standings.filter(untouched).at(-1);
  if (found === undefined) throw new Error(`${name} at ${job.station} changes the past that was learned from`);
  return found;
}

function outcomeOf(scene: Scene, name: string, attack: StationAttack, strength: StrengthName): AttackOutcome {
  const { job, capture, reader, honest } = scene;
  const { threat, amount } = attack;
  const nothing = {
    city: job.city, station: job.station, attack: name, threat, strength, amount: amount(STRENGTHS[strength]),
    terms: [], says: "", opinion: 0, others: [], hours: [], sessions: [], fromMs: 0,
  };
  let made: Attacked;
  try {
    made = attack.make(capture, dice(purposeSeed(job.seed, job.station), name), STRENGTHS[strength]);
  } catch (error) {
    return { ...nothing, impossible: (error as Error).message };
  }
  const fromMs = Math.min(...made.truth.map(({ from }) => from));
  const untilMs = Math.max(...made.truth.map(({ to }) => to)) + AFTER_MS;
  const standing = standingBefore(scene, made, fromMs, name);
  const week = liveOn(standing, made.capture, reader, { fromMs, untilMs });
  const hit = week.raised.find((one) => one.threat === threat && one.at >= fromMs);
  const before = new Set(honest.raised.map((one) => `${one.threat} ${one.at}`));
  const others = week.raised.filter((one) => one.threat !== threat && !before.has(`${one.threat} ${one.at}`));
  return {
    ...nothing, fromMs, opinion: week.opinions.get(threat) ?? 0, others: [...new Set(others.map((one) => one.threat))],
    ...(hit !== undefined && {
      delayS: (hit.at - fromMs) / 1_000, says: hit.belief.says,
      terms: hit.belief.terms.slice(0, 3).map(({ term }) => term), sinceAttack: week.sinceAttack.get(threat) ?? 0,
    }),
    // An hour's row is known at its end.
    hours: newRows(week.features.hours, honest.features.hours, fromMs, untilMs + HOUR_MS),
    sessions: newRows(week.features.sessions, honest.features.sessions, fromMs, untilMs),
  };
}

export function runAttacks(job: AttackJob, of: CityStation): AttackResult {
  const capture = baseCapture(job, of);
  const { from, to } = playground(capture);
  const standings = [learned(capture, from)];
  const reader = new Reader();
  const midnight = (at: number, watch: Watch, features: FeatureState): void => {
    standings.push({ at, watch: watch.fork(EPOCH_S), features: copyOf(features),
      ocppFrom: firstFrom(capture.ocpp, at), meterFrom: firstFrom(capture.meter, at) });
  };
  const honest = liveOn(standings[0] as Standing, capture, reader, { fromMs: from, untilMs: to, midnight });
  const scene = { job, capture, standings, reader, honest };
  const tried = Object.entries(ATTACKS).filter(([name, { scope }]) =>
    scope !== "zone" && job.only?.includes(name) !== false);
  const outcomes = tried.flatMap(([name, attack]) =>
    STRENGTH_NAMES.map((strength) => outcomeOf(scene, name, attack as StationAttack, strength)));
  const { city, station } = job;
  return { kind: "attacks", city, station, outcomes, honest: honest.raised.map(({ threat }) => threat) };
}
