/** What a check of `kerbwatch doctor` finds. */

export interface Check {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  /** What was found, in plain words. */
  readonly says: string;
  /** What to do about it. */
  readonly mend?: string;
}

export const passed = (name: string, says: string): Check => ({ name, state: "ok", says });
export const warned = (name: string, says: string, mend: string): Check => ({ name, state: "warn", says, mend });
export const failed = (name: string, says: string, mend: string): Check => ({ name, state: "fail", says, mend });

/** The code of a system error (`EACCES`), or its message. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
}
