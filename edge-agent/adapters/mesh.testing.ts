/** Members, brokers and clients of all manners for the transport's tests: real sockets on loopback, time by hand. */
import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { TLSSocket } from "node:tls";
import mqttPacket from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import type { MonotonicMs, StationId, WallMs, ZoneId } from "../../models/units.ts";
import type { Clock, Random, Timers } from "../ports.ts";
import { createBroker } from "./broker.ts";
import type { Broker, BrokerLimits, BrokerRefusal } from "./broker.ts";
import type { MeshMember } from "./broker-rules.ts";
import { tlsIdentity } from "./tls-identity.ts";
import type { TlsIdentity } from "./tls-identity.ts";

export const NETWORK = "street";
export const HOST = "127.0.0.1";

export const topicOf = (station: string, zone = "z1", kind = "statement"): string =>
  `kw1/${NETWORK}/${zone}/${kind}/${station}`;
export const FILTER = `kw1/${NETWORK}/z1/statement/+`;
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The same identity for the same name. */
export function identityOf(station: string, generation = 0): TlsIdentity {
  const seed = new Uint8Array(32).fill(generation);
  seed.set(bytesOf(station).subarray(0, 31));
  return tlsIdentity(station as StationId, seed);
}

export function memberOf(station: string, generation = 0): MeshMember {
  return { station: station as StationId, zone: "z1" as ZoneId, tlsKey: identityOf(station, generation).publicKey };
}

/** Stands still unless told. */
export class HandTime implements Clock, Timers {
  #now = 1_000_000;
  readonly #timers = new Set<{ at: number; run: () => void }>();

  wallMs(): WallMs {
    return this.#now as WallMs;
  }

  monoMs(): MonotonicMs {
    return this.#now as MonotonicMs;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  get waiting(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at <= this.#now && this.#timers.delete(timer)) timer.run();
    }
  }
}

export const steadyRandom: Random = { bytes: (length) => new Uint8Array(length) };

/** No test waits for this to pass: what is awaited has then not come. */
const HUNG_MS = 60_000;

/** Looks again whenever the event loop has gone round; an Error once it is plain that it does not come. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + HUNG_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`still waiting: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface Heard {
  readonly topic: string;
  readonly text: string;
  readonly from: string;
}

export interface Bench {
  readonly broker: Broker;
  readonly port: number;
  readonly time: HandTime;
  readonly heard: Heard[];
  readonly notices: string[];
  members: readonly MeshMember[];
  refused(why: BrokerRefusal): number;
}

/** The broker of station A, with A to D as members of zone z1, for as long as `use` lasts. */
export async function withBroker(use: (bench: Bench) => Promise<void>, limits: Partial<BrokerLimits> = {}):
Promise<void> {
  const time = new HandTime();
  const [heard, notices]: [Heard[], string[]] = [[], []];
  let members: readonly MeshMember[] = ["A", "B", "C", "D"].map((name) => memberOf(name));
  const broker = createBroker({
    identity: identityOf("A"), network: NETWORK, members: () => members, listen: { host: HOST, port: 0 },
    clock: time, timers: time, limits,
  }, (topic, payload, from) => heard.push({ topic, text: textOf(payload), from }), (text) => notices.push(text));
  const port = await broker.start();
  const bench: Bench = {
    broker, port, time, heard, notices, refused: (why) => broker.stats().refused[why] ?? 0,
    get members() {
      return members;
    },
    set members(list) {
      members = list;
    },
  };
  try {
    await use(bench);
  } finally {
    await broker.stop();
  }
}

export interface ConnectFields {
  readonly clientId?: string;
  readonly clean?: boolean;
  readonly keepalive?: number;
  readonly will?: { topic: string; payload: Buffer; qos: 0; retain: boolean };
}

/** The end of a connection, however it comes. */
export const closeOf = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once("close", () => resolve()));

/** A client that does what it is told, and not what is right. */
export class RawClient {
  readonly socket: TLSSocket;
  readonly packets: Packet[] = [];
  readonly closed: Promise<void>;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    this.closed = closeOf(socket);
    const parser = mqttPacket.parser();
    parser.on("packet", (packet: Packet) => this.packets.push(packet));
    socket.on("data", (bytes) => parser.parse(bytes));
  }

  /** Up to the end of the handshake as this side sees it; in TLS 1.3 the server may still refuse the certificate. */
  static async secure(port: number, identity?: { cert: string; key: string }, version?: "TLSv1.2" | "TLSv1.3"):
  Promise<RawClient> {
    const socket = connectTls({
      host: HOST, port, rejectUnauthorized: false, ...(identity && { cert: identity.cert, key: identity.key }),
      ...(version && { minVersion: version, maxVersion: version }),
    });
    socket.on("error", () => undefined);
    const client = new RawClient(socket);
    await Promise.race([new Promise((resolve) => socket.once("secureConnect", resolve)), client.closed]);
    return client;
  }

  /** Connected as this member, or refused: the packets tell. */
  static async connect(port: number, station: string, fields: ConnectFields = {}): Promise<RawClient> {
    const client = await RawClient.secure(port, identityOf(station));
    client.connect({ clientId: station, ...fields });
    await Promise.race([client.until("connack"), client.closed]);
    return client;
  }

  connect(fields: ConnectFields): void {
    this.send({
      cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId: "", clean: true, keepalive: 60, ...fields,
    } as Packet);
  }

  send(packet: Packet): void {
    this.socket.write(mqttPacket.generate(packet));
  }

  publish(topic: string, text: string, more: { qos?: 0 | 1 | 2; retain?: boolean } = {}): void {
    const qos = more.qos ?? 0;
    this.send({ cmd: "publish", topic, payload: text, qos, retain: more.retain ?? false, dup: false,
      ...(qos > 0 && { messageId: 7 }) });
  }

  async subscribe(...topics: string[]): Promise<readonly number[]> {
    this.send({ cmd: "subscribe", messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 0 as const })) });
    await Promise.race([this.until("suback"), this.closed]);
    const suback = this.packets.find(({ cmd }) => cmd === "suback");
    return (suback as { granted?: number[] } | undefined)?.granted ?? [];
  }

  of(cmd: Packet["cmd"]): Packet[] {
    return this.packets.filter((packet) => packet.cmd === cmd);
  }

  async until(cmd: Packet["cmd"], count = 1): Promise<void> {
    await until(() => this.of(cmd).length >= count || this.socket.destroyed, `${count} ${cmd}`);
  }

  texts(): string[] {
    return this.of("publish").map((packet) => String((packet as { payload: Buffer }).payload));
  }

  async end(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}

/** Bytes on the bare port, and the end of the connection. */
export async function throwAt(port: number, bytes: Uint8Array): Promise<void> {
  const socket = connectTcp(port, HOST);
  socket.on("error", () => undefined);
  socket.resume();
  socket.write(bytes);
  await closeOf(socket);
}
