/** How well one meter and one station agree: the ratio of delivered to billed energy, and how far apart. */
import type { MeterSide } from "../../terms.ts";
import { HOUR_MS, SECOND_MS } from "../../units.ts";
import type { Spread } from "../learned/spread.ts";

/** What is learned of one meter and station pair. */
export interface Agreement {
  /** Of x = ln(delivered / billed). */
  ratio: Spread;
  /**
   * How far apart in time a report and the meter's register are, as a share of the time that could lie between them:
   * mean square, and how much that rests on.
   */
  lag2: number;
  lagWeight: number;
  /** Whether the meter has gone along with a session since it last saw nothing of one. */
  trusted: boolean;
  /** What of late spoke against honesty, each way, nats: while it does, nothing is learned. */
  suspicion: { theft: number; inflation: number };
  /** What the classes of both meters allow x to be off, where they are known and not class B both. */
  allowedShift?: number;
}

export interface Timing {
  /** The highest power of the block. */
  readonly peakW: number;
  readonly everyMs: number;
}

/** Resolution of both registers together, Wh: whole Wh at best, 10 Wh often. */
export const RESOLUTION_WH = 12;
/** A report is this much older than its frame at most, s; the meter's own interval may lie between, too. */
const REPORT_S = 1;
/** Prior of the lag's share of that time, and the bounds of learning. */
const LAG = 0.3;
const LAG_WEIGHT = 20;
const MOST_LAG_WEIGHT = 500;
const LEAST_LAG = 0.05;
const MOST_LAG = 2;
/** A block further off than this many standard deviations teaches no more than this: outliers teach little. */
const LEARN_WITHIN = 3;
/** Honest meters: class B of EN 50470-3 allows 1 to 1.5 %; two of them, mostly well within. */
const CLASS_VARIANCE = 0.005 ** 2;
/** |x| beyond this is a missing or foreign register, not a ratio. */
const MOST_X = 1.5;

/**
 * The shipped prior of x and the bounds that learning keeps. On the output side meters agree within their class. On the
 * AC side of a DC charger 4 to 10 % are lost, so the prior is wide there until the station has shown its own.
 */
export function priorAgreement(side: MeterSide): Agreement {
  const ratio: Spread = side === "ac-input"
    ? { centre: 0.04, variance: 0.035 ** 2, weight: 2, floor: CLASS_VARIANCE, ceiling: 0.05 ** 2 }
    : { centre: 0, variance: 0.01 ** 2, weight: 4, floor: CLASS_VARIANCE, ceiling: 0.02 ** 2 };
  return { ratio, lag2: LAG ** 2, lagWeight: LAG_WEIGHT, trusted: false, suspicion: { theft: 0, inflation: 0 } };
}

export const CENTRE_BOUNDS = {
  "ac-input": { least: -0.03, most: 0.12 },
  "evse-output": { least: -0.03, most: 0.03 },
} as const;

/** x, within what can be a ratio at all. */
export function ratioOf(deliveredWh: number, billedWh: number): number {
  return Math.max(-MOST_X, Math.min(MOST_X, Math.log(Math.max(1, deliveredWh) / Math.max(1, billedWh))));
}

/** The most by which a report and the meter's register may honestly lie apart in time, s. */
function spanS({ everyMs }: Timing): number {
  return REPORT_S + everyMs / SECOND_MS;
}

/** Standard deviation of an energy from timing and resolution, Wh; `lateMs`: of those yet to report. */
export function noiseWh(learned: Agreement, timing: Timing, lateMs: number, resolutionWh2: number): number {
  const lagH = (Math.sqrt(2 * learned.lag2) * spanS(timing)) / 3_600;
  const timingWh = timing.peakW * (lagH + lateMs / HOUR_MS);
  return Math.sqrt(resolutionWh2 + timingWh ** 2);
}

/** What the residual of an honest block leaves beside the ratio's spread and the resolution is timing. */
export function learnLag(learned: Agreement, timing: Timing, deliveredWh: number, billedWh: number): void {
  if (timing.peakW <= 0) return;
  const residualWh = deliveredWh - billedWh * Math.exp(learned.ratio.centre);
  const spreadWh2 = Math.max(learned.ratio.floor, learned.ratio.variance) * deliveredWh ** 2;
  const timingWh2 = Math.max(0, residualWh ** 2 - spreadWh2 - 2 * RESOLUTION_WH ** 2) / 2;
  const lag2 = timingWh2 * (3_600 / (timing.peakW * spanS(timing))) ** 2;
  learned.lagWeight = Math.min(MOST_LAG_WEIGHT, learned.lagWeight + 1);
  const next = learned.lag2 + (Math.min(lag2, LEARN_WITHIN ** 2 * learned.lag2) - learned.lag2) / learned.lagWeight;
  learned.lag2 = Math.min(MOST_LAG ** 2, Math.max(LEAST_LAG ** 2, next));
}
