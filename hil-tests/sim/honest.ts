/** Honest captures: what an agent beside one charging station would see over days of ordinary use, from a seed. */
import { DAY_MS, type WallMs } from "../../models/units.ts";
import type { CaptureItem, SimVersion } from "./capture.ts";
import { releases } from "./fleet.ts";
import { localTime } from "../../models/local-time.ts";
import { Operator } from "./operator.ts";
import type { Profile } from "./profile.ts";
import type { Quirks } from "./quirks.ts";
import { planSessions, type PlannedSession, type PlanSpec } from "./sessions.ts";
import { Station, type HonestCounts } from "./station.ts";
import { Timeline } from "./timeline.ts";

export interface HonestSpec {
  readonly station: string;
  readonly ocppVersion: SimVersion;
  readonly seed: number;
  readonly from: WallMs;
  readonly days: number;
  readonly profile: Profile;
  /** Default 1. */
  readonly evses?: number;
  /** Rated power of one EVSE, W. Default: what the profile's vehicles draw at most. */
  readonly ratedW?: number;
  /** Default `UTC`. */
  readonly timezone?: string;
  /** Default 10. */
  readonly meterEveryS?: number;
  /** Default `evse-output`. */
  readonly meterSide?: "ac-input" | "evse-output";
  /** Default 900; 0: no clock-aligned readings. */
  readonly clockAlignedS?: number;
  /** Mean days between losses of the link. Default 6; 0: never. */
  readonly outageEveryDays?: number;
  /** Mean days between unwanted restarts. Default 25; 0: never. */
  readonly rebootEveryDays?: number;
  /** Whether the operator sends commands. Default true. */
  readonly operator?: boolean;
  readonly quirks?: Quirks;
  /** Stations of one fleet share its releases. Default: `seed`. */
  readonly fleetSeed?: number;
  /** Instead of sessions drawn from the profile, whose other habits still count. In order of arrival. */
  readonly sessions?: Iterable<PlannedSession>;
  /** What else happens here, in order: see look-alikes. */
  readonly changes?: readonly Change[];
}

/** What a look-alike of an attack, or a fault, does to one station. */
export interface Change {
  /** Other visits than planned, still in order of arrival. */
  readonly visits?: (plans: Iterable<PlannedSession>, spec: PlanSpec) => Iterable<PlannedSession>;
  /** Called once before time begins: schedules what happens on the station's timeline. */
  readonly happen?: (station: Station, operator: Operator) => void;
}

export interface HonestCapture {
  /** Lines of both streams in order of time, made as they are read; once only. */
  readonly items: Iterable<CaptureItem>;
  /** What has happened so far; complete when `items` has ended. */
  readonly counts: Readonly<HonestCounts>;
}

/** The same spec gives the same lines, byte for byte. */
export function honestCapture(spec: HonestSpec): HonestCapture {
  const { seed, from, profile, evses = 1, quirks = {} } = spec;
  const until = (from + spec.days * DAY_MS) as WallMs;
  const local = localTime(spec.timezone ?? "UTC");
  const ratedW = spec.ratedW ?? profile.vehicleW.high;
  const timeline = new Timeline<CaptureItem>(from);
  const station = new Station({
    station: spec.station, ocppVersion: spec.ocppVersion, seed, evses, ratedW, profile, local, quirks,
    meterEveryS: spec.meterEveryS ?? 10,
    meterSide: spec.meterSide ?? "evse-output",
    clockAlignedS: spec.clockAlignedS ?? 900,
    outageEveryDays: spec.outageEveryDays ?? 6,
    rebootEveryDays: spec.rebootEveryDays ?? 25,
  }, timeline);
  const plan: PlanSpec = { profile, evses, ratedW, local, from, until, seed };
  let visits: Iterable<PlannedSession> = spec.sessions ?? planSessions(plan);
  for (const change of spec.changes ?? []) visits = change.visits?.(visits, plan) ?? visits;
  station.start(visits);
  const operator = new Operator(station, seed);
  if (spec.operator ?? true) operator.start(releases(spec.fleetSeed ?? seed, from, until));
  for (const change of spec.changes ?? []) change.happen?.(station, operator);
  return { items: timeline.run(until), counts: station.counts };
}
