/** The file of `capture --attack`: which attacks and look-alikes come to whom, how strong, and when. */
import { CORE_SCHEMA, load } from "js-yaml";
import { nearest } from "../../edge-agent/nearest.ts";
import { shown } from "../../edge-agent/plain-text.ts";
import { refuse } from "../../edge-agent/refuse.ts";
import { UsageError } from "../../edge-agent/usage-error.ts";
import type { WallMs } from "../../models/units.ts";
import { ATTACKS } from "../attackers/catalogue.ts";
import { STRENGTHS, STRENGTH_NAMES, type StrengthName } from "../attackers/strength.ts";
import { dice } from "./dice.ts";
import { LOOK_ALIKES } from "./look-alikes/catalogue.ts";
import type { Region } from "./region.ts";

export interface PlannedAttack {
  readonly name: string;
  /** Above 0, up to 1. */
  readonly strength: number;
  readonly stations: readonly string[];
  readonly from?: WallMs;
}

export interface PlannedLookAlike {
  readonly name: string;
  readonly stations: readonly string[];
  readonly from?: WallMs;
}

export interface AttackPlan {
  readonly attacks: readonly PlannedAttack[];
  readonly lookAlikes: readonly PlannedLookAlike[];
}

type Mapping = Readonly<Record<string, unknown>>;

const MOST = 1_000;
const TOP_KEYS = ["version", "attacks", "lookAlikes"];
const ATTACK_KEYS = ["attack", "strength", "stations", "zone", "count", "from"];
const LOOK_ALIKE_KEYS = ["name", "stations", "zone", "count", "from"];
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

function mapping(value: unknown, key: string, allowed: readonly string[]): Mapping {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(key, value, `a mapping with ${allowed.join(", ")}`);
  }
  for (const name of Object.keys(value)) {
    if (allowed.includes(name)) continue;
    const close = nearest(name, allowed);
    const hint = close === undefined ? `allowed: ${allowed.join(", ")}` : `did you mean ${close}?`;
    throw new UsageError(`${key}: unknown key ${shown(name)}; ${hint}`);
  }
  return value as Mapping;
}

function known(value: unknown, key: string, names: readonly string[], lister: string): string {
  if (typeof value === "string" && names.includes(value)) return value;
  const close = typeof value === "string" ? nearest(value, names) : undefined;
  return refuse(key, value, close === undefined ? `a name that ${lister} prints` : `did you mean ${close}?`);
}

function strength(value: unknown, key: string): number {
  if (typeof value === "string" && Object.hasOwn(STRENGTHS, value)) return STRENGTHS[value as StrengthName];
  if (typeof value === "number" && value > 0 && value <= 1) return value;
  return refuse(key, value, `${STRENGTH_NAMES.join(", ")}, or a number above 0, up to 1`);
}

function time(value: unknown, key: string): WallMs {
  const text = value instanceof Date ? value.toISOString() : value;
  const at = typeof text === "string" && TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? refuse(key, value, "a time like 2026-03-02T00:00:00.000Z") : at as WallMs;
}

function named(value: unknown, key: string, all: readonly string[]): string[] {
  if (!Array.isArray(value) || value.length === 0) return refuse(key, value, "a list of at least one station");
  value.forEach((id, i) => known(id, `${key}[${i}]`, all, "the region file"));
  if (new Set(value).size !== value.length) return refuse(key, value, "each station once");
  return value as string[];
}

/** So many of them at random, in the region's order. */
function some(count: unknown, key: string, all: readonly string[], seed: number): string[] {
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1 || count > all.length) {
    return refuse(key, count, `an integer from 1 to ${all.length}, the region's stations`);
  }
  const chance = dice(seed, key);
  const taken = new Set<string>();
  while (taken.size < count) taken.add(chance.pick(all));
  return all.filter((id) => taken.has(id));
}

/** Whom it comes to: exactly one of `stations`, `zone` and `count` says it. */
function whom(fields: Mapping, key: string, region: Region, seed: number): string[] {
  const given = ["stations", "zone", "count"].filter((name) => fields[name] !== undefined);
  if (given.length !== 1) {
    return refuse(key, given.length === 0 ? undefined : given.join(" and "), "one of stations, zone, count");
  }
  const all = region.zones.flatMap(({ stations }) => stations.map(({ id }) => id as string));
  if (fields["stations"] !== undefined) return named(fields["stations"], `${key}.stations`, all);
  if (fields["count"] !== undefined) return some(fields["count"], `${key}.count`, all, seed);
  const zones = region.zones.map(({ id }) => id as string);
  const zone = known(fields["zone"], `${key}.zone`, zones, "the region file");
  return region.zones.filter(({ id }) => id === zone).flatMap(({ stations }) => stations.map(({ id }) => id as string));
}

function attack(value: unknown, key: string, region: Region, seed: number): PlannedAttack {
  const fields = mapping(value, key, ATTACK_KEYS);
  const name = known(fields["attack"], `${key}.attack`, Object.keys(ATTACKS), "`capture --list`");
  const stations = whom(fields, key, region, seed);
  if (ATTACKS[name]?.scope === "zone" && stations.length < 2) {
    refuse(`${key}.stations`, stations, `at least two, for ${name} is of zone scope`);
  }
  const from = fields["from"] === undefined ? {} : { from: time(fields["from"], `${key}.from`) };
  return { name, strength: strength(fields["strength"], `${key}.strength`), stations, ...from };
}

function lookAlike(value: unknown, key: string, region: Region, seed: number): PlannedLookAlike {
  const fields = mapping(value, key, LOOK_ALIKE_KEYS);
  const name = known(fields["name"], `${key}.name`, Object.keys(LOOK_ALIKES), "`capture --list`");
  const from = fields["from"] === undefined ? {} : { from: time(fields["from"], `${key}.from`) };
  return { name, stations: whom(fields, key, region, seed), ...from };
}

function listOf(value: unknown, key: string): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) && value.length <= MOST ? value : refuse(key, value, `a list of at most ${MOST}`);
}

/** Reads YAML or JSON. @throws UsageError that names the key, what was found and what is allowed */
export function parseAttackFile(source: string, region: Region, seed: number): AttackPlan {
  let value: unknown;
  try {
    value = load(source, { schema: CORE_SCHEMA });
  } catch (error) {
    throw new UsageError(`no YAML or JSON: ${(error as Error).message.split("\n")[0]}`);
  }
  const top = mapping(value, "attack file", TOP_KEYS);
  if (top["version"] !== 1) refuse("version", top["version"], "1");
  return {
    attacks: listOf(top["attacks"], "attacks").map((one, i) => attack(one, `attacks[${i}]`, region, seed)),
    lookAlikes: listOf(top["lookAlikes"], "lookAlikes")
      .map((one, i) => lookAlike(one, `lookAlikes[${i}]`, region, seed)),
  };
}
