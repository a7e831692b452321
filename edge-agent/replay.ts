/**
 * Agents over a capture, in virtual time: the same core as on a charger, fed from lines and told the time by them.
 * Equal input gives equal output.
 */
import type { Crypto, Signer } from "../models/crypto.ts";
import type { Alert, Belief, Fault, Threat } from "../models/terms.ts";
import {
  MINUTE_MS, type MonotonicMs, type Now, rfc3339, SECOND_MS, type StationId, type WallMs, type ZoneId,
} from "../models/units.ts";
import { explain } from "./alert/alert.ts";
import { createCore } from "./core.ts";
import { type Memory, memoryOf, resumedMono } from "./memory.ts";
import type { SchemaOf } from "./observe/schema.ts";
import type { CaptureLine } from "./observe/trace.ts";
import { type AgentState, step } from "./pipeline.ts";
import type { AgentEvent, Effect } from "./ports.ts";
import { createRecord, NEW_LOG } from "./record/record.ts";

export interface ReplayOptions {
  readonly crypto: Crypto;
  readonly signer: Signer;
  readonly epochS: number;
  /** Where the agents begin; absent: the shipped prior. */
  readonly memory?: Memory;
  /** Absent: no message is compared with OCPP's schemas. Nothing that a replay tells depends on it. */
  readonly schemaOf?: SchemaOf;
}

export interface FoundLine {
  readonly schemaVersion: "1.0";
  readonly kind: "finding";
  readonly time: string;
  readonly station: string;
  /** The threat that the evidence speaks for; at opinion 1 it becomes an alert. */
  readonly finding: Threat;
  readonly opinion: number;
  readonly onset: string;
  readonly summary: string;
  readonly explanation: ReturnType<typeof explain>;
}

export interface FaultLine {
  readonly schemaVersion: "1.0";
  readonly kind: "fault";
  readonly time: string;
  readonly station: string;
  readonly evseId: number;
  readonly fault: Fault;
  readonly summary: string;
}

export type ReplayLine = Alert | FoundLine | FaultLine;

interface Agent {
  readonly state: AgentState;
  readonly firstWallMs: WallMs;
  readonly firstMonoMs: MonotonicMs;
  lastMs: number;
  nextTickMs: number;
  /** By EVSE whose meter is not lost: the first frame since its last line; -1: none yet. */
  readonly unreadMs: Map<number, number>;
}

/** More stations than this in one capture are a region, which is the simulator's. */
const MOST_STATIONS = 256;
/** Over a silence longer than this no clock ticks: the recording stopped. */
const LONGEST_SILENCE_MS = 14 * 24 * 3_600 * SECOND_MS;
/**
 * A capture tells no reading that was asked for in vain. Its meter is lost when frames go on for three quarters of an
 * hour without a line of it: three intervals, as from MQTT, of the slowest meters (a quarter of an hour).
 */
const METER_LOST_MS = 45 * MINUTE_MS;

export class Replay {
  readonly counts = { frames: 0, meterReadings: 0, late: 0, faults: 0, findings: 0, raised: 0, beyond: 0 };
  readonly #options: ReplayOptions;
  readonly #tell: (line: ReplayLine) => void;
  readonly #agents = new Map<StationId, Agent>();

  constructor(options: ReplayOptions, tell: (line: ReplayLine) => void) {
    this.#options = options;
    this.#tell = tell;
  }

  /** Takes the next line of the capture; its station's agent is made when first seen. */
  take(line: CaptureLine): void {
    const agent = this.#agents.get(line.station) ?? this.#begin(line.station, line.at);
    if (agent === undefined) {
      this.counts.beyond += 1;
      return;
    }
    if (line.at < agent.lastMs) this.counts.late += 1;
    // A line out of order is taken when it comes: time never goes back for an agent.
    const at = Math.max(line.at, agent.lastMs);
    this.#tickUntil(line.station, agent, at);
    if (line.event.kind === "frame") {
      this.counts.frames += 1;
      this.#missMeters(line.station, agent, at);
    } else if (line.event.kind === "meter") {
      this.counts.meterReadings += 1;
      agent.unreadMs.set(line.event.reading.evseId, -1);
    }
    this.#step(line.station, agent, line.event, at);
  }

