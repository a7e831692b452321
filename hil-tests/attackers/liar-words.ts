/**
 * What a lying agent says (behaviours: contracts, section 6). It runs the protocol of its zone as an honest member
 * does, so that its chain, its relays and its repairs are without fault, and lies where its behaviour says so.
 */
import { decide, searchRaises } from "../../models/agree/zone-decision.ts";
import type { Signer } from "../../models/crypto.ts";
import { EVIDENCE_KEYS, threatIndexOf } from "../../models/terms.ts";
import { epochOf, type Now } from "../../models/units.ts";
import { createZoneProtocol } from "../../gossip/agreement-protocol.ts";
import { assemble, headOf } from "../../gossip/certificate.ts";
import type { Directory } from "../../gossip/directory.ts";
import { createGossip, gossip } from "../../gossip/gossip.ts";
import type { GossipOptions, GossipState, Heard, Told } from "../../gossip/gossip.ts";
import { decodeMessage, encodeMessage, type Kind, messageOfStatement, readTopic } from "../../gossip/message.ts";
import type { Outgoing, ProtocolState } from "../../gossip/protocol-state.ts";
import { signStatement, type Statement } from "../../gossip/statement.ts";
import type { Decision, ZoneHistory, ZoneLaw } from "../../gossip/zone-law.ts";
import type { Held } from "../../gossip/zone-view.ts";
import { claimed, contradiction, JUNK_BYTES } from "../sim/lies.ts";
import type { Behaviour } from "../sim/liars.ts";

/** One message on its way out. `half`: only to these of its neighbours; absent: to all. */
export interface Said {
  readonly what: string;
  readonly message: Outgoing;
  readonly half?: 0 | 1;
}

export interface LiarOptions extends Pick<GossipOptions, "crypto" | "station" | "last" | "earliest"> {
  readonly behaviour: Behaviour;
  readonly directory: Directory;
  /** The statement key of the agent whose place this is. */
  readonly signer: Signer;
  /** Statements that the agent published before, newest last. */
  readonly old: readonly Statement[];
  /** SHA-256 of the agent's last checkpoint, as its statements name it. */
  readonly checkpoint: Uint8Array;
  readonly random: (bytes: number) => Uint8Array;
}

/** Keys that a framer proposes in one epoch: with its votes and repeats just below what neighbours take in a second. */
const KEYS_AN_EPOCH = 4;
/** Others grant 24. */
const VOTES_AN_EPOCH = 12;
/** A framer says that it began this long ago, epochs. */
const ONSET_BACK = 3;
const LONG_AGO_EPOCHS = 1_000;
const JUNK_KINDS: readonly Kind[] = ["statement", "proposal", "vote", "certificate"];

export const RAISES: Decision = { sum: 0, margin: 0, supporters: 0, raises: true };
const QUIET: Decision = { sum: 0, margin: -1, supporters: 0, raises: false };

/** In a framer's eyes everything raises, some keys each epoch: so its own protocol proposes and votes for anything. */
export const EVERYTHING: ZoneLaw<Held> = {
  decide: () => RAISES,
  search: ({ epoch, members }, keys) => framedKeys(epoch).flatMap((keyIndex) => {
    const key = EVIDENCE_KEYS[keyIndex]!;
    const onset = epoch - ONSET_BACK;
    return keys.includes(key) ? [{ key, onset, decision: RAISES, pairs: pairsOf(members, onset) }] : [];
  }),
};
export const NOTHING: ZoneLaw<Held> = { decide: () => QUIET, search: () => [] };
const LAWS: Readonly<Record<Behaviour, ZoneLaw<Held>>> = {
  frame: EVERYTHING, hide: NOTHING, silent: NOTHING, replay: NOTHING,
  equivocate: { decide, search: searchRaises }, flood: { decide, search: searchRaises },
};

function framedKeys(epoch: number): number[] {
  return Array.from({ length: KEYS_AN_EPOCH }, (_, i) => (epoch * KEYS_AN_EPOCH + i) % EVIDENCE_KEYS.length);
}

function pairsOf(members: ZoneHistory<Held>["members"], onset: number) {
  return members.map(({ statements }) => {
    const newer = statements.at(-1);
    const older = statements.findLast(({ epoch }) => epoch <= onset) ?? statements[0];
    return newer === undefined || older === undefined ? undefined : { newer, older };
  });
}

export class LiarWords {
  readonly #options: LiarOptions;
  readonly #protocol: ProtocolState;
  readonly #gossip: GossipState;
  /** In this epoch. */
  #votes = 0;
  #forgeries = 0;

