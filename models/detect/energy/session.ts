/**
 * What runs under one meter from the first open transaction to the last, and the evidence in it, both ways: delivered
 * ahead of billed (theft), or behind (billing inflation).
 *
 * Within a session either is one common shift of x = ln(delivered / billed) in every block, while an honest glitch (a
 * reading that came late, a report that was lost) spoils one: blocks have Student-t noise, and the evidence is the
 * mixture over shifts of the product of their likelihood ratios (shift-grid.ts). At its end more looks are taken at the
 * same session: at the bills as a whole, stop less start, since a register may jump at the stop, where no block closes
 * any more; at the step since the last block; and at a drift too small for a session and too large for two meters
 * within their class, which adds up over weeks. A session is one e-value, the mean of those of its looks, and bounded.
 * Where sessions are rare one may begin higher (learned/head-start.ts), within those bounds.
 * What a bill says rests on one figure where no readings came with it: more than a finding's bound is told when the
 * next session's first register confirms it.
 */
import { HOUR_MS } from "../../units.ts";
import { MOST_NATS } from "../detector.ts";
import { MOST_SUM } from "../learned/burst.ts";
import { learnSpread, scaleOf } from "../learned/spread.ts";
import {
  type Agreement, CENTRE_BOUNDS, learnLag, noiseWh, ratioOf, RESOLUTION_WH, type Timing,
} from "./agreement.ts";
import { addBlock, createShiftGrid, jumpNats, type ShiftGrid, shiftGridNats, shiftNats } from "./shift-grid.ts";
import { type Standby, standbyOf } from "./standby.ts";
import type { MeterTrack } from "./tracks.ts";

/** Which way: 1, delivered ahead of billed; -1, billed ahead of delivered. */
export const WAYS = { theft: 1, inflation: -1 } as const;
export type Way = keyof typeof WAYS;
export type BothWays = Record<Way, number>;

interface Look {
  grid: ShiftGrid;
  /** The evidence that was given out so far, nats. */
  givenNats: number;
  /** What a register that stepped back was taken to say, nats: another look at the same session. */
  rolledNats: number | undefined;
  /** Where its evidence may begin, until that was used, and what was used of it, nats (head-start.ts). */
  headNats?: number;
  usedNats?: number;
}

export interface Session extends Record<Way, Look> {
  /** The meter's register at the start of the block, and when; undefined: begins with the next report. */
  startWh: number | undefined;
  startMs: number;
  billedWh: number;
  /** Billed after the last block that closed and before this one, Wh: compared with no moment of the meter's. */
  passedWh?: number;
  /** The highest power since the block began, W. */
  peakW: number;
  /** Power and voltage that were read last, W and V, and when that was another figure than before. */
  readW: number;
  readV: number;
  stirredMs: number;
  /** Of the block that closed last: the meter's register and time at its start, what was billed, its highest power. */
  last?: Pick<Session, "startWh" | "startMs" | "billedWh" | "peakW">;
  /** Closed blocks together, and their number. */
  deliveredTotalWh: number;
  billedTotalWh: number;
  blocks: number;
  /** The meter's register at the start of the session; undefined: it cannot be compared as a whole. */
  beganWh: number | undefined;
  beganMs: number;
  /** Bills of the transactions that ended in it, together, and their number; undefined: one of them is not known. */
  billWh: number | undefined;
  bills: number;
  /** A register stood while the station itself told of power: nothing that was not billed is held against anybody. */
  stuck: boolean;
  /** A bill was told late: more may have flowed that is not told yet, and nothing is held against anybody as theft. */
  late?: boolean;
  /** By how much its starts were told later than its stops: so much of the bill may be of before, ms. */
  beforeMs?: number;
  /** What the meter counted before a start that may have waited and bears no stamp, since the session before, Wh. */
  beforeWh?: number;
  /** What its bill says, nats, until another figure confirms it. */
  looks?: Record<Way, number[]>;
}

