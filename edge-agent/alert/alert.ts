/**
 * The step *alert*: the life of an incident. It is raised once; more evidence updates it, at most once a minute and
 * only when there is something to add (what comes sooner waits for its minute); it is cleared when its threat lapsed.
 */
import type { Crypto } from "../../models/crypto.ts";
import type { Alert, Belief, ExplanationTerm, Threat, Verdict } from "../../models/terms.ts";
import {
  type ContentHash, type Epoch, HOUR_MS, MINUTE_MS, type Now, rfc3339, type StationId, type WallMs, type ZoneId,
} from "../../models/units.ts";
import { CATALOGUE } from "./catalogue.ts";
import type { Handled } from "./handling.ts";

/** Plain JSON: remembered, so that an incident outlives a restart and is not raised twice. */
interface Incident {
  incidentId: string;
  lastAlert: Alert;
  toldMs: number;
  toldNats: number;
  /** The newest update that came too soon after the last, and its evidence, nats. */
  waiting?: { alert: Alert; nats: number };
}

export interface AlertState {
  readonly crypto: Crypto;
  readonly region: string;
  zone: ZoneId;
  readonly station: StationId;
  open: Partial<Record<Threat, Incident>>;
  /** What cleared by itself lately: should it be raised again soon, it is the same incident. */
  readonly cleared: Map<Threat, { readonly incidentId: string; readonly atMs: number }>;
  /** What people said of incidents, by id. */
  readonly handled: Map<string, Handled>;
}

const UPDATE_AT_MOST_EVERY_MS = MINUTE_MS;
/** Hold-down: evidence that goes up and down about its threshold is one incident and not one an hour. */
export const HOLD_DOWN_MS = 30 * MINUTE_MS;
/**
 * The same for energy at one station. A meter that drifts speaks with each session, what runs at night with each night:
 * what comes back within a day and a half is one incident, which people need to take in hand once.
 */
export const COMES_BACK_MS = 36 * HOUR_MS;
const COMES_BACK: ReadonlySet<Threat> = new Set(["energy-theft", "billing-inflation"]);
const WORTH_TELLING_NATS = 3;
const MOST_TERMS = 8;
const MOST_EVIDENCE = 16;

export function createAlert(options: Omit<AlertState, "open" | "cleared" | "handled">): AlertState {
  return { ...options, open: {}, cleared: new Map(), handled: new Map() };
}

/**
 * @param lapsed threats whose verdict no longer stands
 * @param evidence hashes of the log entries that hold a verdict's frames, by threat
 */
export function alert(
  state: AlertState, verdicts: readonly Verdict[], lapsed: readonly Threat[],
  evidence: ReadonlyMap<Threat, readonly ContentHash[]>, now: Now,
): Alert[] {
  const alerts: Alert[] = [];
  for (const verdict of verdicts) alerts.push(...tell(state, verdict, evidence.get(verdict.threat) ?? [], now));
  for (const incident of Object.values(state.open)) alerts.push(...tellWaiting(incident, now));
  for (const threat of lapsed) alerts.push(...clear(state, threat, now));
  return alerts;
}

function tell(state: AlertState, verdict: Verdict, hashes: readonly ContentHash[], now: Now): Alert[] {
  const incident = state.open[verdict.threat];
  const nats = verdict.belief.sinceOnsetNats;
  if (incident === undefined) {
    const before = state.cleared.get(verdict.threat);
    const holdDownMs = COMES_BACK.has(verdict.threat) ? COMES_BACK_MS : HOLD_DOWN_MS;
    const goesOn = before !== undefined && now.monoMs - before.atMs < holdDownMs;
    const incidentId = goesOn ? before.incidentId : incidentIdOf(state, verdict.threat, verdict.epoch);
    const raised = compose(state, verdict, goesOn ? "updated" : "raised", incidentId, hashes, now);
    state.open[verdict.threat] = { incidentId, lastAlert: raised, toldMs: now.monoMs, toldNats: nats };
    return [raised];
  }
  if (nats - incident.toldNats < WORTH_TELLING_NATS) return [];
  const all = [...new Set([...incident.lastAlert.evidence, ...hashes])].slice(-MOST_EVIDENCE);
  incident.waiting = { alert: compose(state, verdict, "updated", incident.incidentId, all, now), nats };
  return tellWaiting(incident, now);
}

/** Without this, what follows a raise within the minute would never be told: evidence need not rise again. */
function tellWaiting(incident: Incident, now: Now): Alert[] {
  const { waiting, toldMs } = incident;
  if (waiting === undefined || now.monoMs - toldMs < UPDATE_AT_MOST_EVERY_MS) return [];
  delete incident.waiting;
  const updated: Alert = { ...waiting.alert, time: rfc3339(now.wallMs) };
  Object.assign(incident, { lastAlert: updated, toldMs: now.monoMs, toldNats: waiting.nats });
  return [updated];
}

function clear(state: AlertState, threat: Threat, now: Now): Alert[] {
  const incident = state.open[threat];
  if (incident === undefined) return [];
  delete state.open[threat];
  state.cleared.set(threat, { incidentId: incident.incidentId, atMs: now.monoMs });
  return [{ ...incident.lastAlert, state: "cleared", time: rfc3339(now.wallMs) }];
}

/** SHA-256 of zone, threat and the epoch of the raise; at station scope the station stands beside its zone. */
function incidentIdOf(state: AlertState, threat: Threat, epoch: Epoch): string {
  const name = new TextEncoder().encode(`${state.zone}\n${state.station}\n${threat}\n${epoch}`);
  return [...state.crypto.sha256(name)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function compose(
  state: AlertState, verdict: Verdict, change: "raised" | "updated", incidentId: string,
  evidence: readonly ContentHash[], now: Now,
): Alert {
  const entry = CATALOGUE[verdict.threat];
  return {
    schemaVersion: "1.0",
    time: rfc3339(now.wallMs),
    incidentId,
    state: change,
    scope: verdict.scope,
    threat: verdict.threat,
    region: state.region,
    zone: verdict.zone,
    stations: verdict.stations,
    onset: rfc3339(Math.min(verdict.onset, now.wallMs) as WallMs),
    severity: entry.severity,
    confidence: round(verdict.confidence, 3),
    summary: summarise(verdict.belief, entry.headline, state.station),
    explanation: explain(verdict.belief),
    evidence,
    nextStep: entry.nextStep,
    agent: state.station,
  };
}

function summarise(belief: Belief, headline: string, station: StationId): string {
  return `${headline} at ${station}${belief.says === "" ? "" : `: ${belief.says}`}.`;
}

/** The terms of the decision, largest first; their values add up to the evidence and their shares to 1. */
export function explain(belief: Belief): ExplanationTerm[] {
  const top = belief.terms.slice(0, MOST_TERMS - 1);
  const rest = belief.terms.slice(MOST_TERMS - 1).reduce((sum, term) => sum + term.nats, 0);
  const terms = rest === 0 ? top : [...top, { term: "everything else", nats: rest }];
  const total = terms.reduce((sum, term) => sum + term.nats, 0);
  if (total === 0) return [];
  const shares = terms.map(({ nats }) => round(nats / total, 6));
  // Rounding must not keep the shares from adding to 1: the largest takes what is left over.
  shares[0] = round(1 - shares.slice(1).reduce((sum, share) => sum + share, 0), 6);
  return terms.map(({ term, nats }, index) => ({ term, value: round(nats, 3), share: shares[index] ?? 0 }));
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
