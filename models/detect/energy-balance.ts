/**
 * Delivered against billed energy, block by block.
 *
 * Delivered is what the agent's own meter says (evidence), billed what the station's registers say in OCPP (testimony).
 * Whenever the station reports, both registers are compared since the block began; a block closes as soon as the energy
 * in it is large against the uncertainty of the comparison, so the evidence does not depend on how often either is
 * sampled. x = ln(delivered / billed) is learned per meter; theft is a shift of it upwards.
 *
 * A meter on EVSE 0 covers the whole station: then the registers of all open transactions are added.
 */
import type { MeterSide, Observation, Reading } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now } from "../units.ts";
import { learnSpread, scaleOf, shiftNats, type Spread } from "./learned/spread.ts";

type Started = Extract<Observation, { kind: "transaction-started" }>;
type Reported = Extract<Observation, { kind: "reported-reading" }>;
type Ended = Extract<Observation, { kind: "transaction-ended" }>;

interface MeterTrack {
  registerWh: number;
  powerW: number;
  atMs: number;
  side: MeterSide;
}

interface TransactionTrack {
  evseId: number;
  /** Last register that the station reported, Wh, and when. */
  reportedWh: number | undefined;
  reportedAtMs: number;
  /** Sum of the absolute evidence that this transaction gave: one session never says more than `MOST_A_SESSION`. */
  spentNats: number;
}

interface Block {
  /** The meter's register at the start; undefined: begins with the next report. */
  startWh: number | undefined;
  billedWh: number;
}

export interface Balance {
  meters: Record<string, MeterTrack | undefined>;
  transactions: Record<string, TransactionTrack>;
  blocks: Record<string, Block>;
  ratio: Record<string, Spread>;
}

export interface BalanceBlock {
  readonly deliveredWh: number;
  readonly billedWh: number;
  readonly theftNats: number;
  readonly driftNats: number;
}

/** A comparison is worth making when its own uncertainty is below this share of the energy. */
const CLOSE_AT_NOISE = 0.06;
/** At the end of a transaction a rougher one will do; beyond this it says nothing. */
const LAST_AT_NOISE = 0.2;
/** Registers in OCPP are whole Wh at best and often 10 or 100 Wh; the meter's reading is interpolated within a sample. */
const RESOLUTION_WH = 15;
/** How far the report and the meter's reading may lie apart in time after interpolation, ms. */
const SYNC_MS = 1_000;
/** A meter that has been silent for longer than this cannot be interpolated. */
const STALE_MS = 2 * MINUTE_MS;
const LEAST_BLOCK_WH = 100;
/** Honest meters: class B of EN 50470-3 allows 1 to 1.5 %; a station and a meter differ by two of them. */
const CLASS_VARIANCE = 0.005 ** 2;
const THEFT_SHIFT = { from: 0.04, to: 1.5 };
/** The joint feature looks for a drift of this size in x. */
const DRIFT = 0.01;
const MOST_A_BLOCK = 6;
const MOST_A_SESSION = 14;
const MOST_DRIFT_NATS = 1;
/** |x| beyond this is a missing or foreign register, not a ratio. */
const MOST_X = 1.5;
const MOST_TRANSACTIONS = 64;

export function createBalance(): Balance {
  return { meters: {}, transactions: {}, blocks: {}, ratio: {} };
}

/**
 * The shipped prior of x and the bounds that learning keeps. On the output side meters agree within their class. On the
 * AC side of a DC charger 4 to 10 % are lost (facts), so the prior is wide there until the station has shown its own.
 */
function priorRatio(side: MeterSide): Spread {
  return side === "ac-input"
    ? { centre: 0.04, variance: 0.035 ** 2, weight: 2, floor: CLASS_VARIANCE }
    : { centre: 0, variance: 0.012 ** 2, weight: 4, floor: CLASS_VARIANCE };
}
const CENTRE_BOUNDS = {
  "ac-input": { least: -0.03, most: 0.12 },
  "evse-output": { least: -0.03, most: 0.03 },
} as const;

export function onReading(balance: Balance, reading: Reading, side: MeterSide, now: Now): void {
  if (reading.energyImportWh === undefined) return;
  const key = String(reading.evseId);
  const before = balance.meters[key];
  const stepped = before !== undefined && reading.energyImportWh < before.registerWh;
  // A register that went back was replaced, reset or wrapped: what was measured across that moment is void.
  if (stepped) balance.blocks[key] = { startWh: undefined, billedWh: 0 };
  balance.meters[key] = {
    registerWh: reading.energyImportWh, powerW: Math.max(0, reading.powerW ?? 0), atMs: now.monoMs, side,
  };
}

/** The meter's register now, Wh: the last reading carried on at its power. */
function deliveredNow(meter: MeterTrack, now: Now): number {
  return meter.registerWh + (meter.powerW * (now.monoMs - meter.atMs)) / HOUR_MS;
}

/** The meter that covers an EVSE: its own, else the station's. */
function meterOf(balance: Balance, evseId: number): string | undefined {
  if (balance.meters[String(evseId)] !== undefined) return String(evseId);
  return balance.meters["0"] === undefined ? undefined : "0";
}

/** Transaction ids come from the wire: the prefix keeps `__proto__` and its like an ordinary key. */
function idKey(transactionId: string): string {
  return `#${transactionId}`;
}

