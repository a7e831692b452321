/**
 * The rig's own act: one charger's packets are lost, one relay is slow, and the southern zone falls into two halves of
 * three, neither of which is a quorum. Wrong cards then are certified by nobody; when the zone is whole again, by all.
 */
import { type Check, outcomeOf, type Outcome } from "../bench/acts/act.ts";
import { certifiedBy, isZones, nothingElse } from "../bench/acts/checks.ts";
import { sprayedWords, sprayWrongCards } from "../bench/acts/wrong-cards.ts";
import type { House } from "../bench/street-house.ts";
import { SOUTH } from "../bench/street-plan.ts";
import type { Street } from "../bench/street.ts";
import { type Hosts, losePackets } from "./hosts.ts";

export const PARTITION = {
  name: "packets lost, a slow link, the southern zone in two halves, wrong cards",
  told: "certified by nobody while split, by all of south when whole again",
};

const LOSSY = "S-2";
const LOST_PERCENT = 5;
const SLOW = "S-3";
const SLOW_MS = 200;
const SPLIT_EPOCHS = 8;
const HELD_WITHIN_S = 40;
const JOINED_WITHIN_S = 60;

/** Each half's agents reach nobody of the other. */
function split(halves: readonly (readonly House[])[]): void {
  for (const half of halves) {
    const others = halves.filter((one) => one !== half).flat();
    for (const house of half) house.relay.refuse(new Set(others.map(({ place }) => place.host)));
  }
}

const heal = (houses: readonly House[]): void => houses.forEach(({ relay }) => relay.refuse(new Set()));

export async function playPartition(street: Street, hosts: Hosts): Promise<Outcome> {
  const known = street.known();
  const south = street.zone(SOUTH);
  const lossy = losePackets(hosts.byName[LOSSY]!, LOST_PERCENT);
  if (typeof lossy === "string") throw new Error(lossy);
  street.house(SLOW).relay.delayMs = SLOW_MS;
  const links = south.map(({ relay }) => relay.connections);
  split([south.slice(0, 3), south.slice(3)]);
  const found = (): ReturnType<Street["newIncidents"]>[number] | undefined =>
    street.newIncidents(known).find((one) => isZones(one, SOUTH, "authorization-abuse"));
  try {
    const sprayed = await sprayWrongCards(street, south, { known, holders: [] });
    await street.epochs(SPLIT_EPOCHS);
    const early: Check = found() === undefined ? { saw: "certified by nobody while split", ok: true }
      : { saw: "certified without a quorum", ok: false };
    heal(south);
    const joined = await street.until(() => south.every(({ relay }, i) => relay.connections >= links[i]!),
      JOINED_WITHIN_S);
    const holders = street.honest(SOUTH).map(({ id }) => id);
    await street.until(() => holders.every((id) => found()?.by.has(id)), HELD_WITHIN_S);
    return outcomeOf([
      { saw: sprayedWords(sprayed), ok: sprayed.refused.size === south.length }, early,
      { saw: joined ? "all links back" : "links missing", ok: joined },
      certifiedBy(found(), holders),
      nothingElse(street.newIncidents(known), (one) => isZones(one, SOUTH, "authorization-abuse")),
    ]);
  } finally {
    heal(south);
    street.house(SLOW).relay.delayMs = 0;
    lossy();
  }
}
