/**
 * credential-cloning: one idToken used by two bodies.
 *
 * Looks for: one idToken in two transactions that overlap. At one station that is usually a household or a fleet with a
 * shared card; across stations it is told by notes, which neighbours compare (compare-notes.ts; pseudonyms
 * only, and none yet matches another station's: that needs the region's secret).
 * Statistic: the share of transactions that overlap another one of the same idToken, learned per station.
 * Null: that share, from a shipped judgement. A backlog is noted with its own times and not judged: its messages may
 * come in another order than they happened.
 * Notes: every use of an idToken in a transaction gives one, kept `NOTE_MS` and never written to the log.
 */
import type { Finding, Observation } from "../terms.ts";
import { HOUR_MS, type Now, type TokenPseudonym, type WallMs } from "../units.ts";
import { type Detector, framesOf } from "./detector.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "./learned/habit.ts";

/** One use of an idToken at this station: what neighbours may compare. */
export interface Note {
  readonly token: TokenPseudonym;
  readonly evseId: number;
  readonly transactionId: string;
  readonly from: WallMs;
  /** Undefined while the transaction is open. */
  to: WallMs | undefined;
}

export interface CredentialCloning {
  notes: Note[];
  overlaps: Habit;
}

const OVERLAP: TraitLaw = {
  term: "one idToken in two transactions at once", absent: "idToken in one transaction",
  attackShare: 0.3, honestShare: 0.02, weight: 50,
};
export const NOTE_MS = 48 * HOUR_MS;
const MOST_NOTES = 512;

export const credentialCloning: Detector<CredentialCloning> = {
  name: "credential-cloning",
  version: 1,
  create: () => ({ notes: [], overlaps: createHabit(OVERLAP) }),
  observe(state, observation, now) {
    if (observation.kind === "tick") state.notes = recent(state.notes, now);
    if (observation.kind === "transaction-ended") {
      const { transactionId } = observation;
      const open = state.notes.find((note) => note.transactionId === transactionId && note.to === undefined);
      if (open !== undefined) open.to = happenedAt(observation);
    }
    if (observation.kind !== "transaction-started" || observation.token === undefined) return [];
    return started(state, observation, observation.token, now);
  },
};

/** When it happened: a backlog's own time, where it tells one. */
function happenedAt({ at, saidAt, offline }: Observation & { readonly offline: boolean }): WallMs {
  return offline ? saidAt ?? at : at;
}

/** What is remembered of drivers ends by itself, also at a station where nobody charges any more. */
function recent(notes: Note[], now: Now): Note[] {
  return notes.some((note) => now.wallMs - note.from >= NOTE_MS)
    ? notes.filter((note) => now.wallMs - note.from < NOTE_MS) : notes;
}

function started(
  state: CredentialCloning, seen: Observation & { kind: "transaction-started" }, token: TokenPseudonym, now: Now,
): Finding[] {
  state.notes = recent(state.notes, now).slice(-MOST_NOTES + 1);
  // A station that lost a stop message leaves a note open; on the same EVSE a new transaction ends it.
  const from = happenedAt(seen);
  for (const note of state.notes) if (note.evseId === seen.evseId && note.to === undefined) note.to = from;
  const overlap = state.notes.some((note) => note.token === token && note.to === undefined);
  state.notes.push({ token, evseId: seen.evseId, transactionId: seen.transactionId, from, to: undefined });
  if (seen.offline) return [];
  const term = habitTerm(state.overlaps, OVERLAP, overlap);
  learnHabit(state.overlaps, overlap);
  const says = overlap ? "one idToken is charging at two EVSEs of this station at once" : "";
  return [{ key: "credential-cloning", at: now.wallMs, nats: term.nats, terms: [term], frames: framesOf(seen), says }];
}
