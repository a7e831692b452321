/** OCPP frames as EVerest tells them over MQTT: a passive source, beside the line. */
import type { Direction, Oddity } from "../../models/terms.ts";
import type { FramesConfig } from "../config-meters.ts";
import { everestTopics, frameFrom, MOST_OCPP_MESSAGE_BYTES } from "../observe/everest.ts";
import type { AgentEvent, FrameSource } from "../ports.ts";
import type { SiteBroker } from "./mesh.ts";
import { MqttTopic } from "./mqtt-topic.ts";
import type { SourcePorts } from "./mqtt-topic.ts";

/** A station that comes back after an outage tells what it kept all at once. */
const MESSAGES_PER_S = 50;
const MESSAGE_BURST = 500;

export interface FramesStats {
  readonly up: boolean;
  /** Frames handed on. */
  readonly frames: Readonly<Record<Direction, number>>;
  /** Messages that no frame came of; `over-budget` and `too-large` were left out unread. */
  readonly unparsed: Readonly<Partial<Record<Oddity, number>>>;
}

/** `broker`: that of `config`, with its files read. */
export function createEverestFrames(
  { module }: FramesConfig, broker: SiteBroker, ports: SourcePorts,
): FrameSource & { stats(): FramesStats } {
  const { heard: topic, check } = everestTopics("ocpp_consumer", module);
  const frames: Record<Direction, number> = { "cp-to-csms": 0, "csms-to-cp": 0 };
  const unparsed: Partial<Record<Oddity, number>> = {};
  let tell: (event: AgentEvent) => void = () => undefined;
  const source = new MqttTopic({
    purpose: "frames", broker, topic, check, messageBytes: MOST_OCPP_MESSAGE_BYTES + topic.length + 4,
    packetsPerS: MESSAGES_PER_S, packetBurst: MESSAGE_BURST,
  }, ports, (payload) => {
    const frame = frameFrom(payload);
    if (typeof frame === "string") return void (unparsed[frame] = (unparsed[frame] ?? 0) + 1);
    frames[frame.direction] += 1;
    tell(frame);
  });
  return {
    start: async (onEvent) => {
      tell = onEvent;
      source.start();
    },
    stop: () => source.stop(),
    stats: () => {
      const { up, refused: { rate = 0, "packet-size": large = 0 } } = source.stats();
      return { up, frames: { ...frames },
        unparsed: { ...unparsed, ...(rate > 0 && { "over-budget": rate }), ...(large > 0 && { "too-large": large }) } };
    },
  };
}
