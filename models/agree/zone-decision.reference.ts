/**
 * Only for tests and benches: the decision as SPEC.md section 6 says it, word for word and slowly, and the rule that it
 * was chosen over.
 */
import { type EvidenceKey, EVIDENCE_KEYS } from "../terms.ts";
import { NEWER_WITHIN_EPOCHS, type Stated, WINDOW_EPOCHS, type ZoneHistory } from "./zone-decision.ts";
import { clipOf, SUPPORT_MILLINATS } from "./zone-laws.ts";

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const added = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Drops the f highest and the f lowest and adds the rest. */
export function naiveTrimmedSum(growths: readonly number[], f: number): number {
  return added(ascending(growths).slice(f, Math.max(f, growths.length - f)));
}

function naiveGrowth<S extends Stated>(zone: ZoneHistory<S>, member: number, key: EvidenceKey, onset: number): number {
  const clip = clipOf(key, zone);
  const history = zone.members[member];
  if (history === undefined || history.guilty === true) return -clip;
  const known = history.statements.filter(({ epoch }) =>
    epoch > zone.epoch - WINDOW_EPOCHS && epoch <= zone.epoch + 1);
  const newer = known.at(-1);
  if (newer === undefined || newer.epoch < zone.epoch - NEWER_WITHIN_EPOCHS) return -clip;
  const older = known.filter(({ epoch }) => epoch <= onset).at(-1) ?? (known[0] as S);
  const index = EVIDENCE_KEYS.indexOf(key);
  return Math.max(-clip, Math.min(clip, (newer.evidence[index] ?? 0) - (older.evidence[index] ?? 0)));
}

/** Every epoch of the window is tried as onset; the largest positive sum with f + 1 supporters, or undefined. */
export function naiveSearch<S extends Stated>(
  zone: ZoneHistory<S>, key: EvidenceKey,
): { sum: number; onset: number } | undefined {
  let best: { sum: number; onset: number } | undefined;
  for (let onset = zone.epoch - WINDOW_EPOCHS; onset <= zone.epoch + 1; onset++) {
    const growths = Array.from({ length: zone.n }, (_, member) => naiveGrowth(zone, member, key, onset));
    const supporters = growths.filter((growth) => growth > SUPPORT_MILLINATS).length;
    const sum = naiveTrimmedSum(growths, zone.f);
    if (sum > 0 && supporters > zone.f && sum >= (best?.sum ?? 0)) best = { sum, onset };
  }
  return best;
}

/** Low-Sum-CUSUM: drop the f highest local CUSUMs, add the rest. Each is clipped, as growth is. */
export function lowSumCusum(cusums: readonly number[], f: number, clip: number): number {
  return added(ascending(cusums.map((value) => Math.min(clip, value))).slice(0, Math.max(0, cusums.length - f)));
}