  stations(): StationId[] {
    return [...this.#agents.keys()];
  }

  /** What the agent of a station would remember now. */
  memoryOf(station: StationId): Memory | undefined {
    const agent = this.#agents.get(station);
    return agent === undefined ? undefined : memoryOf(agent.state, nowOf(agent, agent.lastMs));
  }

  #begin(station: StationId, at: WallMs): Agent | undefined {
    if (this.#agents.size >= MOST_STATIONS) return undefined;
    const { crypto, signer, epochS, memory, schemaOf } = this.#options;
    const firstMonoMs = memory === undefined ? (0 as MonotonicMs) : resumedMono(memory, at);
    const { state } = createCore({
      station, region: "local", zone: station as string as ZoneId, epochS, site: {}, crypto,
      tokenSecret: crypto.sha256(new TextEncoder().encode(`replay ${station}`)), statementSigner: signer,
      log: createRecord({ origin: `replay/${station}`, crypto, recovered: NEW_LOG }), earliest: 0 as WallMs,
      ...(memory !== undefined && { memory: structuredClone(memory) }), ...(schemaOf !== undefined && { schemaOf }),
    }, { wallMs: at, monoMs: firstMonoMs });
    const agent = { state, firstWallMs: at, firstMonoMs, lastMs: at, nextTickMs: nextEpoch(at, epochS),
      unreadMs: new Map<number, number>() };
    this.#agents.set(station, agent);
    return agent;
  }

  #tickUntil(station: StationId, agent: Agent, at: number): void {
    const { epochS } = this.#options;
    if (at - agent.nextTickMs > LONGEST_SILENCE_MS) agent.nextTickMs = nextEpoch(at - LONGEST_SILENCE_MS, epochS);
    for (; agent.nextTickMs <= at; agent.nextTickMs += epochS * SECOND_MS) {
      this.#step(station, agent, { kind: "tick" }, agent.nextTickMs);
    }
  }

  /** What the adapter of a meter tells on a charger. A cut that takes meter and link together is none of it. */
  #missMeters(station: StationId, agent: Agent, at: number): void {
    const why = `no line for ${METER_LOST_MS / MINUTE_MS} minutes`;
    for (const [evseId, sinceMs] of agent.unreadMs) {
      if (sinceMs < 0) agent.unreadMs.set(evseId, at);
      else if (at - sinceMs > METER_LOST_MS) {
        agent.unreadMs.delete(evseId);
        this.#step(station, agent, { kind: "meter-lost", evseId, why }, at);
      }
    }
  }

  #step(station: StationId, agent: Agent, event: AgentEvent, at: number): void {
    agent.lastMs = at;
    for (const effect of step(agent.state, event, nowOf(agent, at))) this.#carryOut(station, effect);
  }

  #carryOut(station: StationId, effect: Effect): void {
    if (effect.kind === "alert") {
      if (effect.alert.state === "raised") this.counts.raised += 1;
      this.#tell(effect.alert);
    } else if (effect.kind === "finding") {
      this.counts.findings += 1;
      this.#tell(foundLine(station, effect.threat, effect.belief, effect.at));
    } else if (effect.kind === "fault") {
      const { fault, evseId, at, says: summary } = effect;
      this.counts.faults += 1;
      this.#tell({ schemaVersion: "1.0", kind: "fault", time: rfc3339(at), station, evseId, fault, summary });
    }
  }
}

function nextEpoch(at: number, epochS: number): number {
  return (Math.floor(at / (epochS * SECOND_MS)) + 1) * epochS * SECOND_MS;
}

function nowOf(agent: Agent, at: number): Now {
  return { wallMs: at as WallMs, monoMs: (agent.firstMonoMs + (at - agent.firstWallMs)) as MonotonicMs };
}

function foundLine(station: StationId, threat: Threat, belief: Belief, at: WallMs): FoundLine {
  return {
    schemaVersion: "1.0", kind: "finding", time: rfc3339(at), station, finding: threat,
    opinion: Math.round(belief.opinion * 1_000) / 1_000, onset: rfc3339(belief.onset), summary: belief.says,
    explanation: explain(belief),
  };
}
