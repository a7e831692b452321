/**
 * The streets: the real detectors on made-up honest traffic with a rush that all stations share and set-points that the
 * CSMS pushes to all, and attacks on it. Delays in seconds, at ten-second epochs.
 */
import { HOUR_S, type Key, Street, wideClip } from "../street.testing.ts";
import { NEWER_WITHIN_EPOCHS } from "../zone-decision.ts";
import { BUDGET_PER_YEAR, clipOf, zoneThreshold } from "../zone-laws.ts";
import { casesOf, type Diced, type Size } from "./gaussian-table.testing.ts";
import type { Setting } from "./gaussian-stage.testing.ts";
import { Peaks } from "./peaks.testing.ts";
import { type ControlRow, delayFigures, type DelayRow, type ThresholdRow } from "./rows.testing.ts";
import { CENTRE, POSSIBLE, RULES, ZONE_RULE } from "./rules.testing.ts";
import { brokenStation, type StreetAttack, type StreetKey, together, sprinkled } from "./street-attacks.testing.ts";
import { tell, type Told } from "./told.testing.ts";
import { f1Of } from "./votes.testing.ts";

export const STREET_KEYS: readonly StreetKey[] = ["starts", "stops", "power-step", "setpoint-step", "refusals"];
/** The zone's decision at the threshold that it is shipped with, and not at this run's. */
export const SHIPPED = "zone's, as shipped";
const STAGE = "street";
const EPOCH_S = 10;
const LEARNING_HOURS = 60 * 24;
const YEAR_HOURS = 365 * 24;
const TRAINING_TRIALS = 8;
/** A detector's vote in training: own evidence above this, nats. */
const VOTE = 1;
/** Half hours in which a rule read anything at all; of fewer no tail can be told. */
const FEWEST_PEAKS = 9;
/** Of a member that cannot be heard. */
const SILENT = -Infinity;

type Weights = Readonly<Record<StreetKey, readonly number[]>>;

export interface StreetZone {
  readonly size: Size;
  readonly years: number;
  readonly learned: Street;
  readonly weights: Weights;
  readonly thresholds: readonly ThresholdRow[];
}

const isWatched = (key: Key): key is StreetKey => (STREET_KEYS as readonly Key[]).includes(key);
const clips = (key: Key, size: Size) => ({ clip: wideClip(key), zoneClip: clipOf(key, size) / 1_000 });
export const rowsOf = (street: Street, key: Key, seconds: number): Float64Array[] =>
  street.onsets(key, seconds).map((onset) => Float64Array.from(street.growths(key, onset, seconds)));

function readings(told: Told): Record<string, number> {
  return Object.fromEntries(Object.entries(RULES).map(([name, statistic]) => [name, statistic(told)]));
}

/** The same street with a future of its own, at some hour of the day. */
export function forked({ learned, seed, diced }: { learned: Street; seed: number; diced: Diced }): Street {
  const street = learned.fork(diced(seed));
  street.live(street.dice.int(24), () => undefined);
  return street;
}

/** How good each station's own evidence is at telling whether it is affected: F1 over half of them attacked. */
function trainedWeights(learned: Street, diced: Diced): Weights {
  const weightsOf = (key: StreetKey): number[] => {
    const attack = key === "refusals" ? sprinkled("medium", 2.5) : together(key, "medium", 0.5);
    const counts = learned.stations.map(() => ({ hits: 0, falseAlarms: 0, misses: 0 }));
    for (let trial = 0; trial < TRAINING_TRIALS; trial++) {
      const street = forked({ learned, seed: 500_000 + trial, diced });
      const hit = new Set(attack.plan(street, street.seconds + 600));
      const top = learned.stations.map(() => 0);
      street.live(1, (rose, seconds) => {
        if (rose !== key) return;
        tell(rowsOf(street, key, seconds), { f: 0, ...clips(key, { n: learned.options.n, f: 0 }) }).cusums
          .forEach((cusum, station) => (top[station] = Math.max(top[station] ?? 0, cusum)));
      });
      counts.forEach((count, station) => {
        const voted = (top[station] ?? 0) > VOTE;
        if (voted) count[hit.has(station) ? "hits" : "falseAlarms"] += 1;
        else if (hit.has(station)) count.misses += 1;
      });
    }
    return counts.map(f1Of);
  };
  return {
    "starts": weightsOf("starts"), "stops": weightsOf("stops"), "power-step": weightsOf("power-step"),
    "setpoint-step": weightsOf("setpoint-step"), "refusals": weightsOf("refusals"),
  };
}

