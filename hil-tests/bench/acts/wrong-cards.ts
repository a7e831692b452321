/** Wrong cards, tried so rarely at each charger that no charger finds anything wrong with it. */
import type { House } from "../street-house.ts";
import type { Incident } from "../street-incidents.ts";
import type { Known, Street } from "../street.ts";
import { isZones } from "./checks.ts";

const APART_S = 0.4;
/** For statements of the next epoch, a proposal and its votes. */
const BETWEEN_ROUNDS_EPOCHS = 4;
/** Four wrong cards at one charger are still far from what it would call abuse by itself. */
const MOST_ROUNDS = 4;
const HELD_WITHIN_S = 20;

export interface Sprayed {
  /** Refused at each charger. */
  readonly refused: ReadonlyMap<House, number>;
  readonly incident: Incident | undefined;
  /** From the first refusal to the first certificate, milliseconds. */
  readonly tookMs: number | undefined;
}

/** One wrong card at each charger in turn, again until the zone says it; then waits until all of `holders` do. */
export async function sprayWrongCards(
  street: Street, houses: readonly House[], { known, holders }: { known: Known; holders: readonly House[] },
): Promise<Sprayed> {
  const zone = houses[0]!.zone;
  const refused = new Map<House, number>();
  let firstMs: number | undefined;
  const found = (): Incident | undefined =>
    street.newIncidents(known).find((one) => isZones(one, zone, "authorization-abuse"));
  for (let round = 0; round < MOST_ROUNDS && found() === undefined; round++) {
    for (const house of houses) {
      await street.seconds(APART_S);
      const status = await house.station.authorize(street.wrongToken());
      if (status === "Accepted" || status === "offline") continue;
      firstMs ??= Date.now();
      refused.set(house, (refused.get(house) ?? 0) + 1);
    }
    await street.untilEpochs(() => found() !== undefined, BETWEEN_ROUNDS_EPOCHS);
  }
  await street.until(() => holders.every(({ id }) => found()?.by.has(id)), found() === undefined ? 0 : HELD_WITHIN_S);
  const incident = found();
  const tookMs = incident === undefined || firstMs === undefined ? undefined : incident.raisedMs - firstMs;
  return { refused, incident, tookMs };
}

/** `1 or 2 refused at each of 6 chargers`. */
export function sprayedWords({ refused }: Pick<Sprayed, "refused">): string {
  if (refused.size === 0) return "no card was refused";
  const counts = [...new Set(refused.values())].sort();
  return `${counts.join(" or ")} refused at each of ${refused.size} chargers`;
}
