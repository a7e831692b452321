/**
 * session-spoofing: transactions with no charging behind them, foreign stops, id collisions.
 *
 * Looks for: how a transaction begins (a vehicle by the status of its EVSE, somebody authorised or a remote start) and
 * what comes of it: charged; nothing charged; nothing reported at all; billed faster than this station ever charged;
 * power and register that contradict each other; or billed while the agent's meter saw nothing. Besides, stops after
 * which the charging goes on (foreign-stop.ts), stops of transactions that are not open here, and starts under an id
 * that was used before.
 * Statistic: begin and outcome are one cell of a table with a learned share for each (a Dirichlet posterior mean), so
 * that steps which honest sessions skip together count once. A session is one e-value, told in two parts: that of how
 * it began, a minute later, and that of what came of it, given how it began. Under an attack most sessions are honest
 * all the same, so a session's e-value is a mixture of the likelihood ratio and one. Stops and ids are habits of their
 * own. Beside the sum of all that stands a fact (learned/facts.ts) for what hides among a busy station's sessions: days
 * of a week on which nobody began a session that came to nothing, more than chance makes of their share
 * (learned/week.ts). The evidence is the mixture of both, three parts to two.
 * Null: the shares of this station; the shipped ones are judgements, but for empty sessions: 2 to 15 % of honest
 * ones, by network (measured on public sets), so one of them says little. Sessions on one EVSE within a quarter of an
 * hour that come to nothing are one visit whose driver tries again.
 * Honest look-alikes: stations that name no states or authorise from a list of their own are learned; what is told
 * after an outage, or has no known beginning, is not judged; ids below one and of 2^63-1 are no ids. A meter that is
 * stuck: what is billed past it counts once, and again only after the meter has gone along with a session.
 */
import type { Finding, Observation, Term } from "../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Now, type TokenPseudonym } from "../units.ts";
import { type Detector, framesOf, hasRoom, MOST_NATS, weigh } from "./detector.ts";
import { plausible } from "./energy/tracks.ts";
import { afterStop, type AfterStops, amongHonest, createAfterStops, noteStop, wasStopped } from "./foreign-stop.ts";
import { mixtureOf, moveSums } from "./learned/acts.ts";
import { createFacts, type FactLaw, type Facts, mixed, passFacts, showFact } from "./learned/facts.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "./learned/habit.ts";
import { createWeek, noteSessionOf, ofWeek, type Week, yearsOfWeek } from "./learned/week.ts";

/** Words, share among spoofed sessions, share among honest ones: judgements, but for `empty`. */
type Law = readonly (readonly [string, number, number])[];
const BEGINS: Law = [
  ["began as sessions do", 0.1, 0.755], ["began without a vehicle", 0.1, 0.1],
  ["began without authorisation", 0.1, 0.14], ["began without a vehicle and without authorisation", 0.7, 0.005],
];
const OUTCOMES: Law = [
  ["energy was charged", 0.1, 0.865], ["nothing was charged", 0.35, 0.08], ["nothing was reported", 0.15, 0.04],
  ["billed faster than this station ever charged", 0.05, 0.002],
  ["power and register contradict each other", 0.05, 0.0125],
  ["billed, and the meter saw nothing", 0.3, 0.0005],
];
const [CHARGED, EMPTY, UNREAD, TOO_FAST, CONTRADICTS, UNMETERED] = [0, 1, 2, 3, 4, 5] as const;
const PRIOR_SESSIONS = 20;
/** How the sessions begin that are counted over a week: neither a vehicle nor somebody authorised. */
const UNBEGUN = 3;
/** Two parts of five of the evidence are this fact's (facts.ts reckons with half), so it is to be as much rarer. */
export const FACTS: FactLaw = {
  key: "session-spoofing", perHour: 0.5,
  facts: { ghosts: { term: "more sessions of a week without beginning and end than chance explains", years: 215 } },
};
/** Of the sessions under an attack this share is spoofed. */
const SPOOFED_SHARE = 0.15;
/** Old sessions fade: half of them after some seven hundred. */
const KEEP = 0.999;
const FOREIGN_STOP: TraitLaw = {
  term: "stop of a transaction that is not open here", absent: "stop of an open transaction",
  attackShare: 0.05, honestShare: 0.01, weight: 200,
};
const USED_ID: TraitLaw = {
  term: "a transaction under an id that was used before", absent: "a transaction under a new id",
  attackShare: 0.05, honestShare: 0.003, weight: 50,
};

