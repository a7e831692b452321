/** The scenario file of `kerbwatch-sim run`, YAML or JSON: contracts, section 6. */
import { CORE_SCHEMA, load } from "js-yaml";
import { refuse } from "../../../edge-agent/refuse.ts";
import { UsageError } from "../../../edge-agent/usage-error.ts";
import { type EvidenceKey, EVIDENCE_KEYS } from "../../../models/terms.ts";
import { type Mapping, mapping, number, oneOf } from "../../yaml-fields.ts";
import {
  type Attack, BEHAVIOURS, type Fault, type FaultKind, FAULTS, type Field, type Guessing, type Liar, type Scenario,
  unbelievedRoster,
} from "./scenario.ts";

const KEYS = [
  "version", "agents", "spare", "zones", "liarsTolerated", "epochs", "witnesses", "signatures", "topology",
  "passedOnTo", "healedAt", "faults", "liars", "broken", "attacks", "guessing",
];
const LIAR_KEYS = ["agent", "behaviour", "from"];
const ATTACK_KEYS = ["key", "from", "to", "agents", "perEpoch"];
const GUESSING_KEYS = ["from", "to", "agents", "anEpoch"];
const MOST_GUESSES = 20;
const MOST_CHARS = 200_000;
const MOST_LISTED = 1_000;
const AGENTS = { from: 1, to: 60 };
/** More than anybody has. */
const MOST_PEERS = 64;
const MOST_SPARE = 4;
const MOST_ZONES = 8;
const MOST_EPOCHS = 100_000;
const MOST_MILLINATS = 1_000_000;

function list<T>(value: unknown, place: string, read: (one: unknown, place: string) => T): readonly T[] {
  if (value === undefined) return [];
  const isList = Array.isArray(value) && value.length <= MOST_LISTED;
  if (!isList) return refuse(place, value, `a list of at most ${MOST_LISTED}`);
  return value.map((one, index) => read(one, `${place}[${index}]`));
}

function flag(value: unknown, place: string): boolean {
  return typeof value === "boolean" ? value : refuse(place, value, "true or false");
}

function fieldOf(field: Field, value: unknown, place: string, all: number): unknown {
  if ("of" in field) return oneOf(value, place, field.of);
  const agent = (one: unknown, at: string): number => number(one, at, 0, all - 1, true);
  if ("agent" in field) return agent(value, place);
  if ("agents" in field) return list(value, place, agent);
  return number(value, place, field.from, field.to, field.whole);
}

function fault(value: unknown, place: string, all: number): Fault {
  const kinds = Object.keys(FAULTS) as FaultKind[];
  const given = typeof value === "object" && value !== null ? (value as Mapping)["kind"] : undefined;
  const kind = oneOf(given, `${place}.kind`, kinds);
  const fields = FAULTS[kind] as Readonly<Record<string, Field>>;
  const found = mapping(value, place, ["kind", ...Object.keys(fields)]);
  const read = Object.entries(fields).map(([name, field]) =>
    [name, fieldOf(field, found[name], `${place}.${name}`, all)] as const);
  const { from, to } = found;
  if ("from" in fields && (to as number) < (from as number)) refuse(`${place}.to`, to, `${from as number} or later`);
  return { kind, ...Object.fromEntries(read) } as Fault;
}

function attack(value: unknown, place: string, all: number): Attack {
  const { key, from, to, agents, perEpoch } = mapping(value, place, ATTACK_KEYS);
  return {
    key: oneOf<EvidenceKey>(key, `${place}.key`, EVIDENCE_KEYS),
    from: number(from, `${place}.from`, 0, MOST_EPOCHS), to: number(to, `${place}.to`, from as number, MOST_EPOCHS),
    agents: list(agents, `${place}.agents`, (one, at) => number(one, at, 0, all - 1, true)),
    perEpoch: number(perEpoch, `${place}.perEpoch`, 1, MOST_MILLINATS, true),
  };
}

