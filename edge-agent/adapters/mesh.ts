/**
 * The agent's transport: its own broker for neighbours that dial it, connections to neighbours' brokers, and to brokers
 * of a site or operator. A list, not a mode: each of them may be absent.
 */
import { allows, createTraffic } from "../../gossip/traffic.ts";
import { mqttText, parseHostPort } from "../config-schema.ts";
import type { HostPort } from "../config-schema.ts";
import type { Clock, MeshNeighbour, Random, Timers, Transport } from "../ports.ts";
import { createBroker } from "./broker.ts";
import type { Broker, BrokerLimits, BrokerStats, OnMessage } from "./broker.ts";
import { bridgeFilters, BrokerRules, filtersOf, keyText, summaryFilter } from "./broker-rules.ts";
import type { MeshMember, MeteredFilters } from "./broker-rules.ts";
import { createMqttClient } from "./mqtt-client.ts";
import type { MqttClient, MqttClientLimits, MqttClientOptions, MqttClientStats } from "./mqtt-client.ts";
import type { Trust } from "./mesh-dial.ts";
import { FlowMeter } from "./flow.ts";
import type { FlowStats } from "./flow.ts";
import type { Login } from "./mqtt-session.ts";
import { Repeats } from "./repeats.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import type { Message } from "./unconfirmed.ts";

/** A site's or operator's broker; under TLS the agent shows it the same certificate as its neighbours. */
export interface SiteBroker {
  readonly host: string;
  readonly port: number;
  /** PEM text of the authority, or of the broker's own certificate. Absent: no TLS. */
  readonly ca?: string;
  readonly login?: Login;
}

export interface MeshOptions {
  readonly identity: TlsIdentity;
  readonly network: string;
  /** The zones whose messages are subscribed to: its own, and those that it hears of. */
  readonly zones: readonly string[];
  /** All zones of the roster: of those others, summaries are heard. */
  readonly region?: readonly string[];
  /** On a metered link: what alone is subscribed to, and how long answers are heard. */
  readonly metered?: { readonly near: MeteredFilters; readonly site: MeteredFilters; readonly answersMs: number };
  /** The members that count now; another list whenever they change. */
  readonly members: () => readonly MeshMember[];
  /** Absent: no embedded broker. */
  readonly listen?: { readonly host: string; readonly port: number };
  readonly brokers?: readonly SiteBroker[];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly brokerLimits?: Partial<BrokerLimits>;
  readonly clientLimits?: Partial<MqttClientLimits>;
}

export interface MeshStats {
  /** The port of the embedded broker, while it listens. */
  readonly port: number | undefined;
  readonly broker: BrokerStats | undefined;
  readonly links: readonly MqttClientStats[];
  /** Exact repeats from one sender within a second, which were left out. */
  readonly repeats: number;
  /** Copies over all connections, exact repeats included; bytes of topics and payloads. */
  readonly sent: FlowStats;
  readonly received: FlowStats;
}

export interface Mesh extends Transport {
  stats(): MeshStats;
}

interface Link {
  /** A station, or the URL of a site's broker. */
  readonly name: string;
  readonly client: MqttClient;
}

/** A site's broker brings everybody's messages: each author has its own limit, and a packet left out costs 6 us. */
const SITE_LIMITS: Partial<MqttClientLimits> = { packetsPerS: 16_384, packetBurst: 65_536 };

class ListedMesh implements Mesh {
  readonly #options: MeshOptions;
  readonly #onMessage: OnMessage;
  readonly #notice: (text: string) => void;
  readonly #broker: Broker | undefined;
  readonly #sites: readonly Link[];
  /** By station, key and address: when one of them changes, it is another link. */
  readonly #neighbours = new Map<string, Link>();
  readonly #repeats = new Repeats();
  readonly #sent: FlowMeter;
  readonly #received: FlowMeter;
  readonly #onSent = (bytes: number): void => this.#sent.add(bytes);
  readonly #rules: BrokerRules;
  readonly #siteTraffic = createTraffic();
  #repeated = 0;
  readonly #cancelHearing = new Map<string, () => void>();
  #port: number | undefined;
  #running = false;

  constructor(options: MeshOptions, onMessage: OnMessage, notice: (text: string) => void) {
    const { listen, brokerLimits: limits } = options;
    this.#options = options;
    this.#rules = new BrokerRules(options);
    this.#onMessage = onMessage;
    this.#notice = notice;
    this.#sent = new FlowMeter(() => options.clock.monoMs());
    this.#received = new FlowMeter(() => options.clock.monoMs());
    this.#broker = listen
      && createBroker({ ...options, listen, onSent: this.#onSent, ...(limits && { limits }) }, this.#take, notice);
    this.#sites = (options.brokers ?? []).map(({ host, port, ...trust }) => {
      const name = mqttText({ secure: trust.ca !== undefined, host, port });
      const admit = (topic: string): boolean => this.#admits(name, topic);
      return this.#linkTo(name, { host, port }, trust, { limits: SITE_LIMITS, admit });
    });
  }

