/**
 * load-manipulation: demand pushed, dropped or oscillated together.
 *
 * Looks for: starts, stops, large steps of metered power and changes of the charging limit. At one station each of
 * these is ordinary, and what is said of them are the zone's joint features. What is not ordinary at one station is
 * current that swings in mid-transaction, down and up again within minutes and again and again, without an order
 * (swings.ts).
 * Statistic: each is a Poisson process at a learned rate by time of week; the alternative is a short burst. One start
 * within a burst is worth a few nats that decay in minutes: alone it means nothing, a street of them adds up.
 * Null: the station's own past. Rates are learned by the hour, habitual times of day by the minute (learned/timers.ts);
 * what the roster declares explains one step in its direction at each EVSE (joint-causes.ts). Either explains as much
 * as this station usually does then, and no more.
 */
import type { Feature, Finding, Observation } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now, type WallMs } from "../units.ts";
import { type Detector, framesOf, hasRoom, MOST_EVSES, MOST_NATS } from "./detector.ts";
import { type CauseWindow, type Direction, type JointCause, openWindows, windowNames } from "./joint-causes.ts";
import { answered, type Answers, closed, keepAnswers } from "./learned/answers.ts";
import {
  createRate, eventNats, learnRate, type LearnedRate, quietNats, ratePerHour, upperPerHour,
} from "./learned/rate.ts";
import { passTime, takeEvent, type Timer } from "./learned/timers.ts";
import { createSwings, swingFindings, type Swings } from "./swings.ts";
import { STARTS_PER_HOUR, STARTS_WEIGHT_HOURS } from "./prior.ts";

const STREAMS = ["starts", "stops", "power-step", "setpoint-step"] as const satisfies readonly Feature[];
type Stream = (typeof STREAMS)[number];

export interface LoadManipulation {
  rates: Record<Stream, LearnedRate>;
  swings: Swings;
  lastTickMs: number;
  /** Metered power at the last reading by EVSE, W. */
  powerW: Record<string, number>;
  /** Charging limit last set by EVSE, in its unit. */
  limit: Record<string, number>;
  /** Habitual times of day. */
  timers: Record<Stream, Timer[]>;
  /** What the roster in force declares for this zone. */
  causes: readonly JointCause[];
  answers: Answers;
  /** Windows of declared causes that were open at the last tick. */
  open: CauseWindow[];
  /** EVSEs that were heard of. */
  evses: number[];
}

