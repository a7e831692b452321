/**
 * A street of honest charging stations for calibration: sessions, refused cards, steps of power, set-points and runs
 * of export, each station with its own rates and a shape of day, and a rush that all share (a gamma factor with
 * cv 0.5, drawn every hour). The real detectors see every event; between events time is skipped, since quiet evidence
 * falls linearly.
 */
import { authorizationAbuse, type AuthorizationAbuse } from "../detect/authorization-abuse.ts";
import type { Seen } from "../detect/detector.testing.ts";
import type { JointCause } from "../detect/joint-causes.ts";
import { declareCauses, loadManipulation, type LoadManipulation } from "../detect/load-manipulation.ts";
import { type ReversePower, reversePower } from "../detect/reverse-power.ts";
import { thresholdOf } from "../opine/threshold.ts";
import type { Finding, Observation } from "../terms.ts";
import { type MonotonicMs, type Now, SECOND_MS, type TokenPseudonym, type WallMs } from "../units.ts";
import { WINDOW_EPOCHS } from "./zone-decision.ts";

/** Chance, as the bench seeds it. */
export interface Dice {
  next(): number;
  int(n: number): number;
}

export const KEYS =
  ["starts", "stops", "power-step", "setpoint-step", "refusals", "authorization-abuse", "export"] as const;
export type Key = (typeof KEYS)[number];

/** The widest clip of any rule, nats: the zone's own is narrower. */
export const wideClip = (key: Key): number => (key === "setpoint-step" ? 24 : 12);

export const HOUR_S = 3_600;
const START = Date.UTC(2026, 2, 2);
const TICK_S = 600;

/** Share of the mean rate by hour of day: a quiet night, a busy evening. */
const DAY_SHAPE = [
  0.4, 0.3, 0.2, 0.2, 0.2, 0.4, 0.7, 1.1, 1.3, 1.2, 1.0, 1.0,
  1.2, 1.1, 1.0, 1.0, 1.2, 1.6, 2.0, 1.9, 1.6, 1.3, 1.0, 0.7,
];

/**
 * Runs of export of some minutes, as of a roof behind each meter: once a day, by daylight. Judgement, and the worst:
 * no public base rates exist, and where it is rarer the sums stay lower, though each run says more.
 */
const EXPORTS_PER_HOUR = 1 / 24;
const SUN_SHAPE = [
  0, 0, 0, 0, 0, 0, 0.2, 0.6, 1.2, 2.0, 2.6, 3.0,
  3.2, 3.0, 2.6, 2.2, 1.6, 1.0, 0.6, 0.2, 0, 0, 0, 0,
];
const EXPORT_W = 3_000;

/** A normal score, by Box and Muller. */
export function normal(dice: Dice): number {
  return Math.sqrt(-2 * Math.log(1 - dice.next())) * Math.cos(2 * Math.PI * dice.next());
}
const exponential = (dice: Dice): number => -Math.log(1 - dice.next());
/** Gamma with shape 4 and mean 1: cv 0.5. */
const rushFactor = (dice: Dice): number =>
  (exponential(dice) + exponential(dice) + exponential(dice) + exponential(dice)) / 4;

function poisson(dice: Dice, mean: number): number {
  let count = 0;
  for (let at = exponential(dice); at < mean; at += exponential(dice)) count += 1;
  return count;
}

/** Cumulative evidence of one key at one station: straight lines between points of the last half hour or so, nats. */
export class Curve {
  readonly times: number[] = [];
  readonly values: number[] = [];
  slope = 0;
  /** Page's CUSUM of the same, clipped as growth is; and the one by which the station alone would raise. */
  cusum = 0;
  own = 0;
  total = 0;

  add(seconds: number, nats: number, clip: number): void {
    const before = this.times.at(-1);
    if (nats < 0 && before !== undefined && seconds > before) this.slope = nats / (seconds - before);
    this.total += nats;
    this.cusum = Math.min(clip, Math.max(0, this.cusum + nats));
    this.own = Math.max(0, this.own + nats);
    this.times.push(seconds);
    this.values.push(this.total);
    if (this.times.length > 64) this.#forget(seconds - 2 * WINDOW_EPOCHS * 10);
  }

