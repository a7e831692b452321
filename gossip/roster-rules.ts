/**
 * Every rule of SPEC.md, section 2, checked on bytes that anyone may have sent. A problem says in words which place
 * is wrong, what was found there and what is allowed.
 */
import { ok, problem, type Result } from "../models/result.ts";
import { type Epoch, ID_RULE, isStationId, type StationId, type ZoneId } from "../models/units.ts";
import { hex } from "./bytes.ts";
import { type CborValue, decodeCbor } from "./cbor.ts";
import { MOST_MEMBERS } from "./directory.ts";
import { publicKeyProblem } from "./ed25519.ts";
import { MAX_PORT, parseHostPort } from "./host-port.ts";
import {
  byText, MAX_EVENT_CHARS, MAX_EVENTS, MAX_LATER_FIELDS, MAX_MEMBERS, MAX_OPERATORS, MAX_PEOPLE, MAX_REVOKED,
  MAX_ROSTER_BYTES, type Member, type Person, type Roster, ROSTER_FORMAT, type TrustedUntil, type Zone,
} from "./roster.ts";

/** Without people and last checkpoints, and with them. */
const [FIELDS, MORE_FIELDS] = [12, 14];
const HASH_BYTES = 32;
const MAX_U32 = 2 ** 32 - 1;
const MAX_EPOCH_S = 3_600;
const MAX_LAT_E6 = 90_000_000;
const MAX_LON_E6 = 180_000_000;
const PURPOSES = ["statement", "log", "witness", "tls"] as const;

/** Says why in words; never leaves this file. */
class Refused extends Error {}

/** What stands at a place, short enough for a message: bytes by their number, texts cut. */
function found(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value);
  return value === undefined ? "nothing" : String(value);
}

function refuse(place: string, value: unknown, allowed: string): never {
  throw new Refused(`${place}: found ${found(value)}; allowed: ${allowed}`);
}

function integer(value: unknown, place: string, low: number, high: number): number {
  if (typeof value === "number" && value >= low && value <= high) return value;
  return refuse(place, value, `an integer from ${low} to ${high}`);
}

function list(value: unknown, place: string, low: number, high: number): readonly CborValue[] {
  if (Array.isArray(value) && value.length >= low && value.length <= high) return value as CborValue[];
  return refuse(place, value, `a list of ${low === high ? low : `${low} to ${high}`}`);
}

/** Of a station, a zone, a network or a person: all have one rule. */
function idOf<T extends string>(value: unknown, place: string): T {
  return typeof value === "string" && isStationId(value) ? value as string as T : refuse(place, value, ID_RULE);
}

function key(value: unknown, place: string): Uint8Array {
  if (!(value instanceof Uint8Array)) return refuse(place, value, "a public key of 32 bytes");
  const why = publicKeyProblem(value);
  if (why !== undefined) throw new Refused(`${place}: found ${found(value)} (${why}); allowed: an Ed25519 public key`);
  return value;
}

/** Refuses names of a list that are not each once and sorted. */
function rising(names: readonly string[], place: string, field: string, allowed: string): void {
  names.forEach((name, i) => {
    if (i > 0 && byText(names[i - 1]!, name) >= 0) refuse(`${place}[${i}]${field}`, name, allowed);
  });
}

/** Refuses a key that was seen before, and remembers it otherwise. */
function once(seen: Map<string, string>, bytes: Uint8Array, place: string): void {
  const name = hex(bytes);
  const before = seen.get(name);
  if (before !== undefined) throw new Refused(`${place}: found the key of ${before}; allowed: each key once`);
  seen.set(name, place);
}

function keys(value: unknown, place: string, low: number, high: number): readonly Uint8Array[] {
  const seen = new Map<string, string>();
  return list(value, place, low, high).map((item, i) => {
    const one = key(item, `${place}[${i}]`);
    once(seen, one, `${place}[${i}]`);
    return one;
  });
}

function previousOf(value: unknown, version: number): Uint8Array {
  const length = version === 1 ? 0 : HASH_BYTES;
  if (value instanceof Uint8Array && value.length === length) return value;
  return refuse("previous", value, `${length} bytes for version ${version}`);
}

