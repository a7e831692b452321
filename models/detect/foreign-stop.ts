/**
 * What follows a stop: for session-spoofing.
 *
 * A station that stops a transaction opens its contactor; one whose transaction was stopped in its name charges on. A
 * stop is one e-value, told in parts as they come: whether another idToken ended the transaction than began it; whether
 * the agent's meter shows the current going on without a break; whether the station itself goes on reporting under the
 * transaction, or stops it once more with more in its register.
 *
 * Null: the station's own habits, from shipped judgements. Honest look-alikes: drivers of one household or fleet, who
 * stop each other's sessions; readings after the stop, which some stations send for a minute; a stop that is sent again
 * because its answer was lost, whose register is the same; the next vehicle, before which the current paused; what else
 * the meter feeds, which flowed before the vehicle came.
 */
import type { Observation, Term } from "../terms.ts";
import { DAY_MS, MINUTE_MS, type Now, type TokenPseudonym } from "../units.ts";
import { hasRoom } from "./detector.ts";
import { plausible } from "./energy/tracks.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "./learned/habit.ts";
import { CHARGING_W } from "./sessions.ts";

const LAWS = {
  token: {
    term: "another's card ended the transaction", absent: "ended by the card that began it",
    attackShare: 0.3, honestShare: 0.03, weight: 30,
  },
  flows: {
    term: "the current flows on after the stop", absent: "the current ended with the transaction",
    attackShare: 0.7, honestShare: 0.0001, weight: 30,
  },
  reports: {
    term: "the station goes on reporting under the transaction", absent: "no more reports of the transaction",
    attackShare: 0.7, honestShare: 0.0003, weight: 30,
  },
} as const satisfies Record<string, TraitLaw>;
type Trait = keyof typeof LAWS;

interface Stopped {
  id: string;
  evseId: number;
  atMs: number;
  /** When it was stopped, or when current last flowed on. */
  lastMs: number;
  stopWh: number | undefined;
  /** Whose meter tells of it, and what the transaction added to its power at the stop and at least since, W. */
  meter: string;
  restW: number;
  powerW: number;
  leastW: number;
  /** Likelihood ratio so far, nats, and the traits that are judged. */
  nats: number;
  judged: Trait[];
}

export interface AfterStops {
  habits: Record<Trait, Habit>;
  /** By metered EVSE: power and when; and what it was before a transaction began, which is not the vehicle's. */
  powers: Record<string, { powerW: number; atMs: number; restW: number }>;
  /** By EVSE: the last stop, until its time is over. */
  stopped: Record<string, Stopped>;
  /** When something odd taught last; -1: never. */
  oddMs: number;
}

/** A contactor has opened and an honest last reading has been sent by then; a stop, and its current, are done with. */
const SETTLED_MS = 3 * MINUTE_MS;
const OVER_MS = 60 * MINUTE_MS;
const FRESH_MS = 5 * MINUTE_MS;
const GOES_ON_SHARE = 0.5;
const MORE_WH = 200;
/** Of the stops under an attack this share is foreign. */
const ATTACKED_SHARE = 0.1;

export function createAfterStops(): AfterStops {
  return {
    habits: { token: createHabit(LAWS.token), flows: createHabit(LAWS.flows), reports: createHabit(LAWS.reports) },
    powers: {}, stopped: {}, oddMs: -1,
  };
}

/** Whether a stop of this transaction was seen lately: what more is told of it is judged here. */
export function wasStopped({ stopped }: AfterStops, id: string): boolean {
  return Object.values(stopped).some((one) => one.id === id);
}

interface Began {
  readonly evseId: number;
  readonly token: TokenPseudonym | undefined;
  /** The last register that was reported, Wh. */
  readonly lastWh: number | undefined;
}

/** A transaction that was open here ends, told as it happens. `alone`: no other is open. */
export function noteStop(
  state: AfterStops, seen: Observation & { kind: "transaction-ended" }, began: Began, alone: boolean, now: Now,
): Term[] {
  const key = String(began.evseId);
  if (!hasRoom(state.stopped, key)) return [];
  const meter = state.powers[key] === undefined && alone ? "0" : key;
  const power = state.powers[meter];
  const known = power !== undefined && now.monoMs - power.atMs < FRESH_MS;
  const restW = known ? power.restW : 0;
  const stopped: Stopped = state.stopped[key] = {
    id: seen.transactionId, evseId: began.evseId, atMs: now.monoMs, lastMs: now.monoMs, meter, nats: 0, judged: [],
    stopWh: plausible(seen.registerWh) ?? began.lastWh,
    restW, powerW: known ? power.powerW - restW : 0, leastW: Infinity,
  };
  const comparable = seen.token !== undefined && began.token !== undefined;
  return comparable ? [judge(state, stopped, "token", seen.token !== began.token, now)] : [];
}