/** No honest station begins a transaction under the number of one that runs, for another card. */
const TAKEN_ID: TraitLaw = {
  term: "another's transaction under the id of one that runs", absent: USED_ID.absent,
  attackShare: 0.05, honestShare: 0.0003, weight: 50,
};

interface Open {
  evseId: number;
  token: TokenPseudonym | undefined;
  startMs: number;
  /** How it began; -1: not judged yet, -2: not to be judged. */
  begin: number;
  beginNats: number;
  startWh: number | undefined;
  lastWh: number | undefined;
  /** Sum of reported power over time, Wh; last power and when; number of powers. */
  powerWh: number;
  powerW: number;
  powerMs: number;
  powers: number;
  readings: number;
  /** The meter's register at the start, Wh; undefined: unknown, or not this transaction's alone. */
  meterWh: number | undefined;
}

export interface SessionSpoofing {
  cells: number[];
  /** What the sessions, stops and ids say against the station, nats. */
  sums: { all: number };
  facts: Facts;
  /** Days with a session that nobody began and that came to nothing, and sessions. */
  ghosts: Week;
  ghostMs: number;
  foreignStops: Habit;
  usedIds: Habit;
  takenIds: Habit;
  /** When an id was taken first that is yet to teach: an hour later, so that a run of it is not its own habit. */
  takenMs: number;
  afterStops: AfterStops;
  open: Record<string, Open>;
  /** Ids of late, newest last. */
  ids: string[];
  /** By EVSE: last status; the meter's register and when; when a session last came to nothing. */
  status: Record<string, string>;
  meters: Record<string, { wh: number; atMs: number; trusted: boolean }>;
  nothingMs: Record<string, number>;
  /** When somebody was authorised last, or a remote start came; when the link came up; -1: never. */
  authorisedMs: number;
  linkMs: number;
  /** When something odd taught last; -1: never. */
  oddMs: number;
  /** Highest mean power of a session, W, and over how many sessions. */
  peakW: number;
  sessions: number;
}

const JUDGE_BEGIN_MS = MINUTE_MS;
const AUTHORISED_MS = 5 * MINUTE_MS;
const VISIT_MS = 15 * MINUTE_MS;
const GRACE_MS = 10 * MINUTE_MS;
const METER_STALE_MS = 2 * MINUTE_MS;
const NOTHING_WH = 100;
const BILLED_WH = 500;
const METERED_SHARE = 0.1;
/** Faster than the highest mean power so far by this factor, once so many sessions have shown it. */
const FASTER = 2;
const KNOWN_SESSIONS = 10;
/** Reported power, summed over time, against the reported register: further apart than this factor. */
const CONTRADICTION = 2;
const LEAST_POWERS = 5;
const NO_VEHICLE = new Set(["Available", "Unavailable", "Faulted", "Reserved"]);
const NO_ID = /^(-\d+|0|9223372036854775807)$/;
const LEARN_BELOW_NATS = 4;
const MOST_OPEN = 64;
const MOST_IDS = 64;
const LONGEST_MS = 72 * HOUR_MS;
const [NOT_YET, NEVER] = [-1, -2];

const cellOf = (begin: number, outcome: number): number => begin * OUTCOMES.length + outcome;
const PRIOR_CELLS = BEGINS.flatMap(([, , begin]) => OUTCOMES.map(([, , outcome]) => PRIOR_SESSIONS * begin * outcome));

