/** The liars file (contracts, section 6): which agents lie, when, and how. */
import { CORE_SCHEMA, load } from "js-yaml";
import { UsageError } from "../../edge-agent/usage-error.ts";
import { isStationId, type StationId, type WallMs } from "../../models/units.ts";
import { refuse } from "../../edge-agent/refuse.ts";

export const BEHAVIOURS = ["silent", "frame", "hide", "equivocate", "replay", "flood"] as const;
/**
 * `silent`: publishes nothing. `frame`: claims everything at the maximum. `hide`: claims nothing. `equivocate`: tells
 * each half of the zone something else. `replay`: repeats an old statement. `flood`: sends as much as it can.
 */
export type Behaviour = (typeof BEHAVIOURS)[number];

export interface Liar {
  readonly station: StationId;
  readonly from: WallMs;
  readonly to: WallMs;
  readonly behaviour: Behaviour;
}

const KEYS = ["station", "from", "to", "behaviour"];
const MOST_LIARS = 10_000;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

function time(key: string, value: unknown): WallMs {
  const text = value instanceof Date ? value.toISOString() : value;
  const at = typeof text === "string" && TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? refuse(key, value, "a time like 2026-03-02T00:00:00.000Z") : at as WallMs;
}

function liar(value: unknown, key: string): Liar {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(key, value, `a mapping with ${KEYS.join(", ")}`);
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !KEYS.includes(name));
  if (unknown !== undefined) refuse(`${key}.${unknown}`, fields[unknown], `only ${KEYS.join(", ")}`);
  const { station, behaviour } = fields;
  if (typeof station !== "string" || !isStationId(station)) return refuse(`${key}.station`, station, "a station id");
  const known = BEHAVIOURS.find((name) => name === behaviour);
  if (known === undefined) return refuse(`${key}.behaviour`, behaviour, BEHAVIOURS.join(", "));
  const from = time(`${key}.from`, fields["from"]);
  const to = time(`${key}.to`, fields["to"]);
  return to > from ? { station, from, to, behaviour: known } : refuse(`${key}.to`, fields["to"], "a time after `from`");
}

/** @throws UsageError that names the place, what was found and what is allowed */
export function parseLiars(text: string): Liar[] {
  let value: unknown;
  try {
    value = load(text, { schema: CORE_SCHEMA });
  } catch (error) {
    throw new UsageError(`liars: no YAML or JSON: ${(error as Error).message.split("\n")[0]}`);
  }
  if (!Array.isArray(value) || value.length > MOST_LIARS) {
    return refuse("liars", value, `a list of at most ${MOST_LIARS}`);
  }
  return value.map((one, index) => liar(one, `liars[${index}]`));
}
