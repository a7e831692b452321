/**
 * One charging place of the street: the charger, the Modbus meter beside it, the agent in front of it as a process of
 * its own, and the relay before the agent's broker. All of it lies in one folder.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ifThere } from "../../edge-agent/adapters/durable-file.ts";
import type { Alert } from "../../models/terms.ts";
import type { StationId, ZoneId } from "../../models/units.ts";
import { AGENT_FILE, AgentProcess, runFile, type Ran } from "./agent-process.ts";
import { startModbusMeter, type SimulatedMeter } from "./modbus-meter.ts";
import { type Ground, LOOPBACK, type Place, type StreetAgent } from "./street-ground.ts";
import { BenchStation, type Flow, type SessionOptions, type SessionResult } from "./station.ts";
import { type Plot, RATED_W } from "./street-plan.ts";
import { freePort } from "./street-ports.ts";
import { Relay } from "./street-relay.ts";

/** The station's own register, beyond what it reached in the days that were learned. */
const STATION_REGISTER_WH = 50_000_000;
/** How often the simulated meter's registers move on; real ones do so continuously. */
const METER_STEP_MS = 100;

/** What all agents of the street are told. */
export interface StreetFacts {
  readonly folder: string;
  readonly csms: string;
  /** Public half, as `keygen --operator` printed it. */
  readonly operator: string;
  readonly roster: string;
  readonly epochS: number;
  /** Each agent serves its page, on a port that is free. */
  readonly pages: boolean;
}

/** Where the agent listens. */
interface Ports {
  readonly charger: number;
  readonly broker: number;
}

export class House {
  readonly plot: Plot;
  readonly folder: string;
  readonly state: string;
  readonly config: string;
  readonly relay: Relay;
  readonly place: Place;
  readonly #meter: SimulatedMeter;
  readonly #ports: Ports;
  readonly #follower: Follower;
  #station: BenchStation | undefined;
  #agent: StreetAgent;
  readonly #hub: string;

  private constructor(
    plot: Plot, folder: string, { hub, place }: { readonly hub: string; readonly place: Place }, relay: Relay,
    meter: SimulatedMeter, ports: Ports,
  ) {
    this.plot = plot;
    this.#hub = hub;
    this.place = place;
    this.folder = folder;
    this.state = join(folder, "state");
    this.config = join(folder, "kerbwatch.json");
    this.relay = relay;
    this.#meter = meter;
    this.#ports = ports;
    this.#follower = followFlow(meter);
    const [program, ...args] = place.command(this.config);
    this.#agent = place.elsewhere?.agent ?? new AgentProcess(args, join(folder, "agent.log"), program);
  }

  /** Meter, relay and folder; no agent and no charger yet. */
  static async build(plot: Plot, street: string, ground: Ground = LOOPBACK): Promise<House> {
    const folder = join(street, plot.station);
    const { hub, bind = hub } = ground;
    mkdirSync(folder, { recursive: true });
    const meter = await startModbusMeter({ host: bind, model: "sdm630", quantities: { voltageV: 230 } });
    const place = ground.place(plot);
    const ports = place.elsewhere?.ports ?? { charger: await freePort(), broker: await freePort() };
    const relay = await Relay.open({ host: place.host, port: ports.broker }, bind);
    return new House(plot, folder, { hub, place }, relay, meter, ports);
  }

  /** Where neighbours dial it. */
  get advertised(): string {
    return `${this.#hub}:${this.relay.port}`;
  }

  get id(): StationId {
    return this.plot.station;
  }

  get zone(): ZoneId {
    return this.plot.zone;
  }

  get agent(): StreetAgent {
    return this.#agent;
  }