export const sessionSpoofing: Detector<SessionSpoofing> = {
  name: "session-spoofing",
  version: 6,
  create: () => ({
    cells: [...PRIOR_CELLS], sums: { all: 0 }, facts: createFacts(), ghosts: createWeek(), ghostMs: -1,
    foreignStops: createHabit(FOREIGN_STOP), usedIds: createHabit(USED_ID),
    takenIds: createHabit(TAKEN_ID), takenMs: -1, afterStops: createAfterStops(), open: {}, ids: [],
    status: {}, meters: {}, nothingMs: {}, authorisedMs: -1, linkMs: -1, oddMs: -1, peakW: 0, sessions: 0,
  }),
  observe(state, seen, now) {
    const after = afterStop(state.afterStops, seen, now);
    const says = after.some(({ nats }) => nats > 0) ? "a transaction was stopped, and the charging went on" : "";
    return [...spoken(state, after, says, seen, now), ...look(state, seen, now)];
  },
};

function look(state: SessionSpoofing, seen: Observation, now: Now): Finding[] {
  switch (seen.kind) {
    case "link":
      // What an EVSE said stands: what has changed meanwhile is told after an outage (OCPP 2.0.1 B04, 1.6 4.9).
      state.linkMs = now.monoMs;
      return [];
    case "status":
      put(state.status, seen.evseId, seen.status);
      return [];
    case "authorization":
      // What a start itself carries is no step before it.
      if (seen.source === "Authorize" && seen.outcome === "accepted") state.authorisedMs = now.monoMs;
      return [];
    case "command":
      if (seen.command === "remote-start" && seen.outcome === "accepted") state.authorisedMs = now.monoMs;
      return [];
    case "meter-reading":
      return metered(state, seen, now);
    case "reported-reading":
      return reported(state, seen, now);
    case "transaction-started":
      return started(state, seen, now);
    case "transaction-ended":
      return ended(state, seen, now);
    case "tick":
      return [...Object.values(state.open).flatMap((open) => judgeBegin(state, open, seen, now, JUDGE_BEGIN_MS)),
        ...mixed("session-spoofing", () => partsOf(state), now, () => {
          passFacts(state.facts, FACTS, now);
          return { found: [] };
        })];
    default:
      return [];
  }
}

function put<T>(values: Record<string, T>, evseId: number, value: T): void {
  if (hasRoom(values, evseId)) values[String(evseId)] = value;
}

function metered(state: SessionSpoofing, seen: Observation & { kind: "meter-reading" }, now: Now): Finding[] {
  const wh = plausible(seen.reading.energyImportWh);
  if (wh === undefined) return [];
  const { evseId } = seen.reading;
  put(state.meters, evseId, { wh, atMs: now.monoMs, trusted: state.meters[String(evseId)]?.trusted ?? false });
  return [];
}

function reported(state: SessionSpoofing, seen: Observation & { kind: "reported-reading" }, now: Now): Finding[] {
  const { transactionId, reading } = seen;
  const open = transactionId === undefined
    ? Object.values(state.open).find(({ evseId }) => evseId === reading.evseId) : state.open[`#${transactionId}`];
  if (open === undefined) return [];
  const powerW = plausible(reading.powerW);
  open.readings += 1;
  open.lastWh = plausible(reading.energyImportWh) ?? open.lastWh;
  if (powerW === undefined || seen.offline) return [];
  // Trapezium over the time between two readings.
  open.powerWh += (((powerW + open.powerW) / 2) * (now.monoMs - open.powerMs)) / HOUR_MS;
  Object.assign(open, { powerW, powerMs: now.monoMs, powers: open.powers + 1 });
  return [];
}

/** The meter of an EVSE, fresh; one of the whole station will do while nothing else is open. */
function meterOf(state: SessionSpoofing, evseId: number, now: Now) {
  const alone = Object.keys(state.open).length <= 1;
  const meter = state.meters[String(evseId)] ?? (alone ? state.meters["0"] : undefined);
  return meter === undefined || now.monoMs - meter.atMs > METER_STALE_MS ? undefined : meter;
}

