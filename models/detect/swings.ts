/**
 * Current that falls in mid-transaction and comes back within minutes, by the agent's own meter: for load-manipulation.
 *
 * What an order explains is no swing: a limit that was set shortly before it. Nor is what has a transaction's begin or
 * end in it. A meter that is read more slowly than the current swings shows it in its register: that counted far less,
 * or far more, than the power at both ends of the time between two readings, once the two have agreed often enough.
 * Statistic: spells of swings (learned/spells.ts).
 */
import type { Finding, Observation } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now } from "../units.ts";
import { framesOf, hasRoom, MOST_EVSES } from "./detector.ts";
import { plausible, stepOf } from "./energy/tracks.ts";
import { createSpells, happened, passed, type SpellLaws, type Spells } from "./learned/spells.ts";

interface Current {
  /** The power that it swings from, W, and when that was seen last. */
  highW: number;
  highMs: number;
  /** The lowest since it fell, W, and when it fell; -1: it has not. */
  lowW: number;
  fellMs: number;
  /** The highest that was read in this transaction, W. */
  topW: number;
  /** The last reading: power, W, register, Wh (-1: none), and when. */
  lastW: number;
  lastWh: number;
  lastMs: number;
}

/** What is known of a meter for good. */
interface Gauge {
  /** Coarsest step that fits all that its register showed, Wh. */
  stepWh: number;
  /** How often register and power agreed while current flowed, up to `KNOWN`. */
  agreed: number;
  /** When its register went back last, monotonic ms; -1: never. */
  backMs: number;
}

export interface Swings {
  /** By metered EVSE. */
  currents: Record<string, Current>;
  gauges: Record<string, Gauge>;
  /** EVSEs with an open transaction. */
  open: number[];
  /** When a limit was set last; -1: never. */
  orderMs: number;
  spells: Spells<"swings">;
}

interface Swing {
  readonly fromW: number;
  /** The lowest that was read; where it passed between two readings, what the register counted on average. */
  readonly toW: number;
  readonly between: boolean;
}

/**
 * Swings within five minutes of each other are one spell. Judgement: vehicles that top up pause for longer, a site that
 * follows its roof changes for longer, and neither goes on and on.
 */
const LAWS: SpellLaws<"swings"> = {
  swings: {
    term: "current swings without an order", priorHours: 500, mostPerHour: 0.1, attackPerHour: 1 / 24,
    again: [0.15, 0.9, 0.95], gapMs: 5 * MINUTE_MS,
    teachesAfter: true,
  },
};

/** A swing falls from at least this to less than `LOW_SHARE` of it, and comes back to `BACK_SHARE` of it. */
const LEAST_W = 1_500;
const LOW_SHARE = 0.4;
const BACK_SHARE = 0.7;
/** Between two readings without current the register must have counted this share of the most that flowed. */
const RISEN_SHARE = 0.25;
const LONGEST_MS = 5 * MINUTE_MS;
/** An order works within so long. */
const ORDERED_MS = 2 * MINUTE_MS;
/** Readings further apart say nothing of the time between; register and power have agreed so often, so closely. */
const LONGEST_PAUSE_MS = 5 * MINUTE_MS;
const DISORDER_MS = 15 * MINUTE_MS;
const KNOWN = 20;
const AGREES = 0.15;
/** What a register in steps, read twice, leaves in doubt. */
const STEPS_OF_DOUBT = 3;
const COARSEST_WH = 100;

export function createSwings(): Swings {
  return { currents: {}, gauges: {}, open: [], orderMs: -1, spells: createSpells(LAWS) };
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
  const says = swung.between
    ? `the register counted ${kW(swung.toW)} kW between two readings of ${kW(swung.fromW)} kW, without an order`
    : `the current fell from ${kW(swung.fromW)} to ${kW(swung.toW)} kW and rose again without an order`;
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
      if (powerW === undefined || !explained) return undefined;
      return read(swings, String(evseId), powerW, plausible(seen.reading.energyImportWh), now);
    }
    default:
      return undefined;
  }
}

function read(
  swings: Swings, key: string, powerW: number, registerWh: number | undefined, now: Now,
): Swing | undefined {
  if (!hasRoom(swings.currents, key)) return undefined;
  const begins = { highW: powerW, highMs: now.monoMs, lowW: 0, fellMs: -1, topW: powerW };
  const current = (swings.currents[key] ??= { ...begins, lastW: powerW, lastWh: -1, lastMs: now.monoMs });
  const ordered = swings.orderMs >= 0 && Math.min(current.lastMs, current.fellMs < 0 ? Infinity : current.fellMs) -
    swings.orderMs < ORDERED_MS;
  const between = passedBetween(swings, key, current, powerW, registerWh, now);
  const seen = seenAt(current, powerW, now);
  current.topW = Math.max(current.topW, powerW);
  Object.assign(current, { lastW: powerW, lastWh: registerWh ?? -1, lastMs: now.monoMs });
  return ordered ? undefined : between ?? seen;
}

/** A fall and a rise by the power that was read. */
function seenAt(current: Current, powerW: number, now: Now): Swing | undefined {
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
  return late ? undefined : { fromW: highW, toW, between: false };
}

/** A swing that passed between two readings: the register tells of other power than both of them. */
function passedBetween(
  { gauges }: Swings, key: string, { topW, lastW, lastWh, lastMs }: Current, powerW: number,
  registerWh: number | undefined, now: Now,
): Swing | undefined {
  if (registerWh === undefined) return undefined;
  if (!hasRoom(gauges, key)) return undefined;
  const gauge = (gauges[key] ??= { stepWh: COARSEST_WH, agreed: 0, backMs: -1 });
  gauge.stepWh = stepOf(gauge.stepWh, registerWh);
  const pauseMs = now.monoMs - lastMs;
  const countedWh = registerWh - lastWh;
  if (lastWh >= 0 && countedWh < 0) gauge.backMs = now.monoMs;
  // Readings in disorder contradict each other.
  const disorder = gauge.backMs >= 0 && now.monoMs - gauge.backMs < DISORDER_MS;
  if (lastWh < 0 || disorder || pauseMs <= 0 || pauseMs > LONGEST_PAUSE_MS) return undefined;
  const hours = pauseMs / HOUR_MS;
  const meanW = countedWh / hours;
  const doubtW = (STEPS_OF_DOUBT * gauge.stepWh) / hours;
  const [least, most] = [Math.min(lastW, powerW), Math.max(lastW, powerW)];
  if (least >= LEAST_W && Math.abs(meanW - (least + most) / 2) < AGREES * most) {
    gauge.agreed = Math.min(KNOWN, gauge.agreed + 1);
  }
  if (gauge.agreed < KNOWN) return undefined;
  const fell = least >= LEAST_W && meanW < BACK_SHARE * least && least - meanW > doubtW;
  // What flowed for half of the time was twice of its mean.
  const rose = Math.max(topW, meanW) >= LEAST_W && meanW >= RISEN_SHARE * topW && most < LOW_SHARE * meanW &&
    meanW - most > doubtW;
  return fell || rose ? { fromW: fell ? least : most, toW: meanW, between: true } : undefined;
}
