/** What the forwarder counts: for `status`, metrics and benches. */
import type { Direction, Oddity } from "../../models/terms.ts";

export interface DirectionStats {
  /** Bytes passed after the upgrade. */
  bytes: number;
  /** Text messages handed to the pipeline. */
  frames: number;
  /** True while some open connection cannot be read in this direction. */
  blind: boolean;
}

export interface ForwarderStats {
  readonly connections: { readonly now: number; readonly total: number; readonly refused: number };
  readonly directions: Readonly<Record<Direction, Readonly<DirectionStats>>>;
  readonly unparsed: Readonly<Partial<Record<Oddity, number>>>;
  /** Messages that a guard's policy should have seen and could not; 0 where there is none. */
  readonly unjudged: number;
  /** Times that the pipeline or the tap threw, and whether the tap was turned off for it. */
  readonly tap: { readonly errors: number; readonly disabled: boolean };
  /** Read from one side and not yet taken by the other. */
  readonly bufferedBytes: number;
  /** From a piece of data being here to its being written to the other side, microseconds. */
  readonly delay: { readonly p50Us: number; readonly p99Us: number; readonly samples: number };
}

/** Counters shared by all connections of one forwarder; only ever added to, but for `now` and `blind`. */
export interface Counters {
  now: number;
  total: number;
  refused: number;
  readonly bytes: Record<Direction, number>;
  readonly frames: Record<Direction, number>;
  readonly blind: Record<Direction, number>;
  readonly unparsed: Partial<Record<Oddity, number>>;
  /** Messages that a guard's policy should have seen and could not. */
  unjudged: number;
  tapErrors: number;
  tapDisabled: boolean;
  readonly delay: Histogram;
}

export function createCounters(): Counters {
  const zero = (): Record<Direction, number> => ({ "cp-to-csms": 0, "csms-to-cp": 0 });
  return { now: 0, total: 0, refused: 0, bytes: zero(), frames: zero(), blind: zero(), unparsed: {}, unjudged: 0,
    tapErrors: 0, tapDisabled: false, delay: new Histogram() };
}

export function snapshot(counters: Counters, bufferedBytes: number): ForwarderStats {
  const direction = (name: Direction): DirectionStats =>
    ({ bytes: counters.bytes[name], frames: counters.frames[name], blind: counters.blind[name] > 0 });
  const { now, total, refused, delay } = counters;
  return {
    connections: { now, total, refused },
    directions: { "cp-to-csms": direction("cp-to-csms"), "csms-to-cp": direction("csms-to-cp") },
    unparsed: { ...counters.unparsed }, unjudged: counters.unjudged,
    tap: { errors: counters.tapErrors, disabled: counters.tapDisabled },
    bufferedBytes, delay: { p50Us: delay.quantileUs(0.5), p99Us: delay.quantileUs(0.99), samples: delay.samples },
  };
}

const STEPS_PER_OCTAVE = 4;
const BUCKETS = 25 * STEPS_PER_OCTAVE;

/** Durations on a logarithmic scale from 1 µs to 33 s, four steps an octave: exact to 19 %. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #samples = 0;

  get samples(): number {
    return this.#samples;
  }

  add(us: number): void {
    const bucket = us <= 1 ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log2(us) * STEPS_PER_OCTAVE));
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#samples += 1;
  }

  /** Upper edge of the bucket that the quantile falls in, µs; 0 without samples. */
  quantileUs(quantile: number): number {
    let left = Math.ceil(this.#samples * quantile);
    for (let bucket = 0; bucket < BUCKETS && this.#samples > 0; bucket++) {
      left -= this.#counts[bucket] as number;
      if (left <= 0) return 2 ** (bucket / STEPS_PER_OCTAVE);
    }
    return 0;
  }
}