/** Lives through honest years and sets every rule's thresholds, without liars and under f framers. */
export function learnZone(size: Size, years: number, diced: Diced): StreetZone {
  const { n, f } = size;
  const options = { n, epochS: EPOCH_S, pushesPerHour: 1 };
  const learned = new Street(options, diced(7 + 100 * n + f));
  learned.live(LEARNING_HOURS, () => undefined);
  const weights = trainedWeights(learned, diced);
  const peaks = new Map<string, Peaks>();
  const note = (name: string, seconds: number, sum: number): void => {
    if (!peaks.has(name)) peaks.set(name, new Peaks(0.05));
    peaks.get(name)?.add(seconds, sum);
  };
  const honest = learned.fork(diced(9 + 100 * n + f));
  honest.live(Math.round(years * YEAR_HOURS), (key, seconds) => {
    if (!isWatched(key)) return;
    const rows = rowsOf(honest, key, seconds);
    const asked = { f, ...clips(key, size), weights: weights[key] };
    const framed = tell(rows.map((row) => Float64Array.from(row)), { ...asked, lie: { members: f, claim: 1 } });
    const sums = { honest: readings(tell(rows, asked)), framed: readings(framed) };
    for (const [mode, read] of Object.entries(sums)) {
      for (const [rule, sum] of Object.entries(read)) note(`${key} ${rule} ${mode}`, seconds, sum);
    }
  });
  const level = (key: StreetKey, rule: string, mode: string): number => {
    const found = peaks.get(`${key} ${rule} ${mode}`);
    const enough = found !== undefined && found.values.length >= FEWEST_PEAKS;
    return enough ? found.level(years, BUDGET_PER_YEAR[key]) : Infinity;
  };
  const thresholds = STREET_KEYS.flatMap((key) => thresholdRows(size, key, (rule, mode) => level(key, rule, mode)));
  return { size, years, learned, weights, thresholds };
}

function thresholdRows(
  { n, f }: Size, key: StreetKey, level: (rule: string, mode: "honest" | "framed") => number,
): ThresholdRow[] {
  const common = { stage: STAGE, key, n, f };
  const shipped = zoneThreshold(key, { n, f }) / 1_000;
  const centre = level("pooled CUSUM", "honest");
  return [
    ...Object.keys(RULES).filter((rule) => rule !== POSSIBLE).map((rule) => {
      const hopeless = rule === "any station alone" || rule === "pooled CUSUM";
      return { ...common, rule, honest: level(rule, "honest"), safe: hopeless ? Infinity : level(rule, "framed") };
    }),
    { ...common, rule: SHIPPED, honest: shipped, safe: shipped },
    ...[POSSIBLE, CENTRE].map((rule) => ({ ...common, rule, honest: centre, safe: centre })),
  ];
}

/** Whether a station's statement of an epoch is lost: alike for all that asks within one trial. */
function isLost(seed: number, station: number, epoch: number, loss: number): boolean {
  let mixed = Math.imul(seed ^ Math.imul(station + 1, 0x9e3779b1) ^ Math.imul(epoch, 0x85ebca6b), 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x27d4eb2f);
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32 < loss;
}

/** Growths as they are heard: of statements that came, of members that are not cut off. */
function heardRows(street: Street, key: StreetKey, seconds: number, seed: number, setting: Partial<Setting>) {
  const { loss = 0, cutOff = 0, broken } = setting;
  const { n } = street.options;
  const heardAt = (station: number, when: number): { value: number; lag: number } => {
    let lag = 0;
    while (loss > 0 && lag < 60 && isLost(seed, station, Math.round(when / EPOCH_S) - lag, loss)) lag += 1;
    return { value: street.stations[station]?.curves[key].at(when - lag * EPOCH_S) ?? 0, lag };
  };
  return street.onsets(key, seconds).map((onset) => Float64Array.from({ length: n }, (_, station) => {
    if (station >= n - cutOff) return SILENT;
    if (station === broken) return Infinity;
    const newer = heardAt(station, seconds);
    return newer.lag > NEWER_WITHIN_EPOCHS ? SILENT : newer.value - heardAt(station, onset).value;
  }));
}