  get station(): BenchStation {
    if (this.#station === undefined) throw new Error(`${this.id} has no charger yet`);
    return this.#station;
  }

  /** What the meter shows before anything was charged, Wh. */
  setMeter(registerWh: number): void {
    this.#follower.setStart(registerWh);
  }

  /** Writes the agent's configuration and starts it. Settles when chargers can connect. */
  async startAgent({ csms, operator, roster, epochS, pages }: StreetFacts): Promise<void> {
    const { elsewhere, host } = this.place;
    const { listen, paths } = elsewhere ?? {
      listen: { charger: this.#chargersAt, broker: `mqtts://${host}:${this.#ports.broker}` },
      paths: { state: this.state, roster, alerts: this.#alertsFile },
    };
    writeFileSync(this.config, JSON.stringify({
      station: this.id, listen: listen.charger, csms, stateDir: paths.state, epochS,
      operators: { threshold: 1, keys: [operator] },
      mesh: { roster: paths.roster, listen: listen.broker, advertise: `mqtts://${this.advertised}` },
      meters: [{
        evse: 1, kind: "modbus-tcp", model: "sdm630", address: `${this.#hub}:${this.#meter.port}`, unit: 1, everyS: 1,
        side: "evse-output",
      }],
      alerts: { jsonl: paths.alerts }, ...(pages && { http: "127.0.0.1:0" }),
    }, undefined, 2));
    await elsewhere?.prepare({ state: this.state, roster, config: this.config });
    await this.#agent.start();
  }

  /** Another program in the agent's place, with its configuration and keys. */
  async replaceAgent(command: readonly string[]): Promise<void> {
    await this.#agent.stop();
    this.#agent = new AgentProcess(command, this.#replacedLog);
    await this.#agent.start();
  }

  /** What the other program wrote so far; nothing when there was none. */
  replacedSaid(): string[] {
    return readLines(this.#replacedLog);
  }

  /** Connects the charger and boots it: through the agent, or to `url`. */
  async startCharger(firmwareVersion: string, url = this.#chargersAt): Promise<void> {
    await this.#station?.close();
    this.#station = new BenchStation({
      id: this.id, ocppVersion: this.plot.version, url, registerWh: STATION_REGISTER_WH, firmwareVersion,
    });
    await this.#station.connect();
    await this.#station.boot();
  }

  /** A visit at full power, the meter beside it running along. */
  async charge(options: Omit<SessionOptions, "powerW" | "onFlow">): Promise<SessionResult> {
    return await this.station.session({ ...options, powerW: RATED_W, onFlow: this.#follower.onFlow });
  }

  /** Alerts that the agent wrote so far, oldest first. */
  alerts(): Alert[] {
    const lines = this.place.elsewhere?.alerts() ?? readLines(this.#alertsFile);
    return lines.map((line) => JSON.parse(line) as Alert);
  }

  /** One command of the shipped file with `--state` of this agent. */
  async command(...words: readonly string[]): Promise<Ran> {
    await this.place.elsewhere?.fetchLog(this.state);
    return await runFile(AGENT_FILE, [...words, "--state", this.state]);
  }

  /** `gently`: the agent saves and signs what it has; otherwise it is gone at once. */
  async close(gently: boolean): Promise<void> {
    this.#follower.stop();
    await Promise.all([this.#station?.close(), gently ? this.#agent.stop() : this.#agent.killForGood()]);
    await Promise.all([this.relay.cut(), this.#meter.close()]);
  }

  get #chargersAt(): string {
    return `ws://${this.place.host}:${this.#ports.charger}`;
  }

  get #replacedLog(): string {
    return join(this.folder, "replaced-agent.log");
  }

  get #alertsFile(): string {
    return join(this.folder, "alerts.jsonl");
  }
}

/** Whole lines: the last one may still be on its way into the file, which may not be there yet. */
function readLines(path: string): string[] {
  return ifThere(() => readFileSync(path, "utf8"))?.split("\n").slice(0, -1) ?? [];
}

interface Follower {
  onFlow(flow: Flow): void;
  setStart(registerWh: number): void;
  stop(): void;
}

/** Lets the meter's registers follow what flows, between the moments that the station tells of, too. */
function followFlow(meter: SimulatedMeter): Follower {
  let last: Flow = { evseId: 1, powerW: 0, deliveredWh: 0 };
  let atMs = performance.now();
  let startWh = 0;
  let shownWh = 0;
  const move = () => {
    const sinceWh = (last.powerW * (performance.now() - atMs)) / 3_600_000;
    // A timer that comes late makes it run ahead of the session's end; a meter never counts backwards.
    shownWh = Math.max(shownWh, startWh + last.deliveredWh + sinceWh);
    meter.set({ powerW: last.powerW, energyImportWh: shownWh, currentA: last.powerW / 400 });
  };
  const timer = setInterval(move, METER_STEP_MS);
  return {
    onFlow(flow) {
      last = flow;
      atMs = performance.now();
      move();
    },
    setStart(registerWh) {
      startWh = registerWh;
      move();
    },
    stop: () => clearInterval(timer),
  };
}
