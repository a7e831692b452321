/**
 * How well the shipped prior does at stations that it was not fitted to: hour by hour the logarithmic loss of the
 * expected starts (Poisson), above that of the station's own rate by hour of the week, which only hindsight knows.
 */
import {
  BINS, binOf, createRate, learnRate, type LearnedRate, ratePerHour,
} from "../models/detect/learned/rate.ts";
import { DAY_MS, HOUR_MS, type WallMs } from "../models/units.ts";
import { fitPrior } from "./fit-prior.ts";
import type { City, RealSession } from "./session-data.ts";

interface Start {
  readonly rate: LearnedRate;
  readonly shape?: readonly number[];
}

const DAYS = 42;
/** Days from 1 on, both ends included: one day is too few to compare at day 14. */
export const WINDOWS = { "day 1": [1, 1], "day 14": [12, 16], "day 40": [36, 42] } as const;
export type Window = keyof typeof WINDOWS;
export type Losses = Record<Window, number>;

const LEAST_SESSIONS = 10;
const JUDGED = { perHour: 3 / 24, hours: 48 };

/** Loss of one hour with `count` starts where `perHour` were expected, nats; constants in `count` left out. */
export const hourLoss = (perHour: number, count: number): number => perHour - count * Math.log(perHour);

/** Starts in each hour of `DAYS` days, from the second midnight after the first session. */
function hourly(list: readonly RealSession[]): { from: WallMs; counts: number[] } | undefined {
  const [first, last] = [list[0], list.at(-1)];
  if (first === undefined || last === undefined || list.length < LEAST_SESSIONS) return undefined;
  const from = (Math.floor(first.from / DAY_MS) + 2) * DAY_MS;
  if (last.from < from + DAYS * DAY_MS) return undefined;
  const counts = new Array<number>(DAYS * 24).fill(0);
  for (const session of list) {
    const hour = Math.floor((session.from - from) / HOUR_MS);
    if (hour >= 0 && hour < counts.length) counts[hour]! += 1;
  }
  return { from: from as WallMs, counts };
}

/** Expected by the station's own starts over all its days, each hour of the week a little smoothed. */
function hindsight(list: readonly RealSession[]): (at: WallMs) => number {
  const weeks = (list.at(-1)!.from - list[0]!.from) / (7 * DAY_MS);
  const counts = new Array<number>(BINS).fill(0);
  for (const { from } of list) counts[binOf(from)]! += 1;
  const flat = list.length / (weeks * 7 * 24);
  return (at) => (counts[binOf(at)]! + flat) / (weeks * (binOf(at) < 24 ? 5 : 2) + 1);
}

function scoreStation(list: readonly RealSession[], start: () => Start): Losses | undefined {
  const hours = hourly(list);
  if (hours === undefined) return undefined;
  const known = hindsight(list);
  const { rate, shape } = start();
  const losses = { "day 1": 0, "day 14": 0, "day 40": 0 };
  hours.counts.forEach((count, hour) => {
    const at = (hours.from + hour * HOUR_MS) as WallMs;
    const above = hourLoss(ratePerHour(rate, at, shape), count) - hourLoss(known(at), count);
    const day = 1 + Math.floor(hour / 24);
    for (const [name, [from, to]] of Object.entries(WINDOWS)) {
      if (day >= from && day <= to) losses[name as Window] += above / (to - from + 1);
    }
    learnRate(rate, at, 1, count);
  });
  return losses;
}

/** The mean over a city's stations, nats a day; undefined where none was watched for long enough. */
export function scoreCity(city: City, start: () => Start): Losses | undefined {
  const each = city.stations.map((list) => scoreStation(list, start)).filter((one) => one !== undefined);
  if (each.length === 0) return undefined;
  const mean = (window: Window): number => each.reduce((sum, one) => sum + one[window], 0) / each.length;
  return { "day 1": mean("day 1"), "day 14": mean("day 14"), "day 40": mean("day 40") };
}

/** The same figures, for a station whose clock is `hours` off the local time that the shape is in. */
function shifted(shape: readonly number[], hours: number): number[] {
  return shape.map((_, bin) => shape[(bin < 24 ? 0 : 24) + ((bin + hours + 24) % 24)]!);
}

/** Each way to begin, for a city that had no part in the fit. */
export function waysFor(city: City, cities: readonly City[]): Record<string, () => Start> {
  const prior = fitPrior(cities.filter(({ name }) => name !== city.name));
  const fitted = () => createRate(prior.startsPerHour, prior.startsWeightHours);
  return {
    "judged rate": () => ({ rate: createRate(JUDGED.perHour, JUDGED.hours) }),
    "fitted rate": () => ({ rate: fitted() }),
    "fitted rate and shape": () => ({ rate: fitted(), shape: prior.startShape }),
    "the shape 8 h off": () => ({ rate: fitted(), shape: shifted(prior.startShape, 8) }),
  };
}
