/** Every look-alike and fault by name, and how one comes to a station. */
import type { WallMs } from "../../../models/units.ts";
import { dice } from "../dice.ts";
import type { Change } from "../honest.ts";
import { FAULTS } from "./faults.ts";
import { JOINT_CAUSES } from "./joint-causes.ts";
import type { LookAlikes } from "./look-alike.ts";

export const LOOK_ALIKES: LookAlikes = { ...JOINT_CAUSES, ...FAULTS };

export interface Occasion {
  readonly name: string;
  readonly from: WallMs;
  /** End of the capture, or of the look-alike where that comes first. */
  readonly to: WallMs;
  /** The same at all stations that it comes to. */
  readonly seed: number;
}

/** What happens at `station`. @throws Error for an unknown name. */
export function changeAt(station: string, { name, from, to, seed }: Occasion): Change {
  const lookAlike = Object.hasOwn(LOOK_ALIKES, name) ? LOOK_ALIKES[name] : undefined;
  if (lookAlike === undefined) throw new Error(`${name}: no look-alike of that name`);
  return lookAlike.change({
    from, to, shared: dice(seed, name), own: dice(seed, `${name} ${station}`),
  });
}
