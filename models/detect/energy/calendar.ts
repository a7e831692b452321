/**
 * Energy by day and by calendar month (UTC): what a meter counted, against all that was billed under it and what it
 * counts at rest.
 *
 * Sessions are compared one by one (session.ts), and idle time by whether it shows charging power (energy-theft.ts).
 * What slips past both adds up here, since a register goes on whether or not anybody looks: a load too small to be a
 * vehicle's, comparisons that were broken off again and again, sessions that were never told of.
 * A period ends with the first reading at rest after midnight, so that no session is cut in two. It is one trial: does
 * it show more than its doubt and than what a forgotten bill or a heater takes? The evidence is a habit's
 * (learned/habit.ts); of the periods of a week that do, one teaches.
 * Null: the shares are judgements. Honest look-alikes: bills that wait for a link, and bills that nobody saw (an agent
 * that slept, a transaction from before it, a station that is connected past the agent): of such a day nothing is made,
 * and of such a month only where the bills came after all. The heating of a cabinet on the AC side of a DC charger.
 */
import type { MeterSide, Observation, Term } from "../../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Now } from "../../units.ts";
import { hasRoom } from "../detector.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "../learned/habit.ts";
import { type Balance, isOpen, stands } from "./balance.ts";
import { createStandby, standbyOf } from "./standby.ts";
import { plausible } from "./tracks.ts";

export type Span = "day" | "month";

interface Period {
  /** Days since 1970, or months since the year 0. */
  id: number;
  /** Register and wall clock at its beginning. */
  fromWh: number;
  fromMs: number;
  billedWh: number;
  /** Something is not known of it: nothing is made of it. */
  broken: boolean;
}

interface Metered extends Record<Span, Period> {
  lastWh: number;
  /** Since when nothing is open under it, monotonic ms; -1: something is, or was a moment ago. */
  restMs: number;
}

export interface Calendar {
  meters: Record<string, Metered>;
  /** Transactions without an end, also those that are told late, and their first register, Wh; newest last. */
  starts: { id: string; evseId: number; wh: number; stood: boolean }[];
  /** Ids of late that ended: their readings may come after. */
  ended: string[];
  /** When a bill came last, monotonic ms, -1: never; and how many did, start and stop. */
  billMs: number;
  bills: number;
  habits: Record<Span, Habit>;
  taughtMs: number;
  /** Monotonic ms of the last observation, and since when the link is down; -1: none, it is not. */
  seenMs: number;
  downMs: number;
}

interface SpanLaw extends TraitLaw {
  /** More than this, and than this share of all, flowed beyond bills and rest. */
  readonly leastWh: Readonly<Record<MeterSide, number>>;
  readonly share: number;
}

/** A forgotten bill is a session; a cabinet's heater takes a kilowatt through a frosty day, half of one for a month. */
export const LAWS: Readonly<Record<Span, SpanLaw>> = {
  day: {
    term: "a day whose meter ran ahead of all bills", absent: "a day whose bills explain the meter",
    attackShare: 0.5, honestShare: 0.0005, weight: 100, share: 0.15,
    leastWh: { "evse-output": 4_000, "ac-input": 24_000 },
  },
  month: {
    term: "a month whose meter ran ahead of all bills", absent: "a month whose bills explain the meter",
    attackShare: 0.5, honestShare: 0.005, weight: 20, share: 0.03,
    leastWh: { "evse-output": 20_000, "ac-input": 360_000 },
  },
};
const SPANS = ["day", "month"] as const;
/** The station may still owe a bill for so long after an end; and an agent that saw nothing for so long was away. */
const GRACE_MS = 10 * MINUTE_MS;
const AWAY_MS = 15 * MINUTE_MS;
/** One bill may be a stray; two that are whole show that bills come to this agent. */
const LEAST_BILLS = 2;
const BILLS_OF_LATE_MS = 14 * DAY_MS;
const TEACH_EVERY_MS = 7 * DAY_MS;
/** Standard deviations of standby that are doubt. */
const DOUBTS = 3;
const MOST_STARTS = 64;
const MOST_ENDED = 16;
const UNKNOWN_WH = -1;

