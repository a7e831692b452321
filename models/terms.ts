/**
 * The pipeline's words: observation, finding, opinion, verdict. Everything that flows from one step of the
 * sentence *observe, detect, opine, gossip, agree, record, alert* to the next is a type in this file.
 */
import type { ContentHash, Epoch, StationId, TokenPseudonym, WallMs, ZoneId } from "./units.ts";

/** The closed list of threat classes, in the fixed order that statements use. Only ever appended to. */
export const THREATS = [
  "authorization-abuse",
  "credential-cloning",
  "session-spoofing",
  "energy-theft",
  "billing-inflation",
  "load-manipulation",
  "profile-tampering",
  "configuration-tampering",
  "firmware-tampering",
  "remote-command-abuse",
  "denial-of-service",
  "channel-tampering",
  "data-exfiltration",
  "reverse-power",
  "reconnaissance",
  "physical-tampering",
  "agent-misbehaviour",
] as const;
export type Threat = (typeof THREATS)[number];

/**
 * Joint features: normal at each station, abnormal together. Each carries its own cumulative evidence in a statement,
 * tuned to a shift too small to alarm on at one station. Fixed order, only ever appended to.
 */
export const FEATURES = [
  "starts", "stops", "refusals", "power-step", "setpoint-step", "delivered-less-billed",
  "billed-less-delivered", "settings", "firmware-orders", "commands", "link-losses", "uploads", "probes", "export",
  "clones",
] as const;
export type Feature = (typeof FEATURES)[number];

export type EvidenceKey = Threat | Feature;
/** The order of `evidence[]` in a statement. */
export const EVIDENCE_KEYS: readonly EvidenceKey[] = [...THREATS, ...FEATURES];

const RAISED_BY_FEATURE: Readonly<Record<Feature, Threat>> = {
  "starts": "load-manipulation",
  "stops": "load-manipulation",
  "refusals": "authorization-abuse",
  "power-step": "load-manipulation",
  "setpoint-step": "load-manipulation",
  "delivered-less-billed": "energy-theft",
  "billed-less-delivered": "billing-inflation",
  "settings": "configuration-tampering",
  "firmware-orders": "firmware-tampering",
  "commands": "remote-command-abuse",
  "link-losses": "denial-of-service",
  "uploads": "data-exfiltration",
  "probes": "reconnaissance",
  "export": "reverse-power",
  "clones": "credential-cloning",
};

/** The threat that a key raises: its own, or the one that a joint feature speaks for. */
export function threatOf(key: EvidenceKey): Threat {
  return RAISED_BY_FEATURE[key as Feature] ?? (key as Threat);
}

const THREAT_INDEXES: readonly number[] = EVIDENCE_KEYS.map((key) => EVIDENCE_KEYS.indexOf(threatOf(key)));

/**
 * The number, as an evidence key, of the threat that the key of a number raises. Incidents, votes and turns are of a
 * threat, whichever of its keys raised. Numbers that are no key are their own.
 */
export function threatIndexOf(keyIndex: number): number {
  return THREAT_INDEXES[keyIndex] ?? keyIndex;
}

