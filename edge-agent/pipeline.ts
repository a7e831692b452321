/**
 * The page that the program is about: observe, detect, opine, gossip, agree, record, alert.
 *
 * `step` is pure but for the state it is handed: no clock, no I/O, no randomness. What is to be done outside comes
 * back as effects, in the order in which they must be carried out: what an alert rests on is durable before the alert
 * goes out.
 */
import { gossip, type GossipState } from "../gossip/gossip.ts";
import { exchangeRosters, type RosterExchange } from "../gossip/roster-exchange.ts";
import { agree, type AgreeState } from "../models/agree/agree.ts";
import { detect, type DetectState } from "../models/detect/detect.ts";
import { evidenceVector, forget, opine, type OpineState } from "../models/opine/opine.ts";
import type { Belief, Observation } from "../models/terms.ts";
import { epochOf, type Now } from "../models/units.ts";
import { alert, type AlertState } from "./alert/alert.ts";
import { type DeclaredState, holdDeclared } from "./alert/declared.ts";
import { zoneAlert, type ZoneAlertState } from "./alert/zone-alert.ts";
import {
  csmsCertificates, type Duties, notableBeliefs, schemaErrors, unreadMessages, wantsCheckpoint, wantsRemembering,
} from "./duties.ts";
import { meteredNotices } from "./metered-words.ts";
import { type BypassWatch, watchBypass } from "./observe/bypass.ts";
import { type ClockWatch, neighboursClock, watchClock } from "./observe/clock-watch.ts";
import { type FaultWatch, watchFaults } from "./observe/faults.ts";
import { observe, type ObserveState, recentFrame } from "./observe/observe.ts";
import type { AgentEvent, Effect } from "./ports.ts";
import { checkpointHash, type JournalState, record, recordAlerts } from "./record/journal.ts";
import { offerToWitnesses, witness, type Witnessing } from "./record/witnessing.ts";
import { exchangeNotes, type TokenNotes } from "./token-notes.ts";
import { releaseWords } from "./update/words.ts";
import type { Believed } from "./words.ts";

export interface AgentState {
  readonly observe: ObserveState;
  readonly clockWatch: ClockWatch;
  readonly detect: DetectState;
  readonly opine: OpineState;
  readonly gossip: GossipState;
  readonly agree: AgreeState;
  readonly journal: JournalState;
  readonly alert: AlertState;
  readonly declared: DeclaredState;
  /** Whose words count, and for what. */
  readonly believed: Believed;
  /** Absent for a lone agent. */
  readonly zone: ZoneAlertState | undefined;
  /** Absent for a lone agent, and in a replay. */
  readonly witnessing: Witnessing | undefined;
  /** Absent where the zone shares no secret for idTokens. */
  readonly tokenNotes: TokenNotes | undefined;
  /** Absent for a lone agent, and in a replay. */
  readonly rosters: RosterExchange | undefined;
  readonly duties: Duties;
  readonly bypass: BypassWatch;
  readonly faults: FaultWatch;
}

export function step(state: AgentState, event: AgentEvent, now: Now): Effect[] {
  const epoch = epochOf(now.wallMs, state.gossip.epochS);
  const observations = observe(state.observe, event, now);
  // Nearly all events are neighbours' messages, which show nothing of the charger.
  const shown = observations.length > 0;
  const findings = detect(state.detect, observations, now);
  const beliefs = opine(state.opine, findings, now);
  const evidence = evidenceVector.bind(undefined, state.opine);
  const heard = event.kind === "message" ? event : undefined;
  const told = gossip(state.gossip, heard, evidence, checkpointHash(state.journal), now);
  const { verdicts, lapsed } = agree(state.agree, beliefs, epoch, now);
  const frames = recentFrame.bind(undefined, state.observe);
  const recorded = record(state.journal, { statement: told.statement, verdicts, frames }, now);
  const own = alert(state.alert, verdicts, lapsed, recorded.evidence, now);
  const zone = zoneAlert(state.zone, state.alert, state.journal, told.news, now);
  const notes = exchangeNotes(state.tokenNotes, state.detect, told.news, state.zone?.places ?? [], now);
  const rosters = exchangeRosters(state.rosters, told.news, epoch);
  const witnessed = witness(state.witnessing, state.journal, told.news, now);
  const alerts = holdDeclared(state, [...own, ...zone.alerts], now);

  watchBypass(state.bypass, event, observations, now);
  for (const threat of lapsed) forget(state.opine, threat, now);
  const alerted = recordAlerts(state.journal, alerts, now);
  const entries = [...recorded.entries, ...zone.entries, ...witnessed.entries, ...alerted];
  const effects: Effect[] = [];
  if (entries.length > 0) effects.push({ kind: "append", entries });
  if (shown) effects.push(...csmsCertificates(state.duties, state.journal, observations, now));
  effects.push(...wantsCheckpoint(state.duties, state.journal, alerts, now));
  const offered = offerToWitnesses(state.witnessing, state.journal, now);
  const messages = [...told.outgoing, ...notes, ...rosters.outgoing, ...witnessed.outgoing, ...offered];
  if (messages.length > 0) effects.push({ kind: "publish", messages });
  effects.push(...alerts.map((one) => ({ kind: "alert" as const, alert: one })));
  effects.push(...witnessed.effects);
  effects.push(...rosters.news.map((one) => ({ kind: "roster" as const, ...one, epoch })));
  effects.push(...releaseWords(told.news));
  if (shown) effects.push(...notices(state, beliefs, observations, now));
  effects.push(...watchClock(state.clockWatch, observations, now));
  effects.push(...neighboursClock(told.news, state.gossip.epochS));
  effects.push(...meteredNotices(told.news));
  effects.push(...wantsRemembering(state.duties, observations, alerts, now));
  return effects;
}

function notices(
  { duties, faults }: AgentState, beliefs: readonly Belief[], observations: readonly Observation[], now: Now,
): Effect[] {
  return [
    ...notableBeliefs(duties, beliefs, now), ...watchFaults(faults, observations, now),
    ...unreadMessages(duties, observations), ...schemaErrors(duties, observations),
  ];
}
