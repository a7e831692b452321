/** Time stamps of messages: RFC 3339 with a zone, and whether one can be believed. */
import { DAY_MS, MINUTE_MS } from "../../models/units.ts";
import type { WallMs } from "../../models/units.ts";

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):?(\d\d))$/;

/** A station that has not yet set its clock says 1970 or 2000; no OCPP 1.6 message is older than this. */
const EARLIEST = Date.UTC(2015, 0, 1) as WallMs;
const LATEST = Date.UTC(2100, 0, 1) as WallMs;

/** A backlog flushed after an outage is told from a slow link by this age. */
export const OFFLINE_AFTER_MS = 5 * MINUTE_MS;

/**
 * Milliseconds since 1970 of an RFC 3339 time stamp, to the millisecond. `undefined` for anything else: above all for
 * a local time without zone, which honest stations send and which is hours off if it is read as UTC.
 */
export function parseRfc3339(value: unknown): WallMs | undefined {
  const part = typeof value === "string" && value.length <= 40 ? RFC3339.exec(value) : null;
  if (part === null) return undefined;
  const number = (index: number): number => Number(part[index] ?? 0);
  const [month, day, hour, minute, second] = [number(2), number(3), number(4), number(5), number(6)];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60) return undefined;
  const millis = Number((part[7] ?? "").padEnd(3, "0").slice(0, 3));
  const offset = (number(9) * 60 + number(10)) * MINUTE_MS * (part[8] === "-" ? -1 : 1);
  return (Date.UTC(number(1), month - 1, day, hour, minute, second, millis) - offset) as WallMs;
}

/** The same, where a zone that is left out means UTC (OCPI 2.2.1, 16.5), or to be some hours off is no harm. */
export function parseUtc(value: unknown): WallMs | undefined {
  return parseRfc3339(typeof value === "string" && /T[\d:.]+$/.test(value) ? `${value}Z` : value);
}

/** The CSMS's clock: believed within this century only, since it is a second opinion on the agent's own. */
export function clockOf(value: unknown): WallMs | undefined {
  const at = parseRfc3339(value);
  return at !== undefined && at >= EARLIEST && at < LATEST ? at : undefined;
}

/**
 * A message's own time stamp where it is plausible: from 2015 on and at most a day ahead of `latestNow`. An agent whose
 * own clock is unset knows no upper bound but the century.
 */
export function saidAtOf(value: unknown, latestNow: WallMs): WallMs | undefined {
  const at = clockOf(value);
  if (at === undefined || latestNow < EARLIEST) return at;
  return at <= latestNow + DAY_MS ? at : undefined;
}
