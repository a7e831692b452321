/**
 * Declared changes: what an operator said beforehand (gossip/word.ts, kinds `declare` and `withdraw`) is held while its
 * window lasts. An alert that such a change explains goes into the log and the digest, is seen in `status` and on the
 * page, and rings no bell; nothing else is held, and what goes on after the window is told then. Evidence is counted
 * all the same, by this agent and by its zone: a declaration is about telling. What moves loads together beforehand (a
 * tariff, demand response) is another matter: the roster's events change what is expected (models/detect/joint-causes).
 * Pure.
 */
import { LEASE_EPOCHS } from "../../gossip/incidents.ts";
import type { AgreeState } from "../../models/agree/agree.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import type { Alert, AlertDeclared, EvidenceKey, Threat } from "../../models/terms.ts";
import { DAY_MS, isStationId, type Now, rfc3339, SECOND_MS, type WallMs } from "../../models/units.ts";
import { plainText, shown } from "../plain-text.ts";
import type { AlertState } from "./alert.ts";
import type { ZoneAlertState } from "./zone-alert.ts";

export const CHANGES = ["firmware", "configuration", "reboot", "set-points", "certificate"] as const;
export type Change = (typeof CHANGES)[number];

/** One declaration that is believed. */
export interface Declared {
  /** SHA-256 of its signed bytes, hexadecimal: its name. */
  readonly word: string;
  /** Who signed it, as the roster names them. */
  readonly by: string;
  readonly changes: readonly Change[];
  /** None: all where the word counts. */
  readonly stations: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

export interface DeclaredState {
  /** By name; those to come among them. */
  readonly windows: Map<string, Declared>;
  readonly withdrawn: Set<string>;
  /** Incidents that are not told, with the window that holds them; `over`: cleared, and remembered for a while. */
  readonly held: Map<string, { readonly window: Declared; readonly over: boolean }>;
}

/** What a change looks like: which threats of a station, which keys of a zone, and what it never explains of them. */
interface Look {
  readonly threats: readonly Threat[];
  readonly keys: readonly EvidenceKey[];
  readonly never?: RegExp;
}

/**
 * `never` speaks of terms (models/detect): no honest update is refused for its signature, no reboot unlocks a cable or
 * floods, and a renewed certificate or a back end that fails over explains nothing but certificates. What a zone's sum
 * rests on is not told by terms, so no zone's word on the channel is held.
 */
const LOOKS: Readonly<Record<Change, Look>> = {
  "firmware": {
    threats: ["firmware-tampering"], keys: ["firmware-tampering", "firmware-orders"], never: /refused the signature/,
  },
  "configuration": {
    threats: ["configuration-tampering"], keys: ["configuration-tampering", "settings"], never: /no TLS/,
  },
  "reboot": {
    threats: ["denial-of-service", "remote-command-abuse"], keys: ["link-losses", "commands"],
    never: /flood|silent|nobody answers|stop|unlock/,
  },
  "set-points": {
    threats: ["profile-tampering"], keys: ["profile-tampering", "setpoint-step", "power-step"],
    never: /below zero|above the limit|limit allows/,
  },
  "certificate": { threats: ["channel-tampering"], keys: [], never: /^(?!.*certificate of the CSMS)/ },
};
/** More of the evidence than this share in terms that a change never explains, and the alert is told. */
const MOST_UNEXPLAINED = 0.25;

/** Longer is no window: what is always foreseen is never told. */
const MOST_MS = 7 * DAY_MS;
const MOST_AHEAD_MS = 366 * DAY_MS;
const [MOST_WINDOWS, MOST_HELD, MOST_STATIONS, MOST_REASON] = [32, 256, 64, 200];
/** After a window an incident of the zone has this long to lapse, as leases do, before it is told. */
const GRACE_EPOCHS = 2 * LEASE_EPOCHS;

export function createDeclared(): DeclaredState {
  return { windows: new Map(), withdrawn: new Set(), held: new Map() };
}

/**
 * The body of a `declare` word: `{"changes": [...], "from": ..., "to": ..., "reason": ..., "stations"?: [...]}`, times
 * in RFC 3339. `problem` says place, found and allowed.
 */
export function declaredOf(
  { by, word, body }: { readonly by: string; readonly word: string; readonly body: Readonly<Record<string, unknown>> },
): Result<Declared> {
  const known = ["changes", "from", "to", "reason", "stations"];
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown !== undefined) return problem(`unknown key ${shown(unknown)}; allowed: ${known.join(", ")}`);
  const changes = listOf(body["changes"], (one): one is Change => CHANGES.some((change) => change === one));
  if (changes === undefined || changes.length === 0) {
    return problem(`changes: found ${shown(body["changes"])}; allowed: some of ${CHANGES.join(", ")}`);
  }
  const isStation = (one: unknown): one is string => typeof one === "string" && isStationId(one);
  const stations = body["stations"] === undefined ? [] : listOf(body["stations"], isStation);
  if (stations === undefined || (stations.length === 0 && body["stations"] !== undefined)) {
    return problem(`stations: found ${shown(body["stations"])}; allowed: 1 to ${MOST_STATIONS} station ids`);
  }
  const [fromMs, toMs] = [timeOf(body["from"]), timeOf(body["to"])];
  if (fromMs === undefined) return problem(`from: found ${shown(body["from"])}; allowed: a time in RFC 3339, UTC`);
  if (toMs === undefined || toMs <= fromMs || toMs - fromMs > MOST_MS) {
    return problem(`to: found ${shown(body["to"])}; allowed: after from, by at most ${MOST_MS / DAY_MS} days`);
  }
  const reason = typeof body["reason"] === "string" ? plainText(body["reason"], MOST_REASON) : "";
  if (reason === "") return problem(`reason: found ${shown(body["reason"])}; allowed: 1 to ${MOST_REASON} characters`);
  return ok({ word, by, changes, stations, fromMs, toMs, reason });
}

