/** Other power than the honest capture had: at the agent's meter, in what the station reports, or in both. */
import { HOUR_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import type { Capture, TimedLine } from "../sim/capture.ts";
import { meterReading } from "../sim/inspect.ts";
import type { Span } from "./attack.ts";
import { inSteps, meterStepWh, reportedShare, withShiftedRegisters, type PowerShape } from "./registers.ts";

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

interface Charging {
  readonly at: WallMs;
  readonly chargingW: number;
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

/** A meter's register counts all the time, however seldom it is read: energy is summed up in steps of this. */
const STEP_MS = SECOND_MS;

/** What one EVSE's meter showed of charging, from the last reading before `during` to the first after it. */
function chargingAround({ meter }: Capture, { evseId, during }: Reshaping, standbyW: number): Charging[] {
  const found: Charging[] = [];
  const mine = `"evseId":${evseId},`;
  for (const timed of meter) {
    if (!timed.line.includes(mine)) continue;
    if (timed.at <= during.from) found.length = 0;
    found.push({ at: timed.at, chargingW: Math.max(0, meterReading(timed).powerW - standbyW) });
    if (timed.at > during.to) break;
  }
  return found;
}

/** Energy by time: nothing at the beginning, then as it stands at each reading. */
function pointsOf(capture: Capture, change: Reshaping, standbyW: number): Point[] {
  const { during, shape } = change;
  const readings = chargingAround(capture, change, standbyW);
  const points: Point[] = [{ at: during.from, importWh: 0, exportWh: 0 }];
  let [importWh, exportWh] = [0, 0];
  readings.forEach((next, i) => {
    const last = readings[i - 1] ?? { ...next, at: during.from };
    if (next.at <= during.from) return;
    const to = Math.min(next.at, during.to);
    for (let from = Math.max(last.at, during.from); from < to; from += STEP_MS) {
      const stepMs = Math.min(STEP_MS, to - from);
      const at = from + stepMs / 2;
      const share = (at - last.at) / (next.at - last.at);
      const chargingW = last.chargingW + share * (next.chargingW - last.chargingW);
      const nowW = shape(at as WallMs, chargingW);
      importWh += ((Math.max(0, nowW) - chargingW) * stepMs) / HOUR_MS;
      exportWh += (Math.max(0, -nowW) * stepMs) / HOUR_MS;
    }
    points.push({ at: next.at, importWh, exportWh });
  });
  return points;
}

/** The import that has been added until `at`, Wh: on the line between the points around it, and kept after the last. */
function addedWh(points: readonly Point[]): (at: WallMs) => number {
  let next = 0;
  return (at) => {
    while (next < points.length && (points[next] as Point).at <= at) next += 1;
    while (next > 0 && (points[next - 1] as Point).at > at) next -= 1;
    const [before, after] = [points[next - 1], points[next]];
    if (before === undefined || after === undefined) return before?.importWh ?? 0;
    const share = (at - before.at) / (after.at - before.at);
    return before.importWh + share * (after.importWh - before.importWh);
  };
}

function reshapedMeter(
  capture: Capture, { evseId, during, shape }: Reshaping, points: readonly Point[], standbyW: number,
): TimedLine[] {
  const stepWh = meterStepWh(capture.meter, evseId);
  const byTime = new Map(points.map((point) => [point.at, point]));
  let reached: Point | undefined;
  const before = capture.meter.findLast(({ at, line }) => at < during.from && line.includes(`"evseId":${evseId},`));
  let wasWh = before === undefined ? 0 : meterReading(before).energyImportWh;
  let shownWh = wasWh;
  return capture.meter.map((timed) => {
    if (timed.at < during.from) return timed;
    const reading = JSON.parse(timed.line) as Record<string, number>;
    if (reading["evseId"] !== evseId) return timed;
    reached = byTime.get(timed.at) ?? reached;
    if (reached === undefined) return timed;
    const wasW = reading["powerW"] ?? 0;
    const nowW = timed.at <= during.to ? standbyW + shape(timed.at, Math.max(0, wasW - standbyW)) : wasW;
    const honestWh = reading["energyImportWh"] ?? 0;
    const nowWh = Math.max(0, inSteps(honestWh + reached.importWh, stepWh));
    // What two roundings down leave may lie a step below what was shown: a register counts back only where it did.
    shownWh = honestWh < wasWh ? nowWh : Math.max(shownWh, nowWh);
    wasWh = honestWh;
    const volts = reading["voltageV"] ?? 230;
    const phases = Math.abs(nowW) > 7_400 ? 3 : 1;
    const exported = reached.exportWh > 0 || reading["energyExportWh"] !== undefined;
    return { at: timed.at, line: JSON.stringify({
      ...reading, powerW: Math.round(10 * nowW) / 10,
      currentA: nowW === wasW ? reading["currentA"] : Math.round((100 * Math.abs(nowW)) / volts / phases) / 100,
      energyImportWh: shownWh,
      ...(exported && { energyExportWh: Math.floor((reading["energyExportWh"] ?? 0) + reached.exportWh) }),
    }) };
  });
}

/** Registers of both sides keep the difference afterwards. */
export function withPower(capture: Capture, change: Reshaping): Capture {
  const standbyW = idleW(capture.meter, change.evseId);
  const points = pointsOf(capture, change, standbyW);
  const { during, shape, evseId } = change;
  const share = reportedShare(capture, evseId);
  const added = addedWh(points);
  const within: PowerShape = (at, powerW) => (at >= during.from && at <= during.to ? shape(at, powerW) : powerW);
  return {
    ...capture,
    ...(change.flows && { meter: reshapedMeter(capture, change, points, standbyW) }),
    ...(change.reported
      && { ocpp: withShiftedRegisters(capture, evseId, (at) => share * added(at), within, during.from) }),
  };
}
