/**
 * authorization-abuse: guessing, spraying or brute-forcing idTokens.
 *
 * Looks for: distinct idTokens refused at this station. The same idToken refused again is one driver trying again and
 * counts once in `SAME_TOKEN_MS`.
 * Statistic: visits with a refusal are a Poisson process at a learned rate; within a visit a driver may hold several
 * cards, so each further refused card continues the visit with a learned probability. Under attack visits are frequent
 * and almost always go on. The sum of both log-likelihood ratios is the evidence; that a visit ended speaks against it.
 * Null: the station's own refusals, by time of week; no public base rate exists (the prior is a judgement).
 * Honest look-alike: a CSMS that refuses everybody. Then refusals come as often as drivers do, and the alternative is
 * set at several times that rate, so that an outage of the back end is not evidence.
 * Joint feature `refusals`: the same events against a rise too small to matter at one station.
 */
import type { Finding, Observation, Term } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now, type TokenPseudonym, type WallMs } from "../units.ts";
import { type Detector, framesOf, MOST_NATS, weigh } from "./detector.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "./learned/habit.ts";
import { createRate, eventNats, learnRate, type LearnedRate, quietNats, upperPerHour } from "./learned/rate.ts";

type Authorization = Extract<Observation, { kind: "authorization" }>;

export interface AuthorizationAbuse {
  refusedVisits: LearnedRate;
  attempts: LearnedRate;
  anotherCard: Habit;
  /** idTokens refused of late: pseudonym and when (wall clock, ms). Newest last. */
  refused: [TokenPseudonym, number][];
  /** Monotonic time of the last refusal of a new token, -1 when no visit is open; and of the last tick, -1: never. */
  lastRefusalMs: number;
  lastTickMs: number;
  /** The detector's own running evidence: while it is high, nothing is learned. */
  suspicion: number;
}

const ANOTHER_CARD: TraitLaw = {
  term: "another card refused in the same visit", absent: "the visit ended",
  attackShare: 0.97, honestShare: 0.3, weight: 10,
};
/** A guesser tries at least this often, and at least `ABOVE_ATTEMPTS` times as often as drivers come. */
const GUESSES_PER_HOUR = 12;
const ABOVE_ATTEMPTS = 8;
const SPRAY_PER_HOUR = 0.5;
const SPRAY_ABOVE_ATTEMPTS = 6;
/** Refused visits before anything was learned: one in two days. A judgement. */
const PRIOR_REFUSED_PER_HOUR = 1 / 48;
const PRIOR_ATTEMPTS_PER_HOUR = 4 / 24;
/** Refusals of a card that the CSMS knows: the driver's affair, and no sign of guessing (OCPP 1.6 7.2, 2.0.1 3.4). */
const KNOWN_CARD = new Set(["ConcurrentTx", "NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime"]);
const VISIT_MS = 5 * MINUTE_MS;
const SAME_TOKEN_MS = 12 * HOUR_MS;
const MOST_TOKENS = 256;
/** Above this suspicion the station's normal is not what happens now. */
const LEARN_BELOW_NATS = 5;
/** A long attack must not keep the agent from learning for long after it. */
const MOST_SUSPICION = 20;
/** Quiet time is accounted for at most this long at once: an agent that slept saw nothing. */
const LONGEST_QUIET_MS = 10 * MINUTE_MS;

export const authorizationAbuse: Detector<AuthorizationAbuse> = {
  name: "authorization-abuse",
  version: 1,
  create: () => ({
    refusedVisits: createRate(PRIOR_REFUSED_PER_HOUR, 96),
    attempts: createRate(PRIOR_ATTEMPTS_PER_HOUR, 48),
    anotherCard: createHabit(ANOTHER_CARD),
    refused: [],
    lastRefusalMs: -1,
    lastTickMs: -1,
    suspicion: 0,
  }),
  observe(state, observation, now) {
    if (observation.kind === "tick") return quiet(state, now);
    if (observation.kind !== "authorization") return [];
    if (observation.outcome === "accepted") learnRate(state.attempts, now.wallMs, 0, 1);
    const stranger = observation.outcome === "refused" && !KNOWN_CARD.has(observation.status);
    return stranger ? refusal(state, observation, now) : [];
  },
};

