/**
 * One connection outwards: to a neighbour's broker, whose key the roster pins, to a site's or operator's broker under a
 * certificate authority, or to the broker of a meter. It says what it has to say, hears what it subscribed to, and
 * dials again when cut off.
 */
import type { Socket } from "node:net";
import { BURST, MESSAGES_PER_S } from "../../gossip/traffic.ts";
import { SECOND_MS, type WallMs } from "../../models/units.ts";
import type { HostPort } from "../config-schema.ts";
import type { Clock, Random, Timers } from "../ports.ts";
import { openTo } from "./mesh-dial.ts";
import type { Trust } from "./mesh-dial.ts";
import { MqttGuard, SERVER } from "./mqtt-guard.ts";
import type { GuardRefusal } from "./mqtt-guard.ts";
import { MqttSession } from "./mqtt-session.ts";
import { RateLimitedNotices } from "./notices.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import { TokenBucket } from "./token-bucket.ts";
import { type Message, Unconfirmed } from "./unconfirmed.ts";

export type { Trust };

export interface MqttClientLimits {
  /** TCP and TLS together. */
  readonly dialWithinMs: number;
  /** What waits while the far end is away or slow; the oldest goes first. */
  readonly waitingMessages: number;
  readonly waitingBytes: number;
  /** The wait before a new attempt doubles from the first to the last, less up to half by chance. */
  readonly firstRetryMs: number;
  readonly lastRetryMs: number;
  readonly keepaliveS: number;
  /** What the far end may send: packets a second, and at once. */
  readonly packetsPerS: number;
  readonly packetBurst: number;
  /** A larger message is left out; absent: what exceeds the mesh's largest ends the connection. */
  readonly messageBytes?: number;
}

export const MQTT_CLIENT_LIMITS: MqttClientLimits = {
  dialWithinMs: 10_000, waitingMessages: 256, waitingBytes: 512 * 1_024, firstRetryMs: 1_000, lastRetryMs: 60_000,
  keepaliveS: 30, packetsPerS: MESSAGES_PER_S, packetBurst: BURST,
};

/** By the second ping that nobody answers a connection is over: nothing older is unconfirmed. */
const UNCONFIRMED_PINGS = 2;

/** A message that came; `retained`: it is from before the subscription, the broker kept it. */
export type OnClientMessage = (topic: string, payload: Uint8Array, from: string, retained: boolean) => void;

export interface MqttClientOptions {
  /** What the connection is for, at the head of each notice. */
  readonly purpose: string;
  /** Who is said to have sent what comes from there: a station, or the URL of a broker. */
  readonly name: string;
  readonly address: HostPort;
  readonly clientId: string;
  /** The certificate to show under TLS; absent: none. */
  readonly identity?: TlsIdentity;
  readonly trust: Trust;
  readonly filters: readonly string[];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly limits?: Partial<MqttClientLimits>;
  /** Whether a message on this topic is taken now; absent: all are. */
  readonly admit?: (topic: string) => boolean;
  /** Told of each message that goes out, in bytes of topic and payload. */
  readonly onSent?: (bytes: number) => void;
  /**
   * Told of what went out and may not have arrived, as soon as the connection is in doubt or over: it can be said
   * another way. When it is over it is also sent again here, later. Absent: what goes out is forgotten at once.
   */
  readonly onUnsure?: (messages: readonly Message[]) => void;
}

export type MqttClientRefusal = GuardRefusal | "wrong-key" | "subscription";

export interface MqttClientStats {
  readonly name: string;
  readonly address: HostPort;
  /** Whether it is connected and has subscribed. */
  readonly up: boolean;
  /** Since when it has been up, or down. */
  readonly since: WallMs;
  readonly attempts: number;
  /** Connections that failed or ended since one lasted for a while. */
  readonly failures: number;
  readonly received: number;
  readonly published: number;
  /** Messages that were dropped unsent. */
  readonly dropped: number;
  readonly waiting: number;
  readonly refused: Readonly<Partial<Record<MqttClientRefusal, number>>>;
}

export interface MqttClient {
  start(): void;
  stop(): Promise<void>;
  /** Sends it now, or later, or not at all; never throws. True: it is on its way, and the connection not in doubt. */
  publish(topic: string, payload: Uint8Array): boolean;
  /** Subscribes to more, or no longer. */
  hear(filters: readonly string[], on: boolean): void;
  stats(): MqttClientStats;
}

