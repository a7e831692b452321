/**
 * profile-tampering: charging limits set to harm, or ignored.
 *
 * Looks for: limits below zero, far above all that the station was ever given, or of nothing while a session draws
 * power; set-points that swing to and fro; measured power above the limit in force; sessions that a limit of nothing
 * ended for good.
 * Statistic: an hour with such orders is a burst (learned/burst.ts) and shows each trait once; swings and minutes above
 * the limit count by levels. A swing is a change of direction by a third of the limit, so small steps of load balancing
 * are none. Power is judged in blocks of five minutes, however often it is read, that begin two minutes after an
 * order at the soonest, and only above the most that the orders in force allow: three phases where the limit is in
 * ampere.
 * Beside it facts (learned/facts.ts), for what no load management does: swings again and again, power
 * far above the limit or above it for long, and, once the station's own power is known, a limit of five times all that
 * it ever drew or was allowed. Each session that a limit of nothing stops and that never draws again is an act
 * (learned/acts.ts); one that goes on was paused.
 * Null: the station's own hours with orders; the shares are judgements.
 * Honest look-alikes: smart charging every quarter of an hour, demand response, EVs that take a minute or charge below
 * the limit, meter class and the loss of a DC charger (`ABOVE`), orders that have lapsed or were cleared, stations that
 * give 6 A where they are told less (`leastW`).
 * Solar power behind broken clouds, which swings by the minute; a limit that stands for none (999999), once learned.
 * Load management that follows a house's cooker in seconds: a habit where it did from the station's first days on,
 * otherwise told at first, and a habit after a week.
 * Cannot see: swings that begin in the first three days; a few sessions that are paused until their drivers leave: a
 * tariff does the same on the wire; a car on one phase above a limit in ampere; power that three phases of 6 A may be,
 * above a limit of less, unless it was the same before; limits that follow an hour-long plan of an attacker's; one that
 * is two or three times all before it and no more: an installer's or another CSMS's default.
 */
import type { Finding, Observation, Term } from "../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Now } from "../units.ts";
import { type Detector, framesOf, hasRoom, unlessAccepted } from "./detector.ts";
import { type Act, type ActLaw, createAct, mixtureOf, tryAct } from "./learned/acts.ts";
import {
  type Burst, type BurstLaw, createBurst, isOpen, levelOf, passBurst, seeBurst, trait,
} from "./learned/burst.ts";
import { createFacts, type FactLaw, type Facts, mixed, passFacts, showFact, type Step } from "./learned/facts.ts";
import {
  createSessions, draws, LEAST_CHARGE_A, LEAST_CHARGE_W, noteSession, type Session, type Sessions,
} from "./sessions.ts";

type Limit = Extract<Observation, { kind: "charging-limit" }>;
type Unit = Limit["unit"];

export interface ProfileTampering {
  sessions: Sessions;
  burst: Burst;
  facts: Facts;
  act: Act;
  /** Open sessions that a limit of nothing stopped while they drew power, by id: since when, monotonic ms. */
  starved: Record<string, number>;
  /** Monotonic times of the last swings, whether or not within one burst. */
  swungMs: number[];
  /** Days since 1970 on which limits swung within seconds, the oldest first. */
  thrashDays?: number[];
  /** Since when the station is watched, wall clock. */
  firstMs?: number;
  /** Highest power that was read, W, and since when, wall clock; 0: none yet. */
  mostW: number;
  sinceMs: number;
  /** Facts that the observation at hand shows, and in which words; empty between two. */
  shows: { name: string; says: string }[];
  /** Swings of the open burst. */
  swings: number;
  /** Highest limit ever given by unit. */
  top: Record<Unit, number>;
  /** Whether the link is down: who charges meanwhile, and under which profile, is told later. */
  down?: boolean;
  /** By EVSE and purpose, the order in force: the most that it allows, W. */
  orders: Record<string, { mostW: number; level: number; at: number; sinceMs: number; from: number; to: number }>;
  /** By EVSE, purpose and unit: the last limit, which way it went, and when that order came. */
  swing: Record<string, { limit: number; way: number; at: number }>;
  /**
   * By metered EVSE: the block of five minutes, how many in a row were above the limit, and the most of one of this
   * transaction that no small limit was in force for, W.
   */
  blocks: Record<string, { startMs: number; sumW: number; readings: number; above: number; freeW?: number }>;
}

