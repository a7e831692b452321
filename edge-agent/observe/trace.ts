/** A capture of OCPP traffic: Open OCPP Trace v1.1, and our own lines for connections (contracts, section 3). */
import type { OcppVersion } from "../../models/terms.ts";
import { ID_RULE, isStationId } from "../../models/units.ts";
import type { StationId, WallMs } from "../../models/units.ts";
import type { AgentEvent } from "../ports.ts";
import { defined, fieldsOf, isFields, nonEmpty, numberOf, textOf, wordOf } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { parseRfc3339 } from "./time-stamp.ts";

/** One line of a capture, of frames or of a meter. */
export interface CaptureLine {
  readonly ok: true;
  readonly at: WallMs;
  readonly station: StationId;
  readonly event: AgentEvent;
}

/** What is wrong with a line. `what` names the field and is the same for each line of one kind: report it once. */
export interface CaptureProblem {
  readonly ok: false;
  readonly what: string;
  readonly found: string;
  readonly allowed: string;
}

/** A frame of 1 MiB, escaped as `raw` and repeated as `payload`, and some to spare. */
export const MAX_LINE_CHARS = 4 << 20;

/** A problem, with what was found cut to a length that can be shown. */
export function captureProblem(what: string, found: unknown, allowed: string): CaptureProblem {
  const kind = found === undefined || found === null ? "nothing" : Array.isArray(found) ? "a list" : "an object";
  const plain = typeof found === "string" || typeof found === "number" || typeof found === "boolean";
  return { ok: false, what, found: plain ? textOf(String(found)) ?? "" : kind, allowed };
}

/** The JSON object of one line. */
export function parseLine(line: string): Fields | CaptureProblem {
  if (line.length > MAX_LINE_CHARS) {
    return captureProblem("line", `${line.length} characters`, `at most ${MAX_LINE_CHARS}`);
  }
  try {
    const parsed: unknown = JSON.parse(line);
    return isFields(parsed) ? parsed : captureProblem("line", parsed, "one JSON object");
  } catch {
    return captureProblem("line", "text that is no JSON", "one JSON object");
  }
}

export function isProblem(found: object): found is CaptureProblem {
  return "ok" in found && found.ok === false && "what" in found && "allowed" in found;
}

/** Time and station of a line, under the names that its format has for them. */
export function whenAndWho(line: Fields, stationField: string, otherwise?: StationId):
  { readonly at: WallMs; readonly station: StationId } | CaptureProblem {
  const at = parseRfc3339(line.timestamp);
  if (at === undefined) return captureProblem("timestamp", line.timestamp, "RFC 3339 with a zone");
  const station = line[stationField] ?? otherwise;
  if (typeof station !== "string" || !isStationId(station)) return captureProblem(stationField, station, ID_RULE);
  return { at, station };
}

const VERSIONS: readonly string[] = ["1.6", "2.0.1", "2.1"] satisfies OcppVersion[];
const TYPE_NUMBERS: ReadonlyMap<unknown, number> = new Map([
  ["CALL", 2], ["CALLRESULT", 3], ["CALLERROR", 4], ["CALLRESULTERROR", 5], ["SEND", 6],
]);

/** The frame's text from the fields, where the line has no `raw`. */
function rebuilt(line: Fields): string | CaptureProblem {
  const type = TYPE_NUMBERS.get(line.messageType);
  if (type === undefined) return captureProblem("messageType", line.messageType, [...TYPE_NUMBERS.keys()].join(", "));
  if (typeof line.messageId !== "string") return captureProblem("messageId", line.messageId, "text, or a raw frame");
  const calling = type === 2 || type === 6;
  if (calling && typeof line.action !== "string") return captureProblem("action", line.action, "text, or a raw frame");
  const error = fieldsOf(line.error);
  const rest = calling ? [line.action, line.payload ?? {}]
    : type === 3 ? [line.payload ?? {}]
    : [error.code ?? "", error.description ?? "", error.details ?? {}];
  try {
    return JSON.stringify([type, line.messageId, ...rest]);
  } catch {
    return captureProblem("payload", "JSON nested too deep", "a payload that can be written as a frame");
  }
}

function frameEvent(line: Fields): AgentEvent | CaptureProblem {
  const { direction, transport, raw, ocppVersion, schemaVersion } = line;
  if (schemaVersion !== undefined && !(typeof schemaVersion === "string" && /^1(\.|$)/.test(schemaVersion))) {
    return captureProblem("schemaVersion", schemaVersion, "1.0 to 1.x");
  }
  if (transport !== undefined && transport !== "json") return captureProblem("transport", transport, "json");
  if (direction !== "cp-to-csms" && direction !== "csms-to-cp") {
    return captureProblem("direction", direction, "cp-to-csms, csms-to-cp");
  }
  if (raw !== undefined && typeof raw !== "string") return captureProblem("raw", raw, "the frame as text");
  const text = raw ?? rebuilt(line);
  if (typeof text !== "string") return text;
  const version = VERSIONS.includes(wordOf(ocppVersion)) ? ocppVersion as OcppVersion : undefined;
  return { kind: "frame", direction, text, ...(version !== undefined && { ocppVersion: version }) };
}

function linkEvent(line: Fields): AgentEvent | CaptureProblem {
  if (line.event !== "connect" && line.event !== "disconnect") {
    return captureProblem("event", line.event, "connect, disconnect");
  }
  const meta = fieldsOf(line.meta);
  const remoteAddress = nonEmpty(meta.remoteAddress);
  const tlsPeerSha256 = nonEmpty(meta.tlsPeerSha256, 128);
  const closeCode = numberOf(meta.closeCode);
  return {
    kind: "link", state: line.event, ...defined({ remoteAddress, tlsPeerSha256, closeCode }),
  };
}

/**
 * One line of an OCPP capture, or what is wrong with it. `raw`, where present, is the truth and the other fields of a
 * frame are not looked at. `otherwise` is the station of lines without `chargePointId`. Never throws.
 */
export function parseTraceLine(text: string, otherwise?: StationId): CaptureLine | CaptureProblem {
  const line = parseLine(text);
  if (isProblem(line)) return line;
  const head = whenAndWho(line, "chargePointId", otherwise);
  if (isProblem(head)) return head;
  const event = line.event === undefined ? frameEvent(line) : linkEvent(line);
  return isProblem(event) ? event : { ok: true, ...head, event };
}
