/** Local time of a region: people plug in by the clock on the wall, frames carry UTC. */
import { HOUR_MS, type WallMs } from "./units.ts";

export interface LocalTime {
  /** Milliseconds to add to UTC at this moment. */
  offsetMs(at: WallMs): number;
  /** Hour of the day 0 to 23, and whether it is Saturday or Sunday. */
  hour(at: WallMs): { readonly hour: number; readonly weekend: boolean };
  /** The moment that a wall-clock text without zone (`2019-05-01T08:18:45`) means here; NaN when it is no time. */
  parse(text: string): WallMs;
}

/** Throws RangeError for a zone that the engine does not know. */
export function localTime(timezone: string): LocalTime {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric",
  });
  const known = new Map<number, number>();
  const lookUp = (hourStart: number): number => {
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(hourStart)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute) - hourStart;
  };
  const offsetMs = (at: WallMs): number => {
    const hourStart = Math.floor(at / HOUR_MS) * HOUR_MS;
    let offset = known.get(hourStart);
    if (offset === undefined) {
      if (known.size > 10_000) known.clear();
      known.set(hourStart, (offset = lookUp(hourStart)));
    }
    return offset;
  };
  return {
    offsetMs,
    hour(at) {
      const local = new Date(at + offsetMs(at));
      return { hour: local.getUTCHours(), weekend: local.getUTCDay() % 6 === 0 };
    },
    parse(text) {
      const asUtc = Date.parse(`${text}Z`);
      if (Number.isNaN(asUtc)) return asUtc as WallMs;
      return (asUtc - offsetMs((asUtc - offsetMs(asUtc as WallMs)) as WallMs)) as WallMs;
    },
  };
}