function zonesOf(value: unknown): readonly Zone[] {
  const zones = list(value, "zones", 1, MAX_MEMBERS).map((item, i): Zone => {
    const place = `zones[${i}]`;
    const [id, ratingW, f] = list(item, place, 3, 3);
    return {
      id: idOf(id, `${place}.id`), ratingW: integer(ratingW, `${place}.ratingW`, 0, MAX_U32),
      f: integer(f, `${place}.f`, 0, MAX_MEMBERS),
    };
  });
  rising(zones.map(({ id }) => id), "zones", ".id", "each zone once, sorted by id");
  return zones;
}

function addressOf(value: unknown, place: string): string {
  if (value === "") return value;
  const port = typeof value === "string" ? parseHostPort(value)?.port : undefined;
  return port !== undefined && port > 0 ? value as string
    : refuse(place, value, `host:port, port 1 to ${MAX_PORT}, or nothing`);
}

function memberOfValue(item: CborValue, place: string): Member {
  const [station, zone, ...rest] = list(item, place, 10, 10);
  const own = { station: idOf<StationId>(station, `${place}.station`), zone: idOf<ZoneId>(zone, `${place}.zone`) };
  const [statement, log, witness, tls] = PURPOSES.map((purpose, i) => key(rest[i], `${place}.${purpose} key`));
  return {
    ...own, keys: { statement: statement!, log: log!, witness: witness!, tls: tls! },
    address: addressOf(rest[4], `${place}.address`),
    latE6: integer(rest[5], `${place}.latE6`, -MAX_LAT_E6, MAX_LAT_E6),
    lonE6: integer(rest[6], `${place}.lonE6`, -MAX_LON_E6, MAX_LON_E6),
    ratedW: integer(rest[7], `${place}.ratedW`, 0, MAX_U32),
  };
}

function membersOf(value: unknown): readonly Member[] {
  const members = list(value, "members", 1, MAX_MEMBERS).map((item, i) => memberOfValue(item, `members[${i}]`));
  const seen = new Map<string, string>();
  rising(members.map(({ station }) => station), "members", ".station", "each station once, sorted by station");
  members.forEach(({ keys: own }, i) => {
    for (const purpose of PURPOSES) once(seen, own[purpose], `members[${i}].${purpose} key`);
  });
  return members;
}

/** n > 3f: fewer honest members could not outvote f liars. Also refuses a zone without members. */
function checkZones(zones: readonly Zone[], members: readonly Member[]): void {
  const sizes = new Map(zones.map(({ id }) => [id as string, 0]));
  members.forEach(({ zone }, i) => {
    const size = sizes.get(zone);
    if (size === undefined) return refuse(`members[${i}].zone`, zone, "a zone of this roster");
    sizes.set(zone, size + 1);
  });
  zones.forEach(({ id, f }, i) => {
    const n = sizes.get(id) ?? 0;
    if (n === 0) refuse(`zones[${i}]`, id, "a zone with at least one member");
    if (n > MOST_MEMBERS) refuse(`zones[${i}]`, `${id} with ${n} members`, `at most ${MOST_MEMBERS} members a zone`);
    if (n <= 3 * f) refuse(`zones[${i}].f`, f, `at most ${Math.floor((n - 1) / 3)} for ${n} members (n > 3f)`);
  });
}

function checkRevoked(revoked: readonly Uint8Array[], members: readonly Member[]): void {
  const names = new Set(revoked.map(hex));
  members.forEach(({ keys: own }, i) => {
    for (const purpose of PURPOSES) {
      if (!names.has(hex(own[purpose]))) continue;
      refuse(`members[${i}].${purpose} key`, own[purpose], "a key that is not revoked");
    }
  });
}

/** Kinds of events are left open: a new kind must not make a roster unreadable to an agent that is a release behind. */
function isEvent(text: string): boolean {
  try {
    const event = JSON.parse(text) as unknown;
    return typeof event === "object" && event !== null && !Array.isArray(event)
      && typeof (event as Record<string, unknown>)["kind"] === "string";
  } catch {
    return false;
  }
}

function eventsOf(value: unknown): readonly string[] {
  return list(value, "events", 0, MAX_EVENTS).map((item, i) => {
    if (typeof item === "string" && item.length <= MAX_EVENT_CHARS && isEvent(item)) return item;
    return refuse(`events[${i}]`, item, `a JSON object with a kind, at most ${MAX_EVENT_CHARS} characters`);
  });
}

