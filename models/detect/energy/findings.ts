/** What a comparison of delivered and billed energy comes to as findings: for energy-theft and billing-inflation. */
import type { Feature, Finding, Observation, Threat } from "../../terms.ts";
import type { Now } from "../../units.ts";
import { framesOf, MOST_NATS, weigh } from "../detector.ts";
import {
  type Balance, onBoot, onConnect, onMeterLost, onReading, onReported, onStart, onStop, type Settled,
} from "./balance.ts";
import type { Comparison, Way } from "./session.ts";

/** Whom the findings accuse, and in which words. */
export interface Suspicion {
  readonly way: Way;
  readonly threat: Threat;
  readonly feature: Feature;
  readonly term: string;
  readonly driftTerm: string;
}

/** A meter that is off by more than this is broken, and not out of its class by ageing. */
const MOST_DRIFT_PERCENT = 25;
const NOTHING: Settled = { comparisons: [] };

/** Takes one observation into the balance, and says what came of it. */
export function balanceOf(balance: Balance, seen: Observation, now: Now): Settled {
  switch (seen.kind) {
    case "meter-reading":
      return onReading(balance, seen.reading, seen.side, now);
    case "meter-lost":
      onMeterLost(balance, seen.evseId);
      return NOTHING;
    case "link":
      if (seen.state === "connect") onConnect(balance, now);
      return NOTHING;
    case "boot":
      onBoot(balance);
      return NOTHING;
    case "transaction-started":
      return onStart(balance, seen, now);
    case "reported-reading":
      return seen.offline ? NOTHING : onReported(balance, seen, now);
    case "transaction-ended":
      return { comparisons: onStop(balance, seen, now) };
    default:
      return NOTHING;
  }
}

/** The same as findings. */
export function told(
  { comparisons, frameNo }: Settled, suspicion: Suspicion, seen: Observation, now: Now,
): Finding[] {
  const frames = frameNo === undefined ? framesOf(seen) : [frameNo];
  return comparisons.flatMap((block) => findingsOf(block, suspicion, frames, now));
}

function findingsOf(block: Comparison, suspicion: Suspicion, frames: readonly number[], now: Now): Finding[] {
  const percent = Math.round((block.deliveredWh / Math.max(1, block.billedWh) - 1) * 100);
  // On the AC side of a DC charger more goes in than comes out: what is usual is what the figure is held against.
  const usual = Math.round(Math.expm1(block.centre) * 100);
  const lost = usual > 1 ? `, where ${usual} % more is usual` : "";
  const kWh = (wh: number) => (wh / 1000).toFixed(2);
  // A meter that drifts counts as one that was slowed: which of the two it is, only a look at it tells.
  const drifts = Math.abs(percent) <= MOST_DRIFT_PERCENT ? ", or a meter drifts" : "";
  const says = `meter ${kWh(block.deliveredWh)} kWh, billed ${kWh(block.billedWh)} kWh: ` +
    `${percent >= 0 ? `${percent} % more` : `${-percent} % less`} delivered than billed${lost}${drifts}`;
  const common = { at: now.wallMs, frames, says };
  const standsNats = block.stands?.[suspicion.way];
  const shift = { term: suspicion.term, nats: block.nats[suspicion.way] };
  const drift = { term: suspicion.driftTerm, nats: block.drift[suspicion.way] };
  const found: Finding[] = [];
  if (shift.nats !== 0) {
    const weighed = weigh([shift], -MOST_NATS, MOST_NATS);
    found.push({ key: suspicion.threat, ...weighed, ...common, ...(standsNats !== undefined && { standsNats }) });
  }
  if (drift.nats !== 0) found.push({ key: suspicion.feature, nats: drift.nats, terms: [drift], ...common });
  return found;
}
