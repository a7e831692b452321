/** `credential-cloning`: a copied card charges at one station while its owner charges at another. */
import { MINUTE_MS, type WallMs } from "../../models/units.ts";
import {
  evseIds, isIdle, isUp, lateTransactions, truthOf, type Attacks, type AttackTruth, type JointAttack,
} from "./attack.ts";
import { withSession } from "./inserted-session.ts";

const clonedUses = (strength: number): number => 1 + Math.round(4 * strength);

/** Uses: one, up to five at strength 1. The first capture is the owner's station, the second the thief's. */
export const clonedToken: JointAttack = (captures, chance, strength, window) => {
  const [owner, thief, ...others] = captures;
  if (owner === undefined || thief === undefined) throw new Error("two captures are needed");
  const wanted = clonedUses(strength);
  const truth: AttackTruth[] = [];
  let attacked = thief;
  for (const { token, from, to } of lateTransactions(owner, window)) {
    const start = Math.round(from + (to - from) * chance.uniform(0.2, 0.5)) as WallMs;
    const during = { from: start, to: (start + chance.uniform(10, 30) * MINUTE_MS) as WallMs };
    const evseId = evseIds(attacked).find((id) => isIdle(attacked, id, during));
    if (evseId === undefined || !isUp(attacked, during)) continue;
    const whole = { from: start, to: Math.round(during.to) as WallMs };
    attacked = withSession(attacked, chance, { evseId, ...whole, token, powerW: 7_200, remote: false });
    truth.push(truthOf("credential-cloning", "cloned-token", attacked, whole));
    truth.push(truthOf("credential-cloning", "cloned-token", owner, whole));
    if (truth.length >= 2 * wanted) break;
  }
  if (truth.length === 0) throw new Error("no transaction of the one station overlaps an idle time of the other");
  return { captures: [owner, attacked, ...others], truth };
};

export const CLONED_TOKEN: Attacks = {
  "cloned-token": {
    threat: "credential-cloning", scope: "zone", make: clonedToken,
    does: "a copied card charges at the second station while its owner charges at the first",
    amount: (strength) => `${clonedUses(strength)} uses`,
  },
};
