/**
 * Acts that may befall each session (stopped from afar, cut by a reset), and the evidence that they befall too many.
 *
 * Null: each session is a Bernoulli trial, and its act comes with at most the learned share. Alternative: with
 * `attackShare`. A session is worth ln(a / h) with the act and ln((1 - a) / (1 - h)) without it, a likelihood ratio
 * whose expectation is at most 1 for every share up to `h`; so evidence grows with the number of acts, however many
 * hours lie between them, and sessions that are let be take it back. Given out is the growth of the reflected sum.
 *
 * The share is an upper estimate (share.ts) and never below the shipped one. Under suspicion nothing is learned.
 */
import { LEARN_BELOW_NATS, MOST_SUM } from "./burst.ts";
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
}

/** What each further session leaves of the older ones: a memory of a hundred. */
const KEEP = 0.99;

export function createAct(): Act {
  return { befell: 0, trials: 0, nats: 0 };
}

/** One session: changes the act's sum. */
export function tryAct(act: Act, law: ActLaw, befell: boolean): void {
  const { attackShare: attack } = law;
  const honest = Math.min(attack, Math.max(law.honestShare, upperShare(act.befell, act.trials, law)));
  const nats = befell ? Math.log(attack / honest) : Math.log((1 - attack) / (1 - honest));
  if (act.nats < LEARN_BELOW_NATS) {
    act.befell = act.befell * KEEP + (befell ? 1 : 0);
    act.trials = act.trials * KEEP + 1;
  }
  act.nats = Math.min(MOST_SUM, Math.max(0, act.nats + nats));
}

/** The even mixture of sums: one that stays quiet costs the others the logarithm of their number. */
export function mixtureOf(sums: readonly number[]): number {
  const top = Math.max(...sums);
  return top + Math.log(sums.reduce((total, nats) => total + Math.exp(nats - top), 0) / sums.length);
}
