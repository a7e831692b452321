/**
 * The deciding half of an agent, *observe, detect, opine, agree*, over a capture in virtual time: what a replay does
 * without its log, its statements and its alerts, since a bench over many station-years need not pay for them.
 * watch.test.ts holds it to the verdicts of a whole replay.
 */
import { nodeCrypto } from "../../../edge-agent/adapters/crypto.ts";
import { parseMeterLine } from "../../../edge-agent/observe/meter-capture.ts";
import { createObserve, observe, type ObserveState } from "../../../edge-agent/observe/observe.ts";
import { parseTraceLine } from "../../../edge-agent/observe/trace.ts";
import type { AgentEvent } from "../../../edge-agent/ports.ts";
import { agree, type AgreeState, createAgree } from "../../../models/agree/agree.ts";
import { createDetect, detect, type DetectState } from "../../../models/detect/detect.ts";
import { createOpine, forget, opine, type OpineState } from "../../../models/opine/opine.ts";
import type { Belief, Finding, Observation, Threat } from "../../../models/terms.ts";
import {
  epochOf, type MonotonicMs, type Now, SECOND_MS, type StationId, type WallMs, type ZoneId,
} from "../../../models/units.ts";
import type { CaptureItem } from "../../sim/capture.ts";
import { copyOf } from "./copy.ts";

/** A threat that was raised at the station, as it stood at that moment. */
export interface Raised {
  readonly threat: Threat;
  readonly at: WallMs;
  readonly belief: Belief;
}

/** What a bench may look at on the way. */
export interface Witness {
  readonly observations?: (observations: readonly Observation[], now: Now) => void;
  readonly findings?: (findings: readonly Finding[], now: Now) => void;
  readonly beliefs?: (beliefs: readonly Belief[], now: Now) => void;
  readonly raised?: (raised: Raised) => void;
  /** At each epoch's start, with what would be stated. */
  readonly epoch?: (evidence: OpineState, now: Now) => void;
}

interface State {
  readonly observe: ObserveState;
  readonly detect: DetectState;
  readonly opine: OpineState;
  readonly agree: AgreeState;
  readonly open: Set<Threat>;
  readonly firstMs: number;
  lastMs: number;
  nextTickMs: number;
}

/** The same secret for all: stations of a bench share no tokens. */
const SECRET = new Uint8Array(32);
/** Over a silence longer than this no clock ticks, as in a replay: the recording stopped. */
const LONGEST_SILENCE_MS = 14 * 24 * 3_600 * SECOND_MS;

function read({ stream, line }: CaptureItem): AgentEvent {
  const parsed = stream === "ocpp" ? parseTraceLine(line) : parseMeterLine(line);
  if (!parsed.ok) throw new Error(`a capture of our own is bad: ${parsed.what}: ${parsed.found}`);
  return parsed.event;
}

export interface WatchOptions {
  readonly station: string;
  readonly epochS: number;
  readonly from: WallMs;
}

export class Watch {
  counts = { observations: 0, steps: 0 };
  #state: State;
  readonly #epochMs: number;

  constructor({ station, epochS, from }: WatchOptions) {
    const crypto = nodeCrypto();
    this.#epochMs = epochS * SECOND_MS;
    this.#state = {
      observe: createObserve({ station: station as StationId, crypto, tokenSecret: SECRET }),
      detect: createDetect({}), opine: createOpine(),
      agree: createAgree(station as StationId, station as string as ZoneId), open: new Set(),
      firstMs: from, lastMs: from, nextTickMs: (Math.floor(from / this.#epochMs) + 1) * this.#epochMs,
    };
  }

  /** One that has seen the same and goes its own way from here, in epochs of its own. */
  fork(epochS: number): Watch {
    const { observe: { station }, firstMs, lastMs } = this.#state;
    const twin = new Watch({ station, epochS, from: firstMs as WallMs });
    twin.#state = { ...copyOf(this.#state), nextTickMs: (Math.floor(lastMs / (epochS * 1_000)) + 1) * epochS * 1_000 };
    twin.counts = { ...this.counts };
    return twin;
  }

  /** The next item of a capture; lines of our own making that cannot be read end the bench. */
  take(item: CaptureItem, witness: Witness): void {
    const at = Math.max(item.at, this.#state.lastMs);
    this.tickTo(at, witness);
    this.#step(item.event ?? read(item), at, witness);
  }

  tickTo(at: number, witness: Witness): void {
    const state = this.#state;
    if (at - state.nextTickMs > LONGEST_SILENCE_MS) {
      state.nextTickMs = (Math.floor((at - LONGEST_SILENCE_MS) / this.#epochMs) + 1) * this.#epochMs;
    }
    for (; state.nextTickMs <= at; state.nextTickMs += this.#epochMs) {
      this.#step({ kind: "tick" }, state.nextTickMs, witness);
    }
  }

  get detectState(): DetectState {
    return this.#state.detect;
  }

  /** Learned normal, evidence and what stands raised, as they are remembered: characters of JSON. */
  stateChars(): number {
    const { detect: detected, opine: believed, agree: { raised } } = this.#state;
    return JSON.stringify([detected, believed, raised]).length;
  }

  #step(event: AgentEvent, at: number, witness: Witness): void {
    const state = this.#state;
    state.lastMs = at;
    const now: Now = { wallMs: at as WallMs, monoMs: (at - state.firstMs) as MonotonicMs };
    const observations = observe(state.observe, event, now);
    const findings = detect(state.detect, observations, now);
    const beliefs = opine(state.opine, findings, now);
    const epoch = epochOf(now.wallMs, this.#epochMs / SECOND_MS);
    const { verdicts, lapsed } = agree(state.agree, beliefs, epoch, now);
    this.counts.observations += observations.length;
    this.counts.steps += 1;
    witness.observations?.(observations, now);
    if (findings.length > 0) witness.findings?.(findings, now);
    if (beliefs.length > 0) witness.beliefs?.(beliefs, now);
    for (const { threat, belief } of verdicts) {
      if (state.open.has(threat)) continue;
      state.open.add(threat);
      witness.raised?.({ threat, at: now.wallMs, belief });
    }
    if (event.kind === "tick") witness.epoch?.(state.opine, now);
    for (const threat of lapsed) {
      state.open.delete(threat);
      forget(state.opine, threat, now);
    }
  }
}
