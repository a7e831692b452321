/** What makes a lone agent a member of a street: its roster, verified, and the transport to its neighbours. */
import { sameBytes } from "../../gossip/bytes.ts";
import { topicText } from "../../gossip/message.ts";
import { leftOut, type Neighbour, neighboursOf, reachOf } from "../../gossip/membership.ts";
import type { Outgoing } from "../../gossip/protocol-state.ts";
import { type Member, memberOf, type Roster, zoneOf } from "../../gossip/roster.ts";
import type { KnownRoster } from "../../gossip/roster-chain.ts";
import type { Crypto } from "../../models/crypto.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import { SECOND_MS, type StationId, type ZoneId } from "../../models/units.ts";
import type { Config, Environment } from "../config.ts";
import { mqttText } from "../config-schema.ts";
import { type NamedOperators, readOperators } from "../operators.ts";
import type { AgentEvent, Clock, Random, Timers } from "../ports.ts";
import { brokersOf } from "../zone-brokers.ts";
import { type MeshMember, meteredFilters } from "./broker-rules.ts";
import type { DeviceKeys } from "./keys.ts";
import { createMesh, type Mesh, type SiteBroker } from "./mesh.ts";
import { loadRoster } from "./roster-file.ts";
import { readSiteBrokers } from "./tls-files.ts";
import { tlsIdentity } from "./tls-identity.ts";

export interface Membership {
  readonly roster: Roster;
  readonly member: Member;
  readonly keys: DeviceKeys;
}

/**
 * The membership that the configuration speaks of; undefined without `mesh`.
 * @throws Error of one line that names the key or file, what was found and what to do
 */
export function loadMembership(
  config: Config, crypto: Crypto, keys: DeviceKeys,
): Membership & { readonly loaded: KnownRoster } | undefined {
  const { mesh } = config;
  const trusted = trustedOperators(config, crypto);
  if (mesh === undefined || trusted === undefined) return undefined;
  const loaded = loadRoster(crypto, mesh.roster, trusted);
  if (!loaded.ok) throw new Error(`mesh.roster: ${loaded.problem}`);
  const { roster } = loaded.value;
  const own = memberIn(roster, mesh.roster, config, keys);
  if (!own.ok) throw new Error(`mesh.roster: ${own.problem}`);
  checkEpochS(roster, config);
  return { loaded: loaded.value, roster, member: own.value, keys };
}

/** Whom the configuration trusts with rosters. @throws Error that names the key */
export function trustedOperators({ operators }: Config, crypto: Crypto): NamedOperators | undefined {
  if (operators === undefined) return undefined;
  const trusted = readOperators(crypto, operators.threshold, operators.keys);
  if (!trusted.ok) throw new Error(`operators.${trusted.problem}`);
  return trusted.value;
}

export function checkEpochS({ epochS }: Roster, config: Config): void {
  if (epochS !== config.epochS) throw new Error(`epochS: found ${config.epochS}; allowed: the roster's, ${epochS}`);
}

/**
 * This station as the roster lists it, with this device's keys.
 * @param name of the roster, for the problem
 */
export function memberIn(roster: Roster, name: string, { station }: Config, { signers }: DeviceKeys): Result<Member> {
  const member = memberOf(roster, station);
  if (member === undefined) return problem(`${name} has no member ${station}; have it enrolled`);
  for (const purpose of ["statement", "log", "witness", "tls"] as const) {
    if (sameBytes(member.keys[purpose], signers[purpose].publicKey)) continue;
    return problem(`the ${purpose} key of ${station} is not this device's; put back the device's keys, or have the ` +
      "operator enrol this device anew");
  }
  return ok(member);
}

export interface MeshPorts {
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly notice: (text: string) => void;
  readonly env: Environment;
  readonly onEvent: (event: AgentEvent) => void;
}

const mqttOf = ({ host, port, ca }: SiteBroker): string => mqttText({ secure: ca !== undefined, host, port });

export interface Street {
  /** Rejects with an Error of one line when the embedded broker cannot listen. */
  start(): Promise<void>;
  stop(): Promise<void>;
  stats(): ReturnType<Mesh["stats"]>;
  /** Another roster is in force: only its members are heard from now on; undefined: nobody. */
  follow(roster: Roster | undefined): void;
  /** Says what the pipeline says, each message on its author's topic. */
  publish(messages: readonly Outgoing[]): void;
}

