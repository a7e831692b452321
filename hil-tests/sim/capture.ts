/** Captures (contracts, section 3) as values: lines with their times, and the writers of each kind of line. */
import type { AgentEvent } from "../../edge-agent/ports.ts";
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
  /** What reading the line gives, where its writer knows: who needs no text is spared writing and reading it. */
  readonly event?: AgentEvent;
}

/** An item whose line is written when somebody asks for it. */
export class LazyItem implements CaptureItem {
  readonly stream: CaptureItem["stream"];
  readonly at: WallMs;
  readonly event: AgentEvent;
  readonly #write: () => string;

  constructor(stream: CaptureItem["stream"], at: WallMs, event: AgentEvent, write: () => string) {
    this.stream = stream;
    this.at = at;
    this.event = event;
    this.#write = write;
  }

  get line(): string {
    return this.#write();
  }
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
function traceItem(
  origin: Origin, at: WallMs, direction: Direction, head: readonly unknown[], fields: object, payload: object,
): CaptureItem {
  const json = JSON.stringify(payload);
  const raw = `${JSON.stringify(head).slice(0, -1)},${json}]`;
  return new LazyItem("ocpp", at, { kind: "frame", direction, text: raw, ocppVersion: origin.ocppVersion }, () => {
    const start = JSON.stringify({
      schemaVersion: "1.1", timestamp: rfc3339(at), ocppVersion: origin.ocppVersion, transport: "json",
      chargePointId: origin.station, direction, ...fields,
    });
    return `${start.slice(0, -1)},"payload":${json},"raw":${JSON.stringify(raw)}}`;
  });
}

/** A CALL; its line is one of Open OCPP Trace v1.1. */
export function callItem(origin: Origin, at: WallMs, direction: Direction, id: string, message: Message): CaptureItem {
  const { action, payload } = message;
  return traceItem(origin, at, direction, [2, id, action], { messageType: "CALL", messageId: id, action }, payload);
}

/** A CALLRESULT; its line is one of Open OCPP Trace v1.1. */
export function resultItem(
  origin: Origin, at: WallMs, direction: Direction, id: string, payload: object,
): CaptureItem {
  return traceItem(origin, at, direction, [3, id], { messageType: "CALLRESULT", messageId: id }, payload);
}

export function callLine(...call: Parameters<typeof callItem>): string {
  return callItem(...call).line;
}

export function resultLine(...result: Parameters<typeof resultItem>): string {
  return resultItem(...result).line;
}

/** An Open OCPP Trace v1.1 line of a CALLERROR (OCPP-J 1.6, 4.2.3), without details. */
export function errorLine(origin: Origin, at: WallMs, direction: Direction, id: string, code: string): string {
  return JSON.stringify({
    schemaVersion: "1.1", timestamp: rfc3339(at), ocppVersion: origin.ocppVersion, transport: "json",
    chargePointId: origin.station, direction, messageType: "CALLERROR", messageId: id,
    error: { code, description: "", details: {} }, raw: JSON.stringify([4, id, code, "", {}]),
  });
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

export function meterItem(station: string, at: WallMs, sample: MeterSample): CaptureItem {
  const { side, ...reading } = sample;
  return new LazyItem("meter", at, { kind: "meter", reading, side }, () => meterLine(station, at, sample));
}

/** The whole of a capture in memory, for tests and attackers. */
export function collect(origin: Origin, items: Iterable<CaptureItem>): Capture {
  const ocpp: TimedLine[] = [];
  const meter: TimedLine[] = [];
  for (const { stream, at, line } of items) (stream === "ocpp" ? ocpp : meter).push({ at, line });
  return { ...origin, ocpp, meter };
}
