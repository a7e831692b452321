/**
 * What all baselines are fed, from the very observations that the detectors get: one row for each hour of a station in
 * which something happened, and one for each session.
 */
import type { Observation } from "../../../models/terms.ts";
import { HOUR_MS, type Now } from "../../../models/units.ts";

export const HOUR_FEATURES = [
  "refused", "accepted", "starts", "stops", "settings", "network profiles", "firmware orders", "boots", "commands",
  "limits", "uploads", "reads", "certificates", "security events", "connects", "oddities", "meter lost",
  "metered kWh", "reported kWh", "metered less reported kWh", "exported kWh", "W while inactive",
] as const;
type HourFeature = (typeof HOUR_FEATURES)[number];

export const SESSION_FEATURES = [
  "ln hours", "ln Wh", "ln mean W", "ln metered / reported", "late power", "early power", "peak W",
] as const;
export type SessionFeature = (typeof SESSION_FEATURES)[number];

/** `at`: when it is known, the end of the hour or of the session. */
export interface Row {
  readonly at: number;
  readonly values: readonly number[];
}

interface Meter {
  registerWh?: number;
  exportWh?: number;
  powerW: number;
}

interface OpenSession {
  readonly evseId: number;
  readonly from: number;
  readonly startWh: number | undefined;
  readonly meterWh: number | undefined;
  reportedWh: number | undefined;
  /** Metered power and energy since the start. */
  curve: [wh: number, watts: number][];
}

/** Plain data, so that it can be copied with the state of an agent. */
export interface FeatureState {
  hourFrom: number;
  hour: number[];
  hours: Row[];
  sessions: Row[];
  meters: Record<number, Meter>;
  open: Record<string, OpenSession>;
  /** Last register in a report, by EVSE. */
  reported: Record<number, number>;
}

export function createFeatures(): FeatureState {
  return { hourFrom: -1, hour: zeros(), hours: [], sessions: [], meters: {}, open: {}, reported: {} };
}

const zeros = (): number[] => HOUR_FEATURES.map(() => 0);
const INDEX = Object.fromEntries(HOUR_FEATURES.map((name, i) => [name, i])) as Record<HourFeature, number>;
/** Hours with less than this and nothing else are not kept: standby. */
const QUIET_KWH = 0.05;
const METERED = new Set<number>([INDEX["metered kWh"], INDEX["metered less reported kWh"], INDEX["W while inactive"]]);
const STANDBY_W = 100;

const COUNTED: Partial<Record<Observation["kind"], HourFeature>> = {
  "transaction-started": "starts", "transaction-ended": "stops", "configuration-change": "settings",
  "network-profile": "network profiles", "firmware-order": "firmware orders", "boot": "boots", "command": "commands",
  "charging-limit": "limits", "upload-order": "uploads", "configuration-read": "reads",
  "certificate-order": "certificates", "security-event": "security events", "oddity": "oddities",
  "meter-lost": "meter lost",
};

export function feedFeatures(state: FeatureState, observations: readonly Observation[], now: Now): void {
  closeHours(state, now.wallMs);
  for (const seen of observations) {
    const counted = COUNTED[seen.kind];
    if (counted !== undefined) add(state, counted, 1);
    if (seen.kind === "link" && seen.state === "connect") add(state, "connects", 1);
    if (seen.kind === "authorization") add(state, seen.outcome === "accepted" ? "accepted" : "refused", 1);
    if (seen.kind === "transaction-started") begin(state, seen, now);
    if (seen.kind === "transaction-ended") end(state, seen, now);
    if (seen.kind === "reported-reading") report(state, seen);
    if (seen.kind === "meter-reading") meter(state, seen);
  }
}

function add(state: FeatureState, feature: HourFeature, amount: number): void {
  const i = INDEX[feature];
  state.hour[i] = (state.hour[i] ?? 0) + amount;
}

function closeHours(state: FeatureState, at: number): void {
  const hourFrom = Math.floor(at / HOUR_MS) * HOUR_MS;
  if (state.hourFrom === hourFrom) return;
  const { hour } = state;
  hour[INDEX["metered less reported kWh"]] = (hour[INDEX["metered kWh"]] ?? 0) - (hour[INDEX["reported kWh"]] ?? 0);
  const active = hour.some((value, i) => value !== 0 && !METERED.has(i)) ||
    (hour[INDEX["metered kWh"]] ?? 0) > QUIET_KWH || (hour[INDEX["W while inactive"]] ?? 0) > STANDBY_W;
  if (state.hourFrom >= 0 && active) state.hours.push({ at: state.hourFrom + HOUR_MS, values: hour });
  state.hour = zeros();
  state.hourFrom = hourFrom;
}

