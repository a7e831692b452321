/**
 * A zone of one city's stations: each lives through weeks of its own real sessions (detection/cities.ts says what of
 * it is real), its fleet's releases shared. What each would state is kept, and at some moments the agents as they stood
 * and a day of lines, for attacks to be put into.
 */
import { evidenceVector, type OpineState } from "../../../models/opine/opine.ts";
import { EVIDENCE_KEYS } from "../../../models/terms.ts";
import { DAY_MS, epochOf, HOUR_MS, type Now, type WallMs } from "../../../models/units.ts";
import type { Capture, CaptureItem, TimedLine } from "../../sim/capture.ts";
import { honestCapture, type HonestSpec } from "../../sim/honest.ts";
import { type CityStation, specOf } from "../detection/cities.ts";
import { Watch, type Witness } from "../detection/watch.ts";

export const EPOCH_S = 10;
const LEARN_EPOCH_S = 60;
const METER_EVERY_S = 60;
/** Of the lines around a moment: sessions that run have begun before it, and some traces come late. */
const BEFORE_MS = 20 * HOUR_MS;
const AFTER_MS = 24 * HOUR_MS;
/** Fewer sessions than this in the span, and a station is closed or not open yet. */
const LEAST_SESSIONS = 5;

/** What a station states from an epoch on, in the order of EVIDENCE_KEYS, until the next. */
export interface Stated {
  readonly epoch: number;
  readonly evidence: readonly number[];
}

export interface DaysPlan {
  readonly seed: number;
  readonly learnDays: number;
  /** Days that are judged, after those that are learned from. */
  readonly days: number;
  /** Hours of the judged days at which attacks may begin. */
  readonly momentHours: readonly number[];
}

/** A station at a moment. */
interface Standing {
  readonly watch: Watch;
  readonly capture: Capture;
}

export interface Lived {
  readonly station: string;
  readonly stated: readonly Stated[];
  /** One a moment. */
  readonly standings: readonly Standing[];
}

export interface ZoneDays {
  readonly city: string;
  readonly plan: DaysPlan;
  readonly moments: readonly WallMs[];
  /** Judged from here on, and up to there. */
  readonly from: WallMs;
  readonly to: WallMs;
  readonly members: readonly Lived[];
}

/** The busiest stations of a city in those of its weeks in which most are open; fewer where it has not so many. */
function openStations(all: readonly CityStation[], n: number, days: number): { from: WallMs; stations: CityStation[] } {
  const first = Math.min(...all.map(({ sessions }) => sessions[0]!.plugInAt));
  const last = Math.max(...all.map(({ sessions }) => sessions.at(-1)!.plugInAt));
  const midnight = Math.floor(first / DAY_MS) * DAY_MS;
  let best = { from: midnight as WallMs, stations: [] as CityStation[] };
  for (let from = midnight; from + days * DAY_MS <= last; from += 28 * DAY_MS) {
    const counted = all.map((station) => ({ station, count: station.sessions.filter(({ plugInAt }) =>
      plugInAt >= from && plugInAt < from + days * DAY_MS).length }));
    const open = counted.filter(({ count }) => count >= LEAST_SESSIONS).sort((a, b) => b.count - a.count);
    if (Math.min(n, open.length) <= best.stations.length) continue;
    best = { from: from as WallMs, stations: open.slice(0, n).map(({ station }) => station) };
  }
  return best;
}

/** @param most members; fewer where the city has not so many */
export function zoneDays(
  city: string, all: readonly CityStation[], most: number, plan: DaysPlan, onDone: () => void = () => undefined,
): ZoneDays {
  const { learnDays, days, momentHours, seed } = plan;
  const { from: began, stations } = openStations(all, most, learnDays + days);
  const from = (began + learnDays * DAY_MS) as WallMs;
  const to = (from + days * DAY_MS) as WallMs;
  const moments = momentHours.map((hour) => (from + hour * HOUR_MS) as WallMs);
  const members = stations.map((station) => {
    const spec = specOf(station, seed, { from: began, days: learnDays + days }, METER_EVERY_S);
    const lived = live(spec, from, to, moments);
    onDone();
    return lived;
  });
  return { city, plan, moments, from, to, members };
}

/** Keeps what would be stated, where it differs from what was. */
export function noting(into: Stated[]): Witness {
  return {
    epoch: (state: OpineState, { wallMs }: Now) => {
      const evidence = evidenceVector(state, EVIDENCE_KEYS);
      const last = into.at(-1)?.evidence;
      if (last?.every((sum, key) => sum === evidence[key]) === true) return;
      into.push({ epoch: epochOf(wallMs, EPOCH_S), evidence });
    },
  };
}

function live(spec: HonestSpec, from: WallMs, to: WallMs, moments: readonly WallMs[]): Lived {
  const { station, ocppVersion } = spec;
  let watch = new Watch({ station, epochS: LEARN_EPOCH_S, from: spec.from });
  const stated: Stated[] = [];
  const slices = moments.map(() => ({ station, ocppVersion, ocpp: [] as TimedLine[], meter: [] as TimedLine[] }));
  const standings: Standing[] = [];
  let isJudged = false;
  let connected: TimedLine | undefined;
  const passMoments = (at: number): void => {
    for (let next = moments[standings.length]; next !== undefined && at >= next; next = moments[standings.length]) {
      watch.tickTo(next, noting(stated));
      standings.push({ watch: watch.fork(EPOCH_S), capture: slices[standings.length]! });
    }
  };
  for (const item of honestCapture(spec).items) {
    if (!isJudged && item.at >= from) {
      isJudged = true;
      watch.tickTo(from, {});
      watch = watch.fork(EPOCH_S);
    }
    passMoments(item.at);
    if (isEvent(item, "connect")) connected = item;
    if (isEvent(item, "disconnect")) connected = undefined;
    keep(item, connected, slices, moments);
    watch.take(item, isJudged ? noting(stated) : {});
  }
  watch.tickTo(to, noting(stated));
  passMoments(to);
  return { station, stated, standings };
}

/** Frames and readings say what they are before their line is written. */
function isEvent({ event, line }: CaptureItem, kind: "connect" | "disconnect"): boolean {
  return event === undefined && line.includes(`"event":"${kind}"`);
}

/** @param connected the line that says that the link is up, which may lie before a slice and belongs to it */
function keep(
  item: CaptureItem, connected: TimedLine | undefined,
  slices: readonly { readonly ocpp: TimedLine[]; readonly meter: TimedLine[] }[], moments: readonly WallMs[],
): void {
  const { stream, at } = item;
  moments.forEach((moment, i) => {
    if (at < moment - BEFORE_MS || at >= moment + AFTER_MS) return;
    const slice = slices[i]!;
    const isFirst = slice.ocpp.length + slice.meter.length === 0;
    if (isFirst && connected !== undefined && connected !== item) slice.ocpp.push(connected);
    slice[stream].push({ at, line: item.line });
  });
}