/** From `first` doubling to `last`, less up to half by chance, so that a street does not come back at one moment. */
export function retryMs(attempt: number, { firstRetryMs, lastRetryMs }: MqttClientLimits, random: Random): number {
  const whole = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(attempt, 16));
  const [byte = 0] = random.bytes(1);
  return Math.round(whole * (1 - byte / 512));
}

class Dialler implements MqttClient {
  readonly #options: MqttClientOptions;
  readonly #limits: MqttClientLimits;
  readonly #onMessage: OnClientMessage;
  readonly #notices: RateLimitedNotices;
  readonly #bucket: TokenBucket;
  readonly #waiting: Message[] = [];
  readonly #unconfirmed: Unconfirmed;
  readonly #refused: Partial<Record<MqttClientRefusal, number>> = {};
  readonly #more = new Set<string>();
  #waitingBytes = 0;
  #attempts = 0;
  #failures = 0;
  #received = 0;
  #published = 0;
  #dropped = 0;
  #running = false;
  #up = false;
  /** The last ping is not answered yet, and should be. */
  #inDoubt = false;
  #upAt = 0;
  #since: WallMs;
  /** Why the connection ended, as far as it is known. */
  #says = "";
  #socket: Socket | undefined;
  #guard: MqttGuard | undefined;
  #session: MqttSession | undefined;
  #cancelTimer: () => void = () => undefined;

  constructor(options: MqttClientOptions, onMessage: OnClientMessage, notice: (text: string) => void) {
    this.#options = options;
    this.#since = options.clock.wallMs();
    this.#limits = { ...MQTT_CLIENT_LIMITS, ...options.limits };
    const { waitingMessages, waitingBytes, keepaliveS } = this.#limits;
    this.#unconfirmed = new Unconfirmed(waitingMessages, waitingBytes, UNCONFIRMED_PINGS * keepaliveS * SECOND_MS);
    this.#onMessage = onMessage;
    this.#notices = new RateLimitedNotices(notice, () => options.clock.monoMs());
    this.#bucket = new TokenBucket(this.#limits.packetsPerS, this.#limits.packetBurst);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#dial();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#cancelTimer();
    const socket = this.#socket;
    if (socket === undefined) return;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.destroy();
    await closed;
  }

  publish(topic: string, payload: Uint8Array): boolean {
    this.#waiting.push({ topic, payload });
    this.#waitingBytes += payload.length;
    this.#flush();
    this.#leaveOut();
    return this.#waiting.length === 0 && !this.#inDoubt;
  }

  hear(filters: readonly string[], on: boolean): void {
    for (const filter of filters) {
      if (on) this.#more.add(filter);
      else this.#more.delete(filter);
    }
    // Before it is up, it subscribes to all of them at once.
    if (this.#up) this.#session?.hear(filters, on);
  }

  /** The oldest of too many. */
  #leaveOut(): void {
    while (this.#waiting.length > this.#limits.waitingMessages || this.#waitingBytes > this.#limits.waitingBytes) {
      this.#waitingBytes -= this.#waiting.shift()?.payload.length ?? 0;
      this.#dropped += 1;
    }
  }

  stats(): MqttClientStats {
    return {
      name: this.#options.name, address: this.#options.address, up: this.#up, since: this.#since,
      attempts: this.#attempts, failures: this.#failures, received: this.#received, published: this.#published,
      dropped: this.#dropped, waiting: this.#waiting.length, refused: { ...this.#refused },
    };
  }