function begin(state: FeatureState, seen: Observation & { kind: "transaction-started" }, now: Now): void {
  const { evseId, registerWh } = seen;
  state.open[seen.transactionId] = {
    evseId, from: now.wallMs, startWh: registerWh, reportedWh: registerWh, curve: [],
    meterWh: state.meters[evseId]?.registerWh,
  };
  if (registerWh !== undefined) state.reported[evseId] = registerWh;
}

function report(state: FeatureState, { reading, transactionId }: Observation & { kind: "reported-reading" }): void {
  const { energyImportWh, evseId } = reading;
  if (energyImportWh === undefined) return;
  grow(state, evseId, energyImportWh);
  const open = transactionId === undefined ? undefined : state.open[transactionId];
  if (open !== undefined) open.reportedWh = energyImportWh;
}

function grow(state: FeatureState, evseId: number, registerWh: number): void {
  const before = state.reported[evseId];
  state.reported[evseId] = registerWh;
  if (before !== undefined && registerWh > before) add(state, "reported kWh", (registerWh - before) / 1_000);
}

function meter(state: FeatureState, { reading }: Observation & { kind: "meter-reading" }): void {
  const { evseId, energyImportWh, energyExportWh, powerW = 0 } = reading;
  const before = state.meters[evseId];
  const importedWh = stepOf(before?.registerWh, energyImportWh);
  add(state, "metered kWh", importedWh / 1_000);
  add(state, "exported kWh", stepOf(before?.exportWh, energyExportWh) / 1_000);
  state.meters[evseId] = {
    powerW, ...(energyImportWh !== undefined && { registerWh: energyImportWh }),
    ...(energyExportWh !== undefined && { exportWh: energyExportWh }),
  };
  const open = Object.values(state.open).filter((one) => one.evseId === evseId);
  for (const one of open) one.curve.push([importedWh, powerW]);
  if (open.length > 0) return;
  const i = INDEX["W while inactive"];
  state.hour[i] = Math.max(state.hour[i] ?? 0, powerW);
}

function stepOf(before: number | undefined, after: number | undefined): number {
  return before === undefined || after === undefined || after < before ? 0 : after - before;
}

function end(state: FeatureState, seen: Observation & { kind: "transaction-ended" }, now: Now): void {
  const open = state.open[seen.transactionId];
  delete state.open[seen.transactionId];
  if (seen.registerWh !== undefined) grow(state, seen.evseId, seen.registerWh);
  if (open === undefined) return;
  const stopWh = seen.registerWh ?? open.reportedWh;
  const hours = Math.max(1 / 60, (now.wallMs - open.from) / HOUR_MS);
  const wh = Math.max(1, (stopWh ?? 0) - (open.startWh ?? stopWh ?? 0));
  const meteredWh = Math.max(1, stepOf(open.meterWh, state.meters[open.evseId]?.registerWh));
  const { late, early, peakW } = shapeOf(open.curve);
  const values: Record<SessionFeature, number> = {
    "ln hours": Math.log(hours), "ln Wh": Math.log(wh), "ln mean W": Math.log(wh / hours),
    // Too little to compare: a step of the registers would be all of it.
    "ln metered / reported": meteredWh < 500 && wh < 500 ? 0 : Math.log(meteredWh / wh),
    "late power": late, "early power": early, "peak W": peakW,
  };
  state.sessions.push({ at: now.wallMs, values: SESSION_FEATURES.map((name) => values[name]) });
}

/** Mean power over the last fifth and the first half of the energy, as shares of the peak; 1 where there is none. */
function shapeOf(curve: readonly (readonly [number, number])[]): { late: number; early: number; peakW: number } {
  const peakW = curve.reduce((most, [, watts]) => Math.max(most, watts), 0);
  const totalWh = curve.reduce((sum, [wh]) => sum + wh, 0);
  if (totalWh < 500 || peakW <= 0) return { late: 1, early: 1, peakW };
  const [late, early] = [{ wh: 0, weighed: 0 }, { wh: 0, weighed: 0 }];
  let soFarWh = 0;
  for (const [wh, watts] of curve) {
    const part = soFarWh < totalWh / 2 ? early : soFarWh >= 0.8 * totalWh ? late : undefined;
    soFarWh += wh;
    if (part === undefined) continue;
    part.wh += wh;
    part.weighed += wh * watts;
  }
  const share = ({ wh, weighed }: typeof late): number => (wh === 0 ? 1 : weighed / wh / peakW);
  return { late: share(late), early: share(early), peakW };
}
