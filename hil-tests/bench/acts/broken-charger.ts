/** Act b: one charger bills less than flows. Its own agent says so; the zone, which is more than one, keeps silent. */
import { type Act, outcomeOf } from "./act.ts";
import { nothingElse } from "./checks.ts";

const BROKEN = "N-4";
/** At a street's pace a second is worth minutes: so long until what a meter cannot tell is little beside the bill. */
const SESSION_S = 120;
/** At that pace a few seconds of doubt are a twentieth of the bill, and there is but one. */
const AHEAD = 0.5;
/** A zone that had something to say would have said it. */
const SETTLED_EPOCHS = 6;

export const brokenCharger: Act = {
  id: "b",
  name: `one broken charger: ${100 * AHEAD} % more flows than is billed`,
  told: `energy-theft at ${BROKEN} alone, both zones silent`,
  needs: [],
  sabotages: { "sound-charger": "the charger bills what flows" },
  async play(street, sabotage) {
    const known = street.known();
    const house = street.house(BROKEN);
    const enough = new AbortController();
    const session = house.charge({
      token: street.goodToken(), seconds: SESSION_S, meterAhead: sabotage === "sound-charger" ? 0 : AHEAD,
      signal: enough.signal,
    });
    void street.until(() => street.newIncidents(known).length > 0, SESSION_S).then(() => enough.abort());
    const { billedWh, deliveredWh } = await session;
    await street.epochs(SETTLED_EPOCHS);
    const incidents = street.newIncidents(known);
    const isOurs = ({ threat, scope, by }: (typeof incidents)[number]) =>
      threat === "energy-theft" && scope === "station" && by.size === 1 && by.has(BROKEN);
    const ours = incidents.find(isOurs);
    const words = ours?.by.get(BROKEN)?.summary;
    return outcomeOf([
      { saw: ours === undefined ? `nothing at ${BROKEN}` : `energy-theft at ${BROKEN}`, ok: ours !== undefined },
      nothingElse(incidents, isOurs),
    ], { words: words ?? `${Math.round(deliveredWh)} Wh flowed, ${billedWh} Wh were billed` });
  },
};
