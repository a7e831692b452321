/** `load-manipulation`: many stations start within seconds; at each of them it is an ordinary start. */
import { MINUTE_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import type { Capture } from "../sim/capture.ts";
import { evseIds, isIdle, isUp, moments, truthOf, type Attacks, type JointAttack, type Span } from "./attack.ts";
import { SESSION_MS, withSession } from "./inserted-session.ts";
import { percent } from "./strength.ts";

const SPREAD_S = 8;

function freeEvse(capture: Capture, during: Span): number | undefined {
  if (!isUp(capture, during)) return undefined;
  return evseIds(capture).find((id) => isIdle(capture, id, during));
}

/** `strength` is the share of the stations that is told to start, within 8 s, for half an hour at 7.2 kW. */
export const synchronisedStarts: JointAttack = (captures, chance, strength, window) => {
  const [first] = captures;
  if (first === undefined) throw new Error("no captures");
  const wanted = Math.min(captures.length, Math.max(2, Math.round(strength * captures.length)));
  for (const at of moments(first, chance, SESSION_MS + MINUTE_MS, window)) {
    const during = { from: at, to: (at + SESSION_MS + SPREAD_S * SECOND_MS) as WallMs };
    const free = captures.map((capture) => freeEvse(capture, during));
    const able = free.flatMap((evseId, i) => (evseId === undefined ? [] : [i]));
    if (able.length < wanted) continue;
    const taking = new Set(able.slice(0, wanted));
    const truth = captures.filter((_, i) => taking.has(i))
      .map((capture) => truthOf("load-manipulation", "synchronised-starts", capture, during));
    const attacked = captures.map((capture, i) => {
      if (!taking.has(i)) return capture;
      const from = Math.round(at + chance.uniform(0, SPREAD_S) * SECOND_MS) as WallMs;
      const to = (from + SESSION_MS) as WallMs;
      return withSession(capture, chance, { evseId: free[i] as number, from, to, powerW: 7_200, remote: true,
        token: chance.hex(8) });
    });
    return { captures: attacked, truth };
  }
  throw new Error(`there is no moment at which ${wanted} stations are free`);
};

export const SYNCHRONISED_STARTS: Attacks = {
  "synchronised-starts": {
    threat: "load-manipulation", scope: "zone", make: synchronisedStarts,
    does: "stations start within 8 s, for half an hour at 7.2 kW each",
    amount: (strength) => `${percent(strength)} of the stations`,
  },
};
