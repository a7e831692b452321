/** `load-manipulation`: demand that falls or swings at one time in many places; at each of them it is nothing much. */
import { MINUTE_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import type { Threat } from "../../models/terms.ts";
import { ACCEPTED } from "../sim/dialect.ts";
import type { Capture, TimedLine } from "../sim/capture.ts";
import { dialectOf } from "../sim/dialects.ts";
import type { Dice } from "../sim/dice.ts";
import {
  exchange, moments, truthOf, type Attack, type Attacks, type JointAttack, type JointlyAttacked, type Span, type Window,
} from "./attack.ts";
import { charging, opportunities } from "./joint.ts";
import { limitOrder, obeying, type Step } from "./limits.ts";
import { meterW } from "./registers.ts";
import { withPower } from "./reshape.ts";
import { graded, gradedCount, percent } from "./strength.ts";
import { asTransaction, cutShort, withLines, type Running } from "./wire.ts";

interface Rush {
  readonly during: Span;
  /** By the index of the capture. */
  readonly targets: ReadonlyMap<number, Running>;
}

/** The moment, of a hundred, at which most stations charge and go on for so long; at least two. */
function rush(captures: readonly Capture[], chance: Dice, lengthMs: number, window?: Window): Rush {
  const [first] = captures;
  if (first === undefined) throw new Error("no captures");
  let best: Rush | undefined;
  let tries = 0;
  for (const from of moments(first, chance, lengthMs, window)) {
    const during = { from, to: (from + lengthMs) as WallMs };
    const targets = new Map(captures.flatMap((capture, i) => {
      const [target] = charging(capture, during);
      return target === undefined ? [] : [[i, target] as const];
    }));
    if (targets.size > (best?.targets.size ?? 1)) best = { during, targets };
    if ((tries += 1) === 100 && best !== undefined) break;
  }
  if (best === undefined) throw new Error("no two stations charge at once for long enough");
  return best;
}

interface Doing {
  readonly threat: Threat;
  readonly name: string;
  readonly act: (capture: Capture, target: Running, during: Span) => Capture;
}

function inRush(
  captures: readonly Capture[], chance: Dice, { during, targets }: Rush, share: number, doing: Doing,
): JointlyAttacked {
  const wanted = Math.max(2, Math.round(share * targets.size));
  const taken = new Set<number>();
  while (taken.size < wanted) taken.add(chance.pick([...targets.keys()]));
  const after = captures.map((capture, i) => {
    const target = targets.get(i);
    return target === undefined || !taken.has(i) ? capture : doing.act(capture, target, during);
  });
  const truth = captures.filter((_, i) => taken.has(i)).map((one) => truthOf(doing.threat, doing.name, one, during));
  return { captures: after, truth };
}

/** A remote stop of a transaction, and what the station does about it. */
export function stopped(capture: Capture, chance: Dice, target: Running, at: WallMs): Capture {
  const { remoteStop } = dialectOf(capture.ocppVersion);
  const order = exchange(capture, chance, at, "csms", remoteStop(asTransaction(capture, target, at)), ACCEPTED);
  return withLines(cutShort(capture, chance, target, (at + 2 * SECOND_MS) as WallMs, "Remote"), order);
}

/** Stops of those who charge, within `spreadS`. */
export function stopsTogether(threat: Threat, name: string, share: (strength: number) => number, spreadS: number):
  JointAttack {
  return (captures, chance, strength, window) => {
    const lengthMs = (spreadS + 10) * SECOND_MS;
    return inRush(captures, chance, rush(captures, chance, lengthMs, window), share(strength), {
      threat, name,
      act: (capture, target, { from }) =>
        stopped(capture, chance, target, Math.round(from + chance.uniform(0, spreadS) * SECOND_MS) as WallMs),
    });
  };
}

/** Set-points of the station at these times, obeyed: orders within two seconds of each. */
function setPoints(capture: Capture, chance: Dice, target: Running, during: Span, steps: readonly Step[]): Capture {
  const { evseId } = target;
  const orders = steps.map(({ at, limitW }, i) => ({ limitW, at: Math.round(at + chance.uniform(0, 2_000)) as WallMs,
    order: limitOrder(capture.ocppVersion, { evseId, limitW: Math.round(limitW), id: 9_000 + i }) }));
  const lines = orders.flatMap(({ at, order }): TimedLine[] =>
    exchange(capture, chance, at, "csms", order.message, order.reply));
  const obeyed = orders.map(({ at, limitW }) => ({ at: (at + 500) as WallMs, limitW }));
  return withLines(withPower(capture, { evseId, during, shape: obeying(obeyed), flows: true, reported: true }), lines);
}

const HALF_MS = 30 * SECOND_MS;
const swings = gradedCount(4, 8, 20);
const lowShare = graded(0.6, 0.3, 0, 1);
const stoppedShare = graded(0.4, 0.7, 1);
const DROP_MS = 10 * MINUTE_MS;

/** Low and high in turn. */
function swinging(capture: Capture, { evseId }: Running, from: WallMs, count: number, low: number): Step[] {
  const fullW = Math.ceil(meterW(capture, evseId, from));
  return Array.from({ length: 2 * count }, (_, i) =>
    ({ at: (from + i * HALF_MS) as WallMs, limitW: i % 2 === 0 ? low * fullW : 1.2 * fullW }));
}

const oscillation: JointAttack = (captures, chance, strength, window) => {
  const count = swings(strength);
  const found = rush(captures, chance, 2 * count * HALF_MS + 5 * SECOND_MS, window);
  return inRush(captures, chance, found, 1, {
    threat: "load-manipulation", name: "set-point-oscillation",
    act: (capture, target, during) => setPoints(capture, chance, target, during,
      swinging(capture, target, during.from, count, lowShare(strength))),
  });
};

const drop: JointAttack = (captures, chance, strength, window) =>
  inRush(captures, chance, rush(captures, chance, DROP_MS, window), 1, {
    threat: "load-manipulation", name: "set-point-drop",
    act: (capture, target, during) => {
      const fullW = Math.ceil(meterW(capture, target.evseId, during.from));
      return setPoints(capture, chance, target, during, [
        { at: during.from, limitW: lowShare(strength) * fullW },
        { at: (during.to - 5 * SECOND_MS) as WallMs, limitW: 1.2 * fullW },
      ]);
    },
  });

/** Without any order: the station's own software switches. */
export const powerSwings: Attack = (before, chance, strength, window) => {
  const count = swings(strength);
  const [place] = opportunities(before, chance, 1, 2 * count * HALF_MS, window, (span) => charging(before, span)[0]);
  const { at: from, with: target } = place as { at: WallMs; with: Running };
  const during = { from, to: (from + 2 * count * HALF_MS) as WallMs };
  const shape = obeying(swinging(before, target, from, count, 0));
  const capture = withPower(before, { evseId: target.evseId, during, shape, flows: true, reported: true });
  return { capture, truth: [truthOf("load-manipulation", "power-swings", before, during)] };
};

export const MANIPULATED_LOAD: Attacks = {
  "power-swings": {
    threat: "load-manipulation", scope: "station", make: powerSwings,
    does: "a station switches its vehicle's current off and on, half a minute each, without an order",
    amount: (strength) => `${swings(strength)} swings to nothing`,
  },
  "synchronised-stops": {
    threat: "load-manipulation", scope: "zone",
    make: stopsTogether("load-manipulation", "synchronised-stops", stoppedShare, 8),
    does: "remote stops within 8 s at a busy moment",
    amount: (strength) => `${percent(stoppedShare(strength))} of those who charge, at least two`,
  },
  "set-point-oscillation": {
    threat: "load-manipulation", scope: "zone", make: oscillation,
    does: "set-points of all who charge go down and up together, half a minute each",
    amount: (strength) => `${swings(strength)} swings to ${percent(lowShare(strength))} of their power`,
  },
  "set-point-drop": {
    threat: "load-manipulation", scope: "zone", make: drop,
    does: "set-points of all who charge fall within 2 s and are restored ten minutes later",
    amount: (strength) => `to ${percent(lowShare(strength))} of their power`,
  },
};
