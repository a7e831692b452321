/** Alerts of little weight, told together. Pure. */
import type { Alert, Severity, Threat } from "../../models/terms.ts";
import { SEVERITIES } from "../../models/terms.ts";

/** Several alerts in one message: JSON, version 1.0, told apart from an alert by `kind`. */
export interface Digest {
  readonly schemaVersion: "1.0";
  readonly kind: "digest";
  /** Of the newest alert in it. */
  readonly time: string;
  readonly agent: string;
  readonly alerts: readonly Alert[];
}

/** What JSON outlets send: one alert as it is, several as a digest. `alerts`: one at least. */
export function messageOf(alerts: readonly Alert[]): Alert | Digest {
  const last = alerts.at(-1)!;
  if (alerts.length === 1) return last;
  return { schemaVersion: "1.0", kind: "digest", time: last.time, agent: last.agent, alerts };
}

/** `7 alerts of little weight: reconnaissance 5, denial-of-service 2`. */
export function digestSummary(alerts: readonly Alert[]): string {
  const counts = new Map<Threat, number>();
  for (const { threat } of alerts) counts.set(threat, (counts.get(threat) ?? 0) + 1);
  const named = [...counts].sort((a, b) => b[1] - a[1]).map(([threat, count]) => `${threat} ${count}`).join(", ");
  return `${alerts.length} alerts of little weight: ${named}`;
}

/** The highest of them. */
export function worstSeverity(alerts: readonly Alert[]): Severity {
  return SEVERITIES[Math.max(...alerts.map(({ severity }) => SEVERITIES.indexOf(severity)))] ?? "info";
}
