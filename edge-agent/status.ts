/**
 * What the running agent sees and believes now: the answer to `GET /status`, on the agent's socket and on `http`.
 * Times are RFC 3339 in UTC. Fields are only ever added.
 */
import type { EvidenceKey, Oddity, OcppVersion, Severity, Threat } from "../models/terms.ts";

export interface Status {
  readonly schemaVersion: "1.0";
  readonly time: string;
  readonly agent: AgentStatus;
  readonly link: LinkStatus;
  readonly meters: readonly MeterStatus[];
  readonly clock: ClockStatus;
  readonly log: LogStatus;
  readonly learned: LearnedStatus;
  /** Open ones only. */
  readonly incidents: readonly IncidentStatus[];
  /** The strongest first, those above nothing at all. */
  readonly beliefs: readonly BeliefStatus[];
  readonly outlets: readonly OutletStatus[];
  /** What the operator of this machine should know, newest last. */
  readonly notices: readonly string[];
}

export interface AgentStatus {
  readonly version: string;
  readonly station: string;
  readonly region: string;
  readonly zone: string;
  readonly mode: "observe";
  readonly pid: number;
  readonly startedAt: string;
  readonly uptimeS: number;
  readonly residentBytes: number;
  /** As bound, so that a port of 0 in the configuration shows as the real one. */
  readonly listen: string;
  readonly http?: string;
}

export type OddityCounts = Readonly<Partial<Record<Oddity, number>>>;

export interface LinkStatus {
  /** `waiting`: no charger is connected. `relay-only`: frames pass and none is read (see notices). */
  readonly state: "connected" | "waiting" | "csms-away" | "relay-only";
  readonly csms: string;
  readonly since?: string;
  readonly ocppVersion?: OcppVersion;
  readonly connections: number;
  readonly refused: number;
  readonly framesFromStation: number;
  readonly framesFromCsms: number;
  /** Messages that passed unread, by why. */
  readonly unparsed: OddityCounts;
  /** Messages that were read and broke a rule, by which. */
  readonly oddities?: OddityCounts;
  /** What the agent adds to a frame's way, microseconds; absent before the first frame. */
  readonly delayUs?: { readonly p50: number; readonly p99: number };
  readonly lastError?: string;
}

export interface MeterStatus {
  readonly evse: number;
  readonly model: string;
  readonly address: string;
  readonly everyS: number;
  readonly state: "reading" | "lost" | "starting";
  readonly lastAt?: string;
  readonly powerW?: number;
  readonly energyImportWh?: number;
  readonly why?: string;
}

export interface ClockStatus {
  /** `unset`: before this release's day. `off`: apart from the CSMS's clock by more than one epoch. */
  readonly state: "good" | "unset" | "off" | "unchecked";
  /** This machine's clock less the CSMS's, as told in BootNotification and Heartbeat results. */
  readonly aheadOfCsmsMs?: number;
}

export interface LogStatus {
  readonly state: "good" | "read-only";
  readonly entries: number;
  readonly bytes?: number;
  /** Of the last checkpoint, base64; absent before the first. */
  readonly root?: string;
  readonly checkpointAt?: string;
  readonly why?: string;
}

export interface LearnedStatus {
  readonly days: number;
  /** Absent when the agent began with the shipped prior. */
  readonly since?: string;
}

export interface IncidentStatus {
  readonly incidentId: string;
  readonly threat: Threat;
  readonly severity: Severity;
  readonly confidence: number;
  readonly onset: string;
  readonly summary: string;
}

export interface BeliefStatus {
  readonly key: EvidenceKey;
  /** In [0, 1]; 1 is a verdict. */
  readonly opinion: number;
  readonly says: string;
}

export interface OutletStatus {
  readonly name: string;
  readonly sent: number;
  readonly dropped: number;
  readonly lastError?: string;
}