  async start(): Promise<void> {
    this.#port = await this.#broker?.start();
    this.#running = true;
    for (const client of this.#clients()) client.start();
  }

  async stop(): Promise<void> {
    this.#running = false;
    for (const cancel of this.#cancelHearing.values()) cancel();
    await Promise.all(this.#clients().map((client) => client.stop()));
    await this.#broker?.stop();
    this.#port = undefined;
  }

  publish(topic: string, bytes: Uint8Array, except?: ReadonlySet<string>): void {
    const told = new Set(except);
    if (this.#options.metered !== undefined) this.#hearAnswers(topic.split("/")[3] ?? "");
    for (const { name, client } of this.#neighbours.values()) {
      if (except?.has(name) !== true && client.publish(topic, bytes)) told.add(name);
    }
    // Two that dial one another have two connections: the one that they dialled is for whom ours does not reach.
    this.#broker?.publish(topic, bytes, told);
    // At a site everybody hears the author itself; in another's name nobody may speak there.
    if (!topic.endsWith(`/${this.#options.identity.station}`)) return;
    for (const { name, client } of this.#sites) {
      this.#isRepeat(name, topic, bytes); // it sends it back to whoever said it
      client.publish(topic, bytes);
    }
  }

  setNeighbours(neighbours: readonly MeshNeighbour[]): void {
    const wanted = new Map(neighbours.filter(({ address }) => address !== "")
      .map((one) => [`${one.station} ${keyText(one.tlsKey)} ${one.address}`, one]));
    for (const [name, { client }] of this.#neighbours) {
      if (wanted.has(name)) continue;
      this.#neighbours.delete(name);
      void client.stop();
    }
    for (const [name, one] of wanted) if (!this.#neighbours.has(name)) this.#dial(name, one);
    this.#broker?.dropUnlisted();
  }

  stats(): MeshStats {
    return {
      port: this.#port, broker: this.#broker?.stats(), links: this.#clients().map((client) => client.stats()),
      repeats: this.#repeated, sent: this.#sent.stats(), received: this.#received.stats(),
    };
  }

  #clients(): MqttClient[] {
    return [...this.#neighbours.values(), ...this.#sites].map(({ client }) => client);
  }

  #dial(name: string, { station, tlsKey, address }: MeshNeighbour): void {
    const to = parseHostPort(address);
    if (to === undefined) return this.#notice(`mesh: ${station} has no address that can be dialled: ${address}`);
    const onUnsure = (messages: readonly Message[]): void => {
      for (const { topic, payload } of messages) this.#broker?.tell(station, topic, payload);
    };
    const link = this.#linkTo(station, to, { key: tlsKey }, { onUnsure });
    this.#neighbours.set(name, link);
    if (this.#running) link.client.start();
  }

  #linkTo(
    name: string, address: HostPort, trust: Trust, more: Pick<MqttClientOptions, "limits" | "admit" | "onUnsure"> = {},
  ): Link {
    const { identity, network, zones, region = [], metered, clock, timers, random, clientLimits } = this.#options;
    const others = region.filter((zone) => !zones.includes(zone));
    const beyond = this.#options.members().find(({ station }) => station === name)?.zone;
    const filters = metered !== undefined ? metered["key" in trust ? "near" : "site"].always : [
      ...zones.flatMap((zone) => filtersOf(network, zone)), ...others.map((zone) => summaryFilter(network, zone)),
      ...(beyond === undefined || zones.includes(beyond) ? [] : bridgeFilters(network, beyond)),
    ];
    const wanted = {
      ...more, purpose: "mesh", name, address, clientId: identity.station, identity, trust, filters, clock, timers,
      random, onSent: this.#onSent, limits: { ...more.limits, ...clientLimits },
    };
    return { name, client: createMqttClient(wanted, this.#take, this.#notice) };
  }

  /** Who floods a site is left out before its messages cost more, and nobody else is (gossip/SPEC.md, section 3). */
  #admits(site: string, topic: string): boolean {
    const author = this.#rules.knows(topic) ? topic.slice(topic.lastIndexOf("/") + 1) : undefined;
    return allows(this.#siteTraffic, site, author, this.#options.clock.monoMs());
  }

  /** Answers are subscribed to before what asks for them goes out, over the same connection. */
  #hearAnswers(kind: string): void {
    const { metered, timers } = this.#options;
    const [near, site] = [metered?.near.after[kind], metered?.site.after[kind]];
    if (metered === undefined || near === undefined || site === undefined) return;
    const hear = (on: boolean): void => {
      for (const { client } of this.#neighbours.values()) client.hear(near, on);
      for (const { client } of this.#sites) client.hear(site, on);
    };
    this.#cancelHearing.get(kind)?.();
    hear(true);
    this.#cancelHearing.set(kind, timers.after(metered.answersMs, () => hear(false)));
  }

  #isRepeat(from: string, topic: string, payload: Uint8Array): boolean {
    return this.#repeats.isRepeat(from, topic, payload, this.#options.clock.monoMs());
  }

  readonly #take: OnMessage = (topic, payload, from) => {
    this.#received.add(topic.length + payload.length);
    if (this.#isRepeat(from, topic, payload)) this.#repeated += 1;
    else this.#onMessage(topic, payload, from);
  };
}

/** A transport that is not started yet. `onMessage` may throw, which is a notice; `notice`: lines for the operator. */
export function createMesh(options: MeshOptions, onMessage: OnMessage, notice: (text: string) => void): Mesh {
  return new ListedMesh(options, onMessage, notice);
}
