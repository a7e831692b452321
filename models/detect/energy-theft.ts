/**
 * energy-theft: energy delivered and not billed. And, since one balance tells of both, billing-inflation.
 *
 * Looks for three things. (1) The agent's own meter runs ahead of the registers that the station reports: see
 * energy/session.ts. (2) The meter runs while no transaction is open that can explain it: one on its EVSE, or, where
 * one meter covers all, any; and days and months whose bills do not explain the meter: energy/calendar.ts. (3) A
 * reported register rolls back, between transactions or inside one.
 * Statistics: (1) one common shift of the learned ratio of delivered to billed energy over a session, and a drift
 * beyond what the class of two meters allows, over weeks of sessions; (2) and (3) the
 * station's own habit: how often honest idle time shows charging power, how often its registers step back.
 * Each is a reflected sum of its own (what bills say, idle time, the calendar), and the evidence is their even mixture:
 * nights without theft say nothing of a meter that counts too little by day.
 * Null: the station's own past from a shipped prior. Honest look-alikes: meter class, the loss of a DC charger
 * metered on the AC side, registers that restart with each session or boot, a backlog of transactions after an
 * outage, also one that leaves the link up and lets nothing pass (denial-of-service.ts), standby power, loads that the
 * operator declares. The forward gaps between sessions that 16.7 % of honest register pairs show (Barnet 2020) are no
 * evidence here.
 * Cannot tell apart: a station's meter that drifts beyond its class by itself, and one that was slowed down. Both
 * deliver what is not billed, at the same pace and in the same registers; the alert says that a meter may drift.
 * Joint feature `delivered-less-billed`: the same comparison against a drift too small to matter at one station.
 */
import type { Finding, Observation } from "../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Now } from "../units.ts";
import { type Detector, framesOf, hasRoom, weigh } from "./detector.ts";
import { INFLATION } from "./billing-inflation.ts";
import { type Balance, createBalance, dropStale, isOpen, noteRolled, type Settled } from "./energy/balance.ts";
import { type Calendar, createCalendar, passCalendar } from "./energy/calendar.ts";
import { balanceOf, type Suspicion, told } from "./energy/findings.ts";
import { createStandby, noteRest, standbyOf } from "./energy/standby.ts";
import { plausible } from "./energy/tracks.ts";
import { mixtureOf, moveSums } from "./learned/acts.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "./learned/habit.ts";
import { CHARGING_W } from "./sessions.ts";

export interface EnergyTheft {
  balance: Balance;
  idle: IdleWatch;
  calendar: Calendar;
  /** What speaks for theft by bills and registers, by idle time, and by days and months, nats. */
  sums: Record<Stream, number>;
  idleHabit: Habit;
  /** Last reported register of each EVSE at the end of a transaction, Wh. */
  registerWh: Record<string, number>;
  rollbackHabit: Habit;
  /** By EVSE, what was said of its register at the start of the transaction, until it ends: nats. */
  saidOfRegister: Record<string, number>;
  /** When a step back taught last; -1: never. */
  rolledMs: number;
}

type Stream = "billed" | "idle" | "calendar";

/** The meters while no transaction is open. */
interface IdleWatch {
  /** Monotonic time since which nothing about the whole station can explain charging power; -1: something can. */
  clearSinceMs: number;
  /** By metered EVSE. */
  meters: Record<string, IdleMeter>;
  linkUp: boolean;
  heard: Heard;
  /** Transactions that ended of late, newest last: their readings may come late and excuse nothing. */
  ended: string[];
}

/** When the station was heard last, monotonic ms (-1: not yet), and for how long it is usually silent. */
interface Heard {
  atMs: number;
  usualMs: number;
}

interface IdleMeter {
  /** Monotonic time since which no transaction can explain power at this meter; -1: one can. */
  clearSinceMs: number;
  /** Time and register at the start of the current block; -1: none. */
  startMs: number;
  startWh: number;
  /** Sum and number of the power readings in the block, W. */
  powerSumW: number;
  powerReadings: number;
  /** Whether the last block showed charging power: the next one is then no surprise. */
  running: boolean;
}

