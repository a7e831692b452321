/**
 * Reads one meter over Modbus TCP, for as long as the agent runs. A meter that is dead, slow or hostile costs nothing
 * but its own readings: one connection, one read outstanding, every wait bounded.
 */
import type { Reading } from "../../models/terms.ts";
import { parseHostPort } from "../config-schema.ts";
import type { HostPort } from "../config-schema.ts";
import type { ModbusMeterConfig } from "../config.ts";
import { problem } from "../observe/meters/meter.ts";
import type { Conversation, Measurement, MeterModel, MeterProblem, MeterStats, Result }
  from "../observe/meters/meter.ts";
import { METER_MODELS } from "../observe/meters/models.ts";
import type { AgentEvent, Clock, MeterSource, Timers } from "../ports.ts";
import { systemTimers } from "./clock.ts";
import { ModbusLink } from "./modbus-link.ts";

export interface ModbusMeterPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** One line for the operator of this machine. */
  readonly notice: (text: string) => void;
}

/** A meter needs milliseconds; past this it is not a witness any more. */
const MAX_TIME_OUT_MS = 3_000;
/** Waits after failures: quick for a meter that restarts, slow enough not to press one that is in trouble. */
const FIRST_BACK_OFF_MS = 1_000;
const MAX_BACK_OFF_MS = 60_000;

const STOPPED = problem("connection", "the reader was stopped");

/**
 * The source of one meter's readings; `config` is one of `meters` in the configuration (contracts, section 5). Throws
 * when the address is not `host:port`, which checking the configuration excludes.
 */
export function createModbusMeter(
  config: ModbusMeterConfig, ports: ModbusMeterPorts,
): MeterSource & { stats(): MeterStats } {
  return new ModbusMeter(config, ports);
}

/** One reading now, for `doctor`, within `timeOutMs` in all. Rejects with an Error in plain words. */
export async function readOnce(config: ModbusMeterConfig, timeOutMs: number): Promise<Reading> {
  // Half for each wait, so that it is told apart whether nothing is there or something there does not answer.
  const session = new Session(config, timeOutMs / 2, systemTimers);
  let late = false;
  const cancel = systemTimers.after(timeOutMs, () => {
    late = true;
    session.close();
  });
  try {
    const measured = await session.measure();
    if (measured.ok) return { evseId: config.evse, ...measured.value };
    throw new Error(late ? `the meter gave no reading within ${timeOutMs / 1_000} s` : measured.problem.says);
  } finally {
    cancel();
    session.close();
  }
}

/** Measures over a connection that it opens when it needs one and drops after any failure. */
class Session {
  readonly #config: ModbusMeterConfig;
  readonly #to: HostPort;
  readonly #timeOutMs: number;
  readonly #timers: Timers;
  #link: ModbusLink | undefined;
  /** Where the map begins; forgotten with the connection, since the device behind an address may change. */
  #base: number | undefined;
  #closed = false;

  constructor(config: ModbusMeterConfig, timeOutMs: number, timers: Timers) {
    const to = parseHostPort(config.address);
    if (to === undefined) throw new Error(`meter address "${config.address}" is not host:port`);
    this.#config = config;
    this.#to = to;
    this.#timeOutMs = timeOutMs;
    this.#timers = timers;
  }

  async measure(): Promise<Result<Measurement>> {
    const reused = this.#link !== undefined;
    const first = await this.#attempt();
    if (first.ok) return first;
    this.#drop();
    // A meter may close an idle connection at any time, even as it is asked: only a fresh one tells that it is gone.
    if (!reused || first.problem.kind !== "connection") return first;
    const second = await this.#attempt();
    if (!second.ok) this.#drop();
    return second;
  }

  /** For good; a measurement under way ends at once. */
  close(): void {
    this.#closed = true;
    this.#drop();
  }

