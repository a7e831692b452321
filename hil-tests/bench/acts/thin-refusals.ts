/** Act c: what no charger of a zone would mention, all of them certify together; the other zone has no part in it. */
import { SOUTH } from "../street-plan.ts";
import type { Street } from "../street.ts";
import type { House } from "../street-house.ts";
import { type Act, outcomeOf } from "./act.ts";
import { certifiedBy, isZones, nothingElse } from "./checks.ts";
import { sprayedWords, sprayWrongCards } from "./wrong-cards.ts";

const STOPPED = ["S-4", "S-5", "S-6"];

async function sabotaged(street: Street, sabotage: string | undefined): Promise<() => Promise<void>> {
  if (sabotage === "detector-off") {
    // Every card that will be tried is good: no detector sees a refusal.
    const { tokens } = street.csms;
    const asked = tokens.has.bind(tokens);
    tokens.has = () => true;
    return async () => void (tokens.has = asked);
  }
  if (sabotage === "no-quorum") {
    const stopped = STOPPED.map((id) => street.house(id).agent);
    await Promise.all(stopped.map((agent) => agent.stop()));
    return async () => void await Promise.all(stopped.map((agent) => agent.start()));
  }
  return async () => {};
}

export const thinRefusals: Act = {
  id: "c",
  name: "wrong cards, spread thinly over the southern zone",
  told: "authorization-abuse certified by all of south; no charger says it alone; north silent",
  needs: [],
  sabotages: {
    "detector-off": "the CSMS accepts the wrong cards: nothing to detect",
    "no-quorum": "three of the zone's six agents are stopped; it takes four",
  },
  async play(street, sabotage) {
    const known = street.known();
    const south: readonly House[] = street.zone(SOUTH);
    const undo = await sabotaged(street, sabotage);
    try {
      const holders = street.honest(SOUTH);
      const sprayed = await sprayWrongCards(street, south, { known, holders });
      const { incident, tookMs } = sprayed;
      const words = incident?.by.values().next().value?.summary;
      return outcomeOf([
        { saw: sprayedWords(sprayed), ok: sprayed.refused.size === south.length },
        certifiedBy(incident, holders.map(({ id }) => id)),
        nothingElse(street.newIncidents(known), (one) => isZones(one, SOUTH, "authorization-abuse")),
      ], { ...(words !== undefined && { words }), ...(tookMs !== undefined && { tookMs }) });
    } finally {
      await undo();
    }
  },
};
