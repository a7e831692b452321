/** How high a sum comes how often: the highest of separate half hours, and where the data run out their tail. */
const HALF_HOUR_S = 1_800;

const descending = (values: readonly number[]): number[] => [...values].sort((a, b) => b - a);

export class Peaks {
  readonly values: number[] = [];
  /** Sums below this are of no interest for the tail, nats. */
  readonly #least: number;
  #last = -Infinity;

  constructor(least: number) {
    this.#least = least;
  }

  add(seconds: number, sum: number): void {
    if (sum < this.#least) return;
    const same = seconds - this.#last < HALF_HOUR_S;
    this.#last = seconds;
    if (!same) this.values.push(sum);
    else this.values[this.values.length - 1] = Math.max(sum, this.values.at(-1) as number);
  }

  /** The sum that is exceeded `perYear` times a year: by the data, or beyond them with the tail's mean excess. */
  level(years: number, perYear: number): number {
    const sorted = descending(this.values);
    const rank = perYear * years;
    if (rank >= 8) return sorted[Math.floor(rank)] ?? 0;
    const base = Math.min(sorted.length - 1, 30);
    if (base < 8) return sorted[0] ?? 0;
    const over = sorted[base] as number;
    const excess = sorted.slice(0, base).reduce((total, value) => total + value - over, 0) / base;
    return over + excess * Math.log(base / rank);
  }

  above(sum: number): number {
    return this.values.filter((value) => value >= sum).length;
  }
}
