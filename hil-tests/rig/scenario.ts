/** A scenario file of the rig: what is played, on which processors, how fast. Pure. */
import { CORE_SCHEMA, load } from "js-yaml";
import { ACTS } from "../bench/acts/acts.ts";
import { PLOTS } from "../bench/street-plan.ts";

export interface Speed {
  readonly epochS: number;
  readonly pace: number;
}

export interface Scenario {
  readonly name: string;
  /** Stations with a processor of 32 bits. */
  readonly armhf: readonly string[];
  readonly native: Speed;
  readonly emulated: Speed;
  readonly acts: readonly string[];
  readonly quick: readonly string[];
}

/** Acts that only the rig has. */
export const RIG_ACTS = ["partition"] as const;
export const KNOWN_ACTS: ReadonlySet<string> = new Set([...ACTS.map(({ id }) => id), ...RIG_ACTS]);
const STATIONS: ReadonlySet<string> = new Set(PLOTS.map(({ station }) => station));
const KEYS = ["version", "name", "armhf", "native", "emulated", "acts", "quick"];

class ScenarioError extends Error {}

function texts(value: unknown, key: string, allowed: ReadonlySet<string>): readonly string[] {
  const list = Array.isArray(value) ? value as unknown[] : [value];
  const wrong = list.find((one) => typeof one !== "string" || !allowed.has(one));
  if (wrong === undefined && list.length > 0) return list as string[];
  throw new ScenarioError(`${key}: found ${JSON.stringify(wrong)}; allowed: a list of ${[...allowed].join(", ")}`);
}

function speed(value: unknown, key: string): Speed {
  const { epochS, pace } = (value ?? {}) as Partial<Record<keyof Speed, unknown>>;
  const good = (one: unknown): one is number => typeof one === "number" && one >= 1 && one <= 60;
  if (good(epochS) && Number.isInteger(epochS) && good(pace)) return { epochS, pace };
  throw new ScenarioError(`${key}: found ${JSON.stringify(value)}; allowed: { epochS: 1 to 60, pace: 1 to 60 }`);
}

/** @throws Error of one line: key, what was found, what is allowed */
export function parseScenario(text: string): Scenario {
  const file = load(text, { schema: CORE_SCHEMA });
  if (typeof file !== "object" || file === null) throw new ScenarioError("found no mapping");
  const fields = file as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new ScenarioError(`${unknown}: unknown key; allowed: ${KEYS.join(", ")}`);
  const { version, name } = fields;
  if (version !== 1) throw new ScenarioError(`version: found ${JSON.stringify(version)}; allowed: 1`);
  if (typeof name !== "string" || !/^[a-z0-9-]{1,40}$/.test(name)) {
    throw new ScenarioError(`name: found ${JSON.stringify(name)}; allowed: 1 to 40 of a-z 0-9 -`);
  }
  return {
    name, armhf: texts(fields["armhf"], "armhf", STATIONS),
    native: speed(fields["native"], "native"), emulated: speed(fields["emulated"], "emulated"),
    acts: texts(fields["acts"], "acts", KNOWN_ACTS), quick: texts(fields["quick"], "quick", KNOWN_ACTS),
  };
}