/** What one comparison adds, nats: to what is believed of this station, and to the zone's small drift. */
export interface Comparison {
  readonly deliveredWh: number;
  readonly billedWh: number;
  /** What ln(delivered / billed) is usually at this pair. */
  readonly centre: number;
  readonly nats: BothWays;
  readonly drift: BothWays;
  /** Where the evidence stands at least, since the session began with a head start, nats. */
  readonly stands?: Partial<BothWays>;
}

/** A meter and a station, as they stand now. */
export interface Pair {
  readonly meter: MeterTrack;
  readonly learned: Agreement;
  readonly standby: Standby;
  /** Coarsest step that fits all registers that the station reported, Wh. */
  readonly reportedStepWh: number;
  /** The meter's register now, Wh. */
  readonly registerWh: number;
  /** How long ago the transactions under the meter reported, together, ms. */
  readonly lateMs: number;
  readonly nowMs: number;
}

/** A block closes when its own uncertainty is below this share of its energy; for a bill a rougher one will do. */
const CLOSE_AT_NOISE = 0.05;
const BILL_AT_NOISE = 0.2;
const LEAST_BLOCK_WH = 50;
/** A stop is told within this of the moment at which its register was read. */
const STOP_MS = 5_000;
/** Shifts of x that count in a session; a smaller one must go on for weeks, or in a zone. */
const LEAST_SHIFT = 0.04;
const LEAST_SHIFT_SPREADS = 4;
const MOST_SHIFT = 1.4;
/**
 * A stop is read once, in its own message and after the current: no report that comes late spoils it, so its tails are
 * lighter. A judgement: nobody has measured the tails of honest bills.
 */
const BILL_FREEDOM = 8;
/** Share of stops whose last report was late beyond all that was learned of lateness: judgement. */
const LATE_SHARE = 0.001;
/** Two meters within their class (EN 50470-3, class B) stay within this of what was learned; this is beyond it. */
const CLASS_SHIFT = 0.01;
const BEYOND_CLASS = 0.03;
/** One session never says more than this either way. */
const LEAST_A_SESSION = -3;
const MOST_A_SESSION = 16;
/** The joint feature looks for a drift of this size in x, and one session says at most this much about it. */
const DRIFT = 0.01;
const MOST_DRIFT_NATS = 2;
/** Below this evidence a session is taken as honest and learned from, and while few of late spoke otherwise. */
const LEARN_BELOW_NATS = 1;
const LEARN_BELOW_SUM = 3;
/** A meter that saw less than this share of a bill saw nothing of it. */
const SAW_NOTHING_SHARE = 0.1;
const WENT_ALONG_SHARE = 0.5;
/** Either nothing flowed or the meter died at rest, which few do: judgement, as in session-spoofing.ts. */
const MOST_OF_NOTHING = Math.log(0.3 / 0.0005);
/** A meter that has not counted its own standby for this many steps may be dead. */
const ALIVE_STEPS = 3;
/** Less than this share of its standby is what a meter without its current transformers may read. */
const ALIVE_SHARE = 0.3;

export function createSession(
  pair: Omit<Pair, "registerWh">, registerWh: number | undefined, headNats: number,
): Session {
  const { learned, meter, nowMs } = pair;
  const leastShift = Math.max(LEAST_SHIFT, LEAST_SHIFT_SPREADS * scaleOf(learned.ratio, 0));
  const head = headNats > 0 ? { headNats } : {};
  const look = (): Look =>
    ({ grid: createShiftGrid(leastShift, MOST_SHIFT), givenNats: 0, rolledNats: undefined, ...head });
  return {
    startWh: registerWh, startMs: nowMs, beganWh: registerWh, beganMs: nowMs, billedWh: 0, peakW: meter.powerW,
    readW: meter.powerW, readV: 0, stirredMs: nowMs,
    deliveredTotalWh: 0, billedTotalWh: 0, blocks: 0, billWh: 0, bills: 0, stuck: false, theft: look(),
    inflation: look(),
  };
}

/** What was measured or billed across this moment is compared with nothing, nor is the session as a whole. */
export function voidBlock(session: Session): void {
  session.startWh = session.beganWh = undefined;
  session.billedWh = 0;
}

