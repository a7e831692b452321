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
 * bounded.
 *
 * A meter on EVSE 0 covers the whole station: then the registers of all its open transactions are added.
 */
import type { MeterSide, Observation, Reading } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now, SECOND_MS } from "../units.ts";
import { MOST_NATS } from "./detector.ts";
import { learnSpread, scaleOf, type Spread } from "./learned/spread.ts";
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
  grid: ShiftGrid;
  /** The evidence that was given out so far, nats. */
  givenNats: number;
}

/** What is learned of one meter and station pair. */
interface Agreement {
  ratio: Spread;
  /**
   * How far apart in time a report and the meter's register are, as a share of the time that could lie between them:
   * mean square, and how much that rests on.
   */
  lag2: number;
  lagWeight: number;
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
}

/** What one comparison adds. */
export interface Comparison {
  readonly deliveredWh: number;
  readonly billedWh: number;
  readonly shiftNats: number;
  readonly driftNats: number;
}

/** A block closes when its own uncertainty is below this share of its energy; at the end a rougher one will do. */
const CLOSE_AT_NOISE = 0.05;
const LAST_AT_NOISE = 0.2;
const LEAST_BLOCK_WH = 50;
/** Resolution of both registers together, Wh: whole Wh at best, 10 Wh often. */
const RESOLUTION_WH = 12;
/** Registers that move in steps are found out by their figures (EM340: 100 Wh). */
const COARSEST_WH = 100;
/** A register that stands still under power for this long, beside what a step takes, is stuck. */
const STUCK_MS = MINUTE_MS;
const POWERED_W = 500;
/** A report is this much older than its frame at most, s; the meter's own interval may lie between, too. */
const REPORT_S = 1;
/** Prior of the lag's share of that time, and the bounds of learning. */
const LAG = 0.3;
const LAG_WEIGHT = 20;
const LEAST_LAG = 0.05;
const MOST_LAG = 2;
/** A block further off than this many standard deviations teaches no more than this: outliers teach little. */
const LEARN_WITHIN = 3;
/** A meter that has been silent for longer than this cannot be interpolated. */
const STALE_MS = 2 * MINUTE_MS;
const FIRST_EVERY_MS = 10 * SECOND_MS;
/** Honest meters: class B of EN 50470-3 allows 1 to 1.5 %; two of them, mostly well within. */
const CLASS_VARIANCE = 0.005 ** 2;
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
/** |x| beyond this is a missing or foreign register, not a ratio. */
const MOST_X = 1.5;
/** Below this evidence a session is taken as honest and learned from. */
const LEARN_BELOW_NATS = 1;
const MOST_TRANSACTIONS = 64;
/** No station has more meters; ids beyond are not followed. */
const MOST_METERS = 32;
/** Beyond any register, Wh, and any power, W: a broken reading. */
const MOST_READING = 1e12;
/** A transaction without an end for longer than this has ended unseen. */
const LONGEST_MS = 72 * HOUR_MS;

export function createBalance(towards: 1 | -1 = 1): Balance {
  return { towards, reportedStepWh: COARSEST_WH, meters: {}, transactions: {}, sessions: {}, learned: {} };
}

/**
 * The shipped prior of x and the bounds that learning keeps. On the output side meters agree within their class. On the
 * AC side of a DC charger 4 to 10 % are lost, so the prior is wide there until the station has shown its own.
 */
