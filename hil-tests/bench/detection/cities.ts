/**
 * Honest cities: real session times, durations and energies (../shared/data/sessions) played by simulated stations.
 *
 * Real: when vehicles come and go and what they take; users in part of Dundee, in Trondheim and Elaad. Synthetic:
 * every frame, command, setting, refused idToken, outage and reboot, the quirks of stations, the shape of the charging
 * curve, and users elsewhere.
 */
import { join } from "node:path";
import { DAY_MS, type WallMs } from "../../../models/units.ts";
import { sessionsFromCsv } from "../../sim/csv-sessions.ts";
import { type Dice, dice } from "../../sim/dice.ts";
import type { HonestSpec } from "../../sim/honest.ts";
import { PROFILES, type ProfileName } from "../../sim/profile.ts";
import type { Quirks } from "../../sim/quirks.ts";
import type { PlannedSession } from "../../sim/sessions.ts";

export interface City {
  readonly name: string;
  readonly file: string;
  /** Whose habits the synthetic parts follow. */
  readonly profile: ProfileName;
  /** What an outlet there gives at most, W: more is an error of the data (a minute for five kilowatt-hours). */
  readonly mostW: number;
  /** Share of stations that charge with DC, whose meter stands before the rectifier. */
  readonly dcShare: number;
}

export const CITIES: readonly City[] = [
  { name: "Dundee", file: "dundee_2017-09_2018-09", profile: "public-rapid", mostW: 50_000, dcShare: 0.5 },
  { name: "JPL", file: "acn_jpl_2019", profile: "workplace", mostW: 11_000, dcShare: 0 },
  { name: "Caltech", file: "acn_caltech_2019", profile: "workplace", mostW: 11_000, dcShare: 0 },
  { name: "Trondheim", file: "trondheim_2018-12_2020-01", profile: "residential", mostW: 11_000, dcShare: 0 },
  { name: "Elaad", file: "elaad_2019_half", profile: "residential", mostW: 22_000, dcShare: 0 },
];

export interface CityStation {
  readonly city: City;
  readonly station: string;
  readonly sessions: readonly PlannedSession[];
}

/** Fewer sessions than this, or a shorter life, show no normal to learn. */
const LEAST_SESSIONS = 20;
const LEAST_DAYS = 30;

const known = new Map<string, readonly CityStation[]>();

/** The stations of a city with enough of a past, by name. `shared` is the folder of the reference data. */
export function stationsOf(shared: string, city: City): readonly CityStation[] {
  const before = known.get(city.name);
  if (before !== undefined) return before;
  const all = sessionsFromCsv(join(shared, "data", "sessions", `${city.file}.csv.xz`));
  const stations = [...all]
    .filter(([, sessions]) => sessions.length >= LEAST_SESSIONS && daysOf(sessions) >= LEAST_DAYS)
    .map(([station, sessions]) => ({ city, station: idOf(city, station), sessions: sessions.map(within(city)) }))
    .sort((a, b) => (a.station < b.station ? -1 : 1));
  known.set(city.name, stations);
  return stations;
}

function idOf({ name }: City, station: string): string {
  return `${name}-${station}`.replaceAll(/[^A-Za-z0-9\-_.:]/g, "_").slice(0, 48);
}

function within({ mostW }: City): (session: PlannedSession) => PlannedSession {
  return (session) => ({ ...session, vehicleW: Math.min(session.vehicleW, mostW) });
}

/** From the day of the first session to that of the last. */
export function daysOf(sessions: readonly PlannedSession[]): number {
  return Math.ceil(((sessions.at(-1)?.plugInAt ?? 0) - startOf(sessions)) / DAY_MS) + 1;
}

export function startOf(sessions: readonly PlannedSession[]): WallMs {
  return (Math.floor((sessions[0]?.plugInAt ?? 0) / DAY_MS) * DAY_MS) as WallMs;
}

/** `count` stations of a city, chosen by the seed, evenly over its list. */
export function chosen(stations: readonly CityStation[], count: number, seed: number): CityStation[] {
  if (count >= stations.length) return [...stations];
  const offset = dice(seed, "stations").next();
  return Array.from({ length: count }, (_, i) =>
    stations[Math.floor(((i + offset) * stations.length) / count)] as CityStation);
}

export interface Span {
  readonly from: WallMs;
  readonly days: number;
}

/** How a station of a city is simulated: version, outlets, meter and quirks follow from the seed and its name. */
export function specOf(of: CityStation, seed: number, { from, days }: Span, meterEveryS: number): HonestSpec {
  const { city, station, sessions } = of;
  const chance = dice(seed, `spec of ${station}`);
  const evses = Math.min(3, Math.max(1, ...sessions.map(({ evseId = 1 }) => evseId)));
  return {
    station, from, days, sessions, evses, meterEveryS, profile: PROFILES[city.profile], ratedW: city.mostW,
    ocppVersion: chance.chance(0.5) ? "1.6" : "2.0.1", seed: chance.int(2 ** 31), fleetSeed: seed,
    meterSide: chance.chance(city.dcShare) ? "ac-input" : "evse-output",
    clockAlignedS: chance.chance(0.3) ? 900 : 0, quirks: quirksOf(chance),
  };
}

/** Harmless ways in which real stations differ, each at about one station in ten. */
function quirksOf(chance: Dice): Quirks {
  const rare = (): boolean => chance.chance(0.1);
  return {
    ...(rare() && { registerResets: chance.chance(0.6) ? "session" as const : "boot" as const }),
    ...(rare() && { energyInKwh: true }),
    ...(chance.chance(0.05) && { noMeterValues: true }),
    ...(rare() && { clockOffsetMs: Math.round(chance.uniform(-120_000, 120_000)) }),
    ...(chance.chance(0.05) && { localTimestamps: true }),
    ...(rare() && { readingAfterStop: true }),
    ...(rare() && { meterStepWh: 100 }),
  };
}
