/** Tools of whoever bends energy: the agent's meter lines and the registers in frames. */
import { HOUR_MS, type WallMs } from "../../models/units.ts";
import { callLine, type Capture, type TimedLine } from "../sim/capture.ts";
import { meterReading, traceLine, transactionsOf, type MeterLine, type TraceLine } from "../sim/inspect.ts";
import type { Span } from "./attack.ts";

/** Extra energy by time: from it the power is differenced. Must not fall, and be 0 at and before the beginning. */
export type ExtraWh = (at: WallMs, registerWh: number) => number;

const COARSE_WH = 100;

/** The step in which a meter's register moves, Wh: it goes on in the same, whatever flows. */
export function meterStepWh(meter: readonly TimedLine[], evseId: number): number {
  const mine = `"evseId":${evseId},`;
  const moves = /"energyImportWh":(\d+)/;
  return meter.every(({ line }) => !line.includes(mine) || Number(moves.exec(line)?.[1] ?? 0) % COARSE_WH === 0)
    ? COARSE_WH : 1;
}

/** A register that counts in such steps, Wh. */
export const inSteps = (wh: number, stepWh: number): number => Math.floor(wh / stepWh) * stepWh;

/** The meter's lines of one EVSE with more energy flowing. Registers keep the shift afterwards. */
export function withExtraEnergy(meter: readonly TimedLine[], evseId: number, extraWh: ExtraWh): TimedLine[] {
  let before: { at: WallMs; wh: number } | undefined;
  const stepWh = meterStepWh(meter, evseId);
  return meter.map((timed) => {
    const reading = JSON.parse(timed.line) as Record<string, number>;
    if (reading["evseId"] !== evseId) return timed;
    const wh = extraWh(timed.at, reading["energyImportWh"] ?? 0);
    const hours = before === undefined ? 0 : (timed.at - before.at) / HOUR_MS;
    const addedW = hours > 0 ? Math.round((10 * (wh - (before?.wh ?? 0))) / hours) / 10 : 0;
    before = { at: timed.at, wh };
    if (wh === 0) return timed;
    const powerW = Math.round(10 * ((reading["powerW"] ?? 0) + addedW)) / 10;
    const volts = reading["voltageV"] ?? 230;
    const phases = powerW > 7_400 ? 3 : 1;
    const currentA = Math.round((100 * powerW) / volts / phases) / 100;
    const energyImportWh = inSteps((reading["energyImportWh"] ?? 0) + wh, stepWh);
    return { at: timed.at, line: JSON.stringify({ ...reading, powerW, currentA, energyImportWh }) };
  });
}

/** Constant power for a while. */
export function constantPower({ from, to }: Span, powerW: number): ExtraWh {
  return (at) => (powerW * Math.max(0, Math.min(at, to) - from)) / HOUR_MS;
}

interface Shifted {
  readonly value: string | number;
  readonly measurand?: string;
  readonly unit?: string;
  readonly unitOfMeasure?: { readonly unit: string };
}

/** What a meter of one's own says of other power: the same quantity at another load. */
export type PowerShape = (at: WallMs, powerW: number) => number;

const ONE_DECIMAL = 10;

function reshapedValue(sampled: Shifted, ratio: number): Shifted {
  const value = Math.round(ONE_DECIMAL * Number(sampled.value) * ratio) / ONE_DECIMAL;
  return { ...sampled, value: typeof sampled.value === "string" ? value.toFixed(1) : value };
}

function shiftedValue(sampled: Shifted, shiftWh: number, ratio: number): Shifted {
  if (/^(Power\.Active|Current)\.Import$/.test(sampled.measurand ?? "")) return reshapedValue(sampled, ratio);
  if (sampled.measurand !== "Energy.Active.Import.Register") return sampled;
  const inKwh = (sampled.unit ?? sampled.unitOfMeasure?.unit) === "kWh";
  const moved = Math.max(0, Number(sampled.value) + (inKwh ? shiftWh / 1000 : shiftWh));
  const value = inKwh ? Math.round(1000 * moved) / 1000 : Math.round(moved);
  return { ...sampled, value: typeof sampled.value === "string" ? String(value) : value };
}

interface SampledEntry {
  readonly sampledValue: readonly Shifted[];
}

/** By how much the power of one meter value changes; 1 where it says none. */
function ratioOf({ sampledValue }: SampledEntry, at: WallMs, shape?: PowerShape): number {
  const said = sampledValue.find(({ measurand }) => measurand === "Power.Active.Import");
  const powerW = Number(said?.value ?? 0);
  return shape === undefined || powerW === 0 ? 1 : Math.max(0, shape(at, powerW)) / powerW;
}

function shiftedPayload(payload: Record<string, unknown>, shiftWh: number, at: WallMs, shape?: PowerShape): object {
  const moved: Record<string, unknown> = { ...payload };
  for (const key of ["meterStart", "meterStop"]) {
    if (typeof payload[key] === "number") moved[key] = Math.max(0, Math.round((payload[key] as number) + shiftWh));
  }
  if (Array.isArray(payload["meterValue"])) {
    moved["meterValue"] = (payload["meterValue"] as SampledEntry[]).map((entry) => {
      const ratio = ratioOf(entry, at, shape);
      return { ...entry, sampledValue: entry.sampledValue.map((sampled) => shiftedValue(sampled, shiftWh, ratio)) };
    });
  }
  return moved;
}

/** Which EVSE a station's frame is about; in 1.6, StopTransaction names only the transaction. */
function evseOf(line: TraceLine, evseOfTransaction: ReadonlyMap<unknown, number>): number | undefined {
  const payload = line.payload ?? {};
  const evse = payload["evse"] as { id: number } | undefined;
  return (payload["connectorId"] as number | undefined) ?? (payload["evseId"] as number | undefined) ?? evse?.id
    ?? evseOfTransaction.get(payload["transactionId"]);
}

