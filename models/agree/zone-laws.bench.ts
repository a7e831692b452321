/**
 * `npm run bench zone-laws`: where the thresholds of zone-laws.ts come from, and what they find.
 *
 * Honest streets (street.testing.ts) live through zone-years at ten-second epochs; every epoch with a rise is
 * decided as the zone would, with honest members and with f framers at +CLIP all year. The highest sums of separate
 * half hours give the sum that comes `BUDGET_PER_YEAR` times a year; where the years run out the tail is carried on
 * exponentially. Then attacks on learned streets: how often and how soon they raise. Beside the rule: Low-Sum-CUSUM,
 * and a proposer who may choose each member's older statement freely. `--only levels` (or `search`, `attacks`,
 * `commonCauses`) measures that part alone, `--zones 6/1,20/3` zones of those n and f in place of all, `--years 48` so
 * many of each, `--seed 2` others. *metered* is *framed* where as many members as the zone bears state by exception.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { seeded } from "../../build/seeded.ts";
import type { JointCause } from "../detect/joint-causes.ts";
import { EVIDENCE_KEYS } from "../terms.ts";
import { Peaks } from "./baselines/peaks.testing.ts";
import { HOUR_S, type Key, KEYS, Street, type StreetOptions, wideClip } from "./street.testing.ts";
import { lowSumCusum } from "./zone-decision.reference.ts";
import { searchEveryKey, searchRaises, type ZoneSize } from "./zone-decision.ts";
import { BUDGET_PER_YEAR, clipOf, zoneThreshold } from "./zone-laws.ts";
import { zoneSizes } from "./zone-sizes.testing.ts";

const YEAR_HOURS = 365 * 24;
const LEARNING_HOURS = 60 * 24;
/** Sums below this are of no interest for the tail, nats. */
const LEAST_PEAK = 4;

const RULES = ["honest", "framed", "metered", "low-sum", "lying proposer"] as const;
type Rule = (typeof RULES)[number];

const descending = (values: number[]): number[] => values.sort((a, b) => b - a);
const added = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const clipped = (growths: readonly number[], clip: number): number[] =>
  growths.map((growth) => Math.max(-clip, Math.min(clip, growth)));

/** Members on metered links that a zone bears (gossip/metered.ts): the last ones, in no order that matters. */
const borneBy = (n: number, f: number): number => Math.max(0, n - f - Math.floor((n + f) / 2) - 1);

/**
 * The last statement of a metered member at the end of an epoch, seconds: of each third epoch, or of a later one in
 * which some key stood above what it stated last, or 0.25 nats below.
 */
function statedAt({ stations, options: { epochS } }: Street, station: number, seconds: number): number {
  const { curves } = stations[station]!;
  const last = Math.floor(seconds / epochS);
  let stated = (last - (last + station) % 3) * epochS;
  for (let at = stated + epochS; at <= last * epochS; at += epochS) {
    const moved = KEYS.map((key) => curves[key].at(at) - curves[key].at(stated));
    if (moved.some((nats) => nats > 0 || nats <= -0.25)) stated = at;
  }
  return stated;
}

/** The same growths where the last members state by exception, from what they stated last. */
function meteredGrowths(street: Street, key: Key, onset: number, seconds: number, f: number): number[] {
  const { n } = street.options;
  const first = n - borneBy(n, f);
  return street.stations.map(({ curves: { [key]: curve } }, station) => {
    const at = (time: number): number => curve.at(station < first ? time : statedAt(street, station, time));
    return at(seconds) - at(onset);
  });
}

/** Sums of all rules at one epoch, nats; framed ones with the first f members at +CLIP. */
function sumsOf(street: Street, key: Key, seconds: number, f: number): Record<Rule, number> {
  const sums = { "honest": 0, "framed": 0, "metered": 0, "low-sum": 0, "lying proposer": 0 };
  const { n } = street.options;
  const clip = clipOf(key, { n, f }) / 1_000;
  for (const onset of street.onsets(key, seconds)) {
    const growths = clipped(street.growths(key, onset, seconds), clip);
    sums.framed = Math.max(sums.framed, added(descending(growths.slice(f)).slice(0, n - 2 * f)));
    sums.honest = Math.max(sums.honest, added(descending(growths).slice(f, n - f)));
    const late = clipped(meteredGrowths(street, key, onset, seconds, f), clip);
    sums.metered = Math.max(sums.metered, added(descending(late.slice(f)).slice(0, n - 2 * f)));
  }
  const cusums = street.stations.slice(f).map(({ curves: { [key]: curve } }) => curve.cusumAt(seconds));
  const wide = wideClip(key);
  sums["low-sum"] = lowSumCusum([...cusums, ...new Array<number>(f).fill(wide)], f, wide);
  sums["lying proposer"] = added(descending(clipped(cusums, clip)).slice(0, n - 2 * f));
  return sums;
}

