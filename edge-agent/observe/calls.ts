/** Calls that wait for their result: matched by direction and message id, bounded in number, size and time. */
import type { Direction, OcppVersion } from "../../models/terms.ts";
import type { MonotonicMs, WallMs } from "../../models/units.ts";

export interface Call {
  readonly direction: Direction;
  readonly id: string;
  readonly action: string;
  readonly payload: unknown;
  readonly version: OcppVersion;
  /** The whole frame: what an honest retry repeats to the letter. */
  readonly text: string;
  readonly at: WallMs;
  readonly monoMs: MonotonicMs;
  readonly frameNo: number;
  /** It was sent twice, so two results are due, and may differ. */
  readonly retried?: boolean;
}

export interface CallLimits {
  /** Outstanding calls a direction. OCPP allows one; a flood must not grow the agent. */
  readonly maxCalls: number;
  /** Characters of outstanding frames a direction. */
  readonly maxChars: number;
  /** A call without a result for this long is over. */
  readonly timeoutMs: number;
}

/** Slower answers than 120 s exist only where the call was given up by its sender (OCPP-J 1.6, 4.1.1). */
export const CALL_LIMITS: CallLimits = { maxCalls: 256, maxChars: 1 << 20, timeoutMs: 120_000 };

/** Answered calls that are remembered a direction, to know one that comes again. */
const MOST_ANSWERED = 64;
/** Shorter frames say nothing of their own (a heartbeat under a constant id), and are alike without being copies. */
const COPY_FROM_CHARS = 80;

interface Waiting {
  readonly calls: Map<string, Call>;
  /** By message id, oldest first, calls that were answered on this connection: a sum over the text, the verdict. */
  readonly answered: Map<string, { readonly sum: number; readonly verdict: string | undefined }>;
  chars: number;
}

export interface Calls {
  readonly limits: CallLimits;
  readonly waiting: Readonly<Record<Direction, Waiting>>;
}

export function createCalls(limits: CallLimits = CALL_LIMITS): Calls {
  const none = (): Waiting => ({ calls: new Map(), answered: new Map(), chars: 0 });
  return { limits, waiting: { "cp-to-csms": none(), "csms-to-cp": none() } };
}

function remove(waiting: Waiting, call: Call): void {
  waiting.calls.delete(call.id);
  waiting.chars -= call.text.length;
}

/**
 * Notes a call. A `retry` has the id and the very text of one that waits, and is dropped: OCPP allows it. A `repeated`
 * id with another content is not allowed; the earlier call gives way, so that neither hides behind the other. `ended`
 * are the calls that gave way to it or to the limits: they end without a result. `replayed`: a copy to the letter of a
 * call that was answered on this very connection; who did not get the answer there would not be there any more.
 */
export function noteCall(
  calls: Calls, call: Call,
): { as: "new" | "retry" | "repeated" | "replayed"; ended: readonly Call[] } {
  const waiting = calls.waiting[call.direction];
  const earlier = waiting.calls.get(call.id);
  if (earlier?.text === call.text) {
    waiting.calls.set(call.id, { ...earlier, retried: true });
    return { as: "retry", ended: [] };
  }
  const ended: Call[] = [];
  const end = (over: Call): void => {
    remove(waiting, over);
    ended.push(over);
  };
  if (earlier !== undefined) end(earlier);
  waiting.calls.set(call.id, call);
  waiting.chars += call.text.length;
  for (const oldest of waiting.calls.values()) {
    if (waiting.calls.size <= calls.limits.maxCalls && waiting.chars <= calls.limits.maxChars) break;
    if (oldest !== call) end(oldest);
  }
  const copied = call.text.length >= COPY_FROM_CHARS && waiting.answered.get(call.id)?.sum === sumOf(call.text);
  return { as: earlier !== undefined ? "repeated" : copied ? "replayed" : "new", ended };
}

/** Tells texts apart that are not meant to be alike. */
function sumOf(text: string): number {
  let sum = text.length;
  for (let i = 0; i < Math.min(text.length, 4_096); i += 1) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) | 0;
  return sum;
}

function askedIn(calls: Calls, direction: Direction): Waiting {
  return calls.waiting[direction === "cp-to-csms" ? "csms-to-cp" : "cp-to-csms"];
}

/**
 * The call that a result going in `direction` answers; it waits no longer. `undefined`: none waits by this id.
 * @param verdict what the result decides, where it does
 */
export function answeredBy(calls: Calls, direction: Direction, id: string, verdict?: string): Call | undefined {
  const waiting = askedIn(calls, direction);
  const call = waiting.calls.get(id);
  if (call === undefined) return undefined;
  remove(waiting, call);
  waiting.answered.delete(id);
  waiting.answered.set(id, { sum: sumOf(call.text), verdict: call.retried === true ? undefined : verdict });
  for (const oldest of waiting.answered.keys()) {
    if (waiting.answered.size <= MOST_ANSWERED) break;
    waiting.answered.delete(oldest);
  }
  return call;
}

/** Whether a result that answers nothing decides otherwise than the one that its call had. */
export function contradicts(calls: Calls, direction: Direction, id: string, verdict: string | undefined): boolean {
  const decided = askedIn(calls, direction).answered.get(id)?.verdict;
  return decided !== undefined && verdict !== undefined && decided !== verdict;
}

/** Takes out the calls that have waited too long at `monoMs`, oldest first; with no time, all: the link changed. */
export function endOverdue(calls: Calls, monoMs?: MonotonicMs): readonly Call[] {
  const over: Call[] = [];
  for (const waiting of Object.values(calls.waiting)) {
    if (monoMs === undefined) waiting.answered.clear();
    for (const call of waiting.calls.values()) {
      if (monoMs !== undefined && monoMs - call.monoMs < calls.limits.timeoutMs) break;
      remove(waiting, call);
      over.push(call);
    }
  }
  return over;
}
