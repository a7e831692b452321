/**
 * What looks like an attack and is none, at one station of a city: three honest weeks are lived once, then each
 * look-alike and each broken charger of the simulator gets a copy of the agent and the days in which it happens. What
 * it raises beyond the same days without it is a false alert; what is named as a plain fault is told beside it.
 */
import { createFaultWatch, watchFaults } from "../../../edge-agent/observe/faults.ts";
import { CATALOGUE } from "../../../edge-agent/alert/catalogue.ts";
import { type Fault, type Threat, THREATS } from "../../../models/terms.ts";
import { DAY_MS, HOUR_MS, rfc3339, type WallMs } from "../../../models/units.ts";
import type { CaptureItem } from "../../sim/capture.ts";
import { dice } from "../../sim/dice.ts";
import { honestCapture } from "../../sim/honest.ts";
import { changeAt, LOOK_ALIKES } from "../../sim/look-alikes/catalogue.ts";
import { type CityStation, daysOf, specOf, startOf } from "./cities.ts";
import type { FalseAlert } from "./honest-run.ts";
import { type Raised, Watch } from "./watch.ts";

export interface LookAlikeJob {
  readonly kind: "look-alikes";
  readonly city: string;
  readonly station: string;
  readonly seed: number;
  readonly meterEveryS: number;
}

export interface LookAlikeOutcome {
  readonly city: string;
  readonly station: string;
  readonly lookAlike: string;
  /** Threats that were raised, and not in the same days without it. */
  readonly alerts: readonly FalseAlert[];
  readonly faults: readonly Fault[];
}

export interface LookAlikeResult {
  readonly kind: "look-alikes";
  readonly city: string;
  readonly station: string;
  readonly outcomes: readonly LookAlikeOutcome[];
}

const LEARN_DAYS = 21;
/** The longest look-alike, and a day for what comes of it. */
const AFTER_DAYS = 15;
const EPOCH_S = 60;

interface Lived {
  readonly raised: readonly Raised[];
  readonly faults: readonly Fault[];
}

function live(watch: Watch, items: Iterable<CaptureItem>, fromMs: number, untilMs: number): Lived {
  const raised: Raised[] = [];
  const faults = new Set<Fault>();
  const noted = createFaultWatch();
  for (const item of items) {
    if (item.at < fromMs) continue;
    if (item.at > untilMs) break;
    watch.take(item, {
      raised: (one) => raised.push(one),
      observations: (seen, now) => {
        for (const effect of watchFaults(noted, seen, now)) if (effect.kind === "fault") faults.add(effect.fault);
      },
    });
  }
  return { raised, faults: [...faults] };
}

/** Three weeks with room behind them, as busy as the station is. */
function firstDay({ sessions }: CityStation, chance: number): WallMs {
  const latest = Math.max(0, daysOf(sessions) - LEARN_DAYS - AFTER_DAYS);
  return (startOf(sessions) + Math.floor(chance * (latest + 1)) * DAY_MS) as WallMs;
}

export function runLookAlikes(job: LookAlikeJob, of: CityStation): LookAlikeResult {
  const chance = dice(job.seed, `look-alikes at ${of.station}`);
  const from = firstDay(of, chance.next());
  const spec = specOf(of, job.seed, { from, days: LEARN_DAYS + AFTER_DAYS }, job.meterEveryS);
  const at = from + LEARN_DAYS * DAY_MS;
  const learned = new Watch({ station: of.station, epochS: EPOCH_S, from });
  for (const item of honestCapture(spec).items) {
    if (item.at >= at) break;
    learned.take(item, {});
  }
  const usual = live(learned.fork(EPOCH_S), honestCapture(spec).items, at, Infinity);
  const outcomes = Object.entries(LOOK_ALIKES).map(([name, { lengthMs }]): LookAlikeOutcome => {
    // In the middle of the first day, when there is something to disturb.
    const begin = (at + chance.uniform(8, 18) * HOUR_MS) as WallMs;
    const change = changeAt(of.station, { name, from: begin, to: (begin + lengthMs) as WallMs, seed: job.seed });
    const { items } = honestCapture({ ...spec, changes: [change] });
    const lived = live(learned.fork(EPOCH_S), items, at, begin + lengthMs + DAY_MS);
    return { city: job.city, station: of.station, lookAlike: name, ...beyond(lived, usual, job.city, of.station, at) };
  });
  return { kind: "look-alikes", city: job.city, station: of.station, outcomes };
}

/** What was raised and named beyond the same days without it. */
function beyond(lived: Lived, usual: Lived, city: string, station: string, at: number): Beyond {
  const of = ({ raised }: Lived, threat: Threat): Raised[] => raised.filter((one) => one.threat === threat);
  const more = THREATS.flatMap((threat) => of(lived, threat).slice(of(usual, threat).length));
  return {
    alerts: more.map(({ threat, at: when, belief }) => ({ city, station, threat, severity: CATALOGUE[threat].severity,
      at: rfc3339(when), day: Math.floor((when - at) / DAY_MS), says: belief.says, terms: belief.terms.slice(0, 4) })),
    faults: lived.faults.filter((fault) => !usual.faults.includes(fault)),
  };
}
type Beyond = Pick<LookAlikeOutcome, "alerts" | "faults">;
