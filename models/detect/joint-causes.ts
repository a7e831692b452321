/**
 * Known causes of joint behaviour, as the roster's events declare them (region file: `events`): a tariff that begins
 * or ends at a time of day, a demand response. A cause explains one step in its direction at each EVSE, in a window of
 * `spreadS` from its time, and nothing else: not the other direction, not a second step, not another hour.
 */
import { localTime } from "../local-time.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS, type WallMs } from "../units.ts";

export type Direction = "increase" | "decrease";

export interface JointCause {
  readonly kind: "tariff" | "demand-response";
  /** A tariff's: minutes into the local day, in a zone of the IANA data base. */
  readonly dailyMin?: number;
  readonly timezone?: string;
  /** A demand response's. */
  readonly from?: number;
  readonly to?: number;
  readonly spreadS: number;
  readonly expect: Direction;
}

/** The random delay that smart chargers may be bound to (SI 2021/1467, schedule 1): up to 600 s. */
const USUAL_SPREAD_S = 600;
const MOST_SPREAD_S = 86_400;
/** Clocks of vehicles, and of whoever declared it. */
export const EARLY_MS = MINUTE_MS;
const LATE_MS = MINUTE_MS;
/** A roster may hold more; the first of a zone are followed. */
const MOST_CAUSES = 32;

type Fields = Readonly<Record<string, unknown>>;

/** The causes that a zone's roster declares; what cannot be read or is of an unknown kind explains nothing. */
export function jointCauses(events: readonly string[], zone: string): JointCause[] {
  return events.flatMap((text) => {
    const fields = fieldsOf(text);
    return fields === undefined || (fields["zone"] ?? zone) !== zone ? [] : causeOf(fields) ?? [];
  }).slice(0, MOST_CAUSES);
}

function fieldsOf(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Fields : undefined;
  } catch {
    return undefined;
  }
}

function causeOf({ kind, daily, timezone, from, to, spreadS, expect }: Fields): JointCause | undefined {
  const spread = spreadS ?? USUAL_SPREAD_S;
  if (typeof spread !== "number" || !(spread >= 0 && spread <= MOST_SPREAD_S)) return undefined;
  if (expect !== undefined && expect !== "increase" && expect !== "decrease") return undefined;
  if (kind === "tariff" && typeof daily === "string") {
    const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(daily) ?? [];
    const known = timezone === undefined || (typeof timezone === "string" && isZone(timezone));
    if (hours === undefined || !known) return undefined;
    const dailyMin = 60 * Number(hours) + Number(minutes);
    return { kind, dailyMin, timezone: timezone ?? "UTC", spreadS: spread, expect: expect ?? "increase" };
  }
  if (kind !== "demand-response" || typeof from !== "string" || typeof to !== "string") return undefined;
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  return begin < end ? { kind, from: begin, to: end, spreadS: spread, expect: expect ?? "decrease" } : undefined;
}

function isZone(timezone: string): boolean {
  try {
    localTime(timezone);
    return true;
  } catch {
    return false;
  }
}

export interface CauseWindow {
  /** The same for each occurrence: what is learned of one counts for the next. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly expect: Direction;
}

const opposite = (direction: Direction): Direction => (direction === "increase" ? "decrease" : "increase");

/** The windows that are open at this moment. A demand response ends in the opposite direction. */
export function openWindows(causes: readonly JointCause[], at: WallMs): CauseWindow[] {
  return causes.flatMap((cause) => windowsNear(cause, at)).filter(({ from, to }) => from <= at && at <= to);
}

function windowsNear({ kind, dailyMin, timezone, from, to, spreadS, expect }: JointCause, at: WallMs): CauseWindow[] {
  const window = (name: string, begin: number, direction: Direction): CauseWindow =>
    ({ name, from: begin - EARLY_MS, to: begin + spreadS * SECOND_MS + LATE_MS, expect: direction });
  if (kind === "tariff") {
    const offset = localOffset(timezone ?? "UTC", at);
    const intoDay = (dailyMin ?? 0) * MINUTE_MS;
    const today = Math.floor((at + offset - intoDay + EARLY_MS) / DAY_MS) * DAY_MS + intoDay - offset;
    return [window(`${kind} ${dailyMin} ${expect}`, today, expect)];
  }
  return [window(`${kind} begins ${expect}`, from ?? 0, expect), window(`${kind} ends ${expect}`, to ?? 0,
    opposite(expect))];
}

/** The names of all windows that these causes can open. */
export function windowNames(causes: readonly JointCause[]): Set<string> {
  return new Set(causes.flatMap((cause) => windowsNear(cause, 0 as WallMs)).map(({ name }) => name));
}

/** Formatters are dear; a zone's offset is always the same. */
const zones = new Map<string, ReturnType<typeof localTime>>();
const MOST_ZONES = 16;

function localOffset(timezone: string, at: WallMs): number {
  let zone = zones.get(timezone);
  if (zone === undefined) {
    if (zones.size >= MOST_ZONES) zones.clear();
    zones.set(timezone, (zone = localTime(timezone)));
  }
  return zone.offsetMs(at);
}
