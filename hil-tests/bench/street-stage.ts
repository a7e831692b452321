/** The acts of a street as they stand: one is played at a time, each once, and what it needs before it. */
import { type Act, ACT_WITHIN_S, type ActId, type Outcome } from "./acts/act.ts";
import { ACTS } from "./acts/acts.ts";
import type { Street } from "./street.ts";

export type ActState = "idle" | "playing" | "told" | "untold";

export interface StagedAct {
  readonly act: Act;
  readonly state: ActState;
  readonly outcome?: Outcome;
}

export class Stage {
  /** Why nobody but the bench itself may play an act now; undefined when anybody may. */
  busy: string | undefined = "the street is being set up";
  readonly #street: Street;
  readonly #acts: Map<ActId, StagedAct>;

  constructor(street: Street, acts: readonly Act[] = ACTS) {
    this.#street = street;
    this.#acts = new Map(acts.map((act) => [act.id, { act, state: "idle" }]));
  }

  acts(): readonly StagedAct[] {
    return [...this.#acts.values()];
  }

  /** As the page shows them: `why` says what keeps a viewer from playing one. */
  views() {
    return this.acts().map(({ act: { id, name, told }, state, outcome }) => ({
      id, name, told, state, why: this.hindrance(id), observed: outcome?.observed, words: outcome?.words,
    }));
  }

  /** Why a viewer cannot play an act now, in words; undefined when it can be played. */
  hindrance(id: string): string | undefined {
    return this.#hindrance(id) ?? this.busy;
  }

  #hindrance(id: string): string | undefined {
    const staged = this.#acts.get(id as ActId);
    if (staged === undefined) return `no such act; allowed: ${[...this.#acts.keys()].join(", ")}`;
    const playing = this.acts().find(({ state }) => state === "playing");
    if (playing !== undefined) return `act ${playing.act.id} is being played`;
    // An incident goes on under its name for half an hour: the same act again would raise nothing new.
    if (staged.state !== "idle") return "it was played; another street plays it again";
    const lacking = staged.act.needs.filter((need) => this.#acts.get(need)?.state === "idle");
    return lacking.length === 0 ? undefined : `play ${lacking.join(" and ")} first`;
  }

  /** Never rejects. Throws RangeError for an act that cannot be played now. */
  async play(id: ActId, sabotage?: string): Promise<Outcome> {
    const why = this.#hindrance(id);
    if (why !== undefined) throw new RangeError(`act ${id}: ${why}`);
    const { act } = this.#acts.get(id)!;
    this.#acts.set(id, { act, state: "playing" });
    const outcome = await this.#outcomeOf(act, sabotage);
    this.#acts.set(id, { act, state: outcome.asTold ? "told" : "untold", outcome });
    return outcome;
  }

  async #outcomeOf(act: Act, sabotage: string | undefined): Promise<Outcome> {
    const played = act.play(this.#street, sabotage).catch((error: Error): Outcome =>
      ({ observed: `failed: ${error.message}`, asTold: false }));
    const late = this.#street.seconds(ACT_WITHIN_S).then((): Outcome =>
      ({ observed: `not over after ${ACT_WITHIN_S} s`, asTold: false }));
    return await Promise.race([played, late]);
  }
}