/** Notes a reading of the meter's power and voltage. */
export function noteRead(session: Session, readW: number, readV: number, nowMs: number): void {
  session.peakW = Math.max(session.peakW, readW);
  const stirs = readW !== session.readW || (session.readV > 0 && readV !== session.readV);
  Object.assign(session, { readW, readV, stirredMs: stirs ? nowMs : session.stirredMs });
}

export function beginBlock(session: Session, registerWh: number | undefined, nowMs: number): void {
  const passedWh = (session.passedWh ?? 0) + session.billedWh || undefined;
  Object.assign(session, { startWh: registerWh, startMs: nowMs, billedWh: 0, passedWh });
}

/** A register that stepped back, and the energy of its session, are two looks at one thing. */
export function noteRolledNats({ theft }: Session, nats: number): void {
  if (theft.rolledNats !== undefined) return;
  theft.rolledNats = nats;
  theft.givenNats += nats;
}

/** Variance of an energy from the steps of both registers, Wh squared. */
function resolution2({ meter, reportedStepWh }: Pair): number {
  return 2 * RESOLUTION_WH ** 2 + (meter.stepWh ** 2 + reportedStepWh ** 2) / 6;
}

/**
 * What the meter counted since it showed `fromWh`, less its standby, and how doubtful the latter is, Wh. Of other loads
 * that are declared so much is taken off as makes it agree with the bill.
 */
function countedWh({ registerWh, standby, learned, nowMs }: Pair, fromWh: number, fromMs: number, billedWh: number) {
  const hours = (nowMs - fromMs) / HOUR_MS;
  const { meanW, sdW } = standbyOf(standby);
  const counted = Math.max(0, registerWh - fromWh - meanW * hours);
  const overWh = counted - billedWh * Math.exp(learned.ratio.centre);
  const loadWh = Math.min(standby.loadW * hours, Math.max(0, overWh));
  return { deliveredWh: counted - loadWh, doubtWh: sdW * hours };
}

/**
 * Whether the meter still counts its own standby, or measures it: a dead one does neither. A register in coarse steps
 * may take half a day for one, while voltage and power waver from reading to reading.
 */
function isAlive({ beganMs, readW, stirredMs }: Session, { meter, standby, nowMs }: Pair): boolean {
  const { meanW } = standbyOf(standby);
  const lately = (atMs: number, stepMs: number): boolean =>
    atMs > beganMs && nowMs - atMs < ALIVE_STEPS * stepMs + meter.everyMs;
  return lately(meter.countedMs, (meter.stepWh / Math.max(1, meanW)) * HOUR_MS) ||
    (readW > ALIVE_SHARE * meanW && lately(stirredMs, meter.everyMs));
}

/** Whether figures say that nothing was seen of a bill, and the meter cannot be believed about it. */
function isBlind({ learned }: Pair, deliveredWh: number, billedWh: number): boolean {
  return deliveredWh < SAW_NOTHING_SHARE * billedWh && !learned.trusted;
}

/** Closes the block if it is worth a comparison. */
export function closeIfWorth(session: Session, pair: Pair): Comparison[] {
  if (session.startWh === undefined) return [];
  const { meter, learned, lateMs, nowMs } = pair;
  const { deliveredWh, doubtWh } = countedWh(pair, session.startWh, session.startMs, session.billedWh);
  // Honest figures are alike, so the larger of the two is what the noise is to be held against.
  const mostWh = Math.max(deliveredWh, session.billedWh);
  // Power that rose since the meter's last reading shows in the bill alone.
  const billedW = (session.billedWh * HOUR_MS) / Math.max(STOP_MS, nowMs - session.startMs);
  const timing = { peakW: Math.max(session.peakW, meter.powerW, billedW), everyMs: meter.everyMs };
  // Its register is carried on from its last reading, at the power of that, and the bill may tell of another since.
  const carriedWh = (Math.abs(billedW - meter.powerW) * (nowMs - meter.atMs)) / HOUR_MS;
  const noiseWhole = Math.hypot(noiseWh(learned, timing, lateMs, resolution2(pair)), doubtWh, carriedWh);
  const noise = noiseWhole / Math.max(1, mostWh);
  if (mostWh < LEAST_BLOCK_WH || noise > CLOSE_AT_NOISE) return [];
  if (isBlind(pair, deliveredWh, session.billedWh)) return [];
  closeBlock(session, pair, { deliveredWh, noise, ...timing });
  session.peakW = meter.powerW;
  return [tell(session, pair, { theft: [], inflation: [] }, session.deliveredTotalWh, session.billedTotalWh)];
}

