/**
 * The plain stage: every window gives each station one normal score, evidence is its log-likelihood ratio for a shift
 * of DESIGN_SHIFT, liars claim their worst, statements get lost. Nothing is learned and nothing is correlated, so every
 * rule can be held against what theory says of it.
 */
import { type Dice, normal } from "../street.testing.ts";
import { NEWER_WITHIN_EPOCHS, WINDOW_EPOCHS } from "../zone-decision.ts";
import { RULES, TRIMMED_WINDOWS } from "./rules.testing.ts";
import { type Lie, tell } from "./told.testing.ts";
import { trimmedWindows } from "./sums.testing.ts";

/** The shift that evidence is tuned to, standard deviations. */
export const DESIGN_SHIFT = 0.3;
/** Nats, as a member counts in the zone. */
export const CLIP = 12;
const ZONE_CLIP = 3;
/** A broken station's scores are off by this, standard deviations. */
export const BROKEN_SHIFT = 12;

export interface Setting {
  readonly n: number;
  readonly f: number;
  /** The attack's shift at every station, standard deviations. */
  readonly shift: number;
  readonly lie?: Lie;
  /** The member at this place is broken: BROKEN_SHIFT from the first window, or from the attack on. */
  readonly broken?: number;
  /** Share of statements that never arrive: an older one counts. */
  readonly loss?: number;
  /** The last so many members cannot be heard. */
  readonly cutOff?: number;
}

/** What every rule reads after a window, nats. */
export interface Reading {
  readonly window: number;
  readonly centre: number;
  readonly rules: Readonly<Record<string, number>>;
}

/** One run of a zone from fresh sums. */
export class GaussianRun {
  readonly #dice: Dice;
  readonly #setting: Setting;
  /** Cumulative evidence as it was last heard, a row a window. */
  readonly #heard: Float64Array[];
  readonly #sums: Float64Array;
  readonly #silentFor: Int32Array;
  readonly #rows: readonly Float64Array[];
  readonly #sorted: readonly Float64Array[];
  #centre = 0;
  #trimmed = 0;

  constructor(setting: Setting, dice: Dice) {
    this.#setting = setting;
    this.#dice = dice;
    this.#sums = new Float64Array(setting.n);
    this.#silentFor = new Int32Array(setting.n);
    this.#heard = [new Float64Array(setting.n)];
    this.#rows = Array.from({ length: WINDOW_EPOCHS }, () => new Float64Array(setting.n));
    this.#sorted = Array.from({ length: WINDOW_EPOCHS }, () => new Float64Array(setting.n));
  }

  /** Lives through one window. */
  next(attacked: boolean): Reading {
    const { n, f, lie, cutOff = 0, loss = 0 } = this.#setting;
    const steps = this.#steps(attacked);
    const before = this.#heard.at(-1) as Float64Array;
    const heard = new Float64Array(n);
    for (let member = 0; member < n; member++) {
      this.#sums[member] = (this.#sums[member] as number) + (steps[member] as number);
      const lost = member >= n - cutOff || (loss > 0 && this.#dice.next() < loss);
      heard[member] = (lost ? before : this.#sums)[member] as number;
      this.#silentFor[member] = lost ? (this.#silentFor[member] as number) + 1 : 0;
    }
    this.#heard.push(heard);
    const told = tell(this.#growths(heard), { f, clip: CLIP, zoneClip: ZONE_CLIP, lie }, this.#sorted);
    const rules: Record<string, number> = {};
    for (const [name, statistic] of Object.entries(RULES)) rules[name] = statistic(told);
    rules[TRIMMED_WINDOWS] = this.#trimmed = trimmedWindows(this.#trimmed, this.#heardSteps(heard, before), f);
    return { window: this.#heard.length - 1, centre: this.#centre, rules };
  }

  #steps(attacked: boolean): Float64Array {
    const { n, shift, broken } = this.#setting;
    let all = 0;
    const steps = Float64Array.from({ length: n }, (_, member) => {
      const score = normal(this.#dice) + (attacked ? shift : 0);
      all += stepOf(score);
      return stepOf(score + (member === broken ? BROKEN_SHIFT : 0));
    });
    this.#centre = Math.max(0, this.#centre + all);
    return steps;
  }

  #heardSteps(heard: Float64Array, before: Float64Array): Float64Array {
    const { lie } = this.#setting;
    return heard.map((sum, member) => {
      const lies = lie !== undefined && member < lie.members;
      return lies ? lie.claim * CLIP : sum - (before[member] as number);
    });
  }

  /** True growths since each onset of the window; a member that was silent too long counts as the lowest. */
  #growths(heard: Float64Array): readonly Float64Array[] {
    const last = this.#heard.length - 2;
    const many = Math.min(WINDOW_EPOCHS - 1, last + 1);
    for (let row = 0; row < many; row++) {
      const older = this.#heard[last - row] as Float64Array;
      const into = this.#rows[row] as Float64Array;
      for (let member = 0; member < into.length; member++) {
        const isSilent = (this.#silentFor[member] as number) > NEWER_WITHIN_EPOCHS;
        into[member] = isSilent ? -Infinity : (heard[member] as number) - (older[member] as number);
      }
    }
    return this.#rows.slice(0, many);
  }
}

/** The log-likelihood ratio of one score, nats. */
export function stepOf(score: number): number {
  return DESIGN_SHIFT * score - DESIGN_SHIFT ** 2 / 2;
}

/** The value that a share of the runs stays below; the largest for a share of 1. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/**
 * The share of fresh runs of this many windows that may alarm when false alarms come every `interval` windows: first
 * passages of such sums are close to exponential.
 */
export function alarmShare(windows: number, interval: number): number {
  return 1 - Math.exp(-windows / interval);
}
