/**
 * A frame as a line of Open OCPP Trace v1.1 (its trace-v1.schema.json and conformance rules for producers), redacted:
 * what goes out of this program carries no idToken, password or key. `raw` is left out, since it would have to be the
 * frame as it was; a reader finds the same in the other fields.
 */
import type { Direction, OcppVersion } from "../../models/terms.ts";
import { rfc3339, type WallMs } from "../../models/units.ts";
import { redactFrame } from "./redact.ts";

export interface TracedFrame {
  readonly at: WallMs;
  readonly station: string;
  readonly direction: Direction;
  /** The frame, redacted or not. */
  readonly text: string;
  readonly ocppVersion?: OcppVersion;
  /** The entry of the log that has it, `sha256:...`. */
  readonly entry?: string;
}

/** SEND and CALLRESULTERROR (OCPP 2.1) are not in v1.1 of the format: they go under names that it may have one day. */
const TYPES: Readonly<Record<number, string>> =
  { 2: "CALL", 3: "CALLRESULT", 4: "CALLERROR", 5: "CALLRESULTERROR", 6: "SEND" };

/** Without the line's end; undefined for what is no OCPP-J message. Never throws. */
export function traceLine({ at, station, direction, text, ocppVersion, entry }: TracedFrame): string | undefined {
  const redacted = redactFrame(text);
  if (!redacted.startsWith("[")) return undefined;
  const [type, messageId, third, fourth] = JSON.parse(redacted) as [number, string, unknown, unknown];
  const body = type === 2 || type === 6 ? { action: third, payload: fourth }
    : type === 3 ? { payload: third } : { error: { code: third } };
  return JSON.stringify({
    schemaVersion: "1.1", timestamp: rfc3339(at), ...(ocppVersion !== undefined && { ocppVersion }), transport: "json",
    chargePointId: station, direction, messageType: TYPES[type], messageId, ...body,
    meta: { redactedBy: "kerbwatch", ...(entry !== undefined && { entry }) },
  });
}