function personOf(item: CborValue, place: string, zones: ReadonlySet<string>): Person {
  const [name, role, own, some] = list(item, place, 4, 4);
  const named = list(some, `${place}.zones`, 0, MAX_MEMBERS).map((zone, i) => {
    if (typeof zone !== "string" || !zones.has(zone)) refuse(`${place}.zones[${i}]`, zone, "a zone of this roster");
    return zone as ZoneId;
  });
  rising(named, `${place}.zones`, "", "each zone once, sorted");
  return {
    name: idOf(name, `${place}.name`), role: idOf(role, `${place}.role`), key: key(own, `${place}.key`), zones: named,
  };
}

/** What a person signs is never what an agent says. */
function peopleOf(value: unknown, { zones, members, revoked }: Roster): readonly Person[] {
  const known = new Set<string>(zones.map(({ id }) => id));
  const people = list(value, "people", 0, MAX_PEOPLE).map((item, i) => personOf(item, `people[${i}]`, known));
  const taken = new Map(revoked.map((one) => [hex(one), "somebody revoked"]));
  for (const { station, keys: own } of members) for (const each of PURPOSES) taken.set(hex(own[each]), station);
  rising(people.map(({ name }) => name), "people", ".name", "each once, sorted by name");
  people.forEach(({ key: own }, i) => once(taken, own, `people[${i}].key`));
  return people;
}

function trustedOf(value: unknown, revoked: readonly Uint8Array[]): readonly TrustedUntil[] {
  const gone = new Set(revoked.map(hex));
  const seen = new Map<string, string>();
  return list(value, "trustedUntil", 0, MAX_REVOKED).map((item, i): TrustedUntil => {
    const place = `trustedUntil[${i}]`;
    const [station, log, size, root] = list(item, place, 4, 4);
    const own = key(log, `${place}.log key`);
    if (!gone.has(hex(own))) refuse(`${place}.log key`, own, "a revoked key");
    once(seen, own, `${place}.log key`);
    if (!(root instanceof Uint8Array) || root.length !== HASH_BYTES) {
      return refuse(`${place}.root`, root, `${HASH_BYTES} bytes`);
    }
    return {
      station: idOf(station, `${place}.station`), log: own,
      size: integer(size, `${place}.size`, 1, MAX_U32), root,
    };
  });
}

/** The fields that only some rosters have. */
function withMore(roster: Roster, [people, trusted, ...later]: readonly CborValue[]): Roster {
  if (people === undefined) return roster;
  const known = { people: peopleOf(people, roster), trustedUntil: trustedOf(trusted, roster.revoked) };
  if (known.people.length + known.trustedUntil.length + later.length === 0) {
    refuse("roster", "two empty lists at its end", `${FIELDS} fields then`);
  }
  return { ...roster, ...known, ...(later.length > 0 && { later }) };
}

function rosterOf(value: CborValue): Roster {
  const fields = list(value, "roster", FIELDS, MORE_FIELDS + MAX_LATER_FIELDS);
  if (fields.length === FIELDS + 1) refuse("roster", fields, `a list of ${FIELDS}, or of ${MORE_FIELDS} and more`);
  if (fields[0] !== ROSTER_FORMAT) refuse("format", fields[0], String(ROSTER_FORMAT));
  const network = idOf(fields[1], "network");
  const version = integer(fields[2], "version", 1, MAX_U32);
  const operators = keys(fields[7], "operators", 1, MAX_OPERATORS);
  const roster: Roster = {
    network, version,
    previous: previousOf(fields[3], version),
    fromEpoch: integer(fields[4], "fromEpoch", 0, MAX_U32) as Epoch,
    epochS: integer(fields[5], "epochS", 1, MAX_EPOCH_S),
    threshold: integer(fields[6], "threshold", 1, operators.length),
    operators,
    zones: zonesOf(fields[8]),
    members: membersOf(fields[9]),
    revoked: keys(fields[10], "revoked", 0, MAX_REVOKED),
    events: eventsOf(fields[11]),
  };
  checkZones(roster.zones, roster.members);
  checkRevoked(roster.revoked, roster.members);
  return withMore(roster, fields.slice(FIELDS));
}

/** A roster from the bytes that operators sign. Never throws; `problem` says place, found and allowed. */
export function decodeRoster(bytes: Uint8Array): Result<Roster> {
  if (bytes.length > MAX_ROSTER_BYTES) {
    return problem(`roster: found ${bytes.length} bytes; allowed: at most ${MAX_ROSTER_BYTES}`);
  }
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) return problem(`roster: ${decoded.problem}`);
  try {
    return ok(rosterOf(decoded.value));
  } catch (error) {
    if (error instanceof Refused) return problem(error.message);
    throw error;
  }
}
