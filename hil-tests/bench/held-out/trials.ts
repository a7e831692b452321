/**
 * Attacks of zone scope put into a zone's days, and when the zone, or the centre, has them: at the thresholds that
 * ship, and at the centre's own, which the honest days of all cities set.
 */
import { Peaks } from "../../../models/agree/baselines/peaks.testing.ts";
import { NEWER_WITHIN_EPOCHS, WINDOW_EPOCHS } from "../../../models/agree/zone-decision.ts";
import { BUDGET_PER_YEAR, isIndependent, zoneThreshold } from "../../../models/agree/zone-laws.ts";
import { type EvidenceKey, EVIDENCE_KEYS, type Threat, threatOf } from "../../../models/terms.ts";
import { DAY_MS, epochOf, HOUR_MS, MINUTE_MS, SECOND_MS, type WallMs } from "../../../models/units.ts";
import type { JointlyAttacked } from "../../attackers/attack.ts";
import { attacked } from "../../attackers/catalogue.ts";
import { STRENGTHS, type StrengthName } from "../../attackers/strength.ts";
import type { Capture } from "../../sim/capture.ts";
import { dice, purposeSeed } from "../../sim/dice.ts";
import { itemsOf } from "../../sim/trial.ts";
import {
  type Case, casesOf, type Liars, pooled, raisedAt, type Rises, risesOf, type Span, supporting, tracksOf,
  type ZoneSize,
} from "./zone-cases.ts";
import { EPOCH_S, type Lived, noting, type Stated, type ZoneDays } from "./zone-days.ts";

const YEAR_MS = 365 * DAY_MS;
/** Attacks begin within this time of their moment, or find no opportunity there. */
const WITHIN_MS = 4 * HOUR_MS;
/** What they leave behind is told with the hour after their last trace; no longer than lines are kept. */
const TOLD_WITHIN_MS = HOUR_MS;
const MOST_MS = 23 * HOUR_MS;
/** Of keys whose threshold was not measured: as models/agree/zone-laws.ts has it. */
const OTHER_BUDGET = 1 / 50;
const HALF_HOURS_A_YEAR = 17_520;
const LEAST_PEAK = 0.5;
const NOBODY_LIES: Case = { name: "" };

export const CENTRE = "centre";
/** What is possible for who is safe against f framers (gossip/AGREEMENT.md, "What is possible"); and while f hide. */
export const POSSIBLE = "possible";
export const POSSIBLE_HIDDEN = "possible, f hide";
const budgetOf = (key: EvidenceKey): number =>
  (BUDGET_PER_YEAR as Partial<Record<EvidenceKey, number>>)[key] ?? OTHER_BUDGET;

export interface HonestYears {
  /** Together, of zones. */
  readonly years: number;
  /** Incidents that a zone would have begun, by case: nobody lies, or f frame. */
  readonly raised: Readonly<Record<string, readonly string[]>>;
  /**
   * By key: what the pooled CUSUM exceeds as often as its budget allows, nats. Where stations' evidence may have one
   * cause, it needs the mean that a zone asks for, too: these days have none of what comes to all stations alike.
   */
  readonly centre: ReadonlyMap<EvidenceKey, number>;
}

/** Each zone's first members, as many as its size asks for. */
const membersOf = ({ members }: ZoneDays, { n }: ZoneSize): readonly Lived[] => members.slice(0, n);
export const fits = ({ members }: ZoneDays, { n }: ZoneSize): boolean => members.length >= n;

/**
 * What the honest days raise, and how high the centre's sums come in them.
 * @param streets how high they come in honest streets, by key; absent: as evidence itself promises
 */