export const THEFT: Suspicion = {
  way: "theft", threat: "energy-theft", feature: "delivered-less-billed",
  term: "delivered energy ahead of billed", driftTerm: "small drift of delivered over billed",
};
/** After an end, a connect or a reboot the station may still owe a message: that long nothing is held against it. */
const GRACE_MS = 10 * MINUTE_MS;
/** A transaction that began before the agent is known by its reports only, and they come every 15 minutes or so. */
const UNSEEN_MS = 20 * MINUTE_MS;
/** A link on which the station is silent for longer than is usual, and than this and a half, counts as down. */
const SILENT_MS = 15 * MINUTE_MS;
const SILENT_TIMES = 1.5;
/** One silence makes the usual one at most so many times as long; time takes this share of itself from it. */
const SILENT_GROWTH = 2;
const SILENT_LOSS = 1 / 64;
const IDLE_BLOCK_MS = 5 * MINUTE_MS;
/** The register alone must show this much: one step of a coarse one (100 Wh) is 1.2 kW over a block. */
const CHARGING_BY_REGISTER_W = 2_500;
const IDLE: TraitLaw = {
  term: "charging power without a transaction", absent: "idle without charging power",
  attackShare: 0.5, honestShare: 1 / 1_000, weight: 500,
};
/** Once it runs, it goes on: honest causes last another block half of the time, theft nearly always. */
const STILL_RUNNING_NATS = 0.7;
const ROLLBACK: TraitLaw = {
  term: "reported register rolled back", absent: "register went on",
  attackShare: 0.3, honestShare: 0.001, weight: 50,
};
const ROLLBACK_LEAST_WH = 100;
/** A register that starts near zero restarts with each session: a habit of the maker's, no roll-back. */
const RESTART_BELOW_WH = 50;
/** Of the steps back of a day one teaches, so that a run of them is not its own habit. */
const TEACH_EVERY_MS = DAY_MS;
const MOST_ENDED = 16;
const NO_EVSE = -1;

export const energyTheft: Detector<EnergyTheft> = {
  name: "energy-theft",
  version: 9,
  create: ({ loadsW = {} }) => ({
    balance: createBalance(loadsW),
    calendar: createCalendar(),
    sums: { billed: 0, idle: 0, calendar: 0 },
    idle: { clearSinceMs: -1, meters: {}, linkUp: true, heard: { atMs: -1, usualMs: SILENT_MS }, ended: [] },
    idleHabit: createHabit(IDLE),
    registerWh: {},
    rollbackHabit: createHabit(ROLLBACK),
    saidOfRegister: {},
    rolledMs: -1,
  }),
  observe(state, seen, now) {
    const settled = balanceOf(state.balance, seen, now);
    const stepped = settled.rolledWh === undefined ? [] : rolledInside(state, settled.rolledWh, seen, now);
    const billed = [...stepped, ...told(settled, THEFT, seen, now), ...rollback(state, settled, seen, now)];
    return [
      ...summed(state, "billed", billed), ...summed(state, "idle", idle(state, seen, now)),
      ...summed(state, "calendar", calendar(state, seen, now)), ...told(settled, INFLATION, seen, now),
    ];
  },
};

/** By how much findings of one stream move the mixture of both; those that do not are left out. */
export function summed({ sums }: Pick<EnergyTheft, "sums">, stream: Stream, findings: readonly Finding[]): Finding[] {
  return findings.flatMap((finding) => {
    if (finding.key !== THEFT.threat) return [finding];
    const { standsNats, ...own } = finding;
    const growth = moveSums(sums, { [stream]: own.nats }, () => mixtureOf(Object.values(sums)), standsNats);
    return growth === 0 ? [] : [{ ...own, ...weigh(own.terms, growth, growth) }];
  });
}

/** What the days and months that end with an observation say. */
export function calendar(
  { calendar: own, balance }: Pick<EnergyTheft, "calendar" | "balance">, seen: Observation, now: Now,
): Finding[] {
  return passCalendar(own, balance, seen, now).map(({ term, nats, says }) =>
    ({ key: THEFT.threat, at: now.wallMs, nats, terms: [{ term, nats }], frames: [], says }));
}

function idle(state: EnergyTheft, seen: Observation, now: Now): Finding[] {
  const watch = state.idle;
  if (seen.kind === "tick") dropStale(state.balance, NO_EVSE, now);
  if (seen.kind === "link") watch.linkUp = seen.state === "connect";
  if (seen.kind === "transaction-ended") endedAt(watch, seen, now);
  const unseen = tellsOfUnseen(state, seen);
  if (seen.kind === "tick" && (seen.traffic?.heard ?? 0) > 0) hear(watch.heard, now);
  const reachable = watch.linkUp && !isSilent(watch.heard, now);
  if (!reachable || seen.kind === "link" || seen.kind === "boot" || seen.kind === "meter-lost" || unseen) {
    watch.clearSinceMs = reachable ? now.monoMs + (unseen ? UNSEEN_MS : 0) : -1;
    for (const meter of Object.values(watch.meters)) meter.startMs = -1;
    return [];
  }
  if (seen.kind !== "meter-reading") return [];
  const meter = meterOf(watch, String(seen.reading.evseId));
  if (meter === undefined) return [];
  if (explainedAt(state.balance, seen.reading.evseId)) {
    Object.assign(meter, { startMs: -1, clearSinceMs: -1, running: false });
    return [];
  }
  if (watch.clearSinceMs < 0) watch.clearSinceMs = now.monoMs;
  if (meter.clearSinceMs < 0) meter.clearSinceMs = now.monoMs;
  if (now.monoMs - Math.max(watch.clearSinceMs, meter.clearSinceMs) < GRACE_MS) return [];
  return idleBlock(state, meter, seen, now);
}

