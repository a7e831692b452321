/** What becomes of a message between two simulated agents: lost, late, doubled, or not let through at all. */
import type { Dice } from "../dice.ts";
import { EPOCH_MS, type Fault, type FaultOf } from "./scenario.ts";

/** Deliveries take this long without any fault, ms: a street's Ethernet and its cellular routers. */
const DELAY_MS = { low: 5, high: 400 };
/** Someone out of order waits up to so many epochs, a copy too. */
const REORDERED_EPOCHS = 1.5;
const COPY_EPOCHS = 3;

type Kind = "loss" | "delay" | "reordering" | "duplication" | "partition";
const KINDS: ReadonlySet<Fault["kind"]> = new Set<Kind>(["loss", "delay", "reordering", "duplication", "partition"]);

export class Network {
  readonly #faults: readonly FaultOf<Kind>[];
  readonly #dice: Dice;

  constructor(faults: readonly Fault[], chance: Dice) {
    this.#faults = faults.filter((one): one is FaultOf<Kind> => KINDS.has(one.kind));
    this.#dice = chance;
  }

  /** After how many ms each copy arrives; none when it is lost. @param at epochs since the run began */
  copies(from: number, to: number, at: number): number[] {
    let delays = [this.#dice.uniform(DELAY_MS.low, DELAY_MS.high)];
    for (const fault of this.#faults) {
      if (at < fault.from || at >= fault.to) continue;
      const after: number[] = [];
      for (const delay of delays) after.push(...this.#through(fault, from, to, delay));
      delays = after;
    }
    return delays;
  }

  #through(fault: FaultOf<Kind>, from: number, to: number, delay: number): number[] {
    const chance = this.#dice;
    switch (fault.kind) {
      case "loss":
        return chance.chance(fault.share) ? [] : [delay];
      case "delay":
        return [delay + chance.uniform(0, fault.mostMs)];
      case "reordering":
        return [chance.chance(fault.share) ? delay + chance.uniform(0, REORDERED_EPOCHS * EPOCH_MS) : delay];
      case "duplication":
        return chance.chance(fault.share) ? [delay, delay + chance.uniform(0, COPY_EPOCHS * EPOCH_MS)] : [delay];
      case "partition":
        return isCut(fault, from, to) ? [] : [delay];
    }
  }
}

/** Whether nothing goes from the one to the other. */
export function isCut({ shape, side }: FaultOf<"partition">, from: number, to: number): boolean {
  const isBridge = shape === "bridge" && (from === side[0] || to === side[0]);
  const [isFrom, isTo] = [side.includes(from), side.includes(to)];
  return !isBridge && isFrom !== isTo && (shape !== "one-way" || isFrom);
}
