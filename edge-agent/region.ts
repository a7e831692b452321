/** The region file (contracts, section 3): stations, their zones, and known causes of joint behaviour. */
import { CORE_SCHEMA, load } from "js-yaml";
import type { OcppVersion } from "../models/terms.ts";
import { ID_RULE, isStationId, isZoneId, type StationId, type ZoneId } from "../models/units.ts";
import { nearest } from "./nearest.ts";
import { shown } from "./plain-text.ts";
import { refuse } from "./refuse.ts";
import { UsageError } from "./usage-error.ts";

export interface RegionStation {
  readonly id: StationId;
  readonly zone: ZoneId;
  /** Degrees. */
  readonly lat?: number;
  readonly lon?: number;
  /** The whole station, W. */
  readonly ratedW: number;
  readonly evses: number;
  readonly ocppVersion: OcppVersion;
  /** How people use it: for the simulator alone, which knows the names. */
  readonly profile?: string;
}

/** A known cause of joint behaviour, as it was written: the roster carries it on. */
export type RegionEvent = Readonly<Record<string, unknown>>;

export interface RegionZone {
  readonly id: ZoneId;
  readonly ratingW?: number;
  readonly liarsTolerated: number;
  readonly stations: readonly RegionStation[];
}

/** Someone who may say something to agents, for the roster. */
export interface RegionPerson {
  /** As `keygen --operator` prints it. */
  readonly key: string;
  /** None: all. */
  readonly zones: readonly ZoneId[];
}

export interface Region {
  readonly region: string;
  readonly timezone: string;
  readonly zones: readonly RegionZone[];
  readonly events: readonly RegionEvent[];
  readonly people: readonly RegionPerson[];
}

/** The events as a roster carries them: JSON texts, those of a time of day with the region's time zone. */
export function eventTexts({ events, timezone: zoneName }: Pick<Region, "events" | "timezone">): string[] {
  return events.map((one) => JSON.stringify(one["daily"] === undefined ? one : { ...one, timezone: zoneName }));
}

type Mapping = Readonly<Record<string, unknown>>;

/** What one run can hold; a region of more is a mistake in the file. */
const MAX_STATIONS = 10_000;
/** About 200 characters a station. */
const MAX_CHARS = 4_000_000;
const MAX_EVSES = 64;

const TOP_KEYS = ["version", "region", "timezone", "zones", "events", "people"];
const ZONE_KEYS = ["id", "ratingW", "liarsTolerated", "stations"];
const STATION_KEYS = ["id", "lat", "lon", "ratedW", "evses", "ocppVersion", "profile"];
const EVENT_KEYS = ["kind", "zone", "daily", "spreadS", "from", "to", "expect"];
const EVENT_KINDS = ["tariff", "demand-response"];
const VERSIONS = ["1.6", "2.0.1", "2.1"];
const EXPECTATIONS = ["increase", "decrease"];

function unknownKey(key: string, name: string, allowed: readonly string[]): never {
  const close = nearest(name, allowed);
  const hint = close === undefined ? `allowed: ${allowed.join(", ")}` : `did you mean ${close}?`;
  throw new UsageError(`${key}: unknown key ${shown(name)}; ${hint}`);
}

function mapping(value: unknown, key: string, allowed: readonly string[]): Mapping {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    refuse(key, value, `a mapping with ${allowed.join(", ")}`);
  }
  for (const name of Object.keys(value)) {
    if (!allowed.includes(name)) unknownKey(key, name, allowed);
  }
  return value as Mapping;
}

function list(value: unknown, key: string): readonly unknown[] {
  return Array.isArray(value) && value.length > 0 ? value : refuse(key, value, "a list of at least one");
}

function number(value: unknown, key: string, low: number, high: number): number {
  if (typeof value === "number" && value >= low && value <= high) return value;
  return refuse(key, value, `a number from ${low} to ${high}`);
}

function integer(value: unknown, key: string, low: number, high: number): number {
  if (Number.isInteger(value)) return number(value, key, low, high);
  return refuse(key, value, `an integer from ${low} to ${high}`);
}

function oneOf<T extends string>(value: unknown, key: string, allowed: readonly string[]): T {
  return typeof value === "string" && allowed.includes(value) ? value as T : refuse(key, value, allowed.join(", "));
}

function text(value: unknown, key: string): string {
  if (typeof value === "string" && value !== "" && value.length <= 200) return value;
  return refuse(key, value, "a text of 1 to 200 characters");
}

function timezone(value: unknown): string {
  if (value === undefined) return "UTC";
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text(value, "timezone") }).resolvedOptions().timeZone;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return refuse("timezone", value, "a name of the IANA time zone data base, Europe/Madrid for example");
  }
}

