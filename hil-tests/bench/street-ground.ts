/** Where the street stands: on this machine's loopback, or on hosts of its own, of other kinds (hil-tests/rig). */
import { AGENT_FILE } from "./agent-process.ts";
import type { Plot } from "./street-plan.ts";

/** One agent's machine. */
export interface Place {
  /** Its address. */
  readonly host: string;
  /** The command that runs the agent of a configuration there. */
  command(config: string): readonly [program: string, ...args: string[]];
}

export interface Ground {
  /** The address of all that is no agent: CSMS, meters, relays. */
  readonly hub: string;
  /** The mesh's round, seconds. */
  readonly epochS: number;
  /** How many times as long everything may take here. */
  readonly pace: number;
  place(plot: Plot): Place;
}

export const LOOPBACK: Ground = {
  hub: "127.0.0.1", epochS: 1, pace: 1,
  place: () => ({
    host: "127.0.0.1", command: (config) => [process.execPath, AGENT_FILE, "run", "--config", config],
  }),
};
