/** Act d: sessions that are honest one by one, begun together: load that no charger sees and the zone does. */
import { NORTH } from "../street-plan.ts";
import type { Incident } from "../street-incidents.ts";
import { type Act, outcomeOf } from "./act.ts";
import { certifiedBy, isZones, mapIs, nothingElse } from "./checks.ts";

/** N-6 takes no part, so that the map has an edge. */
const TAKING_PART = ["N-1", "N-2", "N-3", "N-4", "N-5"];
const WITHIN_S = 3;
const SESSION_S = 16;
const CERTIFIED_WITHIN_S = 30;
/** They also end together, which the zone may say as well; whatever it says is said before the next act. */
const SETTLED_EPOCHS = 8;

const isOurs = (one: Incident): boolean => isZones(one, NORTH, "load-manipulation");
const isOfStarts = (one: Incident): boolean =>
  isOurs(one) && [...one.by.values()].some(({ explanation }) => explanation[0]?.term.startsWith("starts at") === true);

export const synchronisedStarts: Act = {
  id: "d",
  name: `${TAKING_PART.length} honest-looking sessions with good cards, begun within ${WITHIN_S} s`,
  told: `load-manipulation certified by all of north; map: ${TAKING_PART.join(" ")}; south silent`,
  needs: [],
  sabotages: { scattered: "only two of them begin" },
  async play(street, sabotage) {
    const known = street.known();
    const houses = TAKING_PART.slice(0, sabotage === "scattered" ? 2 : undefined).map((id) => street.house(id));
    const firstMs = Date.now();
    const sessions = houses.map(async (house, index) => {
      await street.seconds((index * WITHIN_S) / TAKING_PART.length);
      return await house.charge({ token: street.goodToken(), seconds: SESSION_S });
    });
    const agents = street.honest(NORTH).map(({ id }) => id);
    const found = (): Incident | undefined => street.newIncidents(known).find(isOfStarts);
    await street.until(() => agents.every((id) => found()?.by.has(id)), CERTIFIED_WITHIN_S);
    const refused = (await Promise.all(sessions)).filter(({ authorization }) => authorization !== "Accepted").length;
    await street.epochs(SETTLED_EPOCHS);
    const incident = found();
    const words = incident?.by.values().next().value?.summary;
    return outcomeOf([
      certifiedBy(incident, agents), mapIs(incident, TAKING_PART), nothingElse(street.newIncidents(known), isOurs),
      ...(refused > 0 ? [{ saw: `${refused} sessions were refused`, ok: false }] : []),
    ], { ...(words !== undefined && { words }), ...(incident && { tookMs: incident.raisedMs - firstMs }) });
  },
};
