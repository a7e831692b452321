/** The agent's clocks after a restart. */
import type { MonotonicMs } from "../../models/units.ts";
import { type Memory, resumedMono } from "../memory.ts";
import type { Clock } from "../ports.ts";

/** A monotonic clock that goes on where the remembered one stood, the absence included as the wall clock tells. */
export function resumedClock(memory: Memory, clock: Clock): Clock {
  const ahead = resumedMono(memory, clock.wallMs()) - clock.monoMs();
  return { wallMs: () => clock.wallMs(), monoMs: () => (clock.monoMs() + ahead) as MonotonicMs };
}