interface ClosedBlock extends Timing {
  readonly deliveredWh: number;
  readonly noise: number;
}

function closeBlock(session: Session, { learned, registerWh, nowMs }: Pair, block: ClosedBlock): void {
  const { deliveredWh, noise } = block;
  const { billedWh, theft, inflation } = session;
  const residual = ratioOf(deliveredWh, billedWh) - learned.ratio.centre;
  const scale = scaleOf(learned.ratio, noise);
  for (const way of [theft, inflation]) addBlock(way.grid, way === theft ? residual : -residual, scale);
  session.deliveredTotalWh += deliveredWh;
  session.billedTotalWh += billedWh;
  session.blocks += 1;
  const nats = Math.max(shiftGridNats(theft.grid), shiftGridNats(inflation.grid));
  if (nats < LEARN_BELOW_NATS && maySettle(learned)) learnLag(learned, block, deliveredWh, billedWh);
  if (deliveredWh > WENT_ALONG_SHARE * billedWh) learned.trusted = true;
  session.last = { startWh: session.startWh, startMs: session.startMs, billedWh, peakW: session.peakW };
  beginBlock(session, registerWh, nowMs);
  delete session.passedWh;
}

/** Whether nothing of late keeps the agent from learning. */
function maySettle({ suspicion }: Agreement): boolean {
  return Math.max(suspicion.theft, suspicion.inflation) < LEARN_BELOW_SUM;
}

/** What a session's evidence has changed by since it was told last; `more`: looks beside that of its blocks. */
export function tell(
  session: Session, pair: Pair, more: Record<Way, number[]>, deliveredWh: number, billedWh: number,
): Comparison {
  const sawNothing = deliveredWh < SAW_NOTHING_SHARE * billedWh && !isAlive(session, pair);
  const most = { theft: MOST_A_SESSION, inflation: sawNothing ? MOST_OF_NOTHING : MOST_A_SESSION };
  const nats = { theft: 0, inflation: 0 };
  const stands: Partial<BothWays> = {};
  for (const way of ["theft", "inflation"] as const) {
    if (session.late && way === "theft") continue;
    const look = session[way];
    const looks = [...more[way]];
    if (session.blocks > 0) looks.push(shiftGridNats(look.grid));
    if (look.rolledNats !== undefined) looks.push(look.rolledNats);
    const excused = (session.stuck && way === "theft" ? 0 : most[way]) - (look.usedNats ?? 0);
    const all = Math.max(LEAST_A_SESSION, Math.min(excused, meanNats(looks)));
    nats[way] = Math.max(-MOST_NATS, Math.min(MOST_NATS, all - look.givenNats));
    look.givenNats += nats[way];
    // Used with the first that speaks for it; with it, too, one finding and one session are bounded as ever.
    if (nats[way] > 0 && look.headNats) {
      stands[way] = Math.max(0, Math.min(MOST_NATS, look.headNats + look.givenNats));
      look.usedNats = Math.max(0, stands[way]! - look.givenNats);
      delete look.headNats;
    }
    const { suspicion } = pair.learned;
    suspicion[way] = Math.min(MOST_SUM, Math.max(0, suspicion[way] + nats[way]));
  }
  const { centre } = pair.learned.ratio;
  return { deliveredWh, billedWh, centre, nats, stands, drift: { theft: 0, inflation: 0 } };
}

/** The mean of e-values, whatever they have to do with each other, in nats. */
function meanNats(nats: readonly number[]): number {
  const top = Math.max(...nats);
  return top + Math.log(nats.reduce((sum, one) => sum + Math.exp(one - top), 0) / nats.length);
}

