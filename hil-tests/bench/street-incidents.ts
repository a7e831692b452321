/** What the agents of a street raised, incident by incident. Pure. */
import type { Alert } from "../../models/terms.ts";

export interface Incident {
  readonly id: string;
  readonly threat: Alert["threat"];
  readonly scope: Alert["scope"];
  readonly zone: string;
  /** When the first agent raised it, milliseconds since 1970. */
  readonly raisedMs: number;
  /** Of each agent that holds it, what it said last while the incident stood. */
  readonly by: ReadonlyMap<string, Alert>;
}

/** Every incident in what the agents said, those of `known` left out; the first raised stands first. */
export function incidentsOf(
  said: Iterable<readonly [agent: string, alerts: readonly Alert[]]>, known: ReadonlySet<string> = new Set(),
): Incident[] {
  const found = new Map<string, Incident & { raisedMs: number; readonly by: Map<string, Alert> }>();
  for (const [agent, alerts] of said) {
    for (const alert of alerts) {
      const { incidentId: id, threat, scope, zone, state, formerly } = alert;
      if (known.has(id) || state === "cleared") continue;
      const one = found.get(id) ?? { id, threat, scope, zone, raisedMs: Infinity, by: new Map<string, Alert>() };
      found.set(id, one);
      if (state === "raised" || formerly !== undefined) one.raisedMs = Math.min(one.raisedMs, Date.parse(alert.time));
      one.by.set(agent, alert);
    }
  }
  return [...found.values()].sort((a, b) => a.raisedMs - b.raisedMs);
}

/** How often agents raised an incident again that they had raised before. */
export function raisedTwice(said: Iterable<readonly [agent: string, alerts: readonly Alert[]]>): number {
  let twice = 0;
  for (const [, alerts] of said) {
    const ids = alerts.filter(({ state }) => state === "raised").map(({ incidentId }) => incidentId);
    twice += ids.length - new Set(ids).size;
  }
  return twice;
}

/** `authorization-abuse in south`, or `energy-theft at N-2`. */
export function placeOf({ threat, scope, zone, by }: Incident): string {
  const stations = [...by.values()].at(-1)?.stations ?? [];
  return scope === "zone" ? `${threat} in ${zone}` : `${threat} at ${stations.join(", ")}`;
}
