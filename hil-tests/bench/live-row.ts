/** One agent of the street as the live table shows it: what its status says, and no more. */
import type { Status, ZoneIncidentStatus } from "../../edge-agent/status.ts";
import type { EvidenceKey, Severity, Threat } from "../../models/terms.ts";

export interface Row {
  readonly station: string;
  readonly zone: string;
  /** False: it does not answer, and the rest is what it said last. */
  readonly answers: boolean;
  /** Of the charger that is connected through it. */
  readonly ocppVersion?: string;
  readonly charger: boolean;
  /** What its meters read, added; absent without a reading. */
  readonly powerW?: number;
  /** Since its own last statement; absent before the first, and for a lone agent. */
  readonly silentEpochs?: number;
  /** Strongest first; 1 is a verdict. */
  readonly opinions: readonly { readonly key: EvidenceKey; readonly opinion: number }[];
  /** Its own, of this station alone. */
  readonly incidents: readonly { readonly threat: Threat; readonly severity: Severity }[];
  /** The zone's, as this agent holds them. */
  readonly certified: readonly Pick<ZoneIncidentStatus,
    "key" | "threat" | "since" | "stations" | "certificateEpoch">[];
  readonly provisional: readonly { readonly key: EvidenceKey; readonly threat: Threat; readonly since: string }[];
  /** Members whom it has a proof against. */
  readonly guilty: readonly string[];
  readonly links: { readonly up: number; readonly all: number };
  readonly residentBytes: number;
}

/** The whole station's meter where there is one, or else those of its EVSEs together. */
function powerOf({ meters }: Status): number | undefined {
  const read = meters.filter(({ powerW }) => powerW !== undefined);
  const whole = read.find(({ evse }) => evse === 0);
  return whole?.powerW ?? (read.length === 0 ? undefined : read.reduce((sum, { powerW = 0 }) => sum + powerW, 0));
}

export function rowOf(status: Status): Row {
  const { agent, link, mesh } = status;
  const powerW = powerOf(status);
  const own = mesh?.members.find(({ station }) => station === agent.station);
  return {
    station: agent.station, zone: mesh?.zone ?? agent.zone, answers: true,
    charger: link.state === "connected",
    ...(link.ocppVersion !== undefined && { ocppVersion: link.ocppVersion }),
    ...(powerW !== undefined && { powerW }),
    ...(own?.lastEpoch !== undefined && { silentEpochs: own.silentEpochs }),
    opinions: status.beliefs.map(({ key, opinion }) => ({ key, opinion })).sort((a, b) => b.opinion - a.opinion),
    incidents: status.incidents, certified: mesh?.incidents ?? [], provisional: mesh?.provisional ?? [],
    guilty: mesh?.members.filter(({ guilty }) => guilty).map(({ station }) => station) ?? [],
    links: { up: mesh?.links.filter(({ up }) => up).length ?? 0, all: mesh?.links.length ?? 0 },
    residentBytes: agent.residentBytes,
  };
}

/** An agent that does not answer, with what it said last. */
export function awayRow(station: string, zone: string, last?: Row): Row {
  if (last !== undefined) return { ...last, answers: false };
  return {
    station, zone, answers: false, charger: false, opinions: [], incidents: [], certified: [], provisional: [],
    guilty: [], links: { up: 0, all: 0 }, residentBytes: 0,
  };
}