export const SEVERITIES = ["info", "low", "medium", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

export type OcppVersion = "1.6" | "2.0.1" | "2.1";
export type Direction = "cp-to-csms" | "csms-to-cp";

/** What a meter or a MeterValues message says of one EVSE (0: the whole station). Registers are cumulative. */
export interface Reading {
  readonly evseId: number;
  readonly powerW?: number;
  readonly energyImportWh?: number;
  readonly energyExportWh?: number;
  readonly currentA?: number;
  readonly voltageV?: number;
}

/** Where a DC charger is metered: 4 to 10 % lies between the two. */
export type MeterSide = "ac-input" | "evse-output";

/** A host that the CSMS told the station to fetch from or to send to. Credentials in the URL are never kept. */
export interface RemoteHost {
  /** Lower case, without the colon: `https`, `ftp`; empty when the text is no URL. */
  readonly scheme: string;
  readonly host: string;
}

interface Seen {
  /** When the agent saw it. */
  readonly at: WallMs;
  /** The station's or the CSMS's own time stamp, where the message carries a plausible one. */
  readonly saidAt?: WallMs;
  /** The frame that it came from: a key into the agent's ring of recent frames. */
  readonly frameNo?: number;
}

/** How a CALL ended: `none` while no result has come, or when the result carries no status. */
export type Outcome = "accepted" | "refused" | "error" | "none";

/** A normalised frame, meter sample or passing of time; OCPP 1.6, 2.0.1 and 2.1 map to this one vocabulary. */
export type Observation = Seen &
  (
    | { readonly kind: "link"; readonly state: "connect" | "disconnect"; readonly remoteAddress?: string;
        readonly tlsPeerSha256?: string; readonly closeCode?: number }
    /** The CSMS showed a certificate that it had not shown lately: SHA-256 of both, hex. */
    | { readonly kind: "csms-certificate"; readonly before: string; readonly now: string }
    | { readonly kind: "boot"; readonly vendor: string; readonly model: string; readonly firmwareVersion?: string;
        readonly reason?: string; readonly outcome: Outcome;
        /** How often the CSMS wants to hear of the station. */
        readonly heartbeatS?: number }
    /** The CSMS's clock, from BootNotification and Heartbeat results: a second opinion on the agent's own. */
    | { readonly kind: "csms-time"; readonly csmsTime: WallMs }
    | { readonly kind: "heartbeat" }
    | { readonly kind: "status"; readonly evseId: number; readonly status: string; readonly errorCode?: string;
        readonly vendorErrorCode?: string }
    /** One idToken presented, and what the CSMS said of it. `outcome` `none`: a status that is neither. */
    | { readonly kind: "authorization"; readonly source: "Authorize" | "StartTransaction" | "TransactionEvent";
        readonly token: TokenPseudonym; readonly outcome: Outcome; readonly status: string; readonly evseId?: number }
    | { readonly kind: "transaction-started"; readonly transactionId: string; readonly evseId: number;
        readonly token?: TokenPseudonym; readonly registerWh?: number; readonly offline: boolean }
    /** The idToken of a transaction that began without one. */
    | { readonly kind: "transaction-token"; readonly transactionId: string; readonly evseId: number;
        readonly token: TokenPseudonym; readonly offline: boolean }
    | { readonly kind: "transaction-ended"; readonly transactionId: string; readonly evseId: number;
        readonly token?: TokenPseudonym; readonly registerWh?: number; readonly reason?: string;
        readonly offline: boolean }
    /** MeterValues and their like: testimony. */
    | { readonly kind: "reported-reading"; readonly reading: Reading; readonly transactionId?: string;
        readonly offline: boolean }
    /** The agent's own meter: evidence. */
    | { readonly kind: "meter-reading"; readonly reading: Reading; readonly side: MeterSide }
    | { readonly kind: "meter-lost"; readonly evseId: number; readonly why: string }
    | { readonly kind: "firmware-order"; readonly from: RemoteHost; readonly signed: boolean;
        readonly outcome: Outcome; readonly status?: string }
    | { readonly kind: "firmware-status"; readonly status: string }
    /** `variable` is the 1.6 key, or `Component.Variable`; the value of a secret one is never carried. */
    | { readonly kind: "configuration-change"; readonly variable: string; readonly value?: string;
        readonly secret: boolean; readonly outcome: Outcome }
    | { readonly kind: "network-profile"; readonly csms: RemoteHost; readonly securityProfile?: number;
        readonly outcome: Outcome }
    /** `names`: the first 64 of those that were asked for by name; `unknown`: how many of all the station lacks. */
    | { readonly kind: "configuration-read"; readonly variables: number; readonly everything: boolean;
        readonly names?: readonly string[]; readonly unknown?: number }
    /** A DataTransfer of the CSMS, and whether the station knew what it was about. */
    | { readonly kind: "data-transfer"; readonly vendor: string; readonly outcome: Outcome }
    | { readonly kind: "upload-order"; readonly to: RemoteHost; readonly what: string; readonly outcome: Outcome }
    /** How an upload of logs or diagnostics goes on, in the station's words. */
    | { readonly kind: "upload-status"; readonly status: string }
    /** A call of the station that the CSMS answered late, or not in time (`waitedMs` absent). */
    | { readonly kind: "slow-answer"; readonly action: string; readonly waitedMs?: number }
    /** `token`: whom a remote start is for. */
    | { readonly kind: "command"; readonly command: string; readonly evseId?: number; readonly transactionId?: string;
        readonly token?: TokenPseudonym; readonly outcome: Outcome }
    | { readonly kind: "charging-limit"; readonly evseId: number; readonly limit: number; readonly unit: "W" | "A";
        readonly purpose: string; readonly outcome: Outcome;
        /** Its `stackLevel`, above 0: of one purpose the highest counts. */
        readonly level?: number;
        /** When it counts, where it says so. */
        readonly from?: WallMs; readonly to?: WallMs }
    /** A limit from outside the CSMS is over: its own energy management's, of an EVSE (0: all). */
    | { readonly kind: "limit-released"; readonly evseId: number }
    | { readonly kind: "certificate-order"; readonly what: string; readonly outcome: Outcome }
    | { readonly kind: "security-event"; readonly type: string }
    /** Discharge was agreed for an EVSE (0: all): `energy-transfer`, `operation-mode`, or a profile's purpose. */
    | { readonly kind: "discharge-agreed"; readonly evseId: number; readonly by: string; readonly outcome: Outcome }
    /** A harmless breach of the rules, or something unknown: a signal at most, never an alarm alone. */
    | { readonly kind: "oddity"; readonly oddity: Oddity; readonly detail: string }
    /**
     * A use of an idToken at another station of the zone, as its agent tells it: from, and to once it is over. `km`: as
     * the crow flies, where both places are known; `liars`: f of the zone.
     */
    | { readonly kind: "neighbours-use"; readonly token: TokenPseudonym; readonly station: string;
        readonly from: WallMs; readonly to?: WallMs; readonly km?: number; readonly liars: number }
    /** The passing of one epoch, and what passed on the wire in it, if anything did. */
    | { readonly kind: "tick"; readonly traffic?: Traffic }
  );

/** What breaks without anybody's ill will. Told to whoever mends it, and never a threat. Only ever appended to. */
export const FAULTS = [
  "connector-fault", "stopped-by-fault", "register-stepped-back", "no-meter-values", "meter-lost", "upload-failed",
  "csms-slow", "heartbeat-late",
  "register-stuck", "restarts", "link-unsteady", "link-down",
] as const;
export type Fault = (typeof FAULTS)[number];

/** Frames since the last tick. */
export interface Traffic {
  /** All that answers no call: calls of both sides, results that nobody waits for, what is no message. */
  readonly asked: number;
  /** Those of them that tell of a time before: a backlog that is flushed. */
  readonly late: number;
  /** Frames of the station. */
  readonly heard: number;
  readonly answered: number;
  /** Calls that were given up. */
  readonly unanswered: number;
}

export const ODDITIES = [
  "not-json", "not-a-frame", "unknown-message-type", "unknown-action", "wrong-direction", "unmatched-result",
  "repeated-id", "bad-payload", "bad-utf8", "binary", "too-large", "bad-deflate", "over-budget", "call-error",
  "sequence-gap", "replayed-call", "schema-error", "late-copy", "contradicting-result",
] as const;
export type Oddity = (typeof ODDITIES)[number];

/** One summand of a decision, in nats, named in plain words. */
export interface Term {
  readonly term: string;
  readonly nats: number;
}

/**
 * A detector's claim: evidence for one threat or joint feature. `nats` is the logarithm of an e-value (its expectation
 * under honest behaviour is at most 1), equals the sum of its terms, and is negative when honesty is the better story.
 */
export interface Finding {
  readonly key: EvidenceKey;
  readonly at: WallMs;
  readonly nats: number;
  /** What speaks for it may have begun so high that the evidence stands at no less with it, nats (head-start.ts). */
  readonly standsNats?: number;
  readonly terms: readonly Term[];
  /** Keys into the ring of recent frames; empty when only the meter speaks. */
  readonly frames: readonly number[];
  /** One clause in plain words, for the alert: what was seen and what would be usual. */
  readonly says: string;
}

/** What an agent believes of one threat or feature at its own station. */
export interface Belief {
  readonly key: EvidenceKey;
  /** Cumulative log-likelihood ratio since the agent began, millinats: what a statement carries. */
  readonly cumulativeMillinats: number;
  /** CUSUM of the same evidence, nats: growth since its onset. */
  readonly sinceOnsetNats: number;
  readonly onset: WallMs;
  /** The height at which `sinceOnsetNats` becomes a verdict, nats. */
  readonly thresholdNats: number;
  /** Whether evidence for it was added just now, also where the sum is capped. */
  readonly rose?: boolean;
  /** Opinion in [0, 1]: sinceOnsetNats over thresholdNats. */
  readonly opinion: number;
  /** Terms since the onset, adding up to sinceOnsetNats. */
  readonly terms: readonly Term[];
  readonly frames: readonly number[];
  readonly says: string;
}

/** Outcome of agreement at an agent, for one threat at one scope. Only a raise is ever certified, never quiet. */
export interface Verdict {
  readonly threat: Threat;
  readonly scope: "station" | "zone" | "region";
  readonly zone: ZoneId;
  readonly stations: readonly StationId[];
  readonly epoch: Epoch;
  readonly onset: WallMs;
  /** Probability in [0, 1] that this is not a false alarm. */
  readonly confidence: number;
  readonly belief: Belief;
}

/** One summand of an alert's explanation; shares add to 1. */
export interface ExplanationTerm {
  readonly term: string;
  readonly value: number;
  readonly share: number;
}

/** One state change of an incident: contracts, section 4. The same object goes to every outlet. */
export interface Alert {
  readonly schemaVersion: "1.0";
  readonly time: string;
  readonly incidentId: string;
  readonly state: "raised" | "updated" | "cleared";
  readonly scope: "station" | "zone" | "region";
  readonly threat: Threat;
  readonly region: string;
  readonly zone: string;
  readonly stations: readonly string[];
  readonly onset: string;
  readonly severity: Severity;
  readonly confidence: number;
  readonly summary: string;
  readonly explanation: readonly ExplanationTerm[];
  readonly evidence: readonly ContentHash[];
  readonly nextStep: string;
  readonly agent: string;
  /** At zone scope: what the zone agreed on, and the entry of this agent's log that holds it. */
  readonly certificate?: AlertCertificate;
  /** At zone scope: how far it reaches, which its severity counts. */
  readonly reach?: AlertReach;
  /** There while a declared change explains it: it is in the log and the digest, and was not told by itself. */
  readonly declared?: AlertDeclared;
  /** The id under which this agent told the incident until an earlier certificate of it came, or until it came back. */
  readonly formerly?: string;
}

export interface AlertReach {
  /** Stations that it affects, of so many in the zone. */
  readonly stations: number;
  readonly of: number;
  /** What those stations may draw together, W, and what the zone's equipment carries. */
  readonly ratedW?: number;
  readonly ratingW?: number;
}

export interface AlertDeclared {
  /** SHA-256 of the signed bytes of the word that declared it, hexadecimal. */
  readonly word: string;
  readonly by: string;
  readonly reason: string;
  readonly until: string;
  /** What it would have had; that of the alert is `info`. */
  readonly severity: Severity;
}

export interface AlertCertificate {
  readonly epoch: number;
  readonly rosterVersion: number;
  readonly quorum: number;
  /** Leaf hash of the log entry with the certificate and the statements that it lists. */
  readonly file: ContentHash;
  /** What was summed up: several keys can speak of one threat. Absent in alerts of earlier versions. */
  readonly key?: EvidenceKey;
}
