/** From a region file and the stations' member files to a roster that operators can sign. */
import { hex } from "../gossip/bytes.ts";
import { MOST_MEMBERS } from "../gossip/directory.ts";
import { byText, type Member, type Person, type Roster, type Zone } from "../gossip/roster.ts";
import type { VerifiedRoster } from "../gossip/roster-file.ts";
import { type Epoch, HOUR_MS, ID_RULE, isZoneId, type StationId, type WallMs, epochOf } from "../models/units.ts";
import { type Enrolment, MEMBER_KEYS, memberFileName } from "./member-file.ts";
import type { NamedOperators } from "./operators.ts";
import { refuse } from "./refuse.ts";
import { eventTexts, type Region, type RegionStation, type RegionZone } from "./region.ts";

const MAX_RATING_W = 2 ** 32 - 1;
/** A following version counts from an hour on: time for operators to sign it and for it to spread. */
const NOTICE_MS = HOUR_MS;
const DEFAULT_EPOCH_S = 10;

export interface RosterPlan {
  readonly region: Region;
  /** One for each station of the region. */
  readonly enrolments: ReadonlyMap<StationId, Enrolment>;
  /** Who signs the version after this one. */
  readonly operators: NamedOperators;
  /** The version before; absent: this is the first. */
  readonly previous?: Pick<VerifiedRoster, "roster" | "hash">;
  readonly fromEpoch?: number;
  readonly epochS?: number;
  /** Whose words count, in any order. */
  readonly people?: readonly Person[];
  readonly now: WallMs;
}

function zoneOf({ id, ratingW = 0, liarsTolerated: f, stations }: RegionZone, key: string): Zone {
  const n = stations.length;
  if (n > MOST_MEMBERS) refuse(`${key}.stations`, n, `at most ${MOST_MEMBERS} stations a zone`);
  if (n <= 3 * f) {
    refuse(`${key}.liarsTolerated`, f, `at most ${Math.floor((n - 1) / 3)} for ${n} stations (n > 3f)`);
  }
  if (ratingW > MAX_RATING_W) refuse(`${key}.ratingW`, ratingW, `at most ${MAX_RATING_W}`);
  return { id, ratingW: Math.round(ratingW), f };
}

function memberOf(station: RegionStation, { keys, address }: Enrolment): Member {
  return {
    station: station.id, zone: station.zone, keys, address, ratedW: Math.round(station.ratedW),
    // A negative zero is no integer of the wire.
    latE6: Math.round((station.lat ?? 0) * 1e6) + 0, lonE6: Math.round((station.lon ?? 0) * 1e6) + 0,
  };
}

/** One board that was copied onto another has its keys. */
function checkKeys(members: readonly Member[], revoked: readonly Uint8Array[]): void {
  const seen = new Map(revoked.map((key) => [hex(key), "a key that was revoked"]));
  for (const { station, keys } of members) {
    for (const purpose of MEMBER_KEYS) {
      const name = hex(keys[purpose]);
      const before = seen.get(name);
      if (before !== undefined) {
        refuse(`${memberFileName(station)}: keys.${purpose}`, before, "a key of its own; make new ones with keygen");
      }
      seen.set(name, `the ${purpose} key of ${station}`);
    }
  }
}

/** Keys that the version before had and this one has not: gone for good, so that a lost board cannot come back. */
function revokedKeys(previous: Roster | undefined, members: readonly Member[]): readonly Uint8Array[] {
  if (previous === undefined) return [];
  const kept = new Set(members.flatMap(({ keys }) => MEMBER_KEYS.map((purpose) => hex(keys[purpose]))));
  const gone = previous.members.flatMap(({ keys }) => MEMBER_KEYS.map((purpose) => keys[purpose]))
    .filter((key) => !kept.has(hex(key)));
  return [...previous.revoked, ...gone];
}

function epochs({ previous, fromEpoch, epochS, now }: RosterPlan): { readonly epochS: number; readonly from: Epoch } {
  const last = previous?.roster;
  if (last !== undefined && epochS !== undefined && epochS !== last.epochS) {
    refuse("--epoch", epochS, `${last.epochS}, as in the version before`);
  }
  const length = epochS ?? last?.epochS ?? DEFAULT_EPOCH_S;
  const usual = last === undefined ? 0 : Math.max(last.fromEpoch, epochOf(now + NOTICE_MS as WallMs, length));
  const from = fromEpoch ?? usual;
  if (last !== undefined && from < last.fromEpoch) {
    refuse("--from-epoch", from, `${last.fromEpoch} or later, as in the version before`);
  }
  return { epochS: length, from: from as Epoch };
}

/**
 * The roster of a region. The caller still decodes what it encodes: that checks every other rule.
 * @throws UsageError that names the key or file, what was found and what is allowed.
 */
export function planRoster(plan: RosterPlan): Roster {
  const { region, enrolments, operators, previous } = plan;
  const last = previous?.roster;
  if (!isZoneId(region.region)) refuse("region", region.region, `${ID_RULE}: topics carry it`);
  if (last !== undefined && region.region !== last.network) {
    refuse("region", region.region, `${last.network}, as in the version before`);
  }
  const zones = region.zones.map((zone, i) => zoneOf(zone, `zones[${i}]`)).sort((a, b) => byText(a.id, b.id));
  const stations = region.zones.flatMap((zone) => zone.stations);
  const members = stations.map((station) => {
    const enrolment = enrolments.get(station.id);
    return enrolment === undefined ? refuse(memberFileName(station.id), undefined, "a member file for each station")
      : memberOf(station, enrolment);
  }).sort((a, b) => byText(a.station, b.station));
  checkKeys(members, last?.revoked ?? []);
  const { epochS, from } = epochs(plan);
  return {
    network: region.region, version: (last?.version ?? 0) + 1, previous: previous?.hash ?? new Uint8Array(0),
    fromEpoch: from, epochS, threshold: operators.threshold, operators: operators.keys, zones, members,
    revoked: revokedKeys(last, members), events: eventTexts(region),
    people: [...plan.people ?? []].sort((a, b) => byText(a.name, b.name)),
    trustedUntil: last?.trustedUntil ?? [],
  };
}
