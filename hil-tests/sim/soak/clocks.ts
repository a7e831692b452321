/** Wall clocks of simulated agents: a little off from the start, and more while a fault lasts. */
import type { WallMs } from "../../../models/units.ts";
import type { Dice } from "../dice.ts";
import { EPOCH_MS, type Fault, type FaultOf } from "./scenario.ts";

/** The beginning of an epoch. */
export const BEGIN = Date.UTC(2026, 2, 2, 8);
/** What a good clock is off, ms. */
const GOOD_MS = 300;
/** Who wants to state after the others have runs late by this, ms; it is still within an epoch of them. */
const LATE_MS = 8_000;

type Wrong = FaultOf<"skew" | "drift">;

export class Clocks {
  readonly #faults: readonly Wrong[];
  readonly #offMs: readonly number[];

  /** @param late whose clocks run late on purpose */
  constructor(agents: number, faults: readonly Fault[], late: ReadonlySet<number>, chance: Dice) {
    this.#faults = faults.filter((one): one is Wrong => one.kind === "skew" || one.kind === "drift");
    this.#offMs = Array.from({ length: agents }, (_, agent) => {
      const offMs = Math.round(chance.uniform(-GOOD_MS, GOOD_MS));
      return late.has(agent) ? -LATE_MS : offMs;
    });
  }

  /** @param aliveMs since the run began, by nobody's clock */
  wallMs(agent: number, aliveMs: number): WallMs {
    const at = aliveMs / EPOCH_MS;
    let offMs = this.#offMs[agent] ?? 0;
    for (const fault of this.#faults) {
      if (fault.agent !== agent || at < fault.from || at >= fault.to) continue;
      offMs += 1_000 * (fault.kind === "skew" ? fault.seconds : fault.secondsAnEpoch * (at - fault.from));
    }
    return Math.round(BEGIN + aliveMs + offMs) as WallMs;
  }
}
