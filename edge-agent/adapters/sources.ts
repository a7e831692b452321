/** The sources that the configuration names beside the line: a reader for each meter, and frames from elsewhere. */
import type { Config, Environment, MeterConfig } from "../config.ts";
import type { MeterStats } from "../observe/meters/meter.ts";
import type { FrameSource, MeterSource } from "../ports.ts";
import type { Reading } from "../../models/terms.ts";
import { createEverestFrames } from "./everest-frames.ts";
import type { FramesStats } from "./everest-frames.ts";
import type * as Modbus from "./modbus-tcp.ts";
import { createMqttMeter, hearOnce } from "./mqtt-meter.ts";
import type { SourcePorts } from "./mqtt-topic.ts";
import { readBroker } from "./tls-files.ts";

export type Meter = MeterSource & { stats(): MeterStats };
export type Frames = FrameSource & { stats(): FramesStats };

export type ModbusReader = typeof Modbus;

/** What reads Modbus: a part of the program that is loaded where a meter asks for it (build/chunks.ts). */
const modbusReader = (): Promise<ModbusReader> => import("./modbus-tcp.ts");

/** Undefined where no meter is read over Modbus. */
export async function modbusFor({ meters }: Config): Promise<ModbusReader | undefined> {
  return meters.some((meter) => "model" in meter) ? modbusReader() : undefined;
}

/**
 * @param modbus of `modbusFor` the same configuration
 * @throws UsageError that names the key of a file that cannot be read
 */
export function createMeters(
  { meters }: Config, env: Environment, ports: SourcePorts, modbus: ModbusReader | undefined,
): Meter[] {
  return meters.map((meter, index) => ("model" in meter ? modbus!.createModbusMeter(meter, ports)
    : createMqttMeter(meter, readBroker(`meters[${index}].broker`, meter.broker, env), ports)));
}

/** Undefined where none is configured. Throws UsageError that names the key of a file that cannot be read. */
export function createFrames({ frames }: Config, env: Environment, ports: SourcePorts): Frames | undefined {
  return frames && createEverestFrames(frames, readBroker("frames.broker", frames.broker, env), ports);
}

/** What speaks by itself is given the time until its next word as well, within reason. */
const MOST_WAIT_MS = 30_000;

/** One reading now, for `doctor`. `key`: of the meter in the configuration. Rejects with an Error in plain words. */
export async function readMeter(
  key: string, meter: MeterConfig, env: Environment, timeOutMs: number,
): Promise<Reading> {
  if ("model" in meter) return (await modbusReader()).readOnce(meter, timeOutMs);
  const waitMs = Math.min(timeOutMs + meter.everyS * 1_000, MOST_WAIT_MS);
  return hearOnce(meter, readBroker(`${key}.broker`, meter.broker, env), waitMs);
}
