/** What acts look for in what the agents raised. Pure. */
import type { Threat } from "../../../models/terms.ts";
import { type Incident, placeOf } from "../street-incidents.ts";
import type { Check } from "./act.ts";

/** Nothing was raised, or nothing but what is expected. */
export function nothingElse(incidents: readonly Incident[], expected: (incident: Incident) => boolean): Check {
  const others = incidents.filter((one) => !expected(one));
  return { saw: others.length === 0 ? "nothing else raised" : `raised: ${others.map(placeOf).join(", ")}`,
    ok: others.length === 0 };
}

export function nothing(incidents: readonly Incident[]): Check {
  return { saw: incidents.length === 0 ? "nothing raised" : `raised: ${incidents.map(placeOf).join(", ")}`,
    ok: incidents.length === 0 };
}

/** A verdict of one zone on one threat. */
export function isZones(incident: Incident, zone: string, threat: Threat): boolean {
  return incident.scope === "zone" && incident.zone === zone && incident.threat === threat;
}

/** The agents that hold a certificate of an incident. */
export function holdersOf({ by }: Incident): string[] {
  return [...by].filter(([, { certificate }]) => certificate !== undefined).map(([agent]) => agent);
}

/** Every one of `agents` holds the incident, certified. */
export function certifiedBy(incident: Incident | undefined, agents: readonly string[]): Check {
  if (incident === undefined) return { saw: "no certificate", ok: false };
  const holders = new Set(holdersOf(incident));
  const lacking = agents.filter((agent) => !holders.has(agent));
  const saw = `certified at ${agents.length - lacking.length} of ${agents.length} agents`;
  return { saw: lacking.length === 0 ? saw : `${saw}, not at ${lacking.join(", ")}`, ok: lacking.length === 0 };
}

/** The map that the agents draw: the same everywhere, and exactly these stations. */
export function mapIs(incident: Incident | undefined, stations: readonly string[]): Check {
  const text = (list: readonly string[]): string => [...list].sort().join(" ");
  const drawn = new Set([...incident?.by.values() ?? []].map((alert) => text(alert.stations)));
  const [one = "no map"] = drawn;
  return { saw: drawn.size > 1 ? `${drawn.size} different maps` : `map: ${one}`,
    ok: drawn.size === 1 && one === text(stations) };
}