export function onStart(balance: Balance, started: Started, now: Now): void {
  const ids = Object.keys(balance.transactions);
  if (ids.length >= MOST_TRANSACTIONS && ids[0] !== undefined) delete balance.transactions[ids[0]];
  balance.transactions[idKey(started.transactionId)] = {
    evseId: started.evseId, reportedWh: started.registerWh, reportedAtMs: now.monoMs, spentNats: 0,
  };
  restart(balance, meterOf(balance, started.evseId), now);
}

/** Begins a new block; without a fresh reading it begins at the next report. */
function restart(balance: Balance, key: string | undefined, now: Now): void {
  const meter = key === undefined ? undefined : balance.meters[key];
  if (key === undefined) return;
  const fresh = meter !== undefined && now.monoMs - meter.atMs <= STALE_MS;
  balance.blocks[key] = { startWh: fresh ? deliveredNow(meter, now) : undefined, billedWh: 0 };
}

function find(balance: Balance, transactionId: string | undefined, evseId: number): TransactionTrack | undefined {
  if (transactionId !== undefined) return balance.transactions[idKey(transactionId)];
  return Object.values(balance.transactions).find((open) => open.evseId === evseId);
}

export function onReported(balance: Balance, seen: Reported, now: Now): BalanceBlock[] {
  const track = find(balance, seen.transactionId, seen.reading.evseId);
  return track === undefined ? [] : settle(balance, track, seen.reading.energyImportWh, now, false);
}

export function onStop(balance: Balance, seen: Ended, now: Now): BalanceBlock[] {
  const track = balance.transactions[idKey(seen.transactionId)];
  if (track === undefined) return [];
  const found = seen.offline ? [] : settle(balance, track, seen.registerWh, now, true);
  delete balance.transactions[idKey(seen.transactionId)];
  restart(balance, meterOf(balance, track.evseId), now);
  return found;
}

/** Books what the station reported, and closes the block when it is worth a comparison. */
function settle(
  balance: Balance, track: TransactionTrack, registerWh: number | undefined, now: Now, last: boolean,
): BalanceBlock[] {
  if (registerWh === undefined) return [];
  const key = meterOf(balance, track.evseId);
  const before = track.reportedWh;
  track.reportedWh = registerWh;
  track.reportedAtMs = now.monoMs;
  const meter = key === undefined ? undefined : balance.meters[key];
  if (key === undefined || meter === undefined) return [];
  const block = balance.blocks[key];
  const usable = block?.startWh !== undefined && before !== undefined && now.monoMs - meter.atMs <= STALE_MS;
  if (!usable || registerWh < before) {
    restart(balance, key, now);
    return [];
  }
  block.billedWh += registerWh - before;
  const deliveredWh = deliveredNow(meter, now) - (block.startWh ?? 0);
  const noise = relativeNoise(balance, key, meter, deliveredWh, now);
  if (deliveredWh < LEAST_BLOCK_WH || noise > (last ? LAST_AT_NOISE : CLOSE_AT_NOISE)) return [];
  const closed = judge(balance, key, track, meter.side, { deliveredWh, billedWh: block.billedWh, noise });
  restart(balance, key, now);
  return closed === undefined ? [] : [closed];
}

/** Standard deviation of x from timing and resolution: what other open transactions have not reported yet counts too. */
function relativeNoise(balance: Balance, key: string, meter: MeterTrack, deliveredWh: number, now: Now): number {
  const covered = Object.values(balance.transactions).filter((open) => meterOf(balance, open.evseId) === key);
  const unreportedMs = covered.reduce((sum, open) => sum + (now.monoMs - open.reportedAtMs), 0);
  const timingWh = (meter.powerW * (SYNC_MS + unreportedMs)) / HOUR_MS;
  return Math.sqrt(2 * RESOLUTION_WH ** 2 + timingWh ** 2) / Math.max(1, deliveredWh);
}

interface Comparison {
  readonly deliveredWh: number;
  readonly billedWh: number;
  readonly noise: number;
}

function judge(
  balance: Balance, key: string, track: TransactionTrack, side: MeterSide, seen: Comparison,
): BalanceBlock | undefined {
  const ratio = (balance.ratio[key] ??= priorRatio(side));
  const x = Math.max(-MOST_X, Math.min(MOST_X, Math.log(seen.deliveredWh / Math.max(1, seen.billedWh))));
  const left = MOST_A_SESSION - track.spentNats;
  const raw = shiftNats(ratio, x, seen.noise, THEFT_SHIFT);
  const theftNats = Math.max(-MOST_A_BLOCK, Math.min(MOST_A_BLOCK, left, raw));
  track.spentNats += Math.max(0, theftNats);
  const variance = scaleOf(ratio, seen.noise) ** 2;
  const drift = (DRIFT * (x - ratio.centre) - (DRIFT * DRIFT) / 2) / variance;
  const bounds = CENTRE_BOUNDS[side];
  // A block that looks like theft is not what normal is made of.
  if (theftNats < 1) learnSpread(ratio, x, seen.noise, bounds.least, bounds.most);
  return {
    deliveredWh: seen.deliveredWh, billedWh: seen.billedWh, theftNats,
    driftNats: Math.max(-MOST_DRIFT_NATS, Math.min(MOST_DRIFT_NATS, drift)),
  };
}
