/** Where the street stands: on this machine's loopback, or on hosts of its own, of other kinds (hil-tests/rig). */
import { AGENT_FILE } from "./agent-process.ts";
import type { Plot } from "./street-plan.ts";

/** What runs a house's agent: a process of this machine, or a board's service manager. */
export interface StreetAgent {
  /** Of this machine; absent: none runs here. */
  readonly pid?: number | undefined;
  /** How it ended each time that nobody had asked for it. */
  readonly deaths: readonly string[];
  /** Settles once chargers can connect. */
  start(): Promise<void>;
  /** As a power cut would; settles when another one takes chargers in its place, or before that. */
  kill(): Promise<void>;
  killForGood(): Promise<void>;
  stop(): Promise<unknown>;
}

/** A machine with files of its own: what the house would find in its folder comes over a line. */
export interface Elsewhere {
  /** Where the agent takes chargers and neighbours, as this machine reaches them; and where it listens there. */
  readonly ports: { readonly charger: number; readonly broker: number };
  readonly listen: { readonly charger: string; readonly broker: string };
  /** Paths there. */
  readonly paths: { readonly state: string; readonly roster: string; readonly alerts: string };
  readonly agent: StreetAgent;
  /** Brings there what was made here: keys and what was learned, the roster, the configuration. */
  prepare(made: { readonly state: string; readonly roster: string; readonly config: string }): Promise<void>;
  /** Lines of its alerts so far, as far as they have come over. */
  alerts(): readonly string[];
  /** Brings its log of now into that state directory here. */
  fetchLog(state: string): Promise<void>;
}

/** One agent's machine. */
export interface Place {
  /** Its address. */
  readonly host: string;
  /** The command that runs the agent of a configuration there. */
  command(config: string): readonly [program: string, ...args: string[]];
  /** Absent: it has this machine's files, and `command` starts its agent. */
  readonly elsewhere?: Elsewhere;
}

export interface Ground {
  /** The address of all that is no agent: CSMS, meters, relays. */
  readonly hub: string;
  /** Where these listen; absent: there. */
  readonly bind?: string;
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
