/** Reading fields of a YAML file by hand: errors of one line that name place, what was found, and what is allowed. */
import { nearest } from "../edge-agent/nearest.ts";
import { shown } from "../edge-agent/plain-text.ts";
import { refuse } from "../edge-agent/refuse.ts";
import { UsageError } from "../edge-agent/usage-error.ts";

export type Mapping = Readonly<Record<string, unknown>>;

/** A mapping with no keys but these. @throws UsageError */
export function mapping(value: unknown, place: string, allowed: readonly string[]): Mapping {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(place, value, `a mapping with ${allowed.join(", ")}`);
  }
  for (const name of Object.keys(value)) {
    if (allowed.includes(name)) continue;
    const close = nearest(name, allowed);
    const hint = close === undefined ? `allowed: ${allowed.join(", ")}` : `did you mean ${close}?`;
    throw new UsageError(`${place}: unknown key ${shown(name)}; ${hint}`);
  }
  return value as Mapping;
}

/** @throws UsageError */
export function number(value: unknown, place: string, from: number, to: number, whole = false): number {
  const fits = typeof value === "number" && value >= from && value <= to && (!whole || Number.isInteger(value));
  return fits ? value : refuse(place, value, `${whole ? "a whole number" : "a number"} from ${from} to ${to}`);
}

/** @throws UsageError */
export function oneOf<T extends string>(value: unknown, place: string, allowed: readonly T[]): T {
  return allowed.find((one) => one === value) ?? refuse(place, value, allowed.join(", "));
}
