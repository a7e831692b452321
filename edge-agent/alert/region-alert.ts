/**
 * The life of a region's incident at one agent: raised when the claims of its zones add up, updated when further zones
 * join, cleared when no claim is left. Every agent computes it from the same certified summaries, so all tell alike.
 */
import type { RegionNews } from "../../gossip/region.ts";
import { capturedTolerated } from "../../models/agree/region-decision.ts";
import { isIndependent } from "../../models/agree/zone-laws.ts";
import { confidenceAt } from "../../models/opine/threshold.ts";
import { type Alert, type EvidenceKey, type ExplanationTerm, type Threat, threatOf } from "../../models/terms.ts";
import { type ContentHash, type Now, rfc3339, SECOND_MS, type WallMs } from "../../models/units.ts";
import { type JournalState, recordNamed } from "../record/journal.ts";
import type { AlertState } from "./alert.ts";
import { CATALOGUE } from "./catalogue.ts";
import { severityOf } from "./severity.ts";

export interface RegionAlertState {
  readonly epochS: number;
  zones: number;
  /** By threat: the last alert of what is open, and which keys hold it open: several can speak of one threat. */
  readonly open: Map<Threat, { readonly alert: Alert; readonly keys: ReadonlySet<EvidenceKey> }>;
}

export interface RegionTold {
  readonly entries: readonly Uint8Array[];
  readonly alerts: readonly Alert[];
}

const NATS = 1_000;
const MOST_ZONES_NAMED = 5;
const MOST_TERMS = 8;
const TENTHS = 10;

export function regionAlert(
  state: RegionAlertState, own: AlertState, journal: JournalState, news: RegionNews, now: Now,
): RegionTold {
  const threat = threatOf(news.key);
  const known = state.open.get(threat);
  if (news.change === "lapsed") return lapse(state, news, now);
  const incidentId = known?.alert.incidentId ?? idOf(own, `${own.region}\n${threat}\n${news.incident}`);
  const kept = news.zones.flatMap(({ whole }) =>
    (whole === undefined ? [] : [recordNamed(journal, { kind: "summary", at: now.wallMs, message: whole })]));
  const change = known === undefined ? "raised" : "updated";
  const alert = { ...compose(state, own, news, incidentId, kept.map(({ hash }) => hash), now), state: change } as const;
  state.open.set(threat, { alert, keys: new Set([...known?.keys ?? [], news.key]) });
  return { entries: kept.flatMap(({ entries }) => entries), alerts: [alert] };
}

/** Cleared with the last key that holds it open. */
function lapse({ open }: RegionAlertState, { key }: RegionNews, now: Now): RegionTold {
  const threat = threatOf(key);
  const known = open.get(threat);
  if (known === undefined) return { entries: [], alerts: [] };
  const keys = new Set([...known.keys].filter((one) => one !== key));
  if (keys.size > 0) open.set(threat, { ...known, keys });
  else open.delete(threat);
  const cleared = { ...known.alert, state: "cleared", time: rfc3339(now.wallMs) } as const;
  return { entries: [], alerts: keys.size > 0 ? [] : [cleared] };
}

function idOf({ crypto }: AlertState, name: string): string {
  return [...crypto.sha256(new TextEncoder().encode(name))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function compose(
  { epochS, zones: all }: RegionAlertState, own: AlertState, news: RegionNews, incidentId: string,
  evidence: readonly ContentHash[], now: Now,
): Omit<Alert, "state"> {
  const { key, zones, decision: { sum, threshold } } = news;
  const threat = threatOf(key);
  const { nextStep } = CATALOGUE[threat];
  const scale = isIndependent(key) ? NATS : 1;
  const named = zones.slice(0, MOST_ZONES_NAMED).map(({ zone }) => zone).join(", ");
  const more = zones.length > MOST_ZONES_NAMED ? ` and ${zones.length - MOST_ZONES_NAMED} more` : "";
  return {
    schemaVersion: "1.0", time: rfc3339(now.wallMs), incidentId, scope: "region", threat,
    region: own.region, zone: own.zone, stations: [],
    onset: rfc3339(Math.min(news.since * epochS * SECOND_MS, now.wallMs) as WallMs),
    severity: severityOf(threat, "region"),
    // Where zones are counted, each beyond those needed is worth a nat at least.
    confidence: Math.round(confidenceAt(sum / scale, threshold / scale) * 1_000) / 1_000,
    summary: `${zones.length} of ${all} zones of ${own.region} show ${key} at once (${named}${more}); `
      + `${capturedTolerated(all)} of them may be lying.`,
    explanation: explanationOf(news), evidence, nextStep, agent: own.station,
  };
}

/** Each zone's certified level, the highest first; shares are of all that are listed. */
function explanationOf({ key, zones }: RegionNews): ExplanationTerm[] {
  const sorted = [...zones].sort((a, b) => b.level - a.level);
  const rest = sorted.slice(MOST_TERMS - 1).reduce((sum, { level }) => sum + level, 0);
  const terms = sorted.slice(0, MOST_TERMS - 1)
    .map(({ zone, level }) => ({ term: `${key} in ${zone}`, value: level / TENTHS }));
  if (rest > 0) terms.push({ term: "the other zones", value: rest / TENTHS });
  const total = terms.reduce((sum, { value }) => sum + value, 0);
  return terms.map(({ term, value }) => ({ term, value, share: total === 0 ? 0 : value / total }));
}
