/**
 * authorization-abuse: guessing, spraying or brute-forcing idTokens.
 *
 * Looks for: distinct idTokens refused at this station. The same idToken refused again is one driver trying again and
 * counts once in `SAME_TOKEN_MS`.
 * Statistic: visits with a refusal are a Poisson process at a learned rate; within a visit a driver may hold several
 * cards, so each further refused card continues the visit with a learned probability. Three attackers are looked for:
 * one in a hurry, whose visits are frequent and almost always go on; a patient one, whose visits only come more often
 * than they should; and one that hides among many drivers, who come beside it as they always do. The evidence is that
 * of their even mixture.
 * Null: the station's own refusals, by time of week; no public base rate exists (the prior is a judgement).
 * Honest look-alike: a CSMS that refuses everybody, or some. Then refusals come as often as drivers do: the null is
 * every rate up to that one, and the alternative several times it, so that an outage of the back end is not evidence.
 * For whatever share of drivers such an outage refuses, all visits together come no oftener than drivers do: so beside
 * refused visits the accepted ones count, too, for the attacker among them, but no more of them than are usual. A
 * holiday's crowd is no evidence.
 * Joint feature `refusals`: the same events against a rise too small to matter at one station.
 */
import type { Finding, Observation, Term } from "../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Now, type TokenPseudonym, type WallMs } from "../units.ts";
import { type Detector, framesOf, MOST_NATS, weigh } from "./detector.ts";
import { mixtureOf } from "./learned/acts.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "./learned/habit.ts";
import {
  createRate, eventNats, learnRate, type LearnedRate, quietNats, ratePerHour, upperPerHour,
} from "./learned/rate.ts";
import { STARTS_PER_HOUR, STARTS_WEIGHT_HOURS } from "./prior.ts";

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
  /** Cards of the open visit that were learned from; -1: it began under suspicion, and teaches nothing. */
  taught: number;
  /** Running evidence for each attacker, nats; while high, nothing is learned. */
  hurried: number;
  patient: number;
  among: number;
  /** Monotonic time of the last accepted idToken, -1: never; and how many accepted visits are still usual. */
  acceptedMs: number;
  usual: number;
}

const ANOTHER_CARD: TraitLaw = {
  term: "another card refused in the same visit", absent: "the visit ended",
  attackShare: 0.97, honestShare: 0.3, weight: 10,
};
/** Attackers try at least this often, and at least `ABOVE_ATTEMPTS` times as often as drivers come. */
const HURRIED_PER_HOUR = 12;
const PATIENT_PER_HOUR = 1.5;
/** However slowly it was taught, no station is believed to refuse, or to see, more drivers than this. Judgements. */
const MOST_REFUSED_PER_HOUR = 1;
const MOST_ATTEMPTS_PER_HOUR = 3;
const ABOVE_ATTEMPTS = 8;
/** Among drivers an attacker makes visits come so many times as often as they would, and at least so often. */
const AMONG_TIMES = 2.5;
const AMONG_PER_HOUR = 0.5;
/** No more visits that did not come are made up for later. */
const MOST_USUAL = 3;
const SPRAY_PER_HOUR = 0.5;
const SPRAY_ABOVE_ATTEMPTS = 6;
/** Refused visits before anything was learned: one in two days. A judgement. */
const PRIOR_REFUSED_PER_HOUR = 1 / 48;
/** Refusals of a card that the CSMS knows: the driver's affair, and no sign of guessing (OCPP 1.6 7.2, 2.0.1 3.4). */
const KNOWN_CARD = new Set(["ConcurrentTx", "NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime"]);
const VISIT_MS = 5 * MINUTE_MS;
const SAME_TOKEN_MS = 12 * HOUR_MS;
const MOST_TOKENS = 256;
/** Above this suspicion the station's normal is not what happens now. */
const LEARN_BELOW_NATS = 5;
/**
 * Whether a visit teaches is decided when it begins: a card that is left out because the ones before it were suspicious
 * would make every further card look rarer than it is. No visit teaches more than this many cards.
 */
const MOST_TAUGHT = 3;
/** A long attack must not keep the agent from learning for long after it. */
const MOST_SUSPICION = 26;
/** Quiet time is accounted for at most this long at once: an agent that slept saw nothing. */
const LONGEST_QUIET_MS = 10 * MINUTE_MS;

