/**
 * Delivered against billed energy, session by session: ahead of it (theft), or behind (billing inflation).
 *
 * Delivered is what the agent's own meter says (evidence), billed what the station's registers say in OCPP (testimony).
 * Whenever the station reports, both are compared since the block began; a block closes as soon as its energy is large
 * against the uncertainty of the comparison, so the evidence does not depend on how often either is sampled.
 *
 * Within a session either is one common shift of x = ln(delivered / billed) in every block, while an honest glitch (a
 * reading that came late, a report that was lost) spoils one: blocks have Student-t noise, and the evidence is the
 * mixture over shifts of the product of their likelihood ratios (shift-grid.ts). One session is one e-value, and
 * bounded. At its end the bills as a whole, stop less start, are compared with all that the meter counted: a register
 * may jump at the stop, where no block closes any more.
 *
 * A register that steps back inside a transaction began anew if the station booted, or if it lands where a register
 * that began anew can be by now; anything else is no restart: the bill has lost energy that was delivered.
 *
 * A meter on EVSE 0 covers the whole station: then the registers of all its open transactions are added.
 */
import type { MeterSide, Observation, Reading } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now, SECOND_MS } from "../units.ts";
import { MOST_NATS } from "./detector.ts";
import {
  type Agreement, CENTRE_BOUNDS, learnLag, noiseWh, priorAgreement, ratioOf, RESOLUTION_WH, type Timing,
} from "./learned/agreement.ts";
import { learnSpread, scaleOf } from "./learned/spread.ts";
import { addBlock, createShiftGrid, type ShiftGrid, shiftGridNats } from "./learned/shift-grid.ts";

type Started = Extract<Observation, { kind: "transaction-started" }>;
type Reported = Extract<Observation, { kind: "reported-reading" }>;
type Ended = Extract<Observation, { kind: "transaction-ended" }>;

interface MeterTrack {
  registerWh: number;
  powerW: number;
  atMs: number;
  /** Time between its last readings, ms: between two of them its register is only guessed. */
  everyMs: number;
  /** Coarsest step that fits all that its register showed, Wh, and when it last moved. */
  stepWh: number;
  movedMs: number;
  side: MeterSide;
}

interface TransactionTrack {
  evseId: number;
  startedMs: number;
  /** Register that the station reported at the start, Wh. */
  startWh: number | undefined;
  /** Last register that the station reported, Wh, and when. */
  reportedWh: number | undefined;
  reportedAtMs: number;
  /** The register before it stepped back, until the next report shows that it stays back, Wh. */
  steppedFromWh: number | undefined;
  /** Whether the station booted since its last report. */
  booted: boolean;
}

/** What runs under one meter from the first open transaction to the last. */
interface Session {
  /** The meter's register at the start of the block; undefined: begins with the next report. */
  startWh: number | undefined;
  billedWh: number;
  /** The highest power since the block began, W. */
  peakW: number;
  /** Closed blocks together. */
  deliveredTotalWh: number;
  billedTotalWh: number;
  /** The meter's register at the start of the session; undefined: it cannot be compared as a whole. */
  beganWh: number | undefined;
  beganMs: number;
  /** Bills of the transactions that ended in it, together, and their number; undefined: one of them is not known. */
  billWh: number | undefined;
  bills: number;
  grid: ShiftGrid;
  /** The evidence that was given out so far, nats. */
  givenNats: number;
  /** What a register that stepped back was taken to say, nats: another look at the same session. */
  rolledNats: number | undefined;
}

export interface Balance {
  /** 1: delivered ahead of billed is looked for; -1: billed ahead of delivered. */
  towards: 1 | -1;
  meters: Record<string, MeterTrack | undefined>;
  /** Coarsest step that fits all registers that the station reported, Wh. */
  reportedStepWh: number;
  transactions: Record<string, TransactionTrack>;
  sessions: Record<string, Session>;
  learned: Record<string, Agreement>;
  /** First registers after the last boot, by EVSE, Wh; undefined: no boot was seen. */
  bootWh: Record<string, number> | undefined;
  /** When the link last came up; -1: never. */
  connectedMs: number;
}

