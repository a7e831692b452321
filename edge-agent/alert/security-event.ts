/**
 * Alerts as OCPP security events: SecurityEventNotification of 1.6's security extension (edition 2), 2.0.1 and 2.1,
 * which share one payload. Pure.
 */
import type { Alert, Threat } from "../../models/terms.ts";
import { certainty } from "../alert-text.ts";
import { plainText } from "../plain-text.ts";
import { digestSummary } from "./digest.ts";

export interface SecurityEvent {
  /** At most 50 characters. */
  readonly type: string;
  readonly timestamp: string;
  /** At most 255 characters. */
  readonly techInfo: string;
}

/** OCPP's own names (2.0.1, Part 2 Appendices, 1) where one says the same; the others are this program's. */
const STANDARD: Partial<Record<Threat, string>> = {
  "physical-tampering": "TamperDetectionActivated",
};
const MOST_INFO = 255;

/** `alerts`: one, or several in a digest. */
export function securityEvent(alerts: readonly Alert[]): SecurityEvent {
  const alert = alerts.at(-1)!;
  const { incidentId, state, severity, scope, threat, confidence, summary, time } = alert;
  if (alerts.length > 1) {
    return { type: "kerbwatch.digest", timestamp: time, techInfo: plainText(digestSummary(alerts), MOST_INFO) };
  }
  // What an event of this name means to a CSMS is that it happened, not that it is over.
  const isBegun = scope === "station" && state === "raised";
  return {
    type: (isBegun ? STANDARD[threat] : undefined) ?? `kerbwatch.${threat}`, timestamp: time,
    techInfo: plainText(`${state} ${severity} ${scope} ${incidentId.slice(0, 12)} ${certainty(confidence)}: ${summary}`,
      MOST_INFO),
  };
}
