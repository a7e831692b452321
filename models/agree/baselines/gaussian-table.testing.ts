/** Thresholds, delays and controls on the plain stage. */
import type { Dice } from "../street.testing.ts";
import {
  alarmShare, BROKEN_SHIFT, GaussianRun, quantile, type Reading, type Setting,
} from "./gaussian-stage.testing.ts";
import { type ControlRow, delayFigures, type DelayRow, type ThresholdRow } from "./rows.testing.ts";
import { CENTRE, POSSIBLE, RULES, TRIMMED_WINDOWS } from "./rules.testing.ts";

/** Windows between false alarms, on average. */
export const INTERVAL = 5_000;
/** Honest windows before the attack: sums are then as they are on any day. */
const SETTLING = 60;
const STAGE = "gaussian";

export interface Size {
  readonly n: number;
  readonly f: number;
}

export interface Effort {
  /** Fresh honest runs for a threshold, and how long each is. */
  readonly runs: number;
  readonly windows: number;
  readonly trials: number;
  /** A delay is watched for so many windows. */
  readonly most: number;
}

export type Diced = (seed: number) => Dice;

const NAMES = [...Object.keys(RULES), TRIMMED_WINDOWS, CENTRE];
const readOf = ({ centre, rules }: Reading, name: string): number => (name === CENTRE ? centre : rules[name] as number);

/** Each rule's highest reading in every honest run, with the liars that the setting has. */
function highest(setting: Setting, { runs, windows }: Effort, diced: Diced): Record<string, number[]> {
  const found: Record<string, number[]> = Object.fromEntries(NAMES.map((name) => [name, []]));
  for (let seed = 0; seed < runs; seed++) {
    const run = new GaussianRun(setting, diced(1 + seed));
    const top: Record<string, number> = {};
    for (let window = 0; window < windows; window++) {
      const reading = run.next(false);
      for (const name of NAMES) top[name] = Math.max(top[name] ?? 0, readOf(reading, name));
    }
    for (const name of NAMES) found[name]?.push(top[name] ?? 0);
  }
  return found;
}

/** A member at its clip reaches any threshold of a rule that reads the clip itself: none is safe. */
const orNone = (level: number, clipAlone: boolean): number => (clipAlone ? Infinity : level);

export function thresholds({ n, f }: Size, effort: Effort, diced: Diced): ThresholdRow[] {
  const share = 1 - alarmShare(effort.windows, INTERVAL);
  const honest = highest({ n, f, shift: 0 }, effort, diced);
  const framed = highest({ n, f, shift: 0, lie: { members: f, claim: 1 } }, effort, diced);
  return NAMES.map((rule) => {
    const own = quantile(honest[rule === POSSIBLE ? CENTRE : rule] ?? [], share);
    const isYardstick = rule === CENTRE || rule === POSSIBLE;
    const safe = isYardstick ? own : orNone(quantile(framed[rule] ?? [], share), rule === "any station alone");
    return { stage: STAGE, key: "score", n, f, rule, honest: own, safe };
  });
}

interface Case {
  readonly name: string;
  readonly safe: boolean;
  readonly setting: Partial<Setting>;
}

/** Who lies, what is lost, who is cut off. */
export function casesOf({ n, f }: Size): Case[] {
  const hide = { members: f, claim: -1 } as const;
  return [
    { name: "no liars, honest peers", safe: false, setting: {} },
    { name: "no liars", safe: true, setting: {} },
    { name: "f frame", safe: true, setting: { lie: { members: f, claim: 1 } } },
    { name: "f hide", safe: true, setting: { lie: hide } },
    { name: "f-1 hide, 1 broken", safe: true, setting: { lie: { members: f - 1, claim: -1 }, broken: f - 1 } },
    { name: "20 % lost", safe: true, setting: { loss: 0.2 } },
    { name: "50 % lost", safe: true, setting: { loss: 0.5 } },
    { name: "50 % lost, f hide", safe: true, setting: { loss: 0.5, lie: hide } },
    { name: "f cut off", safe: true, setting: { cutOff: f } },
    { name: "half cut off", safe: true, setting: { cutOff: Math.floor(n / 2) } },
  ];
}

/** Windows from the attack's beginning until each rule first reads its threshold; Infinity: not within `most`. */
function delaysOnce(setting: Setting, level: ReadonlyMap<string, number>, most: number, dice: Dice) {
  const run = new GaussianRun(setting, dice);
  for (let window = 0; window < SETTLING; window++) run.next(false);
  const delays = new Map<string, number>();
  for (let window = 1; window <= most && delays.size < level.size; window++) {
    const reading = run.next(true);
    for (const [name, threshold] of level) {
      if (!delays.has(name) && readOf(reading, name) >= threshold) delays.set(name, window);
    }
  }
  return delays;
}

export function delays(
  size: Size, shift: number, levels: readonly ThresholdRow[], effort: Effort, diced: Diced,
): DelayRow[] {
  const { trials, most } = effort;
  return casesOf(size).flatMap(({ name, safe, setting }) => {
    const level = new Map(levels.map((row) => [row.rule, safe ? row.safe : row.honest]));
    const able = new Map([...level].filter(([, threshold]) => Number.isFinite(threshold)));
    const all = Array.from({ length: trials }, (_, trial) =>
      delaysOnce({ ...size, shift, ...setting }, able, most, diced(100_000 + trial)));
    return NAMES.map((rule): DelayRow => ({
      stage: STAGE, attack: `+${shift} sigma`, ...size, safe, case: name, rule, threshold: level.get(rule) ?? Infinity,
      trials, most, ...delayFigures(all.map((one) => one.get(rule) ?? Infinity), most),
    }));
  });
}

/** One station off by BROKEN_SHIFT from the first window on; all others honest. The yardstick is told of no fault. */
export function controls(size: Size, levels: readonly ThresholdRow[], effort: Effort, diced: Diced): ControlRow[] {
  const small = { ...effort, runs: effort.trials };
  const broken = highest({ ...size, shift: 0, broken: 0 }, small, (seed) => diced(200_000 + seed));
  const whole = highest({ ...size, shift: 0 }, small, (seed) => diced(200_000 + seed));
  return levels.filter(({ rule }) => rule !== CENTRE && rule !== POSSIBLE).map(({ rule, honest, safe }): ControlRow => {
    const share = (tops: readonly number[], level: number): number =>
      tops.filter((top) => top >= level).length / small.runs;
    const [with_, without] = [broken[rule] ?? [], whole[rule] ?? []];
    return {
      stage: STAGE, fault: `+${BROKEN_SHIFT} sigma for ${effort.windows} windows`, ...size, rule, runs: small.runs,
      honest: share(with_, honest), safe: share(with_, safe), without: share(without, safe),
    };
  });
}
