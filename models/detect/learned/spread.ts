/** The learned centre and spread of a quantity, with forgetting. */
export interface Spread {
  centre: number;
  variance: number;
  /** How many values that rests on, prior included. */
  weight: number;
  /** The variance never counts as less than this: no meter is better than its class. */
  floor: number;
  /** The variance is never learned above this: odd values on purpose must not teach that anything goes. */
  ceiling: number;
}

const MOST_WEIGHT = 200;
/** A value further out than this many spreads is learned as if it lay there: outliers teach little. */
const LEARN_WITHIN = 3;

/** The standard deviation of the next observation: spread, doubt about the centre, and its own noise. */
export function scaleOf(spread: Spread, noise: number): number {
  return Math.sqrt(Math.max(spread.floor, spread.variance) * (1 + 1 / spread.weight) + noise * noise);
}

/** Learns one value; `least` and `most` bound the centre, so that slow teaching has an end. */
export function learnSpread(spread: Spread, value: number, noise: number, least: number, most: number): void {
  const scale = scaleOf(spread, noise);
  const furthest = LEARN_WITHIN * scale;
  const step = Math.max(-furthest, Math.min(furthest, value - spread.centre));
  const weight = Math.min(MOST_WEIGHT, spread.weight + 1);
  const own = Math.max(0, step * step - noise * noise);
  spread.centre = Math.min(most, Math.max(least, spread.centre + step / weight));
  spread.variance = Math.min(spread.ceiling, spread.variance + (own - spread.variance) / weight);
  spread.weight = weight;
}
