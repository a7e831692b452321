/**
 * Acts that may befall each session (acts.ts), over seven days: whether they were more than chance makes of the honest
 * share. For acts that are spread too thinly to speak one by one.
 *
 * Null: each session is a Bernoulli trial whose act comes with at most the given share. An act is looked at when it
 * comes, so of weeks that end with one there are as many as acts: sessions of a year, n a week, with k acts in the last
 * n show it at most 52 k P(X >= k) times a year, X binomial (n, share).
 */
import { DAY_MS, type Now } from "../../units.ts";

export interface Week {
  /** By day (its number on the monotonic clock, oldest first): sessions that the act befell, and sessions. */
  days: [day: number, befell: number, sessions: number][];
  /** The same of all days before the last seven, those long ago counting less. */
  past: [befell: number, sessions: number];
}

const DAYS = 7;
const WEEKS_A_YEAR = 52;
/** What each further day with sessions leaves of the older ones: half of it after ninety. */
const KEEP = 0.9923;

export function createWeek(): Week {
  return { days: [], past: [0, 0] };
}

export function noteSessionOf(week: Week, befell: boolean, now: Now): void {
  const day = Math.floor(now.monoMs / DAY_MS);
  // A monotonic clock that went back is that of another start: what came before it is past.
  const isNow = ([of]: [number, number, number]): boolean => of <= day && day - of < DAYS;
  for (const [, acts, sessions] of week.days.filter((one) => !isNow(one))) {
    week.past = [week.past[0] * KEEP + acts, week.past[1] * KEEP + sessions];
  }
  week.days = week.days.filter(isNow);
  if (week.days.at(-1)?.[0] !== day) week.days.push([day, 0, 0]);
  const today = week.days.at(-1)!;
  today[1] += befell ? 1 : 0;
  today[2] += 1;
}

export function ofWeek({ days }: Week): { befell: number; sessions: number } {
  const sum = (at: 1 | 2): number => days.reduce((total, day) => total + day[at], 0);
  return { befell: sum(1), sessions: sum(2) };
}

/** Years in which an honest station shows so many once, at least. */
export function yearsOfWeek({ befell, sessions }: { befell: number; sessions: number }, share: number): number {
  return befell === 0 ? 0 : Math.exp(-tailNats(befell, sessions, share)) / (WEEKS_A_YEAR * befell);
}

/**
 * ln of an upper bound of P(X >= k) for X binomial (n, p): the term of k times the geometric series that the ratio of
 * its successor gives; 0, so no bound, where that ratio is not below 1, or p not (an upper share may be more).
 */
export function tailNats(k: number, n: number, p: number): number {
  const ratio = ((n - k) * p) / ((k + 1) * (1 - p));
  if (k <= 0 || k > n || p >= 1 || ratio >= 1) return 0;
  let nats = k * Math.log(p) + (n - k) * Math.log(1 - p) - Math.log(1 - ratio);
  for (let i = 0; i < k; i++) nats += Math.log((n - i) / (k - i));
  return Math.min(0, nats);
}