interface Trial {
  readonly zone: StreetZone;
  readonly attack: StreetAttack;
  readonly setting: Partial<Setting>;
  readonly seed: number;
  readonly diced: Diced;
}

/** Seconds until each rule first read its threshold, by rule, honest and safe. */
function delaysOnce({ zone, attack, setting, seed, diced }: Trial, levels: readonly ThresholdRow[]) {
  const { learned, size: { f }, weights } = zone;
  const street = forked({ learned, seed, diced });
  const fromS = street.seconds + 600;
  attack.plan(street, fromS);
  const found = { honest: new Map<string, number>(), safe: new Map<string, number>() };
  const asked = { f, ...clips(attack.key, zone.size), weights: weights[attack.key], lie: setting.lie };
  const note = (seconds: number, read: Readonly<Record<string, number>>): void => {
    for (const { rule, honest, safe } of levels) {
      const sum = read[rule] ?? 0;
      if (sum >= honest && !found.honest.has(rule)) found.honest.set(rule, seconds - fromS);
      if (sum >= safe && !found.safe.has(rule)) found.safe.set(rule, seconds - fromS);
    }
  };
  street.live(attack.hours, (key, rose) => {
    if (key !== attack.key || rose <= fromS) return;
    const centre = tell(rowsOf(street, attack.key, rose), { ...asked, lie: undefined });
    note(rose, { [CENTRE]: RULES["pooled CUSUM"]?.(centre) ?? 0 });
    // What was lost is told by a later statement.
    for (let late = 0; late <= (setting.loss === undefined ? 0 : NEWER_WITHIN_EPOCHS); late++) {
      const seconds = rose + late * EPOCH_S;
      const read = readings(tell(heardRows(street, attack.key, seconds, seed, setting), asked));
      note(seconds, { ...read, [SHIPPED]: read[ZONE_RULE] ?? 0 });
    }
  });
  return found;
}

export function streetDelays(zone: StreetZone, attack: StreetAttack, trials: number, diced: Diced): DelayRow[] {
  const levels = zone.thresholds.filter(({ key }) => key === attack.key);
  const most = attack.hours * HOUR_S;
  return casesOf(zone.size).flatMap(({ name, safe, setting }) => {
    const all = Array.from({ length: trials }, (_, trial) =>
      delaysOnce({ zone, attack, setting, seed: 300_000 + trial, diced }, levels)[safe ? "safe" : "honest"]);
    return levels.map((level): DelayRow => ({
      stage: STAGE, attack: attack.name, ...zone.size, safe, case: name, rule: level.rule, trials, most,
      threshold: safe ? level.safe : level.honest,
      ...delayFigures(all.map((one) => one.get(level.rule) ?? Infinity), most),
    }));
  });
}

/** A station that does one thing without end, in an otherwise honest street. */
export function streetControls(zone: StreetZone, trials: number, diced: Diced): ControlRow[] {
  return STREET_KEYS.flatMap((key) => {
    const fault = brokenStation(key);
    const levels = zone.thresholds.filter((row) => row.key === key);
    const run = (attack: StreetAttack) => Array.from({ length: trials }, (_, trial) =>
      delaysOnce({ zone, attack, setting: {}, seed: 400_000 + trial, diced }, levels));
    const [broken, whole] = [run(fault), run({ ...fault, plan: () => [] })];
    return levels.map(({ rule }): ControlRow => {
      const share = (runs: typeof broken, which: "honest" | "safe"): number =>
        runs.filter((one) => one[which].has(rule)).length / trials;
      return {
        stage: STAGE, fault: fault.name, ...zone.size, rule, runs: trials,
        honest: share(broken, "honest"), safe: share(broken, "safe"), without: share(whole, "safe"),
      };
    });
  });
}
