/** Captures (contracts, section 3) as values: lines with their times, and the writers of each kind of line. */
import type { Direction } from "../../models/terms.ts";
import { rfc3339, type WallMs } from "../../models/units.ts";

export type SimVersion = "1.6" | "2.0.1";

export interface TimedLine {
  readonly at: WallMs;
  /** One line of JSON, without the newline. */
  readonly line: string;
}

export interface CaptureItem extends TimedLine {
  readonly stream: "ocpp" | "meter";
}

/** One station's capture in memory, both streams oldest first. */
export interface Capture {
  readonly station: string;
  readonly ocppVersion: SimVersion;
  readonly ocpp: readonly TimedLine[];
  readonly meter: readonly TimedLine[];
}

/** What every OCPP line of one station says. */
export interface Origin {
  readonly station: string;
  readonly ocppVersion: SimVersion;
}

/** An OCPP call: its action and payload. */
export interface Message {
  readonly action: string;
  readonly payload: object;
}

/** `head` is what stands before the payload in the frame. The payload, the costly part, is written once. */
function traceLine(
  origin: Origin, at: WallMs, direction: Direction, head: readonly unknown[], fields: object, payload: object,
): string {
  const json = JSON.stringify(payload);
  const raw = `${JSON.stringify(head).slice(0, -1)},${json}]`;
  const start = JSON.stringify({
    schemaVersion: "1.1", timestamp: rfc3339(at), ocppVersion: origin.ocppVersion, transport: "json",
    chargePointId: origin.station, direction, ...fields,
  });
  return `${start.slice(0, -1)},"payload":${json},"raw":${JSON.stringify(raw)}}`;
}

/** An Open OCPP Trace v1.1 line of a CALL. */
export function callLine(origin: Origin, at: WallMs, direction: Direction, id: string, message: Message): string {
  const { action, payload } = message;
  return traceLine(origin, at, direction, [2, id, action], { messageType: "CALL", messageId: id, action }, payload);
}

/** An Open OCPP Trace v1.1 line of a CALLRESULT. */
export function resultLine(origin: Origin, at: WallMs, direction: Direction, id: string, payload: object): string {
  return traceLine(origin, at, direction, [3, id], { messageType: "CALLRESULT", messageId: id }, payload);
}

/** A connection event: the trace format has none. */
export function eventLine(station: string, at: WallMs, event: "connect" | "disconnect", meta: object): string {
  return JSON.stringify({ timestamp: rfc3339(at), chargePointId: station, event, meta });
}

export interface MeterSample {
  readonly evseId: number;
  readonly powerW: number;
  readonly energyImportWh: number;
  readonly currentA: number;
  readonly voltageV: number;
  readonly side: "ac-input" | "evse-output";
}

/** By hand and not by JSON.stringify: most lines of a capture are these, and a station id needs no escapes. */
export function meterLine(station: string, at: WallMs, sample: MeterSample): string {
  const { evseId, powerW, energyImportWh, currentA, voltageV, side } = sample;
  return `{"timestamp":"${rfc3339(at)}","stationId":"${station}","evseId":${evseId},"powerW":${powerW},` +
    `"energyImportWh":${energyImportWh},"currentA":${currentA},"voltageV":${voltageV},"side":"${side}",` +
    '"source":"modbus"}';
}

/** The whole of a capture in memory, for tests and attackers. */
export function collect(origin: Origin, items: Iterable<CaptureItem>): Capture {
  const ocpp: TimedLine[] = [];
  const meter: TimedLine[] = [];
  for (const { stream, at, line } of items) (stream === "ocpp" ? ocpp : meter).push({ at, line });
  return { ...origin, ocpp, meter };
}
