/**
 * Where sessions are rare, the evidence may begin higher. A threshold allows for so many e-values a year; a session
 * that begins with the weight w >= 1 of the time since the last counts as w of them (a Shiryaev-Roberts sum whose
 * weights are known before what they weigh). The weights are paid out of a purse that fills at the rate that the
 * threshold allows for, so that they never sum to more than that rate, or than one a session where there are more.
 */
import { DAY_MS, type Now } from "../../units.ts";

export interface Purse {
  /** Beginnings that are allowed for and were not had, and the wall clock when they were counted last, ms; 0: never. */
  saved: number;
  atMs: number;
}

/** No session weighs more than this many of a busy station's: ln 25 nats, a quarter of a threshold. */
export const MOST_WEIGHT = 25;

export function createPurse(): Purse {
  return { saved: 0, atMs: 0 };
}

/** The height at which a session's evidence may begin, nats; `perYear`: e-values that the threshold is set for. */
export function headStart(purse: Purse, perYear: number, { wallMs }: Now): number {
  const years = purse.atMs === 0 ? 0 : Math.max(0, wallMs - purse.atMs) / (365 * DAY_MS);
  const saved = Math.min(MOST_WEIGHT, purse.saved + perYear * years);
  const weight = Math.max(1, saved);
  Object.assign(purse, { saved: saved - weight, atMs: wallMs });
  // In whole hundredths, which are short where they are remembered.
  return Math.floor(100 * Math.log(weight)) / 100;
}