function guessing(value: unknown, place: string, all: number): Guessing {
  const { from, to, agents, anEpoch } = mapping(value, place, GUESSING_KEYS);
  return {
    from: number(from, `${place}.from`, 0, MOST_EPOCHS), to: number(to, `${place}.to`, from as number, MOST_EPOCHS),
    agents: list(agents, `${place}.agents`, (one, at) => number(one, at, 0, all - 1, true)),
    anEpoch: number(anEpoch, `${place}.anEpoch`, 1, MOST_GUESSES, true),
  };
}

function liar(value: unknown, place: string, all: number): Liar {
  const { agent, behaviour, from = 0 } = mapping(value, place, LIAR_KEYS);
  return {
    agent: number(agent, `${place}.agent`, 0, all - 1, true),
    behaviour: oneOf(behaviour, `${place}.behaviour`, BEHAVIOURS), from: number(from, `${place}.from`, 0, MOST_EPOCHS),
  };
}

function optional<T>(value: unknown, otherwise: T, read: (value: unknown) => T): T {
  return value === undefined ? otherwise : read(value);
}

function scenarioOf(value: unknown): Scenario {
  const raw = mapping(value, "scenario", KEYS);
  if (raw["version"] !== 1) refuse("version", raw["version"], "1");
  const agents = number(raw["agents"], "agents", AGENTS.from, AGENTS.to, true);
  const spare = optional(raw["spare"], 0, (one) => number(one, "spare", 0, MOST_SPARE, true));
  const all = agents + spare;
  const zones = optional(raw["zones"], 1, (one) => number(one, "zones", 1, Math.min(MOST_ZONES, agents), true));
  const mostLiars = Math.floor((Math.floor(agents / zones) - 1) / 3);
  const epochs = number(raw["epochs"], "epochs", 1, MOST_EPOCHS, true);
  const healedAt = raw["healedAt"] === undefined ? undefined : number(raw["healedAt"], "healedAt", 0, epochs);
  return {
    agents, spare, zones, epochs, ...(healedAt !== undefined && { healedAt }),
    liarsTolerated: optional(raw["liarsTolerated"], mostLiars, (one) =>
      number(one, "liarsTolerated", 0, mostLiars, true)),
    witnesses: optional(raw["witnesses"], true, (one) => flag(one, "witnesses")),
    signatures: optional(raw["signatures"], "simulated", (one) => oneOf(one, "signatures", ["simulated", "ed25519"])),
    topology: optional(raw["topology"], "mesh", (one) => oneOf(one, "topology", ["mesh", "site"])),
    passedOnTo: optional(raw["passedOnTo"], MOST_PEERS, (one) => number(one, "passedOnTo", 1, MOST_PEERS, true)),
    faults: list(raw["faults"], "faults", (one, place) => fault(one, place, all)),
    liars: list(raw["liars"], "liars", (one, place) => liar(one, place, all)),
    broken: list(raw["broken"], "broken", (one, place) => number(one, place, 0, all - 1, true)),
    attacks: list(raw["attacks"], "attacks", (one, place) => attack(one, place, all)),
    guessing: list(raw["guessing"], "guessing", (one, place) => guessing(one, place, all)),
  };
}

/** @throws UsageError that names the key, what was found and what is allowed */
export function parseScenario(text: string): Scenario {
  const { length } = text;
  if (length > MOST_CHARS) throw new UsageError(`scenario: found ${length} characters; allowed: at most ${MOST_CHARS}`);
  let value: unknown;
  try {
    value = load(text, { schema: CORE_SCHEMA });
  } catch (error) {
    throw new UsageError(`scenario: no YAML or JSON: ${(error as Error).message.split("\n")[0]}`);
  }
  const scenario = scenarioOf(value);
  const bad = [...scenario.liars.map(({ agent }) => agent), ...scenario.broken];
  const twice = bad.find((agent, index) => bad.indexOf(agent) !== index);
  if (twice !== undefined) refuse("liars", twice, "each agent once, among liars and broken chargers together");
  const unbelieved = unbelievedRoster(scenario);
  if (unbelieved !== undefined) throw new UsageError(`${unbelieved}; allowed: more than 3 x liarsTolerated`);
  return scenario;
}