export function createCalendar(): Calendar {
  const habits = { day: createHabit(LAWS.day), month: createHabit(LAWS.month) };
  return { meters: {}, starts: [], ended: [], billMs: -1, bills: 0, habits, taughtMs: -1, seenMs: -1, downMs: -1 };
}

export interface PeriodTerm extends Term {
  readonly says: string;
}

/** Takes in an observation, after the balance did, and says what a period that ends with it comes to. */
export function passCalendar(calendar: Calendar, balance: Balance, seen: Observation, now: Now): PeriodTerm[] {
  const away = calendar.seenMs >= 0 && Math.abs(now.monoMs - calendar.seenMs) > AWAY_MS;
  calendar.seenMs = now.monoMs;
  if (away) breakAll(calendar, SPANS);
  switch (seen.kind) {
    case "link":
      return link(calendar, seen, now);
    case "transaction-started":
      begin(calendar, seen);
      return [];
    case "transaction-ended":
      bill(calendar, seen, now);
      return [];
    case "reported-reading":
      // One that began before the agent has a bill that cannot be told from what flowed before.
      told(calendar, balance, seen.transactionId);
      return [];
    case "meter-reading":
      return reading(calendar, balance, seen, now);
    default:
      return [];
  }
}

function breakAll({ meters }: Calendar, spans: readonly Span[]): void {
  for (const meter of Object.values(meters)) for (const span of spans) meter[span].broken = true;
}

function begin(calendar: Calendar, seen: Observation & { kind: "transaction-started" }): void {
  const others = calendar.starts.filter(({ id }) => id !== seen.transactionId);
  // One whose end was never told has no bill.
  const open = others.filter(({ evseId }) => evseId !== seen.evseId);
  if (open.length < others.length) breakAll(calendar, SPANS);
  else if (seen.offline) breakAll(calendar, ["day"]);
  const wh = plausible(seen.registerWh) ?? UNKNOWN_WH;
  calendar.starts = [...open, { id: seen.transactionId, evseId: seen.evseId, wh, stood: false }].slice(-MOST_STARTS);
}

/** A report of a transaction: one without a start here may be of any time; one whose register stands bills nothing. */
function told(calendar: Calendar, balance: Balance, id: string | undefined): void {
  if (id === undefined) return;
  const start = calendar.starts.find((one) => one.id === id);
  if (start !== undefined) start.stood = stands(balance, id);
  else if (!isOpen(balance, id) && !calendar.ended.includes(id)) breakAll(calendar, SPANS);
}

function link(calendar: Calendar, { state }: Observation & { kind: "link" }, now: Now): PeriodTerm[] {
  const downMs = calendar.downMs < 0 ? 0 : now.monoMs - calendar.downMs;
  if (state === "disconnect") calendar.downMs = now.monoMs;
  // After a day the station may have been connected elsewhere, past the agent.
  else if (downMs > DAY_MS) breakAll(calendar, SPANS);
  else if (downMs > GRACE_MS) breakAll(calendar, ["day"]);
  if (state === "connect") calendar.downMs = -1;
  return [];
}

function bill(calendar: Calendar, seen: Observation & { kind: "transaction-ended" }, now: Now): void {
  const [stopWh, start] = [plausible(seen.registerWh), calendar.starts.find(({ id }) => id === seen.transactionId)];
  calendar.starts = calendar.starts.filter((one) => one !== start);
  calendar.ended = [...calendar.ended, seen.transactionId].slice(-MOST_ENDED);
  if (seen.offline) breakAll(calendar, ["day"]);
  // EVSE 0 is one that the message did not name: under which meter it was cannot be said, unless there is but one.
  const keys = Object.keys(calendar.meters);
  const key = keys.includes(String(seen.evseId)) ? String(seen.evseId) : keys.length === 1 ? keys[0]! : "0";
  const meter = calendar.meters[key];
  if (meter === undefined) return;
  meter.restMs = -1;
  calendar.billMs = now.monoMs;
  const known = stopWh !== undefined && start !== undefined && start.wh !== UNKNOWN_WH && stopWh >= start.wh &&
    !(start.stood && stopWh === start.wh);
  if (known) calendar.bills += 1;
  for (const span of SPANS) {
    if (known) meter[span].billedWh += stopWh - start.wh;
    else meter[span].broken = true;
  }
}