function listOf<T>(value: unknown, is: (one: unknown) => one is T): T[] | undefined {
  return Array.isArray(value) && value.length <= MOST_STATIONS && value.every(is) ? [...new Set(value)] : undefined;
}

function timeOf(value: unknown): number | undefined {
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/;
  const at = typeof value === "string" && form.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** Takes a declaration over; why not, when it is too late, too early, withdrawn or one too many. */
export function declare(state: DeclaredState, one: Declared, { wallMs }: Now): Result<Declared> {
  forgetOld(state, wallMs);
  if (state.withdrawn.has(one.word)) return problem("it was withdrawn");
  if (one.toMs <= wallMs) return problem(`to: found ${rfc3339(one.toMs as WallMs)}, which is over`);
  if (one.fromMs > wallMs + MOST_AHEAD_MS) return problem("from: allowed: within a year");
  if (!state.windows.has(one.word) && state.windows.size >= MOST_WINDOWS) {
    return problem(`found ${MOST_WINDOWS} others; allowed: so many at a time`);
  }
  state.windows.set(one.word, one);
  return ok(one);
}

/** Withdraws by name; whether it was known. What it held and goes on is told with the next step. */
export function withdraw(state: DeclaredState, word: string): boolean {
  state.withdrawn.add(word);
  for (const oldest of state.withdrawn) if (state.withdrawn.size > MOST_HELD) state.withdrawn.delete(oldest);
  return state.windows.delete(word);
}

/** A window that is over is kept for a day, so that `status` can say what it was. */
function forgetOld({ windows }: DeclaredState, wallMs: number): void {
  for (const { word, toMs } of windows.values()) if (toMs + DAY_MS < wallMs) windows.delete(word);
}

interface Parts {
  readonly declared: DeclaredState;
  readonly alert: AlertState;
  readonly agree: AgreeState;
  readonly zone: ZoneAlertState | undefined;
}

/** What is to be told of these alerts: as they are, or marked as declared; and what was held and goes on beyond it. */
export function holdDeclared(parts: Parts, alerts: readonly Alert[], now: Now): Alert[] {
  const { windows, held } = parts.declared;
  if (windows.size === 0 && held.size === 0) return [...alerts];
  const told = alerts.map((alert) => holdOne(parts.declared, alert, now));
  const here = new Set(alerts.map(({ incidentId }) => incidentId));
  return [...told, ...goneOn(parts, now).filter(({ incidentId }) => !here.has(incidentId))];
}

function holdOne({ windows, held }: DeclaredState, alert: Alert, now: Now): Alert {
  const { incidentId, state, formerly } = alert;
  const before = held.get(incidentId) ?? (formerly === undefined ? undefined : held.get(formerly));
  const isUntold = before !== undefined || state === "raised";
  if (!isUntold) return alert;
  if (state === "cleared") {
    if (before === undefined) return alert;
    keep(held, incidentId, { window: before.window, over: true });
    return marked(alert, before.window);
  }
  const window = [...windows.values()].find((one) => explains(one, alert, now));
  if (window !== undefined) {
    keep(held, incidentId, { window, over: false });
    return marked(alert, window);
  }
  held.delete(incidentId);
  // Nobody heard of it so far.
  return before === undefined ? alert : { ...alert, state: "raised" };
}

function explains({ changes, stations, fromMs, toMs }: Declared, alert: Alert, { wallMs }: Now): boolean {
  if (wallMs < fromMs || wallMs >= toMs || alert.scope === "region") return false;
  if (stations.length > 0 && !alert.stations.every((one) => stations.includes(one))) return false;
  return changes.some((change) => looksLike(LOOKS[change], alert));
}

function looksLike({ threats, keys, never }: Look, { scope, threat, certificate, explanation }: Alert): boolean {
  if (scope === "zone") return keys.some((key) => key === certificate?.key);
  if (!threats.includes(threat)) return false;
  const unexplained = explanation.filter(({ term }) => never?.test(term) === true)
    .reduce((sum, { share }) => sum + Math.max(0, share), 0);
  return unexplained <= MOST_UNEXPLAINED;
}

/** As the log, the digest and the page have it: of no weight, with what it would have had. */
export function marked(alert: Alert, { word, by, toMs, reason }: Declared): Alert {
  const declared = { word, by, reason, until: rfc3339(toMs as WallMs), severity: alert.severity };
  return { ...alert, severity: "info", summary: `${prefix(declared)}${alert.summary}`, declared };
}

const prefix = ({ by, reason }: AlertDeclared): string => `Declared by ${by} (${reason}): `;

/** The alert as it would have been told. */
export function unmarked(alert: Alert): Alert {
  const { declared, ...rest } = alert;
  if (declared === undefined) return alert;
  return { ...rest, severity: declared.severity, summary: rest.summary.slice(prefix(declared).length) };
}

/** At a start: what the log says of an incident that was held last. A window that is gone or over no longer holds. */
export function recallHeld({ windows, held }: DeclaredState, { incidentId, state, declared }: Alert): void {
  const window = declared && windows.get(declared.word);
  if (window !== undefined) keep(held, incidentId, { window, over: state === "cleared" });
}

/** Incidents that were held and to which something was added since their window ended, or that outlast it. */
function goneOn({ declared: { windows, held }, alert, agree, zone }: Parts, now: Now): Alert[] {
  const told: Alert[] = [];
  for (const [incidentId, { window, over }] of held) {
    const isWithdrawn = !windows.has(window.word);
    if (over || (now.wallMs < window.toMs && !isWithdrawn)) continue;
    const own = Object.values(alert.open).find((one) => one.incidentId === incidentId)?.lastAlert;
    const ofZone = [...zone?.open.values() ?? []].find((one) => one.incidentId === incidentId);
    const sinceMs = isWithdrawn ? Infinity : now.wallMs - window.toMs;
    const rose = own !== undefined && roseWithin(agree, own.threat, sinceMs, now);
    const graceMs = GRACE_EPOCHS * (zone?.epochS ?? 0) * SECOND_MS;
    const outlasts = ofZone !== undefined && (isWithdrawn || now.wallMs >= window.toMs + graceMs);
    if (!rose && !outlasts) continue;
    held.delete(incidentId);
    told.push({ ...(own ?? ofZone)!, state: "raised", time: rfc3339(now.wallMs) });
  }
  return told;
}

/** Whether evidence was added within the last `ms`. */
function roseWithin({ raised }: AgreeState, threat: Threat, ms: number, now: Now): boolean {
  const last = raised[threat]?.lastRiseMs;
  return last !== undefined && last > now.monoMs - ms;
}

function keep(held: DeclaredState["held"], incidentId: string, one: { window: Declared; over: boolean }): void {
  held.delete(incidentId);
  held.set(incidentId, one);
  for (const oldest of held.keys()) {
    if (held.size <= MOST_HELD) return;
    held.delete(oldest);
  }
}

/** An alert of an open incident, marked where it is held. */
export function asHeld({ held }: DeclaredState, alert: Alert): Alert {
  const one = held.get(alert.incidentId);
  return one === undefined || one.over ? alert : marked(alert, one.window);
}

/** Windows that are open or to come, the next first. */
export function openDeclared({ windows }: DeclaredState, wallMs: number): Declared[] {
  return [...windows.values()].filter(({ toMs }) => toMs > wallMs).sort((a, b) => a.fromMs - b.fromMs);
}