/** What has not come to so many yet says less than what has: no further swing may take evidence back. */
const LONG = "power above the limit for half an hour";
const swings = (n: number) => trait(`${n} swings of the limit in an hour`, 0.6, 0.05, 60);

export const LAW: BurstLaw = {
  // Anybody may begin to use smart charging: that orders come says little, and takes evidence back in days.
  keys: [{ key: "profile-tampering", perHour: 0.5, leastPerHour: 0.25 }],
  term: "orders that limit charging",
  gapMs: HOUR_MS / 2,
  priorPerHour: 1 / 24,
  byHour: false,
  shareWeight: 40,
  traits: {
    "negative": trait("a limit below zero", 0.2, 0.001, 400),
    "above": trait("a limit far above all before it", 0.2, 0.05),
    "nothing": trait("a limit of nothing while a session draws power", 0.35, 0.15),
    "4": trait("4 swings of the limit in an hour", 0.35, 0.05),
    "10": swings(10), "25": swings(25), "60": swings(60),
    "ignored": trait("power above the limit", 0.25, 0.03),
    "ignored long": trait(LONG, 0.9, 0.2),
  },
};
/** Judgements all: among a thousand stations each is seen once a year. */
export const FACTS: FactLaw = {
  key: "profile-tampering", perHour: 0.5,
  facts: {
    "thrash": { term: "limits that swing again and again", years: 1_000 },
    "far above": { term: "a limit of five times all that was drawn or allowed here", years: 1_000 },
    "ignored": { term: "twice the power that the limit allows", years: 1_000 },
    "ignored long": { term: LONG, years: 1_000 },
  },
};
/** Where smart charging is done, some sessions end in a pause: a judgement. */
export const STARVED: ActLaw = {
  term: "sessions stopped for good by a limit of nothing", attackShare: 0.6, honestShare: 0.04, weight: 10,
};
/** Swings, and within what time: what follows a sun behind broken clouds by the minute turns less often. */
const THRASHED = [[10, 10 * MINUTE_MS], [25, HOUR_MS]] as const;
const MOST_SWUNG = Math.max(...THRASHED.map(([many]) => many));
/** Limits that swung so on several days, a week ago and later, are how this station is managed, whatever was said. */
const HABIT_DAYS = 3;
const HABIT_AGE_DAYS = 7;
const FORGOTTEN_DAYS = 90;
/** Load management is there from the installation on: what swings in the first days is how the station is managed. */
const FIRST_MS = 3 * DAY_MS;
const MOST_DAYS = 8;
const FIVE_TIMES = 5;
/** After so long the station's own power is known, if it drew any that counts. */
const KNOWN_MS = 7 * 24 * HOUR_MS;
const KNOWN_W = 3_000;
/** Where only vehicles came that take less, it may be any usual one of alternating current (IEC 61851-1, mode 3), W. */
const USUAL_AC_W = 22_000;
const TWICE = 2;
/** What a vehicle on one phase takes at the least is more (6 A, IEC 61851-1); heating a cabinet is not. */
const TWICE_W = 1_000;
/** A pause is shorter than this, or its session draws again. */
const STARVED_MS = 10 * MINUTE_MS;
const LEVELS = [4, 10, 25, 60];
const SWING_SHARE = 0.3;
const FAR_ABOVE = 1.5;
/** Three phases at the highest voltage that EN 50160 allows. */
const W_OF_A = 3 * 253;
/** Power that falls less than this was not lowered: a vehicle on one phase that is given 6 A of 10 takes less. */
const KEPT = 0.9;
/** Below this a limit is one of nothing. */
const CHARGES: Record<Unit, number> = { A: LEAST_CHARGE_A, W: LEAST_CHARGE_W };
/** A vehicle follows within 5 s (IEC 61851-1, annex A); the rest is for the station. */
const REACTS_MS = 2 * MINUTE_MS;
const BLOCK_MS = 5 * MINUTE_MS;
/** Above the limit is above this much of it and this much more: meter class, 10 % of loss, standby. */
const ABOVE = 1.15;
const ABOVE_W = 500;
const IGNORED_LONG = 6;
const SESSION_SAYS = "a limit of nothing stopped the session for good";
const MOST_KEYS = 64;
/** Beyond any limit or power of a station. */
const MOST_LIMIT = 1e12;

