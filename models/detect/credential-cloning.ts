/**
 * credential-cloning: one idToken used by two bodies.
 *
 * Looks for: one idToken in two transactions that overlap: (1) at this station, (2) here and at a neighbour's, told by
 * its notes, or sooner after a neighbour's than anybody drives (compare-notes.ts). Who comes second judges, once, when
 * a note on the end of the first use would have come; and only by uses that it had heard of before: a neighbour that
 * copies a note of this station cannot be the first.
 * Statistic: the shares of transactions that so meet another, learned per station; a transaction that meets none
 * speaks for honesty.
 * Null: those shares, from shipped judgements, since no public figures exist. The first `SHY` transactions only teach:
 * an account that all payments without a card share is known by then. A backlog is noted with its own times and not
 * judged: its messages may come in another order than they happened.
 * Honest look-alikes: a household or a fleet with copies of one card, an app's account that charges two cars, clocks a
 * minute apart, a lost stop.
 * Joint feature `clones`: a neighbour's note is its word. So for the zone what the f most telling neighbours say is
 * left out: f liars, however many stations they frame, add nothing to what honest agents state. One copy that meets
 * one other station is therefore for this station alone to tell, and names whose word it is.
 * Notes: every use of an idToken in a transaction gives one, kept `NOTE_MS` and never written to the log.
 */
import type { Finding, Observation, Term } from "../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Now, type TokenPseudonym, type WallMs } from "../units.ts";
import { CLOCKS_MS, type HeardUse, MEETINGS, type Meeting, meetingsOf } from "./compare-notes.ts";
import { type Detector, framesOf, MOST_NATS } from "./detector.ts";
import { mixtureOf, moveSums } from "./learned/acts.ts";
import { LEARN_BELOW_NATS } from "./learned/burst.ts";
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

/** What a neighbour's word was worth, nats. */
interface Met {
  readonly station: string;
  readonly at: WallMs;
  readonly nats: number;
}

export interface CredentialCloning {
  notes: Note[];
  overlaps: Habit;
  /** Neighbours' uses, the oldest first; `at`: when they were first heard of. */
  heard: (HeardUse & { readonly at: number })[];
  /** Own uses that began so lately that they are not judged yet. */
  fresh: { readonly token: TokenPseudonym; readonly from: WallMs; readonly frames: readonly number[] }[];
  met: Met[];
  /** How many of the zone may lie: f. */
  liars: number;
  /** Transactions that were compared, and those of them that met another and teach; older ones fade. */
  compared: number;
  shown: Record<Meeting, number>;
  /** Meetings that have not taught yet, the oldest first. */
  untaught: { readonly meeting: Meeting; readonly at: WallMs }[];
  /** CUSUMs, nats: of overlaps here, and of meetings with neighbours' notes. The evidence is their even mixture. */
  here: number;
  elsewhere: number;
}

const OVERLAP: TraitLaw = {
  term: "one idToken in two transactions at once", absent: "idToken in one transaction",
  attackShare: 0.3, honestShare: 0.02, weight: 50,
};
/** Shares of transactions that meet another of their idToken: judgements, worth `WEIGHT` transactions. */
const SHARES: Readonly<Record<Meeting, { readonly clone: number; readonly honest: number; readonly term: string }>> = {
  "too-fast": { clone: 0.02, honest: 2e-4, term: "one idToken at two stations faster than one can drive" },
  "overlap-far": { clone: 0.03, honest: 5e-4, term: "one idToken at two stations, far apart, at once" },
  "overlap-near": { clone: 0.03, honest: 2e-3, term: "one idToken at two stations at once" },
};
const WEIGHT = 500;
const KEEP = 1 - 1 / WEIGHT;
const SHY = 50;
/**
 * A meeting teaches later, when nothing came of it: three in a row would otherwise each excuse the next. What has gone
 * on for a fortnight is a habit, whatever was said of it.
 */
const LEARN_AFTER_MS = 48 * HOUR_MS;
const HABIT_AFTER_MS = 14 * DAY_MS;
const MOST_UNTAUGHT = 64;

export const NOTE_MS = 48 * HOUR_MS;
const MOST_NOTES = 256;
/** Neighbours' uses are compared for so long: who drives on for longer can have come from anywhere. */
export const HEARD_MS = 12 * HOUR_MS;
const MOST_HEARD = 384;
const MOST_HEARD_OF_ONE = 48;
/** A note on the end of the use before has come by then: an epoch and what a note takes, beside the clocks. */
const JUDGED_AFTER_MS = CLOCKS_MS + MINUTE_MS;
const MOST_FRESH = 16;
/** More idTokens at once are claimed than a station has EVSEs: the oldest of them are over. */
const MOST_OPEN_OF_ONE = 4;
const MOST_MET = 64;

