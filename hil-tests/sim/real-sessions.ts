/** Real sessions for the stations of a region: each plays one station of a data set, moved to the capture's days. */
import { UsageError } from "../../edge-agent/usage-error.ts";
import { DAY_MS, type WallMs } from "../../models/units.ts";
import { sessionsFromCsv } from "./csv-sessions.ts";
import type { PlannedSession } from "./sessions.ts";

const WEEK_MS = 7 * DAY_MS;

export interface RealSessions {
  /** Whose sessions they are, in the data set. */
  readonly source: string;
  readonly sessions: readonly PlannedSession[];
}

/** Moved by whole weeks, so that hours and weekdays stay, and only those that begin within the capture. */
export function movedInto(sessions: readonly PlannedSession[], shiftMs: number, from: WallMs, to: WallMs):
  PlannedSession[] {
  return sessions
    .map((plan) => ({ ...plan, plugInAt: (plan.plugInAt + shiftMs) as WallMs,
      plugOutAt: (plan.plugOutAt + shiftMs) as WallMs }))
    .filter(({ plugInAt }) => plugInAt >= from && plugInAt < to);
}

/** From the first session of any station, in whole weeks: what happened together stays together. */
function shiftOf(all: ReadonlyMap<string, readonly PlannedSession[]>, from: WallMs): number {
  const first = Math.min(...[...all.values()].map(([one]) => one?.plugInAt ?? Number.POSITIVE_INFINITY));
  return Math.ceil((from - first) / WEEK_MS) * WEEK_MS;
}

/**
 * The busiest stations of the file, for `stations` in their order. Times are moved by the same whole weeks for all.
 * @throws UsageError when the file cannot be read, is of another schema or has too few stations.
 */
export function realSessions(path: string, stations: number, from: WallMs, to: WallMs): RealSessions[] {
  let all: Map<string, PlannedSession[]>;
  try {
    all = sessionsFromCsv(path);
  } catch (error) {
    throw new UsageError(`--sessions: ${(error as Error).message.split("\n")[0]}`);
  }
  const shiftMs = shiftOf(all, from);
  const moved = [...all].map(([source, sessions]) => ({ source, sessions: movedInto(sessions, shiftMs, from, to) }));
  const used = moved.filter(({ sessions }) => sessions.length > 0)
    .sort((a, b) => b.sessions.length - a.sessions.length || (a.source < b.source ? -1 : 1));
  if (used.length < stations) {
    throw new UsageError(`--sessions: found sessions of ${used.length} stations in that time; allowed: at least ` +
      `${stations}, the region's stations`);
  }
  return used.slice(0, stations);
}
