/** A region as the simulator plays it: the agent's own reading of the file, with profiles that the simulator knows. */
import { parseRegion as parseForAgents, type RegionStation as AgentStation } from "../../edge-agent/region.ts";
import type { SimVersion } from "./capture.ts";
import { PROFILE_NAMES, type ProfileName } from "./profile.ts";
import { refuse } from "../../edge-agent/refuse.ts";
import type { ZoneId } from "../../models/units.ts";

export interface RegionStation extends AgentStation {
  readonly ocppVersion: SimVersion;
  /** How people use it; absent: chosen by the rating. */
  readonly profile?: ProfileName;
}

export interface Zone {
  readonly id: ZoneId;
  readonly ratingW?: number;
  readonly liarsTolerated: number;
  readonly stations: readonly RegionStation[];
}

export interface Region {
  readonly region: string;
  readonly timezone: string;
  readonly zones: readonly Zone[];
}

const VERSIONS: readonly string[] = ["1.6", "2.0.1"] satisfies SimVersion[];

function isPlayable(station: AgentStation, key: string): station is RegionStation {
  const { ocppVersion, profile } = station;
  if (!VERSIONS.includes(ocppVersion)) refuse(`${key}.ocppVersion`, ocppVersion, VERSIONS.join(", "));
  if (profile !== undefined && !(PROFILE_NAMES as string[]).includes(profile)) {
    refuse(`${key}.profile`, profile, PROFILE_NAMES.join(", "));
  }
  return true;
}

/** Reads a region from YAML or JSON. Throws UsageError that names the key, what was found and what is allowed. */
export function parseRegion(source: string): Region {
  const { region, timezone, zones } = parseForAgents(source);
  const playable = zones.map((zone, i) => ({
    ...zone,
    stations: zone.stations.filter((station, j): station is RegionStation =>
      isPlayable(station, `zones[${i}].stations[${j}]`)),
  }));
  return { region, timezone, zones: playable };
}