export const profileTampering: Detector<ProfileTampering> = {
  name: "profile-tampering",
  version: 5,
  create: () => ({
    sessions: createSessions(), burst: createBurst(LAW), facts: createFacts(), act: createAct(), starved: {},
    swungMs: [], mostW: 0, sinceMs: 0, shows: [], swings: 0, top: { W: 0, A: 0 }, orders: {}, swing: {},
    blocks: {},
  }),
  observe(state, observation, now) {
    state.firstMs ??= state.sinceMs || now.wallMs;
    const sums = () => [mixtureOf([levelOf(state.burst, 0), state.act.nats]), state.facts.nats];
    return mixed("profile-tampering", sums, now, () => {
      const over = noteSession(state.sessions, observation, now);
      if (observation.kind === "tick") passFacts(state.facts, FACTS, now);
      const facts: (Term | undefined)[] = over.map((session) => ended(state, session, now));
      const found = ordersIn(state, observation, now);
      const shows = state.shows.splice(0);
      for (const { name } of shows) facts.push(showFact(state.facts, FACTS, name, now));
      const says = shows[0]?.says ?? SESSION_SAYS;
      return { found, facts, says, frames: framesOf(observation) } satisfies Step;
    });
  },
};

/** A session is over: was it stopped for good? */
function ended(state: ProfileTampering, session: Session, now: Now): Term | undefined {
  if (!session.drew) return undefined;
  const sinceMs = Object.hasOwn(state.starved, session.id) ? state.starved[session.id]! : undefined;
  delete state.starved[session.id];
  const before = state.act.nats;
  tryAct(state.act, STARVED, sinceMs !== undefined && now.monoMs - sinceMs >= STARVED_MS, now);
  const nats = state.act.nats - before;
  return nats === 0 ? undefined : { term: nats > 0 ? STARVED.term : "sessions that were let be", nats };
}

/** What an observation says of the orders in force. */
function ordersIn(state: ProfileTampering, observation: Observation, now: Now): Finding[] {
  switch (observation.kind) {
    case "tick":
      return passBurst(state.burst, LAW, now);
    case "charging-limit":
      return Math.abs(observation.limit) < MOST_LIMIT ? limit(state, observation, now) : [];
    case "command":
      if (observation.command === "clear-charging-profile") drop(state, observation.evseId, "");
      return [];
    case "limit-released":
      // Of whose limit it was the message tells, of which of several not (OCPP 2.0.1, K13).
      drop(state, observation.evseId, "max");
      return [];
    case "link":
      state.down = observation.state !== "connect";
      for (const order of Object.values(state.orders)) order.sinceMs = now.monoMs;
      return [];
    case "transaction-started":
      delete state.blocks[observation.evseId]?.freeW;
      // One that came with a remote start whose driver never did is not for the next (2.0.1, F02; 1.6, 5.11).
      drop(state, observation.evseId, "tx", now.monoMs - REACTS_MS);
      return [];
    case "transaction-ended":
      delete state.blocks[observation.evseId]?.freeW;
      drop(state, observation.evseId, "tx");
      return [];
    case "boot":
      drop(state, undefined, "tx");
      return [];
    case "reported-reading":
      return observation.offline ? [] : block(state, observation.reading, now);
    case "meter-reading":
      return block(state, observation.reading, now);
    default:
      return [];
  }
}

/** The purposes of 1.6 and 2.0.1 under one name: `max` caps all others, `tx` takes the place of `default` (3.13). */
function purposeOf({ purpose }: Limit): string {
  if (/Max|External|EMS/i.test(purpose)) return "max";
  return purpose === "TxProfile" ? "tx" : purpose === "TxDefaultProfile" ? "default" : "";
}

