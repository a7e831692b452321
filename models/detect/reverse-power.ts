/**
 * reverse-power: discharge to the grid that nobody asked for.
 *
 * Looks for: power out of the station, by the agent's own meter or, where there is none, by the station's readings,
 * while no discharge was agreed: no charging limit below zero, no bidirectional energy transfer or operation mode of
 * a V2G transaction (OCPP 2.1 K28, Q; ISO 15118-20 BPT), no frequency or DER order.
 * Statistic: blocks of two minutes, however often the meter is read. A run of exporting blocks begins as a Poisson
 * event at a learned rate by time of week; each further five minutes are the habit of such runs to go on, also where
 * long runs are the site's own, once this one is far longer than any before it. How much power flows is told of as it
 * rises above what the run has shown already: what has no cause but noise is exponential in the logarithm of power
 * above `EXPORT_W`, with a learned mean, while who discharges takes any power that a vehicle can give. And a station
 * that tells of import meanwhile tells no truth.
 * Null: the station's own past, and where it shows nothing, that a charger never discharges by itself: the shipped rate
 * and shares are judgements, since no public base rates exist. The first export of a site whose vehicles discharge by
 * an agreement that OCPP does not carry is told of, and known from then on.
 * Honest look-alikes: noise near zero (below `EXPORT_W` or a hundredth of the highest power). A meter wired in reverse,
 * or a station that names its directions the other way: the first power that ever flows at a meter is taken for
 * charging, whatever its sign. Solar power behind the meter of a whole site, which is learned by the hour.
 * Joint feature `export`: the beginnings of the same runs against a rise too small to matter at one station.
 */
import type { Finding, Observation, Reading, Term } from "../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Now, SECOND_MS } from "../units.ts";
import { type Detector, framesOf, hasRoom, MOST_NATS, weigh } from "./detector.ts";
import { plausible } from "./energy/tracks.ts";
import { createHabit, type Habit, habitTerm, honestShare, learnHabit, type TraitLaw } from "./learned/habit.ts";
import { createRate, eventNats, learnRate, type LearnedRate, quietNats, upperPerHour } from "./learned/rate.ts";

export interface ReversePower {
  /** By EVSE; those that are known from the station's own readings alone begin with `r`. */
  meters: Record<string, FlowMeter>;
  /** Monotonic time until which discharge is agreed, by EVSE (0: all), and whether that ends with the transaction. */
  agreed: Record<string, { untilMs: number; once: boolean }>;
  linkUp: boolean;
  onsets: LearnedRate;
  goesOn: Habit;
  /** Learned mean of ln(power / least power that counts) of runs that ended, and how many that rests on. */
  logPower: number;
  logPowerWeight: number;
  /** Longest run that ended, in blocks. */
  longest: number;
  contradicted: Habit;
}

interface FlowMeter {
  /** 1: counts as it should, -1: wired in reverse, 0: nothing has flowed yet. */
  sign: number;
  /** Highest power either way, W. */
  peakW: number;
  /** Start of the block (monotonic ms; -1: none), its registers' net import, Wh, and its power readings. */
  startMs: number;
  startWh: number | undefined;
  sumW: number;
  readings: number;
  /** Steps of `RUN_MS` that the present run of export has lasted, begun ones included, and its length, ms. */
  exporting: number;
  runMs: number;
  /** Whether the station was heard during the run. */
  heard: boolean;
  /** ln(power / least power that counts), the highest of the run. */
  topLog: number;
}

const BLOCK_MS = 2 * MINUTE_MS;
/** Registers alone need longer, and so does a run to show that it goes on. */
const REGISTER_BLOCK_MS = 5 * MINUTE_MS;
const RUN_MS = 5 * MINUTE_MS;
const LONGEST_BLOCK_MS = 15 * MINUTE_MS;
/** A reading keeps time within so much: one that comes this early ends a block as if in time, and no third minute. */
const EARLY_MS = SECOND_MS;
/** Noise of a meter at rest stays below both: class 1 meters start at 0.4 % of their rated current (EN 50470-3). */
const EXPORT_W = 300;
const EXPORT_SHARE = 0.01;
/** Registers alone: one step of a coarse one (100 Wh) is 1.2 kW over a block. */
const BY_REGISTER_W = 2_500;
const FIRST_FLOW_W = 500;
/** Whoever discharges does so once a day or more often. */
const ATTACK_PER_HOUR = 1 / 24;
/**
 * Without a run in memory no more than one is expected in so many hours: at a meter of the whole station, which may
 * have a roof above it, and at one of an EVSE, behind which there is a vehicle and nothing else.
 */
