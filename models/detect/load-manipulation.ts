/**
 * load-manipulation: demand pushed, dropped or oscillated together.
 *
 * Looks for: starts, stops, large steps of metered power and changes of the charging limit. At one station each of
 * these is ordinary, so this detector has no station view; it gives the zone its joint features.
 * Statistic: each is a Poisson process at a learned rate by time of week; the alternative is a short burst. One start
 * within a burst is worth a few nats that decay in minutes: alone it means nothing, a street of them adds up.
 * Null: the station's own past. Tariff edges repeat daily and are learned by the hour; starts shifted by a mandatory
 * random delay stay within it.
 */
import type { Feature, Finding, Observation } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now } from "../units.ts";
import { type Detector, framesOf } from "./detector.ts";
import {
  createRate, eventNats, learnRate, type LearnedRate, quietNats, ratePerHour, upperPerHour,
} from "./learned/rate.ts";
import { STARTS_PER_HOUR, STARTS_WEIGHT_HOURS } from "./prior.ts";

const STREAMS = ["starts", "stops", "power-step", "setpoint-step"] as const satisfies readonly Feature[];
type Stream = (typeof STREAMS)[number];

export interface LoadManipulation {
  rates: Record<Stream, LearnedRate>;
  lastTickMs: number;
  /** Metered power at the last reading by EVSE, W. */
  powerW: Record<string, number>;
  /** Charging limit last set by EVSE, in its unit. */
  limit: Record<string, number>;
}

/** In a burst each station acts about this often: one action in three minutes. */
const BURST_PER_HOUR = 20;
/** Before anything was learned: starts as fitted; three power steps a session and a set-point a day are judgements. */
const PRIOR: Record<Stream, readonly [perHour: number, weightHours: number]> = {
  "starts": [STARTS_PER_HOUR, STARTS_WEIGHT_HOURS], "stops": [STARTS_PER_HOUR, STARTS_WEIGHT_HOURS],
  "power-step": [3 * STARTS_PER_HOUR, STARTS_WEIGHT_HOURS], "setpoint-step": [1 / 24, 48],
};
/** A step is large when it is more than this, W, and more than this share of the power before or after. */
const LARGE_STEP_W = 1_000;
const LARGE_STEP_SHARE = 0.25;
const LONGEST_QUIET_MS = 10 * MINUTE_MS;
const MOST_EVSES = 32;

const SAYS: Record<Stream, string> = {
  "starts": "a transaction started",
  "stops": "a transaction ended",
  "power-step": "metered power jumped",
  "setpoint-step": "the charging limit was changed",
};

export const loadManipulation: Detector<LoadManipulation> = {
  name: "load-manipulation",
  version: 1,
  create: () => ({
    rates: {
      "starts": createRate(...PRIOR.starts),
      "stops": createRate(...PRIOR.stops),
      "power-step": createRate(...PRIOR["power-step"]),
      "setpoint-step": createRate(...PRIOR["setpoint-step"]),
    },
    lastTickMs: -1,
    powerW: {},
    limit: {},
  }),
  observe(state, observation, now) {
    if (observation.kind === "tick") return quiet(state, now);
    const stream = streamOf(state, observation);
    return stream === undefined ? [] : event(state, stream, observation, now);
  },
};

function streamOf(state: LoadManipulation, seen: Observation): Stream | undefined {
  switch (seen.kind) {
    case "transaction-started":
      return seen.offline ? undefined : "starts";
    case "transaction-ended":
      return seen.offline ? undefined : "stops";
    case "meter-reading": {
      const power = seen.reading.powerW;
      if (power === undefined || !Number.isFinite(power)) return undefined;
      const before = remember(state.powerW, seen.reading.evseId, power);
      return before !== undefined && isLargeStep(before, power) ? "power-step" : undefined;
    }
    case "charging-limit":
      if (!Number.isFinite(seen.limit)) return undefined;
      return remember(state.limit, seen.evseId, seen.limit) === seen.limit ? undefined : "setpoint-step";
    default:
      return undefined;
  }
}

function isLargeStep(beforeW: number, afterW: number): boolean {
  const step = Math.abs(afterW - beforeW);
  return step > LARGE_STEP_W && step > LARGE_STEP_SHARE * Math.max(Math.abs(beforeW), Math.abs(afterW));
}

/** Stores a value under an EVSE id and returns the one before; ids beyond the bound are not followed. */
function remember(values: Record<string, number>, evseId: number, value: number): number | undefined {
  const key = String(evseId);
  const before = values[key];
  if (before === undefined && Object.keys(values).length >= MOST_EVSES) return undefined;
  values[key] = value;
  return before;
}

function quiet(state: LoadManipulation, now: Now): Finding[] {
  const since = state.lastTickMs < 0 ? 0 : now.monoMs - state.lastTickMs;
  state.lastTickMs = now.monoMs;
  if (since <= 0) return [];
  const hours = Math.min(since, LONGEST_QUIET_MS) / HOUR_MS;
  return STREAMS.map((stream) => {
    const rate = state.rates[stream];
    const upper = upperPerHour(rate, now.wallMs);
    const nats = quietNats(upper, Math.max(BURST_PER_HOUR, 4 * upper), hours);
    learnRate(rate, now.wallMs, hours, 0);
    return { key: stream, at: now.wallMs, nats, terms: [{ term: "time without one", nats }], frames: [], says: "" };
  });
}

function event(state: LoadManipulation, stream: Stream, seen: Observation, now: Now): Finding[] {
  const rate = state.rates[stream];
  const upper = upperPerHour(rate, now.wallMs);
  const nats = eventNats(upper, Math.max(BURST_PER_HOUR, 4 * upper));
  const says = `${SAYS[stream]}; ${ratePerHour(rate, now.wallMs).toFixed(2)} an hour would be usual`;
  learnRate(rate, now.wallMs, 0, 1);
  return [{ key: stream, at: now.wallMs, nats, terms: [{ term: stream, nats }], frames: framesOf(seen), says }];
}
