/**
 * physical-tampering: enclosure, meter or link opened or cut.
 *
 * Looks for two things. (1) Signs of a hand: TamperDetectionActivated and its like among security events (OCPP 1.6
 * security, table 6; 2.0.1 part 2, appendix 1), and vendors' codes for a cover, door or tilt. (2) The agent's own meter
 * falling silent (lost, or two minutes without a reading) while current flows and the station goes on reporting.
 * Statistics: (1) each incident is one trial (an hour without another ends it): a hand, a hand while the station was
 * out of service or somebody had logged in for maintenance, or a plain fault; the likelihood ratio of these three.
 * (2) each silence is a chain of trials, each given what went before: does it begin while current flows; does it last;
 * has the meter's register stood still over it although the station billed. The last tells a meter that was cut out
 * from one that could not be reached. A line that breaks by itself has no reason to do so while current flows, so it
 * does in the share of time in which current flows here; but one such break is no proof of a hand, however long it
 * lasts: a gateway may have died. Several are, each in its own session.
 * Null: the station's own habits, from shipped judgements: no public base rates exist.
 * Honest look-alikes: service visits, whose station is set inoperative first; faults, connector locks that fail and
 * Faulted that repeats, which speak for honesty; a contact that chatters, which is told once and then is a habit;
 * Modbus time-outs and dead meters; a power or network cut that takes link and meter together, which says little here.
 */
import type { Finding, Observation, Term } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now } from "../units.ts";
import { type Detector, framesOf, hasRoom, MOST_EVSES, MOST_NATS, weigh } from "./detector.ts";
import { plausible } from "./energy/tracks.ts";
import { createHabit, type Habit, habitTerm, honestShare, learnHabit, type TraitLaw } from "./learned/habit.ts";

const LAWS = {
  hand: {
    term: "signs of a hand that nobody announced", absent: "a fault without signs of a hand",
    attackShare: 0.6, honestShare: 0.00004, weight: 20,
  },
  announced: {
    term: "signs of a hand while out of service", absent: "no hand while out of service",
    attackShare: 0.1, honestShare: 0.05, weight: 20,
  },
  flowing: {
    term: "the meter fell silent while current flowed", absent: "the meter fell silent at rest",
    attackShare: 0.95, honestShare: 0.25, weight: 10,
  },
  lasting: {
    term: "the station went on charging without it", absent: "the meter was back within minutes",
    attackShare: 0.9, honestShare: 0.1, weight: 10,
  },
  stood: {
    term: "its register stood still although the station billed", absent: "its register had gone on",
    attackShare: 0.5, honestShare: 0.001, weight: 20,
  },
} as const satisfies Record<string, TraitLaw>;
type Trait = keyof typeof LAWS;

interface Silence {
  sinceMs: number;
  /** The meter's register when it was last read, and the sum of the station's reports then and since, Wh. */
  meterWh: number;
  billedWh: number;
  /** Whether current flowed; whether it was judged that the silence lasts. */
  flowing: boolean;
  lasted: boolean;
}

interface MeterSeen {
  atMs: number;
  everyMs: number;
  powerW: number;
  registerWh: number | undefined;
  silence: Silence | undefined;
}

export interface PhysicalTampering {
  habits: Record<Trait, Habit>;
  meters: Record<string, MeterSeen>;
  /** Hours of readings under current, and of all, those long ago counting less. */
  flowHours: number;
  hours: number;
  /** Last register that the station reported, by EVSE, Wh. */
  reported: Record<string, number>;
  /** Monotonic ms: when the incident last showed something, and whether it has shown a hand; -1: none. */
  incidentMs: number;
  hand: boolean;
  /** EVSEs that are out of service, and monotonic ms until which a maintenance login stands for all. */
  outOfService: number[];
  maintenanceUntilMs: number;
  linkUp: boolean;
}

const INCIDENT_MS = HOUR_MS;
const MAINTENANCE_MS = 4 * HOUR_MS;
const HAND = /tamper|intrusion|(door|cover|enclosure|cabinet|housing|lid).*(open|remov)|open.*(door|cover|lid)|tilt/i;
const FLOWING_W = 500;
/** A meter is silent after this long, or five of its intervals. */
const SILENT_MS = 2 * MINUTE_MS;
const LASTING_MS = 10 * MINUTE_MS;
/** What the station must have billed meanwhile for the meter's register to say something. */
const BILLED_WH = 500;
const STOOD_SHARE = 0.1;
/** Current that flows as rarely as this, or more rarely: a load may break a line, too. */
const LEAST_FLOW_SHARE = 0.1;
const PRIOR_HOURS = 24;
const MOST_HOURS = 90 * 24;
const NO_REGISTER = -1;