function alternatives(state: AuthorizationAbuse, at: WallMs): { upper: number; guess: number; spray: number } {
  const upper = upperPerHour(state.refusedVisits, at);
  const attempts = upperPerHour(state.attempts, at);
  return {
    upper,
    guess: Math.max(GUESSES_PER_HOUR, ABOVE_ATTEMPTS * attempts),
    spray: Math.max(upper + SPRAY_PER_HOUR, SPRAY_ABOVE_ATTEMPTS * attempts),
  };
}

function quiet(state: AuthorizationAbuse, now: Now): Finding[] {
  const since = state.lastTickMs < 0 ? 0 : now.monoMs - state.lastTickMs;
  state.lastTickMs = now.monoMs;
  if (since <= 0) return [];
  const hours = Math.min(since, LONGEST_QUIET_MS) / HOUR_MS;
  const { upper, guess, spray } = alternatives(state, now.wallMs);
  if (state.suspicion < LEARN_BELOW_NATS) {
    learnRate(state.refusedVisits, now.wallMs, hours, 0);
    learnRate(state.attempts, now.wallMs, hours, 0);
  }
  const terms = [{ term: "time without refusals", nats: quietNats(upper, guess, hours) }, ...endOfVisit(state, now)];
  suspect(state, terms);
  return [
    finding("authorization-abuse", terms, "", now.wallMs),
    finding("refusals", [{ term: "time without refusals", nats: quietNats(upper, spray, hours) }], "", now.wallMs),
  ];
}

/** The visit is over once nobody tried another card for a while: honest ones end sooner than an attack does. */
function endOfVisit(state: AuthorizationAbuse, now: Now): Term[] {
  if (state.lastRefusalMs < 0 || now.monoMs - state.lastRefusalMs < VISIT_MS) return [];
  state.lastRefusalMs = -1;
  return [habitTerm(state.anotherCard, ANOTHER_CARD, false)];
}

function suspect(state: AuthorizationAbuse, terms: readonly Term[]): void {
  const sum = terms.reduce((total, term) => total + term.nats, state.suspicion);
  state.suspicion = Math.min(MOST_SUSPICION, Math.max(0, sum));
}

function refusal(state: AuthorizationAbuse, seen: Authorization, now: Now): Finding[] {
  if (alreadyRefused(state, seen.token, now.wallMs)) return [];
  const { upper, guess, spray } = alternatives(state, now.wallMs);
  const ended = endOfVisit(state, now);
  const sameVisit = state.lastRefusalMs >= 0;
  state.lastRefusalMs = now.monoMs;
  const terms: Term[] = sameVisit
    ? [habitTerm(state.anotherCard, ANOTHER_CARD, true)]
    : [...ended, { term: "visits with a refused card", nats: eventNats(upper, guess) }];
  const learn = state.suspicion < LEARN_BELOW_NATS;
  suspect(state, terms);
  if (learn) {
    learnHabit(state.anotherCard, sameVisit);
    if (!sameVisit) {
      learnRate(state.refusedVisits, now.wallMs, 0, 1);
      learnRate(state.attempts, now.wallMs, 0, 1);
    }
  }
  const lately = state.refused.filter(([, at]) => now.wallMs - at < HOUR_MS).length;
  const usual = upper.toFixed(2);
  const says = `${lately} different idTokens refused within an hour; ` +
    `${usual} visits an hour with a refusal would be usual`;
  const frames = framesOf(seen);
  const found = [finding("authorization-abuse", terms, says, now.wallMs, frames)];
  if (!sameVisit) {
    const term = { term: "visits with a refused card", nats: eventNats(upper, spray) };
    found.push(finding("refusals", [term], says, now.wallMs, frames));
  }
  return found;
}

/** Whether this idToken was refused of late; notes it either way. */
function alreadyRefused(state: AuthorizationAbuse, token: TokenPseudonym, at: WallMs): boolean {
  const index = state.refused.findIndex(([known]) => known === token);
  const entry = index < 0 ? undefined : state.refused.splice(index, 1)[0];
  state.refused.push([token, at]);
  if (state.refused.length > MOST_TOKENS) state.refused.shift();
  return entry !== undefined && at - entry[1] < SAME_TOKEN_MS;
}

function finding(
  key: Finding["key"], terms: Term[], says: string, at: WallMs, frames: readonly number[] = [],
): Finding {
  return { key, at, ...weigh(terms, -MOST_NATS, MOST_NATS), frames, says };
}
