/**
 * What stations see, for the most part without frames: evidence is written into what `opine` has accumulated, as
 * detectors would have it add up. A stated abstraction: it makes an epoch cheap, and all behind it is the real core.
 */
import type { OpineState } from "../../../models/opine/opine.ts";
import { type EvidenceKey, EVIDENCE_KEYS } from "../../../models/terms.ts";
import type { Dice } from "../dice.ts";
import type { Scenario } from "./scenario.ts";
import type { SimAgent } from "./sim-agent.ts";

/** Keys that move a little at every honest station, millinats an epoch; on the whole they speak for honesty. */
const NOISE: readonly EvidenceKey[] = ["starts", "power-step", "energy-theft"];
const NOISE_MILLINATS = { low: -60, high: 40 };
/** A broken charger's meter: the same key at all, which is the worst. */
export const BROKEN_KEY: EvidenceKey = "energy-theft";
const BROKEN_MILLINATS = 4_000;

export class Evidence {
  readonly #scenario: Scenario;
  readonly #dice: Dice;
  /** By agent and key: all that ever rose. */
  readonly #risen: readonly Float64Array[];
  readonly #last: number[];

  constructor(scenario: Scenario, chance: Dice) {
    const all = scenario.agents + scenario.spare;
    this.#scenario = scenario;
    this.#dice = chance;
    this.#risen = Array.from({ length: all }, () => new Float64Array(EVIDENCE_KEYS.length));
    this.#last = new Array<number>(all).fill(-1);
  }

  /** Before an agent's tick, at most once an epoch. */
  happen(agent: SimAgent, epoch: number): void {
    const { index, core } = agent;
    if (core === undefined || this.#last[index] === epoch) return;
    this.#last[index] = epoch;
    for (const key of NOISE) {
      this.#add(agent, key, Math.round(this.#dice.uniform(NOISE_MILLINATS.low, NOISE_MILLINATS.high)));
    }
    const { broken, attacks } = this.#scenario;
    if (broken.includes(index)) this.#add(agent, BROKEN_KEY, BROKEN_MILLINATS);
    for (const { key, from, to, agents, perEpoch } of attacks) {
      if (epoch >= from && epoch < to && agents.includes(index)) this.#add(agent, key, perEpoch);
    }
  }

  /** The sum of all rises until now: no honest statement of the agent may have grown by more. */
  risen(agent: number, keyIndex: number): number {
    return this.#risen[agent]![keyIndex]!;
  }

  /** Lets real frames pass: what detectors make of them was seen too. */
  pass({ index, core }: SimAgent, frames: () => void): void {
    const opine = core?.state.opine ?? {};
    const sums = (): number[] => EVIDENCE_KEYS.map((key) => opine[key]?.cumulativeMillinats ?? 0);
    const before = sums();
    frames();
    sums().forEach((sum, keyIndex) => {
      this.#risen[index]![keyIndex]! += Math.max(0, sum - before[keyIndex]!);
    });
  }

  #add({ index, core }: SimAgent, key: EvidenceKey, millinats: number): void {
    addEvidence(core!.state.opine, key, millinats);
    if (millinats > 0) this.#risen[index]![EVIDENCE_KEYS.indexOf(key)]! += millinats;
  }
}

export function addEvidence(opine: OpineState, key: EvidenceKey, millinats: number): void {
  const known = opine[key] ??= {
    cumulativeMillinats: 0, sinceOnsetNats: 0, onset: 0, terms: {}, frames: [], says: "",
  };
  known.cumulativeMillinats += millinats;
}