/** One action: what it is, where, and which way it moves the demand. */
interface Action {
  readonly stream: Stream;
  readonly evseId: number;
  readonly direction: Direction;
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

const SAYS: Record<Stream, string> = {
  "starts": "a transaction started",
  "stops": "a transaction ended",
  "power-step": "metered power jumped",
  "setpoint-step": "the charging limit was changed",
};

export const loadManipulation: Detector<LoadManipulation> = {
  name: "load-manipulation",
  version: 5,
  create: () => ({
    rates: {
      "starts": createRate(...PRIOR.starts),
      "stops": createRate(...PRIOR.stops),
      "power-step": createRate(...PRIOR["power-step"]),
      "setpoint-step": createRate(...PRIOR["setpoint-step"]),
    },
    swings: createSwings(),
    lastTickMs: -1,
    powerW: {},
    limit: {},
    timers: { "starts": [], "stops": [], "power-step": [], "setpoint-step": [] },
    causes: [],
    answers: {},
    open: [],
    evses: [],
  }),
  observe(state, observation, now) {
    const swung = swingFindings(state.swings, observation, now);
    if (observation.kind === "tick") return [...quiet(state, now), ...swung];
    if ("evseId" in observation) noteEvse(state, observation.evseId);
    if (observation.kind === "meter-reading") noteEvse(state, observation.reading.evseId);
    const action = actionOf(state, observation);
    return action === undefined ? swung : [...event(state, action, observation, now), ...swung];
  },
};

/** What the roster in force declares: takes the place of what was declared before. */
export function declareCauses(state: LoadManipulation, causes: readonly JointCause[]): void {
  state.causes = causes;
  keepAnswers(state.answers, windowNames(causes));
}

function noteEvse({ evses }: LoadManipulation, evseId: number | undefined): void {
  if (evseId !== undefined && evses.length < MOST_EVSES && !evses.includes(evseId)) evses.push(evseId);
}

function actionOf(state: LoadManipulation, seen: Observation): Action | undefined {
  switch (seen.kind) {
    case "transaction-started":
      return seen.offline ? undefined : { stream: "starts", evseId: seen.evseId, direction: "increase" };
    case "transaction-ended":
      return seen.offline ? undefined : { stream: "stops", evseId: seen.evseId, direction: "decrease" };
    case "meter-reading": {
      const { evseId, powerW } = seen.reading;
      if (powerW === undefined || !Number.isFinite(powerW)) return undefined;
      const before = remember(state.powerW, evseId, powerW);
      if (before === undefined || !isLargeStep(before, powerW)) return undefined;
      return { stream: "power-step", evseId, direction: powerW > before ? "increase" : "decrease" };
    }
    case "charging-limit": {
      const { evseId, limit } = seen;
      if (!Number.isFinite(limit)) return undefined;
      const before = remember(state.limit, evseId, limit);
      if (before === limit) return undefined;
      const isLess = before === undefined || limit < before;
      return { stream: "setpoint-step", evseId, direction: isLess ? "decrease" : "increase" };
    }
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
  if (!hasRoom(values, key)) return undefined;
  values[key] = value;
  return before;
}

function quiet(state: LoadManipulation, now: Now): Finding[] {
  const since = state.lastTickMs < 0 ? 0 : now.monoMs - state.lastTickMs;
  state.lastTickMs = now.monoMs;
  if (since <= 0) return [];
  const hours = Math.min(since, LONGEST_QUIET_MS) / HOUR_MS;
  const gone = closeWindows(state, now.wallMs);
  return STREAMS.map((stream) => {
    const rate = state.rates[stream];
    const upper = upperPerHour(rate, now.wallMs);
    const without = quietNats(upper, Math.max(BURST_PER_HOUR, 4 * upper), hours);
    const missed = Math.max(-MOST_NATS, passTime(state.timers[stream], now.wallMs) + unanswered(state, stream, gone));
    learnRate(rate, now.wallMs, hours, 0);
    const terms = [
      { term: "time without one", nats: without },
      ...(missed === 0 ? [] : [{ term: "none at a usual time", nats: missed }]),
    ];
    return { key: stream, at: now.wallMs, nats: without + missed, terms, frames: [], says: "" };
  });
}

/** Which windows of declared causes closed since the last tick. */
function closeWindows(state: LoadManipulation, at: WallMs): CauseWindow[] {
  const before = state.open;
  state.open = state.causes.length === 0 ? [] : openWindows(state.causes, at);
  return before.filter(({ name, from }) => !state.open.some((one) => one.name === name && one.from === from));
}

/** Which way demand moves by it; undefined for either. */
const DIRECTION: Partial<Record<Stream, Direction>> = { "starts": "increase", "stops": "decrease" };

function unanswered({ answers, evses }: LoadManipulation, stream: Stream, gone: readonly CauseWindow[]): number {
  let nats = 0;
  for (const window of gone) {
    if ((DIRECTION[stream] ?? window.expect) !== window.expect) continue;
    for (const evseId of evses) nats += closed(answers, stream, evseId, window);
  }
  return nats;
}

function event(state: LoadManipulation, action: Action, seen: Observation, now: Now): Finding[] {
  const { stream } = action;
  const rate = state.rates[stream];
  const upper = upperPerHour(rate, now.wallMs);
  const usual = eventNats(upper, Math.max(BURST_PER_HOUR, 4 * upper));
  const explained = explainedNats(state, action, now.wallMs);
  const nats = Math.min(usual, explained ?? usual);
  const often = explained === undefined ? `${ratePerHour(rate, now.wallMs).toFixed(2)} an hour would be usual`
    : "it is declared or usual at this time";
  if (explained === undefined) learnRate(rate, now.wallMs, 0, 1);
  return [{
    key: stream, at: now.wallMs, nats, terms: [{ term: stream, nats }], frames: framesOf(seen),
    says: `${SAYS[stream]}; ${often}`,
  }];
}

/** Evidence of an action that a declared cause or a habit explains; undefined when none does. */
function explainedNats(state: LoadManipulation, { stream, evseId, direction }: Action, at: WallMs): number | undefined {
  if (state.causes.length > 0) {
    const window = openWindows(state.causes, at).find(({ expect }) => expect === direction);
    const nats = window && answered(state.answers, stream, evseId, window);
    if (nats !== undefined) return nats;
  }
  return takeEvent(state.timers[stream], evseId, at);
}
