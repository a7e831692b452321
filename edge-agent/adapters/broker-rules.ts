/**
 * Who may do what at the embedded broker. Certificate, client id and topic are bound to one another through the roster,
 * which may change at any time: each answer is of the list as it stands.
 */
import { type Kind, KINDS, readTopic, topicText } from "../../gossip/message.ts";
import type { StationId, ZoneId } from "../../models/units.ts";

/** What the roster says of a member, as far as the transport needs it. */
export interface MeshMember {
  readonly station: StationId;
  readonly zone: ZoneId;
  /** Raw Ed25519 key of its certificate, 32 bytes. */
  readonly tlsKey: Uint8Array;
}

export interface BrokerRuleOptions {
  readonly network: string;
  /** The members that count now; another list whenever they change. Revoked ones are not on it. */
  readonly members: () => readonly MeshMember[];
}

/** One end of an accepted connection: what its certificate proved. */
export interface Peer {
  readonly station: StationId;
  /** The raw key as hexadecimal digits. */
  readonly key: string;
}

/** Why a packet was refused. */
export type RuleRefusal =
  | "not-listed" | "mqtt-version" | "client-id" | "session" | "will" | "keepalive" | "retain" | "qos-2" | "empty"
  | "unknown-topic" | "wildcard";

/** Half-open connections are found by silence, 1.5 times as long (MQTT 3.1.1, 3.1.2.10). */
export const MOST_KEEPALIVE_S = 120;

interface Index {
  readonly of: readonly MeshMember[];
  readonly byKey: ReadonlyMap<string, StationId>;
  readonly zones: ReadonlyMap<string, ZoneId>;
  readonly filters: ReadonlySet<string>;
}

export const keyText = (key: Uint8Array): string => Buffer.from(key).toString("hex");

/** Subscribes to all authors in one zone, kind by kind: the only wildcard there is. */
export function filtersOf(network: string, zone: string): string[] {
  return KINDS.map((kind) => topicText({ network, zone, kind, station: "+" }));
}

/** What of a neighbour's zone is heard of it over a bridge. */
export function bridgeFilters(network: string, zone: string): string[] {
  return (["roster", "part", "release", "fetch", "piece"] as const)
    .map((kind) => topicText({ network, zone, kind, station: "+" }));
}

/** What a metered member subscribes to at a broker (gossip/metered.ts): always, and for a while after what it says. */
export interface MeteredFilters {
  readonly always: readonly string[];
  readonly after: Readonly<Record<string, readonly string[]>>;
}

/** @param from whom what all say all the time is heard of: at a neighbour's broker "+", which is the neighbour */
export function meteredFilters(network: string, zone: string, from: readonly string[]): MeteredFilters {
  const topics = (kinds: readonly Kind[], stations: readonly string[]): string[] =>
    stations.flatMap((station) => kinds.map((kind) => topicText({ network, zone, kind, station })));
  return {
    always: [...topics(["certificate", "proof", "request"], ["+"]), ...topics(["checkpoint", "roster", "part"], from)],
    after: { request: topics(["statement"], ["+"]), checkpoint: topics(["cosignature"], from) },
  };
}

/** What of another zone is heard: its summaries, for the region's decision. */
export function summaryFilter(network: string, zone: string): string {
  return topicText({ network, zone, kind: "summary", station: "+" });
}

export class BrokerRules {
  readonly #options: BrokerRuleOptions;
  #index: Index | undefined;

  constructor(options: BrokerRuleOptions) {
    this.#options = options;
  }

  /** The member to whom a certificate's key belongs. */
  peerOf(tlsKey: Uint8Array): Peer | undefined {
    const key = keyText(tlsKey);
    const station = this.#now().byKey.get(key);
    return station && { station, key };
  }

  isListed({ station, key }: Peer): boolean {
    return this.#now().byKey.get(key) === station;
  }

  connect(peer: Peer, packet: {
    readonly clientId?: string; readonly clean?: boolean; readonly will?: unknown; readonly keepalive?: number;
    readonly protocolVersion?: number;
  }): RuleRefusal | undefined {
    if (!this.isListed(peer)) return "not-listed";
    if (packet.protocolVersion !== 4) return "mqtt-version";
    if (packet.clientId !== peer.station) return "client-id";
    if (packet.clean !== true) return "session"; // a kept session is a queue without bound
    if (packet.will !== undefined && packet.will !== null) return "will";
    const keepalive = packet.keepalive ?? 0;
    return keepalive < 1 || keepalive > MOST_KEEPALIVE_S ? "keepalive" : undefined;
  }

  /** `peer` is undefined for what no connection sent, such as the will of a client that is gone. */
  publish(peer: Peer | undefined, packet: {
    readonly topic: string; readonly qos: number; readonly retain: boolean; readonly payload: { length: number };
  }): RuleRefusal | undefined {
    if (peer === undefined) return "will";
    if (!this.isListed(peer)) return "not-listed";
    if (packet.retain) return "retain";
    if (packet.qos > 1) return "qos-2";
    if (packet.payload.length === 0) return "empty";
    return this.knows(packet.topic) ? undefined : "unknown-topic";
  }

  /** Whether this is a topic of this network, of a kind that there is, and of an author in its zone. */
  knows(text: string): boolean {
    const topic = readTopic(text);
    return topic !== undefined && topic.network === this.#options.network
      && this.#now().zones.get(topic.station) === topic.zone;
  }

  subscribe(peer: Peer, filter: { readonly topic: string; readonly qos: number }): RuleRefusal | undefined {
    if (!this.isListed(peer)) return "not-listed";
    if (filter.qos > 1) return "qos-2";
    return this.#now().filters.has(filter.topic) ? undefined : "wildcard";
  }

  #now(): Index {
    const members = this.#options.members();
    if (this.#index?.of === members) return this.#index;
    const zones = [...new Set(members.map(({ zone }) => zone))];
    this.#index = {
      of: members,
      byKey: new Map(members.map(({ tlsKey, station }) => [keyText(tlsKey), station])),
      zones: new Map(members.map(({ station, zone }) => [station, zone])),
      filters: new Set(zones.flatMap((zone) => filtersOf(this.#options.network, zone))),
    };
    return this.#index;
  }
}
