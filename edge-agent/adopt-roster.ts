/** What another roster in force means for a running agent: whom it hears and witnesses, and whether it still speaks. */
import { leaveZone, setDirectory } from "../gossip/agreement-protocol.ts";
import { directoryOf } from "../gossip/directory.ts";
import { AT_LEAST_EVERY_MS } from "../gossip/gossip.ts";
import { neighboursOf } from "../gossip/membership.ts";
import { reseatRegion } from "../gossip/region.ts";
import { type Roster, zoneMembers } from "../gossip/roster.ts";
import { declareJointCauses } from "../models/detect/detect.ts";
import { jointCauses } from "../models/detect/joint-causes.ts";
import type { StationId, ZoneId } from "../models/units.ts";
import { placesOf, regionSeats } from "./core.ts";
import type { AgentState } from "./pipeline.ts";
import { setWitnesses } from "./record/witnessing.ts";

/**
 * A member goes on with its statements, evidence and incidents, and in another zone with its statements and evidence
 * alone; who is none any more watches alone, as without a roster, and what it knows of the zone's incidents runs out.
 * @param own the zone that the roster has the agent in; undefined: it is no member
 */
export function adoptRoster(state: AgentState, roster: Roster, own: ZoneId | undefined): void {
  const { detect, gossip, zone, witnessing, believed } = state;
  if (zone === undefined) return;
  const isMember = own !== undefined;
  if (isMember) {
    if (own !== gossip.zone) moveTo(state, own);
    setDirectory(zone.protocol, directoryOf(roster, own));
    Object.assign(zone, placesOf(roster, own));
    zone.region.zones = roster.zones.length;
    const { region, crypto, station } = zone.protocol;
    if (region !== undefined) reseatRegion(region, regionSeats(crypto, roster, station));
  } else {
    leaveZone(zone.protocol);
  }
  if (witnessing !== undefined) {
    setWitnesses(witnessing, isMember ? neighboursOf(gossip.crypto, roster, gossip.station) : []);
  }
  believed.roster = roster;
  declareJointCauses(detect, isMember ? jointCauses(roster.events, gossip.zone) : []);
  gossip.rosterVersion = isMember ? roster.version : 0;
  gossip.statedEveryMs = isMember ? 0 : AT_LEAST_EVERY_MS;
}

/** Its chain of statements goes on, in another zone's name: two of one epoch would be two words of one author. */
function moveTo({ gossip, agree, alert, zone }: AgentState, own: ZoneId): void {
  for (const one of [gossip, agree, alert]) one.zone = own;
  zone?.closed.clear();
}

const MOST_NAMED = 5;

/** Who came and who went between two rosters of a zone, for the operator. */
export function changeText(before: Roster, after: Roster, zone: string): string {
  const [were, are] = [before, after].map((roster) => zoneMembers(roster, zone).map(({ station }) => station));
  const without = (all: readonly StationId[], some: readonly StationId[]): StationId[] =>
    all.filter((station) => !some.includes(station));
  const named = (what: string, stations: readonly StationId[]): string => {
    const more = stations.length > MOST_NAMED ? ` and ${stations.length - MOST_NAMED} more` : "";
    return stations.length === 0 ? "" : `; ${what} ${stations.slice(0, MOST_NAMED).join(", ")}${more}`;
  };
  return `${are!.length} members in zone ${zone}${named("new:", without(are!, were!))}` +
    `${named("gone:", without(were!, are!))}`;
}