/**
 * Frames of one EVSE with their registers moved by `shiftWh(at)`, Wh, and their power and current after `shape`, both
 * from `from` on; other frames are untouched, byte for byte.
 */
export function withShiftedRegisters(
  capture: Capture, evseId: number, shiftWh: (at: WallMs) => number, shape?: PowerShape, from = 0,
): TimedLine[] {
  const evseOfTransaction = new Map<unknown, number>();
  const starting = new Map<string, number>();
  return capture.ocpp.map((timed) => {
    if (!/StartTransaction|StopTransaction|MeterValues|TransactionEvent|"transactionId"/.test(timed.line)) return timed;
    const line = traceLine(timed);
    const { action, messageId = "", payload = {} } = line;
    if (action !== undefined && line.direction !== "cp-to-csms") return timed; // a command that names a transaction
    if (action === "StartTransaction") starting.set(messageId, payload["connectorId"] as number);
    const started = action === undefined ? starting.get(messageId) : undefined;
    if (started !== undefined) evseOfTransaction.set(payload["transactionId"], started);
    const shift = timed.at < from ? 0 : shiftWh(timed.at);
    const changes = shift !== 0 || (shape !== undefined && timed.at >= from);
    if (action === undefined || !changes || evseOf(line, evseOfTransaction) !== evseId) return timed;
    const message = { action, payload: shiftedPayload(payload, shift, timed.at, shape) };
    return { at: timed.at, line: callLine(capture, timed.at, "cp-to-csms", messageId, message) };
  });
}

export interface Said {
  readonly at: WallMs;
  readonly wh: number;
}

/** What the station's meter values last said of an EVSE's register before `at`. */
export function lastRegister(capture: Capture, evseId: number, at: WallMs): Said {
  for (let i = firstAfter(capture.ocpp, at) - 1; i >= 0; i--) {
    const timed = capture.ocpp[i] as TimedLine;
    if (timed.at >= at || !timed.line.includes("Energy.Active.Import.Register")) continue;
    const { payload = {} } = traceLine(timed);
    const of = payload["connectorId"] ?? payload["evseId"] ?? (payload["evse"] as { id: number } | undefined)?.id;
    if (of !== evseId || !Array.isArray(payload["meterValue"])) continue;
    const [{ sampledValue }] = payload["meterValue"] as [{ sampledValue: [Shifted] }];
    const [{ value, unit, unitOfMeasure }] = sampledValue;
    return { at: timed.at, wh: Number(value) * ((unit ?? unitOfMeasure?.unit) === "kWh" ? 1000 : 1) };
  }
  return { at: 0 as WallMs, wh: 0 };
}

/** Where the next reading of one EVSE's meter is looked for: stations of captures have a few. */
const MOST_METERS = 16;

function meterBefore({ meter }: Capture, evseId: number, at: number): MeterLine | undefined {
  const mine = `"evseId":${evseId},`;
  for (let i = firstAfter(meter, at) - 1; i >= 0; i--) {
    const timed = meter[i] as TimedLine;
    if (timed.line.includes(mine)) return meterReading(timed);
  }
  return undefined;
}

function meterAfter({ meter }: Capture, evseId: number, at: number): MeterLine | undefined {
  const mine = `"evseId":${evseId},`;
  const from = firstAfter(meter, at);
  const timed = meter.slice(from, from + MOST_METERS).find(({ line }) => line.includes(mine));
  return timed === undefined ? undefined : meterReading(timed);
}

/** The power at the last reading until `at`, W. */
export function meterW(capture: Capture, evseId: number, at: number): number {
  return meterBefore(capture, evseId, at)?.powerW ?? 0;
}

/** The agent's register at `at`, Wh, on the line between the readings around it: it counts all the time. */
function countedAt(capture: Capture, evseId: number, at: number): number {
  const before = meterBefore(capture, evseId, at);
  const after = meterAfter(capture, evseId, at);
  if (before === undefined || after === undefined) return before?.energyImportWh ?? 0;
  const share = (at - before.at) / Math.max(1, after.at - before.at);
  return before.energyImportWh + share * (after.energyImportWh - before.energyImportWh);
}

/** Neither loss nor class of meters makes more of a difference than this. */
const LEAST_SHARE = 0.8;
const LEAST_KNOWN_WH = 1_000;

/** What the station's register counts of what the agent's does: less where that one stands before the rectifier. */
export function reportedShare(capture: Capture, evseId: number): number {
  const billed = transactionsOf(capture.ocpp).billed.filter((one) => one.evseId === evseId && one.stopWh > one.startWh);
  const billedWh = billed.reduce((sum, { startWh, stopWh }) => sum + stopWh - startWh, 0);
  const countedWh = billed.reduce((sum, { from, to }) =>
    sum + countedAt(capture, evseId, to) - countedAt(capture, evseId, from), 0);
  if (countedWh < LEAST_KNOWN_WH) return 1;
  return Math.max(LEAST_SHARE, Math.min(1 / LEAST_SHARE, billedWh / countedWh));
}

/** The station's register at `at`, Wh: what it reported last, and what flowed since. */
export function registerAt(capture: Capture, evseId: number, at: WallMs): number {
  const said = lastRegister(capture, evseId, at);
  const flowedWh = Math.max(0, countedAt(capture, evseId, at) - countedAt(capture, evseId, said.at));
  return said.wh + flowedWh * reportedShare(capture, evseId);
}

/** The index of the first line later than `at`. */
export function firstAfter(lines: readonly TimedLine[], at: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle] as TimedLine).at <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
