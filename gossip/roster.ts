/**
 * The roster (SPEC.md, section 2): who the members are, in which zones, with which keys. Signed offline by the
 * operator, it is the only authority. It is read by roster-rules.ts and believed after roster-file.ts has verified it.
 */
import type { Epoch, StationId, ZoneId } from "../models/units.ts";
import { sameBytes } from "./bytes.ts";
import { type CborValue, encodeCbor } from "./cbor.ts";

export const ROSTER_FORMAT = 1;
/** Longest roster file, bytes: what each agent holds in memory and a packet can carry. About 1,300 members. */
export const MAX_ROSTER_BYTES = 256 * 1024;
export const MAX_MEMBERS = 4_096;
/** Keys of operators, of which `threshold` sign. */
export const MAX_OPERATORS = 16;
export const MAX_REVOKED = 4_096;
export const MAX_EVENTS = 256;
/** Longest event, UTF-16 units. */
export const MAX_EVENT_CHARS = 1_024;
export const MAX_PEOPLE = 64;
/** Fields that a later release adds; kept, and not understood. */
export const MAX_LATER_FIELDS = 2;

/** Raw Ed25519 public keys, one for each purpose: what one key signed is worth nothing under another. */
export interface MemberKeys {
  readonly statement: Uint8Array;
  readonly log: Uint8Array;
  readonly witness: Uint8Array;
  /** Of the self-signed certificate. */
  readonly tls: Uint8Array;
}

export interface Zone {
  readonly id: ZoneId;
  /** What the shared equipment carries, W; 0: not known. */
  readonly ratingW: number;
  /** How many lying or broken members the zone's verdicts must survive. */
  readonly f: number;
}

export interface Member {
  readonly station: StationId;
  readonly zone: ZoneId;
  readonly keys: MemberKeys;
  /** `host:port` of its embedded broker; empty when it has none. */
  readonly address: string;
  /** Degrees times 10^6; both 0 when the place is not known. */
  readonly latE6: number;
  readonly lonE6: number;
  readonly ratedW: number;
}

/** Someone who may say something to agents (word.ts): nobody who signs rosters by that. */
export interface Person {
  /** The alphabet of a station id; each once. */
  readonly name: string;
  /** As in word.ts; one that is not known there may do nothing. */
  readonly role: string;
  /** Raw Ed25519. */
  readonly key: Uint8Array;
  /** Sorted; none: all zones of the roster. */
  readonly zones: readonly ZoneId[];
}

/** How far the log of a revoked key is still believed: what it signed later may be a thief's. */
export interface TrustedUntil {
  readonly station: StationId;
  /** The log key, which is among the revoked. */
  readonly log: Uint8Array;
  /** Entries, at least 1, and the root of the tree of so many, 32 bytes. */
  readonly size: number;
  readonly root: Uint8Array;
}

export interface Roster {
  /** Name of the region, as topics carry it. */
  readonly network: string;
  /** From 1, without gaps. */
  readonly version: number;
  /** Hash of the signed bytes of version - 1; empty for version 1. */
  readonly previous: Uint8Array;
  /** The first epoch that it counts for. */
  readonly fromEpoch: Epoch;
  readonly epochS: number;
  /** How many of `operators` must sign the next version. */
  readonly threshold: number;
  readonly operators: readonly Uint8Array[];
  /** Sorted by id. */
  readonly zones: readonly Zone[];
  /** Sorted by station. */
  readonly members: readonly Member[];
  /** Keys that no member may have any more. */
  readonly revoked: readonly Uint8Array[];
  /** Known causes of joint behaviour, each a JSON object as in the region file. */
  readonly events: readonly string[];
  /** Sorted by name; absent like an empty one. */
  readonly people?: readonly Person[];
  /** Each log key once; absent like an empty one. Of a revoked log key that is not here nothing is believed. */
  readonly trustedUntil?: readonly TrustedUntil[];
  /** What a later release has behind these. */
  readonly later?: readonly CborValue[];
}

/** The operators' public keys that somebody trusts, and how many of them must have signed. */
export interface Operators {
  readonly threshold: number;
  readonly keys: readonly Uint8Array[];
}

/** The bytes that operators sign. Throws RangeError on numbers that the wire cannot carry; checks no other rule. */
export function encodeRoster(roster: Roster): Uint8Array {
  const zones = roster.zones.map(({ id, ratingW, f }) => [id, ratingW, f]);
  const members = roster.members.map(({ station, zone, keys, address, latE6, lonE6, ratedW }) =>
    [station, zone, keys.statement, keys.log, keys.witness, keys.tls, address, latE6, lonE6, ratedW]);
  const people = (roster.people ?? []).map((one) => [one.name, one.role, one.key, one.zones]);
  const trusted = (roster.trustedUntil ?? []).map(({ station, log, size, root }) => [station, log, size, root]);
  const later = roster.later ?? [];
  return encodeCbor([
    ROSTER_FORMAT, roster.network, roster.version, roster.previous, roster.fromEpoch, roster.epochS, roster.threshold,
    roster.operators, zones, members, roster.revoked, roster.events,
    // A roster of neither is written as it always was.
    ...(people.length + trusted.length + later.length > 0 ? [people, trusted, ...later] : []),
  ]);
}

/** The operators whose signatures the next version needs. */
export function nextOperators({ threshold, operators }: Roster): Operators {
  return { threshold, keys: operators };
}

/** The order of stations and zones: by their ASCII bytes, whatever the locale. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The member with that station; by bisection, so it may be asked for each message. */
export function memberOf(roster: Roster, station: string): Member | undefined {
  const { members } = roster;
  let low = 0;
  for (let high = members.length; low < high;) {
    const middle = (low + high) >>> 1;
    if (byText(members[middle]!.station, station) < 0) low = middle + 1;
    else high = middle;
  }
  const found = members[low];
  return found?.station === station ? found : undefined;
}

/** The member whose certificate has this raw Ed25519 key. */
export function memberByTlsKey(roster: Roster, key: Uint8Array): Member | undefined {
  return roster.members.find(({ keys }) => sameBytes(keys.tls, key));
}

export function zoneOf(roster: Roster, zone: string): Zone | undefined {
  return roster.zones.find(({ id }) => id === zone);
}

/** The members of a zone; the place in this list is a member's index in messages. Keep the list, it is made anew. */
export function zoneMembers(roster: Roster, zone: string): readonly Member[] {
  return roster.members.filter((member) => member.zone === zone);
}

/** Signatures that a certificate of a zone of n members needs: SPEC.md, section 6. */
export function quorumOf(n: number, f: number): number {
  return Math.floor((n + f) / 2) + 1;
}