function reading(
  calendar: Calendar, balance: Balance, seen: Observation & { kind: "meter-reading" }, now: Now,
): PeriodTerm[] {
  const key = String(seen.reading.evseId);
  const wh = plausible(seen.reading.energyImportWh);
  if (wh === undefined) return [];
  const busy = Object.values(balance.transactions).some(({ evseId }) => String(evseId) === key || key === "0" ||
    evseId === 0);
  const meter = calendar.meters[key];
  if (meter === undefined) {
    if (busy || !hasRoom(calendar.meters, key)) return [];
    const [day, month] = [begun("day", wh, now), begun("month", wh, now)];
    calendar.meters[key] = { day, month, lastWh: wh, restMs: now.monoMs };
    return [];
  }
  // A register that went back was replaced, reset or wrapped.
  if (wh < meter.lastWh) for (const span of SPANS) meter[span].broken = true;
  meter.lastWh = wh;
  if (busy) meter.restMs = -1;
  else if (meter.restMs < 0 || meter.restMs > now.monoMs) meter.restMs = now.monoMs;
  const rests = meter.restMs >= 0 && now.monoMs - meter.restMs >= GRACE_MS && calendar.downMs < 0;
  if (!rests) return [];
  return SPANS.flatMap((span) => {
    const before = meter[span];
    const fresh = begun(span, wh, now);
    if (before.id === fresh.id) return [];
    meter[span] = fresh;
    if (before.broken || !seesBills(calendar, now)) return [];
    return [judge(calendar, balance, { span, key, side: seen.side }, before, wh, now)];
  });
}

/** An agent to which no bills come says nothing of them. */
function seesBills({ bills, billMs }: Calendar, now: Now): boolean {
  return bills >= LEAST_BILLS && Math.abs(now.monoMs - billMs) < BILLS_OF_LATE_MS;
}

function begun(span: Span, fromWh: number, now: Now): Period {
  const date = new Date(now.wallMs);
  const id = span === "day" ? Math.floor(now.wallMs / DAY_MS) : date.getUTCFullYear() * 12 + date.getUTCMonth();
  return { id, fromWh, fromMs: now.wallMs, billedWh: 0, broken: false };
}

interface Where {
  readonly span: Span;
  readonly key: string;
  readonly side: MeterSide;
}

function judge(
  calendar: Calendar, balance: Balance, { span, key, side }: Where, period: Period, wh: number, now: Now,
): PeriodTerm {
  const law = LAWS[span];
  const hours = Math.max(0, now.wallMs - period.fromMs) / HOUR_MS;
  const standby = balance.standby[key] ?? createStandby();
  const { meanW, sdW } = standbyOf(standby);
  const deliveredWh = wh - period.fromWh;
  const explainedWh = period.billedWh * Math.exp(balance.learned[key]?.ratio.centre ?? 0) +
    (meanW + standby.loadW) * hours;
  const excessWh = deliveredWh - explainedWh;
  const shows = excessWh > Math.max(law.leastWh[side], law.share * deliveredWh) + DOUBTS * sdW * hours;
  const { term, nats } = habitTerm(calendar.habits[span], law, shows);
  const lately = calendar.taughtMs >= 0 && now.monoMs - calendar.taughtMs < TEACH_EVERY_MS;
  if (shows && !lately) calendar.taughtMs = now.monoMs;
  if (!shows || !lately) learnHabit(calendar.habits[span], shows);
  const kWh = (amount: number): string => (amount / 1_000).toFixed(1);
  const says = shows ? `within a ${span} the meter counted ${kWh(deliveredWh)} kWh, ${kWh(excessWh)} kWh more than ` +
    "bills and standby explain" : "";
  return { term, nats, says };
}