interface Seat {
  readonly zone: ZoneId;
  /** Which topics a mesh subscribes to follows from this, and is settled when it is made. */
  readonly text: string;
  /** On a metered link: whom the member takes note of. */
  readonly heard: readonly StationId[];
  /** Whose brokers it dials, if they have one. */
  readonly dialled: readonly Neighbour[];
}

function seatIn(roster: Roster, station: StationId, crypto: Crypto, mesh: Config["mesh"]): Seat {
  const { zone } = memberOf(roster, station)!;
  const all = neighboursOf(crypto, roster, station);
  const near = all.filter(({ link }) => link !== "bridge");
  const isMetered = mesh?.metered === true;
  const heard = isMetered ? near.map(({ member }) => member.station) : [];
  return {
    zone, heard, text: JSON.stringify([zone, roster.zones.map(({ id }) => id), heard]),
    dialled: isMetered ? fewestOf(near, mesh.brokers.length, zoneOf(roster, zone)!.f) : all,
  };
}

/** Each connection is paid for: none beside a site's broker; else one honest neighbour, though one more is away. */
function fewestOf(near: readonly Neighbour[], sites: number, f: number): readonly Neighbour[] {
  const dialled = near.filter(({ member: { address } }) => address !== "");
  return sites > 0 ? [] : [...dialled.filter(({ link }) => link === "long"), ...dialled.filter(({ link }) =>
    link === "near")].slice(0, f + 2);
}

/** Witnesses answer at their next epoch; a statement that does not come is asked for again in the next. */
const ANSWERS_EPOCHS = 3;

/** The transport of a member, not started yet. */
export function streetOf({ roster: first, member: { station }, keys }: Membership, config: Config, ports: MeshPorts):
  Street {
  const { crypto, clock, timers, random, notice, onEvent, env } = ports;
  let members: readonly MeshMember[] = [];
  const seatOf = (roster: Roster): Seat => seatIn(roster, station, crypto, config.mesh);
  const meshIn = (roster: Roster, { zone, heard }: Seat): Mesh => createMesh({
    identity: tlsIdentity(station, keys.tlsSeed), network: roster.network, zones: [zone],
    region: roster.zones.map(({ id }) => id),
    members: () => members, clock, timers, random, brokers: brokersOf(
      crypto, zone, readSiteBrokers(config, env), config.mesh?.brokersAtOnce ?? Infinity, mqttOf),
    ...(config.mesh?.listen !== undefined && { listen: config.mesh.listen }),
    ...(config.mesh?.metered === true && { metered: {
      near: meteredFilters(roster.network, zone, ["+"]), site: meteredFilters(roster.network, zone, heard),
      answersMs: ANSWERS_EPOCHS * config.epochS * SECOND_MS,
    } }),
  }, (topic, bytes, from) => onEvent({ kind: "message", topic, bytes, from }), notice);
  let seat = seatOf(first);
  let mesh = meshIn(first, seat);
  let reach = reachOf([]);
  let [isRunning, isAway, turn] = [false, false, Promise.resolve()];
  /** One after the other: a port is free again before it is bound anew. */
  const change = (from: Mesh, to: Mesh | undefined): void => {
    turn = turn.then(() => from.stop()).then(() => to?.start())
      .catch((error: Error) => notice(`mesh: ${error.message}; watches alone`));
  };
  const follow = (roster: Roster | undefined): void => {
    const before = mesh;
    const next = roster === undefined ? seat : seatOf(roster);
    if (roster !== undefined && next.text !== seat.text) mesh = meshIn(roster, next);
    seat = next;
    members = roster?.members.map((one) => ({ station: one.station, zone: one.zone, tlsKey: one.keys.tls })) ?? [];
    const neighbours = roster === undefined ? [] : next.dialled;
    reach = reachOf(neighbours);
    mesh.setNeighbours(neighbours.map(({ member: { station: name, keys: { tls }, address } }) =>
      ({ station: name, tlsKey: tls, address })));
    const isSame = mesh === before && isAway === (roster === undefined);
    isAway = roster === undefined;
    if (isRunning && !isSame) change(before, isAway ? undefined : mesh);
  };
  follow(first);
  return {
    follow, stats: () => mesh.stats(),
    start: () => {
      isRunning = true;
      return isAway ? Promise.resolve() : mesh.start();
    },
    stop: async () => {
      isRunning = false;
      await turn;
      await mesh.stop();
    },
    publish: (messages) => {
      for (const message of messages) {
        const { kind, station: author, bytes, zone = seat.zone } = message;
        const topic = topicText({ network: first.network, zone, kind, station: author });
        mesh.publish(topic, bytes, leftOut(message, reach));
      }
    },
  };
}
