/** The acts in the order in which they are played. */
import { brokenCharger } from "./broken-charger.ts";
import { cuts } from "./cuts.ts";
import { type Act, type ActId } from "./act.ts";
import { liars } from "./liars.ts";
import { quiet } from "./quiet.ts";
import { record } from "./record.ts";
import { synchronisedStarts } from "./synchronised-starts.ts";
import { thinRefusals } from "./thin-refusals.ts";

export const ACTS: readonly Act[] = [quiet, brokenCharger, thinRefusals, synchronisedStarts, liars, cuts, record];

/** The acts to be played for `only`: what it needs, and itself; all of them when nothing is said. */
export function actsFor(only: ActId | undefined): readonly Act[] {
  if (only === undefined) return ACTS;
  const wanted = new Set<ActId>();
  const add = (id: ActId): void => {
    wanted.add(id);
    for (const before of ACTS.find((act) => act.id === id)?.needs ?? []) add(before);
  };
  add(only);
  return ACTS.filter(({ id }) => wanted.has(id));
}

/** The act that a sabotage belongs to. */
export function actOfSabotage(name: string): Act | undefined {
  return ACTS.find(({ sabotages }) => Object.hasOwn(sabotages, name));
}
