/**
 * A quantity that stays where it is (the distance of two clocks) until it is set anew: a value apart from it is
 * contradicted by the next ones, unless they agree with it.
 */
export interface Steady {
  /** What it is held to be; undefined before anything was learned. */
  base: number | undefined;
  candidate: number;
  /** Values in a row that agree with the candidate. */
  agreed: number;
}

/** So many values that agree are a new base: a clock was set. */
const ENOUGH = 3;

export const createSteady = (): Steady => ({ base: undefined, candidate: 0, agreed: 0 });

/** Whether `value` contradicts what was learned; learns from it. @param within what counts as the same */
export function contradicts(steady: Steady, value: number, within: number): boolean {
  if (steady.base !== undefined && Math.abs(value - steady.base) <= within) {
    steady.agreed = 0;
    return false;
  }
  const agrees = steady.agreed > 0 && Math.abs(value - steady.candidate) <= within;
  steady.agreed = agrees ? steady.agreed + 1 : 1;
  steady.candidate = value;
  const known = steady.base !== undefined;
  if (steady.agreed >= ENOUGH) Object.assign(steady, { base: value, agreed: 0 });
  return known;
}
