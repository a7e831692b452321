/** Seed after seed, dealt out to whoever plays them; each is played once, and a part that is cut off goes on later. */
import type { Io } from "../../../edge-agent/cli/command.ts";
import type { Played, Player } from "./players.ts";
import type { SoakState } from "./soak-state.ts";
import { Tally } from "./tally.ts";

export const MOST_SEED = 2 ** 32 - 1;
const TELLS_EVERY_MS = 10_000;

export interface Plan {
  /** Where it begins: `seeds` of it is Infinity where only time ends it. */
  readonly state: SoakState;
  /** No new seed begins after this. */
  readonly untilMs: number;
  /** One line for each seed. */
  readonly trace: boolean;
  /** Keeps what is played, now and then and at the end. */
  readonly keep?: (state: SoakState) => void;
}

export interface Soaked {
  readonly state: SoakState;
  readonly tally: Tally;
  /** How to see each again: the first one ends it, and those that others were playing may fail as well. */
  readonly failures: readonly string[];
}

/** Plays what is left of the plan; every player ends with it. */
export async function soak(plan: Plan, players: readonly Player[], io: Io): Promise<Soaked> {
  const course = new Course(plan, io);
  await Promise.all(players.map(async (player) => {
    for (let place = course.next(); place !== undefined; place = course.next()) {
      try {
        course.take(place, await player.play(course.seedAt(place)));
      } catch (error) {
        course.failures.push(`${(error as Error).message}\n`);
      }
    }
    player.end();
  }));
  course.save();
  return { state: course.state, tally: course.tally, failures: course.failures };
}

class Course {
  readonly tally = new Tally();
  readonly failures: string[] = [];
  readonly #plan: Plan;
  readonly #io: Io;
  readonly #beganMs = Date.now();
  #toldMs = this.#beganMs;
  #through: number;
  readonly #beyond: Set<number>;
  /** Everything below is given to somebody. */
  #given: number;
  #begun = 0;

  constructor(plan: Plan, io: Io) {
    this.#plan = plan;
    this.#io = io;
    const { through, beyond, tally } = plan.state;
    if (tally !== undefined) this.tally.join(tally);
    this.#given = this.#through = through;
    this.#beyond = new Set(beyond);
  }

  seedAt(place: number): number {
    const { first, step } = this.#plan.state;
    return (first + place * step) % (MOST_SEED + 1);
  }

  /** The place of a seed that nobody has; undefined when no more begins. The first begins whatever the time. */
  next(): number | undefined {
    while (this.#beyond.has(this.#given)) this.#given += 1;
    const { state: { seeds }, untilMs } = this.#plan;
    const ends = this.failures.length > 0 || this.#given >= seeds || (this.#begun > 0 && Date.now() >= untilMs);
    if (ends) return undefined;
    this.#begun += 1;
    return this.#given++;
  }

  /** A seed that failed is not played: it is told, and a later part begins with it. */
  take(place: number, { seed, tally, trace, failure }: Played): void {
    if (this.#plan.trace) this.#io.out(`seed ${seed}: ${tally.messages} messages, trace ${trace}\n`);
    if (failure !== undefined) return void this.failures.push(failure);
    this.tally.join(tally);
    this.#beyond.add(place);
    while (this.#beyond.delete(this.#through)) this.#through += 1;
    if (Date.now() - this.#toldMs < TELLS_EVERY_MS) return;
    this.#toldMs = Date.now();
    this.save();
    this.#tell();
  }

  get state(): SoakState {
    const { state } = this.#plan;
    return {
      ...state, through: this.#through, beyond: [...this.#beyond], seconds: state.seconds + this.#seconds(),
      tally: this.tally.json(),
    };
  }

  save(): void {
    this.#plan.keep?.(this.state);
  }

  #seconds(): number {
    return (Date.now() - this.#beganMs) / 1_000;
  }

  #tell(): void {
    const { state: { seeds, tally: before }, untilMs } = this.#plan;
    const { seeds: played, agentEpochs } = this.tally;
    const own = played - (before?.seeds ?? 0);
    const leftS = Math.min((untilMs - Date.now()) / 1_000, (seeds - played) * this.#seconds() / own);
    const of = seeds === Infinity ? "" : ` of ${seeds}`;
    this.#io.err(`soak: ${played}${of} seeds, ${agentEpochs} agent-epochs, ` +
      `${(60 * own / this.#seconds()).toFixed(1)} seeds a minute; ${Math.max(0, Math.round(leftS))} s left\n`);
  }
}
