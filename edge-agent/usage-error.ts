/**
 * Wrong usage or wrong configuration: the command prints the message on one line and exits 2. The message says which
 * option or key, what was found, and what is allowed.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
