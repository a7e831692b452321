/** Act b: one charger bills less than flows. Its own agent says so; the zone, which is more than one, keeps silent. */
import { type Act, outcomeOf } from "./act.ts";
import { nothingElse } from "./checks.ts";

const BROKEN = "N-4";
const AHEAD = 0.3;
/**
 * For two minutes after a charger has connected its reports may have waited, and are not held against the meter: so
 * long, at most, that there is time after that. It ends when it is told.
 */
const SESSION_S = 300;
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
