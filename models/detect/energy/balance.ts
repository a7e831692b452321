/**
 * Delivered against billed energy, session by session: what each observation changes, and when there is something to
 * compare (session.ts).
 *
 * Delivered is what the agent's own meter says (evidence), billed what the station's registers say in OCPP (testimony).
 * Whenever the station reports, both are compared since the block began; a block closes as soon as its energy is large
 * against the uncertainty of the comparison, so the evidence does not depend on how often either is sampled. What the
 * meter counts while nobody charges is expected (standby.ts).
 *
 * A register that steps back inside a transaction began anew if the station booted, or if it lands where a register
 * that began anew can be by now; anything else is no restart: the bill has lost energy that was delivered.
 * One that stands while the station itself tells of power is stuck: a fault that the station gives away, and no theft.
 * A block is held open meanwhile, since it may also be coarse, or move with the stop alone.
 *
 * A meter on EVSE 0 covers the whole station: then the registers of all its open transactions are added.
 */
import { COMPARED_A_YEAR } from "../../opine/threshold.ts";
import type { MeterSide, Observation, Reading } from "../../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now, SECOND_MS } from "../../units.ts";
import { hasRoom } from "../detector.ts";
import { createPurse, headStart, type Purse } from "../learned/head-start.ts";
import { type Agreement, priorAgreement } from "./agreement.ts";
import {
  beginBlock, billOf, closeIfWorth, type Comparison, confirmBill, createSession, endSession, noteRead, noteRolledNats,
  type Pair, type Session, tell, voidBlock,
} from "./session.ts";
import { createStandby, endIdle, passIdle, type Standby } from "./standby.ts";
import {
  COARSEST_WH, type MeterTrack, noteStood, plausible, stepOf, STUCK_AT_END_WH, type TransactionTrack,
} from "./tracks.ts";

type Started = Extract<Observation, { kind: "transaction-started" }>;
type Reported = Extract<Observation, { kind: "reported-reading" }>;
type Ended = Extract<Observation, { kind: "transaction-ended" }>;

export interface Balance {
  meters: Record<string, MeterTrack | undefined>;
  standby: Record<string, Standby>;
  /** Coarsest step that fits all registers that the station reported, Wh. */
  reportedStepWh: number;
  transactions: Record<string, TransactionTrack>;
  sessions: Record<string, Session>;
  /** Sessions that ended, until the meter's next reading. */
  ended: Record<string, EndedSession>;
  /** Those that were compared, until the next start, and the meter's register then. */
  compared: Record<string, EndedSession & { meterWh: number }>;
  learned: Record<string, Agreement>;
  /** First registers after the last boot, by EVSE, Wh; undefined: no boot was seen. */
  bootWh: Record<string, number> | undefined;
  /** When the link last came up; -1: never. */
  connectedMs: number;
  /** Registers at which one stood while the station told of power, by EVSE, Wh: there it stands in the next session. */
  stuckWh?: Record<string, number>;
  /** Each meter's register when a session under it was last compared, Wh. */
  restWh?: Record<string, number>;
  /** What its sessions' evidence may begin with. */
  purse?: Purse;
}

interface EndedSession {
  session: Session;
  atMs: number;
  frameNo: number | undefined;
  /** The last transaction in it: its EVSE, and the register that it ended with, Wh. */
  evseId: number;
  stopWh: number | undefined;
}

/** Readings that come in disorder go back again and again: until they have not for a while nothing is compared. */
function isDisordered({ backMs }: MeterTrack, now: Now): boolean {
  return backMs >= 0 && now.monoMs - backMs < DISORDER_MS;
}

/** What came of one observation. */
export interface Settled {
  readonly comparisons: readonly Comparison[];
  /** The frame of the stop that is compared now. */
  readonly frameNo?: number | undefined;
  /** By how much the reported register stepped back inside a transaction without beginning anew, Wh. */
  readonly rolledWh?: number;
}

/** A register that stands still under power for this long, beside what a step takes, is stuck. */
const STUCK_MS = MINUTE_MS;
const POWERED_W = 500;
/** A meter that has been silent for longer than this cannot be carried on; nor, at rest, for longer than that. */
const STALE_MS = 2 * MINUTE_MS;
const STALE_AT_REST_MS = 15 * MINUTE_MS;
const DISORDER_MS = 15 * MINUTE_MS;
const FIRST_EVERY_MS = 10 * SECOND_MS;
const MOST_TRANSACTIONS = 64;
/** A transaction without an end for longer than this has ended unseen. */
const LONGEST_MS = 72 * HOUR_MS;

