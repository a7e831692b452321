/**
 * The step *opine*: findings to beliefs. For every threat and joint feature it keeps the cumulative evidence that
 * statements carry, and the CUSUM of the same evidence with the terms that make it up.
 */
import type { Belief, EvidenceKey, Finding, Term } from "../terms.ts";
import type { Now, WallMs } from "../units.ts";
import { thresholdOf } from "./threshold.ts";

interface Evidence {
  /** Exact; rounded where it is told. Rounding each finding would swallow the small ones, which speak for honesty. */
  cumulativeMillinats: number;
  sinceOnsetNats: number;
  onset: number;
  terms: Record<string, number>;
  frames: number[];
  says: string;
}

/** Plain JSON: remembered across restarts, so that the cumulative sums go on. */
export type OpineState = Partial<Record<EvidenceKey, Evidence>>;

const MOST_FRAMES = 16;
/** Evidence above the threshold stops counting here, so that an incident can end when the attack does. */
const HEADROOM_NATS = 10;
/** What rounding leaves of a sum that came back to nothing: without this its onset and its terms would never end. */
const NEGLIGIBLE_NATS = 1e-6;

export function createOpine(): OpineState {
  return {};
}

/** Takes the findings in and returns the beliefs that they moved. */
export function opine(state: OpineState, findings: readonly Finding[], now: Now): Belief[] {
  if (findings.length === 0) return [];
  const moved = new Set<EvidenceKey>();
  const rose = new Set<EvidenceKey>();
  for (const finding of findings) {
    const evidence = (state[finding.key] ??= fresh(finding.at));
    evidence.cumulativeMillinats += finding.nats * 1_000;
    accumulate(evidence, finding, thresholdOf(finding.key) + HEADROOM_NATS);
    moved.add(finding.key);
    if (finding.nats > 0) rose.add(finding.key);
  }
  return Array.from(moved, (key) => beliefOf(state, key, now, rose.has(key)));
}

function fresh(at: WallMs): Evidence {
  return { cumulativeMillinats: 0, sinceOnsetNats: 0, onset: at, terms: {}, frames: [], says: "" };
}

/** Page's CUSUM: the sum restarts whenever honesty is the better story of all that came since. */
function accumulate(evidence: Evidence, finding: Finding, most: number): void {
  const sum = Math.max(evidence.sinceOnsetNats + finding.nats, finding.standsNats ?? 0);
  if (sum < NEGLIGIBLE_NATS) {
    restart(evidence, finding.at);
    return;
  }
  if (evidence.sinceOnsetNats === 0) evidence.onset = finding.at;
  // Terms are scaled when the sum is capped, so that they go on adding up to it.
  const scale = finding.nats > 0 ? Math.max(0, Math.min(most, sum) - evidence.sinceOnsetNats) / finding.nats : 1;
  for (const term of finding.terms) {
    evidence.terms[term.term] = (evidence.terms[term.term] ?? 0) + term.nats * scale;
  }
  evidence.sinceOnsetNats += finding.nats * scale;
  if (finding.nats > 0) {
    if (finding.says !== "") evidence.says = finding.says;
    evidence.frames = [...evidence.frames, ...finding.frames].slice(-MOST_FRAMES);
  }
}

function restart(evidence: Evidence, at: WallMs): void {
  evidence.sinceOnsetNats = 0;
  evidence.onset = at;
  evidence.terms = {};
  evidence.frames = [];
  evidence.says = "";
}

/** The evidence for `key` starts again from nothing, as after an incident was closed. */
export function forget(state: OpineState, key: EvidenceKey, now: Now): void {
  const evidence = state[key];
  if (evidence !== undefined) restart(evidence, now.wallMs);
}

/** What is believed of one threat or feature now; `rose`: whether evidence for it was added just now. */
export function beliefOf(state: OpineState, key: EvidenceKey, now: Now, rose?: boolean): Belief {
  const evidence = state[key] ?? fresh(now.wallMs);
  const threshold = thresholdOf(key);
  return {
    key,
    cumulativeMillinats: millinats(evidence),
    sinceOnsetNats: evidence.sinceOnsetNats,
    onset: evidence.onset as WallMs,
    thresholdNats: threshold,
    opinion: Math.min(1, evidence.sinceOnsetNats / threshold),
    terms: termsOf(evidence),
    frames: evidence.frames,
    says: evidence.says,
    ...(rose !== undefined && { rose }),
  };
}

/** Largest first. */
function termsOf(evidence: Evidence): Term[] {
  if (evidence.sinceOnsetNats === 0) return [];
  return Object.entries(evidence.terms)
    .map(([term, nats]) => ({ term, nats }))
    .sort((a, b) => b.nats - a.nats);
}

/** Cumulative evidence in the order of statements. */
export function evidenceVector(state: OpineState, keys: readonly EvidenceKey[]): number[] {
  return keys.map((key) => millinats(state[key]));
}

function millinats(evidence: Evidence | undefined): number {
  return Math.round(evidence?.cumulativeMillinats ?? 0) + 0; // no -0
}
