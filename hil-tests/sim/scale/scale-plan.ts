/**
 * How a region of so many agents is laid out. A roster's file holds about 1,300 members (256 KB of signed text, 197
 * bytes a member), and everything that an agent keeps or does follows from its own roster: so a larger region is many
 * rosters, each a network of its own, and no agent knows of another roster's.
 */
import { directoryOf, type Directory } from "../../../gossip/directory.ts";
import { byText, type Member, type Roster } from "../../../gossip/roster.ts";
import type { Epoch, StationId, ZoneId } from "../../../models/units.ts";
import type { Keys } from "../soak/sim-crypto.ts";

export const ZONE_SIZE = 30;
/** f of a zone of thirty: as `npm run bench zone-laws` measures it. */
export const LIARS_TOLERATED = 4;
/** Zones under one roster: 1,200 members, with room in the file. */
export const MOST_ZONES = 40;
export const EPOCH_S = 10;

/** Zones of each roster for a region of so many agents, as even as can be. */
export function rostersFor(agents: number): number[] {
  const zones = Math.max(1, Math.ceil(agents / ZONE_SIZE));
  const rosters = Math.ceil(zones / MOST_ZONES);
  const until = (i: number): number => Math.floor((i * zones) / rosters);
  return Array.from({ length: rosters }, (_, i) => until(i + 1) - until(i));
}

/** One roster: chargers of a zone stand along a street, 50 m apart. */
export function rosterOf({ signerOf }: Keys, network: string, zones: number): Roster {
  const ids = Array.from({ length: zones }, (_, zone) => `feeder-${String(zone).padStart(2, "0")}` as ZoneId);
  const members = ids.flatMap((zone, street) => Array.from({ length: ZONE_SIZE }, (_, house): Member => {
    const station = `${network}-${zone}-${String(house).padStart(2, "0")}` as StationId;
    const key = (purpose: string): Uint8Array => signerOf(`${station} ${purpose}`).publicKey;
    return {
      station, zone, address: "", latE6: 56_000_000 + 450 * house, lonE6: 10_000 * street, ratedW: 22_000,
      keys: { statement: key("statement"), log: key("log"), witness: key("witness"), tls: key("tls") },
    };
  }));
  return {
    network, version: 1, previous: new Uint8Array(0), fromEpoch: 0 as Epoch, epochS: EPOCH_S, threshold: 1,
    operators: [signerOf("operator").publicKey], zones: ids.map((id) => ({ id, ratingW: 0, f: LIARS_TOLERATED })),
    members: members.sort((a, b) => byText(a.station, b.station)), revoked: [], events: [],
  };
}

/** The zones as agents see them. */
export const directoriesOf = (roster: Roster): Directory[] => roster.zones.map(({ id }) => directoryOf(roster, id));