function started(state: SessionSpoofing, seen: Observation & { kind: "transaction-started" }, now: Now): Finding[] {
  const key = `#${seen.transactionId}`;
  for (const [id, { evseId, startMs }] of Object.entries(state.open)) {
    if ((evseId === seen.evseId && id !== key) || now.monoMs - startMs > LONGEST_MS) delete state.open[id];
  }
  const isId = !NO_ID.test(seen.transactionId);
  const used = state.ids.includes(key);
  const running = state.open[key];
  if (isId && running?.token !== undefined && seen.token !== undefined && running.token !== seen.token) {
    return taken(state, seen, now);
  }
  if (isId && !used) state.ids = [...state.ids, key].slice(-MOST_IDS);
  if (seen.offline || !hasRoom(state.open, key, MOST_OPEN)) return [];
  const fresh = state.linkMs < 0 || now.monoMs - state.linkMs > GRACE_MS;
  const startWh = plausible(seen.registerWh);
  state.open[key] = {
    evseId: seen.evseId, token: seen.token, startMs: now.monoMs, begin: fresh ? NOT_YET : NEVER, beginNats: 0, startWh,
    lastWh: startWh, powerWh: 0, powerW: 0, powerMs: now.monoMs, powers: 0, readings: 0, meterWh: undefined,
  };
  state.open[key].meterWh = meterOf(state, seen.evseId, now)?.wh;
  if (!isId || !fresh) return [];
  const term = habitTerm(state.usedIds, USED_ID, used);
  if (teaches(state, used, now)) learnHabit(state.usedIds, used);
  const teachesTaken = state.takenMs >= 0 && now.monoMs - state.takenMs > HOUR_MS;
  const terms = [term, habitTerm(state.takenIds, TAKEN_ID, false)];
  learnHabit(state.takenIds, teachesTaken);
  if (teachesTaken) state.takenMs = -1;
  return spoken(state, terms, used ? `transaction ${seen.transactionId} was used before` : "", seen, now);
}

/** Another start under the id of a transaction that runs; that one goes on as it is. */
function taken(state: SessionSpoofing, seen: Observation & { kind: "transaction-started" }, now: Now): Finding[] {
  const term = habitTerm(state.takenIds, TAKEN_ID, true);
  if (state.takenMs < 0) state.takenMs = now.monoMs;
  return spoken(state, [term], `a start under the id of transaction ${seen.transactionId}, which runs`, seen, now);
}

/**
 * Weight of a begin, or of one of its outcomes. No share is learned below the shipped one: what a station has not shown
 * in some hundred sessions is not known to be rarer than that.
 */
function weightOf(state: SessionSpoofing, begin: number, outcome?: number): number {
  const scale = state.cells.reduce((sum, weight) => sum + weight, 0) / PRIOR_SESSIONS;
  const outcomes = outcome === undefined ? OUTCOMES.keys() : [outcome];
  let sum = 0;
  for (const one of outcomes) {
    const cell = cellOf(begin, one);
    sum += Math.max(state.cells[cell] ?? 0, scale * (PRIOR_CELLS[cell] ?? 0));
  }
  return sum;
}

/** How it began: the steps may come after the start, so it is judged a minute later, or at its end. */
function judgeBegin(state: SessionSpoofing, open: Open, seen: Observation, now: Now, afterMs: number): Finding[] {
  if (open.begin !== NOT_YET || now.monoMs - open.startMs < afterMs) return [];
  const status = state.status[String(open.evseId)];
  // An EVSE that has said nothing yet says nothing of a vehicle either.
  const vehicle = status === undefined || !NO_VEHICLE.has(status);
  const allowed = state.authorisedMs >= 0 && state.authorisedMs >= open.startMs - AUTHORISED_MS;
  open.begin = (vehicle ? 0 : 1) + (allowed ? 0 : 2);
  const total = BEGINS.reduce((sum, _, begin) => sum + weightOf(state, begin), 0);
  const [words = "", attackShare = 1] = BEGINS[open.begin] ?? [];
  open.beginNats = Math.log((attackShare * total) / weightOf(state, open.begin));
  const says = open.beginNats > 0 ? `a transaction ${words}` : "";
  return judged(state, words, amongHonest(open.beginNats, SPOOFED_SHARE), says, seen, now);
}

