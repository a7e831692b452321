/**
 * Branded quantities and ids. A brand costs nothing at run time and stops a wall-clock time from being subtracted
 * from a monotonic one, or a zone id from being passed as a station id.
 */
declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** Milliseconds since 1970-01-01T00:00:00Z. For records and for time of week; may jump. */
export type WallMs = Branded<number, "WallMs">;
/** Milliseconds from an arbitrary start that never goes back. For durations. */
export type MonotonicMs = Branded<number, "MonotonicMs">;
/** The mesh's round: floor(unix seconds / epochS). */
export type Epoch = Branded<number, "Epoch">;
/** The OCPP identity of a charging station: 1 to 48 of `A-Z a-z 0-9 - _ . :`. */
export type StationId = Branded<string, "StationId">;
/** An electrical neighbourhood (feeder, substation, site). Same alphabet as a station id. */
export type ZoneId = Branded<string, "ZoneId">;
/** Keyed, rotating stand-in for an idToken: 8 bytes of HMAC-SHA-256 as 16 hex digits. */
export type TokenPseudonym = Branded<string, "TokenPseudonym">;
/** `sha256:` and 64 hex digits. */
export type ContentHash = Branded<string, "ContentHash">;

/** Both clocks at one moment; every pure function that needs time is handed this. */
export interface Now {
  readonly wallMs: WallMs;
  readonly monoMs: MonotonicMs;
}

const ID = /^[A-Za-z0-9\-_.:]{1,48}$/;

/** The rule for station and zone ids, in words, for error messages. */
export const ID_RULE = "1 to 48 of A-Z a-z 0-9 - _ . :";

export function isStationId(text: string): text is StationId {
  return ID.test(text);
}

export function isZoneId(text: string): text is ZoneId {
  return ID.test(text);
}

/** RFC 3339 with milliseconds, UTC: the one form of a time in files and alerts. */
export function rfc3339(at: WallMs): string {
  return new Date(at).toISOString();
}

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const WEEK_MS = 7 * DAY_MS;

/** The round that a wall-clock time falls in. */
export function epochOf(at: WallMs, epochS: number): Epoch {
  return Math.floor(at / (epochS * SECOND_MS)) as Epoch;
}
