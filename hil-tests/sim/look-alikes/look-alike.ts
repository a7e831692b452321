/** What looks like an attack and is none: what the world does to many stations, and what breaks at one. */
import type { Threat } from "../../../models/terms.ts";
import type { WallMs } from "../../../models/units.ts";
import type { Change } from "../honest.ts";
import type { Dice } from "../dice.ts";

/** When it happens, and chance: one that the stations share, from the same seed at each, and one of their own. */
export interface Scene {
  readonly from: WallMs;
  readonly to: WallMs;
  readonly shared: Dice;
  readonly own: Dice;
}

export interface LookAlike {
  /** `zone`: at all its stations for one reason; `station`: a charger that is broken. */
  readonly scope: "zone" | "station";
  /** The threat that it is most easily taken for. */
  readonly like: Threat;
  readonly does: string;
  /** How long it lasts at most, ms. */
  readonly lengthMs: number;
  readonly change: (scene: Scene) => Change;
}

export type LookAlikes = Readonly<Record<string, LookAlike>>;