/** What a register may show beyond the energy since it began anew: whoever begins at zero rarely does so exactly. */
const RESTART_WITHIN_WH = 50;
/** So much told as power and not as energy holds a comparison back. */
const HOLD_WH = 100;
/** A register that steps back by no more than this was rounded otherwise, or read a moment earlier. */
const ROLLED_LEAST_WH = 100;
/** No vehicle draws more: what is assumed where no meter speaks. */
const MOST_POWER_W = 400_000;
/** What comes this soon after the link came up may have waited for it. */
const WAITED_MS = 2 * MINUTE_MS;
/** So long after the link came up a station may still tell what waited. */
const QUEUE_MS = 15 * MINUTE_MS;
/** Stamps and arrivals of one transaction that come apart by more: a queue builds up, or is told. */
const SLOW_MS = 30 * SECOND_MS;

/** @param loadsW see `declareLoads` */
export function createBalance(loadsW: Readonly<Record<number, number>> = {}): Balance {
  const balance: Balance = {
    reportedStepWh: COARSEST_WH, meters: {}, standby: {}, transactions: {}, sessions: {}, ended: {}, compared: {},
    learned: {}, bootWh: undefined, connectedMs: -1,
  };
  declareLoads(balance, loadsW);
  return balance;
}

/** Transaction ids come from the wire: the prefix keeps `__proto__` and its like an ordinary key. */
function idKey(transactionId: string): string {
  return `#${transactionId}`;
}

const NOTHING: Settled = { comparisons: [] };

/** Takes in the meter's reading; a session that ended since the last one is compared now. */
export function onReading(balance: Balance, reading: Reading, side: MeterSide, now: Now): Settled {
  const registerWh = plausible(reading.energyImportWh);
  if (registerWh === undefined) return NOTHING;
  const key = String(reading.evseId);
  const before = balance.meters[key];
  if (!hasRoom(balance.meters, key)) return NOTHING;
  const session = balance.sessions[key];
  // A register that went back was replaced, reset or wrapped: what was measured across that moment is void.
  const back = before !== undefined && registerWh < before.registerWh;
  if (session !== undefined && back) voidBlock(session);
  const powerW = Math.max(0, plausible(reading.powerW) ?? 0);
  const everyMs = before === undefined ? FIRST_EVERY_MS : Math.min(STALE_MS, now.monoMs - before.atMs);
  if (session !== undefined) noteRead(session, powerW, plausible(reading.voltageV) ?? 0, now.monoMs);
  else idle(balance, key, registerWh, side, now);
  const stepWh = stepOf(before?.stepWh ?? COARSEST_WH, registerWh);
  const countedMs = before === undefined || registerWh !== before.registerWh ? now.monoMs : before.countedMs;
  const movedMs = before === undefined || countedMs === now.monoMs || powerW < POWERED_W ? now.monoMs : before.movedMs;
  const backMs = back ? now.monoMs : before?.backMs ?? -1;
  balance.meters[key] = { registerWh, powerW, atMs: now.monoMs, everyMs, stepWh, countedMs, movedMs, backMs, side };
  const stuck = now.monoMs - movedMs > STUCK_MS + everyMs + (2 * stepWh * HOUR_MS) / Math.max(POWERED_W, powerW);
  if (stuck && session !== undefined) voidBlock(session);
  return compareEnded(balance, key, now);
}

/**
 * The bill of a session that ended, against what the meter shows next: between its last reading and the stop anything
 * may have flowed, and after the stop nothing does.
 */
function compareEnded(balance: Balance, key: string, now: Now): Settled {
  const [ended, meter] = [balance.ended[key], balance.meters[key]];
  if (ended === undefined || meter === undefined) return NOTHING;
  delete balance.ended[key];
  const { session, atMs, frameNo } = ended;
  if (now.monoMs - atMs > STALE_AT_REST_MS || meter.registerWh < (session.beganWh ?? 0)) session.beganWh = undefined;
  const comparisons = endSession(session, pairOf(balance, key, meter, meter.registerWh, now));
  (balance.restWh ??= {})[key] = meter.registerWh;
  if (session.looks !== undefined) balance.compared[key] = { ...ended, meterWh: meter.registerWh };
  return { comparisons, frameNo };
}

