/**
 * Times of day at which this station habitually does something (a vehicle's timer, a tariff, a daily limit), and how
 * often it then really does. An event at such a time is explained by the habit, and by a share of days: its evidence
 * is ln(q / p), and a day without it ln((1 - q) / (1 - p)), with p an upper estimate of the learned share and q that of
 * an attack that leaves nobody out. For every true share up to p its exponential has expectation at most 1. So a street
 * of usual timers says nothing, and one where far more stations than usual start at that time is still seen.
 *
 * A time counts as habitual after FEWEST_HITS days, so nobody explains today's attack by yesterday's. Times are UTC:
 * when clocks change, habits move by an hour and are learned anew.
 */
import { DAY_MS, SECOND_MS, type WallMs } from "../../units.ts";

export interface Timer {
  /** What does it: an EVSE's id. */
  readonly evseId: number;
  /** Milliseconds into the UTC day. */
  dayMs: number;
  /** Days that were watched, and on how many of them it came; both fade. */
  days: number;
  hits: number;
  /** The last day, counted from the habit's own midnight, that is settled. */
  turn: number;
}

/** Half the width of a habitual time: chargers may be bound to delay what a timer starts by up to 600 s, at random. */
export const TOLERANCE_MS = 330 * SECOND_MS;
export const FEWEST_HITS = 4;
/** Rarer than this it is no habit. */
const LEAST_SHARE = 0.3;
/** The share of stations that do it when somebody makes them, and the most that a habit's share is believed to be. */
export const ATTACK_SHARE = 0.95;
const MOST_TIMERS = 8;
/** From here on days count half: habits change with the vehicles. */
const MOST_DAYS = 40;
/** Days that nobody watched are no news: the agent was off. */
const LONGEST_GAP_DAYS = 2;

/** Beta(hits + 1, misses + 1): mean and one standard deviation above, at most ATTACK_SHARE. */
export function upperShare(hits: number, days: number): number {
  const [a, all] = [hits + 1, days + 2];
  const mean = a / all;
  const deviation = Math.sqrt((mean * (1 - mean)) / (all + 1));
  return Math.min(ATTACK_SHARE, mean + deviation);
}

/** Evidence of a day on which it came, never negative; and of one on which it did not, never positive. */
export const hitNats = (share: number): number => Math.log(ATTACK_SHARE / share);
export const missNats = (share: number): number => Math.log((1 - ATTACK_SHARE) / (1 - share));

const isHabit = ({ hits, days }: Timer): boolean => hits >= FEWEST_HITS && hits >= LEAST_SHARE * days;
const nearestTurn = (at: WallMs, dayMs: number): number => Math.floor((at - dayMs + DAY_MS / 2) / DAY_MS);

/**
 * Takes an event in.
 * @returns its evidence when a habit explains it, nats; undefined when none does: it is then worth what it ever was
 */
export function takeEvent(timers: Timer[], evseId: number, at: WallMs): number | undefined {
  const near = timers.find((timer) => timer.evseId === evseId && offsetOf(timer, at) !== undefined);
  if (near === undefined) {
    begin(timers, evseId, at);
    return undefined;
  }
  const turn = nearestTurn(at, near.dayMs);
  if (turn <= near.turn) return undefined;
  const explained = isHabit(near) ? hitNats(upperShare(near.hits, near.days)) : undefined;
  near.turn = turn;
  near.dayMs += Math.round((offsetOf(near, at) ?? 0) / 4);
  count(near, 1);
  return explained;
}

/** Milliseconds from the habit's time to this one, where they are near enough. */
function offsetOf({ dayMs }: Timer, at: WallMs): number | undefined {
  const offset = at - nearestTurn(at, dayMs) * DAY_MS - dayMs;
  return Math.abs(offset) <= TOLERANCE_MS ? offset : undefined;
}

function begin(timers: Timer[], evseId: number, at: WallMs): void {
  const dayMs = ((at % DAY_MS) + DAY_MS) % DAY_MS;
  const timer: Timer = { evseId, dayMs, days: 1, hits: 1, turn: nearestTurn(at, dayMs) };
  if (timers.length < MOST_TIMERS) {
    timers.push(timer);
    return;
  }
  let weakest = 0;
  timers.forEach((one, index) => {
    if (strength(one) < strength(timers[weakest] as Timer)) weakest = index;
  });
  timers[weakest] = timer;
}

/** Whoever came once on many days goes first. */
const strength = ({ hits, days }: Timer): number => hits - LEAST_SHARE * days;

function count(timer: Timer, hits: number): void {
  timer.days += 1;
  timer.hits += hits;
  if (timer.days <= MOST_DAYS) return;
  timer.days /= 2;
  timer.hits /= 2;
}

/** Lets time go by. @returns the evidence of habitual times that passed without their event, nats: at most 0 */
export function passTime(timers: readonly Timer[], now: WallMs): number {
  let nats = 0;
  for (const timer of timers) {
    const passed = Math.floor((now - timer.dayMs - TOLERANCE_MS) / DAY_MS);
    if (passed - timer.turn > LONGEST_GAP_DAYS) timer.turn = passed;
    for (; timer.turn < passed; timer.turn++) {
      if (isHabit(timer)) nats += missNats(upperShare(timer.hits, timer.days));
      count(timer, 0);
    }
  }
  return nats;
}
