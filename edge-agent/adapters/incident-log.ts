/** Finds incidents, and what they rest on, in the log's files. Needs no lock: the agent may go on writing. */
import type { Crypto } from "../../models/crypto.ts";
import { type Certificate, readCertificate } from "../../gossip/certificate.ts";
import { LEASE_EPOCHS } from "../../gossip/incidents.ts";
import { type ContentHash, rfc3339 } from "../../models/units.ts";
import { parseAlert } from "../alert-schema.ts";
import { certificateStory, proofStory } from "../certificate-story.ts";
import type { EvidenceFrame, EvidenceProof, IncidentStory, IncidentSummary } from "../explain-text.ts";
import { recordedCertificates } from "../record/certificate-entry.ts";
import { decodeEntry } from "../record/entry.ts";
import type { Entry } from "../record/entry.ts";
import { contentHash } from "../record/record.ts";
import { readLog } from "./ledger-read.ts";
import type { LogFound } from "./ledger-read.ts";
import { type Alert, threatOf } from "../../models/terms.ts";

/** The newest are kept: bounds the memory whatever the log holds. */
const MAX_INCIDENTS = 1_000;
/** The first and the newest are kept. */
const MAX_ALERTS = 200;

type Visit = (entry: Entry, leafHash: Uint8Array) => void;

function visitEntries(stateDir: string, crypto: Crypto, visit: Visit): LogFound {
  return readLog(stateDir, crypto, (stored) => {
    const decoded = decodeEntry(stored.entry);
    if (decoded.ok) visit(decoded.value, stored.leafHash);
  });
}

export interface Incidents {
  /** In the order of their newest alerts. */
  readonly incidents: readonly IncidentSummary[];
  readonly entries: number;
  readonly damage?: string;
}

/** The incidents whose ids begin with `prefix`. Throws the system's error when the log cannot be read. */
export function findIncidents(stateDir: string, crypto: Crypto, prefix: string): Incidents {
  const found = new Map<string, IncidentSummary>();
  const log = visitEntries(stateDir, crypto, (entry) => {
    const alert = entry.kind === "alert" ? parseAlert(entry.json) : undefined;
    if (alert === undefined || !alert.incidentId.startsWith(prefix)) return;
    const known = found.get(alert.incidentId);
    found.delete(alert.incidentId); // set again below: a Map keeps the order of insertion
    found.set(alert.incidentId, {
      incidentId: alert.incidentId, first: known?.first ?? alert, last: alert, alerts: (known?.alerts ?? 0) + 1,
    });
    if (found.size > MAX_INCIDENTS) found.delete(found.keys().next().value!);
  });
  return {
    incidents: [...found.values()], entries: log.frontier.size,
    ...(log.damage !== undefined && { damage: log.damage }),
  };
}

/**
 * Every frame of the log, oldest first; gives the station whose log it is by its newest alert, undefined where there is
 * none. Throws the system's error when the log cannot be read.
 */
export function readFrames(
  stateDir: string, crypto: Crypto, take: (frame: EvidenceFrame) => void,
): string | undefined {
  let station: string | undefined;
  visitEntries(stateDir, crypto, (entry, leafHash) => {
    if (entry.kind === "alert") station = parseAlert(entry.json)?.agent ?? station;
    if (entry.kind === "frame") take(frameOf(entry, contentHash(leafHash)));
  });
  return station;
}

function frameOf({ at, direction, text }: Extract<Entry, { kind: "frame" }>, hash: string): EvidenceFrame {
  return { hash, time: rfc3339(at), direction, text };
}

/** Everything that the log holds of one incident. */
export function readStory(stateDir: string, crypto: Crypto, summary: IncidentSummary): IncidentStory {
  const { incidentId, first, last } = summary;
  const alerts: Alert[] = [];
  const wanted = new Set<string>([...first.evidence, ...last.evidence]);
  const frames: EvidenceFrame[] = [];
  const proofs: EvidenceProof[] = [];
  const certified = new Certified(crypto);
  visitEntries(stateDir, crypto, (entry, leafHash) => {
    if (entry.kind === "alert") {
      const alert = parseAlert(entry.json);
      if (alert?.incidentId !== incidentId) return;
      if (alerts.length >= MAX_ALERTS) alerts.splice(1, 1);
      alerts.push(alert);
    }
    const hash = contentHash(leafHash);
    const isWanted = wanted.delete(hash);
    if (entry.kind === "certificate") certified.note(entry, isWanted ? hash : undefined);
    if (!isWanted) return;
    const proof = entry.kind === "proof" ? proofStory(entry.message, crypto) : undefined;
    if (proof !== undefined) proofs.push({ hash, ...proof });
    if (entry.kind === "frame") frames.push(frameOf(entry, hash));
  });
  return { incidentId, alerts, frames, missing: [...wanted], proofs, ...certified.told(alerts) };
}

/** The certificates that alerts name, and how often the first of them was renewed. */
class Certified {
  readonly #crypto: Crypto;
  /** Parts by the hash of the first entry, which an alert names. */
  readonly #parts = new Map<ContentHash, Entry[]>();
  /** The same, by the certificate's name. */
  readonly #byName = new Map<string, Entry[]>();
  #newest: Certificate | undefined;
  #renewals = 0;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** @param named the entry's hash where an alert names it; further parts of one that is too large come without */
  note(entry: Extract<Entry, { kind: "certificate" }>, named: ContentHash | undefined): void {
    const read = readCertificate(entry.message, this.#crypto);
    if (read === undefined) return;
    if (named !== undefined) {
      const parts: Entry[] = [];
      this.#parts.set(named, parts);
      this.#byName.set(read.name, parts);
      this.#newest ??= read;
    }
    this.#byName.get(read.name)?.push(entry);
    if (this.#newest === undefined || !renews(read, this.#newest)) return;
    this.#newest = read;
    this.#renewals += 1;
  }

  told(alerts: readonly Alert[]): Pick<IncidentStory, "certificates" | "renewals"> {
    const quorums = new Map(alerts.map(({ certificate }) => [certificate?.file, certificate?.quorum]));
    const certificates = [...this.#parts].flatMap(([hash, parts]) => {
      const quorum = quorums.get(hash);
      return [...recordedCertificates(parts, this.#crypto).values()].map((recorded) =>
        ({ hash, ...(quorum !== undefined && { quorum }), ...certificateStory(recorded, this.#crypto) }));
    });
    return { certificates, renewals: this.#renewals };
  }
}

function renews({ zone, key, epoch }: Certificate, before: Certificate): boolean {
  const isSame = zone === before.zone && threatOf(key) === threatOf(before.key);
  return isSame && epoch > before.epoch && epoch < before.epoch + LEASE_EPOCHS;
}
