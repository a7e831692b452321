/**
 * What an honest agent tells of the region, zones saw: fewer than four zones raise nothing together, and otherwise
 * honest and whole stations of at least two zones have evidence for the threat.
 */
import { EVIDENCE_KEYS, type Threat, threatOf } from "../../../../models/terms.ts";
import { type Checker, CheckFailure, type World } from "../world.ts";

const NAME = "the region's word";
const FEWEST_ZONES = 4;
const FEWEST_WITH_EVIDENCE = 2;
const SEEN_MILLINATS = 1_000;

export function regionsWord(world: World): Checker {
  const zonesWith = (threat: Threat): number => {
    const keys = EVIDENCE_KEYS.flatMap((key, index) => (threatOf(key) === threat ? [index] : []));
    const saw = world.agents.filter((agent) => world.isHonest(agent) && !world.scenario.broken.includes(agent.index)
      && keys.some((key) => world.evidence.risen(agent.index, key) > SEEN_MILLINATS));
    return new Set(saw.map(({ zone }) => zone)).size;
  };
  return {
    name: NAME,
    end() {
      const zones = world.street.zones.length;
      for (const agent of world.agents.filter((one) => world.isHonest(one))) {
        for (const { scope, state, threat } of agent.alerts) {
          if (scope !== "region" || state !== "raised") continue;
          const saw = zonesWith(threat);
          if (zones >= FEWEST_ZONES && saw >= FEWEST_WITH_EVIDENCE) continue;
          const what = `agent ${agent.index} raises ${threat} in the region`;
          throw new CheckFailure(NAME, `${what}: ${saw} of ${zones} zones have honest evidence`);
        }
      }
    },
  };
}