/** Takes what the operator declares behind each meter beside vehicles, W by EVSE, in place of what was told before. */
export function declareLoads({ standby }: Balance, loadsW: Readonly<Record<number, number>>): void {
  for (const key of Object.keys(loadsW)) standby[key] ??= createStandby();
  for (const [key, own] of Object.entries(standby)) own.loadW = loadsW[Number(key)] ?? 0;
}

/** A meter under which nothing is open counts standby. */
function idle(balance: Balance, key: string, registerWh: number, side: MeterSide, now: Now): void {
  const standby = (balance.standby[key] ??= createStandby());
  if (covered(balance, key).length > 0) endIdle(standby);
  else passIdle(standby, registerWh, side, now.monoMs);
}

export function onMeterLost(balance: Balance, evseId: number): void {
  delete balance.meters[String(evseId)];
  delete balance.ended[String(evseId)];
  delete balance.compared[String(evseId)];
  const session = balance.sessions[String(evseId)];
  if (session !== undefined) voidBlock(session);
}

export function onConnect(balance: Balance, now: Now): void {
  balance.connectedMs = now.monoMs;
  for (const session of Object.values(balance.sessions)) beginBlock(session, undefined, now.monoMs);
}

/**
 * What the station reports first over a new connection may have waited for it, and is compared with nothing: held
 * against the meter of now, a report of a minute ago would bill too little.
 */
function mayHaveWaited({ connectedMs }: Balance, now: Now): boolean {
  return connectedMs >= 0 && now.monoMs - connectedMs < WAITED_MS;
}

/** What a stamp is behind the agent's clock, s. A station's may be off: only what it changes by says something. */
function lateOf({ at, saidAt }: Observation): number | undefined {
  return saidAt === undefined ? undefined : Math.round((at - saidAt) / SECOND_MS);
}

/** By how much a message was told later than an earlier one, ms; 0 as long as that is what a slow link does. */
function laterBy(lateS: number | undefined, beforeS: number | undefined): number {
  const laterMs = ((lateS ?? NaN) - (beforeS ?? NaN)) * SECOND_MS;
  return Math.abs(laterMs) > SLOW_MS ? laterMs : 0;
}

/** Whether no vehicle takes so much in that time: a station whose stamps say nothing tells it out of a queue. */
function isTooFast(energyWh: number, elapsedMs: number): boolean {
  return energyWh * HOUR_MS > MOST_POWER_W * elapsedMs;
}

/** Registers that are kept in memory alone begin anew with the station. */
export function onBoot(balance: Balance): void {
  balance.bootWh = {};
  for (const open of Object.values(balance.transactions)) open.booted = true;
}

function noteAfterBoot(balance: Balance, evseId: number, registerWh: number): void {
  const known = balance.bootWh;
  if (known !== undefined && hasRoom(known, evseId)) known[String(evseId)] ??= registerWh;
}

/** Whether a register that stepped back began anew: at a boot, from zero, or from what it had at the last boot. */
function beganAnew(balance: Balance, track: TransactionTrack, registerWh: number, now: Now): boolean {
  if (track.booted) return true;
  const peakW = balance.sessions[meterOf(balance, track.evseId)]?.peakW ?? MOST_POWER_W;
  const within = RESTART_WITHIN_WH + (1.1 * peakW * (now.monoMs - track.reportedAtMs)) / HOUR_MS;
  const aboveBootWh = registerWh - (balance.bootWh?.[String(track.evseId)] ?? Infinity);
  return registerWh <= within || (aboveBootWh >= 0 && aboveBootWh <= within);
}

/** The meter's register now, Wh: the last reading carried on at its power; undefined when that is too old. */
function deliveredNow(meter: MeterTrack | undefined, now: Now): number | undefined {
  if (meter === undefined || now.monoMs - meter.atMs > STALE_MS) return undefined;
  return meter.registerWh + (meter.powerW * (now.monoMs - meter.atMs)) / HOUR_MS;
}

/** The meter that covers an EVSE: its own, else the station's. */
function meterOf(balance: Balance, evseId: number): string {
  return balance.meters[String(evseId)] !== undefined || balance.sessions[String(evseId)] !== undefined
    ? String(evseId) : "0";
}

