/**
 * The embedded broker: where neighbours connect to hear this agent and to tell it something. Mutual TLS with keys
 * pinned by the roster, then a guard, then aedes. What a client publishes goes to this agent alone, which passes on
 * what it has checked: so nobody's junk reaches others through here, and none is blamed for another's.
 *
 * Every refusal is counted under one name; none is answered, the connection just ends.
 */
import type { EventEmitter } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { TLSSocket, createSecureContext } from "node:tls";
import type { SecureContext } from "node:tls";
import { Aedes } from "aedes";
import type { AedesOptions, Client, PublishPacket } from "aedes";
import { BURST, MESSAGES_PER_S } from "../../gossip/traffic.ts";
import type { Clock, Timers } from "../ports.ts";
import { NOTHING_KEPT } from "./broker-memory.ts";
import { BrokerRules } from "./broker-rules.ts";
import type { BrokerRuleOptions, Peer, RuleRefusal } from "./broker-rules.ts";
import { CLIENT, MqttGuard } from "./mqtt-guard.ts";
import type { GuardRefusal } from "./mqtt-guard.ts";
import { RateLimitedNotices } from "./notices.ts";
import { rawKeyOf } from "./tls-identity.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface BrokerLimits {
  /** From the first byte of TCP to the end of CONNECT: stops slow lorises. */
  readonly connectWithinMs: number;
  /** Connections that have not said CONNECT yet, in all and from one address. */
  readonly preAuth: number;
  readonly preAuthPerAddress: number;
  /** Connections in all, and with one key: an old one that has not been noticed to be dead, and its successor. */
  readonly connections: number;
  readonly perKey: number;
  /** New connections a second, and at once: a handshake costs 5 ms of a board's time. */
  readonly acceptPerS: number;
  readonly acceptBurst: number;
  /** Packets a second of one member, and at once (gossip/SPEC.md, section 3). */
  readonly packetsPerS: number;
  readonly packetBurst: number;
  /** How long a peer may leave a full connection unread. */
  readonly drainWithinMs: number;
}

export const BROKER_LIMITS: BrokerLimits = {
  connectWithinMs: 5_000, preAuth: 32, preAuthPerAddress: 16, connections: 64, perKey: 2, acceptPerS: 16,
  acceptBurst: 64, packetsPerS: MESSAGES_PER_S, packetBurst: BURST, drainWithinMs: 3_000,
};

export interface BrokerOptions extends BrokerRuleOptions {
  readonly identity: TlsIdentity;
  readonly listen: { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly timers: Timers;
  readonly limits?: Partial<BrokerLimits>;
  /** Told of each message that goes out to one peer, in bytes of topic and payload. */
  readonly onSent?: (bytes: number) => void;
}

export type BrokerRefusal = RuleRefusal | GuardRefusal
  | "too-many" | "too-fast" | "too-slow" | "tls" | "no-certificate" | "stranger" | "revoked" | "mqtt" | "congested";

export interface BrokerStats {
  /** Members that are connected and said CONNECT. */
  readonly connected: readonly string[];
  /** Connections that did not get that far yet. */
  readonly preAuth: number;
  readonly received: number;
  readonly published: number;
  /** What was refused since the start, by reason; `congested` are messages left out for a peer that reads slowly. */
  readonly refused: Readonly<Partial<Record<BrokerRefusal, number>>>;
}

export interface Broker {
  /** The port that it listens on. Rejects when it cannot. */
  start(): Promise<number>;
  stop(): Promise<void>;
  /** To whoever subscribed to the topic but for those stations. Never throws. */
  publish(topic: string, payload: Uint8Array, except?: ReadonlySet<string>): void;
  /** To that station alone, if it is connected and subscribed to the topic. Never throws. */
  tell(station: string, topic: string, payload: Uint8Array): void;
  /** Ends the connections of members that are no longer listed. To be called when the list has changed. */
  dropUnlisted(): void;
  stats(): BrokerStats;
}

/** `from` is the station that sent it, which its certificate proved; the author is another matter. */
export type OnMessage = (topic: string, payload: Uint8Array, from: string) => void;

const NOBODY: ReadonlySet<string> = new Set();

interface Connection {
  readonly peer: Peer;
  readonly guard: MqttGuard;
  /** Called once CONNECT was accepted: no longer a stranger. */
  readonly settled: () => void;
  accepted: boolean;
}

class EmbeddedBroker implements Broker {
  readonly #options: BrokerOptions;
  readonly #limits: BrokerLimits;
  readonly #rules: BrokerRules;
  readonly #onMessage: OnMessage;
  readonly #notices: RateLimitedNotices;
  readonly #context: SecureContext;
  readonly #accepts: TokenBucket;
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #preAuth = new Set<Socket>();
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Map<unknown, Connection>();
  readonly #refused: Partial<Record<BrokerRefusal, number>> = {};
  /** Payloads of this agent itself, and which stations are to get each. */
  readonly #own = new WeakMap<Buffer, (station: string) => boolean>();
  #received = 0;
  #published = 0;
  #aedes: Aedes | undefined;
  #server: Server | undefined;