export const physicalTampering: Detector<PhysicalTampering> = {
  name: "physical-tampering",
  version: 2,
  create: () => ({
    habits: {
      hand: createHabit(LAWS.hand), announced: createHabit(LAWS.announced), flowing: createHabit(LAWS.flowing),
      lasting: createHabit(LAWS.lasting), stood: createHabit(LAWS.stood),
    },
    meters: {}, flowHours: 0, hours: 0, reported: {}, incidentMs: -1, hand: false, outOfService: [],
    maintenanceUntilMs: -1, linkUp: true,
  }),
  observe(state, seen, now) {
    switch (seen.kind) {
      case "security-event":
        if (/^MaintenanceLoginAccepted/i.test(seen.type)) state.maintenanceUntilMs = now.monoMs + MAINTENANCE_MS;
        return HAND.test(seen.type) ? incident(state, true, `the station reports ${seen.type}`, seen, now) : [];
      case "status":
        return status(state, seen, now);
      case "link":
        state.linkUp = seen.state === "connect";
        return [];
      case "reported-reading":
        return seen.offline ? [] : reported(state, seen, now);
      case "meter-reading":
        return reading(state, seen, now);
      case "meter-lost":
        return silent(state, String(seen.evseId), now);
      case "tick":
        return Object.entries(state.meters).flatMap(([key, meter]) => {
          const silentMs = now.monoMs - meter.atMs;
          return silentMs > Math.max(SILENT_MS, 5 * meter.everyMs) ? silent(state, key, now) : [];
        });
      default:
        return [];
    }
  },
};

function status(state: PhysicalTampering, seen: Observation & { kind: "status" }, now: Now): Finding[] {
  const out = state.outOfService.filter((evseId) => evseId !== seen.evseId);
  if (seen.status === "Unavailable" && out.length < MOST_EVSES) out.push(seen.evseId);
  // A fault takes nothing back into service.
  if (seen.status !== "Faulted") state.outOfService = out;
  const code = `${seen.vendorErrorCode ?? ""}`;
  const hand = HAND.test(code);
  if (!hand && seen.status !== "Faulted") return [];
  return incident(state, hand, hand ? `the station reports ${code}` : "", seen, now);
}

/** One trial an incident, and a second one where what began as a fault turns out to show a hand. */
function incident(state: PhysicalTampering, hand: boolean, says: string, seen: Observation, now: Now): Finding[] {
  const goesOn = state.incidentMs >= 0 && now.monoMs - state.incidentMs < INCIDENT_MS;
  const known = goesOn && (state.hand || !hand);
  state.hand = hand || (goesOn && state.hand);
  state.incidentMs = now.monoMs;
  if (known) return [];
  const announced = state.outOfService.length > 0 || now.monoMs < state.maintenanceUntilMs;
  const terms = [trial(state, "hand", hand && !announced)];
  if (!hand || announced) terms.push(trial(state, "announced", hand));
  return [finding(terms, says, now, framesOf(seen))];
}

/**
 * The evidence of one trial, which teaches: upwards only. The last fifty trials cannot show that what is seen once in
 * thousands is rarer still.
 */
function trial(
  state: PhysicalTampering, trait: Trait, shows: boolean, shipped: number = LAWS[trait].honestShare,
): Term {
  const [habit, law] = [state.habits[trait], { ...LAWS[trait], honestShare: shipped }];
  const term = habitTerm(honestShare(habit, law) < law.honestShare ? createHabit(law) : habit, law, shows);
  learnHabit(habit, shows);
  return term;
}

function reported(state: PhysicalTampering, seen: Observation & { kind: "reported-reading" }, now: Now): Finding[] {
  const registerWh = plausible(seen.reading.energyImportWh);
  if (registerWh === undefined) return [];
  const key = String(seen.reading.evseId);
  const before = state.reported[key];
  if (!hasRoom(state.reported, key)) return [];
  state.reported[key] = registerWh;
  const meter = state.meters[key] === undefined ? "0" : key;
  const silence = state.meters[meter]?.silence;
  if (silence === undefined || before === undefined || registerWh <= before) return [];
  silence.billedWh += registerWh - before;
  const lasts = silence.flowing && !silence.lasted && now.monoMs - silence.sinceMs > LASTING_MS;
  if (!lasts || silence.billedWh < BILLED_WH) return [];
  silence.lasted = true;
  const says = `no reading for ${Math.round((now.monoMs - silence.sinceMs) / MINUTE_MS)} minutes of the meter on ` +
    `EVSE ${meter} while the station charges on`;
  return [finding([trial(state, "lasting", true)], says, now, framesOf(seen))];
}

