/** Attacks on many stations: who is chosen, and when. */
import type { Threat } from "../../models/terms.ts";
import type { WallMs } from "../../models/units.ts";
import type { Capture } from "../sim/capture.ts";
import type { Dice } from "../sim/dice.ts";
import {
  evseIds, isIdle, isUp, moments, truthOf, type Attacked, type JointAttack, type JointlyAttacked, type Span,
  type Window,
} from "./attack.ts";
import { meterW } from "./registers.ts";
import { running, type Running } from "./wire.ts";

/** What happens at one of many. */
export interface Act {
  readonly threat: Threat;
  readonly name: string;
  /** Share of the stations, at least two. */
  readonly share: number;
  /** Each at its own moment within so long. */
  readonly spreadMs: number;
  /** How long it takes at one. */
  readonly lengthMs: number;
  /** Whether a station offers the opportunity; default: its link is up. */
  readonly able?: (capture: Capture, during: Span) => boolean;
  /** Must not touch anything before `at`. `to`: its last trace; default `at` and the length. */
  readonly act: (capture: Capture, chance: Dice, at: WallMs) => { readonly capture: Capture; readonly to?: WallMs };
}

/** The same act at many stations about one moment, at random ones among those that offer the opportunity. */
export function atMany(
  captures: readonly Capture[], chance: Dice, plan: Act, window: Window | undefined,
): JointlyAttacked {
  const [first] = captures;
  if (first === undefined) throw new Error("no captures");
  const wanted = Math.min(captures.length, Math.max(2, Math.round(plan.share * captures.length)));
  const wholeMs = plan.spreadMs + plan.lengthMs;
  const able = plan.able ?? isUp;
  for (const at of moments(first, chance, wholeMs, window)) {
    const during = { from: at, to: (at + wholeMs) as WallMs };
    const fit = captures.flatMap((capture, i) => (able(capture, during) ? [i] : []));
    if (fit.length < wanted) continue;
    const taken = new Set<number>();
    while (taken.size < wanted) taken.add(chance.pick(fit));
    return carriedOut(captures, chance, plan, at, taken);
  }
  throw new Error(`there is no moment at which ${wanted} stations offer the opportunity`);
}

function carriedOut(
  captures: readonly Capture[], chance: Dice, plan: Act, at: WallMs, taken: ReadonlySet<number>,
): JointlyAttacked {
  const truth: JointlyAttacked["truth"][number][] = [];
  const after = captures.map((before, i) => {
    if (!taken.has(i)) return before;
    const from = Math.round(at + chance.uniform(0, plan.spreadMs)) as WallMs;
    const { capture, to = (from + plan.lengthMs) as WallMs } = plan.act(before, chance, from);
    truth.push(truthOf(plan.threat, plan.name, before, { from, to }));
    return capture;
  });
  return { captures: after, truth };
}

/** From what an act is at a strength to an attack. */
export function joint(plan: (strength: number) => Act): JointAttack {
  return (captures, chance, strength, window) => atMany(captures, chance, plan(strength), window);
}

/** The attack at every capture on its own; those without an opportunity are spared, if any is left. */
export function everywhere(
  captures: readonly Capture[], act: (capture: Capture) => Attacked,
): JointlyAttacked {
  const truth: JointlyAttacked["truth"][number][] = [];
  let failure: Error | undefined;
  const after = captures.map((before) => {
    try {
      const one = act(before);
      truth.push(...one.truth);
      return one.capture;
    } catch (error) {
      failure = error as Error;
      return before;
    }
  });
  if (truth.length === 0) throw failure ?? new Error("no captures");
  return { captures: after, truth };
}

/** An EVSE that stays idle, with the link up. */
export function idleEvse(capture: Capture, during: Span): number | undefined {
  if (!isUp(capture, during)) return undefined;
  return evseIds(capture).find((id) => isIdle(capture, id, during));
}

/** Below this it is no charging that anybody would miss. */
const CHARGING_FROM_W = 1_500;

/** Transactions that run for the whole of a span with the link up, and charge at its beginning. */
export function charging(capture: Capture, during: Span): Running[] {
  if (!isUp(capture, during)) return [];
  return running(capture, during).filter(({ evseId }) => meterW(capture, evseId, during.from) > CHARGING_FROM_W);
}

/**
 * Up to `count` moments in order, at least one, that `fit` accepts, none within another's length.
 * @throws Error when there is none.
 */
export function opportunities<T>(
  capture: Capture, chance: Dice, count: number, lengthMs: number, window: Window | undefined,
  fit: (during: Span) => T | undefined,
): { readonly at: WallMs; readonly with: T }[] {
  const found: { at: WallMs; with: T }[] = [];
  for (let before = -1; found.length > before;) {
    before = found.length;
    for (const at of moments(capture, chance, lengthMs, window)) {
      if (found.some((other) => Math.abs(other.at - at) < 2 * lengthMs)) continue;
      const what = fit({ from: at, to: (at + lengthMs) as WallMs });
      if (what === undefined) continue;
      found.push({ at, with: what });
      if (found.length === count) return found.sort((a, b) => a.at - b.at);
    }
  }
  if (found.length === 0) throw new Error(`no opportunity of ${Math.round(lengthMs / 60_000)} min`);
  return found.sort((a, b) => a.at - b.at);
}
