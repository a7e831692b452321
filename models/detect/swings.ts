/**
 * Current that falls in mid-transaction and comes back within minutes, by the agent's own meter: for load-manipulation.
 *
 * What an order explains is no swing: a limit that was set shortly before it. Nor is what has a transaction's begin or
 * end in it. A meter that is read more slowly than the current swings shows it in its register: that counted far less,
 * or far more, than the power at both ends of the time between two readings, once the two have agreed often enough.
 * One in coarse steps cannot show a single swing: what it lacks or has beyond the power over many readings must have
 * come by so many at the least as each can add no more than the time between two readings holds.
 * Statistic: spells of swings (learned/spells.ts).
 */
import type { Finding, Observation } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now } from "../units.ts";
import { framesOf, hasRoom, MOST_EVSES } from "./detector.ts";
import { COARSEST_WH, plausible, stepOf } from "./energy/tracks.ts";
import { createSpells, happened, passed, type SpellLaws, type Spells } from "./learned/spells.ts";
import { LEAST_CHARGE_W } from "./sessions.ts";

interface Current {
  /** The power that it swings from, W, and when that was seen last. */
  highW: number;
  highMs: number;
  /** The lowest since it fell, W, and when it fell; -1: it has not. */
  lowW: number;
  fellMs: number;
  /** The highest that was read in this transaction, and the last that was current for a vehicle, W. */
  topW: number;
  flowsW?: number;
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

/** A register in coarse steps against the power that was read with it. */
interface Coarse {
  /** What it counted, and what the power came to, in a past that fades, Wh. */
  countedWh: number;
  readWh: number;
  /** In this transaction: what it lacks of the lower power of each two readings, and what it has beyond the higher. */
  sums: Balance[];
  /** The longest time between two readings, h, no less than a meter may lag. */
  longestH: number;
  /** When its next step is due if the swings that it showed go on, monotonic ms. */
  dueMs: number;
}

/** A sum that begins anew at nothing: Wh, and the swings in it that were told. */
interface Balance {
  wh: number;
  told: number;
}

export interface Swings {
  /** By metered EVSE. */
  currents: Record<string, Current>;
  gauges: Record<string, Gauge>;
  coarse?: Record<string, Coarse>;
  /** EVSEs with an open transaction. */
  open: number[];
  /** When a limit was set last; -1: never. */
  orderMs: number;
  spells: Spells<"swings">;
}

interface Swing {
  /** How many at the least. */
  readonly count: number;
  readonly says: string;
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

/** A swing falls from what a vehicle takes at least to less than `LOW_SHARE` of it, and comes back to `BACK_SHARE`. */
const LOW_SHARE = 0.4;
const BACK_SHARE = 0.7;
/**
 * Between two readings without current the register must have counted this share of what flowed before them: of late,
 * since a battery that fills up takes less and less.
 */
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
/** A register's share of the power is known to a hundredth after so many steps, and remembered over twice as many. */
const KNOWN_STEPS = 100;
/** A register may come so long after the power, h; what swings faster than this shows where readings are closer. */
const LAG_H = 1 / 60;
/** Meters of one station that are followed so: it has them of one kind, and several tell of an attack as one does. */
const MOST_COARSE = 8;
/** What swings flows for half of the time. */
const HALF = 0.5;
/** That hundredth, and a meter of class A at any load (2 %, EN 50470-3). */
const SLACK = 0.03;

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
  const terms = Array.from({ length: swung.count }, () => happened(swings.spells, LAWS, "swings", now));
  const nats = terms.reduce((sum, term) => sum + term.nats, 0);
  const says = `${swung.says} without an order`;
  return [{ ...found, nats, terms: [{ ...terms[0]!, nats }], frames: framesOf(seen), says }];
}

const k = (watts: number): string => (watts / 1_000).toFixed(1);

/** The swing that an observation completes. */
function seeSwing(swings: Swings, seen: Observation, now: Now): Swing | undefined {
  switch (seen.kind) {
    case "transaction-started":
    case "transaction-ended": {
      swings.currents = {};
      for (const coarse of Object.values(swings.coarse ?? {})) Object.assign(coarse, begun());
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
  if (powerW >= LEAST_CHARGE_W) current.flowsW = powerW;
  Object.assign(current, { lastW: powerW, lastWh: registerWh ?? -1, lastMs: now.monoMs });
  if (ordered) Object.assign(swings.coarse?.[key] ?? {}, begun());
  return ordered ? undefined : between ?? seen;
}

/** A fall and a rise by the power that was read. */
function seenAt(current: Current, powerW: number, now: Now): Swing | undefined {
  const { highW, highMs, fellMs } = current;
  if (fellMs < 0) {
    const falls = highW >= LEAST_CHARGE_W && powerW < LOW_SHARE * highW && now.monoMs - highMs <= LONGEST_MS;
    if (falls) Object.assign(current, { lowW: powerW, fellMs: now.monoMs });
    else Object.assign(current, { highW: powerW, highMs: now.monoMs });
    return undefined;
  }
  current.lowW = Math.min(current.lowW, powerW);
  const late = now.monoMs - fellMs > LONGEST_MS;
  if (powerW < BACK_SHARE * highW && !late) return undefined;
  const toW = current.lowW;
  Object.assign(current, { highW: powerW, highMs: now.monoMs, fellMs: -1 });
  return late ? undefined : { count: 1, says: `the current fell from ${k(highW)} to ${k(toW)} kW and rose again` };
}

/** A swing that passed between two readings: the register tells of other power than both of them. */
function passedBetween(
  swings: Swings, key: string, current: Current, powerW: number, registerWh: number | undefined, now: Now,
): Swing | undefined {
  const { gauges } = swings;
  const { topW, flowsW = topW, lastW, lastWh, lastMs } = current;
  if (registerWh === undefined) return undefined;
  if (!hasRoom(gauges, key)) return undefined;
  const gauge = (gauges[key] ??= { stepWh: COARSEST_WH, agreed: 0, backMs: -1 });
  gauge.stepWh = stepOf(gauge.stepWh, registerWh);
  const pauseMs = now.monoMs - lastMs;
  const countedWh = registerWh - lastWh;
  if (lastWh >= 0 && countedWh < 0) gauge.backMs = now.monoMs;
  // Readings in disorder contradict each other.
  const disorder = gauge.backMs >= 0 && now.monoMs - gauge.backMs < DISORDER_MS;
  const known = (swings.coarse ??= {});
  if (gauge.stepWh === 1) delete known[key];
  if (lastWh < 0 || disorder || pauseMs <= 0 || pauseMs > LONGEST_PAUSE_MS) {
    Object.assign(known[key] ?? {}, begun());
    return undefined;
  }
  const coarse = gauge.stepWh > 1 && hasRoom(known, key, MOST_COARSE)
    ? (known[key] ??= { countedWh: 0, readWh: 0, ...begun() }) : undefined;
  const hours = pauseMs / HOUR_MS;
  const meanW = countedWh / hours;
  const doubtW = (STEPS_OF_DOUBT * gauge.stepWh) / hours;
  const [least, most] = [Math.min(lastW, powerW), Math.max(lastW, powerW)];
  if (least >= LEAST_CHARGE_W && Math.abs(meanW - (least + most) / 2) < AGREES * most) {
    gauge.agreed = Math.min(KNOWN, gauge.agreed + 1);
  }
  const hidden = coarse && hiddenSwings(coarse, gauge.stepWh, [least, most, topW], hours, countedWh);
  const { swings: spell } = swings.spells.of;
  // Before that step nothing can tell that they are over.
  if (spell.lastMs >= 0 && now.monoMs < (coarse?.dueMs ?? 0)) spell.lastMs = now.monoMs;
  if (coarse && hidden) {
    coarse.dueMs = now.monoMs + (HOUR_MS * gauge.stepWh) / (HALF * topW);
    return { count: hidden, says: `by its register ${hidden} swings passed between readings,` };
  }
  if (gauge.agreed < KNOWN) return undefined;
  const fell = least >= LEAST_CHARGE_W && meanW < BACK_SHARE * least && least - meanW > doubtW;
  // What flowed for half of the time was twice of its mean.
  const rose = Math.max(topW, meanW) >= LEAST_CHARGE_W && meanW >= RISEN_SHARE * flowsW && most < LOW_SHARE * meanW &&
    meanW - most > doubtW;
  const says = `the register counted ${k(meanW)} kW between two readings of ${k(fell ? least : most)} kW,`;
  return fell || rose ? { count: 1, says } : undefined;
}

/** As at the begin of a transaction, or after a gap. */
const begun = () => ({ sums: [{ wh: 0, told: 0 }, { wh: 0, told: 0 }], longestH: LAG_H, dueMs: 0 });

/**
 * How many more swings must be hidden in what a coarse register lacks or has beyond the power, by this pause: full
 * pauses that either holds for certain, a step of the register left in doubt.
 * @param powers at its ends, the lower first, and the highest in this transaction, W
 */
function hiddenSwings(
  coarse: Coarse, stepWh: number, powers: readonly [number, number, number], hours: number, countedWh: number,
): number {
  const [least, most, topW] = powers;
  coarse.longestH = Math.max(coarse.longestH, hours);
  const mostWh = Math.max(topW, most) * coarse.longestH;
  // A register that was set or replaced: nothing that flowed.
  if (countedWh > mostWh + 2 * stepWh) {
    Object.assign(coarse, begun());
    return 0;
  }
  const share = coarse.countedWh / coarse.readWh;
  const known = coarse.countedWh >= KNOWN_STEPS * stepWh && Math.abs(share - 1) < AGREES;
  if (coarse.sums.every(({ wh }) => wh <= stepWh)) {
    const keep = coarse.countedWh > 2 * KNOWN_STEPS * stepWh ? 0.5 : 1;
    coarse.countedWh = keep * coarse.countedWh + countedWh;
    coarse.readWh = keep * coarse.readWh + ((least + most) / 2) * hours;
  }
  if (!known || topW < LEAST_CHARGE_W) return 0;
  const grownWh = [(1 - SLACK) * share * least * hours - countedWh, countedWh - (1 + SLACK) * share * most * hours];
  return coarse.sums.reduce((hidden, sum, i) => {
    sum.wh = Math.max(0, sum.wh + grownWh[i]!);
    const before = sum.wh === 0 ? 0 : sum.told;
    sum.told = Math.max(before, Math.floor((sum.wh - stepWh) / mostWh));
    return hidden + sum.told - before;
  }, 0);
}
