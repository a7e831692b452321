/** What every detector is: a learned state that is plain JSON, and one pure function over observations. */
import type { Finding, Observation, Outcome, Term, Threat } from "../terms.ts";
import type { Now } from "../units.ts";

/** What a detector is told of its station beforehand. */
export interface Site {
  /** Host of the CSMS that the agent itself dials. */
  readonly csmsHost?: string;
  /** By metered EVSE, what else draws power behind its meter, W at most. */
  readonly loadsW?: Readonly<Record<number, number>>;
}

export interface Detector<State> {
  readonly name: Threat;
  /** Raised when the shape of the state changes: what was remembered under another version is not taken over. */
  readonly version: number;
  /** The state of an agent that has seen nothing: the shipped prior. Plain JSON: it is remembered across restarts. */
  create(site: Site): State;
  /** Takes one observation, learns from it, and says what it makes of it. Never throws; bounded work and state. */
  observe(state: State, observation: Observation, now: Now): Finding[];
}

/** The most nats that a finding carries by learned shares; facts (learned/facts.ts) state theirs. */
export const MOST_NATS = 12;

/** The sum of the terms, clipped; a clipped finding keeps its terms in proportion, so that they still add up. */
export function weigh(terms: readonly Term[], least: number, most: number): { nats: number; terms: Term[] } {
  const sum = terms.reduce((total, term) => total + term.nats, 0);
  const nats = Math.min(most, Math.max(least, sum));
  if (sum === nats || sum === 0) return { nats: sum, terms: [...terms] };
  return { nats, terms: terms.map((term) => ({ term: term.term, nats: (term.nats * nats) / sum })) };
}

/** EVSEs, or meters, that a station is followed at: what it claims is hostile, so that its tables are bounded. */
export const MOST_EVSES = 32;

/** Whether a table may take an entry: one that it has, or one more within the bound (that of EVSEs). */
export function hasRoom(table: object, key: string | number, most = MOST_EVSES): boolean {
  return Object.hasOwn(table, key) || Object.keys(table).length < most;
}

/** How the station took an order, where that softens it: an attempt is told as such. */
export function unlessAccepted(outcome: Outcome): string {
  if (outcome === "refused") return " (the station refused)";
  return outcome === "error" ? " (the station answered with an error)" : "";
}

/** The frame that an observation came from, as the list that a finding carries. */
export function framesOf(observation: Observation): readonly number[] {
  return observation.frameNo === undefined ? [] : [observation.frameNo];
}
