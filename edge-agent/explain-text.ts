/** An incident told from the log: what was said of it when, why, on which frames, and what to do. Pure. */
import type { Alert, ExplanationTerm } from "../models/terms.ts";
import { certainty, percent } from "./alert-text.ts";
import type { CertificateStory, ProofStory } from "./certificate-story.ts";
import { plainText } from "./plain-text.ts";

/** One state of an incident in the list: its newest alert, and how many there were. */
export interface IncidentSummary {
  readonly incidentId: string;
  readonly first: Alert;
  readonly last: Alert;
  readonly alerts: number;
}

/** A frame that an alert rests on, as the log holds it: redacted. */
export interface EvidenceFrame {
  readonly hash: string;
  readonly time: string;
  readonly direction: string;
  readonly text: string;
}

/** A certificate that an alert rests on; `hash` is its entry's. */
export interface EvidenceCertificate extends CertificateStory {
  readonly hash: string;
  /** Votes that the zone needed. */
  readonly quorum?: number;
}

export interface EvidenceProof extends ProofStory {
  readonly hash: string;
}

export interface IncidentStory {
  readonly incidentId: string;
  readonly alerts: readonly Alert[];
  readonly frames: readonly EvidenceFrame[];
  /** Of a zone's incident: those that alerts name. */
  readonly certificates: readonly EvidenceCertificate[];
  /** Certificates that followed the first without a gap. */
  readonly renewals: number;
  readonly proofs: readonly EvidenceProof[];
  /** Named by an alert and not in the log. */
  readonly missing: readonly string[];
}

const BAR_CHARS = 20;
const FRAME_CHARS = 600;
const SHORT_HASH_CHARS = "sha256:".length + 16;
/** What `status` and alerts print of an id: enough to be the only one that begins so. */
export const SHORT_ID_CHARS = 12;

const DIRECTIONS: Readonly<Record<string, string>> =
  { "cp-to-csms": "charger -> CSMS", "csms-to-cp": "CSMS -> charger" };

/** A share as a bar; what speaks against has none. */
export function bar(share: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_CHARS);
  return "█".repeat(filled) + "·".repeat(BAR_CHARS - filled);
}

function reasonLines(terms: readonly ExplanationTerm[]): string[] {
  if (terms.length === 0) return ["  no terms were recorded"];
  const names = terms.map(({ term }) => plainText(term, 60));
  const width = Math.max(...names.map((name) => name.length));
  return terms.map(({ share, value }, index) => {
    const weight = `${percent(share).padStart(6)}  ${value.toFixed(1)} nats${share < 0 ? "  (speaks against)" : ""}`;
    return `  ${names[index]!.padEnd(width)}  ${bar(share)} ${weight}`;
  });
}

const alertLine = ({ time, state, confidence, summary }: Alert): string =>
  `  ${plainText(time, 30)}  ${state.padEnd(7)}  ${certainty(confidence)}  ${plainText(summary)}`;

function frameLines({ frames, missing }: IncidentStory): string[] {
  const shown = frames.flatMap(({ time, direction, text }) =>
    [`  ${time}  ${DIRECTIONS[direction] ?? plainText(direction, 20)}`, `    ${plainText(text, FRAME_CHARS)}`]);
  return shown.length + missing.length > 0 ? shown : ["  none: the meter alone, or what was missing, spoke"];
}

function certificateLines(one: EvidenceCertificate): string[] {
  const { key, epoch, onsetEpoch, rosterVersion, quorum, signers, name, hash, statements } = one;
  const width = Math.max(0, ...statements.map(({ station }) => station.length));
  const needed = quorum === undefined ? "" : `, a quorum being ${quorum}`;
  return [
    `  ${key} since epoch ${onsetEpoch}, certified for epoch ${epoch} under roster ${rosterVersion}`,
    `  by ${signers.length} votes${needed}: ${signers.join(", ")}`,
    `  certificate ${name}`, `  entry       ${hash}`,
    ...statements.map(({ station, nats, newer, older }) => `    ${station.padEnd(width)}  ` +
      `${(nats === undefined ? "?" : nats.toFixed(1)).padStart(6)} nats  from ${short(older)} to ${short(newer)}`),
  ];
}

const short = (hash: string): string => hash.slice(0, SHORT_HASH_CHARS);

function proofLines({ station, reportedBy, statements, hash }: EvidenceProof): string[] {
  return [
    `  ${station} signed both of these, as ${reportedBy} found:`,
    ...statements.map((one) => `    ${one.hash}  epoch ${one.epoch}, number ${one.seq}`), `  entry ${hash}`,
  ];
}

/** What the incident rests on: frames at a station, the zone's certificates, or a proof of guilt. */
function evidenceLines(story: IncidentStory): string[] {
  const { certificates, renewals, proofs, missing } = story;
  const gone = missing.map((hash) => `  ${hash} is named by an alert, and is not in the log`);
  const lines = [...certificates.flatMap(certificateLines), ...proofs.flatMap(proofLines)];
  if (renewals > 0) lines.push(`  renewed ${renewals} time${renewals === 1 ? "" : "s"}`);
  const isOfZone = story.alerts.at(-1)?.scope === "zone";
  return isOfZone ? ["On what the zone signed (--json has the whole hashes)", ...lines, ...gone]
    : ["On which frames (idTokens and secrets are replaced)", ...frameLines(story), ...gone];
}

/** The whole story for a person. `alerts` holds at least one, oldest first. */
export function storyText(story: IncidentStory): string {
  const last = story.alerts.at(-1)!;
  const where = last.stations.length === 0 ? `region ${plainText(last.region, 48)}`
    : `${last.stations.map((id) => plainText(id, 48)).join(", ")}, zone ${plainText(last.zone, 48)}`;
  const next = `${last.state === "cleared" ? "It has cleared. While it stood: " : ""}${plainText(last.nextStep)}`;
  const lines = [
    `${last.threat} at ${where}: ${last.state}, severity ${last.severity}`,
    `incident ${story.incidentId}, since ${plainText(last.onset, 30)}`,
    "", "What was said", ...story.alerts.map(alertLine),
    "", "Why (shares of the decision; each 2.3 nats make the threat ten times as likely against honest behaviour)",
    ...reasonLines(last.explanation),
    "", ...evidenceLines(story),
    "", "What to do next", `  ${next}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Two lines an incident, newest last. */
export function listText(incidents: readonly IncidentSummary[]): string {
  if (incidents.length === 0) return "no incidents in this log\n";
  return incidents.map(({ incidentId, last }) =>
    `${incidentId.slice(0, SHORT_ID_CHARS)}  ${plainText(last.time, 30)}  ${last.state.padEnd(7)}  `
    + `${last.severity.padEnd(8)}  ${last.threat}\n    ${plainText(last.summary, 200)}\n`).join("");
}
