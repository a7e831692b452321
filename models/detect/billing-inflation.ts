/**
 * billing-inflation: energy billed and not delivered.
 *
 * Looks for: registers that the station reports, and its bill (stop less start), running ahead of the agent's own
 * meter: energy-balance.ts, with the sign turned round.
 * Statistic: one common shift of the learned ratio of billed to delivered energy over a session; a session is one
 * e-value, as the mean of what its reports and what its bill say.
 * Null: the ratio that this station has shown, from a shipped prior by the side of the charger that is metered.
 * Honest look-alikes: meter class; the loss of a DC charger metered on its AC side, which makes delivered the larger;
 * registers in steps, registers that begin anew, backlogs and late reports; a meter that is stuck, whose register
 * stands still under power: its blocks are void, and so are those in which it counts less than `LEAST_BLOCK_WH`. A
 * bill of which the meter saw nothing at all counts once, and again only after the meter has gone along with a session.
 * Joint feature `billed-less-delivered`: the same comparison against a drift too small to matter at one station.
 */
import type { Detector } from "./detector.ts";
import { type Balance, createBalance, dropStale } from "./energy-balance.ts";
import { balanceOf, type Suspicion, told } from "./energy-compare.ts";

export interface BillingInflation {
  balance: Balance;
}

const INFLATION: Suspicion = {
  threat: "billing-inflation", feature: "billed-less-delivered",
  term: "billed energy ahead of delivered", driftTerm: "small drift of billed over delivered",
};
const NO_EVSE = -1;

export const billingInflation: Detector<BillingInflation> = {
  name: "billing-inflation",
  version: 2,
  create: () => ({ balance: createBalance(-1) }),
  observe({ balance }, seen, now) {
    if (seen.kind === "tick") dropStale(balance, NO_EVSE, now);
    return told(balanceOf(balance, seen, now), INFLATION, seen, now);
  },
};