/** The station was heard: learns how long it is silent. */
function hear(heard: Heard, { monoMs }: Now): void {
  const silentMs = heard.atMs < 0 ? 0 : monoMs - heard.atMs;
  const most = SILENT_GROWTH * heard.usualMs;
  heard.usualMs = Math.max(SILENT_MS, Math.min(most, silentMs), heard.usualMs - SILENT_LOSS * silentMs);
  heard.atMs = monoMs;
}

/** Whether starts may have been swallowed on the way: as with a link that is down, nothing is held against anybody. */
function isSilent({ atMs, usualMs }: Heard, { monoMs }: Now): boolean {
  return atMs >= 0 && monoMs - atMs > SILENT_TIMES * usualMs;
}

/** Whether an open transaction can explain power at a meter: EVSE 0 is the whole station, or one that was not named. */
function explainedAt(balance: Balance, evseId: number): boolean {
  for (const id in balance.transactions) {
    const of = balance.transactions[id]?.evseId;
    if (of === evseId || of === 0 || evseId === 0) return true;
  }
  return false;
}

/** One that was not seen open had its power, too: grace is given by every end. */
function endedAt(watch: IdleWatch, seen: Observation & { kind: "transaction-ended" }, now: Now): void {
  watch.ended = [...watch.ended, seen.transactionId].slice(-MOST_ENDED);
  for (const [key, meter] of Object.entries(watch.meters)) {
    if (key !== String(seen.evseId) && key !== "0" && seen.evseId !== 0) continue;
    Object.assign(meter, { startMs: -1, clearSinceMs: now.monoMs });
  }
}

/** A report of a transaction whose start passed by before the agent was there. */
function tellsOfUnseen({ idle: watch, balance }: EnergyTheft, seen: Observation): boolean {
  return seen.kind === "reported-reading" && seen.transactionId !== undefined && !seen.offline &&
    !isOpen(balance, seen.transactionId) && !watch.ended.includes(seen.transactionId);
}

/** Closes a block of idle time every `IDLE_BLOCK_MS` and asks whether energy flowed in it. */
function idleBlock(
  state: EnergyTheft, meter: IdleMeter, seen: Observation & { kind: "meter-reading" }, now: Now,
): Finding[] {
  const registerWh = plausible(seen.reading.energyImportWh);
  if (registerWh === undefined) return [];
  if (meter.startMs < 0) {
    beginBlock(meter, registerWh, now);
    return [];
  }
  const reading = plausible(seen.reading.powerW);
  if (reading !== undefined) {
    meter.powerSumW += reading;
    meter.powerReadings += 1;
  }
  const elapsedMs = now.monoMs - meter.startMs;
  if (elapsedMs < IDLE_BLOCK_MS) return [];
  const registerW = ((registerWh - meter.startWh) * HOUR_MS) / elapsedMs;
  const readW = meter.powerReadings === 0 ? registerW : meter.powerSumW / meter.powerReadings;
  beginBlock(meter, registerWh, now);
  // A gap in the readings says nothing about when the energy flowed.
  if (elapsedMs > 3 * IDLE_BLOCK_MS || registerW < 0) return [];
  return judgeIdle(state, meter, { key: String(seen.reading.evseId), readW, registerW }, now);
}

function meterOf(watch: IdleWatch, key: string): IdleMeter | undefined {
  if (!hasRoom(watch.meters, key)) return undefined;
  return (watch.meters[key] ??=
    { clearSinceMs: -1, startMs: -1, startWh: 0, powerSumW: 0, powerReadings: 0, running: false });
}

function beginBlock(meter: IdleMeter, registerWh: number, now: Now): void {
  Object.assign(meter, { startMs: now.monoMs, startWh: registerWh, powerSumW: 0, powerReadings: 0 });
}

