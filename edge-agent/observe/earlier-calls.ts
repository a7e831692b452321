/**
 * Calls that bear a time of their own and had a result, of the last days and across connections: a copy to the letter
 * of one of them, long after, is a replay; of one that tells of a transaction also where it is numbered anew.
 *
 * What honest stations send again they send in the order of their queue (OCPP 1.6, 4.10; 2.0.1 part 4, 5.3): once a
 * later such call was answered, the earlier one is not sent any more. (Within the hour one does not count: some
 * stations have a queue for each kind of call.) Calls without a time, or with one that is far from now (a clock that
 * begins anew with each boot), may be alike by chance, as ids begin anew, and are left out.
 */
import { DAY_MS, HOUR_MS, type MonotonicMs, type WallMs } from "../../models/units.ts";
import { parseUtc } from "./time-stamp.ts";

/** Slots, one call each, found by the first bits of its sum: some days of a busy station in 32 KB. */
const SLOTS = 2_048;
const MOST_CHARS = 4_096;
const RECENT_MS = 7 * DAY_MS;
/**
 * A retry that comes so late is none: give-up times are minutes (TransactionMessageRetryInterval x attempts). After how
 * many seconds, and how many later calls that were answered.
 */
const LONG_AFTER = [[HOUR_MS / 1_000, 1], [HOUR_MS / 4_000, 5]] as const;
/** No two of these are alike: a transaction begins and ends once, and its events are numbered (2.0.1, E01). */
const UNIQUE = new Set(["StartTransaction", "StopTransaction", "TransactionEvent"]);
const STAMP = /"(\d{4}-\d\d-\d\d[Tt][^"]{8,24})"/;

export interface EarlierCalls {
  readonly sums: Uint32Array;
  readonly others: Uint32Array;
  /** When it was answered, monotonic seconds; 0: the slot is empty. */
  readonly answeredS: Uint32Array;
  /** How many such calls had been answered by then. */
  readonly order: Uint32Array;
  count: number;
}

export function createEarlierCalls(): EarlierCalls {
  const slots = () => new Uint32Array(SLOTS);
  return { sums: slots(), others: slots(), answeredS: slots(), order: slots(), count: 0 };
}

interface Sent {
  readonly action: string;
  readonly text: string;
  readonly at: WallMs;
}

/** Whether the call bears a time of its own, to days: one without zone will do, one far from when it was seen not. */
function bearsTime({ text, at }: Sent): boolean {
  const stamp = parseUtc(STAMP.exec(text.slice(0, MOST_CHARS))?.[1]);
  return stamp !== undefined && Math.abs(at - stamp) < RECENT_MS;
}

/** Two sums that tell calls apart: FNV-1a, and one of another kind. No secret, and none is needed. */
function sumsOf({ action, text: whole }: Sent): [number, number] {
  const text = UNIQUE.has(action) ? whole.slice(Math.max(0, whole.indexOf(`"${action}"`))) : whole;
  let [sum, other] = [0x811c9dc5, text.length];
  for (let i = 0; i < Math.min(text.length, MOST_CHARS); i += 1) {
    const code = text.charCodeAt(i);
    sum = Math.imul(sum ^ code, 0x01000193);
    other = (Math.imul(other, 0x5bd1e995) + code) ^ (other >>> 15);
  }
  return [sum >>> 0, other >>> 0];
}

const secondsOf = (monoMs: MonotonicMs): number => Math.max(1, Math.floor(monoMs / 1_000));

/** Remembers a call that had a result: one that had an error may be sent anew. */
export function noteAnswered(earlier: EarlierCalls, call: Sent, monoMs: MonotonicMs): void {
  if (!bearsTime(call)) return;
  const [sum, other] = sumsOf(call);
  const slot = sum % SLOTS;
  earlier.count += 1;
  // A copy does not take the place of what it is a copy of.
  if (earlier.answeredS[slot] !== 0 && earlier.sums[slot] === sum && earlier.others[slot] === other) return;
  earlier.sums[slot] = sum;
  earlier.others[slot] = other;
  earlier.answeredS[slot] = secondsOf(monoMs);
  earlier.order[slot] = earlier.count;
}

/** Whether this call was answered long ago, and later ones after it. */
export function isLateCopy(earlier: EarlierCalls, call: Sent, monoMs: MonotonicMs): boolean {
  if (!bearsTime(call)) return false;
  const [sum, other] = sumsOf(call);
  const slot = sum % SLOTS;
  const answeredS = earlier.answeredS[slot] ?? 0;
  if (answeredS === 0 || earlier.sums[slot] !== sum || earlier.others[slot] !== other) return false;
  const [sinceS, later] = [secondsOf(monoMs) - answeredS, earlier.count - (earlier.order[slot] ?? 0)];
  return LONG_AFTER.some(([leastS, least]) => sinceS >= leastS && later >= least);
}
