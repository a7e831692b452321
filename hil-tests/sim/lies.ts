/** What a lying agent says in place of what its honest core would have said: contracts, section 6. */
import type { Outgoing } from "../../gossip/protocol-state.ts";
import { decodeMessage, messageOfStatement } from "../../gossip/message.ts";
import { signStatement, type StatementBody } from "../../gossip/statement.ts";
import type { Signer } from "../../models/crypto.ts";
import type { Now } from "../../models/units.ts";
import type { Dice } from "./dice.ts";
import type { Behaviour, Liar } from "./liars.ts";

/** Added to every key's evidence in each epoch by who claims everything: beyond any clip within one epoch. */
const CLAIM_MILLINATS = 20_000;
const FLOOD_COPIES = 40;
const JUNK_BYTES = 600;

export class Lies {
  readonly #liars: readonly Liar[];
  readonly #signer: Signer;
  readonly #dice: Dice;
  /** For `frame` and `hide`: sums of its own making, begun when the lie begins. */
  #claimed: number[] | undefined;
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
    if (behaviour === "equivocate") return place % 2 === 0 ? body.evidence : body.evidence.map((sum) => sum + 1_000);
    if (behaviour === "hide") return (this.#claimed ??= [...body.evidence]);
    // The same claim to all peers in one epoch: framing is a lie about itself and no contradiction.
    const claimed = (this.#claimed ??= [...body.evidence]);
    const risen = claimed.map((sum) => sum + CLAIM_MILLINATS * (body.seq % 1_000));
    return risen.map((sum) => Math.min(1_900_000_000, sum));
  }

  #junk(message: Outgoing): Outgoing[] {
    return Array.from({ length: FLOOD_COPIES }, () => ({ ...message, bytes: this.#dice.bytes(JUNK_BYTES) }));
  }
}
