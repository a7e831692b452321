/** Tools of whoever bends energy: the agent's meter lines and the registers in frames. */
import { HOUR_MS, type WallMs } from "../../models/units.ts";
import { callLine, type Capture, type TimedLine } from "../sim/capture.ts";
import { traceLine, type TraceLine } from "../sim/inspect.ts";
import type { Span } from "./attack.ts";

/** Extra energy by time: from it the power is differenced. Must not fall, and be 0 at and before the beginning. */
export type ExtraWh = (at: WallMs, registerWh: number) => number;

/** The meter's lines of one EVSE with more energy flowing. Registers keep the shift afterwards. */
export function withExtraEnergy(meter: readonly TimedLine[], evseId: number, extraWh: ExtraWh): TimedLine[] {
  let before: { at: WallMs; wh: number } | undefined;
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
    const energyImportWh = Math.floor((reading["energyImportWh"] ?? 0) + wh);
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

function shiftedValue(sampled: Shifted, shiftWh: number): Shifted {
  if (sampled.measurand !== "Energy.Active.Import.Register") return sampled;
  const inKwh = (sampled.unit ?? sampled.unitOfMeasure?.unit) === "kWh";
  const moved = Math.max(0, Number(sampled.value) + (inKwh ? shiftWh / 1000 : shiftWh));
  const value = inKwh ? Math.round(1000 * moved) / 1000 : Math.round(moved);
  return { ...sampled, value: typeof sampled.value === "string" ? String(value) : value };
}

function shiftedPayload(payload: Record<string, unknown>, shiftWh: number): object {
  const moved: Record<string, unknown> = { ...payload };
  for (const key of ["meterStart", "meterStop"]) {
    if (typeof payload[key] === "number") moved[key] = Math.max(0, Math.round((payload[key] as number) + shiftWh));
  }
  if (Array.isArray(payload["meterValue"])) {
    moved["meterValue"] = (payload["meterValue"] as { sampledValue: Shifted[] }[]).map((entry) =>
      ({ ...entry, sampledValue: entry.sampledValue.map((sampled) => shiftedValue(sampled, shiftWh)) }));
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

/** Frames of one EVSE with their registers moved by `shiftWh(at)`, Wh; other frames are untouched, byte for byte. */
export function withShiftedRegisters(capture: Capture, evseId: number, shiftWh: (at: WallMs) => number): TimedLine[] {
  const evseOfTransaction = new Map<unknown, number>();
  const starting = new Map<string, number>();
  return capture.ocpp.map((timed) => {
    if (!/StartTransaction|StopTransaction|MeterValues|TransactionEvent|"transactionId"/.test(timed.line)) return timed;
    const line = traceLine(timed);
    const { action, messageId = "", payload = {} } = line;
    if (action === "StartTransaction") starting.set(messageId, payload["connectorId"] as number);
    const started = action === undefined ? starting.get(messageId) : undefined;
    if (started !== undefined) evseOfTransaction.set(payload["transactionId"], started);
    const shift = shiftWh(timed.at);
    if (action === undefined || shift === 0 || evseOf(line, evseOfTransaction) !== evseId) return timed;
    const message = { action, payload: shiftedPayload(payload, shift) };
    return { at: timed.at, line: callLine(capture, timed.at, "cp-to-csms", messageId, message) };
  });
}

/** The register that the station last reported for an EVSE before `at`, Wh. */
export function lastRegisterWh(capture: Capture, evseId: number, at: WallMs): number {
  for (let i = capture.ocpp.length - 1; i >= 0; i--) {
    const timed = capture.ocpp[i] as TimedLine;
    if (timed.at >= at || !timed.line.includes("Energy.Active.Import.Register")) continue;
    const { payload = {} } = traceLine(timed);
    const of = payload["connectorId"] ?? payload["evseId"] ?? (payload["evse"] as { id: number } | undefined)?.id;
    if (of !== evseId) continue;
    const [{ sampledValue }] = payload["meterValue"] as [{ sampledValue: [Shifted] }];
    const [{ value, unit, unitOfMeasure }] = sampledValue;
    return Number(value) * ((unit ?? unitOfMeasure?.unit) === "kWh" ? 1000 : 1);
  }
  return 0;
}
