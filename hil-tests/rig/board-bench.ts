/**
 * The board on the bench: its disk, its power, its console, and what is outside of it: CSMS, meter and charger on this
 * machine's loopback, which the board reaches as 10.0.2.2 (QEMU's user network).
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Status } from "../../edge-agent/status.ts";
import { BenchCsms } from "../bench/csms.ts";
import { type SimulatedMeter, startModbusMeter } from "../bench/modbus-meter.ts";
import { BenchStation } from "../bench/station.ts";
import { freePort } from "../bench/street-ports.ts";
import { BoardMachine, BROKER_PORT, type MachineOptions } from "./board-machine.ts";
import type { BoardStreet } from "./board-street.ts";
import { OUTSIDE } from "./private-net.ts";

/** Where everything that lasts is mounted on the board. */
export const LASTS = "/var/lib/kerbwatch";
export const stateOf = (setting: Setting): string => `${LASTS}/${setting === "busy" ? "busy" : "state"}`;
export const CONFIG = `${LASTS}/kerbwatch.yaml`;
export const STATION = "CP-001";
export const TOKEN = "04A1000001";
/** A busy machine's emulation is slow: what this is to find is an agent that never comes up. */
const UP_WITHIN_S = 300;
const DISK_MB = "64M";

/**
 * The agent's configurations: by itself; as a member of a street whose round is ten seconds; and of one whose round is
 * a second, so that the log is written all the time, with a state directory of its own.
 */
export type Setting = "alone" | "street" | "busy";
const SETTINGS: readonly Setting[] = ["alone", "street", "busy"];

export interface BenchOptions {
  readonly folder: string;
  readonly boot: MachineOptions["boot"];
  readonly streets: { readonly street: BoardStreet; readonly busy: BoardStreet };
  /** The board's broker as its neighbours dial it. */
  readonly brokerPort: number;
  /** Whether neighbours can be had: a network of its own is here. */
  readonly together: boolean;
}

type Outside = Pick<Bench, "csms" | "meter">;

export function configOf(setting: Setting, { streets, brokerPort }: BenchOptions, { csms, meter }: Outside): string {
  const { operator, epochS } = streets[setting === "alone" ? "street" : setting];
  return JSON.stringify({
    station: STATION, csms: `ws://${OUTSIDE}:${new URL(csms.url).port}`, listen: "ws://0.0.0.0:9000",
    stateDir: stateOf(setting), epochS, operators: { threshold: 1, keys: [operator] },
    meters: [{ evse: 1, address: `${OUTSIDE}:${meter.port}`, model: "sdm630", everyS: 2 }],
    ...(setting !== "alone" && { mesh: {
      roster: `${LASTS}/${setting}.kw`, listen: `mqtts://0.0.0.0:${BROKER_PORT}`,
      advertise: `mqtts://${OUTSIDE}:${brokerPort}`,
    } }),
  });
}

/** The ext4 image that lasts, with the agent's keys and configurations on it. */
function makeDisk(options: BenchOptions, outside: Outside): string {
  const { folder, streets } = options;
  const files = join(folder, "disk");
  mkdirSync(files);
  for (const name of ["street", "busy"] as const) {
    cpSync(streets[name].boardState, join(files, basename(stateOf(name))), { recursive: true });
    cpSync(streets[name].roster, join(files, `${name}.kw`));
  }
  for (const setting of SETTINGS) writeFileSync(join(files, `${setting}.yaml`), configOf(setting, options, outside));
  cpSync(join(files, "alone.yaml"), join(files, "kerbwatch.yaml"));
  const disk = join(folder, "disk.img");
  execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", files, disk, DISK_MB], { stdio: "pipe" });
  return disk;
}

export class Bench {
  readonly csms: BenchCsms;
  readonly meter: SimulatedMeter;
  readonly port: number;
  machine: BoardMachine | undefined;
  station: BenchStation | undefined;
  readonly options: BenchOptions;
  readonly #disk: string;
  #setting: Setting = "alone";

