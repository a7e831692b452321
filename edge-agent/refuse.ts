/** The one shape of a complaint about a key or an option: what was found, what is allowed. */
import { shown } from "./plain-text.ts";
import { UsageError } from "./usage-error.ts";

/** Never returns. @throws UsageError */
export function refuse(key: string, found: unknown, allowed: string): never {
  throw new UsageError(`${key}: found ${shown(found)}; allowed: ${allowed}`);
}