type PeaksOf = Record<Key, Record<Rule, Peaks>>;

/** A street's own rates decide how it does: years are lived through in streets of their own, so long each. */
const STREET_YEARS = 2;

function honestYears(options: StreetOptions, f: number, years: number, seed = 0): PeaksOf {
  const peaks = Object.fromEntries(KEYS.map((key) =>
    [key, Object.fromEntries(RULES.map((rule) => [rule, new Peaks(LEAST_PEAK)]))])) as PeaksOf;
  for (let lived = 0; lived < years; lived += STREET_YEARS) {
    const street = new Street(options, seeded(7 + options.n * 100 + f + (seed + lived) * 10_000));
    street.live(LEARNING_HOURS, () => undefined);
    const beforeS = lived * YEAR_HOURS * HOUR_S * 2;
    street.live(Math.round(Math.min(STREET_YEARS, years - lived) * YEAR_HOURS), (key, seconds) => {
      const sums = sumsOf(street, key, seconds, f);
      for (const rule of RULES) peaks[key][rule].add(beforeS + seconds, sums[rule]);
    });
  }
  return peaks;
}

const round = (value: number): number => Math.round(value * 10) / 10;

function levels(n: number, f: number, years: number, seed: number): object[] {
  const peaks = honestYears({ n, epochS: 10 }, f, years, seed);
  return KEYS.map((key) => {
    const threshold = zoneThreshold(key, { n, f }) / 1_000;
    const per: number = BUDGET_PER_YEAR[key];
    return {
      zone: `${n}, f ${f}`, years, key, "per year": per,
      ...Object.fromEntries(RULES.map((rule) => [rule, round(peaks[key][rule].level(years, per))])),
      threshold: round(threshold),
      "honest alerts": peaks[key].honest.above(threshold), "framed alerts": peaks[key].framed.above(threshold),
    };
  });
}

const tariff = (spreadS: number): JointCause =>
  ({ kind: "tariff", dailyMin: 60, timezone: "UTC", spreadS, expect: "increase" });

/** What all stations suffer alike, and the law does not carry: honest members, false alerts a year. */
function commonCauses(years: number): object[] {
  const causes: Record<string, Partial<StreetOptions>> = {
    "set-points pushed to all, hourly": { pushesPerHour: 1 },
    "set-points pushed to all, four an hour": { pushesPerHour: 4 },
    "back end refuses everybody, 3 h a month": { outages: { everyHours: 720, hours: 3 } },
    "7 of 10 start by timer within 10 min": { timers: { hour: 1, spreadS: 600, share: 0.7 } },
    "7 of 10 start by timer within 10 s": { timers: { hour: 1, spreadS: 10, share: 0.7 } },
    "the same within 10 min, declared": { timers: { hour: 1, spreadS: 600, share: 0.7 }, causes: [tariff(600)] },
    "the same within 10 s, declared": { timers: { hour: 1, spreadS: 10, share: 0.7 }, causes: [tariff(10)] },
  };
  const zones: [number, number][] = [[6, 1], [20, 3]];
  return Object.entries(causes).flatMap(([cause, options]) => zones.map(([n, f]) => {
    const peaks = honestYears({ n, epochS: 10, ...options }, f, years);
    const alerts = KEYS.map((key) =>
      [key, peaks[key].honest.above(zoneThreshold(key, { n, f }) / 1_000) / years] as const);
    return { cause, zone: `${n}, f ${f}`, ...Object.fromEntries(alerts.filter(([, perYear]) => perYear > 0)) };
  }));
}

interface Lies {
  readonly name: string;
  /** Growth that the first f claim, in clips; undefined: the truth. */
  readonly claim?: 1 | -1;
}
const LIES: readonly Lies[] = [{ name: "none" }, { name: "f frame", claim: 1 }, { name: "f hide", claim: -1 }];

