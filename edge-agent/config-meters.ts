/** The agent's sources beside the line in the configuration: meters by kind, and frames from elsewhere. */
import type { MeterSide } from "../models/terms.ts";
import { brokerProblem, buildBroker, effectiveBroker, must } from "./config-brokers.ts";
import type { BrokerConfig, Environment } from "./config-brokers.ts";
import { TOPIC_RULE } from "./config-kit.ts";
import { mqttText } from "./config-schema.ts";
import type { RawConfig } from "./config-schema.ts";
import { everestTopics, EVEREST_POWERMETER } from "./observe/everest.ts";
import { QUANTITIES } from "./observe/meters/json-meter.ts";
import type { JsonPlaces } from "./observe/meters/json-meter.ts";
import { METER_MODEL_NAMES } from "./observe/meters/model-names.ts";
import type { MeterModelName } from "./observe/meters/model-names.ts";

interface AnyMeter {
  /** 0: the whole station. */
  readonly evse: number;
  readonly everyS: number;
  readonly side: MeterSide;
  /** What else draws power behind it (lights, a barrier), W at most; 0: nothing. */
  readonly loadW: number;
}

export interface ModbusMeterConfig extends AnyMeter {
  readonly kind: "modbus-tcp" | "modbus-rtu-tcp";
  readonly model: MeterModelName;
  /** `host:port`. */
  readonly address: string;
  readonly unit: number;
}

export interface MqttMeterConfig extends AnyMeter {
  readonly kind: "mqtt" | "everest";
  readonly broker: BrokerConfig;
  readonly topic: string;
  readonly places: JsonPlaces;
  /** Of everest: the API module's id. */
  readonly module?: string;
}

/** One meter that the agent reads by itself. */
export type MeterConfig = ModbusMeterConfig | MqttMeterConfig;

export interface FramesConfig {
  readonly kind: "everest";
  readonly broker: BrokerConfig;
  readonly module: string;
}

type RawMeter = RawConfig["meters"][number];
type RawFrames = NonNullable<RawConfig["frames"]>;
type Kind = RawMeter["kind"];
type Key = Exclude<keyof RawMeter, "kind" | keyof AnyMeter>;

const MODBUS: readonly Key[] = ["model", "address", "unit"];
/** The keys of each kind beside those of all. */
const KEYS: Readonly<Record<Kind, readonly Key[]>> = {
  "modbus-tcp": MODBUS, "modbus-rtu-tcp": MODBUS, "mqtt": ["broker", "topic", ...QUANTITIES],
  "everest": ["broker", "module"],
};
/** What a key that is missing may hold; the others may be missing. */
const REQUIRED: Readonly<Partial<Record<Key, string>>> = {
  model: METER_MODEL_NAMES.join(", "), address: "host:port, port 1 to 65535",
  broker: "mqtts://host:port, or mqtt://host:port, or a group of keys", topic: TOPIC_RULE,
  module: "1 to 64 of A-Z a-z 0-9 _ . -",
};
const FORGERY = "may read and forge what comes from there";

function sourceProblem(at: string, broker: RawFrames["broker"]): string | undefined {
  if (broker.url.startsWith("mqtts:") && broker.ca === undefined) {
    return `${at}.ca: missing; allowed: a path, since ${at}.url is an mqtts:// address`;
  }
  return brokerProblem(at, broker, FORGERY);
}

function meterProblem(at: string, meter: RawMeter): string | undefined {
  const keys = KEYS[meter.kind];
  const foreign = Object.keys(meter).find((key) =>
    !keys.includes(key as Key) && Object.values(KEYS).some((all) => all.includes(key as Key))) as Key | undefined;
  if (foreign !== undefined) {
    const kinds = Object.keys(KEYS).filter((kind) => KEYS[kind as Kind].includes(foreign));
    return `${at}.${foreign}: found beside kind: ${meter.kind}; allowed: with kind: ${kinds.join(" or ")}`;
  }
  const missing = keys.find((key) => REQUIRED[key] !== undefined && meter[key] === undefined);
  if (missing !== undefined) return `${at}.${missing}: missing; allowed: ${REQUIRED[missing]}`;
  if (meter.kind === "mqtt" && meter.powerW === undefined && meter.energyImportWh === undefined) {
    return `${at}.energyImportWh: missing; allowed: a JSON pointer (RFC 6901), for this or powerW at least`;
  }
  return meter.broker && sourceProblem(`${at}.broker`, meter.broker);
}

export function metersProblem({ meters }: RawConfig): string | undefined {
  const seen = new Set<string>();
  for (const [index, meter] of meters.entries()) {
    const wrong = meterProblem(`meters[${index}]`, meter);
    if (wrong !== undefined) return wrong;
    const { evse, side } = meter;
    if (seen.has(`${evse} ${side}`)) {
      return `meters[${index}].evse: found ${evse} again; allowed: one meter for each EVSE and side`;
    }
    seen.add(`${evse} ${side}`);
  }
  return undefined;
}

export function framesProblem({ frames, mode }: RawConfig): string | undefined {
  if (frames === undefined) return undefined;
  if (mode === "guard") {
    return "frames: found beside mode: guard; allowed: with mode: observe, nothing can be held there";
  }
  return sourceProblem("frames.broker", frames.broker);
}

export function buildMeter(key: string, raw: RawMeter, env: Environment, at: (path: string) => string): MeterConfig {
  const { evse, everyS, side, loadW, kind } = raw;
  const common = { evse, everyS, side, loadW };
  if (kind === "modbus-tcp" || kind === "modbus-rtu-tcp") {
    const [model, address] = [must(raw.model, "model"), must(raw.address, "address")];
    return { kind, model, address, unit: raw.unit ?? 1, ...common };
  }
  const broker = buildBroker(`${key}.broker`, must(raw.broker, "broker"), env, at);
  if (kind === "everest") {
    const module = must(raw.module, "module");
    const topic = everestTopics("evse_manager_consumer", module).heard;
    return { kind, broker, module, topic, places: EVEREST_POWERMETER, ...common };
  }
  const places = Object.fromEntries(QUANTITIES.flatMap((one) => (raw[one] ? [[one, raw[one]]] : [])));
  return { kind, broker, topic: must(raw.topic, "topic"), places, ...common };
}

export function buildFrames(
  { kind, broker, module }: RawFrames, env: Environment, at: (path: string) => string,
): FramesConfig {
  return { kind, broker: buildBroker("frames.broker", broker, env, at), module };
}

export function effectiveMeter(meter: MeterConfig): Record<string, unknown> {
  if ("model" in meter) return { ...meter };
  const { broker, topic, places, ...rest } = meter;
  return { ...rest, broker: effectiveBroker(broker), ...(rest.module === undefined && { topic, ...places }) };
}

export const effectiveFrames = ({ broker, ...rest }: FramesConfig): Record<string, unknown> =>
  ({ ...rest, broker: effectiveBroker(broker) });

/** What a meter is called in lines for people, and in `status`: what it is, and where. */
export function meterName(meter: MeterConfig): { readonly model: string; readonly address: string } {
  if ("model" in meter) return { model: meter.model, address: meter.address };
  return { model: meter.kind, address: `${mqttText(meter.broker)} ${meter.module ?? meter.topic}` };
}