const RARE_HOURS = { station: 1_500, evse: 40_000 } as const;
const PRIOR_WEIGHT_HOURS = 500;
const JEFFREYS = 0.5;
/** The joint feature's alternative, one run an hour: it is the zone's to judge, and rests on memory alone. */
const JOINT_PER_HOUR = 1;
const GOES_ON: TraitLaw = {
  term: "power goes on flowing out", absent: "power no longer flows out",
  attackShare: 0.9, honestShare: 0.33, weight: 30,
};
/** The first hour of a run teaches, at its end, so that an attack is not its own habit while it lasts. */
const TELLING_BLOCKS = 12;
/** Where runs go on as often as this they are a site's own, and what comes after the first hour says nothing. */
const HABITUAL_SHARE = 0.8;
/** A run this many times as long as any before is no longer the site's own: so few of its like go on even then. */
const FAR_LONGER = 2;
const GOES_ON_EVEN_SO = 0.8;
/** Whoever discharges takes any power up to this many times the least that counts (30 kW), evenly by its logarithm. */
const MOST_LOG = Math.log(100);
/** Honest exports without a cause: judgement, a mean of 1.6 times the least that counts; learned upwards. */
const PRIOR_LOG = 0.5;
const PRIOR_LOG_WEIGHT = 5;
const MOST_LOG_WEIGHT = 100;
/** The station tells of import while its meter shows export. */
const CONTRADICTED: TraitLaw = {
  term: "the station tells of import meanwhile", absent: "the station tells of no import",
  attackShare: 0.5, honestShare: 0.05, weight: 20,
};
const IMPORT_W = 500;
const STANDING_MS = 90 * DAY_MS;
const GRACE_MS = 10 * MINUTE_MS;
const DISCHARGE_ORDERS = new Set(["frequency-signal", "set-der-control"]);
const ENDS_WITH_TRANSACTION = new Set(["TxProfile", "energy-transfer", "operation-mode"]);

export const reversePower: Detector<ReversePower> = {
  name: "reverse-power",
  version: 3,
  create: () => ({
    meters: {}, agreed: {}, linkUp: true,
    onsets: createRate(0, PRIOR_WEIGHT_HOURS), goesOn: createHabit(GOES_ON), contradicted: createHabit(CONTRADICTED),
    logPower: PRIOR_LOG, logPowerWeight: PRIOR_LOG_WEIGHT, longest: TELLING_BLOCKS,
  }),
  observe(state, seen, now) {
    switch (seen.kind) {
      case "meter-reading":
        return flow(state, String(seen.reading.evseId), seen, now);
      case "reported-reading":
        if (seen.offline) return [];
        return hasMeter(state, seen.reading.evseId) ? heard(state, seen, now)
          : flow(state, `r${seen.reading.evseId}`, seen, now);
      case "link":
        state.linkUp = seen.state === "connect";
        return [];
      default:
        permit(state, seen, now);
        return [];
    }
  },
};

function hasMeter(state: ReversePower, evseId: number): boolean {
  return state.meters[String(evseId)] !== undefined || state.meters["0"] !== undefined;
}

/** What the station says of an EVSE whose meter shows export: once a run. */
function heard(state: ReversePower, seen: Observation & { kind: "reported-reading" }, now: Now): Finding[] {
  const meter = state.meters[String(seen.reading.evseId)];
  const powerW = plausible(seen.reading.powerW);
  if (powerW === undefined || meter === undefined || meter.exporting === 0 || meter.heard) return [];
  meter.heard = true;
  const imports = powerW > IMPORT_W;
  const term = habitTerm(state.contradicted, CONTRADICTED, imports);
  learnHabit(state.contradicted, imports);
  const says = imports ? `the station tells of ${(powerW / 1_000).toFixed(1)} kW of import while power flows out` : "";
  return [{ key: "reverse-power", at: now.wallMs, nats: term.nats, terms: [term], frames: framesOf(seen), says }];
}

/** Notes what allows discharge, and what ends that. */
function permit(state: ReversePower, seen: Observation, now: Now): void {
  if (seen.kind === "transaction-ended") {
    const agreed = state.agreed[String(seen.evseId)];
    if (agreed?.once === true) agreed.untilMs = Math.min(agreed.untilMs, now.monoMs + GRACE_MS);
  }
  if (!("outcome" in seen) || seen.outcome === "refused" || seen.outcome === "error") return;
  if (seen.kind === "command" && seen.command === "clear-charging-profile") state.agreed = {};
  const by = seen.kind === "discharge-agreed" ? seen.by
    : seen.kind === "charging-limit" && seen.limit < 0 ? seen.purpose
    : seen.kind === "command" && DISCHARGE_ORDERS.has(seen.command) ? seen.command : undefined;
  if (by === undefined) return;
  const evse = String("evseId" in seen ? seen.evseId ?? 0 : 0);
  if (!hasRoom(state.agreed, evse)) return;
  const once = evse !== "0" && ENDS_WITH_TRANSACTION.has(by);
  state.agreed[evse] = { untilMs: now.monoMs + (once ? DAY_MS : STANDING_MS), once };
}

