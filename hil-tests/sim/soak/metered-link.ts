/** What a member on a metered link hears, as adapters/membership.ts subscribes: gossip/SPEC.md, section 7a. */
import type { Kind } from "../../../gossip/message.ts";
import type { Neighbour } from "../../../gossip/membership.ts";

/** Of the whole zone. */
const OF_ALL: ReadonlySet<Kind> = new Set<Kind>(["certificate", "proof", "request"]);
const OF_NEIGHBOURS: ReadonlySet<Kind> = new Set<Kind>(["checkpoint", "roster", "part"]);
/** What is heard for a while after it said something that asks for it. */
const AFTER: Readonly<Partial<Record<Kind, Kind>>> = { statement: "request", cosignature: "checkpoint" };
const ANSWERS_EPOCHS = 3;

export class MeteredLink {
  readonly #until = new Map<Kind, number>();

  /** @param at epochs since the run began */
  says(kind: Kind, at: number): void {
    this.#until.set(kind, at + ANSWERS_EPOCHS);
  }

  hears(kind: Kind, isNeighbour: boolean, at: number): boolean {
    const asks = AFTER[kind];
    if (asks !== undefined) return (this.#until.get(asks) ?? 0) > at && (kind === "statement" || isNeighbour);
    return OF_ALL.has(kind) || (isNeighbour && OF_NEIGHBOURS.has(kind));
  }
}

/** Whose brokers it dials: one honest neighbour, though one more is away; those on rings first. */
export function dialledBy(neighbours: readonly Neighbour[], f: number): readonly Neighbour[] {
  const [long, near] = (["long", "near"] as const).map((wanted) => neighbours.filter(({ link }) => link === wanted));
  return [...long!, ...near!].slice(0, f + 2);
}