export const authorizationAbuse: Detector<AuthorizationAbuse> = {
  name: "authorization-abuse",
  version: 4,
  create: () => ({
    refusedVisits: createRate(PRIOR_REFUSED_PER_HOUR, 96),
    attempts: createRate(STARTS_PER_HOUR, STARTS_WEIGHT_HOURS),
    anotherCard: createHabit(ANOTHER_CARD),
    refused: [],
    lastRefusalMs: -1,
    lastTickMs: -1,
    taught: -1,
    hurried: 0,
    patient: 0,
    among: 0,
    acceptedMs: -1,
    usual: 0,
  }),
  observe(state, observation, now) {
    if (observation.kind === "tick") return quiet(state, now);
    if (observation.kind !== "authorization") return [];
    if (observation.outcome === "accepted") return accepted(state, now);
    const stranger = observation.outcome === "refused" && !KNOWN_CARD.has(observation.status);
    return stranger ? refusal(state, observation, now) : [];
  },
};

interface Rates {
  /** Refused visits an hour that would be usual. */
  readonly upper: number;
  /** Refused visits an hour that honesty explains: as many as there are visits, when the CSMS refuses everybody. */
  readonly honest: number;
  readonly hurried: number;
  readonly patient: number;
  /** Visits an hour, refused or not, that honesty explains, and with the attacker among drivers. */
  readonly all: number;
  readonly among: number;
  /** The joint feature's alternative: too little to matter at one station. */
  readonly spray: number;
}

function ratesNow(state: AuthorizationAbuse, at: WallMs): Rates {
  const upper = Math.min(MOST_REFUSED_PER_HOUR, upperPerHour(state.refusedVisits, at));
  const drivers = upperPerHour(state.attempts, at);
  const attempts = Math.min(MOST_ATTEMPTS_PER_HOUR, drivers);
  const all = Math.max(upper, drivers);
  return {
    upper, all, among: Math.max(AMONG_PER_HOUR, AMONG_TIMES * all),
    honest: Math.max(upper, attempts),
    hurried: Math.max(HURRIED_PER_HOUR, ABOVE_ATTEMPTS * attempts),
    patient: Math.max(PATIENT_PER_HOUR, ABOVE_ATTEMPTS * attempts),
    spray: Math.max(upper + SPRAY_PER_HOUR, SPRAY_ABOVE_ATTEMPTS * attempts),
  };
}

/** The even mixture of the attackers, nats. */
function suspicionOf({ hurried, patient, among }: AuthorizationAbuse): number {
  return mixtureOf([hurried, patient, among]);
}

/** Adds to the sums and gives what the mixture gained or lost, as one term. */
function suspect(
  state: AuthorizationAbuse, term: string, { hurried = 0, patient = 0, among = 0 }: Partial<AuthorizationAbuse>,
): Term {
  const before = suspicionOf(state);
  const within = (sum: number) => Math.min(MOST_SUSPICION, Math.max(0, sum));
  state.hurried = within(state.hurried + hurried);
  state.patient = within(state.patient + patient);
  state.among = within(state.among + among);
  return { term, nats: suspicionOf(state) - before };
}

/** Somebody may charge. A start that carries the idToken once more, or the right card at last, is the same visit. */
function accepted(state: AuthorizationAbuse, now: Now): Finding[] {
  const again = state.acceptedMs >= 0 && now.monoMs - state.acceptedMs < VISIT_MS;
  state.acceptedMs = now.monoMs;
  if (again || state.lastRefusalMs >= 0) return [];
  const { all, among } = ratesNow(state, now.wallMs);
  learnRate(state.attempts, now.wallMs, 0, 1);
  if (state.usual < 1) return [];
  state.usual -= 1;
  const term = suspect(state, "drivers who come as usual meanwhile", { among: eventNats(all, among) });
  return [finding("authorization-abuse", [term], "", now.wallMs)];
}

