/** The one argument that three of the roster's commands take. */
import { type Positionals, UsageError } from "../command.ts";

export const ONE_FILE: Positionals = { max: 1, what: "one roster file", files: true };

/** The one roster file that a command was given. */
export function onlyFile(positionals: readonly string[]): string {
  const [path] = positionals;
  if (path === undefined) throw new UsageError("roster file: missing; allowed: one roster file (.kw or .kwu)");
  return path;
}