function drop(state: ProfileTampering, evseId: number | undefined, purpose: string, beforeMs = Infinity): void {
  for (const [key, { sinceMs }] of Object.entries(state.orders)) {
    const ofEvse = (evseId ?? 0) === 0 || key.startsWith(`${evseId} `);
    if (ofEvse && key.endsWith(purpose) && sinceMs < beforeMs) delete state.orders[key];
  }
}

function entryOf<T>(map: Record<string, T>, key: string, fresh: T): T | undefined {
  return hasRoom(map, key, MOST_KEYS) ? (map[key] ??= fresh) : undefined;
}

function limit(state: ProfileTampering, seen: Limit, now: Now): Finding[] {
  if (!isOpen(state.burst, LAW, now)) state.swings = 0;
  const { limit: given, unit, evseId } = seen;
  const traits: Record<string, boolean> = {
    "negative": given < 0,
    "above": state.top[unit] > 0 && given > FAR_ABOVE * state.top[unit],
    "nothing": given < CHARGES[unit] && state.sessions.open.some((session) =>
      (evseId === 0 || session.evseId === evseId) && draws(state.sessions, session, now)),
    "ignored": false,
  };
  const isSwing = swung(state, seen);
  const isUsual = isSwing && swingsAlways(state, now);
  if (isSwing) {
    if (!isUsual) state.swings += 1;
    state.swungMs = [...state.swungMs, now.monoMs].slice(-MOST_SWUNG);
  }
  const isFarAbove = farAbove(state, seen, now);
  if (traits["nothing"] && seen.outcome === "accepted") noteStarved(state, seen, now);
  LEVELS.forEach((level, index) => {
    if (index === 0 || state.swings >= LEVELS[index - 1]!) traits[level] = state.swings >= level;
  });
  state.top[unit] = Math.max(state.top[unit], given);
  if (seen.outcome === "accepted") putInForce(state, seen, now);
  const shown = Object.keys(traits).filter((name) => traits[name]);
  const swinging = state.swings > 0 ? `, swing ${state.swings} of this hour` : "";
  const says = `limit of ${given} ${unit} for ${evseId === 0 ? "the station" : `EVSE ${evseId}`}` +
    `${swinging}${unlessAccepted(seen.outcome)}`;
  const thrashed = isSwing && THRASHED.find(([many, ms]) => now.monoMs - (state.swungMs.at(-many) ?? -Infinity) < ms);
  if (thrashed) noteThrashed(state, now);
  if (thrashed && !isUsual) {
    const [many, ms] = thrashed;
    state.shows.push({ name: "thrash", says: `${many} swings within ${ms / MINUTE_MS} minutes, the last a ${says}` });
  }
  if (isFarAbove) state.shows.push({ name: "far above", says });
  return seeBurst(state.burst, LAW, { judged: Object.keys(traits), shown, says, frames: framesOf(seen) }, now);
}

/**
 * Whether limits that swing within seconds are how the station is managed: since its first days, in which nobody knows
 * it, or for a week. Then they say nothing.
 */
function swingsAlways({ firstMs = 0, thrashDays = [] }: ProfileTampering, now: Now): boolean {
  const today = Math.floor(now.wallMs / DAY_MS);
  const before = thrashDays.filter((day) => day < today && today - day < FORGOTTEN_DAYS);
  const first = (before[0] ?? today) * DAY_MS;
  return first < firstMs + FIRST_MS || before.length >= HABIT_DAYS && today - before[0]! >= HABIT_AGE_DAYS;
}

/** Notes today as one of the days on which limits swung within seconds. */
function noteThrashed(state: ProfileTampering, now: Now): void {
  const today = Math.floor(now.wallMs / DAY_MS);
  const known = state.thrashDays?.filter((day) => day <= today && today - day < FORGOTTEN_DAYS) ?? [];
  if (!known.includes(today) && known.length < MOST_DAYS) known.push(today);
  state.thrashDays = known;
}