function covered(balance: Balance, key: string): TransactionTrack[] {
  return Object.values(balance.transactions).filter((open) => meterOf(balance, open.evseId) === key);
}

/** A start that is told after an outage is an open transaction like any other; it is compared from its next report. */
export function onStart(balance: Balance, started: Started, now: Now): Settled {
  dropStale(balance, started.evseId, now);
  const key = meterOf(balance, started.evseId);
  const meter = balance.meters[key];
  // What no transaction is left of has ended unseen: it is neither learned from nor held against anybody.
  if (covered(balance, key).length === 0) delete balance.sessions[key];
  const reportedWh = started.offline ? undefined : plausible(started.registerWh);
  balance.transactions[idKey(started.transactionId)] = {
    evseId: started.evseId, startedMs: now.monoMs, startWh: reportedWh, reportedWh, reportedAtMs: now.monoMs,
    steppedFromWh: undefined, startLateS: lateOf(started),
    stoodWh: reportedWh !== undefined && reportedWh === balance.stuckWh?.[started.evseId] ? 2 * STUCK_AT_END_WH : 0,
  };
  if (reportedWh !== undefined) {
    balance.reportedStepWh = stepOf(balance.reportedStepWh, reportedWh);
    noteAfterBoot(balance, started.evseId, reportedWh);
  }
  // What the last session took cannot be told from what this one takes any more.
  delete balance.ended[key];
  const confirmed = confirmLast(balance, key, started.evseId, reportedWh, now);
  if (meter === undefined || balance.sessions[key] !== undefined) return confirmed;
  const pair = pairOf(balance, key, meter, 0, now);
  endIdle(pair.standby);
  const headNats = headStart((balance.purse ??= createPurse()), COMPARED_A_YEAR, now);
  const session = createSession(pair, atRest(meter, now), headNats);
  balance.sessions[key] = session;
  const { connectedMs } = balance;
  const mayWait = started.saidAt === undefined && connectedMs >= 0 && now.monoMs - connectedMs < QUEUE_MS;
  // What was really delivered before, and billed by nobody, may be what this transaction bills.
  if (mayWait) session.beforeWh = Math.max(0, meter.registerWh - (balance.restWh?.[key] ?? meter.registerWh));
  return confirmed;
}

/** A start whose register is that of the last stop: the stop's was no figure that went wrong on its way. */
function confirmLast(
  balance: Balance, key: string, evseId: number, registerWh: number | undefined, now: Now,
): Settled {
  const [last, meter] = [balance.compared[key], balance.meters[key]];
  delete balance.compared[key];
  if (last?.stopWh === undefined || meter === undefined || registerWh === undefined) return NOTHING;
  const { session, frameNo, stopWh, meterWh } = last;
  const grownWh = registerWh - stopWh;
  const idleWh = meter.registerWh - meterWh;
  if (last.evseId !== evseId || session.bills !== 1 || grownWh < 0 || idleWh < 0) return NOTHING;
  if (grownWh > idleWh + balance.reportedStepWh) return NOTHING;
  const deliveredWh = meterWh - (session.beganWh ?? meterWh);
  return { comparisons: confirmBill(session, pairOf(balance, key, meter, meterWh, now), deliveredWh), frameNo };
}

/** The meter's register now, Wh, if nothing has flowed since its last reading: undefined where something may have. */
function atRest(meter: MeterTrack, now: Now): number | undefined {
  const rests = meter.powerW < POWERED_W && now.monoMs - meter.atMs < STALE_AT_REST_MS;
  return rests ? meter.registerWh + (meter.powerW * (now.monoMs - meter.atMs)) / HOUR_MS : undefined;
}

function pairOf(balance: Balance, key: string, meter: MeterTrack, registerWh: number, now: Now): Pair {
  return {
    meter, registerWh, nowMs: now.monoMs, reportedStepWh: balance.reportedStepWh,
    learned: (balance.learned[key] ??= priorAgreement(meter.side)),
    standby: (balance.standby[key] ??= createStandby()),
    lateMs: covered(balance, key).reduce((sum, open) => sum + (now.monoMs - open.reportedAtMs), 0),
  };
}

