/** Who stands on the street of `npm start`: two zones of six fast chargers, and the region file that says so. Pure. */
import type { SimVersion } from "../sim/capture.ts";
import type { StationId, ZoneId } from "../../models/units.ts";

export interface Plot {
  readonly station: StationId;
  readonly zone: ZoneId;
  readonly version: SimVersion;
  /** Degrees. */
  readonly lat: number;
  readonly lon: number;
}

export const REGION = "town";
export const NORTH = "north" as ZoneId;
export const SOUTH = "south" as ZoneId;
export const ZONES: readonly ZoneId[] = [NORTH, SOUTH];
export const PER_ZONE = 6;
/** f: six agents survive one that lies, and four of them make a verdict. */
export const LIARS_TOLERATED = 1;
export const QUORUM = 4;
/** The fastest chargers that there are: enough energy in half a minute to be compared. */
export const RATED_W = 300_000;

/** About twenty metres, so that those of one zone are close to each other and the zones are a walk apart. */
const STEP_DEGREES = 0.0002;
const ZONE_DEGREES = 0.01;

/** N-1 to N-6 and S-1 to S-6; every other one speaks OCPP 2.0.1. */
export const PLOTS: readonly Plot[] = ZONES.flatMap((zone, z) => Array.from({ length: PER_ZONE }, (_, i): Plot => ({
  station: `${zone.slice(0, 1).toUpperCase()}-${i + 1}` as StationId, zone, version: i % 2 === 0 ? "1.6" : "2.0.1",
  lat: 36.72 - z * ZONE_DEGREES, lon: -4.42 + i * STEP_DEGREES,
})));

/** The region file of the street, or of some of it. JSON is YAML. */
export function regionFile(plots: readonly Plot[], timezone: string): string {
  const zones = ZONES.map((id) => ({ id, plots: plots.filter(({ zone }) => zone === id) }))
    .filter((zone) => zone.plots.length > 0)
    .map((zone) => ({
      id: zone.id, ratingW: PER_ZONE * RATED_W,
      liarsTolerated: zone.plots.length > 3 * LIARS_TOLERATED ? LIARS_TOLERATED : 0,
      stations: zone.plots.map(({ station: id, version: ocppVersion, lat, lon }) => ({
        id, lat, lon, ratedW: RATED_W, evses: 1, ocppVersion, profile: "public-rapid",
      })),
    }));
  return JSON.stringify({ version: 1, region: REGION, timezone, zones }, undefined, 2);
}

const BUSY_HOUR = 13;

/**
 * The time zone in which it is early afternoon now. What is usual depends on the hour; whether the demonstration ends
 * as told must not depend on when it is started.
 */
export function afternoonZone(now: Date): string {
  const ahead = (BUSY_HOUR - now.getUTCHours() + 36) % 24 - 12;
  // POSIX counts westwards: Etc/GMT-3 is three hours ahead of Greenwich.
  return ahead === 0 ? "Etc/GMT" : `Etc/GMT${ahead > 0 ? "-" : "+"}${Math.abs(ahead)}`;
}
