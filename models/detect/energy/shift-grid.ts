/**
 * Evidence that a run of residuals has one common shift: the mixture over a grid of shifts of the product of their
 * likelihood ratios, ln( mean_j prod_i f((x_i - shift_j) / s_i) / f(x_i / s_i) ), with f Student's t with `FREEDOM`
 * degrees of freedom unless others are given. For each shift the product is an e-value, and so is their mean. Heavy
 * tails bound what any single residual can say, whatever its size.
 */
export interface ShiftGrid {
  readonly shifts: number[];
  /** Logarithm of the likelihood ratio of each shift. */
  readonly sums: number[];
}

const POINTS = 12;
const FREEDOM = 4;

/** A geometric grid of shifts from `least` to `most`, both positive. */
export function createShiftGrid(least: number, most: number): ShiftGrid {
  const step = Math.pow(Math.max(1, most / least), 1 / (POINTS - 1));
  return {
    shifts: Array.from({ length: POINTS }, (_, index) => least * Math.pow(step, index)),
    sums: new Array<number>(POINTS).fill(0),
  };
}

/** Logarithm of Student's t density but for its constant, which cancels in a ratio. */
function logDensity(z: number, freedom: number): number {
  return -((freedom + 1) / 2) * Math.log1p((z * z) / freedom);
}

/** Logarithm of the likelihood ratio of one shift, nats. */
export function shiftNats(residual: number, shift: number, scale: number, freedom = FREEDOM): number {
  return logDensity((residual - shift) / scale, freedom) - logDensity(residual / scale, freedom);
}

/** Where a step of unknown size may lie, and the constant of Student's t with as many degrees of freedom. */
const STEP = { least: 50, most: 100_000, freedom: 8, peak: 0.3867 };

/**
 * Logarithm of the likelihood ratio of a step whose logarithm may be anything between its bounds, nats.
 * @param excess the step as it was seen, from `STEP.least` on
 * @param scale its standard deviation where there was none
 */
export function jumpNats(excess: number, scale: number): number {
  const honest = Math.log(STEP.peak / scale) + logDensity(excess / scale, STEP.freedom);
  return -Math.log(excess * Math.log(STEP.most / STEP.least)) - honest;
}

/**
 * @param residual distance from what is normal
 * @param scale its standard deviation under honest behaviour
 * @param freedom of Student's t: the less, the heavier are the tails
 */
export function addBlock(grid: ShiftGrid, residual: number, scale: number, freedom = FREEDOM): void {
  grid.shifts.forEach((shift, index) => {
    grid.sums[index] = (grid.sums[index] ?? 0) + shiftNats(residual, shift, scale, freedom);
  });
}

/** The mixture's log-likelihood ratio, nats. */
export function shiftGridNats(grid: ShiftGrid): number {
  const top = Math.max(...grid.sums);
  const mean = grid.sums.reduce((sum, value) => sum + Math.exp(value - top), 0) / grid.sums.length;
  return top + Math.log(mean);
}