/** At the end of a session: what its bills say as a whole, what is learned of it, and its small drift. */
export function endSession(session: Session, pair: Pair): Comparison[] {
  const bill = billOf(session, pair);
  const { deliveredWh, billedWh } = bill ?? { deliveredWh: session.deliveredTotalWh, billedWh: session.billedTotalWh };
  const whole = driftOf(deliveredWh, billedWh, bill?.noise, pair);
  if (bill === undefined && whole === undefined) return [];
  const more = (way: Way): number[] => [...(bill === undefined ? [] : [bill[way]]), ...(whole?.[way] ?? [])];
  const looks = { theft: more("theft"), inflation: [...more("inflation"), ...jumpOf(session, pair, bill)] };
  const found = [tell(session, pair, looks, deliveredWh, billedWh)];
  // A bill that readings of the same session contradict rests on more than one figure: what is left over follows.
  if (session.blocks > 1) found.push(...tellRest(session, pair, looks, deliveredWh, billedWh));
  else session.looks = looks;
  if (whole === undefined || session.stuck || session.late) return found;
  found.push(learnSession(session, pair, { deliveredWh, billedWh, ...whole }));
  return found;
}

function tellRest(
  session: Session, pair: Pair, looks: Record<Way, number[]>, deliveredWh: number, billedWh: number,
): Comparison[] {
  const rest = tell(session, pair, looks, deliveredWh, billedWh);
  return Math.max(rest.nats.theft, rest.nats.inflation) > 0 ? [rest] : [];
}

/** The last register of a session was seen once more: what its bill left untold. */
export function confirmBill(session: Session, pair: Pair, deliveredWh: number): Comparison[] {
  const { looks, billWh } = session;
  delete session.looks;
  return looks === undefined || billWh === undefined ? [] : tellRest(session, pair, looks, deliveredWh, billWh);
}

interface Bill extends BothWays {
  readonly deliveredWh: number;
  readonly billedWh: number;
  readonly noise: number;
  /** Of x, from what was learned, and its standard deviation. */
  readonly residual: number;
  readonly scale: number;
}

/**
 * The bills as a whole, stop less start, against all that the meter counted: readings in between may be true where the
 * bill is not, and a bill may have nothing behind it.
 * @param everyMs time that may lie between the last register and the meter's
 */
export function billOf(session: Session, pair: Pair, everyMs = STOP_MS): Bill | undefined {
  const { beganWh, billWh, bills, beganMs, beforeMs = 0, beforeWh = 0 } = session;
  if (beganWh === undefined || billWh === undefined) return undefined;
  const { learned, nowMs } = pair;
  const { deliveredWh, doubtWh } = countedWh(pair, beganWh, beganMs, billWh);
  // No more than can have flowed before a start was told is taken off: a stamp does not hide a bill that is padded.
  const leastWh = billWh - beforeWh - (session.peakW * beforeMs) / HOUR_MS;
  const billedWh = Math.max(leastWh, Math.min(billWh, deliveredWh * Math.exp(-learned.ratio.centre)));
  // The meter rests by now: only the stop itself may be a moment early or late.
  const mostWh = Math.max(deliveredWh, billedWh);
  const peakW = Math.max(session.peakW, (mostWh * HOUR_MS) / Math.max(STOP_MS, nowMs - beganMs));
  const oneWh = noiseWh(learned, { peakW, everyMs }, 0, resolution2(pair));
  const noise = Math.sqrt(bills * oneWh ** 2 + doubtWh ** 2) / Math.max(1, mostWh);
  if (mostWh < LEAST_BLOCK_WH || noise > BILL_AT_NOISE || isBlind(pair, deliveredWh, billedWh)) return undefined;
  const residual = ratioOf(deliveredWh, billedWh) - learned.ratio.centre;
  const scale = scaleOf(learned.ratio, noise);
  const nats = (towards: number): number => {
    const whole = createShiftGrid(session.theft.grid.shifts[0] ?? LEAST_SHIFT, MOST_SHIFT);
    addBlock(whole, towards * residual, scale, BILL_FREEDOM);
    return shiftGridNats(whole);
  };
  const sawNothing = deliveredWh < SAW_NOTHING_SHARE * billedWh;
  if (sawNothing ? !isAlive(session, pair) : deliveredWh > WENT_ALONG_SHARE * billedWh) learned.trusted = !sawNothing;
  return { deliveredWh, billedWh, noise, residual, scale, theft: nats(WAYS.theft), inflation: nats(WAYS.inflation) };
}

