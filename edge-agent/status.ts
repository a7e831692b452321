/**
 * What the running agent sees and believes now: the answer to `GET /status`, on the agent's socket and on `http`.
 * Times are RFC 3339 in UTC. Fields are only ever added.
 */
import type { EvidenceKey, Fault, Oddity, OcppVersion, Severity, Threat } from "../models/terms.ts";

export interface Status {
  readonly schemaVersion: "1.0";
  readonly time: string;
  readonly agent: AgentStatus;
  readonly link: LinkStatus;
  /** The agent's own; absent where it has none. */
  readonly certificates?: readonly CertificateStatus[];
  /** Frames from beside the line; absent where none are configured. */
  readonly frames?: FramesStatus;
  readonly meters: readonly MeterStatus[];
  readonly clock: ClockStatus;
  readonly log: LogStatus;
  readonly learned: LearnedStatus;
  /** Open ones only. */
  readonly faults?: readonly FaultStatus[];
  readonly incidents: readonly IncidentStatus[];
  /** Declared changes, open or to come, the next first; absent: none. */
  readonly declared?: readonly DeclaredStatus[];
  /** The strongest first, those above nothing at all. */
  readonly beliefs: readonly BeliefStatus[];
  readonly outlets: readonly OutletStatus[];
  /** The street as this agent sees it; absent for a lone agent. */
  readonly mesh?: MeshStatus;
  /** What the operator of this machine should know, newest last. */
  readonly notices: readonly string[];
}

export interface AgentStatus {
  readonly version: string;
  readonly station: string;
  readonly region: string;
  readonly zone: string;
  /** `relay`: frames pass and nothing else is done (see `relay`); what is not of the link is then empty. */
  readonly mode: "observe" | "guard" | "relay";
  readonly pid: number;
  readonly startedAt: string;
  readonly uptimeS: number;
  readonly residentBytes: number;
  /** Processor time of the agent since its start; absent in mode `relay`. */
  readonly cpuS?: number;
  /** As bound, so that a port of 0 in the configuration shows as the real one. */
  readonly listen: string;
  readonly http?: string;
  /** There in mode `relay`. */
  readonly relay?: RelayStatus;
}

export interface RelayStatus {
  readonly why: string;
  readonly since: string;
  /** When the agent is tried again; absent when that waits for a configuration that can be used. */
  readonly tryAt?: string;
  /** Passed in connections of this relay. */
  readonly bytesFromStation: number;
  readonly bytesFromCsms: number;
}

export type OddityCounts = Readonly<Partial<Record<Oddity, number>>>;

export interface LinkStatus {
  /** `waiting`: no charger is connected. `relay-only`: frames pass and none is read (see notices). */
  readonly state: "connected" | "waiting" | "csms-away" | "relay-only";
  readonly csms: string;
  readonly since?: string;
  /** The charger took an order that leads it to another CSMS, left, and was not heard since; no state of its own. */
  readonly bypassed?: BypassStatus;
  readonly ocppVersion?: OcppVersion;
  readonly connections: number;
  readonly refused: number;
  readonly framesFromStation: number;
  readonly framesFromCsms: number;
  /** Transactions that have begun and whose end was not seen; absent in a relay, which reads nothing. */
  readonly openTransactions?: number;
  /** Messages that passed unread, by why. */
  readonly unparsed: OddityCounts;
  /** Messages that were read and broke a rule, by which. */
  readonly oddities?: OddityCounts;
  /** There where this program came without OCPP's schemas: no message is compared with them. */
  readonly schemas?: "absent";
  /** What the agent adds to a frame's way, microseconds; absent before the first frame. */
  readonly delayUs?: { readonly p50: number; readonly p99: number };
  readonly lastError?: string;
}

export interface BypassStatus {
  readonly since: string;
  /** The action, or the setting that was changed, and when. */
  readonly order: string;
  readonly orderAt: string;
  /** Where it leads; empty where the order names no host. */
  readonly host: string;
}

export interface CertificateStatus {
  /** The group of the configuration: `tls` is shown to the charger, `csmsTls` to the CSMS. */
  readonly use: "tls" | "csmsTls";
  readonly ends: string;
}

