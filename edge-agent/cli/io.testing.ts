/** A command run inside a test: what it wrote and how it ended. */
import { dispatch } from "./dispatch.ts";
import { COMMANDS } from "./commands.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** As from the command line: errors become lines and exit codes. */
export async function ran(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  let out = "";
  let err = "";
  const io = { out: (text: string) => { out += text; }, err: (text: string) => { err += text; }, env };
  const code = await dispatch(args, io, COMMANDS);
  return { code, out, err };
}