export function honestYears(
  zones: readonly ZoneDays[], size: ZoneSize, streets: ReadonlyMap<EvidenceKey, number> = new Map(),
): HonestYears {
  const raised: Record<string, string[]> = { "no liars": [], "f frame": [] };
  const peaks = new Map(EVIDENCE_KEYS.map((key) => [key, new Peaks(LEAST_PEAK)]));
  let [ms, offsetS] = [0, 0];
  for (const zone of zones.filter((one) => fits(one, size))) {
    const stated = membersOf(zone, size).map((member) => member.stated);
    const span = { first: epochOf(zone.from, EPOCH_S), last: epochOf(zone.to, EPOCH_S) };
    const rises = risesOf(stated, span, 0);
    for (const one of casesOf(size).filter(({ name }) => name in raised)) {
      raised[one.name]!.push(...incidents(zone, size, one, span, rises, stated));
    }
    const all = tracksOf(stated, NOBODY_LIES, span, 1);
    for (const [epoch, keys] of rises) {
      for (const key of keys) {
        peaks.get(key)!.add(offsetS + (epoch - span.first) * EPOCH_S, pooled(all, span, epoch, key));
      }
    }
    ms += zone.to - zone.from;
    offsetS += (zone.to - zone.from) / SECOND_MS + 2 * 1_800;
  }
  const years = ms / YEAR_MS;
  const centre = new Map([...peaks].map(([key, found]) => {
    const promised = streets.get(key) ?? Math.log(HALF_HOURS_A_YEAR / budgetOf(key));
    const ofOneCause = isIndependent(key) ? 0 : zoneThreshold(key, { n: size.n, f: 0 }) / 1_000;
    const seen = found.values.length === 0 ? 0 : found.level(years, budgetOf(key));
    return [key, Math.max(promised, ofOneCause, seen)] as const;
  }));
  return { years, raised, centre };
}

/** Each threat once in a lease of thirty epochs after it was raised last. */
function incidents(
  zone: ZoneDays, size: ZoneSize, of: Case, span: Span, rises: Rises,
  stated: readonly (readonly Stated[])[],
): string[] {
  const tracks = tracksOf(stated, of, span, 1);
  const last = new Map<Threat, number>();
  const found: string[] = [];
  for (const [epoch, keys] of rises) {
    for (const key of raisedAt(tracks, span, size, epoch, [...keys])) {
      const threat = threatOf(key);
      if (epoch - (last.get(threat) ?? -Infinity) > 30) found.push(`${zone.city}: ${key}`);
      last.set(threat, epoch);
    }
  }
  return found;
}

export interface Trial {
  readonly city: string;
  readonly attack: string;
  readonly threat: Threat;
  readonly strength: StrengthName;
  /** Stations at which something was done. */
  readonly hit: number;
  /** Stations that had evidence for one of the threat's keys at one time, at the most. */
  readonly evident: number;
  /** Whether stations' evidence had causes of its own at each, of the key that it was possible to see. */
  readonly independent: boolean;
  /** Seconds from the attack's beginning, by case and of both centres; Infinity: not within its time. */
  readonly delays: Readonly<Record<string, number>>;
}

/** An attack as a zone lived through it. */
export interface Played {
  readonly stated: readonly (readonly Stated[])[];
  readonly span: Span;
  /** Those of the attack's threat. */
  readonly keys: readonly EvidenceKey[];
  /** When the attack began; and stations at which something was done. */
  readonly from: number;
  readonly hit: number;
}

/** One attack at one moment; undefined where there is no opportunity for it. */
export function played(
  zone: ZoneDays, size: ZoneSize, moment: number, attack: { readonly name: string; readonly threat: Threat },
  strength: StrengthName,
): Played | undefined {
  const members = membersOf(zone, size);
  const at = zone.moments[moment]!;
  const before = members.map(({ standings }) => standings[moment]!.capture);
  const made = tried(before, attack.name, strength, at, purposeSeed(zone.plan.seed, `${zone.city} ${moment}`));
  if (made === undefined) return undefined;
  const from = Math.min(...made.truth.map((one) => one.from));
  const until = Math.min(at + MOST_MS, Math.max(...made.truth.map((one) => one.to)) + TOLD_WITHIN_MS);
  const stated = members.map((member, i) => (made.captures[i] === before[i] ? member.stated
    : livedOn(member, moment, made.captures[i]!, at, until)));
  return {
    stated, span: { first: epochOf(at, EPOCH_S) - WINDOW_EPOCHS, last: epochOf(until as WallMs, EPOCH_S) },
    keys: EVIDENCE_KEYS.filter((key) => threatOf(key) === attack.threat), from,
    hit: new Set(made.truth.map(({ station }) => station)).size,
  };
}

