/** How far a soak has come, in a file: ten thousand seeds are played in parts, of which any may be cut off. */
import { readFileSync } from "node:fs";
import { replaceFile } from "../../../edge-agent/adapters/durable-file.ts";
import { refuse } from "../../../edge-agent/refuse.ts";
import { UsageError } from "../../../edge-agent/usage-error.ts";
import type { TallyJson } from "./tally.ts";

export interface SoakState {
  /** What one program counted is not added to what another one did. */
  readonly code: string;
  readonly first: number;
  readonly step: number;
  /** All that are to be played. */
  readonly seeds: number;
  /** Places in that list, 0 for the first seed: all below `through` are played, and of those above it `beyond`. */
  readonly through: number;
  readonly beyond: readonly number[];
  readonly seconds: number;
  /** Of those that are played; absent while none is. */
  readonly tally?: TallyJson;
}

type Plan = Pick<SoakState, "code" | "first" | "step" | "seeds">;

/**
 * The state in a file, or that of a soak which has not begun where there is no file.
 * @throws UsageError when it cannot be read, or is of another soak or another program
 */
export function readState(path: string, plan: Plan): SoakState {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code = "failed" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return { ...plan, through: 0, beyond: [], seconds: 0 };
    return refuse("--state", path, `a file that can be read (${code})`);
  }
  const state = parse(text) ?? refuse("--state", path, "what a soak wrote");
  for (const key of ["code", "first", "step", "seeds"] as const) {
    if (state[key] === plan[key]) continue;
    throw new UsageError(`--state: ${path} is of another soak: ${key} ${state[key]}, where this has ${plan[key]}`);
  }
  return state;
}

function parse(text: string): SoakState | undefined {
  try {
    const state = JSON.parse(text) as SoakState;
    return typeof state.code === "string" && Array.isArray(state.beyond) ? state : undefined;
  } catch {
    return undefined;
  }
}

/** Durable and whole, or as it was. */
export function writeState(path: string, state: SoakState): void {
  replaceFile(path, `${JSON.stringify(state)}\n`);
}