function ended(state: SessionSpoofing, seen: Observation & { kind: "transaction-ended" }, now: Now): Finding[] {
  const key = `#${seen.transactionId}`;
  const open = state.open[key];
  if (open === undefined || seen.offline) {
    delete state.open[key];
    return seen.offline ? [] : foreignStop(state, seen, now);
  }
  const found = [...foreignStop(state, seen, now), ...judgeBegin(state, open, seen, now, 0)];
  const stop = noteStop(state.afterStops, seen, open, Object.keys(state.open).length === 1, now);
  found.push(...spoken(state, stop, "", seen, now));
  const outcome = outcomeOf(state, open, plausible(seen.registerWh), now);
  delete state.open[key];
  if (open.begin < 0 || outcome === undefined) return found;
  const given = weightOf(state, open.begin);
  const [words = "", attackShare = 1] = OUTCOMES[outcome] ?? [];
  const wholeNats = open.beginNats + Math.log((attackShare * given) / weightOf(state, open.begin, outcome));
  const suspected = wholeNats >= LEARN_BELOW_NATS;
  if (!suspected) state.cells = state.cells.map((weight) => KEEP * weight);
  if (!suspected) state.cells[cellOf(open.begin, outcome)]! += 1;
  const says = wholeNats > open.beginNats ? `a transaction came to this: ${words}` : "";
  const nats = amongHonest(wholeNats, SPOOFED_SHARE) - amongHonest(open.beginNats, SPOOFED_SHARE);
  const ghost = open.begin === UNBEGUN && (outcome === EMPTY || outcome === UNREAD);
  return [...found, ...judged(state, words, nats, says, seen, now), ...inWeek(state, ghost, seen, now)];
}

/**
 * Whether sessions that nobody began and that came to nothing were on more days of a week than chance makes of their
 * share: those of one day may have one cause, and count once.
 */
function inWeek(state: SessionSpoofing, ghost: boolean, seen: Observation, now: Now): Finding[] {
  const counts = ghost && (state.ghostMs < 0 || now.monoMs - state.ghostMs >= DAY_MS);
  noteSessionOf(state.ghosts, counts, now);
  if (!counts) return [];
  state.ghostMs = now.monoMs;
  const week = ofWeek(state.ghosts);
  if (yearsOfWeek(week, ghostShare(state)) < FACTS.facts["ghosts"]!.years) return [];
  const says = `on ${week.befell} days of a week a transaction that nobody began and that came to nothing`;
  return mixed("session-spoofing", () => partsOf(state), now, () => ({ found: [],
    facts: [showFact(state.facts, FACTS, "ghosts", now)], says, frames: framesOf(seen) }));
}

/**
 * Share of honest sessions that nobody began and that come to nothing, at most: as they were seen together (a standard
 * deviation more, as in share.ts), or as if the one had nothing to do with the other, whichever is more.
 */
function ghostShare(state: SessionSpoofing): number {
  const sessions = state.cells.reduce((sum, weight) => sum + weight, 0);
  const nothings = BEGINS.map((_, begin) => weightOf(state, begin, EMPTY) + weightOf(state, begin, UNREAD));
  const together = state.cells[cellOf(UNBEGUN, EMPTY)]! + state.cells[cellOf(UNBEGUN, UNREAD)]!;
  const apart = weightOf(state, UNBEGUN) * nothings.reduce((sum, weight) => sum + weight, 0);
  return Math.max((together + Math.sqrt(together)) / sessions, apart / sessions ** 2);
}

/** A stop of an unknown transaction: one that began before the agent, or over another link, is none of those. */
function foreignStop(state: SessionSpoofing, seen: Observation & { kind: "transaction-ended" }, now: Now): Finding[] {
  const known = state.open[`#${seen.transactionId}`] !== undefined;
  // Before one session was seen from start to end, and soon after a link came up, others may well be under way.
  const settled = state.sessions > 0 && (state.linkMs < 0 || now.monoMs - state.linkMs > LONGEST_MS / 12);
  const again = !known && wasStopped(state.afterStops, seen.transactionId);
  if (NO_ID.test(seen.transactionId) || (!known && !settled) || again) return [];
  const term = habitTerm(state.foreignStops, FOREIGN_STOP, !known);
  if (teaches(state, !known, now)) learnHabit(state.foreignStops, !known);
  const says = known ? "" : `a stop of transaction ${seen.transactionId}, which is not open here`;
  return spoken(state, [term], says, seen, now);
}