function station(value: unknown, key: string, zone: ZoneId): RegionStation {
  const { id, lat, lon, ratedW, evses, ocppVersion, profile } = mapping(value, key, STATION_KEYS);
  if (typeof id !== "string" || !isStationId(id)) refuse(`${key}.id`, id, ID_RULE);
  if ((lat === undefined) !== (lon === undefined)) {
    refuse(`${key}.${lat === undefined ? "lat" : "lon"}`, undefined, "lat and lon, or neither");
  }
  return {
    id, zone,
    ...(lat === undefined ? {} : { lat: number(lat, `${key}.lat`, -90, 90) }),
    ...(lon === undefined ? {} : { lon: number(lon, `${key}.lon`, -180, 180) }),
    ratedW: number(ratedW, `${key}.ratedW`, 1_000, 2_000_000),
    evses: evses === undefined ? 1 : integer(evses, `${key}.evses`, 1, MAX_EVSES),
    ocppVersion: ocppVersion === undefined ? "1.6" : oneOf(ocppVersion, `${key}.ocppVersion`, VERSIONS),
    ...(profile === undefined ? {} : { profile: text(profile, `${key}.profile`) }),
  };
}

function zone(value: unknown, key: string): RegionZone {
  const { id, ratingW, liarsTolerated, stations } = mapping(value, key, ZONE_KEYS);
  if (typeof id !== "string" || !isZoneId(id)) refuse(`${key}.id`, id, ID_RULE);
  return {
    id,
    liarsTolerated: liarsTolerated === undefined ? 0 : integer(liarsTolerated, `${key}.liarsTolerated`, 0, 1_000),
    ...(ratingW === undefined ? {} : { ratingW: number(ratingW, `${key}.ratingW`, 1, 1e12) }),
    stations: list(stations, `${key}.stations`).map((item, i) => station(item, `${key}.stations[${i}]`, id)),
  };
}

function time(value: unknown, key: string): number {
  const at = typeof value === "string" && /T.*(Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? refuse(key, value, "a time like 2026-03-01T17:00:00.000Z") : at;
}

function event(value: unknown, key: string, zones: readonly RegionZone[]): RegionEvent {
  const item = mapping(value, key, EVENT_KEYS);
  const { kind, zone: zoneId, daily, spreadS, from, to, expect } = item;
  oneOf(kind, `${key}.kind`, EVENT_KINDS);
  if (zoneId !== undefined) oneOf(zoneId, `${key}.zone`, zones.map(({ id }) => id));
  if (daily !== undefined && !/^([01]\d|2[0-3]):[0-5]\d$/.test(String(daily))) {
    refuse(`${key}.daily`, daily, 'a local time in quotes, "00:30"');
  }
  if (spreadS !== undefined) integer(spreadS, `${key}.spreadS`, 0, 86_400);
  if (expect !== undefined) oneOf(expect, `${key}.expect`, EXPECTATIONS);
  const begin = from === undefined ? -Infinity : time(from, `${key}.from`);
  if (to !== undefined && time(to, `${key}.to`) <= begin) refuse(`${key}.to`, to, "a time after from");
  return item;
}

function person(value: unknown, key: string, zones: readonly RegionZone[]): RegionPerson {
  if (typeof value === "string") return { key: text(value, key), zones: [] };
  const item = mapping(value, key, ["key", "zones"]);
  const ids = zones.map(({ id }) => id);
  const some = item["zones"] === undefined ? [] : list(item["zones"], `${key}.zones`);
  return {
    key: text(item["key"], `${key}.key`),
    zones: [...new Set(some.map((zoneId, i) => oneOf<ZoneId>(zoneId, `${key}.zones[${i}]`, ids)))].sort(),
  };
}

function checkNames(zones: readonly RegionZone[]): void {
  const seen = new Set<string>();
  zones.forEach((each, i) => {
    if (seen.has(`zone ${each.id}`)) refuse(`zones[${i}].id`, each.id, "each zone once");
    seen.add(`zone ${each.id}`);
    each.stations.forEach(({ id }, j) => {
      if (seen.has(id)) refuse(`zones[${i}].stations[${j}].id`, id, "each station once in a region");
      seen.add(id);
    });
  });
  if (seen.size > MAX_STATIONS) refuse("zones", seen.size, `at most ${MAX_STATIONS} zones and stations`);
}

/** Reads a region from YAML or JSON. Throws UsageError that names the key, what was found and what is allowed. */
export function parseRegion(source: string): Region {
  if (source.length > MAX_CHARS) refuse("region file", source.length, `at most ${MAX_CHARS} characters`);
  let document: unknown;
  try {
    document = load(source, { schema: CORE_SCHEMA }); // times stay texts
  } catch (error) {
    refuse("region file", (error as Error).message.split("\n")[0], "YAML or JSON");
  }
  const { version, region, timezone: zoneName, zones, events, people } = mapping(document, "region file", TOP_KEYS);
  if (version !== 1) refuse("version", version, "1");
  const parsed = list(zones, "zones").map((item, i) => zone(item, `zones[${i}]`));
  checkNames(parsed);
  const known = events === undefined ? []
    : list(events, "events").map((item, i) => event(item, `events[${i}]`, parsed));
  return {
    region: text(region, "region"), timezone: timezone(zoneName), zones: parsed, events: known,
    people: people === undefined ? [] : list(people, "people").map((item, i) => person(item, `people[${i}]`, parsed)),
  };
}
