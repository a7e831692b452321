/**
 * How often honest orders at this station show a trait (unsigned, plain text, an unknown host), and the evidence in one
 * more order: ln P(trait | attack) / P(trait | honest). The honest share is a Beta posterior mean that starts from a
 * shipped judgement and moves with what this station sees; the attack's share is fixed.
 *
 * No public base rates of these traits exist: the shipped shares are judgements, named so wherever they are reported.
 */
import type { Term } from "../../terms.ts";

export interface Habit {
  /** Pseudo-counts of honest orders with and without the trait. */
  with: number;
  without: number;
}

export interface TraitLaw {
  readonly term: string;
  readonly absent: string;
  /** Share of hostile orders that show it. */
  readonly attackShare: number;
  /** Share of honest orders that show it, before anything was learned. */
  readonly honestShare: number;
  /** How many orders that judgement is worth. */
  readonly weight: number;
  /** However often it is seen, honesty is never believed to show it oftener than this; default: the attack's share. */
  readonly mostShare?: number;
}

/** Old habits fade: what was seen before counts this much less after each further order. */
const KEEP = 0.98;
/** Jeffreys' prior: what was never seen in so many orders is rare and not impossible. */
const JEFFREYS = 0.5;

export function createHabit(law: TraitLaw): Habit {
  return { with: law.honestShare * law.weight, without: (1 - law.honestShare) * law.weight };
}

/**
 * The share of honest orders with the trait: the posterior mean. Below the shipped share it goes only as far as the
 * orders remembered can show (mean and one standard deviation more): fifty orders say nothing of one in a thousand.
 * Where honesty shows it as often as attacks do it says nothing either way: that it is absent would otherwise speak for
 * the attack.
 *
 * Beyond the shipped share the mean of e-values exceeds 1 (1.7 at twice the share, for the rarest): what a judgement
 * was too low by counts too much until it was seen. How often their sum comes to a height stays within the promise all
 * the same, and within twice of it at five times the share (habit.test.ts): what one order says, the next take back.
 */
export function honestShare(habit: Habit, law: TraitLaw): number {
  const orders = habit.with + habit.without;
  const events = habit.with + JEFFREYS;
  const least = Math.min(law.honestShare, (events + Math.sqrt(events)) / orders);
  return Math.min(law.mostShare ?? law.attackShare, Math.max(least, habit.with / orders));
}

/** The evidence of one order that shows the trait, or does not. */
export function habitTerm(habit: Habit, law: TraitLaw, shows: boolean): Term {
  const honest = honestShare(habit, law);
  return shows
    ? { term: law.term, nats: Math.log(law.attackShare / honest) }
    : { term: law.absent, nats: Math.log((1 - law.attackShare) / (1 - honest)) };
}

export function learnHabit(habit: Habit, shows: boolean): void {
  habit.with = habit.with * KEEP + (shows ? 1 : 0);
  habit.without = habit.without * KEEP + (shows ? 0 : 1);
}