  #drop(): void {
    this.#link?.close();
    this.#link = undefined;
    this.#base = undefined;
  }

  async #attempt(): Promise<Result<Measurement>> {
    const model: MeterModel = METER_MODELS[this.#config.model];
    if (this.#link?.alive !== true) {
      this.#drop();
      const failure = await this.#open();
      if (failure !== undefined) return { ok: false, problem: failure };
    }
    if (this.#base === undefined) {
      const found = await this.#carryOut(model.find());
      if (!found.ok) return found;
      this.#base = found.value;
    }
    return this.#carryOut(model.measure(this.#base));
  }

  async #open(): Promise<MeterProblem | undefined> {
    if (this.#closed) return STOPPED.problem;
    const { link, opened } = ModbusLink.open(this.#to, this.#config.kind, this.#timeOutMs, this.#timers);
    this.#link = link;
    const answer = await opened;
    return answer.kind === "problem" ? answer.problem : undefined;
  }

  async #carryOut<T>(conversation: Conversation<T>): Promise<Result<T>> {
    let step = conversation.next();
    while (step.done !== true) {
      // `close` may have come while an answer was awaited.
      if (this.#link === undefined) return STOPPED;
      const answer = await this.#link.ask(step.value, this.#config.unit);
      if (answer.kind === "problem") return { ok: false, problem: answer.problem };
      step = conversation.next(answer);
    }
    return step.value;
  }
}

class ModbusMeter implements MeterSource {
  readonly #config: ModbusMeterConfig;
  readonly #ports: ModbusMeterPorts;
  readonly #session: Session;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #wake: () => void = () => {};
  #backOffMs = FIRST_BACK_OFF_MS;
  #stats: MeterStats = { readings: 0, failures: 0, losses: 0, lost: false };

  constructor(config: ModbusMeterConfig, ports: ModbusMeterPorts) {
    this.#config = config;
    this.#ports = ports;
    this.#session = new Session(config, Math.min(config.everyS * 1_000, MAX_TIME_OUT_MS), ports.timers);
  }

  start(onEvent: (event: AgentEvent) => void): void {
    this.#running = this.#run(onEvent);
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.#session.close();
    this.#wake();
    return this.#running;
  }

  stats(): MeterStats {
    return this.#stats;
  }

  async #run(onEvent: (event: AgentEvent) => void): Promise<void> {
    while (!this.#stopped) {
      const dueMs = this.#ports.clock.monoMs() + this.#config.everyS * 1_000;
      const measured = await this.#session.measure();
      if (this.#stopped) return;
      if (measured.ok) {
        this.#gained({ evseId: this.#config.evse, ...measured.value }, onEvent);
        await this.#sleep(Math.max(0, dueMs - this.#ports.clock.monoMs()));
      } else {
        this.#failed(measured.problem, onEvent);
        await this.#sleep(this.#backOffMs);
        this.#backOffMs = Math.min(2 * this.#backOffMs, MAX_BACK_OFF_MS);
      }
    }
  }

  #gained(reading: Reading, onEvent: (event: AgentEvent) => void): void {
    this.#backOffMs = FIRST_BACK_OFF_MS;
    this.#stats = { ...this.#stats, readings: this.#stats.readings + 1, lost: false, lastReading: reading };
    onEvent({ kind: "meter", reading, side: this.#config.side });
  }

  /** Only the first failure of a row is told: the operator and the log need the loss, not each retry. */
  #failed(failure: MeterProblem, onEvent: (event: AgentEvent) => void): void {
    const { failures, losses, lost } = this.#stats;
    const counts = { failures: failures + 1, losses: losses + (lost ? 0 : 1), lost: true };
    this.#stats = { ...this.#stats, ...counts, lastProblem: failure };
    if (lost) return;
    const { evse, model, address } = this.#config;
    this.#ports.notice(`meter of EVSE ${evse} (${model} at ${address}): ${failure.says}`);
    onEvent({ kind: "meter-lost", evseId: evse, why: failure.says });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#ports.timers.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