/** Whether a limit is out of all range for a station whose power is known. */
function farAbove(state: ProfileTampering, { limit: given, unit, outcome }: Limit, now: Now): boolean {
  const known = state.sinceMs > 0 && now.wallMs - state.sinceMs >= KNOWN_MS && state.mostW >= LEAST_CHARGE_W;
  const ownW = state.mostW < KNOWN_W ? USUAL_AC_W : state.mostW;
  const allowedW = Math.max(ownW, state.top.W, state.top.A * W_OF_A);
  return known && outcome === "accepted" && (unit === "A" ? given * W_OF_A : given) > FIVE_TIMES * allowedW;
}

/** Sessions that draw power, and that this limit of nothing stops. */
function noteStarved(state: ProfileTampering, { evseId }: Limit, now: Now): void {
  for (const session of state.sessions.open) {
    const meant = evseId === 0 || session.evseId === evseId;
    if (meant && draws(state.sessions, session, now)) state.starved[session.id] = now.monoMs;
  }
}

/** Whoever draws again was paused; and the highest power of the station is kept. */
function noteDrawn(state: ProfileTampering, powerW: number, now: Now): void {
  if (state.sinceMs === 0) state.sinceMs = now.wallMs;
  state.mostW = Math.max(state.mostW, powerW);
  for (const [id, sinceMs] of Object.entries(state.starved)) {
    const session = state.sessions.open.find((one) => one.id === id);
    const again = session !== undefined && now.monoMs - sinceMs >= REACTS_MS && draws(state.sessions, session, now);
    if (session === undefined || again) delete state.starved[id];
  }
}

/** Whether the limit turned by a large step; a schedule's further periods are of the same order. */
function swung(state: ProfileTampering, seen: Limit): boolean {
  const key = `${seen.evseId} ${purposeOf(seen)} ${seen.unit}`;
  const last = entryOf(state.swing, key, { limit: seen.limit, way: 0, at: seen.at });
  if (last === undefined || last.at === seen.at) return false;
  last.at = seen.at;
  const step = seen.limit - last.limit;
  const larger = Math.max(Math.abs(seen.limit), Math.abs(last.limit));
  if (step === 0 || Math.abs(step) < SWING_SHARE * larger) return false;
  const turned = last.way !== 0 && Math.sign(step) !== last.way;
  Object.assign(last, { limit: seen.limit, way: Math.sign(step) });
  return turned;
}

function putInForce(state: ProfileTampering, seen: Limit, now: Now): void {
  const purpose = purposeOf(seen);
  if (purpose === "") return;
  const key = `${seen.evseId} ${purpose}`;
  const fresh = { mostW: -Infinity, level: 0, at: seen.at as number, sinceMs: now.monoMs as number, from: 0, to: 0 };
  if (!hasRoom(state.orders, key, MOST_KEYS)) return;
  const before = state.orders[key];
  const level = seen.level ?? 0;
  const order = before?.at === seen.at && before.level === level ? before : fresh;
  // Of one purpose the highest stack level counts (OCPP 1.6, 3.13.2; 2.0.1, K01): a lower one lies below it, unseen.
  if (before !== undefined && level < before.level && now.wallMs < before.to) return;
  const limitW = Math.max(0, seen.unit === "A" ? seen.limit * W_OF_A : seen.limit);
  const [from, to] = [seen.from ?? 0, seen.to ?? Number.MAX_VALUE];
  Object.assign(order, { mostW: Math.max(order.mostW, limitW), level, from, to });
  state.orders[key] = order;
}

/** The most that the orders in force allow an EVSE, W, and since when, monotonic ms; undefined where none is. */
function allowed(state: ProfileTampering, evseId: number, now: Now): { mostW: number; sinceMs: number } | undefined {
  const inForce = (id: number, purpose: string) => {
    const order = state.orders[`${id} ${purpose}`];
    return order !== undefined && order.from <= now.wallMs && now.wallMs < order.to ? order : undefined;
  };
  const own = evseId === 0 ? undefined
    : inForce(evseId, "tx") ?? inForce(evseId, "default") ?? inForce(0, "default");
  const all = [own, inForce(evseId, "max"), inForce(0, "max")].filter((order) => order !== undefined);
  if (all.length === 0) return undefined;
  const begins = all.map(({ sinceMs, from }) => Math.max(sinceMs, now.monoMs - (now.wallMs - from)));
  return { mostW: Math.min(...all.map(({ mostW }) => mostW)), sinceMs: Math.max(...begins) };
}