export const credentialCloning: Detector<CredentialCloning> = {
  name: "credential-cloning",
  version: 2,
  create: () => ({
    notes: [], overlaps: createHabit(OVERLAP), heard: [], fresh: [], met: [], liars: 0, compared: 0,
    shown: { "too-fast": 0, "overlap-far": 0, "overlap-near": 0 }, untaught: [], here: 0, elsewhere: 0,
  }),
  observe(state, observation, now) {
    switch (observation.kind) {
      case "tick":
        state.notes = recent(state.notes, NOTE_MS, now);
        state.heard = recent(state.heard, HEARD_MS, now);
        return judgeFresh(state, now);
      case "neighbours-use":
        hear(state, observation, now);
        return [];
      case "transaction-ended": {
        const { transactionId } = observation;
        const open = state.notes.find((note) => note.transactionId === transactionId && note.to === undefined);
        if (open !== undefined) open.to = happenedAt(observation);
        return [];
      }
      case "transaction-started":
      case "transaction-token":
        return observation.token === undefined ? [] : started(state, observation, observation.token, now);
      default:
        return [];
    }
  },
};

/** When it happened: a backlog's own time, where it tells one. */
function happenedAt({ at, saidAt, offline }: Observation & { readonly offline: boolean }): WallMs {
  return offline ? saidAt ?? at : at;
}

/** What is remembered of drivers ends by itself, also at a station where nobody charges any more. */
function recent<Use extends { readonly from: number }>(uses: Use[], keepMs: number, now: Now): Use[] {
  return uses.some((use) => now.wallMs - use.from >= keepMs)
    ? uses.filter((use) => now.wallMs - use.from < keepMs) : uses;
}

function started(
  state: CredentialCloning, seen: Observation & { kind: "transaction-started" | "transaction-token" },
  token: TokenPseudonym, now: Now,
): Finding[] {
  state.notes = recent(state.notes, NOTE_MS, now).slice(-MOST_NOTES + 1);
  // A station that lost a stop message leaves a note open; on the same EVSE a new transaction ends it.
  const from = happenedAt(seen);
  for (const note of state.notes) if (note.evseId === seen.evseId && note.to === undefined) note.to = from;
  const overlap = state.notes.some((note) => note.token === token && note.to === undefined);
  state.notes.push({ token, evseId: seen.evseId, transactionId: seen.transactionId, from, to: undefined });
  if (seen.offline) return [];
  const term = habitTerm(state.overlaps, OVERLAP, overlap);
  learnHabit(state.overlaps, overlap);
  const says = overlap ? "one idToken is charging at two EVSEs of this station at once" : "";
  state.fresh = [...state.fresh, { token, from: seen.at, frames: framesOf(seen) }].slice(-MOST_FRESH);
  return moved(state, "here", term, says, framesOf(seen), now);
}

/** Moves one of the two sums, and tells what their mixture gained or lost. */
function moved(
  state: CredentialCloning, sum: "here" | "elsewhere", term: Term, says: string,
  frames: readonly number[], now: Now,
): Finding[] {
  const nats = moveSums<"here" | "elsewhere">(state, { [sum]: term.nats },
    () => mixtureOf([state.here, state.elsewhere]));
  if (nats === 0) return [];
  const terms = [{ term: term.term, nats }];
  return [{ key: "credential-cloning", at: now.wallMs, nats, terms, frames, says }];
}

/** Takes a neighbour's note; one with times that cannot be is left out. */
function hear(state: CredentialCloning, seen: Observation & { kind: "neighbours-use" }, now: Now): void {
  const { token, station, from, to, km } = seen;
  const possible = from <= now.wallMs + CLOCKS_MS && now.wallMs - from < HEARD_MS
    && (to === undefined || (to >= from && to <= now.wallMs + CLOCKS_MS));
  if (!possible) return;
  state.liars = seen.liars;
  const placed = km !== undefined && km >= 0 && km < Infinity;
  const use: HeardUse = { token, station, from, ...(to !== undefined && { to }), ...(placed && { km }) };
  const others = state.heard.filter((one) => one.station !== station);
  const own = state.heard.filter((one) => one.station === station);
  const known = own.findIndex((one) => one.token === token && one.from === from);
  if (known >= 0) own[known] = { ...use, at: own[known]!.at };
  else own.push({ ...use, at: now.wallMs });
  const open = own.filter((one) => one.to === undefined);
  const over = new Set(open.slice(0, Math.max(0, open.length - MOST_OPEN_OF_ONE)));
  const kept = own.map((one) => (over.has(one) ? { ...one, to: one.from } : one)).slice(-MOST_HEARD_OF_ONE);
  state.heard = [...others, ...kept].slice(-MOST_HEARD);
}

