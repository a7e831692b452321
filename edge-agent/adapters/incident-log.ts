/** Finds incidents, and what they rest on, in the log's files. Needs no lock: the agent may go on writing. */
import type { Crypto } from "../../models/crypto.ts";
import { rfc3339 } from "../../models/units.ts";
import { parseAlert } from "../alert-schema.ts";
import type { EvidenceFrame, IncidentStory, IncidentSummary } from "../explain-text.ts";
import { decodeEntry } from "../record/entry.ts";
import type { Entry } from "../record/entry.ts";
import { contentHash } from "../record/record.ts";
import { readLog } from "./ledger-read.ts";
import type { LogFound } from "./ledger-read.ts";
import type { Alert } from "../../models/terms.ts";

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

/** Everything that the log holds of one incident. */
export function readStory(stateDir: string, crypto: Crypto, summary: IncidentSummary): IncidentStory {
  const { incidentId, first, last } = summary;
  const alerts: Alert[] = [];
  const wanted = new Set<string>([...first.evidence, ...last.evidence]);
  const frames: EvidenceFrame[] = [];
  visitEntries(stateDir, crypto, (entry, leafHash) => {
    if (entry.kind === "alert") {
      const alert = parseAlert(entry.json);
      if (alert?.incidentId !== incidentId) return;
      if (alerts.length >= MAX_ALERTS) alerts.splice(1, 1);
      alerts.push(alert);
    }
    const hash = contentHash(leafHash);
    if (entry.kind !== "frame" || !wanted.delete(hash)) return;
    frames.push({ hash, time: rfc3339(entry.at), direction: entry.direction, text: entry.text });
  });
  return { incidentId, alerts, frames, missing: [...wanted] };
}