  constructor(options: LiarOptions) {
    const { behaviour, directory, station, signer, crypto, last, earliest } = options;
    this.#options = options;
    this.#protocol = createZoneProtocol({ directory, station, signer, crypto, law: LAWS[behaviour] });
    // A liar does not listen first whether its clock is right.
    this.#protocol.clock.begun = LONG_AGO_EPOCHS;
    this.#gossip = createGossip({
      crypto, signer, network: directory.network, zone: directory.zone.id, station, epochS: directory.epochS, earliest,
      protocol: this.#protocol, rosterVersion: directory.version, statedEveryMs: 0, ...(last !== undefined && { last }),
    });
  }

  /** Where its chain stands. */
  get seq(): number {
    return this.#gossip.seq;
  }

  /** To be called at each epoch's start. */
  begin(now: Now): Said[] {
    const { behaviour } = this.#options;
    const epoch = epochOf(now.wallMs, this.#gossip.epochS);
    this.#votes = this.#forgeries = 0;
    if (behaviour === "silent") return [];
    // A framer waits for no turn.
    if (behaviour === "frame") {
      for (const keyIndex of framedKeys(epoch)) {
        const wait = { key: EVIDENCE_KEYS[keyIndex]!, since: epoch, turn: epoch, onset: epoch };
        this.#protocol.waits.set(threatIndexOf(keyIndex), wait);
      }
    }
    const said = this.#turned(this.#step(undefined, now));
    return behaviour === "replay" ? [...said, ...this.#repeated()] : said;
  }

  /** A message came. What is about itself, or proves somebody's guilt, a liar does not hear and does not pass on. */
  hear(heard: Heard, now: Now): Said[] {
    const { behaviour, station } = this.#options;
    const topic = readTopic(heard.topic);
    if (behaviour === "silent" || topic?.station === station || topic?.kind === "proof") return [];
    const told = this.#step(heard, now);
    const vote = behaviour === "frame" && topic?.kind === "proposal" ? this.#voteFor(heard.bytes) : [];
    return [...this.#turned(told), ...vote];
  }

  /** For `flood`: so many pieces of junk on its own topics. */
  junk(count: number): Said[] {
    const { station, random } = this.#options;
    return Array.from({ length: count }, (_, i) => ({
      what: "junk", message: { kind: JUNK_KINDS[i % JUNK_KINDS.length]!, station, bytes: random(JUNK_BYTES) },
    }));
  }

  #step(heard: Heard | undefined, now: Now): Told {
    const { behaviour, checkpoint, old } = this.#options;
    // Who replays says nothing new, but for once where there is nothing old.
    const isMute = behaviour === "replay" && (old.length > 0 || this.#gossip.seq > 0);
    return gossip(this.#gossip, heard, () => this.#evidence(), isMute ? undefined : checkpoint, now);
  }

  #evidence(): readonly number[] {
    const last = EVIDENCE_KEYS.map((_, index) => this.#gossip.lastEvidence[index] ?? 0);
    return this.#options.behaviour === "frame" ? claimed(last) : last;
  }

  /** What the protocol says, turned into what the liar says. */
  #turned({ outgoing, statement }: Told): Said[] {
    const { behaviour, station } = this.#options;
    return outgoing.flatMap((message): Said[] => {
      const own = message.station === station;
      if (own && message.kind === "statement" && statement !== undefined && behaviour === "equivocate") {
        return this.#contradicted(message, statement);
      }
      const said = { what: own ? message.kind : "passed on", message };
      return own && message.kind === "proposal" && behaviour === "frame" ? [said, ...this.#forged(message)] : [said];
    });
  }

  #contradicted(message: Outgoing, { body }: Statement): Said[] {
    const { signer } = this.#options;
    const other = messageOfStatement(signStatement({ ...body, evidence: contradiction(body.evidence) }, signer));
    return [
      { what: "statement", message, half: 0 }, { what: "another statement", message: { ...message, bytes: other.whole },
        half: 1 },
    ];
  }

  /** Signs what it does not judge. Its own protocol votes once a key and epoch; this is one vote more. */
  #voteFor(bytes: Uint8Array): Said[] {
    const { crypto, station, signer, directory } = this.#options;
    const decoded = decodeMessage("proposal", bytes);
    if (!decoded.ok || decoded.message.kind !== "proposal" || this.#votes >= VOTES_AN_EPOCH) return [];
    this.#votes += 1;
    const { epoch } = decoded.message.content;
    const content = { epoch, proposal: crypto.sha256(decoded.message.bytes) };
    const vote = encodeMessage("vote", content, headOf(directory, station), signer);
    return [{ what: "vote for another's", message: { kind: "vote", station, bytes: vote.whole } }];
  }

  /** Once an epoch, a certificate for its proposal on which its own signature stands for everybody's. */
  #forged({ bytes, station }: Outgoing): Said[] {
    const { crypto, signer, directory } = this.#options;
    const decoded = decodeMessage("proposal", bytes);
    if (!decoded.ok || decoded.message.kind !== "proposal" || this.#forgeries > 0) return [];
    this.#forgeries += 1;
    const proposal = decoded.message;
    const head = headOf(directory, station);
    const content = { epoch: proposal.content.epoch, proposal: crypto.sha256(proposal.bytes) };
    const { signature } = encodeMessage("vote", content, head, signer);
    const votes = new Map(directory.members.map((_, index) => [index, signature]));
    const { whole } = assemble(proposal, votes, head, signer);
    return [{ what: "forged certificate", message: { kind: "certificate", station, bytes: whole } }];
  }

  /** What the agent said before, and the oldest that it holds of each other. */
  #repeated(): Said[] {
    const { station, old } = this.#options;
    const own = old.map((one) => ({ station, bytes: messageOfStatement(one).whole }));
    const others = this.#protocol.view.members.flatMap(({ station: of, statements: [oldest] }) =>
      (oldest === undefined || (of === station && old.length > 0) ? [] : [{ station: of, bytes: oldest.whole }]));
    return [...own, ...others].map(({ station: of, bytes }) => ({
      what: "old statement", message: { kind: "statement", station: of as Outgoing["station"], bytes },
    }));
  }
}
