/**
 * What the log tells at a start. It is durable before anything rests on it, so it knows what the memory, saved now and
 * then, may not: the last statement, the evidence stated by then, and which incidents are open.
 */
import { decodeBody, type StatementBody } from "../gossip/statement.ts";
import type { Crypto } from "../models/crypto.ts";
import type { OpineState } from "../models/opine/opine.ts";
import { type Alert, EVIDENCE_KEYS, type Threat } from "../models/terms.ts";
import { epochOf, type MonotonicMs, type Now, type WallMs } from "../models/units.ts";
import { recallHeld, unmarked } from "./alert/declared.ts";
import { type Handled, noteHandled } from "./alert/handling.ts";
import { parseAlert } from "./alert-schema.ts";
import { type LoggedZone, nothingOfZone, noteZone, restoreZone } from "./logged-zone.ts";
import type { AgentState } from "./pipeline.ts";
import type { Entry } from "./record/entry.ts";
import { noteWitnessed, type Witnessed } from "./record/witnessing.ts";
import { recallWord } from "./words.ts";

export interface Logged {
  lastStatement?: { readonly body: StatementBody; readonly bytes: Uint8Array; readonly at: WallMs };
  /** The newest alert of each threat. */
  readonly alerts: Map<Threat, Alert>;
  /** Absent for a lone agent. */
  readonly zone?: LoggedZone;
  readonly witnessed: Witnessed;
  readonly handled: Map<string, Handled>;
  /** Words of people, the newest last, and the last alert of each incident that was held. */
  readonly words: Uint8Array[];
  readonly declared: Map<string, Alert>;
}

const MOST_WORDS = 64;
const MOST_DECLARED = 256;

/** @param crypto given by a member, for which the log is read for its zone too */
export function nothingLogged(crypto?: Crypto): Logged {
  const witnessed = { notes: new Map(), forked: new Set<string>() };
  const zone = crypto !== undefined && { zone: nothingOfZone(crypto) };
  return { alerts: new Map(), witnessed, handled: new Map(), words: [], declared: new Map(), ...zone };
}

/** Takes note of one entry; entries come in the order of the log. */
export function noteEntry(logged: Logged, entry: Entry): void {
  if (entry.kind === "statement") {
    const body = decodeBody(entry.signedBytes);
    if (body !== undefined) logged.lastStatement = { body, bytes: entry.signedBytes, at: entry.at };
  }
  const told = entry.kind === "alert" ? parseAlert(entry.json) : undefined;
  const alert = told && unmarked(told);
  if (alert?.scope === "station") logged.alerts.set(alert.threat, alert);
  noteWitnessed(logged.witnessed, entry);
  noteHandled(logged.handled, entry);
  if (entry.kind === "word") logged.words.push(entry.message);
  if (logged.words.length > MOST_WORDS) logged.words.shift();
  if (told !== undefined) noteDeclared(logged.declared, told);
  if (logged.zone !== undefined) noteZone(logged.zone, entry, alert);
}

/** An incident that was told after all is held no more. */
function noteDeclared(declared: Logged["declared"], alert: Alert): void {
  declared.delete(alert.incidentId);
  if (alert.declared !== undefined) declared.set(alert.incidentId, alert);
  const [oldest] = declared.size > MOST_DECLARED ? declared.keys() : [];
  if (oldest !== undefined) declared.delete(oldest);
}

/** Brings a state up to the log: what was stated and told since the memory was saved. */
export function bringUpTo(state: AgentState, logged: Logged, savedAt: WallMs | undefined, now: Now): void {
  const { lastStatement } = logged;
  if (lastStatement !== undefined && (savedAt === undefined || lastStatement.at > savedAt)) {
    resumeSums(state.opine, lastStatement.body.evidence, now);
  }
  for (const [id, handled] of logged.handled) state.alert.handled.set(id, handled);
  for (const file of logged.words) recallWord(state, file, now);
  for (const alert of logged.declared.values()) recallHeld(state.declared, alert);
  for (const alert of logged.alerts.values()) {
    const known = state.alert.open[alert.threat]?.lastAlert;
    if (known !== undefined && known.time >= alert.time) continue;
    if (alert.state !== "cleared") reopen(state, alert, now);
    else if (known?.incidentId === alert.incidentId) close(state, alert.threat, now);
  }
  if (logged.zone !== undefined && state.zone !== undefined) {
    restoreZone(state.zone, logged.zone, epochOf(now.wallMs, state.gossip.epochS));
  }
}

/** Cumulative sums go on from what was stated: a zone takes their differences, and a step back would be evidence. */
function resumeSums(opine: OpineState, stated: readonly number[], now: Now): void {
  EVIDENCE_KEYS.forEach((key, index) => {
    const cumulativeMillinats = stated[index] ?? 0;
    const evidence = opine[key];
    if (evidence !== undefined) evidence.cumulativeMillinats = cumulativeMillinats;
    else if (cumulativeMillinats !== 0) opine[key] = { ...noEvidence(now.wallMs), cumulativeMillinats };
  });
}

const noEvidence = (onset: number) =>
  ({ cumulativeMillinats: 0, sinceOnsetNats: 0, onset, terms: {}, frames: [], says: "" });

/** An incident that the memory does not know: open as it was told last, with the evidence that was told. */
function reopen(state: AgentState, alert: Alert, now: Now): void {
  const { threat, incidentId, explanation } = alert;
  const nats = explanation.reduce((sum, { value }) => sum + value, 0);
  const toldAt = Math.min(timeOf(alert.time, now), now.wallMs) as WallMs;
  const toldMs = (now.monoMs - (now.wallMs - toldAt)) as MonotonicMs;
  state.alert.open[threat] = { incidentId, lastAlert: alert, toldMs, toldNats: nats };
  state.agree.raised[threat] = {
    sinceEpoch: epochOf(toldAt, state.gossip.epochS), lastRiseMs: toldMs, highestNats: nats,
  };
  state.opine[threat] = {
    cumulativeMillinats: state.opine[threat]?.cumulativeMillinats ?? 0, sinceOnsetNats: nats,
    onset: timeOf(alert.onset, now), frames: [], says: "",
    terms: Object.fromEntries(explanation.map(({ term, value }) => [term, value])),
  };
}

function timeOf(text: string, now: Now): number {
  const at = Date.parse(text);
  return Number.isNaN(at) ? now.wallMs : at;
}

/** An incident that was cleared after the memory was saved. */
function close(state: AgentState, threat: Threat, now: Now): void {
  delete state.alert.open[threat];
  delete state.agree.raised[threat];
  const { cumulativeMillinats = 0 } = state.opine[threat] ?? {};
  state.opine[threat] = { ...noEvidence(now.wallMs), cumulativeMillinats };
}