  #forget(before: number): void {
    let keep = 0;
    while ((this.times[keep + 1] ?? Infinity) <= before) keep += 1;
    this.times.splice(0, keep);
    this.values.splice(0, keep);
  }

  at(seconds: number): number {
    const last = this.times.length - 1;
    if (last < 0) return 0;
    let at = last;
    while (at >= 0 && (this.times[at] as number) > seconds) at -= 1;
    if (at < 0) return this.values[0] as number;
    const [time, value] = [this.times[at] as number, this.values[at] as number];
    if (at === last) return value + this.slope * (seconds - time);
    const share = (seconds - time) / ((this.times[at + 1] as number) - time);
    // Points at one and the same time are a jump; between others the line goes straight.
    return value + share * ((this.values[at + 1] as number) - value);
  }

  cusumAt(seconds: number): number {
    return Math.max(0, this.cusum + this.slope * (seconds - (this.times.at(-1) ?? seconds)));
  }
}

export interface Station {
  readonly load: LoadManipulation;
  readonly auth: AuthorizationAbuse;
  readonly flow: ReversePower;
  readonly curves: Record<Key, Curve>;
  readonly startsPerHour: number;
  readonly refusedPerHour: number;
  busyUntil: number;
  limit: number;
  token: number;
  powerW: number;
}

export interface Happening {
  readonly seconds: number;
  readonly station: number;
  readonly what: "start" | "stop" | "power" | "limit" | "refusal" | "export";
  /**
   * Power, W (of an export: out of the station); limit, A; an attacker's start or refusal 1: on a free EVSE, without
   * another card to follow.
   */
  readonly value: number;
}

export interface StreetOptions {
  readonly n: number;
  readonly epochS: number;
  /** Nothing happens by itself. */
  readonly still?: boolean;
  /** Set-points that the CSMS pushes to all stations at once, an hour. */
  readonly pushesPerHour?: number;
  /** Outages of the back end, which then refuses everybody: hours between them, and their length. */
  readonly outages?: { readonly everyHours: number; readonly hours: number };
  /** What is declared to every station. */
  readonly causes?: readonly JointCause[];
  /** Vehicles that start by timer at a tariff edge, every night. */
  readonly timers?: { readonly hour: number; readonly spreadS: number; readonly share: number };
}

const metered = (powerW: number) =>
  ({ kind: "meter-reading", reading: { evseId: 1, powerW }, side: "evse-output" }) as const;

function nowAt(seconds: number): Now {
  const ms = Math.round(seconds * SECOND_MS);
  return { wallMs: (START + ms) as WallMs, monoMs: ms as MonotonicMs };
}

const freshCurves = (): Record<Key, Curve> =>
  Object.fromEntries(KEYS.map((key) => [key, new Curve()])) as Record<Key, Curve>;

export type Evaluate = (key: Key, seconds: number, street: Street) => void;

export class Street {
  readonly stations: Station[];
  readonly options: StreetOptions;
  readonly dice: Dice;
  /** When somebody's evidence rose, of late. */
  readonly rises = Object.fromEntries(KEYS.map((key) => [key, [] as number[]])) as Record<Key, number[]>;
  seconds = 0;
  #later = new Map<number, Happening[]>();
  #tickedS = 0;

  constructor(options: StreetOptions, dice: Dice, stations?: Station[], seconds = 0) {
    this.options = options;
    this.dice = dice;
    this.seconds = seconds;
    this.#tickedS = seconds;
    this.stations = stations ?? Array.from({ length: options.n }, () => ({
      load: loadManipulation.create({}),
      auth: authorizationAbuse.create({}),
      flow: reversePower.create({}),
      curves: freshCurves(),
      startsPerHour: (4 / 24) * Math.exp(0.6 * normal(this.dice) - 0.18),
      refusedPerHour: (1 / 48) * Math.exp(0.8 * normal(this.dice) - 0.32),
      busyUntil: 0, limit: 16, token: 0, powerW: 0,
    }));
    for (const { load } of this.stations) declareCauses(load, options.causes ?? []);
  }

