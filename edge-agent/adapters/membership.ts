/** What makes a lone agent a member of a street: its roster, verified, and the transport to its neighbours. */
import { directoryOf } from "../../gossip/directory.ts";
import { topicText } from "../../gossip/message.ts";
import { neighboursOf } from "../../gossip/membership.ts";
import type { Outgoing } from "../../gossip/protocol-state.ts";
import { type Member, memberOf, type Roster } from "../../gossip/roster.ts";
import type { Crypto } from "../../models/crypto.ts";
import type { Config, Environment } from "../config.ts";
import { readOperators } from "../operators.ts";
import type { AgentEvent, Clock, Random, Timers } from "../ports.ts";
import type { DeviceKeys } from "./keys.ts";
import { createMesh, type Mesh } from "./mesh.ts";
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
export function loadMembership(config: Config, crypto: Crypto, keys: DeviceKeys): Membership | undefined {
  const { mesh, operators, station } = config;
  if (mesh === undefined || operators === undefined) return undefined;
  const trusted = readOperators(crypto, operators.threshold, operators.keys);
  if (!trusted.ok) throw new Error(`operators.${trusted.problem}`);
  const loaded = loadRoster(crypto, mesh.roster, trusted.value);
  if (!loaded.ok) throw new Error(`mesh.roster: ${loaded.problem}`);
  const { roster } = loaded.value;
  const member = memberOf(roster, station);
  if (member === undefined) throw new Error(`mesh.roster: ${mesh.roster} has no member ${station}; have it enrolled`);
  for (const purpose of ["statement", "log", "witness", "tls"] as const) {
    if (same(member.keys[purpose], keys.signers[purpose].publicKey)) continue;
    throw new Error(`mesh.roster: the ${purpose} key of ${station} is not this device's; put back the device's keys, ` +
      "or have the operator enrol this device anew");
  }
  if (roster.epochS !== config.epochS) {
    throw new Error(`epochS: found ${config.epochS}; allowed: the roster's, ${roster.epochS}`);
  }
  directoryOf(roster, member.zone);
  return { roster, member, keys };
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
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

/** The transport of a member, not started yet. */
export function meshOf({ roster, member, keys }: Membership, config: Config, ports: MeshPorts): Mesh {
  const { crypto, clock, timers, random, notice, onEvent, env } = ports;
  const members = roster.members.map(({ station, zone, keys: { tls } }) => ({ station, zone, tlsKey: tls }));
  const mesh = createMesh({
    identity: tlsIdentity(member.station, keys.tlsSeed), network: roster.network, zones: [member.zone],
    members: () => members, clock, timers, random, brokers: readSiteBrokers(config, env),
    ...(config.mesh?.listen !== undefined && { listen: config.mesh.listen }),
  }, (topic, bytes, from) => onEvent({ kind: "message", topic, bytes, from }), notice);
  const neighbours = neighboursOf(crypto, roster, member.station).map((neighbour) => neighbour.member);
  mesh.setNeighbours(neighbours.map(({ station, keys: { tls }, address }) => ({ station, tlsKey: tls, address })));
  return mesh;
}

/** Publishes what the pipeline says, each message on its author's topic. */
export function publishAll({ roster, member }: Membership, mesh: Mesh, messages: readonly Outgoing[]): void {
  for (const { kind, station, bytes, from } of messages) {
    mesh.publish(topicText({ network: roster.network, zone: member.zone, kind, station }), bytes, from);
  }
}
