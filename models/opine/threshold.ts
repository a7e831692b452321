/**
 * How much evidence makes a verdict at one station.
 *
 * The evidence is a CUSUM of log e-values. For any such sum the mean number of e-values to a false alarm is at least
 * exp(threshold), without assuming independence (Shin, Ramdas, Rinaldo, "E-detectors", arXiv 2203.03532; CUSUM never
 * exceeds the Shiryaev-Roberts sum). So the threshold follows from the stated mean time between false alarms and from
 * how many e-values of a threat a busy station gives in a year.
 */
import { type EvidenceKey, FEATURES, THREATS, type Threat } from "../terms.ts";

/** One false alert in five years at a station, all threats together. */
export const YEARS_BETWEEN_FALSE_ALERTS = 5;

/** Transactions in a year at a busy station, and those that can be compared with its meter. */
export const SESSIONS_A_YEAR = 8_000;
export const COMPARED_A_YEAR = 4_000;

/**
 * How often in a year the evidence may begin anew at a busy station: the e-values of one threat. Where the evidence
 * is that of a rate, a beginning is possible at every moment, and what counts is the alternative's own rate: an event
 * that was chosen because it happened is worth its jump, so slower counting would promise too much. Where it is that
 * of single things (a session, an order, a burst of changes), these are counted. Threats without a detector yet have
 * none.
 */
const E_VALUES_PER_YEAR: Partial<Record<Threat, number>> = {
  /** GUESSES_PER_HOUR in authorization-abuse.ts, all year. */
  "authorization-abuse": 12 * 24 * 365,
  /** Transactions, each compared with those here and with neighbours' notes. */
  "credential-cloning": 16_000,
  /** Sessions: one session is one e-value, or as many as the time since the last allows for (learned/head-start.ts). */
  "energy-theft": COMPARED_A_YEAR,
  /** Sessions, as above. */
  "billing-inflation": COMPARED_A_YEAR,
  /** Bursts of changes. */
  "configuration-tampering": 100,
  /** Orders, boots with another version. */
  "firmware-tampering": 12,
  /** Spells of attacks begin 8 + 6 + 2 + 6 times an hour in denial-of-service.ts, all year. */
  "denial-of-service": 22 * 24 * 365,
  /** Spells of swings begin once a day in load-manipulation.ts, all year; its features are the zone's. */
  "load-manipulation": 365,
  /** Transactions, as of credential-cloning. */
  "session-spoofing": SESSIONS_A_YEAR,
  /** Incidents and silences of a meter. */
  "physical-tampering": 100,
  /** ATTACK_PER_HOUR in reverse-power.ts, all year. */
  "reverse-power": 365,
  /** Rates of bursts (learned/burst.ts): the first alternative's own rate in each law, all year. */
  "profile-tampering": 24 * 365, // hours with orders, where smart charging never rests
  /** The even mixture of that and of the acts that may befall sessions. */
  "remote-command-abuse": (0.5 * 24 * 365 + SESSIONS_A_YEAR) / 2,
  "data-exfiltration": 0.1 * 24 * 365,
  "reconnaissance": 0.5 * 24 * 365,
  /** Likewise 12 + 12 + 12 + 4 times an hour in channel-tampering.ts, and another certificate a day. */
  "channel-tampering": 41 * 24 * 365,
};
const UNLISTED_PER_YEAR = 10_000;

/** The law itself: ln(e-values a year x years between false alarms of this one threat). */
export function thresholdNats(eValuesPerYear: number, yearsBetweenFalseAlarms: number): number {
  return Math.log(eValuesPerYear * yearsBetweenFalseAlarms);
}

const THRESHOLDS = new Map<EvidenceKey, number>(
  [...THREATS, ...FEATURES].map((key) => {
    const eValues = E_VALUES_PER_YEAR[key as Threat] ?? UNLISTED_PER_YEAR;
    return [key, thresholdNats(eValues, YEARS_BETWEEN_FALSE_ALERTS * THREATS.length)];
  }),
);

/** The height, nats, at which a station's own evidence for `key` becomes a verdict. */
export function thresholdOf(key: EvidenceKey): number {
  return THRESHOLDS.get(key) ?? Infinity;
}

/**
 * Probability that evidence of this height is no false alarm, if real attacks of one kind or another come to a
 * station as often as false alerts may (all threats together): the odds at the threshold are then the number of
 * threats to one.
 */
export function confidenceAt(sinceOnsetNats: number, threshold: number): number {
  const logOdds = sinceOnsetNats - threshold + Math.log(THREATS.length);
  return 1 / (1 + Math.exp(-logOdds));
}
