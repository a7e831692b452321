/** What the protocol of one zone needs to know of its roster, and no more: a roster in force can be seen as one. */
import type { StationId, ZoneId } from "../models/units.ts";
import { type Roster, zoneMembers, zoneOf } from "./roster.ts";

export interface DirectoryMember {
  readonly station: StationId;
  /** Raw Ed25519, 32 bytes. */
  readonly statementKey: Uint8Array;
}

export interface Directory {
  readonly network: string;
  /** The roster's version: messages say which they were made under. */
  readonly version: number;
  readonly epochS: number;
  /** `f`: how many Byzantine or broken members the zone survives. */
  readonly zone: { readonly id: ZoneId; readonly f: number };
  /** The zone's members in the roster's order; a member's index is its place here. At most MOST_MEMBERS. */
  readonly members: readonly DirectoryMember[];
  /** -1 for a station that is not a member of the zone. */
  indexOf(station: string): number;
}

/** A digest and a certificate that name every member of a larger zone would not fit their limits. */
export const MOST_MEMBERS = 64;

/** Made once a roster and zone: agents that share a process, and the parts of one agent, hold the same. */
const known = new WeakMap<Roster, Map<ZoneId, Directory>>();

/** One zone of a roster as its protocol sees it. Throws RangeError when the roster has no such zone. */
export function directoryOf(roster: Roster, zone: ZoneId): Directory {
  const ofRoster = known.get(roster) ?? new Map<ZoneId, Directory>();
  known.set(roster, ofRoster);
  const directory = ofRoster.get(zone) ?? makeDirectory(roster, zone);
  ofRoster.set(zone, directory);
  return directory;
}

function makeDirectory(roster: Roster, zone: ZoneId): Directory {
  const listed = zoneOf(roster, zone);
  if (listed === undefined) throw new RangeError(`the roster has no zone ${zone}`);
  const members = zoneMembers(roster, zone).map(({ station, keys }) => ({ station, statementKey: keys.statement }));
  const places = new Map<string, number>(members.map(({ station }, index) => [station, index]));
  return {
    network: roster.network, version: roster.version, epochS: roster.epochS, zone: { id: zone, f: listed.f }, members,
    indexOf: (station) => places.get(station) ?? -1,
  };
}
