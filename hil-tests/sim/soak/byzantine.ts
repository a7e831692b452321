/**
 * Liars: each runs the real core, and lies where its behaviour says so: in the evidence that it states, in how it
 * judges, in what goes out and to whom. Those that collude share a board; those that are adaptive state last.
 */
import { assemble, headOf } from "../../../gossip/certificate.ts";
import { decodeMessage, encodeMessage, messageOfStatement } from "../../../gossip/message.ts";
import type { Outgoing, ProtocolState } from "../../../gossip/protocol-state.ts";
import { signStatement } from "../../../gossip/statement.ts";
import type { ZoneHistory, ZoneLaw } from "../../../gossip/zone-law.ts";
import type { Held } from "../../../gossip/zone-view.ts";
import { type EvidenceKey, EVIDENCE_KEYS, threatOf } from "../../../models/terms.ts";
import { EVERYTHING, NOTHING, RAISES } from "../../attackers/liar-words.ts";
import type { Dice } from "../dice.ts";
import { contradiction } from "../lies.ts";
import { addEvidence } from "./evidence.ts";
import { type Behaviour, EPOCH_MS, type Liar } from "./scenario.ts";
import type { SimAgent } from "./sim-agent.ts";

export interface Sent {
  readonly message: Outgoing;
  readonly delayMs?: number;
}

const CLAIM_MILLINATS = 25_000;
/** Colluders claim for so many epochs at a time, then rest as long. */
const SPREE_EPOCHS = 12;
/** A framer proposes in one of so many epochs: every one of its proposals costs all others work. */
const PROPOSES_EVERY = 3;
const LATEST_EPOCHS = 6;
const REMEMBERED = 300;
const REPLAYED = 12;
const JUNK = 60;
const JUNK_BYTES = 400;
const VOTES_AN_EPOCH = 8;
const LOOKS_BACK_EPOCHS = 30;

/** What those who collude agree on: the key of the spree that they are in. */
export class Board {
  readonly #dice: Dice;
  readonly #keys = new Map<number, number>();

  constructor(chance: Dice) {
    this.#dice = chance;
  }

  /** The index of the key that is claimed in this epoch; undefined between sprees. */
  keyAt(epoch: number): number | undefined {
    const spree = Math.floor(epoch / SPREE_EPOCHS);
    if (spree % 2 === 1) return undefined;
    const known = this.#keys.get(spree) ?? this.#dice.int(EVIDENCE_KEYS.length);
    this.#keys.set(spree, known);
    return known;
  }
}

export class ByzantineAgent {
  readonly liar: Liar;
  readonly #dice: Dice;
  readonly #board: Board;
  readonly #heard: Outgoing[] = [];
  #votes = 0;
  #forged = 0;

  constructor(liar: Liar, board: Board, chance: Dice) {
    this.liar = liar;
    this.#board = board;
    this.#dice = chance;
  }

  isLying(epoch: number): boolean {
    return epoch >= this.liar.from;
  }

  /** What it would not hear: its own other words, and proofs. */
  isDeafTo(message: Outgoing, agent: SimAgent): boolean {
    return this.liar.behaviour !== "rolled-back" && (message.station === agent.station || message.kind === "proof");
  }

  /** Before its tick: what it claims, and how it will judge. */
  beforeTick(agent: SimAgent, epoch: number): void {
    const { protocol, core } = agent;
    if (protocol === undefined || core === undefined || !this.isLying(epoch)) return;
    this.#votes = this.#forged = 0;
    const { behaviour } = this.liar;
    const law = this.#lawOf(behaviour, protocol);
    if (law !== undefined) (protocol as { law: ZoneLaw<Held> }).law = law;
    for (const keyIndex of this.#claims(protocol)) {
      addEvidence(core.state.opine, EVIDENCE_KEYS[keyIndex]!, CLAIM_MILLINATS);
    }
    if (behaviour !== "frame" && behaviour !== "collude") return;
    // It waits for no turn.
    for (const { key } of protocol.law.search(historyOf(protocol), EVIDENCE_KEYS)) {
      const now = protocol.epoch + 1;
      protocol.waits.set(EVIDENCE_KEYS.indexOf(threatOf(key)), { key, since: now, turn: now, onset: now });
    }
  }