  /** The same street with what it has learned, for a future of its own. */
  fork(dice: Dice, options: Partial<StreetOptions> = {}): Street {
    const stations = this.stations.map((station) => ({
      ...structuredClone({ ...station, curves: undefined }), curves: freshCurves(), busyUntil: 0,
    }));
    return new Street({ ...this.options, ...options }, dice, stations, this.seconds);
  }

  /** Puts something into the future, before it is lived through. */
  plan(happening: Happening): void {
    const hour = Math.floor(happening.seconds / HOUR_S);
    this.#later.set(hour, [...(this.#later.get(hour) ?? []), happening]);
  }

  /** Lives on for whole hours and has every epoch with a rise evaluated. */
  live(hours: number, evaluate: Evaluate): void {
    for (let done = 0; done < hours; done++) {
      this.#hour(Math.round(this.seconds / HOUR_S), evaluate);
      this.seconds += HOUR_S;
    }
  }

  #hour(hour: number, evaluate: Evaluate): void {
    this.#draw(hour);
    const { epochS } = this.options;
    const due = new Set<Key>();
    let epochEnd = 0;
    const close = (): void => {
      for (const key of due) evaluate(key, epochEnd, this);
      due.clear();
    };
    // What a happening leads to within the hour is lived through in turn.
    for (;;) {
      const next = this.#takeNext(hour);
      const until = next?.seconds ?? (hour + 1) * HOUR_S;
      if (due.size > 0 && until >= epochEnd) close();
      while (this.#tickedS + TICK_S <= until) this.#tickAll();
      if (next === undefined) return close();
      epochEnd = (Math.floor(next.seconds / epochS) + 1) * epochS;
      for (const key of this.#happen(next)) due.add(key);
    }
  }

  #takeNext(hour: number): Happening | undefined {
    const list = this.#later.get(hour);
    if (list === undefined || list.length === 0) {
      this.#later.delete(hour);
      return undefined;
    }
    let first = 0;
    list.forEach(({ seconds }, index) => {
      if (seconds < (list[first] as Happening).seconds) first = index;
    });
    return list.splice(first, 1)[0];
  }