/** Of what is odd one a day teaches, so that a burst of it is not its own habit. */
function teaches(state: SessionSpoofing, odd: boolean, now: Now): boolean {
  if (!odd) return true;
  const lately = state.oddMs >= 0 && now.monoMs - state.oddMs < DAY_MS;
  if (!lately) state.oddMs = now.monoMs;
  return !lately;
}

/** What came of a session; undefined: a visit goes on that has come to nothing already, or nothing can be said. */
function outcomeOf(state: SessionSpoofing, open: Open, stopWh: number | undefined, now: Now): number | undefined {
  const endWh = stopWh ?? open.lastWh;
  const meter = meterOf(state, open.evseId, now);
  const meteredWh = meter === undefined || open.meterWh === undefined ? undefined : meter.wh - open.meterWh;
  const evse = String(open.evseId);
  if (endWh === undefined || open.startWh === undefined) {
    return open.readings === 0 ? visit(state, evse, UNREAD, now) : undefined;
  }
  const billedWh = endWh - open.startWh;
  if (billedWh < 0) return undefined; // a register that began anew
  if (billedWh < NOTHING_WH) return visit(state, evse, EMPTY, now);
  const hours = Math.max(MINUTE_MS, now.monoMs - open.startMs) / HOUR_MS;
  const meanW = billedWh / hours;
  if (meter !== undefined && meteredWh !== undefined && meteredWh >= 0 && billedWh >= BILLED_WH) {
    if (meteredWh < METERED_SHARE * billedWh) {
      const { trusted } = meter;
      meter.trusted = false;
      return trusted ? UNMETERED : undefined;
    }
    meter.trusted = true;
  }
  // What waited for a link comes closer together than it happened.
  const steady = state.linkMs < open.startMs;
  const tooFast = steady && state.sessions >= KNOWN_SESSIONS && meanW > FASTER * state.peakW && billedWh >= BILLED_WH;
  if (!tooFast && steady) {
    state.sessions += 1;
    state.peakW = Math.max(meanW, state.peakW * KEEP);
  }
  const contradicts = open.powers >= LEAST_POWERS && billedWh >= 2 * BILLED_WH &&
    Math.abs(Math.log(Math.max(1, open.powerWh) / billedWh)) > Math.log(CONTRADICTION);
  return tooFast ? TOO_FAST : contradicts ? CONTRADICTS : CHARGED;
}

/** Sessions without energy that follow each other on one EVSE are one visit. */
function visit(state: SessionSpoofing, evse: string, outcome: number, now: Now): number | undefined {
  const before = state.nothingMs[evse];
  if (before !== undefined && now.monoMs - before < VISIT_MS) return undefined;
  put(state.nothingMs, Number(evse), now.monoMs);
  return outcome;
}

/** What one part of a session says. */
function judged(
  state: SessionSpoofing, words: string, nats: number, says: string, seen: Observation, now: Now,
): Finding[] {
  return spoken(state, [{ term: words, nats }], says, seen, now);
}

/** The evidence is the mixture of these: three parts what single sessions say, and two their week. */
function partsOf({ sums: { all }, facts: { nats } }: SessionSpoofing): number[] {
  return [all, all, all, nats, nats];
}

/** Moves the sum, and tells what the mixture gained or lost. */
function spoken(
  state: SessionSpoofing, terms: readonly Term[], says: string, seen: Observation, now: Now,
): Finding[] {
  if (terms.length === 0) return [];
  const all = weigh(terms, -MOST_NATS, MOST_NATS).nats;
  const growth = moveSums(state.sums, { all }, () => mixtureOf(partsOf(state)));
  if (growth === 0) return [];
  return [{ key: "session-spoofing", at: now.wallMs, ...weigh(terms, growth, growth), frames: framesOf(seen), says }];
}