  #lawOf(behaviour: Behaviour, protocol: ProtocolState): ZoneLaw<Held> | undefined {
    if (behaviour === "frame") return protocol.epoch % PROPOSES_EVERY === 0 ? EVERYTHING : NOTHING;
    if (behaviour === "hide") return NOTHING;
    const key = this.#board.keyAt(protocol.epoch + 1);
    if (behaviour === "collude") return key === undefined ? NOTHING : greedy([EVIDENCE_KEYS[key]!]);
    return behaviour === "adaptive" ? greedy(likely(protocol)) : undefined;
  }

  #claims(protocol: ProtocolState): readonly number[] {
    switch (this.liar.behaviour) {
      case "frame":
        return EVIDENCE_KEYS.map((_, index) => index);
      case "collude": {
        const key = this.#board.keyAt(protocol.epoch + 1);
        return key === undefined ? [] : [key];
      }
      case "adaptive":
        return likely(protocol).map((key) => EVIDENCE_KEYS.indexOf(key));
      default:
        return [];
    }
  }

  /** What goes to one peer in place of a message. @param place the peer's place among its peers */
  instead(agent: SimAgent, message: Outgoing, place: number, epoch: number): Sent[] {
    if (!this.isLying(epoch)) return [{ message }];
    const own = message.station === agent.station;
    switch (this.liar.behaviour) {
      case "silent":
        return [];
      case "selective":
        return place % 2 === 0 ? [{ message }]
          : this.#dice.chance(0.5) ? [{ message, delayMs: this.#dice.uniform(0, LATEST_EPOCHS * EPOCH_MS) }] : [];
      case "equivocate":
        return own && place % 2 === 1 ? [{ message: otherwise(agent, message) }] : [{ message }];
      default:
        return [{ message }];
    }
  }

  /** What it says on top of it all, to everybody, once an epoch. */
  more(agent: SimAgent, epoch: number): Sent[] {
    if (!this.isLying(epoch)) return [];
    const { behaviour } = this.liar;
    if (behaviour === "flood") return Array.from({ length: JUNK }, (_, i) => ({ message: this.#junk(agent, i) }));
    if (behaviour !== "replay" || this.#heard.length === 0) return [];
    return Array.from({ length: REPLAYED }, () => {
      const { from: _, ...message } = this.#dice.pick(this.#heard);
      return { message, delayMs: this.#dice.uniform(0, EPOCH_MS) };
    });
  }

  /** A message came: what it answers beside what its core does. */
  hears(agent: SimAgent, message: Outgoing, epoch: number): Sent[] {
    const { behaviour } = this.liar;
    if (behaviour === "replay") {
      this.#heard.push(message);
      if (this.#heard.length > REMEMBERED) this.#heard.splice(this.#dice.int(REMEMBERED), 1);
    }
    const isFalse = behaviour === "frame" || behaviour === "collude" || behaviour === "equivocate";
    if (!isFalse || message.kind !== "proposal" || !this.isLying(epoch)) return [];
    return this.#signsAnything(agent, message.bytes);
  }

  /** Votes without a look, and puts a certificate together on which its own signature stands for everybody's. */
  #signsAnything(agent: SimAgent, bytes: Uint8Array): Sent[] {
    const { protocol, station } = agent;
    const decoded = decodeMessage("proposal", bytes);
    if (protocol === undefined || protocol.self < 0 || !decoded.ok || decoded.message.kind !== "proposal") return [];
    if (this.#votes >= VOTES_AN_EPOCH) return [];
    this.#votes += 1;
    const { directory, crypto, signer } = protocol;
    const proposal = decoded.message;
    const content = { epoch: proposal.content.epoch, proposal: crypto.sha256(proposal.bytes) };
    const head = headOf(directory, station);
    const vote = encodeMessage("vote", content, head, signer);
    const said: Sent[] = [{ message: { kind: "vote", station, bytes: vote.whole } }];
    if (this.#forged > 0 || proposal.rosterVersion !== directory.version) return said;
    this.#forged += 1;
    const votes = new Map(directory.members.map((_, index) => [index, vote.signature]));
    const { whole } = assemble(proposal, votes, head, signer);
    return [...said, { message: { kind: "certificate", station, bytes: whole } }];
  }

  #junk({ station, protocol }: SimAgent, i: number): Outgoing {
    const kinds = ["statement", "proposal", "vote", "certificate", "digest", "request"] as const;
    const kind = kinds[i % kinds.length]!;
    if (kind !== "request" || protocol === undefined || protocol.self < 0) {
      return { kind, station, bytes: this.#dice.bytes(JUNK_BYTES) };
    }
    const hashes = Array.from({ length: 8 }, () => this.#dice.bytes(32));
    const { whole } = encodeMessage("request", { epoch: protocol.epoch as never, hashes },
      headOf(protocol.directory, station), protocol.signer);
    return { kind, station, bytes: whole };
  }
}

/** The same statement or proposal with something else in it; any other message as it is. */
function otherwise({ protocol, station }: SimAgent, message: Outgoing): Outgoing {
  const decoded = decodeMessage(message.kind, message.bytes);
  if (protocol === undefined || !decoded.ok) return message;
  const { signer, directory } = protocol;
  if (decoded.message.kind === "statement") {
    const { content } = decoded.message;
    const other = signStatement({ ...content, evidence: contradiction(content.evidence) }, signer);
    return { ...message, bytes: messageOfStatement(other).whole };
  }
  if (decoded.message.kind !== "proposal" || protocol.self < 0) return message;
  const { content } = decoded.message;
  const other = { ...content, onset: Math.max(0, content.onset - 1) as typeof content.onset };
  return { ...message, bytes: encodeMessage("proposal", other, headOf(directory, station), signer).whole };
}

function historyOf({ view, directory, epoch }: ProtocolState): ZoneHistory<Held> {
  const members = view.members.map(({ statements }) => ({ statements }));
  return { n: members.length, f: directory.zone.f, epoch: epoch + 1, members };
}

/** The keys that most of the others' evidence speaks for of late. */
function likely({ view, epoch }: ProtocolState): EvidenceKey[] {
  const growths = EVIDENCE_KEYS.map((key, keyIndex) => {
    const total = view.members.reduce((sum, { statements }) => {
      const older = statements.find((one) => one.epoch >= epoch - LOOKS_BACK_EPOCHS);
      return sum + Math.max(0, (statements.at(-1)?.evidence[keyIndex] ?? 0) - (older?.evidence[keyIndex] ?? 0));
    }, 0);
    return { key, total };
  });
  return growths.sort((a, b) => b.total - a.total).slice(0, 2).map(({ key }) => key);
}

/** Raises for these keys on whichever pair of statements makes the most of each member. */
function greedy(keys: readonly EvidenceKey[]): ZoneLaw<Held> {
  return {
    decide: () => RAISES,
    search: ({ epoch, members }, asked) => keys.filter((key) => asked.includes(key)).map((key) => {
      const keyIndex = EVIDENCE_KEYS.indexOf(key);
      const pairs = members.map(({ statements }) => {
        const newer = statements.at(-1);
        if (newer === undefined || newer.epoch < epoch - LATEST_EPOCHS) return undefined;
        const inWindow = statements.filter((one) => one.epoch > epoch - LOOKS_BACK_EPOCHS);
        const older = inWindow.reduce((a, b) =>
          ((b.evidence[keyIndex] ?? 0) < (a.evidence[keyIndex] ?? 0) ? b : a), newer);
        return { newer, older };
      });
      return { key, onset: epoch - 1, decision: RAISES, pairs };
    }),
  };
}
