/** What the bench's tables are made of, the same for both stages. */

/** Delays of one rule in one case; unit as the stage's. */
export interface DelayRow {
  readonly stage: string;
  /** What happens: the key and strength of the attack. */
  readonly attack: string;
  readonly n: number;
  readonly f: number;
  /** Which threshold: for honest peers, or safe against f framers. */
  readonly safe: boolean;
  /** Who lies, what is lost. */
  readonly case: string;
  readonly rule: string;
  readonly threshold: number;
  readonly trials: number;
  /** Share of the trials in which the attack was found. */
  readonly found: number;
  /** Mean over the trials; one that found nothing counts as `most`. */
  readonly mean: number;
  readonly median: number;
  /** Watched for so long. */
  readonly most: number;
}

export interface ThresholdRow {
  readonly stage: string;
  readonly key: string;
  readonly n: number;
  readonly f: number;
  readonly rule: string;
  /** Nats; Infinity where no threshold would do. */
  readonly honest: number;
  readonly safe: number;
}

/** One broken station among honest ones: how often the zone raises. */
export interface ControlRow {
  readonly stage: string;
  readonly fault: string;
  readonly n: number;
  readonly f: number;
  readonly rule: string;
  /** Share of the runs in which the zone raised, at the threshold for honest peers and at the safe one. */
  readonly honest: number;
  readonly safe: number;
  /** The same without the fault. */
  readonly without: number;
  readonly runs: number;
}

export function delayFigures(delays: readonly number[], most: number): Pick<DelayRow, "found" | "mean" | "median"> {
  const sorted = delays.map((delay) => Math.min(most, delay)).sort((a, b) => a - b);
  return {
    found: delays.filter((delay) => delay <= most).length / Math.max(1, delays.length),
    mean: sorted.reduce((total, delay) => total + delay, 0) / Math.max(1, sorted.length),
    median: sorted[Math.floor((sorted.length - 1) / 2)] ?? Infinity,
  };
}