function quiet(state: AuthorizationAbuse, now: Now): Finding[] {
  const since = state.lastTickMs < 0 ? 0 : now.monoMs - state.lastTickMs;
  state.lastTickMs = now.monoMs;
  if (since <= 0) return [];
  // Nobody asks for older ones, and what is remembered of drivers ends by itself.
  while (state.refused[0] !== undefined && now.wallMs - state.refused[0][1] >= DAY_MS) state.refused.shift();
  const hours = Math.min(since, LONGEST_QUIET_MS) / HOUR_MS;
  const { upper, honest, hurried, patient, all, among, spray } = ratesNow(state, now.wallMs);
  state.usual = Math.min(MOST_USUAL, state.usual + hours * ratePerHour(state.attempts, now.wallMs));
  if (suspicionOf(state) < LEARN_BELOW_NATS) {
    learnRate(state.refusedVisits, now.wallMs, hours, 0);
    learnRate(state.attempts, now.wallMs, hours, 0);
  }
  const ended = endOfVisit(state, now);
  // While a visit is open, whether it goes on is what counts, and not when the next one comes.
  const exposed = state.lastRefusalMs < 0 ? hours : 0;
  const nats = { hurried: quietNats(honest, hurried, exposed), patient: quietNats(honest, patient, exposed),
    among: quietNats(all, among, hours) };
  const terms = [suspect(state, "time without refusals", nats), ...ended];
  return [
    finding("authorization-abuse", terms, "", now.wallMs),
    finding("refusals", [{ term: "time without refusals", nats: quietNats(upper, spray, hours) }], "", now.wallMs),
  ];
}

/** The visit is over once nobody tried another card for a while: one of an attacker in a hurry would have gone on. */
function endOfVisit(state: AuthorizationAbuse, now: Now): Term[] {
  if (state.lastRefusalMs < 0 || now.monoMs - state.lastRefusalMs < VISIT_MS) return [];
  state.lastRefusalMs = -1;
  const { term, nats } = habitTerm(state.anotherCard, ANOTHER_CARD, false);
  return [suspect(state, term, { hurried: nats })];
}

function refusal(state: AuthorizationAbuse, seen: Authorization, now: Now): Finding[] {
  if (alreadyRefused(state, seen.token, now.wallMs)) return [];
  const { upper, honest, hurried, patient, all, among, spray } = ratesNow(state, now.wallMs);
  const terms = endOfVisit(state, now);
  const sameVisit = state.lastRefusalMs >= 0;
  state.lastRefusalMs = now.monoMs;
  const suspicionBefore = suspicionOf(state);
  const another = habitTerm(state.anotherCard, ANOTHER_CARD, true);
  terms.push(sameVisit
    ? suspect(state, another.term, { hurried: another.nats })
    : suspect(state, "visits with a refused card", { hurried: eventNats(honest, hurried),
      patient: eventNats(honest, patient), among: eventNats(all, among) }));
  if (!sameVisit) state.taught = suspicionBefore < LEARN_BELOW_NATS ? 0 : -1;
  teach(state, sameVisit, now);
  const says = refusalSays(state, upper, now);
  const frames = framesOf(seen);
  const found = [finding("authorization-abuse", terms, says, now.wallMs, frames)];
  if (!sameVisit) {
    const term = { term: "visits with a refused card", nats: eventNats(upper, spray) };
    found.push(finding("refusals", [term], says, now.wallMs, frames));
  }
  return found;
}

function teach(state: AuthorizationAbuse, sameVisit: boolean, now: Now): void {
  if (state.taught < 0 || state.taught >= MOST_TAUGHT) return;
  state.taught += 1;
  learnHabit(state.anotherCard, sameVisit);
  if (sameVisit) return;
  learnRate(state.refusedVisits, now.wallMs, 0, 1);
  learnRate(state.attempts, now.wallMs, 0, 1);
}

function refusalSays(state: AuthorizationAbuse, upper: number, now: Now): string {
  const within = (ms: number) => state.refused.filter(([, at]) => now.wallMs - at < ms).length;
  const [count, span] = within(HOUR_MS) > 3 ? [within(HOUR_MS), "an hour"] : [within(DAY_MS), "a day"];
  const tokens = count === 1 ? "1 idToken" : `${count} different idTokens`;
  return `${tokens} refused within ${span}; ${(24 * upper).toFixed(1)} visits a day with a refusal would be usual`;
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