/** Whether discharge is agreed at a meter, or was since `sinceMs`; one of the whole station asks for any EVSE. */
function isAgreed(state: ReversePower, key: string, sinceMs: number): boolean {
  const evse = key.replace("r", "");
  return Object.entries(state.agreed).some(([of, { untilMs }]) =>
    untilMs > sinceMs && (of === "0" || evse === "0" || of === evse));
}

function netWh({ energyImportWh, energyExportWh }: Reading): number | undefined {
  const out = plausible(energyExportWh);
  return out === undefined ? undefined : (plausible(energyImportWh) ?? 0) - out;
}

const newMeter = (): FlowMeter => ({
  sign: 0, peakW: 0, startMs: -1, startWh: undefined, sumW: 0, readings: 0, exporting: 0, runMs: 0, heard: false,
  topLog: 0,
});

/** Takes one reading; at the end of a block says what flowed in it. */
function flow(
  state: ReversePower, key: string, seen: Observation & { readonly reading: Reading }, now: Now,
): Finding[] {
  if (!hasRoom(state.meters, key)) return [];
  const meter = (state.meters[key] ??= newMeter());
  const powerW = plausible(seen.reading.powerW);
  const registerWh = netWh(seen.reading);
  const { startMs, startWh } = meter;
  const elapsedMs = now.monoMs - startMs;
  const begin = (): void => {
    Object.assign(meter, { startMs: state.linkUp ? now.monoMs : -1, startWh: registerWh, sumW: 0, readings: 0 });
  };
  // Over a gap, and while nothing can be heard of an agreement, nothing is held against anybody.
  if (startMs < 0 || !state.linkUp || elapsedMs > LONGEST_BLOCK_MS || elapsedMs < 0) {
    begin();
    return [];
  }
  if (powerW !== undefined) {
    meter.sumW += powerW;
    meter.readings += 1;
    meter.peakW = Math.max(meter.peakW, Math.abs(powerW));
  }
  if (elapsedMs + EARLY_MS < (meter.readings > 0 ? BLOCK_MS : REGISTER_BLOCK_MS)) return [];
  const byPowerW = meter.readings === 0 ? 0 : meter.sumW / meter.readings;
  const steppedW = registerWh === undefined || startWh === undefined || elapsedMs + EARLY_MS < REGISTER_BLOCK_MS ? 0
    : ((registerWh - startWh) * HOUR_MS) / elapsedMs;
  const byRegisterW = Math.abs(steppedW) > BY_REGISTER_W ? steppedW : byPowerW;
  begin();
  if (meter.sign === 0 && Math.abs(byPowerW) > FIRST_FLOW_W) meter.sign = Math.sign(byPowerW);
  if (meter.sign === 0 && Math.abs(steppedW) > BY_REGISTER_W) meter.sign = Math.sign(steppedW);
  if (meter.sign === 0 || isAgreed(state, key, startMs)) {
    meter.exporting = 0;
    return [];
  }
  const outW = Math.max(-meter.sign * byPowerW, -meter.sign * byRegisterW);
  return judge(state, key, { outW, elapsedMs }, seen, now);
}

/** Honest runs an hour, at most: those of late, and beside them one that is rarer than what memory can show. */
function honestPerHour({ onsets }: ReversePower, key: string, now: Now): number {
  const events = onsets.events + JEFFREYS;
  const byHour = (upperPerHour(onsets, now.wallMs) * onsets.hours) / (events + Math.sqrt(events));
  const rareHours = onsets.hours + RARE_HOURS[key.endsWith("0") ? "station" : "evse"];
  return byHour * ((onsets.events + Math.sqrt(onsets.events)) / onsets.hours + (2 * JEFFREYS) / rareHours);
}

interface Block {
  readonly outW: number;
  readonly elapsedMs: number;
}

