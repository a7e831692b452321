/**
 * The report in a file of evidence, in plain words, from checked evidence alone: the same evidence has the same report,
 * so that `ledger verify` can hold one against the other. A change of a word here is another version of the report.
 */
import type { Alert } from "../../models/terms.ts";
import { HOUR_MS, rfc3339, SECOND_MS, type WallMs } from "../../models/units.ts";
import { certainty, percent } from "../alert-text.ts";
import { plainText } from "../plain-text.ts";
import { toBase64 } from "../record/base64.ts";
import type { CheckedEvidence } from "./evidence-check.ts";

/** Article 23(4) of Directive (EU) 2022/2555 (NIS2), points (a), (b) and (d). */
const EARLY_WARNING_MS = 24 * HOUR_MS;
const NOTIFICATION_MS = 72 * HOUR_MS;
const FRAME_CHARS = 600;
const LAST_S = 253_402_300_799;

/** The same day and time of the next month, or its last day where it is shorter. */
export function monthAfter(at: WallMs): WallMs {
  const date = new Date(at);
  const month = date.getUTCMonth() + 1;
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
  const next = new Date(at);
  next.setUTCDate(1);
  next.setUTCMonth(month);
  next.setUTCDate(Math.min(date.getUTCDate(), lastDay));
  return next.getTime() as WallMs;
}

function clockLines(first: Alert): string[] {
  const aware = Date.parse(first.time) as WallMs;
  const notification = (aware + NOTIFICATION_MS) as WallMs;
  return [
    "Clocks of NIS2 (Directive (EU) 2022/2555, Article 23(4)), counted from the first alert",
    `  early warning          ${rfc3339((aware + EARLY_WARNING_MS) as WallMs)}  24 hours`,
    `  incident notification  ${rfc3339(notification)}  72 hours`,
    `  final report           ${rfc3339(monthAfter(notification))}  one month after a notification at its latest`,
    "  They run from when the operator became aware of a significant incident: whether this is one, and since when it",
    "  was known, is for people to judge.",
  ];
}

const alertLine = ({ time, state, confidence, summary }: Alert): string =>
  `  ${plainText(time, 30)}  ${state.padEnd(7)}  ${certainty(confidence)}  ${plainText(summary)}`;

function restLines({ entries, certificates, guilty, rosters }: CheckedEvidence): string[] {
  const frames = entries.flatMap(({ entry }) => (entry.kind !== "frame" ? []
    : [`  ${rfc3339(entry.at)}  ${plainText(entry.direction, 20)}`, `    ${plainText(entry.text, FRAME_CHARS)}`]));
  const zones = certificates.map(({ certificate: { key, epoch, rosterVersion }, signers, quorum, decision }) =>
    `  certificate of ${key} for epoch ${epoch} under roster ${rosterVersion}: ${signers.length} votes of ${quorum} ` +
    `needed (${signers.join(", ")}); the statements beside it sum up to ${decision.sum} millinats, which raises`);
  return [
    "What it rests on",
    ...(frames.length > 0 ? ["  frames, in which idTokens, passwords and keys are replaced:"] : []), ...frames,
    ...zones, ...guilty.map((one) => `  two statements of ${one} that contradict each other, both signed by it`),
    ...(rosters.length > 0 ? [`  rosters ${rosters.map(({ roster: { version } }) => version).join(", ")} of ` +
      `${rosters[0]!.roster.network}, each signed by operators`] : []),
    ...(frames.length + zones.length + guilty.length === 0 ? ["  the meter alone, or what was missing, spoke"] : []),
  ];
}

/** A witness may say any time. */
function timeText(seconds: number): string {
  return seconds > LAST_S ? "a time after the year 9999" : rfc3339(seconds * SECOND_MS as WallMs);
}

function logLines({ checkpoint: { origin, size, root }, vouched, until, entries }: CheckedEvidence): string[] {
  const lines = [
    "How it is known",
    `  ${entries.length} entries, each proven to be among the ${size} of the log ${plainText(origin, 80)} ` +
      `with the root ${toBase64(root)}`,
    ...(until === undefined ? [] : [`  the key of this log was revoked later; these entries are among its first ` +
      `${until.size}, which the operators' newest roster goes on believing`]),
  ];
  if (vouched === undefined) return [...lines, "  no witness has cosigned this log: it is the agent's word alone"];
  const { by, neighbours, needed, timeS } = vouched;
  const when = timeS === undefined ? `fewer than the ${needed} of whom one at least is honest`
    : `${needed} of them, of whom one at least is honest, by ${timeText(timeS)}`;
  const who = `${by.length} of ${neighbours} neighbours (${by.join(", ")})`;
  return [...lines, `  the first ${vouched.size} entries were cosigned by ${who}: ${when}`];
}

/** Lines without a last newline. */
export function evidenceReport(evidence: CheckedEvidence): string {
  const { alerts, incidentId } = evidence;
  const [first, last] = [alerts[0]!, alerts.at(-1)!];
  return [
    "Report, version 1",
    `${last.threat} at ${last.stations.map((id) => plainText(id, 48)).join(", ")}, zone ${plainText(last.zone, 48)}, ` +
      `region ${plainText(last.region, 48)}: ${last.state}, severity ${last.severity}`,
    `incident ${plainText(incidentId, 80)}, since ${plainText(first.onset, 30)}, told by the agent of ` +
      plainText(first.agent, 48),
    "", "What was said", ...alerts.map(alertLine),
    "", "Why (shares of the newest decision)",
    ...last.explanation.map(({ term, value, share }) =>
      `  ${plainText(term, 60)}: ${percent(share)}, ${value.toFixed(1)} nats`),
    "", ...restLines(evidence), "", ...logLines(evidence), "", ...clockLines(first),
    "", "What to do next", `  ${plainText(last.nextStep)}`,
  ].join("\n");
}
