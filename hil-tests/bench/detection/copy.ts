/**
 * A deep copy of an agent's state: plain objects, lists, maps, sets and bytes. Functions (the Crypto port's) are
 * shared, which is why structuredClone will not do.
 */
export function copyOf<T>(value: T): T {
  return copied(value) as T;
}

function copied(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copied);
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [copied(key), copied(one)]));
  if (value instanceof Set) return new Set([...value].map(copied));
  if (value instanceof Uint8Array) return value.slice();
  const made: Record<string, unknown> = Object.create(Object.getPrototypeOf(value) as object | null);
  for (const [key, one] of Object.entries(value)) made[key] = copied(one);
  return made;
}
