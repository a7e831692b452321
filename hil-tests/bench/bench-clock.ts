/** Time for live benches: the machine's, or a test's that passes as soon as somebody waits. */
import { setTimeout as sleep } from "node:timers/promises";

export interface BenchClock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Settles after `ms`, or as soon as `signal` is aborted; never rejects. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: BenchClock = {
  nowMs: () => Date.now(),
  wait: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {}),
};

/** A clock that jumps: each wait ends at the next turn of the event loop, with its time gone by. */
export function jumpingClock(startMs: number): BenchClock {
  let now = startMs;
  return {
    nowMs: () => now,
    wait: (ms) => new Promise((resolve) => setImmediate(() => {
      now += ms;
      resolve();
    })),
  };
}