  #draw(hour: number): void {
    const { dice, options: { still, pushesPerHour = 0, outages, timers } } = this;
    if (still === true) return;
    const rush = rushFactor(dice);
    const factor = rush * (DAY_SHAPE[hour % 24] as number);
    const sun = rush * (SUN_SHAPE[hour % 24] as number);
    const out = outages !== undefined && hour % outages.everyHours < outages.hours;
    const some = (mean: number, station: number, what: Happening["what"]): void => {
      for (let n = poisson(dice, mean); n > 0; n--) {
        const value = what === "limit" ? 6 + dice.int(27) : what === "export" ? EXPORT_W : 0;
        this.plan({ seconds: (hour + dice.next()) * HOUR_S, station, what, value });
      }
    };
    this.stations.forEach(({ startsPerHour, refusedPerHour }, station) => {
      some(startsPerHour * factor, station, out ? "refusal" : "start");
      some(refusedPerHour * factor, station, "refusal");
      some(0.5 / 24, station, "limit");
      some(EXPORTS_PER_HOUR * sun, station, "export");
      if (timers === undefined || hour % 24 !== timers.hour || dice.next() > timers.share) return;
      this.plan({ seconds: hour * HOUR_S + dice.next() * timers.spreadS, station, what: "start", value: 0 });
    });
    for (let n = poisson(dice, pushesPerHour); n > 0; n--) {
      const [seconds, value] = [(hour + dice.next()) * HOUR_S, 6 + dice.int(27)];
      this.stations.forEach((_, station) => {
        this.plan({ seconds: seconds + dice.next(), station, what: "limit", value });
      });
    }
  }

  #tickAll(): void {
    this.#tickedS += TICK_S;
    this.stations.forEach(({ powerW }, station) => {
      this.#see(station, { kind: "tick" }, this.#tickedS);
      this.#flow(station, powerW, this.#tickedS);
    });
  }

  /** Lets one thing happen, with what follows from it; returns the keys whose evidence rose. */
  #happen({ seconds, station: index, what, value }: Happening): Key[] {
    const { dice } = this;
    const station = this.stations[index] as Station;
    this.#see(index, { kind: "tick" }, seconds);
    const id = { transactionId: "t", evseId: 1, offline: false };
    const token = (station.token += 1).toString(16).padStart(16, "0") as TokenPseudonym;
    const authorization = { kind: "authorization", source: "Authorize", token } as const;
    const follow = (after: number, then: Happening["what"], watts = 0): void => {
      this.plan({ seconds: seconds + after, station: index, what: then, value: watts });
    };
    switch (what) {
      case "start": {
        if (value === 0 && seconds < station.busyUntil) return [];
        const lasts = HOUR_S * Math.min(20, 2 * Math.exp(0.8 * normal(dice)));
        station.busyUntil = seconds + lasts;
        follow(8 + 20 * dice.next(), "power", 7_200);
        if (dice.next() < 0.5) follow(lasts * (0.3 + 0.6 * dice.next()), "power", 3_600);
        follow(lasts, "stop");
        this.#see(index, { ...authorization, outcome: "accepted", status: "Accepted" }, seconds);
        return this.#see(index, { kind: "transaction-started", ...id }, seconds);
      }
      case "stop":
        follow(5, "power", 0);
        return this.#see(index, { kind: "transaction-ended", ...id }, seconds);
      case "power":
        station.powerW = value;
        this.#flow(index, value, seconds);
        return this.#see(index, metered(value), seconds);
      case "export":
        return station.powerW > 0 ? [] : this.#flow(index, -value, seconds);
      case "limit":
        return this.#see(index, {
          kind: "charging-limit", evseId: 1, limit: value, unit: "A", purpose: "TxProfile", outcome: "accepted",
        }, seconds);
      case "refusal":
        if (value === 0 && dice.next() < 0.3) follow(20, "refusal");
        return this.#see(index, { ...authorization, outcome: "refused", status: "Invalid" }, seconds);
    }
  }

  #see(index: number, seen: Seen, seconds: number): Key[] {
    const { load, auth } = this.stations[index] as Station;
    const now = nowAt(seconds);
    const observation = { ...seen, at: now.wallMs } as Observation;
    return this.#add(index, seconds, [
      ...loadManipulation.observe(load, observation, now), ...authorizationAbuse.observe(auth, observation, now),
    ]);
  }

  /** A reading for the one detector that asks for power between sessions, too. */
  #flow(index: number, powerW: number, seconds: number): Key[] {
    const now = nowAt(seconds);
    const { flow } = this.stations[index] as Station;
    return this.#add(index, seconds, reversePower.observe(flow, { ...metered(powerW), at: now.wallMs }, now));
  }

  #add(index: number, seconds: number, findings: readonly Finding[]): Key[] {
    const station = this.stations[index] as Station;
    const rose: Key[] = [];
    for (const { key, nats } of findings) {
      const curve = station.curves[key as Key] as Curve | undefined;
      if (curve === undefined) continue;
      curve.add(seconds, nats, wideClip(key as Key));
      if (nats <= 0) continue;
      rose.push(key as Key);
      this.#noteRise(key as Key, seconds);
    }
    return rose;
  }

  #noteRise(key: Key, seconds: number): void {
    const rises = this.rises[key];
    rises.push(seconds);
    const windowS = WINDOW_EPOCHS * this.options.epochS;
    while ((rises[0] as number) < seconds - windowS) rises.shift();
  }

  /** Candidate onsets: the ends of the epochs before each rise in the window. */
  onsets(key: Key, seconds: number): number[] {
    const { epochS } = this.options;
    const windowS = (WINDOW_EPOCHS - 1) * epochS;
    const ends = this.rises[key].map((rise) => Math.floor(rise / epochS) * epochS);
    return [...new Set(ends)].filter((end) => end >= seconds - windowS && end < seconds);
  }

  /** Stations whose own evidence for a threat has come to the threshold. */
  raisedAlone(key: Key): number {
    return this.stations.filter(({ curves }) => curves[key].own >= thresholdOf(key)).length;
  }

  growths(key: Key, onset: number, seconds: number): number[] {
    const clip = wideClip(key);
    return this.stations.map(({ curves: { [key]: curve } }) =>
      Math.max(-clip, Math.min(clip, curve.at(seconds) - curve.at(onset))));
  }
}

