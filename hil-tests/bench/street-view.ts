/** What the page of a street shows: its chargers, its incidents, its acts. Plain JSON. */
import type { Alert } from "../../models/terms.ts";
import { awayRow, type Row, rowOf } from "./live-row.ts";
import type { House } from "./street-house.ts";
import type { Street } from "./street.ts";
import { ZONES } from "./street-plan.ts";
import type { Stage } from "./street-stage.ts";

/** The newest; a street that is attacked all day must not make its page slow. */
const MOST_INCIDENTS = 50;
const MICRO = 1e6;

export interface IncidentView extends Omit<Alert, "evidence" | "explanation"> {
  /** Some agent that told it has not said that it is over. */
  readonly open: boolean;
  readonly agents: readonly string[];
}

/** Incidents in what the agents said, the newest first, each with the last word of the agent that spoke last. */
export function incidentViews(said: Iterable<readonly [agent: string, alerts: readonly Alert[]]>): IncidentView[] {
  const found = new Map<string, { last: Alert; readonly standing: Map<string, boolean> }>();
  for (const [agent, alerts] of said) {
    for (const alert of alerts) {
      const one = found.get(alert.incidentId) ?? { last: alert, standing: new Map<string, boolean>() };
      found.set(alert.incidentId, one);
      if (alert.time >= one.last.time) one.last = alert;
      one.standing.set(agent, alert.state !== "cleared");
    }
  }
  return [...found.values()].sort((a, b) => (a.last.onset < b.last.onset ? 1 : -1)).slice(0, MOST_INCIDENTS)
    .map(({ last: { evidence: _, explanation: __, ...rest }, standing }) =>
      ({ ...rest, open: [...standing.values()].some(Boolean), agents: [...standing.keys()] }));
}

/** One charger, as the map and the table have it. */
export function stationView(
  { id: station, plot: { lat, lon } }: Pick<House, "id" | "plot">, row: Row, isLiar: boolean,
  affected: ReadonlySet<string>,
) {
  const [leans] = row.opinions;
  return {
    station, latE6: Math.round(lat * MICRO), lonE6: Math.round(lon * MICRO), answers: row.answers,
    charger: row.charger, liar: isLiar, affected: affected.has(station), opinion: leans?.opinion ?? 0,
    ...(leans !== undefined && { leansTo: leans.key }), ...(row.powerW !== undefined && { powerW: row.powerW }),
    residentBytes: row.residentBytes,
  };
}

export async function streetView(street: Street, stage: Stage) {
  const incidents = incidentViews(street.said());
  const affected = new Set(incidents.filter(({ open }) => open).flatMap(({ stations }) => stations));
  const statuses = await street.statuses();
  const stations = street.houses.map((house) => {
    const status = statuses.get(house);
    const row = status === undefined ? awayRow(house.id, house.zone) : rowOf(status);
    return { zone: house.zone, view: stationView(house, row, street.liars.has(house), affected) };
  });
  return {
    title: "one street, two zones, twelve agents",
    zones: ZONES.map((id) => ({ id, stations: stations.filter(({ zone }) => zone === id).map(({ view }) => view) })),
    incidents, acts: stage.views(),
  };
}