/** Takes in what may tell of a stop, and says what it adds. */
export function afterStop(state: AfterStops, seen: Observation, now: Now): Term[] {
  switch (seen.kind) {
    case "meter-reading":
      return metered(state, seen, now);
    case "reported-reading":
      return seen.offline || seen.transactionId === undefined ? []
        : toldOf(state, seen.transactionId, plausible(seen.reading.energyImportWh), now);
    case "transaction-ended":
      return seen.offline ? [] : toldOf(state, seen.transactionId, plausible(seen.registerWh), now);
    case "transaction-started":
      for (const meter of [seen.evseId, 0]) {
        const power = state.powers[String(meter)];
        if (power !== undefined) power.restW = power.powerW;
      }
      for (const [key, { evseId, meter }] of Object.entries(state.stopped)) {
        if (evseId === seen.evseId || meter === "0") delete state.stopped[key];
      }
      return [];
    case "link":
      state.stopped = {};
      return [];
    case "tick":
      return Object.entries(state.stopped).flatMap(([key, stopped]) => {
        if (now.monoMs - stopped.lastMs < OVER_MS) return [];
        delete state.stopped[key];
        return stopped.judged.includes("reports") ? [] : [judge(state, stopped, "reports", false, now)];
      });
    default:
      return [];
  }
}

function metered(state: AfterStops, seen: Observation & { kind: "meter-reading" }, now: Now): Term[] {
  const powerW = plausible(seen.reading.powerW);
  if (powerW === undefined) return [];
  const key = String(seen.reading.evseId);
  if (!hasRoom(state.powers, key)) return [];
  state.powers[key] = { powerW, atMs: now.monoMs, restW: state.powers[key]?.restW ?? 0 };
  const found: Term[] = [];
  for (const stopped of Object.values(state.stopped)) {
    if (stopped.meter !== key) continue;
    stopped.leastW = Math.min(stopped.leastW, powerW - stopped.restW);
    // Some stations report every few hours, or not before the vehicle is full: until then nothing is said by silence.
    if (stopped.leastW > CHARGING_W) stopped.lastMs = now.monoMs;
    const due = now.monoMs - stopped.atMs >= SETTLED_MS && !stopped.judged.includes("flows");
    // Where nothing flowed at the stop nothing can flow on.
    if (!due || stopped.powerW <= CHARGING_W) continue;
    const flows = stopped.leastW > CHARGING_W && stopped.leastW > GOES_ON_SHARE * stopped.powerW;
    found.push(judge(state, stopped, "flows", flows, now));
  }
  return found;
}

function toldOf(state: AfterStops, id: string, registerWh: number | undefined, now: Now): Term[] {
  const stopped = Object.values(state.stopped).find((one) => one.id === id);
  if (stopped === undefined || registerWh === undefined || stopped.judged.includes("reports")) return [];
  const early = now.monoMs - stopped.atMs < SETTLED_MS;
  if (early || stopped.stopWh === undefined || registerWh < stopped.stopWh + MORE_WH) return [];
  return [judge(state, stopped, "reports", true, now)];
}

/** What one trait of a stop adds. */
function judge(state: AfterStops, stopped: Stopped, trait: Trait, shows: boolean, now: Now): Term {
  const { term, nats } = habitTerm(state.habits[trait], LAWS[trait], shows);
  const before = amongHonest(stopped.nats, ATTACKED_SHARE);
  stopped.judged.push(trait);
  stopped.nats += nats;
  // Of what is odd one a day teaches, so that a run of it is not its own habit.
  const lately = shows && state.oddMs >= 0 && now.monoMs - state.oddMs < DAY_MS;
  if (!lately) learnHabit(state.habits[trait], shows);
  if (shows && !lately) state.oddMs = now.monoMs;
  return { term, nats: amongHonest(stopped.nats, ATTACKED_SHARE) - before };
}

/**
 * The mixture of a likelihood ratio and one, nats: under an attack only `share` of the sessions are its own, and the
 * rest are honest all the same, so that each of them takes little back.
 */
export function amongHonest(nats: number, share: number): number {
  return nats > 30 ? nats + Math.log(share) : Math.log(1 - share + share * Math.exp(nats));
}
