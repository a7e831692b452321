/**
 * How much evidence makes a verdict at one station.
 *
 * The evidence is a CUSUM of log e-values. For any such sum the mean number of updates to a false alarm is at least
 * exp(threshold), without assuming independence (Shin, Ramdas, Rinaldo, "E-detectors", arXiv 2203.03532, theorem 2.4;
 * CUSUM never exceeds the Shiryaev-Roberts sum). So the threshold follows from the stated mean time between false alarms
 * and from how often a threat's evidence is updated at a busy station.
 */
import { type EvidenceKey, FEATURES, THREATS, type Threat } from "../terms.ts";

/** One false alert in five years at a station, all threats together. */
export const YEARS_BETWEEN_FALSE_ALERTS = 5;

/**
 * Informative updates in a year at a busy station: events that can raise the evidence (quiet time only lowers it).
 * Threats without a detector yet have none.
 */
const UPDATES_PER_YEAR: Partial<Record<Threat, number>> = {
  "authorization-abuse": 2_000,
  "credential-cloning": 8_000,
  /** Sessions: one session is one e-value. Blocks of idle time are rarely informative. */
  "energy-theft": 4_000,
  "configuration-tampering": 200,
  "firmware-tampering": 12,
};
const UNLISTED_PER_YEAR = 10_000;

/** The law itself: ln(updates a year x years between false alarms of this one threat). */
export function thresholdNats(updatesPerYear: number, yearsBetweenFalseAlarms: number): number {
  return Math.log(updatesPerYear * yearsBetweenFalseAlarms);
}

const THRESHOLDS = new Map<EvidenceKey, number>(
  [...THREATS, ...FEATURES].map((key) => {
    const updates = UPDATES_PER_YEAR[key as Threat] ?? UNLISTED_PER_YEAR;
    return [key, thresholdNats(updates, YEARS_BETWEEN_FALSE_ALERTS * THREATS.length)];
  }),
);

/** The height, nats, at which a station's own evidence for `key` becomes a verdict. */
export function thresholdOf(key: EvidenceKey): number {
  return THRESHOLDS.get(key) ?? Infinity;
}

/**
 * Probability that evidence of this height is no false alarm, if real attacks of one kind or another come to a station as
 * often as false alerts may (all threats together): the odds at the threshold are then the number of threats to one.
 */
export function confidenceAt(sinceOnsetNats: number, threshold: number): number {
  const logOdds = sinceOnsetNats - threshold + Math.log(THREATS.length);
  return 1 / (1 + Math.exp(-logOdds));
}
