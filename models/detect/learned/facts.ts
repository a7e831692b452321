/**
 * Facts that hardly any honest operator shows, each of which may suffice by itself: three hundred starts in an hour, a
 * call answered yesterday that comes again to the letter.
 *
 * Null: fact i comes as a Poisson process, at most once in `years` station-years: a judgement, named so wherever it is
 * reported (once in a thousand: an operator of a thousand stations sees it once a year). Alternative: one of the k
 * facts of a threat, chosen evenly, comes `perHour` times an hour. An event is worth ln(perHour years / k), quiet time
 * -perHour t: a likelihood ratio with expectation at most 1 for every rate up to the null's. What begins from nothing
 * is worth what the threat's whole budget of beginnings allows (threshold.ts), halved since the other half is the
 * detector's other evidence: so a false alarm by facts alone comes as often as they do, k times in `years`, and a fact
 * reaches the threshold by itself where 2 k false alarms in `years` are within the promise.
 *
 * A detector's evidence is the even mixture of its usual sum and of this one.
 */
import { YEARS_BETWEEN_FALSE_ALERTS, thresholdOf } from "../../opine/threshold.ts";
import { type EvidenceKey, type Finding, type Term, THREATS } from "../../terms.ts";
import { HOUR_MS, type Now } from "../../units.ts";
import { weigh } from "../detector.ts";
import { mixtureOf } from "./acts.ts";
import { MOST_SUM } from "./burst.ts";
import { LONGEST_QUIET_MS } from "./spells.ts";

export interface Fact {
  readonly term: string;
  /** Station-years in which an honest station shows it once, at most: a judgement. */
  readonly years: number;
}

export interface FactLaw {
  readonly key: EvidenceKey;
  /** How often an attacker shows one. */
  readonly perHour: number;
  readonly facts: Readonly<Record<string, Fact>>;
}

export interface Facts {
  nats: number;
  tickMs: number;
  /** When each fact last counted, monotonic ms. */
  shown: Record<string, number>;
}

/** The same fact within this time is the same one. */
const AGAIN_MS = HOUR_MS;

export function createFacts(): Facts {
  return { nats: 0, tickMs: -1, shown: {} };
}

/** What a fact is worth where nothing stood before it, nats: half of the mixture's budget. */
export function factNats(law: FactLaw, name: string): number {
  const count = Object.keys(law.facts).length;
  const promised = YEARS_BETWEEN_FALSE_ALERTS * THREATS.length;
  return thresholdOf(law.key) + Math.log(law.facts[name]!.years / (count * promised));
}

/**
 * A fact shows.
 * @returns what the sum gained, or nothing where the fact counted within the last hour
 */
export function showFact(facts: Facts, law: FactLaw, name: string, now: Now): Term | undefined {
  const last = Object.hasOwn(facts.shown, name) ? facts.shown[name]! : -Infinity;
  if (now.monoMs - last < AGAIN_MS && now.monoMs >= last) return undefined;
  facts.shown[name] = now.monoMs;
  const { term, years } = law.facts[name]!;
  const again = Math.log((law.perHour * 24 * 365 * years) / Object.keys(law.facts).length);
  const sum = Math.min(MOST_SUM, Math.max(facts.nats + Math.max(0, again), factNats(law, name), facts.nats));
  const nats = sum - facts.nats;
  facts.nats = sum;
  return { term, nats };
}

/** Quiet time takes evidence back. */
export function passFacts(facts: Facts, law: FactLaw, now: Now): void {
  const since = facts.tickMs < 0 ? 0 : now.monoMs - facts.tickMs;
  facts.tickMs = now.monoMs;
  if (since <= 0 || facts.nats === 0) return;
  facts.nats = Math.max(0, facts.nats - (law.perHour * Math.min(since, LONGEST_QUIET_MS)) / HOUR_MS);
}

/** One step of a detector: its findings, and the facts that showed in it, with what to say of them. */
export interface Step {
  readonly found: readonly Finding[];
  readonly facts?: readonly (Term | undefined)[];
  readonly says?: string;
  readonly frames?: readonly number[];
}

/**
 * Findings of `key` as far as they moved the even mixture of all sums; those of other keys as they are.
 * @param sums the detector's sums, nats
 */
export function mixed(key: EvidenceKey, sums: () => readonly number[], now: Now, step: () => Step): Finding[] {
  const before = mixtureOf(sums());
  const { found, facts = [], says, frames = [] } = step();
  const growth = mixtureOf(sums()) - before;
  if (growth === 0 && found.length === 0) return [];
  const others = found.filter((one) => one.key !== key);
  if (growth === 0) return others;
  const own = found.filter((one) => one.key === key);
  const shown = facts.filter((fact) => fact !== undefined);
  const terms = [...own.flatMap((one) => one.terms), ...shown];
  const told = shown.length > 0 ? says : undefined;
  const all = [...new Set([...own.flatMap((one) => one.frames), ...frames])];
  return [{
    key, at: now.wallMs, ...scaled(terms, growth), frames: all,
    says: told ?? own.map((one) => one.says).find((text) => text !== "") ?? "",
  }, ...others];
}

/** Terms that add up to `growth`; where they nearly cancel out, or say the opposite, the largest stands for all. */
function scaled(terms: readonly Term[], growth: number): { nats: number; terms: Term[] } {
  const sum = terms.reduce((total, { nats }) => total + nats, 0);
  const size = terms.reduce((total, { nats }) => total + Math.abs(nats), 0);
  if (sum * growth > 0 && Math.abs(sum) > size / 4) return weigh(terms, growth, growth);
  const [first] = [...terms].sort((a, b) => (b.nats - a.nats) * Math.sign(growth));
  const term = growth > 0 ? first?.term ?? "what came together" : "quiet time";
  return { nats: growth, terms: [{ term, nats: growth }] };
}