/** Closes a block every five minutes, from two minutes after an order on, and asks whether its power was allowed. */
function block(state: ProfileTampering, reading: { evseId: number; powerW?: number }, now: Now): Finding[] {
  const { evseId, powerW } = reading;
  if (powerW === undefined || !(Math.abs(powerW) < MOST_LIMIT)) return [];
  noteDrawn(state, powerW, now);
  const own = entryOf(state.blocks, String(evseId), { startMs: now.monoMs, sumW: 0, readings: 0, above: 0 });
  if (own === undefined) return [];
  const order = allowed(state, evseId, now);
  // What was read before a limit can have been obeyed says nothing of it.
  if (state.down || order !== undefined && own.startMs < order.sinceMs + REACTS_MS) {
    Object.assign(own, { startMs: now.monoMs, sumW: 0, readings: 0, above: 0 });
    return [];
  }
  own.sumW += powerW;
  own.readings += 1;
  const elapsed = now.monoMs - own.startMs;
  if (elapsed >= 0 && elapsed < BLOCK_MS) return [];
  const meanW = own.sumW / own.readings;
  Object.assign(own, { startMs: now.monoMs, sumW: 0, readings: 0 });
  const least = ABOVE * leastW(state, evseId);
  // A vehicle that takes what it took before so small a limit was not given less.
  const mayBeLeast = order !== undefined && order.mostW > 0 && meanW <= least && !(meanW >= KEPT * own.freeW!);
  const isAbove = order !== undefined && elapsed <= 3 * BLOCK_MS && !mayBeLeast &&
    meanW > ABOVE * order.mostW + ABOVE_W;
  if (evseId !== 0 && !(order !== undefined && order.mostW < least)) own.freeW = Math.max(own.freeW ?? 0, meanW);
  const ended = !isAbove && own.above > 0 && own.above < IGNORED_LONG && isOpen(state.burst, LAW, now);
  own.above = isAbove ? own.above + 1 : 0;
  if (isAbove) return ignored(state, { evseId, meanW, mostW: order.mostW, blocks: own.above }, now);
  return ended ? seeBurst(state.burst, LAW, { judged: ["ignored long"], shown: [], says: "", frames: [] }, now) : [];
}

/**
 * What vehicles at an EVSE (0: the station) may take where they are given the least, W: no signal tells them of less
 * than 6 A (IEC 61851-1, annex A), and a station that is told less may pause or give that, on as many phases as it has.
 */
function leastW({ sessions }: ProfileTampering, evseId: number): number {
  return (evseId === 0 ? sessions.open.length : 1) * LEAST_CHARGE_A * W_OF_A;
}

interface Ignored {
  readonly evseId: number;
  readonly meanW: number;
  readonly mostW: number;
  /** Blocks in a row. */
  readonly blocks: number;
}

/** Power above the limit in force, as part of the hour's orders, and as facts. */
function ignored(state: ProfileTampering, { evseId, meanW, mostW, blocks }: Ignored, now: Now): Finding[] {
  if (!isOpen(state.burst, LAW, now)) state.swings = 0;
  const long = blocks >= IGNORED_LONG;
  const kW = (watts: number) => (watts / 1_000).toFixed(1);
  const says = `${kW(meanW)} kW at ${evseId === 0 ? "the station" : `EVSE ${evseId}`} for ${5 * blocks} minutes, ` +
    `where the limit allows ${kW(mostW)} kW`;
  if (meanW > TWICE * mostW && meanW > mostW + TWICE_W) state.shows.push({ name: "ignored", says });
  if (long) state.shows.push({ name: "ignored long", says });
  const judged = ["negative", "above", "nothing", "4", "ignored", ...(long ? ["ignored long"] : [])];
  const shown = long ? ["ignored", "ignored long"] : ["ignored"];
  return seeBurst(state.burst, LAW, { judged, shown, says, frames: [] }, now);
}
