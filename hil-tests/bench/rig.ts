/**
 * One charger on a bench: the agent as a process of the shipped file, a charging station in front of it, a CSMS
 * behind it and a Modbus meter beside it, all on this machine and in one temporary folder.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Alert } from "../../models/terms.ts";
import type { SimVersion } from "../sim/capture.ts";
import { AGENT_FILE, AgentProcess, type Ran, runFile, SIM_FILE } from "./agent-process.ts";
import { BenchCsms } from "./csms.ts";
import { startModbusMeter, type SimulatedMeter } from "./modbus-meter.ts";
import { BenchStation, type Flow, type SessionOptions, type SessionResult } from "./station.ts";

export const STATION = "CP-001";
/** The fastest chargers that there are: enough energy in half a minute to be compared. */
const RATED_W = 300_000;
const LEARN_DAYS = 14;
const METER_REGISTER_WH = 5_000_000;
/** The station's own register, beyond what it reached in the two weeks before. */
const STATION_REGISTER_WH = 50_000_000;
/** How often the simulated meter's registers move on; real ones do so continuously. */
const METER_STEP_MS = 50;

export interface Rig {
  readonly folder: string;
  readonly agent: AgentProcess;
  readonly station: BenchStation;
  readonly csms: BenchCsms;
  /** A visit at full power, the meter beside it running along. */
  charge(options: Omit<SessionOptions, "powerW" | "onFlow">): Promise<SessionResult>;
  /** Alerts that the agent wrote so far. */
  alerts(): Alert[];
  /** One command of the shipped file with `--state` of this agent. */
  command(...words: readonly string[]): Promise<Ran>;
  close(): Promise<void>;
}

/**
 * Makes two weeks of honest traffic and lets the agent learn them, as `kerbwatch learn` does for an operator.
 * @param onDay the share of the way that lies behind, in [0, 1]
 */
export async function learnTwoWeeks(
  folder: string, version: SimVersion, onDay: (share: number) => void,
): Promise<void> {
  const region = join(folder, "region.yaml");
  writeFileSync(region, JSON.stringify({
    version: 1, region: "bench", timezone: "Europe/Madrid", zones: [{
      id: "bench", ratingW: RATED_W, liarsTolerated: 0,
      stations: [{
        id: STATION, lat: 36.72, lon: -4.42, ratedW: RATED_W, evses: 1, ocppVersion: version, profile: "public-rapid",
      }],
    }],
  }));
  const from = new Date(Date.now() - LEARN_DAYS * 86_400_000).toISOString();
  const captured = await runFile(SIM_FILE, [
    "capture", "--region", region, "--days", String(LEARN_DAYS), "--out", folder, "--from", from, "--seed", "7",
  ]);
  if (captured.code !== 0) throw new Error(`kerbwatch-sim capture: ${captured.err}`);
  let days = 0;
  const learned = await runFile(AGENT_FILE, [
    "learn", "--ocpp", join(folder, `${STATION}.ocpp.jsonl`), "--meter", join(folder, `${STATION}.meter.jsonl`),
    "--state", join(folder, "state"),
  ], (line) => {
    if (line.startsWith("learning ")) onDay(Math.min(1, (days += 1) / (LEARN_DAYS + 1)));
  });
  if (learned.code !== 0) throw new Error(`kerbwatch learn: ${learned.err}`);
  const quiet = !/alerts would have been raised/.test(learned.err);
  if (!quiet) throw new Error(`honest traffic was not quiet: ${learned.err}`);
  onDay(1);
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), "kerbwatch-"));
}

export async function startRig(folder: string, version: SimVersion, tokens: readonly string[]): Promise<Rig> {
  const csms = await BenchCsms.listen({ tokens, heartbeatS: 10 });
  const quantities = { energyImportWh: METER_REGISTER_WH, voltageV: 230 };
  const meter = await startModbusMeter({ model: "sdm630", quantities });
  const port = await freePort();
  const config = join(folder, "kerbwatch.json");
  const state = join(folder, "state");
  const alertsFile = join(folder, "alerts.jsonl");
  writeFileSync(config, JSON.stringify({
    station: STATION, listen: `ws://127.0.0.1:${port}`, csms: csms.url, stateDir: state, epochS: 1,
    meters: [{
      evse: 1, kind: "modbus-tcp", model: "sdm630", address: meter.address, unit: 1, everyS: 1, side: "evse-output",
    }],
    alerts: { jsonl: alertsFile },
  }, undefined, 2));
  const agent = new AgentProcess(config, join(folder, "agent.log"));
  const station = new BenchStation({
    id: STATION, ocppVersion: version, url: `ws://127.0.0.1:${port}`, registerWh: STATION_REGISTER_WH,
    firmwareVersion: lastFirmware(folder),
  });
  const follower = followFlow(meter);
  return {
    folder, agent, station, csms,
    charge: (options) => station.session({ ...options, powerW: RATED_W, onFlow: follower.onFlow }),
    alerts: () => readAlerts(alertsFile),
    command: (...words) => runFile(AGENT_FILE, [...words, "--state", state]),
    close: async () => {
      follower.stop();
      await station.close();
      await agent.stop();
      await Promise.all([csms.close(), meter.close()]);
    },
  };
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Lets the meter's registers follow what flows, between the moments that the station tells of, too. */
function followFlow(meter: SimulatedMeter): { onFlow(flow: Flow): void; stop(): void } {
  let last: Flow = { evseId: 1, powerW: 0, deliveredWh: 0 };
  let atMs = performance.now();
  const move = () => {
    const sinceWh = (last.powerW * (performance.now() - atMs)) / 3_600_000;
    meter.set({
      powerW: last.powerW, energyImportWh: METER_REGISTER_WH + last.deliveredWh + sinceWh, currentA: last.powerW / 400,
    });
  };
  const timer = setInterval(move, METER_STEP_MS);
  return {
    onFlow(flow) {
      last = flow;
      atMs = performance.now();
      move();
    },
    stop: () => clearInterval(timer),
  };
}

/** What the station ran at the end of the two weeks: it is the same station that goes on live. */
function lastFirmware(folder: string): string {
  const capture = readFileSync(join(folder, `${STATION}.ocpp.jsonl`), "utf8");
  return capture.slice(capture.lastIndexOf('"firmwareVersion":"')).match(/:"([^"]+)"/)?.[1] ?? "2.0.0";
}

function readAlerts(file: string): Alert[] {
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Alert);
  } catch {
    return []; // none was written yet
  }
}

/** A port that is free now: the agent's must be known before it starts. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