interface IdleBlock {
  /** The meter's EVSE. */
  readonly key: string;
  /** Mean power as it was read, and as the register grew, W. */
  readonly readW: number;
  readonly registerW: number;
}

function judgeIdle(state: EnergyTheft, meter: IdleMeter, { key, readW, registerW }: IdleBlock, now: Now): Finding[] {
  const standby = (state.balance.standby[key] ??= createStandby());
  noteRest(standby, readW);
  const besidesW = standbyOf(standby).meanW + standby.loadW;
  const charging = readW > besidesW + CHARGING_W || registerW > besidesW + CHARGING_BY_REGISTER_W;
  const powerW = Math.max(0, charging ? Math.max(readW, registerW) : readW);
  const goesOn = charging && meter.running;
  meter.running = charging;
  // That one EVSE rests says nothing for the other.
  if (!charging && Object.values(state.idle.meters).some(({ running }) => running)) return [];
  const term = goesOn ? { term: IDLE.term, nats: STILL_RUNNING_NATS } : habitTerm(state.idleHabit, IDLE, charging);
  if (!goesOn) learnHabit(state.idleHabit, charging);
  const says = charging ? `the meter shows ${(powerW / 1000).toFixed(1)} kW while no transaction is open` : "";
  return [{ key: "energy-theft", at: now.wallMs, nats: term.nats, terms: [term], frames: [], says }];
}

function rollback(state: EnergyTheft, { comparisons }: Settled, seen: Observation, now: Now): Finding[] {
  // A stop that claimed too much is no register to step back from.
  if (seen.kind === "meter-reading" && comparisons.some(({ nats }) => nats.inflation > 1)) {
    delete state.registerWh[String(seen.reading.evseId)];
  }
  // Registers that are kept in memory alone begin anew with the station.
  if (seen.kind === "boot") state.registerWh = {};
  if (seen.kind === "boot") state.saidOfRegister = {};
  if (seen.kind !== "transaction-ended" && seen.kind !== "transaction-started") return [];
  const registerWh = plausible(seen.registerWh);
  // EVSE 0 is one that the message did not name: registers of two EVSEs are not to be compared.
  if (registerWh === undefined || seen.evseId === 0) return [];
  const key = String(seen.evseId);
  const before = state.registerWh[key];
  delete state.saidOfRegister[key];
  if (seen.kind === "transaction-ended") {
    if (hasRoom(state.registerWh, key)) state.registerWh[key] = registerWh;
    return [];
  }
  if (seen.offline || before === undefined) return [];
  const stepWh = before - registerWh;
  const rolled = stepWh > ROLLBACK_LEAST_WH && registerWh >= RESTART_BELOW_WH;
  const term = habitTerm(state.rollbackHabit, ROLLBACK, rolled);
  teachRollback(state, rolled, now);
  if (!rolled) state.saidOfRegister[key] = term.nats;
  const says = rolled ? `the reported register stepped back by ${(stepWh / 1000).toFixed(2)} kWh between sessions` : "";
  return [{ key: "energy-theft", at: now.wallMs, nats: term.nats, terms: [term], frames: framesOf(seen), says }];
}

/**
 * A register that stepped back inside a transaction and stayed back. Gap and transaction together are one e-value: what
 * was said at the start, that the register went on, is taken back.
 */
function rolledInside(state: EnergyTheft, stepWh: number, seen: Observation, now: Now): Finding[] {
  if (seen.kind !== "reported-reading") return [];
  const { evseId } = seen.reading;
  const said = state.saidOfRegister[String(evseId)];
  if (said === undefined) return [];
  delete state.saidOfRegister[String(evseId)];
  const shown = habitTerm(state.rollbackHabit, ROLLBACK, true);
  const nats = shown.nats - said;
  teachRollback(state, true, now);
  const comparisons = noteRolled(state.balance, evseId, nats, now);
  const says = `the reported register stepped back by ${(stepWh / 1000).toFixed(2)} kWh inside a transaction`;
  const terms = [{ term: shown.term, nats }];
  return [{ key: "energy-theft", at: now.wallMs, nats, terms, frames: framesOf(seen), says },
    ...[THEFT, INFLATION].flatMap((suspicion) => told({ comparisons }, suspicion, seen, now))];
}

function teachRollback(state: EnergyTheft, rolled: boolean, now: Now): void {
  if (rolled && state.rolledMs >= 0 && now.monoMs - state.rolledMs < TEACH_EVERY_MS) return;
  if (rolled) state.rolledMs = now.monoMs;
  learnHabit(state.rollbackHabit, rolled);
}
