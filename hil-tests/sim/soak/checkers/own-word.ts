/**
 * No honest agent contradicts itself, whatever happens to it: one statement an epoch and a sequence number, each naming
 * the one before; one proposal and one vote for a threat and epoch under one roster. On this rests everything else.
 */
import { hex } from "../../../../gossip/bytes.ts";
import type { Outgoing } from "../../../../gossip/protocol-state.ts";
import { decodeBody } from "../../../../gossip/statement.ts";
import { EVIDENCE_KEYS, threatIndexOf } from "../../../../models/terms.ts";
import { entryOf } from "../disk.ts";
import type { SimAgent } from "../sim-agent.ts";
import { type Checker, CheckFailure, type World } from "../world.ts";
import { Statements } from "./seen.ts";

const NAME = "an honest agent's word";

const threatAt = (keyIndex: number): string => EVIDENCE_KEYS[threatIndexOf(keyIndex)] ?? `${keyIndex}`;

export function ownWord(world: World): Checker {
  const { crypto } = world.street.keys;
  const statements = new Statements(world);
  const said = new Map<string, string>();
  /** Key index by the proposal's hash. */
  const keys = new Map<string, number>();
  /** Votes for proposals that nobody was heard to make yet. */
  const votes = new Map<string, { by: SimAgent; slot: (keyIndex: number) => string }[]>();
  const isLogged = ({ disk }: SimAgent, seq: number, hash: string): boolean => disk.log.some((bytes) => {
    const entry = entryOf(bytes);
    return entry.kind === "statement" && decodeBody(entry.signedBytes)?.seq === seq &&
      hex(crypto.sha256(entry.signedBytes)) === hash;
  });
  const note = (by: SimAgent, slot: string, what: string): void => {
    const place = `${by.index} ${slot}`;
    const before = said.get(place);
    if (before !== undefined && before !== what) {
      throw new CheckFailure(NAME, `agent ${by.index} is honest and signed two things for ${slot}, at epoch ` +
        `${world.at.toFixed(2)} of the run: ${before.slice(0, 8)} and ${what.slice(0, 8)}`);
    }
    said.set(place, what);
  };
  const onStatement = (by: SimAgent, message: Outgoing): void => {
    const stated = statements.take(by, message);
    if (stated === undefined || !world.isHonest(by)) return;
    note(by, `the statement of epoch ${stated.epoch}`, stated.hash);
    note(by, `statement ${stated.seq}`, stated.hash);
    const last = said.get(`${by.index} statement ${stated.seq - 1}`) ?? (stated.seq === 0 ? "" : undefined);
    // One that became durable right before a crash was never said: the log has it.
    if (stated.previous === last || (last === undefined && isLogged(by, stated.seq - 1, stated.previous))) return;
    throw new CheckFailure(NAME, `agent ${by.index}: statement ${stated.seq} does not name the one before`);
  };
  const onProposal = (by: SimAgent, message: Outgoing): void => {
    const read = world.read("proposal", message.bytes);
    if (read === undefined) return;
    const { name, message: proposal } = read;
    const { keyIndex, epoch } = proposal.content;
    keys.set(name, keyIndex);
    for (const vote of votes.get(name) ?? []) note(vote.by, vote.slot(keyIndex), name);
    votes.delete(name);
    if (!world.isHonest(by) || message.station !== by.station) return;
    note(by, `the proposal of ${threatAt(keyIndex)} and epoch ${epoch} under roster ${proposal.rosterVersion}`, name);
  };
  const onVote = (by: SimAgent, message: Outgoing): void => {
    if (!world.isHonest(by) || message.station !== by.station) return;
    const vote = world.read("vote", message.bytes)?.message;
    if (vote === undefined) return;
    const { epoch, proposal } = vote.content;
    const slot = (keyIndex: number): string =>
      `the vote of ${threatAt(keyIndex)} and epoch ${epoch} under roster ${vote.rosterVersion}`;
    const name = hex(proposal);
    const keyIndex = keys.get(name);
    if (keyIndex !== undefined) note(by, slot(keyIndex), name);
    else votes.set(name, [...votes.get(name) ?? [], { by, slot }]);
  };
  return {
    name: NAME,
    said(by, message) {
      if (message.kind === "statement") onStatement(by, message);
      if (message.kind === "proposal") onProposal(by, message);
      if (message.kind === "vote") onVote(by, message);
    },
  };
}
