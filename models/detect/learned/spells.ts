/**
 * Streams of events that come in spells (a link that flaps, a minute of flood and the next), and the evidence that one
 * of them is an attack's.
 *
 * Null: spells begin as a Poisson process at a learned rate (rate.ts), at most `mostPerHour`; each goes on with a
 * learned probability. Alternative: they begin `attackPerHour` times an hour and nearly always go on. For each stream a
 * CUSUM of the two likelihood ratios; the evidence is the even mixture of all of them, so that a quiet stream does not
 * pay for a loud one. A mixture of CUSUMs stays below a mixture of Shiryaev-Roberts sums, whose expectation grows by
 * the alternatives' rates and no faster (arXiv 2203.03532).
 *
 * Poisoning: whoever teaches slowly reaches `mostPerHour` and `mostShare` and no further, and under suspicion nothing
 * is learned. The honest rates are judgements, since nobody publishes any.
 */
import type { Term } from "../../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now } from "../../units.ts";
import { mixtureOf } from "./acts.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "./habit.ts";
import { createRate, eventNats, learnRate, type LearnedRate, quietNats, upperPerHour } from "./rate.ts";

export interface SpellLaw {
  /** The term's name: what comes in spells. */
  readonly term: string;
  /** Honest spells before anything was learned: one in so many hours. That is what the judgement is worth, too. */
  readonly priorHours: number;
  /** No honest station is believed to have more. */
  readonly mostPerHour: number;
  readonly attackPerHour: number;
  /** Shares of spells that go on after an event: honest at first, honest at most, an attack's. */
  readonly again: readonly [honest: number, most: number, attack: number];
  /** A spell is over after so long without an event; 0: when `endSpell` says so. */
  readonly gapMs: number;
  /** No stream of them says more, nats: of what one plain fault makes as an attack does, only that it began. */
  readonly mostNats?: number;
  /** A spell teaches that it went on when it is over, so that it is not its own habit; otherwise as it goes on. */
  readonly teachesAfter?: true;
}

interface Spell {
  rate: LearnedRate;
  again: Habit;
  /** Monotonic time of the last event of an open spell; -1: none is open. */
  lastMs: number;
  /** Events of it that were learned from; -1: it began under suspicion and teaches nothing. */
  taught: number;
  /** Its CUSUM, nats. */
  nats: number;
}

export interface Spells<Name extends string> {
  of: Record<Name, Spell>;
  /** Monotonic time of the last tick; -1: none yet. */
  lastTickMs: number;
}

export type SpellLaws<Name extends string> = Readonly<Record<Name, SpellLaw>>;

const LEARN_BELOW_NATS = 5;
const MOST_TAUGHT = 5;
const MOST_SUSPICION = 26;
/** Time without a tick for longer than this was slept through: nothing was seen in it. */
export const LONGEST_QUIET_MS = 10 * MINUTE_MS;

const goesOn = ({ term, again: [honestShare, mostShare, attackShare] }: SpellLaw): TraitLaw =>
  ({ term: `${term}, again`, absent: `${term}: over`, honestShare, mostShare, attackShare, weight: 10 });

export function createSpells<Name extends string>(laws: SpellLaws<Name>): Spells<Name> {
  const spells = Object.entries<SpellLaw>(laws).map(([name, law]): [string, Spell] => [name, {
    rate: createRate(1 / law.priorHours, law.priorHours), again: createHabit(goesOn(law)),
    lastMs: -1, taught: -1, nats: 0,
  }]);
  return { of: Object.fromEntries(spells) as Record<Name, Spell>, lastTickMs: -1 };
}

/** The even mixture of the streams, nats. */
export function suspicionOf<Name extends string>({ of }: Spells<Name>): number {
  return mixtureOf(Object.values<Spell>(of).map(({ nats }) => nats));
}

/** Moves one stream's sum, and gives what the mixture gained or lost. */
function move<Name extends string>(
  spells: Spells<Name>, spell: Spell, { mostNats = MOST_SUSPICION }: SpellLaw, term: string, nats: number,
): Term {
  const before = suspicionOf(spells);
  spell.nats = Math.min(mostNats, Math.max(0, spell.nats + nats));
  return { term, nats: suspicionOf(spells) - before };
}

/** Honest spells an hour that are believed now, at most. */
export function honestPerHour({ rate }: { rate: LearnedRate }, law: SpellLaw, now: Now): number {
  return Math.min(law.mostPerHour, upperPerHour(rate, now.wallMs));
}

/**
 * One event of a stream: a spell begins, or goes on.
 * @param more what else speaks in this event, nats; part of the same term
 */
export function happened<Name extends string>(
  spells: Spells<Name>, laws: SpellLaws<Name>, name: Name, now: Now, more = 0,
): Term {
  const [spell, law] = [spells.of[name], laws[name]];
  const again = spell.lastMs >= 0;
  const nats = again ? habitTerm(spell.again, goesOn(law), true).nats
    : eventNats(honestPerHour(spell, law, now), law.attackPerHour);
  if (!again) spell.taught = suspicionOf(spells) < LEARN_BELOW_NATS ? 0 : -1;
  spell.lastMs = now.monoMs;
  if (spell.taught >= 0 && spell.taught < MOST_TAUGHT) {
    spell.taught += 1;
    if (again && !law.teachesAfter) learnHabit(spell.again, true);
    if (!again) learnRate(spell.rate, now.wallMs, 0, 1);
  }
  return move(spells, spell, law, law.term, nats + more);
}

/** Ends a stream's open spell, if there is one. */
export function endSpell<Name extends string>(spells: Spells<Name>, laws: SpellLaws<Name>, name: Name): Term[] {
  const [spell, law] = [spells.of[name], laws[name]];
  if (spell.lastMs < 0) return [];
  spell.lastMs = -1;
  const { nats } = habitTerm(spell.again, goesOn(law), false);
  for (let n = 1; law.teachesAfter && n < spell.taught; n++) learnHabit(spell.again, true);
  if (spell.taught >= 0) learnHabit(spell.again, false);
  return [move(spells, spell, law, `${law.term}: over`, nats)];
}

/** Time passes: spells end, and quiet speaks for honesty. Terms that changed nothing are left out. */
export function passed<Name extends string>(spells: Spells<Name>, laws: SpellLaws<Name>, now: Now): Term[] {
  const since = spells.lastTickMs < 0 ? 0 : now.monoMs - spells.lastTickMs;
  spells.lastTickMs = now.monoMs;
  if (since <= 0) return [];
  const hours = Math.min(since, LONGEST_QUIET_MS) / HOUR_MS;
  const calm = suspicionOf(spells) < LEARN_BELOW_NATS;
  const terms: Term[] = [];
  for (const name of Object.keys(laws) as Name[]) {
    const [spell, law] = [spells.of[name], laws[name]];
    if (calm) learnRate(spell.rate, now.wallMs, hours, 0);
    if (spell.lastMs >= 0) {
      if (law.gapMs > 0 && now.monoMs - spell.lastMs >= law.gapMs) terms.push(...endSpell(spells, laws, name));
      continue;
    }
    if (spell.nats === 0) continue;
    const quiet = quietNats(honestPerHour(spell, law, now), law.attackPerHour, hours);
    terms.push(move(spells, spell, law, "quiet time", quiet));
  }
  return terms.filter(({ nats }) => nats !== 0);
}
