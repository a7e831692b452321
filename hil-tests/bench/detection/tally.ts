/**
 * Reliability of evidence: how often it rose to a height, to be held against what was promised.
 *
 * A finding is the logarithm of an e-value: among honest ones the share at or above ln(x) is at most 1/x (Markov). The
 * evidence of a key is a CUSUM of them: it may reach height h about exp(-h) times as often as it may begin anew, which
 * is what thresholds rest on (models/opine/threshold.ts). An excursion lasts from one zero of the CUSUM to the next.
 */
import { YEARS_BETWEEN_FALSE_ALERTS, thresholdOf } from "../../../models/opine/threshold.ts";
import { type Belief, type EvidenceKey, type Finding, THREATS } from "../../../models/terms.ts";

/** Tail rates that the table tells. */
export const TAIL_RATES = [1e-1, 1e-2, 1e-3, 1e-4] as const;

/** Nats at which tails are counted: every half, and those of the table. */
export const HEIGHTS: readonly number[] = [
  ...Array.from({ length: 36 }, (_, i) => (i + 1) / 2), ...TAIL_RATES.map((rate) => -Math.log(rate)),
].sort((a, b) => a - b);

export interface KeyTally {
  findings: number;
  /** Findings at or above each height. */
  findingsAt: number[];
  excursions: number;
  /** Excursions whose peak was at or above each height. */
  excursionsAt: number[];
}

export type Tally = Partial<Record<EvidenceKey, KeyTally>>;

function fresh(): KeyTally {
  return {
    findings: 0, findingsAt: HEIGHTS.map(() => 0), excursions: 0, excursionsAt: HEIGHTS.map(() => 0),
  };
}

function countUpTo(counts: number[], nats: number): void {
  for (let i = 0; i < HEIGHTS.length && nats >= (HEIGHTS[i] as number); i++) counts[i] = (counts[i] ?? 0) + 1;
}

/** Follows one station's evidence. `finish` closes the excursions that stand open. */
export class Counting {
  readonly tally: Tally = {};
  readonly #open = new Map<EvidenceKey, { onset: number; peak: number }>();

  findings(findings: readonly Finding[]): void {
    for (const { key, nats } of findings) {
      const of = (this.tally[key] ??= fresh());
      of.findings += 1;
      countUpTo(of.findingsAt, nats);
    }
  }

  beliefs(beliefs: readonly Belief[]): void {
    for (const { key, sinceOnsetNats, onset } of beliefs) {
      const open = this.#open.get(key);
      if (open !== undefined && (sinceOnsetNats === 0 || open.onset !== onset)) this.#close(key, open.peak);
      if (sinceOnsetNats === 0) continue;
      const still = this.#open.get(key);
      if (still === undefined) this.#open.set(key, { onset, peak: sinceOnsetNats });
      else still.peak = Math.max(still.peak, sinceOnsetNats);
    }
  }

  finish(): Tally {
    for (const [key, { peak }] of this.#open) this.#close(key, peak);
    return this.tally;
  }

  #close(key: EvidenceKey, peak: number): void {
    this.#open.delete(key);
    const of = (this.tally[key] ??= fresh());
    of.excursions += 1;
    countUpTo(of.excursionsAt, peak);
  }
}

export function addTally(to: Tally, from: Tally): void {
  for (const [key, of] of Object.entries(from) as [EvidenceKey, KeyTally][]) {
    const sum = (to[key] ??= fresh());
    sum.findings += of.findings;
    sum.excursions += of.excursions;
    of.findingsAt.forEach((count, i) => (sum.findingsAt[i] = (sum.findingsAt[i] ?? 0) + count));
    of.excursionsAt.forEach((count, i) => (sum.excursionsAt[i] = (sum.excursionsAt[i] ?? 0) + count));
  }
}

/** E-values a year that the threshold of a key allows for: threshold = ln(e-values a year x years x threats). */
export function promisedBeginnings(key: EvidenceKey): number {
  return Math.exp(thresholdOf(key)) / (YEARS_BETWEEN_FALSE_ALERTS * THREATS.length);
}

export interface TailRow {
  readonly key: EvidenceKey;
  readonly findings: number;
  /** By tail rate: share of findings at or above ln(1 / rate), over the rate. */
  readonly findingFactors: readonly number[];
  /** By tail rate: excursions to ln(1 / rate) over those that were promised in this time. */
  readonly alarmFactors: readonly number[];
  /** Promised excursions at each rate: where it is small, the factor says little. */
  readonly promised: readonly number[];
}

export function tailRow(key: EvidenceKey, of: KeyTally, years: number): TailRow {
  const promised = TAIL_RATES.map((rate) => promisedBeginnings(key) * years * rate);
  const places = TAIL_RATES.map((rate) => HEIGHTS.indexOf(-Math.log(rate)));
  return {
    key, findings: of.findings, promised,
    findingFactors: TAIL_RATES.map((rate, i) =>
      (of.findingsAt[places[i] as number] ?? 0) / Math.max(1, of.findings) / rate),
    alarmFactors: promised.map((expected, i) => (of.excursionsAt[places[i] as number] ?? 0) / expected),
  };
}
