/** A moment on a command line of the simulator. */
import { refuse } from "../../edge-agent/refuse.ts";
import type { WallMs } from "../../models/units.ts";

/** @throws UsageError that names the option, what was found, and the form that is allowed */
export function timeOption(key: string, found: string): WallMs {
  // With its offset or Z: a time without a zone would mean another moment on another machine.
  const complete = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(found);
  const at = complete ? Date.parse(found) : Number.NaN;
  return Number.isNaN(at) ? refuse(key, found, "a time like 2026-03-02T00:00:00.000Z") : at as WallMs;
}
