/**
 * billing-inflation: energy billed and not delivered.
 *
 * Looks for: registers that the station reports, and its bill (stop less start), running ahead of the agent's own
 * meter: energy/session.ts, the other way round. One balance serves both ways, so energy-theft.ts gives the findings.
 * Statistic: one common shift of the learned ratio of billed to delivered energy over a session, a step of the register
 * at its end, or a drift beyond what the class of two meters allows, over weeks of sessions; a session is one e-value,
 * as the mean of what its reports, its bill, its last step and its drift say.
 * Null: the ratio that this station has shown, from a shipped prior by the side of the charger that is metered.
 * Honest look-alikes: meter class; the loss of a DC charger metered on its AC side, which makes delivered the larger;
 * registers in steps, registers that begin anew, backlogs and late reports; a meter that is stuck, whose register
 * stands still under power: its blocks are void, and so are those in which it counts less than `LEAST_BLOCK_WH`. A
 * bill of which the meter saw nothing at all counts in full only while the meter goes on counting its own standby, or
 * measuring it; from one that stands still it counts once, and again only after the meter has gone along with
 * a session.
 * Joint feature `billed-less-delivered`: the same comparison against a drift too small to matter at one station.
 */
import type { Suspicion } from "./energy/findings.ts";

export const INFLATION: Suspicion = {
  way: "inflation", threat: "billing-inflation", feature: "billed-less-delivered",
  term: "billed energy ahead of delivered", driftTerm: "small drift of billed over delivered",
};
