/**
 * The step *agree*: beliefs to verdicts. A lone agent is a zone of one: with n < 4 a zone works with f = 0, its
 * quorum is one, and its own evidence decides.
 *
 * Only a raise is a verdict, never quiet. A raised threat is held while its evidence lasts and ends by hysteresis:
 * when the evidence fell to half the threshold, or when nothing was added to it for `HOLD_MS`, and longer where
 * sessions alone can add to it.
 */
import type { Belief, EvidenceKey, Threat, Verdict } from "../terms.ts";
import { THREATS } from "../terms.ts";
import { type Epoch, HOUR_MS, type Now, type StationId, type ZoneId } from "../units.ts";
import { confidenceAt } from "../opine/threshold.ts";

interface Raised {
  sinceEpoch: number;
  /** Monotonic time at which evidence was last added. */
  lastRiseMs: number;
  highestNats: number;
}

export interface AgreeState {
  readonly station: StationId;
  zone: ZoneId;
  /** What stands raised: plain JSON, remembered across restarts. */
  raised: Partial<Record<Threat, Raised>>;
}

export interface Agreement {
  /** Threats that were raised in this step, or whose evidence is higher than it ever was since. */
  readonly verdicts: readonly Verdict[];
  /** Threats that stood raised and no longer do. */
  readonly lapsed: readonly Threat[];
}

/** A raised threat to which nothing was added for this long has ended. */
export const HOLD_MS = HOUR_MS;
/** What befalls the sessions of one night is the same incident in the next, also when that comes half a day later. */
export const SESSIONS_HOLD_MS = 36 * HOUR_MS;
const BY_SESSIONS: ReadonlySet<Threat> = new Set(["session-spoofing", "credential-cloning"]);
/** Hysteresis: raised at the threshold, lapsed below this share of it. */
const LAPSE_SHARE = 0.5;

export function createAgree(station: StationId, zone: ZoneId): AgreeState {
  return { station, zone, raised: {} };
}

const THREAT_SET: ReadonlySet<EvidenceKey> = new Set(THREATS);

function isThreat(key: EvidenceKey): key is Threat {
  return THREAT_SET.has(key);
}

export function agree(state: AgreeState, beliefs: readonly Belief[], epoch: Epoch, now: Now): Agreement {
  const verdicts: Verdict[] = [];
  for (const belief of beliefs) {
    const { key } = belief;
    if (!isThreat(key) || !rises(state, key, belief, epoch, now)) continue;
    verdicts.push({
      threat: key, scope: "station", zone: state.zone, stations: [state.station], epoch, onset: belief.onset,
      confidence: confidenceAt(belief.sinceOnsetNats, belief.thresholdNats), belief,
    });
  }
  return { verdicts, lapsed: lapse(state, beliefs, now) };
}

/** Whether this belief raises its threat, or adds to one that stands raised. */
function rises(state: AgreeState, threat: Threat, belief: Belief, epoch: Epoch, now: Now): boolean {
  const raised = state.raised[threat];
  if (raised === undefined) {
    if (belief.sinceOnsetNats < belief.thresholdNats) return false;
    state.raised[threat] = { sinceEpoch: epoch, lastRiseMs: now.monoMs, highestNats: belief.sinceOnsetNats };
    return true;
  }
  // An attack that goes on holds its verdict, also when the evidence is capped or was higher once.
  if (belief.rose === true) raised.lastRiseMs = now.monoMs;
  if (belief.sinceOnsetNats <= raised.highestNats) return false;
  raised.highestNats = belief.sinceOnsetNats;
  return true;
}

function lapse(state: AgreeState, beliefs: readonly Belief[], now: Now): Threat[] {
  const lapsed: Threat[] = [];
  for (const threat of Object.keys(state.raised) as Threat[]) {
    const raised = state.raised[threat];
    const belief = beliefs.find((moved) => moved.key === threat);
    const fell = belief !== undefined && belief.sinceOnsetNats < LAPSE_SHARE * belief.thresholdNats;
    const holdMs = BY_SESSIONS.has(threat) ? SESSIONS_HOLD_MS : HOLD_MS;
    if (raised === undefined || (!fell && now.monoMs - raised.lastRiseMs < holdMs)) continue;
    delete state.raised[threat];
    lapsed.push(threat);
  }
  return lapsed;
}