function judgeFresh(state: CredentialCloning, now: Now): Finding[] {
  const due = state.fresh.filter(({ from }) => Math.abs(now.wallMs - from) >= JUDGED_AFTER_MS);
  if (due.length === 0) return [];
  state.fresh = state.fresh.filter((one) => !due.includes(one));
  return due.flatMap((use) => compare(state, use, now));
}

/** What an own use shows against the neighbours' notes; nothing where none was ever heard. */
function compare(
  state: CredentialCloning, { token, from, frames }: CredentialCloning["fresh"][number], now: Now,
): Finding[] {
  if (state.heard.length === 0 && state.compared === 0) return [];
  const before = state.heard.filter(({ at }) => at <= from);
  const met = meetingsOf(token, { from }, before, now.wallMs);
  const worst = MEETINGS.find((meeting) => [...met.values()].includes(meeting));
  const term = meetingTerm(state, worst);
  const shy = state.compared < SHY;
  learn(state, worst, now);
  if (shy) return [];
  const whose = [...met].find(([, meeting]) => meeting === worst)?.[0] ?? "";
  const says = worst === undefined ? "" : `${SHARES[worst].term}: here, and at ${whose} by its own word`;
  const found = moved(state, "elsewhere", term, says, frames, now);
  const joint = worst === undefined ? term.nats : trimmedGrowth(state, met, now);
  if (joint === 0) return found;
  return [...found, { key: "clones", at: now.wallMs, nats: joint, terms: [{ ...term, nats: joint }], frames, says }];
}

/** The largest share of honest transactions that is believed: the posterior mean and one standard deviation more. */
function honestShare({ shown, compared }: CredentialCloning, meeting: Meeting): number {
  const events = shown[meeting] + SHARES[meeting].honest * WEIGHT;
  return Math.min(SHARES[meeting].clone, (events + Math.sqrt(events)) / (compared + WEIGHT));
}

function meetingTerm(state: CredentialCloning, meeting: Meeting | undefined): Term {
  if (meeting !== undefined) {
    const { clone, term } = SHARES[meeting];
    return { term, nats: Math.min(MOST_NATS, Math.log(clone / honestShare(state, meeting))) };
  }
  const [clones, honest] = MEETINGS.reduce(
    ([clone, share], one) => [clone + SHARES[one].clone, share + honestShare(state, one)], [0, 0]);
  return { term: "idToken at one station", nats: Math.log((1 - clones) / (1 - honest)) };
}

function learn(state: CredentialCloning, meeting: Meeting | undefined, now: Now): void {
  const shy = state.compared < SHY;
  const believed = (at: WallMs): boolean => shy || now.wallMs - at >= HABIT_AFTER_MS
    || (now.wallMs - at >= LEARN_AFTER_MS && state.elsewhere < LEARN_BELOW_NATS);
  for (const one of MEETINGS) state.shown[one] *= KEEP;
  state.compared = state.compared * KEEP + 1;
  if (meeting !== undefined) state.untaught.push({ meeting, at: now.wallMs });
  const surplus = Math.max(0, state.untaught.length - MOST_UNTAUGHT);
  const teaches = state.untaught.map(({ at }, place) => place < surplus || believed(at));
  state.untaught.forEach((one, place) => {
    if (teaches[place]) state.shown[one.meeting] += 1;
  });
  state.untaught = state.untaught.filter((_, place) => !teaches[place]);
}

/** What the neighbours' words are worth now, without those of the `liars` most telling, less what they were. */
function trimmedGrowth(state: CredentialCloning, met: ReadonlyMap<string, Meeting>, now: Now): number {
  const before = trimmed(state);
  state.met = state.met.filter(({ at }) => now.wallMs - at < NOTE_MS);
  for (const [station, meeting] of met) {
    state.met.push({ station, at: now.wallMs, nats: meetingTerm(state, meeting).nats });
  }
  state.met = state.met.slice(-MOST_MET);
  return Math.min(MOST_NATS, Math.max(0, trimmed(state) - before));
}

function trimmed({ met, liars }: CredentialCloning): number {
  const words = new Map<string, number>();
  for (const { station, nats } of met) words.set(station, (words.get(station) ?? 0) + nats);
  const sums = [...words.values()].sort((a, b) => b - a);
  return sums.slice(liars).reduce((sum, nats) => sum + nats, 0);
}
