/**
 * A member's links to its street as a liar uses them: the same broker, connections and keys as an agent's, but each
 * neighbour can be told something else.
 */
import { createBroker } from "../../edge-agent/adapters/broker.ts";
import type { Broker, OnMessage } from "../../edge-agent/adapters/broker.ts";
import { filtersOf } from "../../edge-agent/adapters/broker-rules.ts";
import type { Membership, MeshPorts } from "../../edge-agent/adapters/membership.ts";
import { createMqttClient } from "../../edge-agent/adapters/mqtt-client.ts";
import type { MqttClient, MqttClientOptions } from "../../edge-agent/adapters/mqtt-client.ts";
import { readSiteBrokers } from "../../edge-agent/adapters/tls-files.ts";
import { tlsIdentity } from "../../edge-agent/adapters/tls-identity.ts";
import type { Config } from "../../edge-agent/config.ts";
import { type HostPort, mqttText, parseHostPort } from "../../edge-agent/config-schema.ts";
import { topicText } from "../../gossip/message.ts";
import { neighboursOf } from "../../gossip/membership.ts";
import type { Said } from "./liar-words.ts";

interface Link {
  readonly name: string;
  readonly isSite: boolean;
  readonly client: MqttClient;
}

type LinkPorts = Omit<MeshPorts, "onEvent">;

export class LiarLinks {
  readonly #membership: Membership;
  readonly #broker: Broker | undefined;
  readonly #links: readonly Link[];
  /** Whether some of its zone have no broker of their own: they hear it at its broker alone. */
  readonly #hasListeners: boolean;

  constructor(membership: Membership, config: Config, ports: LinkPorts, hear: OnMessage) {
    const { roster, member, keys } = this.#membership = membership;
    const { crypto, clock, timers, random, notice, env } = ports;
    const identity = tlsIdentity(member.station, keys.tlsSeed);
    const members = roster.members.map(({ station, zone, keys: { tls } }) => ({ station, zone, tlsKey: tls }));
    const listen = config.mesh?.listen;
    this.#broker = listen && createBroker(
      { identity, network: roster.network, members: () => members, listen, clock, timers }, hear, notice);
    const filters = filtersOf(roster.network, member.zone);
    const linkTo = (name: string, address: HostPort, trust: MqttClientOptions["trust"], isSite: boolean): Link => ({
      name, isSite,
      client: createMqttClient(
        { purpose: "mesh", name, address, clientId: identity.station, identity, trust, filters, clock, timers, random },
        hear, notice),
    });
    const all = neighboursOf(crypto, roster, member.station).map((one) => one.member);
    // The own zone's first, so that its two halves are of one size.
    const neighbours = [...all].sort((a, b) => Number(a.zone !== member.zone) - Number(b.zone !== member.zone));
    this.#hasListeners = neighbours.some(({ zone, address }) => zone === member.zone && address === "");
    this.#links = [
      ...neighbours.flatMap(({ station, address, keys: { tls } }) => {
        const to = parseHostPort(address);
        return to === undefined ? [] : [linkTo(station, to, { key: tls }, false)];
      }),
      ...readSiteBrokers(config, env).map(({ host, port, ...trust }) =>
        linkTo(mqttText({ secure: trust.ca !== undefined, host, port }), { host, port }, trust, true)),
    ];
  }

  async start(): Promise<void> {
    await this.#broker?.start();
    for (const { client } of this.#links) client.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#links.map(({ client }) => client.stop()));
    await this.#broker?.stop();
  }

  /** The neighbours whose brokers it dials, those of one half. */
  half(half: 0 | 1): string[] {
    return this.#ofHalf(half).map(({ name }) => name);
  }

  /**
   * To all: over both links of each pair, as an agent does. To one half: over the connections that it dialled, since
   * whoever dials it hears what all hear there; who can only dial belongs to the second half.
   */
  say({ message: { kind, station, bytes, from }, half }: Said): void {
    const { roster, member } = this.#membership;
    const topic = topicText({ network: roster.network, zone: member.zone, kind, station });
    if (half === undefined || (half === 1 && this.#hasListeners)) {
      this.#broker?.publish(topic, bytes, new Set(from === undefined ? [] : [from]));
    }
    for (const { name, isSite, client } of half === undefined ? this.#links : this.#ofHalf(half)) {
      if (name !== from && (!isSite || station === member.station)) client.publish(topic, bytes);
    }
  }

  #ofHalf(half: 0 | 1): Link[] {
    return this.#links.filter((_, place) => place % 2 === half);
  }
}