/** The trimmed sum over onsets, nats, when the first f lie. */
function sumWith(street: Street, key: Key, seconds: number, f: number, { claim }: Lies): number {
  const { n } = street.options;
  const sums = street.onsets(key, seconds).map((onset) => {
    const clip = clipOf(key, { n, f }) / 1_000;
    const growths = clipped(street.growths(key, onset, seconds), clip);
    const told = claim === undefined ? growths : growths.map((growth, i) => (i < f ? claim * clip : growth));
    return added(descending(told).slice(f, n - f));
  });
  return Math.max(0, ...sums);
}

interface Attack {
  readonly name: string;
  readonly epochS: number;
  readonly hours: number;
  readonly keys: readonly Key[];
  /** Learned in `LEARNING_HOURS`, or the shipped prior. */
  readonly learned: boolean;
  plan(street: Street, fromS: number): void;
}

interface Trial {
  /** Seconds from the attack's beginning to the raise, by key; Infinity: none. */
  readonly raisedS: Record<string, number>;
  readonly highest: Record<string, number>;
  readonly alone: boolean;
}

function attackOnce(learned: Street, attack: Attack, f: number, lies: Lies, seed: number): Trial {
  const street = learned.fork(seeded(seed), { epochS: attack.epochS, still: !attack.learned });
  street.live(attack.learned ? street.dice.int(24) : 1, () => undefined);
  const fromS = street.seconds + 600;
  attack.plan(street, fromS);
  const raisedS: Record<string, number> = Object.fromEntries(attack.keys.map((key) => [key, Infinity]));
  const highest: Record<string, number> = Object.fromEntries(attack.keys.map((key) => [key, 0]));
  let alone = false;
  street.live(attack.hours, (key, seconds) => {
    if (!attack.keys.includes(key)) return;
    const sum = sumWith(street, key, seconds, f, lies);
    highest[key] = Math.max(highest[key] ?? 0, sum);
    alone ||= street.raisedAlone("authorization-abuse") > 0;
    const raises = sum >= zoneThreshold(key, { n: street.options.n, f }) / 1_000;
    if (raises) raisedS[key] = Math.min(raisedS[key] ?? Infinity, seconds - fromS);
  });
  return { raisedS, highest, alone };
}

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const median = (values: readonly number[]): number => sorted(values)[Math.floor(values.length / 2)] ?? 0;

function attackRows(attack: Attack, { n, f }: ZoneSize, trials: number): object[] {
  const learned = new Street({ n, epochS: 10 }, seeded(n));
  if (attack.learned) learned.live(LEARNING_HOURS, () => undefined);
  return LIES.flatMap((lies) => {
    const results = Array.from({ length: trials }, (_, trial) => attackOnce(learned, attack, f, lies, 1_000 + trial));
    return attack.keys.map((key) => {
      const delays = results.map(({ raisedS }) => raisedS[key] ?? Infinity);
      return {
        attack: attack.name, zone: `${n}, f ${f}`, lies: lies.name, key,
        "highest, median": round(median(results.map(({ highest }) => highest[key] ?? 0))),
        threshold: round(zoneThreshold(key, { n, f }) / 1_000),
        raised: delays.filter(Number.isFinite).length / trials, "delay s, median": Math.round(median(delays)),
        "a station alone": results.filter(({ alone }) => alone).length / trials,
      };
    });
  });
}

function syncStarts(share: number): Attack {
  return {
    name: `${share * 100} % start within 10 s`, epochS: 10, hours: 1, keys: ["starts", "power-step"], learned: true,
    plan(street, fromS) {
      const order = street.stations.map((_, station) => ({ station, at: street.dice.next() }))
        .sort((a, b) => a.at - b.at).map(({ station }) => station);
      const hit = Math.ceil(share * order.length);
      for (const station of order.slice(0, hit)) {
        street.plan({ seconds: fromS + 10 * street.dice.next(), station, what: "start", value: 1 });
      }
    },
  };
}

/** Vehicles begin to discharge together; the meters' blocks of two minutes end when they end. */
function alignedExport(share: number): Attack {
  return {
    name: `${share * 100} % discharge at once`, epochS: 10, hours: 1, keys: ["export"], learned: true,
    plan(street, fromS) {
      const hit = Math.ceil(share * street.stations.length);
      for (let station = 0; station < hit; station++) {
        street.plan({ seconds: fromS + 120 * street.dice.next(), station, what: "export", value: 3_000 });
      }
    },
  };
}