function prior(side: MeterSide): Agreement {
  const ratio: Spread = side === "ac-input"
    ? { centre: 0.04, variance: 0.035 ** 2, weight: 2, floor: CLASS_VARIANCE, ceiling: 0.05 ** 2 }
    : { centre: 0, variance: 0.01 ** 2, weight: 4, floor: CLASS_VARIANCE, ceiling: 0.02 ** 2 };
  return { ratio, lag2: LAG ** 2, lagWeight: LAG_WEIGHT };
}
const CENTRE_BOUNDS = {
  "ac-input": { least: -0.03, most: 0.12 },
  "evse-output": { least: -0.03, most: 0.03 },
} as const;

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
export function onConnect(balance: Balance): void {
  for (const session of Object.values(balance.sessions)) voidBlock(session);
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
  };
  if (reportedWh !== undefined) balance.reportedStepWh = stepOf(balance.reportedStepWh, reportedWh);
  const running = balance.sessions[key];
  if (running !== undefined) running.beganWh = undefined;
  if (meter === undefined || running !== undefined) return;
  const learned = (balance.learned[key] ??= prior(meter.side));
  const leastShift = Math.max(LEAST_SHIFT, LEAST_SHIFT_SPREADS * scaleOf(learned.ratio, 0));
  const startWh = deliveredNow(meter, now);
  balance.sessions[key] = {
    startWh, beganWh: startWh, billedWh: 0, peakW: meter.powerW, deliveredTotalWh: 0, billedTotalWh: 0,
    grid: createShiftGrid(leastShift, MOST_SHIFT), givenNats: 0,
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

export function onReported(balance: Balance, seen: Reported, now: Now): Comparison[] {
  const track = find(balance, seen.transactionId, seen.reading.evseId);
  return track === undefined ? [] : settle(balance, track, plausible(seen.reading.energyImportWh), now, false);
}

export function onStop(balance: Balance, seen: Ended, now: Now): Comparison[] {
  const track = balance.transactions[idKey(seen.transactionId)];
  if (track === undefined) return [];
  const key = meterOf(balance, track.evseId);
  const registerWh = seen.offline ? undefined : plausible(seen.registerWh);
  const found = [...settle(balance, track, registerWh, now, true), ...bill(balance, track, registerWh, now)];
  if (registerWh === undefined) forgetTransaction(balance, idKey(seen.transactionId));
  delete balance.transactions[idKey(seen.transactionId)];
  const session = balance.sessions[key];
  if (session === undefined || covered(balance, key).length > 0) return found;
  delete balance.sessions[key];
  return [...found, ...closeSession(balance, key, session)];
}

/** Books what the station reported, and closes the block when it is worth a comparison. */
function settle(
  balance: Balance, track: TransactionTrack, registerWh: number | undefined, now: Now, last: boolean,
): Comparison[] {
  if (registerWh === undefined) return [];
  const before = track.reportedWh;
  balance.reportedStepWh = stepOf(balance.reportedStepWh, registerWh);
  track.reportedWh = registerWh;
  track.reportedAtMs = now.monoMs;
  const key = meterOf(balance, track.evseId);
  const session = balance.sessions[key];
  const meter = balance.meters[key];
  if (session === undefined || meter === undefined) return [];
  const register = deliveredNow(meter, now);
  const steppedBack = before !== undefined && registerWh < before;
  // A register that began anew in mid-session leaves nothing to compare as a whole; a bill below the last report does.
  if (register === undefined || (steppedBack && !last)) session.beganWh = undefined;
  if (register === undefined || session.startWh === undefined || before === undefined || steppedBack) {
    session.startWh = register;
    session.billedWh = 0;
    return [];
  }
  session.billedWh += registerWh - before;
  const deliveredWh = register - session.startWh;
  const learned = (balance.learned[key] ??= prior(meter.side));
  const lateMs = covered(balance, key).reduce((sum, open) => sum + (now.monoMs - open.reportedAtMs), 0);
  const peakW = Math.max(session.peakW, meter.powerW);
  const timing = { peakW, everyMs: meter.everyMs };
  const noise = relativeNoise(learned, timing, lateMs, deliveredWh, resolution2(balance, meter));
  if (deliveredWh < LEAST_BLOCK_WH || noise > (last ? LAST_AT_NOISE : CLOSE_AT_NOISE)) return [];
  const closed = closeBlock(balance, session, learned, { deliveredWh, noise, register, ...timing });
  session.peakW = meter.powerW;
  return [closed];
}

interface Timing {
  /** The highest power of the block. */
  readonly peakW: number;
  readonly everyMs: number;
}

/** The most by which a report and the meter's register may honestly lie apart in time, s. */
function spanS({ everyMs }: Timing): number {
  return REPORT_S + everyMs / SECOND_MS;
}

/** Standard deviation of x from timing and resolution; what other open transactions have yet to report counts too. */
function relativeNoise(
  learned: Agreement, timing: Timing, lateMs: number, deliveredWh: number, resolutionWh2: number,
): number {
  const lagH = (Math.sqrt(2 * learned.lag2) * spanS(timing)) / 3_600;
  const timingWh = timing.peakW * (lagH + lateMs / HOUR_MS);
  return Math.sqrt(resolutionWh2 + timingWh ** 2) / Math.max(1, deliveredWh);
}

interface ClosedBlock extends Timing {
  readonly deliveredWh: number;
  readonly noise: number;
  readonly register: number;
}

function ratioOf(deliveredWh: number, billedWh: number): number {
  return Math.max(-MOST_X, Math.min(MOST_X, Math.log(Math.max(1, deliveredWh) / Math.max(1, billedWh))));
}

function closeBlock(balance: Balance, session: Session, learned: Agreement, block: ClosedBlock): Comparison {
  const x = ratioOf(block.deliveredWh, session.billedWh);
  addBlock(session.grid, balance.towards * (x - learned.ratio.centre), scaleOf(learned.ratio, block.noise));
  session.deliveredTotalWh += block.deliveredWh;
  session.billedTotalWh += session.billedWh;
  const nats = shiftGridNats(session.grid);
  if (nats < LEARN_BELOW_NATS) learnLag(learned, block, session.billedWh);
  session.startWh = block.register;
  session.billedWh = 0;
  return tell(session, nats, session.deliveredTotalWh, session.billedTotalWh);
}

/** What a session's evidence has changed by since it was told last. */
function tell(session: Session, sessionNats: number, deliveredWh: number, billedWh: number): Comparison {
  const nats = Math.max(LEAST_A_SESSION, Math.min(MOST_A_SESSION, sessionNats));
  const shiftNats = Math.max(-MOST_A_BLOCK, Math.min(MOST_A_BLOCK, nats - session.givenNats));
  session.givenNats += shiftNats;
  return { deliveredWh, billedWh, shiftNats, driftNats: 0 };
}

/**
 * The bill as a whole, stop less start, against all that the meter counted: readings in between may be true where the
 * bill is not. Reports and bill are two looks at one session; its e-value is the mean of theirs.
 */
function bill(balance: Balance, track: TransactionTrack, registerWh: number | undefined, now: Now): Comparison[] {
  const key = meterOf(balance, track.evseId);
  const [session, meter, learned] = [balance.sessions[key], balance.meters[key], balance.learned[key]];
  const register = deliveredNow(meter, now);
  if (session?.beganWh === undefined || meter === undefined || learned === undefined || register === undefined ||
    registerWh === undefined || track.startWh === undefined || registerWh < track.startWh) return [];
  const deliveredWh = register - session.beganWh;
  const billedWh = registerWh - track.startWh;
  const timing = { peakW: Math.max(session.peakW, meter.powerW), everyMs: meter.everyMs };
  const noise = relativeNoise(learned, timing, 0, deliveredWh, resolution2(balance, meter));
  if (deliveredWh < LEAST_BLOCK_WH || noise > LAST_AT_NOISE) return [];
  const { shifts } = session.grid;
  const whole = createShiftGrid(shifts[0] ?? LEAST_SHIFT, MOST_SHIFT);
  const x = ratioOf(deliveredWh, billedWh);
  addBlock(whole, balance.towards * (x - learned.ratio.centre), scaleOf(learned.ratio, noise));
  const [one, other] = [shiftGridNats(session.grid), shiftGridNats(whole)];
  const top = Math.max(one, other);
  return [tell(session, top + Math.log((Math.exp(one - top) + Math.exp(other - top)) / 2), deliveredWh, billedWh)];
}

/** What the residual of an honest block leaves beside the ratio's spread and the resolution is timing. */
function learnLag(learned: Agreement, block: ClosedBlock, billedWh: number): void {
  if (block.peakW <= 0) return;
  const residualWh = block.deliveredWh - billedWh * Math.exp(learned.ratio.centre);
  const spreadWh2 = Math.max(learned.ratio.floor, learned.ratio.variance) * block.deliveredWh ** 2;
  const timingWh2 = Math.max(0, residualWh ** 2 - spreadWh2 - 2 * RESOLUTION_WH ** 2) / 2;
  const lag2 = timingWh2 * (3_600 / (block.peakW * spanS(block))) ** 2;
  learned.lagWeight = Math.min(500, learned.lagWeight + 1);
  const next = learned.lag2 + (Math.min(lag2, LEARN_WITHIN ** 2 * learned.lag2) - learned.lag2) / learned.lagWeight;
  learned.lag2 = Math.min(MOST_LAG ** 2, Math.max(LEAST_LAG ** 2, next));
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
