/** What a lying agent says in place of what its honest core would have said: contracts, section 6. */
import type { Outgoing } from "../../gossip/protocol-state.ts";
import { decodeMessage, messageOfStatement } from "../../gossip/message.ts";
import { signStatement, type StatementBody } from "../../gossip/statement.ts";
import type { Signer } from "../../models/crypto.ts";
import type { Now } from "../../models/units.ts";
import type { Dice } from "./dice.ts";
import type { Behaviour, Liar } from "./liars.ts";

/** Added to every key's evidence in each epoch by who claims everything: beyond any clip within one epoch. */
const CLAIM_MILLINATS = 25_000;
const MOST_CLAIMED = 1_900_000_000;
/** How far apart the two statements of an equivocator are. */
const CONTRADICTION_MILLINATS = 1_000;
const FLOOD_COPIES = 40;
export const JUNK_BYTES = 600;

/** What who claims everything at the maximum states so many epochs after `evidence`. */
export function claimed(evidence: readonly number[], epochs = 1): number[] {
  return evidence.map((sum) => Math.min(MOST_CLAIMED, sum + CLAIM_MILLINATS * epochs));
}

/** What an equivocator tells the other half. */
export function contradiction(evidence: readonly number[]): number[] {
  return evidence.map((sum) => sum + CONTRADICTION_MILLINATS);
}

export class Lies {
  readonly #liars: readonly Liar[];
  readonly #signer: Signer;
  readonly #dice: Dice;
  /** For `frame` and `hide`: the sums that stood when the lie began. */
  #before: number[] | undefined;
  #first: Outgoing | undefined;

  constructor(liars: readonly Liar[], signer: Signer, chance: Dice) {
    this.#liars = liars;
    this.#signer = signer;
    this.#dice = chance;
  }

  /**
   * What goes to one peer in place of a message.
   * @param place the peer's place among the peers: an equivocator tells each half something else
   */
  instead(message: Outgoing, now: Now, place: number): Outgoing[] {
    const behaviour = this.#liars.find(({ from, to }) => now.wallMs >= from && now.wallMs < to)?.behaviour;
    if (behaviour === undefined) return [message];
    if (behaviour === "silent") return [];
    if (behaviour === "flood") return [message, ...this.#junk(message)];
    const own = message.kind === "statement" && message.relayed !== true;
    return own ? [this.#statement(message, behaviour, place)] : [message];
  }

  #statement(message: Outgoing, behaviour: Behaviour, place: number): Outgoing {
    if (behaviour === "replay") return (this.#first ??= message);
    const decoded = decodeMessage("statement", message.bytes);
    if (!decoded.ok || decoded.message.kind !== "statement") return message;
    const body = decoded.message.content;
    const evidence = this.#evidence(body, behaviour, place);
    const lie = messageOfStatement(signStatement({ ...body, evidence }, this.#signer));
    return { ...message, bytes: lie.whole };
  }

  #evidence(body: StatementBody, behaviour: Behaviour, place: number): readonly number[] {
    if (behaviour === "equivocate") return place % 2 === 0 ? body.evidence : contradiction(body.evidence);
    const before = (this.#before ??= [...body.evidence]);
    // The same claim to all peers in one epoch: framing is a lie about itself and no contradiction.
    return behaviour === "hide" ? before : claimed(before, body.seq % 1_000);
  }

  #junk(message: Outgoing): Outgoing[] {
    return Array.from({ length: FLOOD_COPIES }, () => ({ ...message, bytes: this.#dice.bytes(JUNK_BYTES) }));
  }
}
