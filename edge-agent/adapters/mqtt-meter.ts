/**
 * Hears one meter on an MQTT topic, for as long as the agent runs. The meter speaks when it likes: too often costs
 * nothing, and after three times `everyS` without a reading it is lost.
 */
import type { Reading } from "../../models/terms.ts";
import { meterName } from "../config-meters.ts";
import type { MqttMeterConfig } from "../config-meters.ts";
import { everestTopics } from "../observe/everest.ts";
import { measureJson, MOST_READING_BYTES } from "../observe/meters/json-meter.ts";
import type { MeterProblem, MeterStats } from "../observe/meters/meter.ts";
import type { AgentEvent, MeterSource, Timers } from "../ports.ts";
import { systemClock, systemTimers } from "./clock.ts";
import { systemRandom } from "./crypto.ts";
import type { SiteBroker } from "./mesh.ts";
import { MqttTopic } from "./mqtt-topic.ts";
import type { SourcePorts } from "./mqtt-topic.ts";

/** What is parsed in a second, and at once: a flood is left out unread. */
const MESSAGES_PER_S = 5;
const MESSAGE_BURST = 20;
/** Of `everyS`: silence that is a loss. */
const LOST_AFTER = 3;

/** `broker`: that of `config`, with its files read. */
export function createMqttMeter(
  config: MqttMeterConfig, broker: SiteBroker, ports: SourcePorts,
): MeterSource & { stats(): MeterStats } {
  return new MqttMeter(config, broker, ports);
}

const purposeOf = (config: MqttMeterConfig): string => {
  const { model, address } = meterName(config);
  return `meter of EVSE ${config.evse} (${model} at ${address})`;
};

function topicOf(
  config: MqttMeterConfig, broker: SiteBroker, check: boolean, ports: SourcePorts, take: (payload: Uint8Array) => void,
): MqttTopic {
  const { topic, module } = config;
  return new MqttTopic({
    purpose: purposeOf(config), broker, topic, messageBytes: MOST_READING_BYTES + topic.length + 4,
    packetsPerS: MESSAGES_PER_S, packetBurst: MESSAGE_BURST,
    ...(check && module !== undefined && { check: everestTopics("evse_manager_consumer", module).check }),
  }, ports, take);
}

/** The next reading, for `doctor`, within `timeOutMs`. Rejects with an Error in plain words. */
export async function hearOnce(
  config: MqttMeterConfig, broker: SiteBroker, timeOutMs: number, timers: Timers = systemTimers,
): Promise<Reading> {
  let [refused, bad] = ["", ""];
  const ports: SourcePorts = {
    clock: systemClock, timers, random: systemRandom, notice: (text) => {
      refused = text.replace(`${purposeOf(config)}: `, "");
    },
  };
  let heard = (_reading: Reading): void => undefined;
  const topic = topicOf(config, broker, false, ports, (payload) => {
    const measured = measureJson(payload, config.places);
    if (measured.ok) heard({ evseId: config.evse, ...measured.value });
    else bad = measured.problem.says;
  });
  let cancel = (): void => undefined;
  try {
    return await new Promise((resolve, reject) => {
      heard = resolve;
      cancel = timers.after(timeOutMs, () => reject(new Error(
        bad || refused || `nothing came on ${config.topic} within ${timeOutMs / 1_000} s`)));
      topic.start();
    });
  } finally {
    cancel();
    await topic.stop();
  }
}

class MqttMeter implements MeterSource {
  readonly #config: MqttMeterConfig;
  readonly #ports: SourcePorts;
  readonly #topic: MqttTopic;
  #onEvent: (event: AgentEvent) => void = () => undefined;
  #cancelLoss: () => void = () => undefined;
  #takenAt = -Infinity;
  #stats: MeterStats = { readings: 0, failures: 0, losses: 0, lost: false };
  /** Since the last reading. */
  #problem: MeterProblem | undefined;

  constructor(config: MqttMeterConfig, broker: SiteBroker, ports: SourcePorts) {
    this.#config = config;
    this.#ports = ports;
    this.#topic = topicOf(config, broker, true, ports, (payload) => this.#take(payload));
  }

  start(onEvent: (event: AgentEvent) => void): void {
    this.#onEvent = onEvent;
    this.#topic.start();
    this.#awaitLoss();
  }

  stop(): Promise<void> {
    this.#cancelLoss();
    return this.#topic.stop();
  }

  stats(): MeterStats {
    return this.#stats;
  }

  #awaitLoss(): void {
    this.#cancelLoss();
    this.#cancelLoss = this.#ports.timers.after(LOST_AFTER * this.#config.everyS * 1_000, () => this.#lost());
  }

  /** A meter that speaks every second, where a reading every ten is wanted, is heard every five. */
  #take(payload: Uint8Array): void {
    const now = this.#ports.clock.monoMs();
    if (now - this.#takenAt < this.#config.everyS * 500) return;
    const measured = measureJson(payload, this.#config.places);
    if (!measured.ok) {
      this.#problem = measured.problem;
      this.#stats = { ...this.#stats, failures: this.#stats.failures + 1, lastProblem: measured.problem };
      return;
    }
    this.#takenAt = now;
    this.#problem = undefined;
    const reading: Reading = { evseId: this.#config.evse, ...measured.value };
    this.#stats = { ...this.#stats, readings: this.#stats.readings + 1, lost: false, lastReading: reading };
    this.#awaitLoss();
    this.#onEvent({ kind: "meter", reading, side: this.#config.side });
  }

  /** Told once; the next reading ends it. */
  #lost(): void {
    const { evse, everyS } = this.#config;
    const silent = `no reading for ${LOST_AFTER * everyS} s`;
    const away: MeterProblem = this.#topic.stats().up ? { kind: "time-out", says: silent }
      : { kind: "connection", says: `the broker is not connected, ${silent}` };
    const lastProblem = this.#problem ?? away;
    this.#stats = { ...this.#stats, losses: this.#stats.losses + 1, lost: true, lastProblem };
    this.#ports.notice(`${purposeOf(this.#config)}: ${lastProblem.says}`);
    this.#onEvent({ kind: "meter-lost", evseId: evse, why: lastProblem.says });
  }
}