export interface FramesStatus {
  readonly from: string;
  readonly state: "listening" | "away";
  readonly framesFromStation: number;
  readonly framesFromCsms: number;
  readonly unparsed: OddityCounts;
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

/** Something broken that lasts: no threat. */
export interface FaultStatus {
  readonly fault: Fault;
  /** 0: the whole station. */
  readonly evse: number;
  readonly since: string;
  readonly says: string;
}

export interface ClockStatus {
  /** `unset`: before this release's day. `off`: apart from the CSMS's clock by more than one epoch. */
  readonly state: "good" | "unset" | "off" | "unchecked";
  /** This machine's clock less the CSMS's, as told in BootNotification and Heartbeat results. */
  readonly aheadOfCsmsMs?: number;
  /** What the zone's other members say of it; absent for a lone agent. `off`: nothing is published until it is set. */
  readonly zone?: ZoneClockStatus;
}

export interface ZoneClockStatus {
  readonly state: "listens" | "good" | "off";
  /** Members whose clocks are known. */
  readonly heard: number;
  /** This machine's clock less the median of theirs, in whole epochs; absent while too few are heard. */
  readonly aheadMs?: number;
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
  /** Until when a declared change holds it: it was not told. */
  readonly heldUntil?: string;
}

export interface DeclaredStatus {
  /** SHA-256 of the signed bytes of the word that declared it, hexadecimal. */
  readonly word: string;
  readonly by: string;
  readonly changes: readonly string[];
  /** None: all. */
  readonly stations: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  /** Incidents that it holds now. */
  readonly holds: number;
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
  /** Alerts that are still to be brought; absent where there are none. */
  readonly waiting?: number;
  readonly lastError?: string;
}

export interface MeshStatus {
  readonly network: string;
  readonly zone: string;
  readonly rosterVersion: number;
  readonly epochS: number;
  /** The epoch of `time`. */
  readonly epoch: number;
  /** Members of the zone, how many of them may lie or be broken, and the signatures that a certificate needs. */
  readonly n: number;
  readonly f: number;
  readonly quorum: number;
  /** Who does not vote, being on a metered link, as far as is known; this agent itself? And how many the zone bears. */
  readonly metered?: { readonly members: readonly string[]; readonly borne: number; readonly self: boolean };
  /** The embedded broker; absent where the configuration has none. */
  readonly broker?: MeshBrokerStatus;
  /** Connections that this agent dials: neighbours' brokers and the site's. */
  readonly links: readonly MeshLinkStatus[];
  /** The zone's, in the roster's order, this agent among them. */
  readonly members: readonly MeshMemberStatus[];
  /** Certified and still standing. */
  readonly incidents: readonly ZoneIncidentStatus[];
  /** Raised by what this agent holds, and certified by no quorum (yet). */
  readonly provisional: readonly ProvisionalStatus[];
  readonly traffic: MeshTrafficStatus;
}

export interface MeshBrokerStatus {
  /** `host:port` as bound; absent while it does not listen. */
  readonly listen?: string;
  /** Stations that are connected to it. */
  readonly connected: readonly string[];
  /** Connections and packets, by why. */
  readonly refused: Readonly<Record<string, number>>;
}

export interface MeshLinkStatus {
  /** A station, or the URL of a site's broker. */
  readonly to: string;
  /** `host:port` that is dialled. */
  readonly address: string;
  readonly up: boolean;
  /** Since when it has been up, or down. */
  readonly since: string;
  /** Messages that were dropped unsent. */
  readonly dropped: number;
  readonly refused: Readonly<Record<string, number>>;
}

export interface MeshMemberStatus {
  readonly station: string;
  /** Of its newest statement; absent when none came since this agent started. */
  readonly lastEpoch?: number;
  /** Epochs since that statement, or since this agent began to listen; 0: it stated this epoch. */
  readonly silentEpochs: number;
  /** Not heard for more than six epochs: information, never an accusation. */
  readonly suspected: boolean;
  /** There is a proof that it contradicted itself. */
  readonly guilty: boolean;
  /** How much its word weighs in maps of who is affected: 1,000 unless it contradicted itself; it recovers in a day. */
  readonly trust: number;
}

export interface ZoneIncidentStatus {
  readonly key: EvidenceKey;
  readonly threat: Threat;
  /** Absent, like `summary`, while statements that the certificate rests on are still being fetched. */
  readonly incidentId?: string;
  readonly summary?: string;
  /** When it began, as the evidence tells. */
  readonly onset: string;
  /** When the zone certified it first. */
  readonly since: string;
  /** Those that it affects. */
  readonly stations: readonly string[];
  /** Of the newest certificate. */
  readonly certificateEpoch: number;
  readonly leaseEnds: string;
}

export interface ProvisionalStatus {
  readonly key: EvidenceKey;
  readonly threat: Threat;
  readonly onset: string;
  readonly since: string;
}

/** Messages, and bytes of their topics and payloads, without what MQTT and TLS add. */
export interface FlowStatus {
  /** Since the start. A message that goes to three neighbours counts three times. */
  readonly messages: number;
  readonly bytes: number;
  /** Over the last minute or two. */
  readonly messagesPerEpoch: number;
  readonly bytesPerEpoch: number;
}

export interface MeshTrafficStatus {
  readonly sent: FlowStatus;
  readonly received: FlowStatus;
  /** Exact copies from one sender within a second, left out unread: two links to one neighbour bring them every day. */
  readonly repeats: number;
  /** Messages that changed nothing, by why. Copies that neighbours relay are duplicates, and of every day. */
  readonly refused: Readonly<Record<string, number>>;
  /** Whose messages were refused most, copies not counted; the most first. */
  readonly refusedFrom: readonly { readonly from: string; readonly messages: number }[];
}
