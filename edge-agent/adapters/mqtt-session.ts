/**
 * The least of an MQTT 3.1.1 client: one connection, a clean session, QoS 0, no queue. Whoever dialled decides what to
 * do when it ends, and what to send later.
 */
import mqttPacket from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import type { Timers } from "../ports.ts";
import type { MqttGuard } from "./mqtt-guard.ts";

/** Name and password, for a broker that asks for them. */
export interface Login {
  readonly user: string;
  readonly password?: string;
}

export interface SessionOptions {
  /** The secured and guarded connection; ends when the session does. */
  readonly guard: MqttGuard;
  readonly clientId: string;
  /** Asked once it is let in. */
  readonly filters: () => readonly string[];
  /** A far end that is silent for twice this time is gone. */
  readonly keepaliveS: number;
  readonly timers: Timers;
  readonly login?: Login;
  /** Connected and subscribed; `refused`: how many of the filters were not granted. */
  readonly onReady: (refused: number) => void;
  /** It did not let this client in; the connection ends. */
  readonly onRefused: (why: string) => void;
  readonly onMessage: (topic: string, payload: Uint8Array, retained: boolean) => void;
  /** A ping went out; its answer came: all that was published before it has been taken. */
  readonly onPing?: () => void;
  readonly onPong?: () => void;
  /** Nothing came for DOUBT_MS after a ping: it may be gone, which is certain only when the next one is due. */
  readonly onDoubt?: () => void;
}

const DOUBT_MS = 5_000;

/** Packet identifiers of the subscription that a session begins with, and of all that follow. */
const [FIRST, LATER] = [1, 2];
/** MQTT 3.1.1, 3.9.3: the return code of a filter that was not granted. */
const NOT_GRANTED = 0x80;
/** 3.2.2.3: what the return code of CONNACK says. */
export const NOT_ACCEPTED = [
  "", "not this version of MQTT", "not this client id", "it is not available", "not this user name and password",
  "not authorised",
];

export class MqttSession {
  readonly #options: SessionOptions;
  #unanswered = false;
  #cancelPing: () => void = () => undefined;
  #cancelDoubt: () => void = () => undefined;

  constructor(options: SessionOptions) {
    const { guard, clientId, keepaliveS: keepalive, login } = options;
    this.#options = options;
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    parser.on("packet", (packet: Packet) => this.#take(packet));
    parser.on("error", () => guard.destroy());
    guard.on("data", (bytes: Buffer) => parser.parse(bytes));
    guard.once("close", () => {
      this.#cancelPing();
      this.#cancelDoubt();
    });
    this.#send({
      cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId, clean: true, keepalive,
      ...(login && { username: login.user }),
      ...(login?.password !== undefined && { password: Buffer.from(login.password) }),
    });
    this.#ping();
  }

  publish(topic: string, payload: Uint8Array): void {
    this.#send({ cmd: "publish", topic, payload: Buffer.from(payload), qos: 0, retain: false, dup: false });
  }

  /** More filters, or no longer. */
  hear(filters: readonly string[], on: boolean): void {
    this.#send(on ? { cmd: "subscribe", messageId: LATER, subscriptions: filters.map((topic) => ({ topic, qos: 0 })) }
      : { cmd: "unsubscribe", messageId: LATER, unsubscriptions: [...filters] });
  }

  #send(packet: Packet): void {
    if (!this.#options.guard.destroyed) mqttPacket.writeToStream(packet, this.#options.guard);
  }

  #ping(): void {
    this.#cancelPing = this.#options.timers.after(this.#options.keepaliveS * 1_000, () => {
      if (this.#unanswered) return void this.#options.guard.destroy();
      this.#unanswered = true;
      this.#send({ cmd: "pingreq" });
      this.#options.onPing?.();
      this.#cancelDoubt = this.#options.timers.after(DOUBT_MS, () => {
        if (this.#unanswered) this.#options.onDoubt?.();
      });
      return this.#ping();
    });
  }

  #take(packet: Packet): void {
    const { guard, filters, onReady, onRefused, onMessage } = this.#options;
    if (guard.destroyed) return;
    this.#unanswered = false;
    if (packet.cmd === "connack") {
      if (packet.returnCode !== 0) {
        onRefused(`refused: ${NOT_ACCEPTED[packet.returnCode ?? 0] ?? `code ${packet.returnCode}`}`);
        return void guard.destroy();
      }
      const subscriptions = filters().map((topic) => ({ topic, qos: 0 as const }));
      this.#send({ cmd: "subscribe", messageId: FIRST, subscriptions });
    } else if (packet.cmd === "suback") {
      if (packet.messageId === FIRST) onReady(packet.granted.filter((code) => code === NOT_GRANTED).length);
    } else if (packet.cmd === "publish") {
      // A copy, or a small message that is kept would keep the whole record that it came in.
      onMessage(packet.topic, new Uint8Array(Buffer.from(packet.payload)), packet.retain);
    } else if (packet.cmd === "pingresp") {
      this.#options.onPong?.();
    }
  }
}
