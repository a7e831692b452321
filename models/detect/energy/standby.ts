/**
 * What a meter counts while nobody charges and no bill does (electronics, display, contactor): learned from idle time,
 * expected in every comparison of delivered and billed energy.
 *
 * A car that stays plugged in for three days lets half a kilowatt-hour of it flow under one open transaction.
 * What has never stopped since the agent came, a heater or a shop behind the same meter, began before it and is held
 * against nobody; once it stopped, it is known to be none of the station's own. One that comes and goes (lights by
 * night) looks like a vehicle and has to be declared: then anything from nothing to all of it may flow at any time, and
 * what agrees with that agrees.
 */
import type { MeterSide } from "../../terms.ts";
import { HOUR_MS } from "../../units.ts";

export interface Standby {
  /** Energy of idle time, Wh, and its length, h: those long ago count less. */
  wh: number;
  hours: number;
  /** Register and time since which the meter has been idle; -1: it is not. */
  fromWh: number;
  fromMs: number;
  /** The least that idle time ever took, W; -1: none was seen yet. */
  leastW: number;
  /** Other loads behind the meter that the operator declares, W together. */
  loadW: number;
}

/** Judgements, for a station that nobody has watched: an AC charger takes 3 to 15 W. */
const PRIOR_W = 10;
const PRIOR_HOURS = 10;
/** Sixty days of idle time are remembered. */
const MOST_HOURS = 60 * 24;
/** Idle time counts in pieces of at least this length, since registers move in steps. */
const LEAST_SPAN_MS = HOUR_MS;
/** No more is ever believed to be standby: a trickle that is stolen must not teach that anything goes. */
const MOST_W = { "ac-input": 150, "evse-output": 40 } as const;
/** Nor that more than this, however long it ran before: a vehicle takes more. */
const MOST_OWN_W = 3_000;
/** While a vehicle is plugged in it may differ by this much and this share; and a span's register by its step. */
const DOUBT_W = 3;
const DOUBT_SHARE = 0.3;
const DOUBT_WH = 100;

export function createStandby(): Standby {
  return { wh: PRIOR_W * PRIOR_HOURS, hours: PRIOR_HOURS, fromWh: 0, fromMs: -1, leastW: -1, loadW: 0 };
}

/** Expected standby and its standard deviation, W. */
export function standbyOf({ wh, hours, leastW }: Standby): { meanW: number; sdW: number } {
  const meanW = Math.max(leastW, wh / hours);
  return { meanW, sdW: DOUBT_W + DOUBT_SHARE * meanW + DOUBT_WH / hours };
}

/** An idle meter's register now, Wh: begins a span, and learns from one that is long enough. */
export function passIdle(standby: Standby, registerWh: number, side: MeterSide, nowMs: number): void {
  const [{ fromWh, fromMs }, spanMs] = [standby, nowMs - standby.fromMs];
  if (fromMs >= 0 && spanMs < LEAST_SPAN_MS && registerWh >= fromWh) return;
  Object.assign(standby, { fromWh: registerWh, fromMs: nowMs });
  // Over a gap nothing is known of what went on in it.
  if (fromMs < 0 || spanMs > 2 * LEAST_SPAN_MS || registerWh < fromWh) return;
  const hours = spanMs / HOUR_MS;
  const { meanW, sdW } = standbyOf(standby);
  const most = Math.min(MOST_W[side], meanW + 3 * sdW) * hours;
  const keep = Math.min(1, MOST_HOURS / (standby.hours + hours));
  standby.wh = (standby.wh + Math.min(most, registerWh - fromWh)) * keep;
  standby.hours = (standby.hours + hours) * keep;
}

/** Some minutes of idle time took so much, W. */
export function noteRest(standby: Standby, powerW: number): void {
  standby.leastW = Math.min(standby.leastW < 0 ? MOST_OWN_W : standby.leastW, Math.max(0, powerW));
}

export function endIdle(standby: Standby): void {
  standby.fromMs = -1;
}