  constructor(options: BrokerOptions, onMessage: OnMessage, notice: (text: string) => void) {
    this.#options = options;
    this.#limits = { ...BROKER_LIMITS, ...options.limits };
    this.#rules = new BrokerRules(options);
    this.#onMessage = onMessage;
    this.#notices = new RateLimitedNotices(notice, () => options.clock.monoMs());
    const { cert, key } = options.identity;
    this.#context = createSecureContext({ cert, key, minVersion: "TLSv1.2" });
    this.#accepts = new TokenBucket(this.#limits.acceptPerS, this.#limits.acceptBurst);
  }

  async start(): Promise<number> {
    this.#aedes = await Aedes.createBroker(this.#aedesOptions());
    const quiet = (event: "connectionError" | "clientError" | "error"): void => {
      (this.#aedes as EventEmitter).on(event, () => undefined); // counted where it was refused
    };
    quiet("connectionError");
    quiet("clientError");
    quiet("error"); // a stale will that was refused; without a listener it would end the agent
    this.#aedes.on("connackSent", (_packet, client) => this.#settle(client));
    const server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket));
    this.#server = server;
    const { host, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    }).catch(async (error: unknown) => {
      await this.stop();
      throw error;
    });
    server.on("error", (error) => this.#notices.say("accept", `mesh broker: cannot accept: ${error.message}`));
    return (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const [server, aedes] = [this.#server, this.#aedes];
    this.#server = undefined;
    this.#aedes = undefined;
    const closed = new Promise<void>((resolve) => {
      if (server?.listening) server.close(() => resolve());
      else resolve();
    });
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (aedes !== undefined) await new Promise<void>((resolve) => aedes.close(resolve));
  }

  publish(topic: string, payload: Uint8Array, except = NOBODY): void {
    this.#send(topic, payload, (station) => !except.has(station));
  }

  tell(station: string, topic: string, payload: Uint8Array): void {
    this.#send(topic, payload, (one) => one === station);
  }

  #send(topic: string, payload: Uint8Array, isMeant: (station: string) => boolean): void {
    if (this.#aedes === undefined) return;
    // A copy of its own: one payload may be sent twice, to others.
    const bytes = Buffer.from(payload);
    this.#own.set(bytes, isMeant);
    this.#published += 1;
    this.#aedes.publish({ cmd: "publish", topic, payload: bytes, qos: 0, retain: false, dup: false }, () => undefined);
  }

  dropUnlisted(): void {
    for (const { peer, guard } of [...this.#connections.values()]) {
      if (this.#rules.isListed(peer)) continue;
      this.#refuse("revoked", peer.station);
      guard.destroy();
    }
    for (const key of this.#buckets.keys()) {
      if (![...this.#connections.values()].some(({ peer }) => peer.key === key)) this.#buckets.delete(key);
    }
  }

  stats(): BrokerStats {
    const accepted = [...this.#connections.values()].filter((connection) => connection.accepted);
    return {
      connected: [...new Set(accepted.map(({ peer }) => peer.station))].sort(), preAuth: this.#preAuth.size,
      received: this.#received, published: this.#published, refused: { ...this.#refused },
    };
  }

  #refuse(why: BrokerRefusal, who = "a stranger"): void {
    this.#refused[why] = (this.#refused[why] ?? 0) + 1;
    this.#notices.say(why, `mesh broker: refused ${who}: ${why}`);
  }

  /** A connection that may not even begin a handshake, cheapest first. */
  #tooMany(address: string | undefined): BrokerRefusal | undefined {
    const { preAuth, preAuthPerAddress, connections } = this.#limits;
    const same = [...this.#preAuth].filter(({ remoteAddress }) => remoteAddress === address).length;
    if (this.#preAuth.size >= preAuth || same >= preAuthPerAddress) return "too-many";
    if (this.#sockets.size >= connections + preAuth) return "too-many";
    return this.#accepts.take(this.#options.clock.monoMs()) ? undefined : "too-fast";
  }

  #accept(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    const refused = this.#tooMany(socket.remoteAddress);
    if (refused !== undefined) {
      this.#refuse(refused);
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    this.#preAuth.add(socket);
    const cancel = this.#options.timers.after(this.#limits.connectWithinMs, () => {
      this.#refuse("too-slow");
      socket.destroy();
    });
    const settled = (): void => {
      cancel();
      this.#preAuth.delete(socket);
    };
    socket.once("close", () => {
      settled();
      this.#sockets.delete(socket);
    });
    this.#secure(socket, settled);
  }

  #secure(socket: Socket, settled: () => void): void {
    // The chain means nothing here (each certificate is its own), the proof of possession is TLS's, the pin is ours.
    const secured = new TLSSocket(socket, {
      isServer: true, secureContext: this.#context, requestCert: true, rejectUnauthorized: false,
    });
    secured.on("error", () => {
      if (this.#preAuth.has(socket) && !socket.destroyed) this.#refuse("tls");
      socket.destroy();
    });
    secured.once("secure", () => {
      secured.disableRenegotiation();
      const certificate = secured.getPeerX509Certificate();
      const key = rawKeyOf(certificate);
      const peer = key && this.#rules.peerOf(key);
      const refused = certificate === undefined ? "no-certificate" : peer === undefined ? "stranger" : this.#full(peer);
      if (peer !== undefined && refused === undefined) return this.#handle(secured, peer, settled);
      this.#refuse(refused ?? "stranger", peer?.station);
      socket.destroy();
    });
  }

  #full(peer: Peer): BrokerRefusal | undefined {
    const open = [...this.#connections.values()];
    const same = open.filter(({ peer: { key } }) => key === peer.key).length;
    return open.length >= this.#limits.connections || same >= this.#limits.perKey ? "too-many" : undefined;
  }

  #handle(secured: TLSSocket, peer: Peer, settled: () => void): void {
    const guard = new MqttGuard({
      socket: secured, farEnd: CLIENT, bucket: this.#bucketOf(peer), monoMs: () => this.#options.clock.monoMs(),
      onRefused: (why) => this.#refuse(why, peer.station),
    });
    this.#connections.set(guard, { peer, guard, settled, accepted: false });
    guard.once("close", () => this.#connections.delete(guard));
    this.#aedes?.handle(guard);
  }

  /** One for a member and not for a connection, or reconnecting would begin a new one. */
  #bucketOf({ key }: Peer): TokenBucket {
    const { packetsPerS, packetBurst } = this.#limits;
    const bucket = this.#buckets.get(key) ?? new TokenBucket(packetsPerS, packetBurst);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #connectionOf(client: Client | null): Connection | undefined {
    return client === null ? undefined : this.#connections.get(client.conn);
  }

  #settle(client: Client): void {
    const connection = this.#connectionOf(client);
    if (connection === undefined) return;
    connection.accepted = true;
    connection.settled();
  }

  #aedesOptions(): AedesOptions {
    const { drainWithinMs, connectWithinMs } = this.#limits;
    return {
      persistence: NOTHING_KEPT,
      concurrency: 0, // no message waits for a peer that does not read another
      drainTimeout: drainWithinMs, connectTimeout: 2 * connectWithinMs, maxTopicLevels: 8, queueLimit: 8,
      preConnect: (client, packet, done) => {
        const connection = this.#connectionOf(client);
        const refused = connection === undefined ? "not-listed" : this.#rules.connect(connection.peer, packet);
        if (refused === undefined) return done(null, true);
        this.#refuse(refused, connection?.peer.station);
        done(new Error(refused), false);
      },
      authorizePublish: (client, packet, done) => done(this.#take(client, packet)),
      authorizeSubscribe: (client, filter, done) => {
        const connection = this.#connectionOf(client);
        const refused = connection === undefined ? "not-listed" : this.#rules.subscribe(connection.peer, filter);
        if (refused === undefined) return done(null, filter);
        this.#refuse(refused, connection?.peer.station);
        done(null, null); // SUBACK says so
      },
      authorizeForward: (client, packet) => {
        const payload = packet.payload as Buffer;
        if (!this.#forwards(client, payload)) return null;
        this.#options.onSent?.(packet.topic.length + payload.length);
        return packet;
      },
    };
  }

  /** A message of a client. An error ends its connection; a topic that is unknown may be a roster behind or ahead. */
  #take(client: Client | null, packet: PublishPacket): Error | null {
    const connection = this.#connectionOf(client);
    const refused = this.#rules.publish(connection?.peer, packet);
    if (refused !== undefined || connection === undefined) {
      this.#refuse(refused ?? "not-listed", connection?.peer.station);
      return refused === "unknown-topic" ? null : new Error(refused);
    }
    this.#received += 1;
    try {
      // A copy, or a small message that is kept would keep the whole record that it came in.
      this.#onMessage(packet.topic, new Uint8Array(packet.payload as Buffer), connection.peer.station);
    } catch (error) {
      this.#notices.say("taken", `mesh: a message could not be taken: ${String(error)}`);
    }
    return null;
  }

  #forwards(client: Client, payload: Buffer): boolean {
    const connection = this.#connectionOf(client);
    if (connection === undefined || this.#own.get(payload)?.(connection.peer.station) !== true) return false;
    if (!this.#rules.isListed(connection.peer)) return false;
    if (!connection.guard.congested) return true;
    this.#refuse("congested", connection.peer.station);
    return false;
  }
}

/** A broker that does not listen yet. `notice`: lines for the operator of this machine. */
export function createBroker(options: BrokerOptions, onMessage: OnMessage, notice: (text: string) => void): Broker {
  return new EmbeddedBroker(options, onMessage, notice);
}
