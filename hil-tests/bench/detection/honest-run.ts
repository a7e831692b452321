/** One honest station over its life: what was raised, how evidence spread, what it cost, and the baselines' rows. */
import type { Threat } from "../../../models/terms.ts";
import { CATALOGUE } from "../../../edge-agent/alert/catalogue.ts";
import { DAY_MS, rfc3339 } from "../../../models/units.ts";
import { honestCapture } from "../../sim/honest.ts";
import { type CityStation, daysOf, specOf, startOf } from "./cities.ts";
import { createFeatures, feedFeatures, type Row } from "./features.ts";
import { Counting, type Tally } from "./tally.ts";
import { type Raised, Watch } from "./watch.ts";

export interface HonestJob {
  readonly kind: "honest";
  readonly city: string;
  readonly station: string;
  readonly seed: number;
  readonly mostDays: number;
  readonly meterEveryS: number;
  readonly epochS: number;
  /** One of a few whose sampling differs, to be compared with one another and not counted as a year. */
  readonly sampling?: true;
}

/** An alert at a station that nobody attacked. */
export interface FalseAlert {
  readonly city: string;
  readonly station: string;
  readonly threat: Threat;
  readonly severity: string;
  readonly at: string;
  /** Days since the station began. */
  readonly day: number;
  readonly says: string;
  readonly terms: readonly { readonly term: string; readonly nats: number }[];
}

export interface HonestResult {
  readonly kind: "honest";
  readonly job: HonestJob;
  readonly city: string;
  readonly station: string;
  readonly days: number;
  readonly ocppVersion: string;
  readonly quirks: object;
  readonly sessions: number;
  readonly alerts: readonly FalseAlert[];
  readonly tally: Tally;
  readonly hours: readonly Row[];
  readonly sessionRows: readonly Row[];
  readonly observations: number;
  /** Most characters of remembered state. */
  readonly stateChars: number;
  /** Processor time of simulating and watching together, ms. */
  readonly cpuMs: number;
}

export function runHonest(job: HonestJob, of: CityStation): HonestResult {
  const began = process.cpuUsage();
  const from = startOf(of.sessions);
  const days = Math.min(job.mostDays, daysOf(of.sessions));
  const spec = specOf(of, job.seed, { from, days }, job.meterEveryS);
  const watch = new Watch({ station: of.station, epochS: job.epochS, from });
  const counting = new Counting();
  const features = createFeatures();
  const alerts: FalseAlert[] = [];
  const witness = {
    observations: feedFeatures.bind(undefined, features),
    findings: counting.findings.bind(counting),
    beliefs: counting.beliefs.bind(counting),
    raised: ({ threat, at, belief }: Raised) => {
      alerts.push({ city: job.city, station: of.station, threat, severity: CATALOGUE[threat].severity,
        at: rfc3339(at), day: Math.floor((at - from) / DAY_MS), says: belief.says, terms: belief.terms.slice(0, 4) });
    },
  };
  const { items, counts } = honestCapture(spec);
  let stateChars = 0;
  let weighAt = from + 7 * DAY_MS;
  for (const item of items) {
    watch.take(item, witness);
    if (item.at < weighAt) continue;
    stateChars = Math.max(stateChars, watch.stateChars());
    weighAt += 7 * DAY_MS;
  }
  const { user, system } = process.cpuUsage(began);
  return {
    kind: "honest", job, city: job.city, station: of.station, days, ocppVersion: spec.ocppVersion,
    quirks: spec.quirks ?? {}, sessions: counts.sessions, alerts, tally: counting.finish(), hours: features.hours,
    sessionRows: features.sessions, observations: watch.counts.observations, cpuMs: (user + system) / 1_000,
    stateChars: Math.max(stateChars, watch.stateChars()),
  };
}