/** What one comparison adds. */
export interface Comparison {
  readonly deliveredWh: number;
  readonly billedWh: number;
  readonly shiftNats: number;
  readonly driftNats: number;
}

/** What came of one observation. */
export interface Settled {
  readonly comparisons: readonly Comparison[];
  /** By how much the reported register stepped back inside a transaction without beginning anew, Wh. */
  readonly rolledWh?: number;
}

/** A block closes when its own uncertainty is below this share of its energy; at the end a rougher one will do. */
const CLOSE_AT_NOISE = 0.05;
const LAST_AT_NOISE = 0.2;
const LEAST_BLOCK_WH = 50;
/** Registers that move in steps are found out by their figures (EM340: 100 Wh). */
const COARSEST_WH = 100;
/** A register that stands still under power for this long, beside what a step takes, is stuck. */
const STUCK_MS = MINUTE_MS;
const POWERED_W = 500;
/** A meter that has been silent for longer than this cannot be interpolated. */
const STALE_MS = 2 * MINUTE_MS;
const FIRST_EVERY_MS = 10 * SECOND_MS;
/** Shifts of x that count at a station; smaller ones are for the zone. */
const LEAST_SHIFT = 0.04;
const LEAST_SHIFT_SPREADS = 4;
const MOST_SHIFT = 1.4;
/** One session never says more than this either way. */
const LEAST_A_SESSION = -3;
const MOST_A_SESSION = 16;
/** Nor one comparison more than this; what is left over follows with the next one. */
const MOST_A_BLOCK = MOST_NATS;
/** The joint feature looks for a drift of this size in x, and one session says at most this much about it. */
const DRIFT = 0.01;
const MOST_DRIFT_NATS = 2;
/** Below this evidence a session is taken as honest and learned from. */
const LEARN_BELOW_NATS = 1;
const MOST_TRANSACTIONS = 64;
/** No station has more meters; ids beyond are not followed. */
const MOST_METERS = 32;
/** Beyond any register, Wh, and any power, W: a broken reading. */
const MOST_READING = 1e12;
/** A transaction without an end for longer than this has ended unseen. */
const LONGEST_MS = 72 * HOUR_MS;

/** What a register may show beyond the energy since it began anew: whoever begins at zero rarely does so exactly. */
const RESTART_WITHIN_WH = 50;
/** A register that steps back by no more than this was rounded otherwise, or read a moment earlier. */
const ROLLED_LEAST_WH = 100;
/** No vehicle draws more: what is assumed where no meter speaks. */
const MOST_POWER_W = 400_000;
/** A stop this soon after the link came up may have waited for it. */
const WAITED_MS = 2 * MINUTE_MS;
/** What the agent's meter counts while a full vehicle stays plugged in, and no bill does, W: electronics, contactor. */
const STANDBY_W = 12;
/** A meter that saw less than this share of a bill saw nothing of it. */
const SAW_NOTHING_SHARE = 0.1;
const WENT_ALONG_SHARE = 0.5;
/** Either nothing flowed or the meter died at rest, which few do: judgement, as in session-spoofing.ts. */
const MOST_OF_NOTHING = Math.log(0.3 / 0.0005);

export function createBalance(towards: 1 | -1 = 1): Balance {
  return {
    towards, reportedStepWh: COARSEST_WH, meters: {}, transactions: {}, sessions: {}, learned: {}, bootWh: undefined,
    connectedMs: -1,
  };
}

/** Transaction ids come from the wire: the prefix keeps `__proto__` and its like an ordinary key. */
function idKey(transactionId: string): string {
  return `#${transactionId}`;
}

/** The figure, unless no meter can mean it. */
export function plausible(figure: number | undefined): number | undefined {
  return figure !== undefined && Math.abs(figure) <= MOST_READING ? figure : undefined;
}

