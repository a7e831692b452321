/**
 * Current that falls in mid-transaction and comes back within minutes, by the agent's own meter: for load-manipulation.
 *
 * What an order explains is no swing: a limit that was set shortly before it. Nor is what has a transaction's begin or
 * end in it. A meter that is read more slowly than the current swings sees some of it, or nothing.
 * Statistic: spells of swings (learned/spells.ts).
 */
import type { Finding, Observation } from "../terms.ts";
import { MINUTE_MS, type Now } from "../units.ts";
import { framesOf } from "./detector.ts";
import { plausible } from "./energy/tracks.ts";
import { createSpells, happened, passed, type SpellLaws, type Spells } from "./learned/spells.ts";

interface Current {
  /** The power that it swings from, W, and when that was seen last. */
  highW: number;
  highMs: number;
  /** The lowest since it fell, W, and when it fell; -1: it has not. */
  lowW: number;
  fellMs: number;
}

export interface Swings {
  /** By metered EVSE. */
  currents: Record<string, Current>;
  /** EVSEs with an open transaction. */
  open: number[];
  /** When a limit was set last; -1: never. */
  orderMs: number;
  spells: Spells<"swings">;
}

interface Swing {
  readonly fromW: number;
  readonly toW: number;
}

/**
 * Swings within five minutes of each other are one spell. Judgement: vehicles that top up pause for longer, a site that
 * follows its roof changes for longer, and neither goes on and on.
 */
const LAWS: SpellLaws<"swings"> = {
  swings: {
    term: "current swings without an order", priorHours: 500, mostPerHour: 0.1, attackPerHour: 1 / 24,
    again: [0.15, 0.9, 0.95], gapMs: 5 * MINUTE_MS,
  },
};

/** A swing falls from at least this to less than `LOW_SHARE` of it, and comes back to `BACK_SHARE` of it. */
const LEAST_W = 1_500;
const LOW_SHARE = 0.4;
const BACK_SHARE = 0.7;
const LONGEST_MS = 5 * MINUTE_MS;
/** An order works within so long. */
const ORDERED_MS = 2 * MINUTE_MS;
const MOST_EVSES = 32;

export function createSwings(): Swings {
  return { currents: {}, open: [], orderMs: -1, spells: createSpells(LAWS) };
}

/** Takes in one observation, and says what it makes of it. */
export function swingFindings(swings: Swings, seen: Observation, now: Now): Finding[] {
  const found = { key: "load-manipulation", at: now.wallMs } as const;
  if (seen.kind === "tick") {
    const terms = passed(swings.spells, LAWS, now);
    const nats = terms.reduce((sum, term) => sum + term.nats, 0);
    return terms.length === 0 ? [] : [{ ...found, nats, terms, frames: [], says: "" }];
  }
  const swung = seeSwing(swings, seen, now);
  if (swung === undefined) return [];
  const term = happened(swings.spells, LAWS, "swings", now);
  const kW = (watts: number): string => (watts / 1_000).toFixed(1);
  const says = `the current fell from ${kW(swung.fromW)} to ${kW(swung.toW)} kW and rose again without an order`;
  return [{ ...found, nats: term.nats, terms: [term], frames: framesOf(seen), says }];
}

/** The swing that an observation completes. */
function seeSwing(swings: Swings, seen: Observation, now: Now): Swing | undefined {
  switch (seen.kind) {
    case "transaction-started":
    case "transaction-ended": {
      swings.currents = {};
      const others = swings.open.filter((evseId) => evseId !== seen.evseId);
      swings.open = seen.kind === "transaction-started" ? [...others, seen.evseId].slice(-MOST_EVSES) : others;
      return undefined;
    }
    case "charging-limit":
      if (seen.outcome !== "refused") swings.orderMs = now.monoMs;
      return undefined;
    case "command":
      if (seen.command === "clear-charging-profile") swings.orderMs = now.monoMs;
      return undefined;
    case "meter-reading": {
      const { evseId } = seen.reading;
      const powerW = plausible(seen.reading.powerW);
      const explained = evseId === 0 ? swings.open.length > 0 : swings.open.includes(evseId);
      return powerW === undefined || !explained ? undefined : read(swings, String(evseId), powerW, now);
    }
    default:
      return undefined;
  }
}

function read(swings: Swings, key: string, powerW: number, now: Now): Swing | undefined {
  if (swings.currents[key] === undefined && Object.keys(swings.currents).length >= MOST_EVSES) return undefined;
  const current = (swings.currents[key] ??= { highW: powerW, highMs: now.monoMs, lowW: 0, fellMs: -1 });
  const { highW, highMs, fellMs } = current;
  if (fellMs < 0) {
    const falls = highW >= LEAST_W && powerW < LOW_SHARE * highW && now.monoMs - highMs <= LONGEST_MS;
    if (falls) Object.assign(current, { lowW: powerW, fellMs: now.monoMs });
    else Object.assign(current, { highW: powerW, highMs: now.monoMs });
    return undefined;
  }
  current.lowW = Math.min(current.lowW, powerW);
  const late = now.monoMs - fellMs > LONGEST_MS;
  if (powerW < BACK_SHARE * highW && !late) return undefined;
  const toW = current.lowW;
  Object.assign(current, { highW: powerW, highMs: now.monoMs, fellMs: -1 });
  const ordered = swings.orderMs >= 0 && fellMs - swings.orderMs < ORDERED_MS;
  return late || ordered ? undefined : { fromW: highW, toW };
}