/**
 * The register's step from the last block to the stop, against what the meter counted since that block began: a few
 * watt-hours of noise where the whole session's are its percents, also where an outage lies between, since the meter
 * counts on. That the report before was late explains a step, and then the bill as a whole is right: it is the other
 * null, and rests on the bill alone.
 */
function jumpOf(session: Session, pair: Pair, bill: Bill | undefined): number[] {
  const { last } = session;
  if (last?.startWh === undefined || bill === undefined) return [];
  const { learned, meter: { everyMs } } = pair;
  const billedWh = last.billedWh + (session.passedWh ?? 0) + session.billedWh;
  const peakW = Math.max(last.peakW, session.peakW);
  const { deliveredWh, doubtWh } = countedWh(pair, last.startWh, last.startMs, billedWh);
  const honestWh = deliveredWh * Math.exp(-learned.ratio.centre);
  const stepWh = billedWh - honestWh;
  if (stepWh < LEAST_BLOCK_WH) return [LEAST_A_SESSION];
  const timingWh = noiseWh(learned, { peakW, everyMs }, 0, resolution2(pair));
  const step = jumpNats(stepWh, Math.hypot(timingWh, doubtWh, scaleOf(learned.ratio, 0) * honestWh));
  const whole = shiftNats(-bill.residual, Math.log1p(stepWh / bill.deliveredWh), bill.scale, BILL_FREEDOM);
  return [Math.max(LEAST_A_SESSION, -Math.log(Math.exp(-step) + LATE_SHARE * Math.exp(-whole)))];
}

interface Drifted extends Record<Way, number[]> {
  readonly residual: number;
  readonly noise: number;
}

/** The bill, or all blocks: a drift beyond the class of two meters, against the most that the class allows. */
function driftOf(
  deliveredWh: number, billedWh: number, billNoise: number | undefined, pair: Pair,
): Drifted | undefined {
  if (deliveredWh < 2 * LEAST_BLOCK_WH) return undefined;
  const { learned: { ratio, allowedShift = CLASS_SHIFT } } = pair;
  const residual = ratioOf(deliveredWh, billedWh) - ratio.centre;
  const noise = billNoise ?? Math.sqrt(2 * resolution2(pair)) / deliveredWh;
  const scale = scaleOf(ratio, noise);
  const nats = (towards: number): number[] =>
    [shiftNats(towards * residual - allowedShift, BEYOND_CLASS - CLASS_SHIFT, scale)];
  return { residual, noise, theft: nats(WAYS.theft), inflation: nats(WAYS.inflation) };
}

/** Its whole ratio is learned from, if the session was honest, and gives the zone its small drift. */
function learnSession(
  session: Session, { learned, meter }: Pair,
  { deliveredWh, billedWh, residual, noise }: Drifted & Pick<Bill, "deliveredWh" | "billedWh">,
): Comparison {
  const { ratio } = learned;
  const scale2 = scaleOf(ratio, noise) ** 2;
  const drift = (towards: number): number =>
    Math.max(-MOST_DRIFT_NATS, Math.min(MOST_DRIFT_NATS, (DRIFT * towards * residual - DRIFT ** 2 / 2) / scale2));
  const comparison = {
    deliveredWh, billedWh, centre: ratio.centre, nats: { theft: 0, inflation: 0 },
    drift: { theft: drift(WAYS.theft), inflation: drift(WAYS.inflation) },
  };
  const honest = Math.max(session.theft.givenNats, session.inflation.givenNats) < LEARN_BELOW_NATS;
  const { least, most } = CENTRE_BOUNDS[meter.side];
  if (honest && maySettle(learned)) learnSpread(ratio, ratio.centre + residual, noise, least, most);
  return comparison;
}