/** Transactions whose end was never seen: another began on their EVSE, or they are older than any can be. */
export function dropStale(balance: Balance, startingEvseId: number, now: Now): void {
  const ids = Object.keys(balance.transactions);
  for (const id of ids) {
    const open = balance.transactions[id];
    const stale = open === undefined || open.evseId === startingEvseId || now.monoMs - open.startedMs > LONGEST_MS;
    if (stale) forgetTransaction(balance, id);
  }
  const oldest = ids.length >= MOST_TRANSACTIONS ? ids[0] : undefined;
  if (oldest !== undefined) forgetTransaction(balance, oldest);
}

/** What it has taken since its last report will never be billed: the block of its meter is void. */
function forgetTransaction(balance: Balance, id: string): void {
  const open = balance.transactions[id];
  if (open === undefined) return;
  const session = balance.sessions[meterOf(balance, open.evseId)];
  if (session !== undefined) voidBlock(session);
  delete balance.transactions[id];
}

function find(balance: Balance, transactionId: string | undefined, evseId: number): TransactionTrack | undefined {
  if (transactionId !== undefined) return balance.transactions[idKey(transactionId)];
  return Object.values(balance.transactions).find((open) => open.evseId === evseId);
}

export function isOpen(balance: Balance, transactionId: string): boolean {
  return balance.transactions[idKey(transactionId)] !== undefined;
}

/** Whether the register of an open transaction stands while the station tells of power. */
export function stands(balance: Balance, transactionId: string): boolean {
  return (balance.transactions[idKey(transactionId)]?.stoodWh ?? 0) > STUCK_AT_END_WH;
}

export function onReported(balance: Balance, seen: Reported, now: Now): Settled {
  const track = find(balance, seen.transactionId, seen.reading.evseId);
  const registerWh = plausible(seen.reading.energyImportWh);
  if (track === undefined || registerWh === undefined) return { comparisons: [] };
  noteAfterBoot(balance, track.evseId, registerWh);
  const moved = registerWh !== track.reportedWh;
  noteStood(track, moved, plausible(seen.reading.powerW), now.monoMs - track.reportedAtMs);
  return settle(balance, track, registerWh, seen, now);
}

export function onStop(balance: Balance, seen: Ended, now: Now): Comparison[] {
  const track = balance.transactions[idKey(seen.transactionId)];
  if (track === undefined) return [];
  const key = meterOf(balance, track.evseId);
  const toldWh = plausible(seen.registerWh);
  const registerWh = seen.offline ? undefined : toldWh;
  const moved = registerWh !== undefined && registerWh !== track.reportedWh;
  const found = registerWh === undefined ? [] : [...settle(balance, track, registerWh, seen, now).comparisons];
  delete balance.transactions[idKey(seen.transactionId)];
  const session = balance.sessions[key];
  if (session === undefined) return found;
  // What comes late is compared with no moment of the meter's; its bill as a whole is, with what the meter shows next.
  if (toldWh === undefined) voidBlock(session);
  else if (registerWh === undefined) {
    session.billedWh += toldWh - (track.reportedWh ?? toldWh);
    beginBlock(session, undefined, now.monoMs);
  }
  // Some registers move with the stop alone.
  session.stuck = !moved && track.stoodWh > STUCK_AT_END_WH;
  const stuckWh = (balance.stuckWh ??= {});
  if (session.stuck && toldWh !== undefined && hasRoom(stuckWh, track.evseId)) stuckWh[track.evseId] = toldWh;
  const laterMs = laterBy(lateOf(seen), track.startLateS);
  const cameUp = balance.connectedMs >= session.beganMs && mayHaveWaited(balance, now);
  session.late ||= seen.offline || laterMs > 0 || cameUp;
  if (laterMs < 0) noteBefore(session, -laterMs);
  addBill(session, track, toldWh);
  const unstamped = seen.saidAt === undefined && isTooFast(session.billWh ?? 0, now.monoMs - session.beganMs);
  if (unstamped) session.beganWh = undefined;
  if (covered(balance, key).length > 0) return found;
  delete balance.sessions[key];
  if (balance.meters[key] !== undefined) {
    balance.ended[key] = { session, atMs: now.monoMs, frameNo: seen.frameNo, evseId: track.evseId, stopWh: registerWh };
  }
  return found;
}

