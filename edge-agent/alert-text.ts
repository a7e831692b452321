/** An alert in plain words, for a terminal. Pure. */
import type { Alert, Severity } from "../models/terms.ts";
import { plainText } from "./plain-text.ts";

/** SGR codes: bold for what is urgent, red, yellow and cyan as everywhere. */
const COLOURS: Record<Severity, string> = { info: "36", low: "36", medium: "33", high: "31", critical: "1;31" };
const GREEN = "32";

/** More than a few names or reasons make nobody wiser; the whole list is in the JSON. */
const MAX_STATIONS = 5;
const MAX_TERMS = 3;

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** How sure an alert is. Never quite: what rounds to certainty is "over 99 %". */
export const certainty = (confidence: number): string =>
  `${confidence > 0.99 ? "over 99 %" : percent(confidence)} sure`;

function where({ scope, stations, zone, region }: Alert): string {
  const names = stations.slice(0, MAX_STATIONS).map((id) => plainText(id, 48)).join(", ");
  const more = stations.length > MAX_STATIONS ? ` and ${stations.length - MAX_STATIONS} more` : "";
  const place = scope === "region" ? `region ${plainText(region, 48)}` : `zone ${plainText(zone, 48)}`;
  if (scope === "station") return `${names}${more}`;
  return stations.length === 0 ? place : `${place} (${names}${more})`;
}

function reasons(alert: Alert): string {
  const largest = [...alert.explanation].sort((a, b) => Math.abs(b.share) - Math.abs(a.share)).slice(0, MAX_TERMS);
  return largest.map(({ term, share }) => `${plainText(term, 80)} ${percent(share)}`).join("; ");
}

/**
 * A few lines: time, state, severity, threat and place; the summary; why; what to do next. Control characters of
 * vendors' strings are gone, whatever the alert carries.
 */
export function alertText(alert: Alert, colour: boolean): string {
  const paint = (code: string, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const code = alert.state === "cleared" ? GREEN : COLOURS[alert.severity];
  const label = paint(code, `${alert.state.toUpperCase()} ${alert.severity}`);
  const threat = paint("1", alert.threat);
  const why = reasons(alert);
  const lines = [
    `${plainText(alert.time, 30)}  ${label}  ${threat} at ${where(alert)}, ${certainty(alert.confidence)}`,
    `    ${plainText(alert.summary)}`,
    ...(alert.onset === alert.time ? [] : [`    since: ${plainText(alert.onset, 30)}`]),
    ...(why === "" ? [] : [`    why:   ${why}`]),
    ...(alert.nextStep === "" || alert.state === "cleared" ? [] : [`    next:  ${plainText(alert.nextStep)}`]),
    `    more:  kerbwatch explain ${plainText(alert.incidentId, 80).slice(0, 12)}`,
  ];
  return `${lines.join("\n")}\n`;
}