/** One attack at one moment, in each of the cases; undefined where there is no opportunity for it. */
export function trial(
  zone: ZoneDays, size: ZoneSize, moment: number, attack: { readonly name: string; readonly threat: Threat },
  strength: StrengthName, centre: HonestYears["centre"],
): Trial | undefined {
  const lived = played(zone, size, moment, attack, strength);
  if (lived === undefined) return undefined;
  const { stated, span, keys, from, hit } = lived;
  const begin = epochOf(from as WallMs, EPOCH_S);
  const delay = (epoch: number | undefined): number =>
    (epoch === undefined ? Infinity : Math.max(0, (epoch + 1) * EPOCH_S - from / SECOND_MS));
  const delays = Object.fromEntries(casesOf(size).map((one) => {
    const tracks = tracksOf(stated, one, span, moment + 1);
    const rises = risesOf(stated, span, one.loss === undefined ? 0 : NEWER_WITHIN_EPOCHS);
    return [one.name, delay(firstOf(rising(rises, begin, keys), (epoch, rose) =>
      raisedAt(tracks, span, size, epoch, rose).length > 0))];
  }));
  const all = tracksOf(stated, NOBODY_LIES, span, 1);
  const rose = [...rising(risesOf(stated, span, 0), begin, keys)];
  const hidden = tracksOf(stated, { name: "", hide: size.f }, span, moment + 1);
  const seeing = (tracks: typeof all, of: Partial<Liars>) => (epoch: number, some: readonly EvidenceKey[]) =>
    some.filter((key) => pooled(tracks, span, epoch, key, of) >= levelOf(centre.get(key)!, key, size, of));
  const seenBy = (tracks: typeof all, of: Partial<Liars>): number => {
    const sees = seeing(tracks, of);
    return delay(firstOf(rose, (epoch, some) => sees(epoch, some).length > 0));
  };
  const { f } = size;
  const seen = rose.flatMap(([epoch, some]) => seeing(all, { framers: f })(epoch, some));
  const evident = rose.flatMap(([epoch, some]) => some.map((key) => supporting(all, span, epoch, key)));
  return { city: zone.city, attack: attack.name, threat: attack.threat, strength, hit, evident: Math.max(0, ...evident),
    independent: seen.slice(0, 1).some(isIndependent),
    delays: { [CENTRE]: seenBy(all, {}), [POSSIBLE]: seenBy(all, { framers: f }),
      [POSSIBLE_HIDDEN]: seenBy(hidden, { framers: f, hiders: f }), ...delays } };
}

/** Where evidence may have one cause, so much is asked for on average: of fewer stations less. */
function levelOf(
  level: number, key: EvidenceKey, { n }: ZoneSize, { framers = 0, hiders = 0 }: Partial<Liars>,
): number {
  return isIndependent(key) ? level : (level * (n - framers - hiders)) / n;
}

/** The epochs from `begin` on in which some of the keys rose, and which. */
function* rising(rises: Rises, begin: number, keys: readonly EvidenceKey[]): Generator<[number, EvidenceKey[]]> {
  for (const [epoch, rose] of rises) {
    const some = keys.filter((key) => rose.has(key));
    if (epoch >= begin && some.length > 0) yield [epoch, some];
  }
}

/** The first of these epochs in which it is so. */
function firstOf(
  epochs: Iterable<[number, EvidenceKey[]]>, isSo: (epoch: number, rose: readonly EvidenceKey[]) => boolean,
): number | undefined {
  for (const [epoch, rose] of epochs) if (isSo(epoch, rose)) return epoch;
  return undefined;
}

function tried(
  captures: readonly Capture[], name: string, strength: StrengthName, at: WallMs, seed: number,
): JointlyAttacked | undefined {
  const from = (at + 10 * MINUTE_MS) as WallMs;
  const window = { from, to: (at + WITHIN_MS) as WallMs, soon: true };
  try {
    const made = attacked(name, captures, dice(seed, name), STRENGTHS[strength], window);
    return made.truth.length > 0 && made.truth.every((one) => one.from >= at) ? made : undefined;
  } catch {
    return undefined; // none of its stations is free, or charges, just then
  }
}

function livedOn({ stated, standings }: Lived, moment: number, capture: Capture, at: WallMs, until: number): Stated[] {
  const watch = standings[moment]!.watch.fork(EPOCH_S);
  const epoch = epochOf(at, EPOCH_S);
  const found = stated.filter((one) => one.epoch <= epoch);
  for (const item of itemsOf(capture)) {
    if (item.at > until) break;
    if (item.at >= at) watch.take(item, noting(found));
  }
  watch.tickTo(until, noting(found));
  return found;
}