/** Books what the station reported, and closes the block when it is worth a comparison. */
function settle(
  balance: Balance, track: TransactionTrack, registerWh: number, seen: Reported | Ended, now: Now,
): Settled {
  const last = seen.kind === "transaction-ended";
  const lateS = lateOf(seen);
  const before = track.reportedWh;
  const steppedBack = before !== undefined && registerWh < before;
  const anew = steppedBack && beganAnew(balance, track, registerWh, now);
  const rolled = anew ? {} : stepBack(track, registerWh, steppedBack);
  balance.reportedStepWh = stepOf(balance.reportedStepWh, registerWh);
  Object.assign(track, { reportedWh: registerWh, booted: undefined, anew: track.anew || anew || undefined });
  const key = meterOf(balance, track.evseId);
  const [session, meter] = [balance.sessions[key], balance.meters[key]];
  const elapsedMs = now.monoMs - track.reportedAtMs;
  track.reportedAtMs = now.monoMs;
  if (session === undefined || meter === undefined) return { comparisons: [], ...rolled };
  const register = deliveredNow(meter, now);
  // A register that began anew in mid-session leaves nothing to compare as a whole; a bill below the last report does.
  if (register === undefined || (anew && !last)) session.beganWh = undefined;
  const unstamped = lateS === undefined && !last && isTooFast(registerWh - (before ?? registerWh), elapsedMs);
  const queued = mayHaveWaited(balance, now) || laterBy(lateS, track.lateS ?? track.startLateS) !== 0 || unstamped;
  const lost = anew || (steppedBack && last) || queued || isDisordered(meter, now);
  if (register === undefined || session.startWh === undefined || before === undefined || lost) {
    track.lateS = lateS;
    if (before === undefined || anew) delete session.last;
    else session.billedWh += registerWh - before;
    beginBlock(session, register, now.monoMs);
    return { comparisons: [], ...rolled };
  }
  session.billedWh += registerWh - before;
  // Reports that overtook each other are made good by the next one.
  if (track.steppedFromWh !== undefined) return { comparisons: [] };
  // What the stop tells is compared with the meter's next reading, as a bill; under a meter that serves others, too.
  if (last) return { comparisons: [], ...rolled };
  if (track.stoodWh > HOLD_WH) return { comparisons: [], ...rolled };
  return { comparisons: closeIfWorth(session, pairOf(balance, key, meter, register, now)), ...rolled };
}

/** Notes a step back; at the next report, says whether the register stayed back. */
function stepBack(track: TransactionTrack, registerWh: number, steppedBack: boolean): { rolledWh?: number } {
  const fromWh = track.steppedFromWh;
  track.steppedFromWh = steppedBack && fromWh === undefined ? track.reportedWh : undefined;
  return fromWh !== undefined && fromWh - registerWh > ROLLED_LEAST_WH ? { rolledWh: fromWh - registerWh } : {};
}

/** What was made of a register that stepped back, nats; says what its bill comes to so far. */
export function noteRolled(balance: Balance, evseId: number, nats: number, now: Now): Comparison[] {
  const key = meterOf(balance, evseId);
  const [session, meter] = [balance.sessions[key], balance.meters[key]];
  if (session === undefined) return [];
  noteRolledNats(session, nats);
  const [track, ...others] = covered(balance, key);
  const registerWh = deliveredNow(meter, now);
  if (meter === undefined || registerWh === undefined || track === undefined || others.length > 0) return [];
  const soFar = { ...session };
  addBill(soFar, track, track.reportedWh);
  const pair = pairOf(balance, key, meter, registerWh, now);
  const bill = billOf(soFar, pair, meter.everyMs);
  if (bill === undefined) return [];
  return [tell(session, pair, { theft: [bill.theft], inflation: [bill.inflation] }, bill.deliveredWh, bill.billedWh)];
}

/** A start was told later than its stop: what it bills may have flowed before. */
function noteBefore(session: Session, beforeMs: number): void {
  session.beforeMs = (session.beforeMs ?? 0) + beforeMs;
  // It may have been over when it was told: the meter has shown nothing that says how much that can have been.
  if (session.peakW < POWERED_W) session.beganWh = undefined;
}

/** Adds the bill of a transaction that ends to its session; a session with a bill that is not known has none. */
function addBill(session: Session, { startWh, anew }: TransactionTrack, registerWh: number | undefined): void {
  const unknown = startWh === undefined || registerWh === undefined || (registerWh < startWh && anew);
  session.billWh = unknown || session.billWh === undefined ? undefined
    : session.billWh + Math.max(0, registerWh - startWh);
  session.bills += 1;
}