/** A silence begins. Over a link that is down as well, or went down meanwhile, nothing is made of it. */
function silent(state: PhysicalTampering, key: string, now: Now): Finding[] {
  const meter = state.meters[key];
  if (meter === undefined || meter.silence !== undefined) return [];
  const flowing = meter.powerW > FLOWING_W;
  meter.silence = {
    sinceMs: meter.atMs, meterWh: meter.registerWh ?? NO_REGISTER, billedWh: 0, lasted: false,
    flowing: flowing && state.linkUp,
  };
  if (!state.linkUp) return [];
  const kW = (meter.powerW / 1_000).toFixed(1);
  const says = flowing ? `the meter on EVSE ${key} fell silent while ${kW} kW flowed` : "";
  return [finding([trial(state, "flowing", flowing, flowShare(state))], says, now, [])];
}

/** The share of time in which current flows at this station, at most. */
function flowShare({ flowHours, hours }: PhysicalTampering): number {
  const { honestShare: shipped } = LAWS.flowing;
  const share = (flowHours + shipped * PRIOR_HOURS) / (hours + PRIOR_HOURS);
  return Math.min(0.9, Math.max(LEAST_FLOW_SHARE, share));
}

function reading(state: PhysicalTampering, seen: Observation & { kind: "meter-reading" }, now: Now): Finding[] {
  const key = String(seen.reading.evseId);
  const before = state.meters[key];
  if (!hasRoom(state.meters, key)) return [];
  const registerWh = plausible(seen.reading.energyImportWh);
  const powerW = Math.abs(plausible(seen.reading.powerW) ?? 0);
  const everyMs = before === undefined ? 0 : intervalMs(before, now);
  if (before !== undefined) passFlow(state, before, now);
  state.meters[key] = { atMs: now.monoMs, powerW, registerWh, silence: undefined, everyMs };
  const silence = before?.silence;
  return silence?.flowing === true ? back(state, silence, registerWh, now) : [];
}

function passFlow(state: PhysicalTampering, before: MeterSeen, now: Now): void {
  const hours = Math.min(SILENT_MS, Math.max(0, now.monoMs - before.atMs)) / HOUR_MS;
  const keep = Math.min(1, MOST_HOURS / (state.hours + hours));
  state.hours = (state.hours + hours) * keep;
  state.flowHours = (state.flowHours + (before.powerW > FLOWING_W ? hours : 0)) * keep;
}

/** The first interval as it is, and changes of it slowly: a gap is no new interval. */
function intervalMs({ atMs, everyMs }: MeterSeen, now: Now): number {
  const gapMs = Math.min(HOUR_MS, Math.max(1, now.monoMs - atMs));
  return everyMs === 0 ? gapMs : everyMs + 0.2 * (Math.min(gapMs, 3 * everyMs) - everyMs);
}

/** The meter is back: was it out of reach, or cut out? */
function back(state: PhysicalTampering, silence: Silence, registerWh: number | undefined, now: Now): Finding[] {
  const terms: Term[] = [];
  if (!silence.lasted) terms.push(trial(state, "lasting", false));
  const countedWh = silence.meterWh === NO_REGISTER ? NO_REGISTER : (registerWh ?? NO_REGISTER) - silence.meterWh;
  // A register below what it was began anew: replaced or reset.
  const tells = silence.lasted && countedWh >= 0;
  const stood = countedWh < STOOD_SHARE * silence.billedWh;
  if (tells) terms.push(trial(state, "stood", stood));
  const kWh = (wh: number): string => (wh / 1_000).toFixed(2);
  const says = tells && stood
    ? `the meter counted ${kWh(countedWh)} kWh over its silence, the station billed ${kWh(silence.billedWh)} kWh` : "";
  return terms.length === 0 ? [] : [finding(terms, says, now, [])];
}

function finding(terms: readonly Term[], says: string, now: Now, frames: readonly number[]): Finding {
  return { key: "physical-tampering", at: now.wallMs, ...weigh(terms, -MOST_NATS, MOST_NATS), frames, says };
}
