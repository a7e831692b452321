/**
 * The learned centre and spread of a quantity, with forgetting, and the evidence that one value is shifted.
 *
 * Null: Student's t with `FREEDOM` degrees of freedom around the centre, whose tails forgive the odd honest glitch.
 * Alternative: mostly a uniform law over the shifts of interest, a little of the null, so that one ordinary value cannot
 * count more against an attack than ln(1 / LEAK).
 */
export interface Spread {
  centre: number;
  variance: number;
  /** How many values that rests on, prior included. */
  weight: number;
  /** The variance never counts as less than this: no meter is better than its class. */
  floor: number;
}

const FREEDOM = 4;
/** Normalising constant of Student's t with four degrees of freedom: 3/8. */
const STUDENT_4 = 0.375;
const LEAK = 0.1;
const MOST_WEIGHT = 200;
/** A value further out than this many spreads is learned as if it lay there: outliers teach little. */
const LEARN_WITHIN = 3;

export interface ShiftLaw {
  /** The shifts that the alternative holds likely: uniform between these. */
  readonly from: number;
  readonly to: number;
}

function nullDensity(residual: number, scale: number): number {
  const z = residual / scale;
  return (STUDENT_4 / scale) * Math.pow(1 + (z * z) / FREEDOM, -(FREEDOM + 1) / 2);
}

/**
 * Log-likelihood ratio of a shift within `law` against none.
 * @param value the observed quantity
 * @param noise standard deviation of this one observation beside the learned spread
 */
export function shiftNats(spread: Spread, value: number, noise: number, law: ShiftLaw): number {
  const scale = scaleOf(spread, noise);
  const residual = value - spread.centre;
  const under0 = nullDensity(residual, scale);
  const inside = residual >= law.from && residual <= law.to ? 1 / (law.to - law.from) : 0;
  return Math.log(((1 - LEAK) * inside + LEAK * under0) / under0);
}

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
  spread.variance += (own - spread.variance) / weight;
  spread.weight = weight;
}
