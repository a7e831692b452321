/** A number on a command line of the simulator. */
import { refuse } from "../../edge-agent/refuse.ts";

/** @throws UsageError that names the option, what was found, and the range */
export function numberOption(key: string, found: string, low: number, high: number, whole: boolean): number {
  // Number() alone would read "" as 0, and take "0x10" and "1e2".
  const value = /^\d+(\.\d+)?$/.test(found) ? Number(found) : Number.NaN;
  if (value >= low && value <= high && (!whole || Number.isInteger(value))) return value;
  return refuse(key, found, `${whole ? "an integer" : "a number"} from ${low} to ${high}`);
}
