/**
 * Acts that may befall each session (stopped from afar, cut by a reset), and the evidence that they befall too many.
 *
 * Null: each session is a Bernoulli trial, and its act comes with at most the learned share. Alternative: with
 * `attackShare`. A session is worth ln(a / h) with the act and ln((1 - a) / (1 - h)) without it, a likelihood ratio
 * whose expectation is at most 1 for every share up to `h`; so evidence grows with the number of acts, however many
 * hours lie between them, and sessions that are let be take it back. Given out is the growth of the reflected sum.
 * The threshold allows for so many beginnings a year as a busy station has sessions; where sessions are rare, an act
 * may begin higher (head-start.ts).
 *
 * The share is an upper estimate (share.ts) and never below the shipped one. Under suspicion nothing is learned.
 */
import { SESSIONS_A_YEAR } from "../../opine/threshold.ts";
import type { Now } from "../../units.ts";
import { LEARN_BELOW_NATS, MOST_SUM } from "./burst.ts";
import { createPurse, headStart, type Purse } from "./head-start.ts";
import { upperShare } from "./share.ts";

export interface ActLaw {
  readonly term: string;
  readonly attackShare: number;
  /** Share of honest sessions that it befalls, before anything was learned, and how many sessions that is worth. */
  readonly honestShare: number;
  readonly weight: number;
}

export interface Act {
  /** Sessions that it befell and sessions that it could have, those long ago counting less. */
  befell: number;
  trials: number;
  nats: number;
  /** What it may begin with. */
  purse?: Purse;
}

/** What each further session leaves of the older ones: a memory of a hundred. */
const KEEP = 0.99;

export function createAct(): Act {
  return { befell: 0, trials: 0, nats: 0 };
}

/** One session: changes the act's sum. */
export function tryAct(act: Act, law: ActLaw, befell: boolean, now: Now): void {
  const { attackShare: attack } = law;
  const honest = Math.min(attack, Math.max(law.honestShare, upperShare(act.befell, act.trials, law)));
  const nats = befell ? Math.log(attack / honest) : Math.log((1 - attack) / (1 - honest));
  if (act.nats < LEARN_BELOW_NATS) {
    act.befell = act.befell * KEEP + (befell ? 1 : 0);
    act.trials = act.trials * KEEP + 1;
  }
  // Paid by each session, since what it weighs is to be known before what befalls it.
  const headNats = headStart((act.purse ??= createPurse()), SESSIONS_A_YEAR, now);
  const from = befell ? Math.max(act.nats, headNats) : act.nats;
  act.nats = Math.min(MOST_SUM, Math.max(0, from + nats));
}

/** The even mixture of sums: one that stays quiet costs the others the logarithm of their number. */
export function mixtureOf(sums: readonly number[]): number {
  const top = Math.max(...sums);
  // Most of the time nothing is suspected, at every observation.
  if (top === 0 && sums.every((nats) => nats === 0)) return 0;
  return top + Math.log(sums.reduce((total, nats) => total + Math.exp(nats - top), 0) / sums.length);
}

/**
 * Moves sums by what was seen and gives by how much their mixture moved, nats. The bound comes after that: it is for
 * what honest use has to take back, and what goes on goes on being told.
 * @param least where they stand at least (head-start.ts)
 */
export function moveSums<K extends string>(
  sums: Record<K, number>, by: Partial<Record<K, number>>, mixture: () => number, least = 0,
): number {
  const before = mixture();
  const moved = Object.keys(by) as K[];
  for (const name of moved) sums[name] = Math.max(least, sums[name] + by[name]!);
  const growth = mixture() - before;
  for (const name of moved) sums[name] = Math.min(MOST_SUM, sums[name]);
  return growth;
}