  private constructor(options: BenchOptions, csms: BenchCsms, meter: SimulatedMeter, port: number) {
    this.options = options;
    this.csms = csms;
    this.meter = meter;
    this.port = port;
    this.#disk = makeDisk(options, this);
  }

  static async lay(options: BenchOptions): Promise<Bench> {
    const csms = await BenchCsms.listen({ tokens: [TOKEN] });
    const meter = await startModbusMeter({ model: "sdm630", quantities: { voltageV: 230 } });
    return new Bench(options, csms, meter, await freePort());
  }

  /** Powers the board on; seconds until its agent takes chargers. */
  async power(how: Partial<Pick<MachineOptions, "clock" | "counted" | "boot" | "disk">> = {}): Promise<number> {
    await this.off();
    const { boot, brokerPort, together } = this.options;
    this.machine = new BoardMachine({
      boot, disk: this.#disk, chargerPort: this.port, ...how,
      ...(together && { broker: { host: OUTSIDE, port: brokerPort } }),
    });
    await this.machine.booted();
    await this.agentUp();
    return (performance.now() - this.machine.begunMs) / 1000;
  }

  async run(command: string): Promise<{ readonly code: number; readonly out: string }> {
    if (this.machine === undefined) throw new Error("the board is off");
    return await this.machine.run(command);
  }

  /** As the agent's own user: what it makes must be its own. */
  async asAgent(command: string): Promise<{ readonly code: number; readonly out: string }> {
    return await this.run(`su -s /bin/sh kerbwatch -c "${command}"`);
  }

  /** Waits for an agent that answers; its process. */
  async agentUp(): Promise<number> {
    for (const endMs = performance.now() + 1000 * UP_WITHIN_S; performance.now() < endMs;) {
      // The socket alone may be left over: what listens is asked for (port 9000 is 0x2328).
      const { out } = await this.run(`grep -q ":2328 .* 0A" /proc/net/tcp && pidof node || sleep 1`);
      const pid = /^(\d+)/m.exec(out)?.[1];
      if (pid !== undefined) return Number(pid);
    }
    throw new Error(`no agent after ${UP_WITHIN_S} s`);
  }

  /** Ends the agent as a service manager does; the process that init starts in its place, listening. */
  async restart(setting: Setting = this.#setting): Promise<number> {
    const before = await this.agentUp();
    this.#setting = setting;
    await this.run(`cp ${LASTS}/${setting}.yaml ${CONFIG}; sync; kill ${before}; `
      + `while kill -0 ${before} 2>/dev/null; do sleep 1; done`);
    return await this.agentUp();
  }

  /** A charger of the outside, connected through the agent. */
  async charger(): Promise<BenchStation> {
    await this.station?.close();
    this.station = new BenchStation({
      id: STATION, ocppVersion: "1.6", url: `ws://127.0.0.1:${this.port}`, registerWh: 1_000_000,
      firmwareVersion: "1.0.0",
    });
    await this.station.connect();
    await this.station.boot();
    return this.station;
  }

  /** What the agent says of itself. */
  async status(): Promise<Status | undefined> {
    const asked = await this.run(`kerbwatch status --json --state ${stateOf(this.#setting)}`);
    return this.#json(asked) as Status | undefined;
  }

  /** The log's sizes as `ledger verify` finds them; undefined when it is not whole. */
  async log(): Promise<{ readonly size: number; readonly signedSize: number } | undefined> {
    const ran = await this.run(`kerbwatch ledger verify --json --state ${stateOf(this.#setting)}`);
    return ran.code === 0 ? this.#json(ran) as { size: number; signedSize: number } : undefined;
  }

  #json({ out }: { readonly out: string }): unknown {
    const line = out.split("\n").find((one) => one.startsWith("{"));
    return line === undefined ? undefined : JSON.parse(line);
  }

  async off(): Promise<void> {
    await this.station?.close();
    this.station = undefined;
    await this.machine?.cutPower();
    this.machine = undefined;
  }

  async close(): Promise<void> {
    await this.off();
    await Promise.all([this.csms.close(), this.meter.close()]);
  }
}
