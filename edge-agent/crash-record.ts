/**
 * How often the agent ended without having been asked to, and what follows: beyond a limit frames are passed on by a
 * plain relay, which reads nothing and so fails by nothing that can be read, and the agent is tried again later. Pure.
 */
import { rfc3339, SECOND_MS, type WallMs } from "../models/units.ts";

/** Ends longer ago than this are forgotten. A defect that strikes less often costs the charger less than the watch. */
export const WINDOW_S = 600;
/** What ends may weigh together; from then on frames are relayed. Five ends cost a charger about ten seconds in all. */
export const LIMIT = 6;
const END_WEIGHT = 1;
/** An agent that hangs costs its charger ten seconds until it is killed, one that ends a second: two are enough. */
const HANG_WEIGHT = 3;
/** How long frames are relayed before the agent is tried again; twice as long after each try that fails. */
export const FIRST_TERM_S = 600;
/** A try may cost the charger a reconnect: a few a day are nothing, and a mended board is noticed within hours. */
export const LONGEST_TERM_S = 6 * 3600;

/** One end of the agent that nobody asked for. */
export interface End {
  /** Of the machine's uptime: no wall clock can be trusted over restarts. */
  readonly atS: number;
  readonly weight: number;
  /** In words: `SIGKILL`, `exit code 1`. */
  readonly how: string;
}

export interface RelayTerm {
  /** When the first term of this row began. */
  readonly since: WallMs;
  readonly why: string;
  readonly termS: number;
  /** The agent is tried again then; of the machine's uptime. */
  readonly untilS: number;
}

export interface CrashRecord {
  /** Oldest first. */
  readonly ends: readonly End[];
  /** There from the first term until the agent has run well for a while. */
  readonly relay?: RelayTerm;
}

export const NO_CRASHES: CrashRecord = { ends: [] };

export interface CrashNow {
  readonly uptimeS: number;
  readonly wallMs: WallMs;
}

/** After one more end. While a relay's try has not proved itself, a single one leads back to the relay. */
export function afterEnd(record: CrashRecord, how: string, hung: boolean, now: CrashNow): CrashRecord {
  const recent = record.ends.filter(({ atS }) => atS <= now.uptimeS && now.uptimeS - atS < WINDOW_S);
  const ends = [...recent, { atS: now.uptimeS, weight: hung ? HANG_WEIGHT : END_WEIGHT, how }].slice(-LIMIT);
  const { relay } = record;
  const weight = ends.reduce((sum, end) => sum + end.weight, 0);
  if (relay === undefined && weight < LIMIT) return { ends };
  const termS = relay === undefined ? FIRST_TERM_S : Math.min(LONGEST_TERM_S, 2 * relay.termS);
  const why = `the agent ended ${ends.length === 1 ? "again" : `${ends.length} times`} within ${WINDOW_S / 60} ` +
    `minutes, last: ${how}`;
  return { ends, relay: { since: relay?.since ?? now.wallMs, why, termS, untilS: now.uptimeS + termS } };
}

/** The relay's term, when it is not over. */
export function relayTerm({ relay }: CrashRecord, uptimeS: number): RelayTerm | undefined {
  return relay !== undefined && uptimeS < relay.untilS ? relay : undefined;
}

/** When the term is over, as the wall clock will tell. */
export const tryAt = (term: RelayTerm, now: CrashNow): WallMs =>
  (now.wallMs + Math.max(0, term.untilS - now.uptimeS) * SECOND_MS) as WallMs;

/** What the log should know of the time before this start: nobody watched then. */
export function pastOf({ ends, relay }: CrashRecord): string[] {
  const last = ends.at(-1);
  return [
    ...(last === undefined ? [] : [`the run before this one ended unasked (${last.how})`]),
    ...(relay === undefined ? [] : [`from ${rfc3339(relay.since)} on frames passed unread, by a plain relay: ` +
      relay.why]),
  ];
}

/** Pause before the next start, ms: at once after the first end, longer while they go on. */
export function pauseMs({ ends }: CrashRecord): number {
  return Math.min(5_000, 100 * 2 ** Math.max(0, ends.length));
}