export function onReading(balance: Balance, reading: Reading, side: MeterSide, now: Now): void {
  const registerWh = plausible(reading.energyImportWh);
  if (registerWh === undefined) return;
  const key = String(reading.evseId);
  const before = balance.meters[key];
  if (before === undefined && Object.keys(balance.meters).length >= MOST_METERS) return;
  const session = balance.sessions[key];
  // A register that went back was replaced, reset or wrapped: what was measured across that moment is void.
  if (session !== undefined && before !== undefined && registerWh < before.registerWh) voidBlock(session);
  const powerW = Math.max(0, plausible(reading.powerW) ?? 0);
  const everyMs = before === undefined ? FIRST_EVERY_MS : Math.min(STALE_MS, now.monoMs - before.atMs);
  if (session !== undefined) session.peakW = Math.max(session.peakW, powerW);
  const stepWh = stepOf(before?.stepWh ?? COARSEST_WH, registerWh);
  const moved = before === undefined || registerWh !== before.registerWh || powerW < POWERED_W;
  const movedMs = moved ? now.monoMs : before.movedMs;
  balance.meters[key] = { registerWh, powerW, atMs: now.monoMs, everyMs, stepWh, movedMs, side };
  const stuck = now.monoMs - movedMs > STUCK_MS + everyMs + (2 * stepWh * HOUR_MS) / Math.max(POWERED_W, powerW);
  if (stuck && session !== undefined) voidBlock(session);
}

/** The coarsest step, of 100, 10 and 1 Wh, that a register may still have after it showed this figure. */
function stepOf(stepWh: number, registerWh: number): number {
  const fits = (step: number): boolean => Math.abs(registerWh - step * Math.round(registerWh / step)) < 0.01;
  return stepWh > 1 && !fits(stepWh) ? stepOf(stepWh / 10, registerWh) : stepWh;
}

/** Variance of an energy from the steps of both registers, Wh squared. */
function resolution2(balance: Balance, meter: MeterTrack | undefined): number {
  return 2 * RESOLUTION_WH ** 2 + ((meter?.stepWh ?? 1) ** 2 + balance.reportedStepWh ** 2) / 6;
}

export function onMeterLost(balance: Balance, evseId: number): void {
  delete balance.meters[String(evseId)];
  const session = balance.sessions[String(evseId)];
  if (session !== undefined) voidBlock(session);
}

/**
 * What the station reports first over a new connection may have waited for it, and is compared with nothing: held
 * against the meter of now, a report of a minute ago would bill too little.
 */
export function onConnect(balance: Balance, now: Now): void {
  balance.connectedMs = now.monoMs;
  for (const session of Object.values(balance.sessions)) {
    session.startWh = undefined;
    session.billedWh = 0;
  }
}

/** Registers that are kept in memory alone begin anew with the station. */
export function onBoot(balance: Balance): void {
  balance.bootWh = {};
  for (const open of Object.values(balance.transactions)) open.booted = true;
}

function noteAfterBoot(balance: Balance, evseId: number, registerWh: number): void {
  const known = balance.bootWh;
  if (known !== undefined && Object.keys(known).length < MOST_METERS) known[String(evseId)] ??= registerWh;
}

/** Whether a register that stepped back began anew: at a boot, from zero, or from what it had at the last boot. */
function beganAnew(balance: Balance, track: TransactionTrack, registerWh: number, now: Now): boolean {
  if (track.booted) return true;
  const peakW = balance.sessions[meterOf(balance, track.evseId)]?.peakW ?? MOST_POWER_W;
  const within = RESTART_WITHIN_WH + (1.1 * peakW * (now.monoMs - track.reportedAtMs)) / HOUR_MS;
  const aboveBootWh = registerWh - (balance.bootWh?.[String(track.evseId)] ?? Infinity);
  return registerWh <= within || (aboveBootWh >= 0 && aboveBootWh <= within);
}