function sprinkledRefusals(perHour: number): Attack {
  return {
    name: `${perHour} refused tokens an hour`, epochS: 10, hours: 4, keys: ["refusals", "authorization-abuse"],
    learned: true,
    plan(street, fromS) {
      street.stations.forEach((_, station) => {
        for (let at = 0; (at -= Math.log(1 - street.dice.next()) / perHour) < 3;) {
          street.plan({ seconds: fromS + at * HOUR_S, station, what: "refusal", value: 1 });
        }
      });
    },
  };
}

/** The demonstration's street: one-second epochs, little learned. */
function demonstration(tokens: number): Attack {
  return {
    name: `${tokens} refused tokens in two minutes, one-second epochs`, epochS: 1, hours: 1,
    keys: ["refusals", "authorization-abuse"], learned: false,
    plan(street, fromS) {
      street.stations.forEach((_, station) => {
        for (let token = 0; token < tokens; token++) {
          street.plan({ seconds: fromS + 120 * street.dice.next(), station, what: "refusal", value: 1 });
        }
      });
    },
  };
}

/** Processor time to search every key of a full zone, ms, the best of many: quiet, and with everything on the move. */
function searchCost(): object[] {
  const dice = seeded(3);
  return [["quiet, single rises", 0.002], ["rises everywhere", 0.5]].map(([evidence, rising]) => {
    const members = Array.from({ length: 60 }, () => {
      const sums = EVIDENCE_KEYS.map(() => 0);
      return { statements: Array.from({ length: 180 }, (_, epoch) => ({
        epoch, evidence: sums.map((sum, key) =>
          (sums[key] = sum + (dice.next() < Number(rising) ? dice.int(5_000) : -dice.int(1_000)))),
      })) };
    });
    const zone = { n: 60, f: 19, epoch: 180, members };
    const cost = (run: () => unknown): number => {
      const times = Array.from({ length: 100 }, () => {
        const before = process.cpuUsage();
        run();
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1_000;
      });
      return sorted(times)[10] ?? 0;
    };
    return { evidence, "raises": cost(() => searchRaises(zone)), "every key": cost(() => searchEveryKey(zone)) };
  });
}

/** n, f, and years that are lived through: fewer where there are many to live through each. */
type ZoneYears = readonly [n: number, f: number, years: number];
const ZONES: readonly ZoneYears[] = [
  [3, 0, 8], [4, 1, 8], [6, 1, 12], [12, 3, 4], [20, 3, 2], [20, 6, 2], [30, 4, 1], [60, 15, 0.5], [60, 19, 0.5],
];
const QUICK_ZONES: readonly ZoneYears[] = [[6, 1, 1]];

/** Those that are asked for, of any size that carries its f; without a list all. */
function zonesOf(listed: readonly ZoneYears[], asked: { zones?: string; years?: string }): ZoneYears[] {
  const zones = zoneSizes("zones", asked.zones)?.map(({ n, f }): ZoneYears =>
    listed.find((zone) => zone[0] === n && zone[1] === f) ?? [n, f, 1]) ?? listed;
  const years = asked.years === undefined ? undefined : Number(asked.years);
  if (years !== undefined && !(years > 0)) throw new RangeError(`--years: ${asked.years} is no number above 0`);
  return zones.map(([n, f, own]) => [n, f, years ?? own]);
}

/** Each zone's years take minutes. */
function toldAtOnce(rows: object[]): object[] {
  console.table(rows);
  return rows;
}

function main(): void {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: {
    json: text, only: text, zones: text, years: text, seed: text, quick: { type: "boolean" },
  } });
  const quick = values.quick === true;
  const zones = zonesOf(quick ? QUICK_ZONES : ZONES, values);
  const seed = Number(values.seed ?? 0);
  const trials = quick ? 5 : 40;
  const attacks = [
    syncStarts(0.6), syncStarts(0.8), alignedExport(0.6), alignedExport(0.9),
    sprinkledRefusals(2), sprinkledRefusals(3),
    demonstration(1), demonstration(2), demonstration(3), demonstration(4),
  ];
  const parts: Record<string, () => object[]> = {
    search: searchCost,
    attacks: () => attacks.flatMap((attack) => attackRows(attack, { n: 6, f: 1 }, trials)),
    levels: () => zones.flatMap(([n, f, years]) => toldAtOnce(levels(n, f, years, seed))),
    commonCauses: () => (quick ? [] : commonCauses(1)),
  };
  const result: Record<string, object[]> = {};
  for (const [name, measure] of Object.entries(parts)) {
    if (values.only !== undefined && values.only !== name) continue;
    console.log(name);
    result[name] = measure();
    if (name !== "levels") console.table(result[name]);
  }
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(result));
}

main();
