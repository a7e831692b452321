/** Other power than the honest capture had: at the agent's meter, in what the station reports, or in both. */
import { HOUR_MS, type WallMs } from "../../models/units.ts";
import type { Capture, TimedLine } from "../sim/capture.ts";
import { meterReading } from "../sim/inspect.ts";
import type { Span } from "./attack.ts";
import { withShiftedRegisters, type PowerShape } from "./registers.ts";

export interface Reshaping {
  readonly evseId: number;
  readonly during: Span;
  /** From the power that charged a vehicle to the power that does now, W; negative: out of the vehicle. */
  readonly shape: PowerShape;
  /** Whether the power really flows: the agent's meter shows it. */
  readonly flows: boolean;
  /** Whether the station reports it; never as export. */
  readonly reported: boolean;
}

interface Point {
  readonly at: WallMs;
  /** Import more or less than before, and export, since the beginning, Wh. */
  readonly importWh: number;
  readonly exportWh: number;
}

/** What the electronics draw when nobody charges, W: the least that the meter ever showed. */
function idleW(meter: readonly TimedLine[], evseId: number): number {
  let least = Number.POSITIVE_INFINITY;
  const mine = `"evseId":${evseId},"powerW":`;
  for (const { line } of meter) {
    const start = line.indexOf(mine);
    if (start < 0) continue;
    const powerW = Number.parseFloat(line.slice(start + mine.length));
    if (powerW >= 0) least = Math.min(least, powerW);
  }
  return Number.isFinite(least) ? least : 0;
}

function powersOf(capture: Capture, { evseId, during, shape }: Reshaping, standbyW: number): Point[] {
  const points: Point[] = [];
  let [importWh, exportWh] = [0, 0];
  let before: { at: WallMs; importW: number; exportW: number } | undefined;
  for (const timed of capture.meter) {
    if (timed.at < during.from) continue;
    const reading = meterReading(timed);
    if (reading.evseId !== evseId) continue;
    const chargingW = Math.max(0, reading.powerW - standbyW);
    const nowW = timed.at <= during.to ? shape(timed.at, chargingW) : chargingW;
    const step = { at: timed.at, importW: Math.max(0, nowW) - chargingW, exportW: Math.max(0, -nowW) };
    const hours = (timed.at - (before?.at ?? during.from)) / HOUR_MS;
    importWh += ((step.importW + (before?.importW ?? 0)) / 2) * hours;
    exportWh += ((step.exportW + (before?.exportW ?? 0)) / 2) * hours;
    points.push({ at: timed.at, importWh, exportWh });
    before = step;
    if (timed.at > during.to) break;
  }
  return points;
}

/** The import that has been added until `at`, Wh: the last point before, which lies a meter's interval back at most. */
function addedWh(points: readonly Point[]): (at: WallMs) => number {
  let next = 0;
  return (at) => {
    while (next < points.length && (points[next] as Point).at <= at) next += 1;
    while (next > 0 && (points[next - 1] as Point).at > at) next -= 1;
    return points[next - 1]?.importWh ?? 0;
  };
}

function reshapedMeter(
  capture: Capture, { evseId, during, shape }: Reshaping, points: readonly Point[], standbyW: number,
): TimedLine[] {
  const byTime = new Map(points.map((point) => [point.at, point]));
  let reached: Point | undefined;
  return capture.meter.map((timed) => {
    if (timed.at < during.from) return timed;
    const reading = JSON.parse(timed.line) as Record<string, number>;
    if (reading["evseId"] !== evseId) return timed;
    reached = byTime.get(timed.at) ?? reached;
    if (reached === undefined) return timed;
    const wasW = reading["powerW"] ?? 0;
    const nowW = timed.at <= during.to ? standbyW + shape(timed.at, Math.max(0, wasW - standbyW)) : wasW;
    const volts = reading["voltageV"] ?? 230;
    const phases = Math.abs(nowW) > 7_400 ? 3 : 1;
    const exported = reached.exportWh > 0 || reading["energyExportWh"] !== undefined;
    return { at: timed.at, line: JSON.stringify({
      ...reading, powerW: Math.round(10 * nowW) / 10,
      currentA: nowW === wasW ? reading["currentA"] : Math.round((100 * Math.abs(nowW)) / volts / phases) / 100,
      energyImportWh: Math.max(0, Math.floor((reading["energyImportWh"] ?? 0) + reached.importWh)),
      ...(exported && { energyExportWh: Math.floor((reading["energyExportWh"] ?? 0) + reached.exportWh) }),
    }) };
  });
}

/** Registers of both sides keep the difference afterwards. */
export function withPower(capture: Capture, change: Reshaping): Capture {
  const standbyW = idleW(capture.meter, change.evseId);
  const points = powersOf(capture, change, standbyW);
  const { during, shape, evseId } = change;
  const within: PowerShape = (at, powerW) => (at >= during.from && at <= during.to ? shape(at, powerW) : powerW);
  return {
    ...capture,
    ...(change.flows && { meter: reshapedMeter(capture, change, points, standbyW) }),
    ...(change.reported
      && { ocpp: withShiftedRegisters(capture, evseId, addedWh(points), within, during.from) }),
  };
}