function voidBlock(session: Session): void {
  session.startWh = session.beganWh = undefined;
  session.billedWh = 0;
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
export function onStart(balance: Balance, started: Started, now: Now): void {
  dropStale(balance, started.evseId, now);
  const key = meterOf(balance, started.evseId);
  const meter = balance.meters[key];
  // What no transaction is left of has ended unseen: it is neither learned from nor held against anybody.
  if (covered(balance, key).length === 0) delete balance.sessions[key];
  const reportedWh = started.offline ? undefined : plausible(started.registerWh);
  balance.transactions[idKey(started.transactionId)] = {
    evseId: started.evseId, startedMs: now.monoMs, startWh: reportedWh, reportedWh, reportedAtMs: now.monoMs,
    steppedFromWh: undefined, booted: false,
  };
  if (reportedWh !== undefined) {
    balance.reportedStepWh = stepOf(balance.reportedStepWh, reportedWh);
    noteAfterBoot(balance, started.evseId, reportedWh);
  }
  const running = balance.sessions[key];
  if (meter === undefined || running !== undefined) return;
  const learned = (balance.learned[key] ??= priorAgreement(meter.side));
  const leastShift = Math.max(LEAST_SHIFT, LEAST_SHIFT_SPREADS * scaleOf(learned.ratio, 0));
  const startWh = deliveredNow(meter, now);
  balance.sessions[key] = {
    startWh, beganWh: startWh, billedWh: 0, peakW: meter.powerW, deliveredTotalWh: 0, billedTotalWh: 0,
    beganMs: now.monoMs, billWh: 0, bills: 0,
    grid: createShiftGrid(leastShift, MOST_SHIFT), givenNats: 0, rolledNats: undefined,
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

export function onReported(balance: Balance, seen: Reported, now: Now): Settled {
  const track = find(balance, seen.transactionId, seen.reading.evseId);
  const registerWh = plausible(seen.reading.energyImportWh);
  if (track === undefined || registerWh === undefined) return { comparisons: [] };
  noteAfterBoot(balance, track.evseId, registerWh);
  return settle(balance, track, registerWh, now, false);
}

export function onStop(balance: Balance, seen: Ended, now: Now): Comparison[] {
  const track = balance.transactions[idKey(seen.transactionId)];
  if (track === undefined) return [];
  const key = meterOf(balance, track.evseId);
  const registerWh = seen.offline ? undefined : plausible(seen.registerWh);
  const found = registerWh === undefined ? [] : [...settle(balance, track, registerWh, now, true).comparisons];
  if (registerWh === undefined) forgetTransaction(balance, idKey(seen.transactionId));
  delete balance.transactions[idKey(seen.transactionId)];
  const session = balance.sessions[key];
  if (session === undefined) return found;
  addBill(balance, session, track, registerWh, now);
  if (covered(balance, key).length > 0) return found;
  found.push(...compareBills(balance, key, session, now));
  delete balance.sessions[key];
  return [...found, ...closeSession(balance, key, session)];
}

/** Books what the station reported, and closes the block when it is worth a comparison. */
function settle(balance: Balance, track: TransactionTrack, registerWh: number, now: Now, last: boolean): Settled {
  const before = track.reportedWh;
  const steppedBack = before !== undefined && registerWh < before;
  const anew = steppedBack && (last || beganAnew(balance, track, registerWh, now));
  const rolled = anew ? {} : stepBack(track, registerWh, steppedBack);
  balance.reportedStepWh = stepOf(balance.reportedStepWh, registerWh);
  Object.assign(track, { reportedWh: registerWh, reportedAtMs: now.monoMs, booted: false });
  const key = meterOf(balance, track.evseId);
  const session = balance.sessions[key];
  const meter = balance.meters[key];
  if (session === undefined || meter === undefined) return { comparisons: [], ...rolled };
  const register = deliveredNow(meter, now);
  // A register that began anew in mid-session leaves nothing to compare as a whole; a bill below the last report does.
  if (register === undefined || (anew && !last)) session.beganWh = undefined;
  if (register === undefined || session.startWh === undefined || before === undefined || anew) {
    session.startWh = register;
    session.billedWh = 0;
    return { comparisons: [], ...rolled };
  }
  session.billedWh += registerWh - before;
  // Reports that overtook each other are made good by the next one.
  if (track.steppedFromWh !== undefined) return { comparisons: [] };
  return { comparisons: closeIfWorth(balance, key, session, { meter, register, last }, now), ...rolled };
}

/** Notes a step back; at the next report, says whether the register stayed back. */
function stepBack(track: TransactionTrack, registerWh: number, steppedBack: boolean): { rolledWh?: number } {
  const fromWh = track.steppedFromWh;
  track.steppedFromWh = steppedBack && fromWh === undefined ? track.reportedWh : undefined;
  return fromWh !== undefined && fromWh - registerWh > ROLLED_LEAST_WH ? { rolledWh: fromWh - registerWh } : {};
}

/** A register that stepped back, and the energy of its session, are two looks at one thing. */
export function noteRolled(balance: Balance, evseId: number, nats: number): void {
  const session = balance.sessions[meterOf(balance, evseId)];
  if (session === undefined || session.rolledNats !== undefined) return;
  session.rolledNats = nats;
  session.givenNats += nats;
}

interface Reached {
  readonly meter: MeterTrack;
  /** The meter's register now, Wh. */
  readonly register: number;
  readonly last: boolean;
}

function closeIfWorth(
  balance: Balance, key: string, session: Session, { meter, register, last }: Reached, now: Now,
): Comparison[] {
  const deliveredWh = register - (session.startWh ?? register);
  const learned = (balance.learned[key] ??= priorAgreement(meter.side));
  const lateMs = covered(balance, key).reduce((sum, open) => sum + (now.monoMs - open.reportedAtMs), 0);
  const timing = { peakW: Math.max(session.peakW, meter.powerW), everyMs: meter.everyMs };
  const noise = noiseWh(learned, timing, lateMs, resolution2(balance, meter)) / Math.max(1, deliveredWh);
  if (deliveredWh < LEAST_BLOCK_WH || noise > (last ? LAST_AT_NOISE : CLOSE_AT_NOISE)) return [];
  const closed = closeBlock(balance, session, learned, { deliveredWh, noise, register, ...timing });
  session.peakW = meter.powerW;
  return [closed];
}

interface ClosedBlock extends Timing {
  readonly deliveredWh: number;
  readonly noise: number;
  readonly register: number;
}

function closeBlock(balance: Balance, session: Session, learned: Agreement, block: ClosedBlock): Comparison {
  const x = ratioOf(block.deliveredWh, session.billedWh);
  addBlock(session.grid, balance.towards * (x - learned.ratio.centre), scaleOf(learned.ratio, block.noise));
  session.deliveredTotalWh += block.deliveredWh;
  session.billedTotalWh += session.billedWh;
  const nats = shiftGridNats(session.grid);
  if (nats < LEARN_BELOW_NATS) learnLag(learned, block, block.deliveredWh, session.billedWh);
  session.startWh = block.register;
  session.billedWh = 0;
  return tell(session, nats, session.deliveredTotalWh, session.billedTotalWh);
}

/** What a session's evidence has changed by since it was told last. */
function tell(session: Session, sessionNats: number, deliveredWh: number, billedWh: number): Comparison {
  const looks = session.rolledNats === undefined ? sessionNats : meanOf(sessionNats, session.rolledNats);
  const nats = Math.max(LEAST_A_SESSION, Math.min(MOST_A_SESSION, looks));
  const shiftNats = Math.max(-MOST_A_BLOCK, Math.min(MOST_A_BLOCK, nats - session.givenNats));
  session.givenNats += shiftNats;
  return { deliveredWh, billedWh, shiftNats, driftNats: 0 };
}

/** The mean of two e-values, whatever they have to do with each other, in nats. */
function meanOf(one: number, other: number): number {
  const top = Math.max(one, other);
  return top + Math.log((Math.exp(one - top) + Math.exp(other - top)) / 2);
}

/** Adds the bill of a transaction that ends to its session; a session with a bill that is not known has none. */
function addBill(
  balance: Balance, session: Session, { startWh }: TransactionTrack, registerWh: number | undefined, now: Now,
): void {
  const waited = balance.connectedMs >= session.beganMs && now.monoMs - balance.connectedMs < WAITED_MS;
  const unknown = startWh === undefined || registerWh === undefined || registerWh < startWh || waited;
  session.billWh = unknown || session.billWh === undefined ? undefined : session.billWh + registerWh - startWh;
  session.bills += 1;
}

/**
 * The bills as a whole, stop less start, against all that the meter counted: readings in between may be true where the
 * bill is not, and a bill may have nothing behind it. Reports and bills are two looks at one session: its e-value is
 * the mean of theirs.
 */
function compareBills(balance: Balance, key: string, session: Session, now: Now): Comparison[] {
  const [meter, learned, billedWh] = [balance.meters[key], balance.learned[key], session.billWh];
  const register = deliveredNow(meter, now);
  if (session.beganWh === undefined || meter === undefined || learned === undefined || register === undefined ||
    billedWh === undefined) return [];
  const deliveredWh = register - session.beganWh;
  const sawNothing = deliveredWh < SAW_NOTHING_SHARE * billedWh;
  const timing = { peakW: Math.max(session.peakW, meter.powerW), everyMs: meter.everyMs };
  const standbyWh = (STANDBY_W * (now.monoMs - session.beganMs)) / HOUR_MS;
  const oneWh = noiseWh(learned, timing, 0, resolution2(balance, meter));
  // Honest figures are alike, so the larger of the two is what the noise is to be held against.
  const mostWh = Math.max(deliveredWh, billedWh);
  const noise = Math.sqrt(session.bills * oneWh ** 2 + standbyWh ** 2) / Math.max(1, mostWh);
  if (mostWh < LEAST_BLOCK_WH || noise > LAST_AT_NOISE || (sawNothing && !learned.trusted)) return [];
  if (sawNothing || deliveredWh > WENT_ALONG_SHARE * billedWh) learned.trusted = !sawNothing;
  const whole = createShiftGrid(session.grid.shifts[0] ?? LEAST_SHIFT, MOST_SHIFT);
  const x = ratioOf(deliveredWh, billedWh);
  addBlock(whole, balance.towards * (x - learned.ratio.centre), scaleOf(learned.ratio, noise));
  const nats = Math.min(shiftGridNats(whole), sawNothing ? MOST_OF_NOTHING : Infinity);
  const blocks = session.deliveredTotalWh > 0;
  return [tell(session, blocks ? meanOf(shiftGridNats(session.grid), nats) : nats, deliveredWh, billedWh)];
}

/** At the end of a session its whole ratio is learned from, if it was honest, and gives the zone its small drift. */
function closeSession(balance: Balance, key: string, session: Session): Comparison[] {
  const learned = balance.learned[key];
  const side = balance.meters[key]?.side;
  if (learned === undefined || side === undefined || session.deliveredTotalWh < 2 * LEAST_BLOCK_WH) return [];
  const x = ratioOf(session.deliveredTotalWh, session.billedTotalWh);
  const noise = Math.sqrt(2 * resolution2(balance, balance.meters[key])) / session.deliveredTotalWh;
  const residual = balance.towards * (x - learned.ratio.centre);
  const drift = (DRIFT * residual - (DRIFT * DRIFT) / 2) / scaleOf(learned.ratio, noise) ** 2;
  const { least, most } = CENTRE_BOUNDS[side];
  if (session.givenNats < LEARN_BELOW_NATS) learnSpread(learned.ratio, x, noise, least, most);
  return [{
    deliveredWh: session.deliveredTotalWh, billedWh: session.billedTotalWh, shiftNats: 0,
    driftNats: Math.max(-MOST_DRIFT_NATS, Math.min(MOST_DRIFT_NATS, drift)),
  }];
}
