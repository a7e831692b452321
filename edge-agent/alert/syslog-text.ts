/** Alerts as syslog messages (RFC 5424), plain or with a CEF event inside. Pure. */
import type { Alert, Severity } from "../../models/terms.ts";
import { certainty } from "../alert-text.ts";
import { plainText } from "../plain-text.ts";
import { VERSION } from "../version.ts";
import { CATALOGUE } from "./catalogue.ts";
import { digestSummary, worstSeverity } from "./digest.ts";

/** RFC 5424, table 2. What is cleared is a notice. */
const LEVELS: Record<Severity, number> = { info: 6, low: 5, medium: 4, high: 3, critical: 2 };
const NOTICE = 5;
/** CEF 26: 0 to 3 low, 4 to 6 medium, 7 and 8 high, 9 and 10 very high. */
const CEF_SEVERITIES: Record<Severity, number> = { info: 1, low: 3, medium: 5, high: 8, critical: 10 };
/** RFC 5424, 6.1: receivers should take so many octets, and RFC 5426 no more in one packet. */
export const MOST_OCTETS = 2_048;
const MOST_NAMED = 10;
const encoder = new TextEncoder();

export interface SyslogFormat {
  readonly format: "rfc5424" | "cef";
  readonly facility: number;
  /** Private enterprise number of who runs the receiver: what names the structured data (RFC 5424, 6.3.2). */
  readonly enterprise: number;
}

/** One message, without framing. `alerts`: one, or several in a digest. */
export function syslogText(alerts: readonly Alert[], { format, facility, enterprise }: SyslogFormat): string {
  const alert = alerts.at(-1)!;
  const level = alert.state === "cleared" && alerts.length === 1 ? NOTICE : LEVELS[worstSeverity(alerts)];
  const host = printable(alert.agent, 255);
  const head = `<${facility * 8 + level}>1 ${printable(alert.time, 32)} ${host} kerbwatch - `;
  if (alerts.length > 1) {
    const body = format === "cef" ? cef("digest", "Alerts of little weight", worstSeverity(alerts),
      { msg: digestSummary(alerts), dvchost: alert.agent, cnt: String(alerts.length) }) : digestSummary(alerts);
    return cutTo(`${head}digest - ${body}`, MOST_OCTETS);
  }
  const body = format === "cef" ? ` - ${cefOf(alert)}` : ` ${structured(alert, enterprise)} ${sentence(alert)}`;
  return cutTo(`${head}${printable(alert.threat, 32)}${body}`, MOST_OCTETS);
}

/** RFC 6587, 3.4.1, and RFC 5425, 4.3: the length in octets goes first, so that no text can begin a message. */
export function octetCounted(message: string): Uint8Array {
  const bytes = encoder.encode(message);
  const head = encoder.encode(`${bytes.length} `);
  const framed = new Uint8Array(head.length + bytes.length);
  framed.set(head);
  framed.set(bytes, head.length);
  return framed;
}

const sentence = (alert: Alert): string =>
  plainText(`${alert.state} ${alert.severity} ${alert.threat}, ${certainty(alert.confidence)}: ${alert.summary} `
    + (alert.state === "cleared" ? "" : `Next: ${alert.nextStep}`), 1_000);

/** A name of the header: printable ASCII without spaces (RFC 5424, 6). */
function printable(text: string, most: number): string {
  return text.replace(/[^!-~]/g, "_").slice(0, most) || "-";
}

function named(alert: Alert): string {
  const more = alert.stations.length > MOST_NAMED ? ` and ${alert.stations.length - MOST_NAMED} more` : "";
  return alert.stations.slice(0, MOST_NAMED).join(" ") + more;
}

/** RFC 5424, 6.3.3: `"`, `\` and `]` are escaped. */
function structured(alert: Alert, enterprise: number): string {
  const { incidentId, state, scope, threat, severity, region, zone, onset, confidence } = alert;
  const fields = {
    incident: incidentId, state, scope, threat, severity, region, zone, stations: named(alert), onset,
    confidence: String(confidence),
  };
  const text = Object.entries(fields)
    .map(([name, value]) => `${name}="${plainText(value, 500).replace(/["\\\]]/g, "\\$&")}"`);
  return `[kerbwatch@${enterprise} ${text.join(" ")}]`;
}

const millis = (time: string): string => String(Date.parse(time));

/** Field names: CEF's dictionary, and its numbered custom ones with labels for what that lacks. */
function cefOf(alert: Alert): string {
  const { headline } = CATALOGUE[alert.threat];
  return cef(alert.threat, headline, alert.state === "cleared" ? "info" : alert.severity, {
    rt: millis(alert.time), start: millis(alert.onset), externalId: alert.incidentId, outcome: alert.state,
    dvchost: alert.agent, cs1Label: "scope", cs1: alert.scope, cs2Label: "zone", cs2: alert.zone,
    cs3Label: "stations", cs3: named(alert), cs4Label: "region", cs4: alert.region,
    cfp1Label: "confidence", cfp1: String(alert.confidence), msg: alert.summary, reason: alert.nextStep,
  });
}

function cef(id: string, name: string, severity: Severity, extension: Readonly<Record<string, string>>): string {
  const header = ["kerbwatch", "kerbwatch", VERSION, id, name]
    .map((text) => plainText(text, 200).replace(/[\\|]/g, "\\$&")).join("|");
  const fields = Object.entries(extension).filter(([, value]) => value !== "")
    .map(([key, value]) => `${key}=${plainText(value, 500).replace(/[\\=]/g, "\\$&")}`).join(" ");
  return `CEF:0|${header}|${CEF_SEVERITIES[severity]}|${fields}`;
}

/** Whole characters, so that what is left is UTF-8. */
function cutTo(text: string, octets: number): string {
  if (encoder.encode(text).length <= octets) return text;
  let end = Math.min(text.length, octets);
  while (encoder.encode(text.slice(0, end)).length > octets) end -= 1;
  return text.slice(0, end).replace(/[\ud800-\udbff]$/, "");
}
