/** The machine's clocks and timers. */
import type { MonotonicMs, WallMs } from "../../models/units.ts";
import type { Clock, Timers } from "../ports.ts";

export const systemClock: Clock = {
  wallMs: () => Date.now() as WallMs,
  monoMs: () => performance.now() as MonotonicMs,
};

/** Node fires a timer of more than 2^31 - 1 ms at once, with a warning on standard error. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, ms), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Processor time of this process so far. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return Math.round((user + system) / 1_000) / 1_000;
}
