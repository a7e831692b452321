/** One topic of a broker that belongs to somebody else: a meter's, or EVerest's. What the broker kept is left out. */
import { mqttText } from "../config-schema.ts";
import { NO_CHECK } from "../observe/everest.ts";
import type { Clock, Random, Timers } from "../ports.ts";
import type { SiteBroker } from "./mesh.ts";
import { createMqttClient } from "./mqtt-client.ts";
import type { MqttClient, MqttClientStats } from "./mqtt-client.ts";

/** EVerest asks for a word within five seconds, and asks again when a module of it was started anew. */
export const CHECK_EVERY_MS = 2_000;
const CLIENT_ID_BYTES = 6;

export interface SourcePorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** One line for the operator of this machine. */
  readonly notice: (text: string) => void;
}

export interface TopicOptions {
  /** What it is for, at the head of each notice. */
  readonly purpose: string;
  readonly broker: SiteBroker;
  readonly topic: string;
  /** Where EVerest is told, time and again, that there is nothing to check; absent: nowhere. */
  readonly check?: string;
  readonly messageBytes: number;
  readonly packetsPerS: number;
  readonly packetBurst: number;
}

export class MqttTopic {
  readonly #options: TopicOptions;
  readonly #timers: Timers;
  readonly #client: MqttClient;
  #cancelCheck: () => void = () => undefined;

  constructor(options: TopicOptions, ports: SourcePorts, onMessage: (payload: Uint8Array) => void) {
    const { purpose, topic, messageBytes, packetsPerS, packetBurst, broker: { host, port, ca, login } } = options;
    this.#options = options;
    this.#timers = ports.timers;
    // Of letters and digits, at most 23 (MQTT 3.1.1, 3.1.3.1), and another each time: one name would end the other's
    // session, be it the agent's own beside `doctor`.
    const id = Array.from(ports.random.bytes(CLIENT_ID_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.#client = createMqttClient({
      purpose, name: mqttText({ secure: ca !== undefined, host, port }), address: { host, port },
      clientId: `kerbwatch${id}`, trust: { ...(ca !== undefined && { ca }), ...(login !== undefined && { login }) },
      filters: [topic], clock: ports.clock, timers: ports.timers, random: ports.random,
      limits: { messageBytes, packetsPerS, packetBurst },
    }, (at, payload, _from, retained) => {
      if (at === topic && !retained) onMessage(payload);
    }, ports.notice);
  }

  start(): void {
    this.#client.start();
    if (this.#options.check !== undefined) this.#check(this.#options.check);
  }

  stop(): Promise<void> {
    this.#cancelCheck();
    return this.#client.stop();
  }

  stats(): MqttClientStats {
    return this.#client.stats();
  }

  #check(topic: string): void {
    this.#cancelCheck = this.#timers.after(CHECK_EVERY_MS, () => {
      if (this.#client.stats().up) this.#client.publish(topic, NO_CHECK);
      this.#check(topic);
    });
  }
}