  #refuse(why: MqttClientRefusal): void {
    this.#refused[why] = (this.#refused[why] ?? 0) + 1;
    this.#notices.say(why, `${this.#options.purpose}: refused what ${this.#options.name} sent: ${why}`);
  }

  #dial(): void {
    this.#attempts += 1;
    this.#says = "the connection was closed";
    const { address, identity, trust } = this.#options;
    const socket = openTo(address, identity, trust, (isMeant) => {
      if (isMeant) return this.#speak(socket);
      this.#says = "it showed a key that is not the one in the roster";
      this.#refuse("wrong-key");
      socket.destroy();
    });
    this.#socket = socket;
    this.#cancelTimer = this.#options.timers.after(this.#limits.dialWithinMs, () => socket.destroy());
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    socket.on("error", (error) => {
      this.#says = error.message;
      socket.destroy();
    });
    socket.once("close", () => this.#closed());
  }

  #speak(socket: Socket): void {
    const { clientId, filters, clock, timers, trust } = this.#options;
    const { messageBytes: mostBytes } = this.#limits;
    const guard = new MqttGuard({
      socket, farEnd: SERVER, bucket: this.#bucket, monoMs: () => clock.monoMs(), onRefused: (why) => this.#refuse(why),
      ...(mostBytes !== undefined && { mostBytes }),
    });
    this.#guard = guard;
    this.#session = new MqttSession({
      guard, clientId, filters: () => [...filters, ...this.#more], keepaliveS: this.#limits.keepaliveS, timers,
      ...("login" in trust && trust.login && { login: trust.login }),
      onReady: (refused) => {
        // A kind or zone that the far end does not know (yet) is no reason to do without the others.
        if (refused > 0) this.#refuse("subscription");
        this.#ready();
      },
      onRefused: (why) => {
        this.#says = why;
      },
      onMessage: (topic, payload, retained) => this.#take(topic, payload, retained),
      onPing: () => this.#unconfirmed.pinged(),
      onPong: () => {
        this.#unconfirmed.answered();
        this.#inDoubt = false;
      },
      onDoubt: () => {
        this.#inDoubt = true;
        this.#options.onUnsure?.(this.#unconfirmed.all(this.#options.clock.monoMs()));
      },
    });
    guard.on("drain", () => this.#flush());
  }

  #ready(): void {
    this.#cancelTimer();
    this.#up = true;
    this.#upAt = this.#options.clock.monoMs();
    this.#since = this.#options.clock.wallMs();
    this.#notices.over("away");
    this.#flush();
  }

  #take(topic: string, payload: Uint8Array, retained: boolean): void {
    if (this.#options.admit?.(topic) === false) return this.#refuse("rate");
    this.#received += 1;
    try {
      this.#onMessage(topic, payload, this.#options.name, retained);
    } catch (error) {
      this.#notices.say("taken", `${this.#options.purpose}: a message could not be taken: ${String(error)}`);
    }
  }

  #flush(): void {
    while (this.#up && !this.#guard?.congested) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      this.#waitingBytes -= message.payload.length;
      this.#published += 1;
      this.#session?.publish(message.topic, message.payload);
      if (this.#options.onUnsure !== undefined) this.#unconfirmed.add(message, this.#options.clock.monoMs());
      this.#options.onSent?.(message.topic.length + message.payload.length);
    }
  }

  /** It may have been lost with the connection: said another way now, and here before all that waits. */
  #keepUnsure(): void {
    const unsure = this.#unconfirmed.all(this.#options.clock.monoMs());
    this.#unconfirmed.clear();
    if (unsure.length === 0) return;
    this.#waiting.unshift(...unsure);
    this.#waitingBytes += unsure.reduce((sum, { payload }) => sum + payload.length, 0);
    this.#leaveOut();
    this.#options.onUnsure?.(unsure);
  }

  #closed(): void {
    this.#cancelTimer();
    this.#guard?.destroy();
    this.#socket = this.#guard = this.#session = undefined;
    // Not at once, or whoever takes a connection and drops it would be dialled again every second.
    if (this.#up && this.#options.clock.monoMs() - this.#upAt >= this.#limits.lastRetryMs) this.#failures = 0;
    if (this.#up) this.#since = this.#options.clock.wallMs();
    this.#up = this.#inDoubt = false;
    if (!this.#running) return;
    this.#keepUnsure();
    const { name, purpose, timers, random } = this.#options;
    this.#notices.say("away", `${purpose}: ${name} is not connected (${this.#says}); trying again`);
    const wait = retryMs(this.#failures, this.#limits, random);
    this.#failures += 1;
    this.#cancelTimer = timers.after(wait, () => this.#dial());
  }
}

/** A connection that is not dialled yet. `notice`: lines for the operator of this machine. */
export function createMqttClient(
  options: MqttClientOptions, onMessage: OnClientMessage, notice: (text: string) => void,
): MqttClient {
  return new Dialler(options, onMessage, notice);
}