function judge(
  state: ReversePower, key: string, { outW, elapsedMs }: Block, seen: Observation, now: Now,
): Finding[] {
  const meter = state.meters[key]!;
  const hours = elapsedMs / HOUR_MS;
  const leastW = Math.max(EXPORT_W, EXPORT_SHARE * meter.peakW);
  const out = outW > leastW;
  const says = out ? `${(outW / 1_000).toFixed(1)} kW flow out while no discharge was agreed` : "";
  const found = (of: Finding["key"], terms: readonly Term[]): Finding => {
    const weighed = weigh(terms, -MOST_NATS, MOST_NATS);
    return { key: of, at: now.wallMs, ...weighed, frames: framesOf(seen), says };
  };
  if (meter.exporting > 0) {
    const terms = goOn(state, meter, out, elapsedMs);
    if (out) terms.push(...powerTerm(state, meter, outW / leastW));
    return terms.length === 0 ? [] : [found("reverse-power", terms)];
  }
  const evidence = (upper: number, alternative: number): number => {
    const most = Math.max(alternative, 4 * upper);
    return out ? eventNats(upper, most) : quietNats(upper, most, hours);
  };
  const term = out ? "power flows out" : "no power flows out";
  const nats = evidence(honestPerHour(state, key, now), ATTACK_PER_HOUR);
  const jointNats = evidence(upperPerHour(state.onsets, now.wallMs), JOINT_PER_HOUR);
  learnRate(state.onsets, now.wallMs, hours, out ? 1 : 0);
  if (out) Object.assign(meter, { exporting: 1, runMs: 0, heard: false, topLog: 0 });
  const power = out ? powerTerm(state, meter, outW / leastW) : [];
  return [found("reverse-power", [{ term, nats }, ...power]), found("export", [{ term, nats: jointNats }])];
}

/** What one more block after an exporting one says: nothing new until the run has lasted another `RUN_MS`. */
function goOn(state: ReversePower, meter: FlowMeter, out: boolean, elapsedMs: number): Term[] {
  meter.runMs += elapsedMs;
  const terms: Term[] = [];
  // A whole silence of the meter, bridged by its next reading, is one step and no more.
  const steps = out ? Math.min(1, Math.floor((meter.runMs + EARLY_MS) / RUN_MS) - meter.exporting + 1) : 1;
  for (let step = 0; step < steps; step++) {
    const term = goesOnTerm(state, meter.exporting, out);
    if (term !== undefined) terms.push(term);
    if (out) meter.exporting += 1;
  }
  if (out) return terms;
  teachRun(state, meter);
  meter.exporting = 0;
  return terms;
}

/** That a run of so many steps goes on, or ends; undefined: nothing, where long runs are the site's own. */
function goesOnTerm(state: ReversePower, steps: number, out: boolean): Term | undefined {
  const habitual = honestShare(state.goesOn, GOES_ON) >= HABITUAL_SHARE;
  const farLonger = steps >= FAR_LONGER * state.longest;
  if (farLonger && habitual) return goesOnEvenSo(out);
  return steps < TELLING_BLOCKS || !habitual ? habitTerm(state.goesOn, GOES_ON, out) : undefined;
}

function goesOnEvenSo(out: boolean): Term {
  const [attack, honest] = [GOES_ON.attackShare, GOES_ON_EVEN_SO];
  return out ? { term: GOES_ON.term, nats: Math.log(attack / honest) }
    : { term: GOES_ON.absent, nats: Math.log((1 - attack) / (1 - honest)) };
}
/**
 * What a power above all that the run has shown adds: ln of m/(L + m) e^(u/m), u = ln(power / least that counts) up to
 * L, whose mean is one under the exponential law of mean m. It grows with u, so no part of a run says more than all.
 */
function powerTerm(state: ReversePower, meter: FlowMeter, over: number): Term[] {
  const topLog = Math.min(MOST_LOG, Math.log(over));
  const begins = meter.topLog === 0;
  if (!begins && topLog <= meter.topLog) return [];
  const first = !begins ? 0 : Math.log(state.logPower / (MOST_LOG + state.logPower));
  const nats = first + (topLog - meter.topLog) / state.logPower;
  meter.topLog = topLog;
  return [{ term: "power that flows out, against what noise explains", nats }];
}

/** A run that ended teaches how long and how high runs are; one alone never more than twice the length known. */
function teachRun(state: ReversePower, { exporting: blocks, topLog }: FlowMeter): void {
  for (let block = 1; block < Math.min(blocks, TELLING_BLOCKS); block++) learnHabit(state.goesOn, true);
  if (blocks < TELLING_BLOCKS) learnHabit(state.goesOn, false);
  state.longest = Math.max(state.longest, Math.min(blocks, FAR_LONGER * state.longest));
  state.logPowerWeight = Math.min(MOST_LOG_WEIGHT, state.logPowerWeight + 1);
  state.logPower = Math.max(PRIOR_LOG, state.logPower + (topLog - state.logPower) / state.logPowerWeight);
}
