/**
 * Proposals and votes (SPEC.md, section 6). A proposal is judged from the statements that it lists, and again with the
 * nearer ones that this agent holds: a proposer must not gain by leaving some out. One vote a threat and epoch,
 * whichever of its keys is proposed: so a threat has one incident.
 */
import type { Crypto } from "../models/crypto.ts";
import { EVIDENCE_KEYS, threatIndexOf } from "../models/terms.ts";
import { hex } from "./bytes.ts";
import { growthsOf, isPossible } from "./certificate.ts";
import type { Directory } from "./directory.ts";
import { request, want } from "./dissemination.ts";
import { incidentOf, onsetBound } from "./incidents.ts";
import type { MessageOf } from "./message.ts";
import type { ProposalContent } from "./message-content.ts";
import {
  isKnownCertificate, type OpenProposal, type Output, type ProtocolState, publish, relay,
} from "./protocol-state.ts";
import { namesOf, type Read } from "./reading.ts";
import type { Problem } from "./traffic.ts";
import type { Onset } from "./zone-law.ts";
import {
  EPOCHS_AHEAD, EPOCHS_BACK, type Held, historyOf, isGuilty, statementByHash, WINDOW_EPOCHS,
} from "./zone-view.ts";

/** SPEC.md, section 7. */
export const MOST_PROPOSALS = 64;
/** A proposal that led to no certificate by then was in vain, epochs: votes come and are repeated within two. */
const IN_VAIN_AFTER = 2;
/** Whoever proposed in vain lets others go first for this long, epochs: longer than f of them take to do it in turn. */
const AFTER_OTHERS_EPOCHS = 60;
/** An author who proposed two things at once gets no votes for this long, epochs. */
const UNRULY_EPOCHS = WINDOW_EPOCHS;

/**
 * The member's place among those who may propose: nobody chooses it, and it differs by threat and epoch.
 * @param threat its number as an evidence key
 */
export function rankOf(
  { members, zone }: Directory, station: string, threat: number, epoch: number, crypto: Crypto,
): number {
  const name = (one: string): string =>
    hex(crypto.sha256(new TextEncoder().encode(`${zone.id}\n${threat}\n${epoch}\n${one}`)));
  const own = name(station);
  return members.filter((member) => name(member.station) < own).length;
}

/** Takes another's proposal in. The caller has checked its author, epoch and signature. */
export function takeProposal(
  state: ProtocolState, message: MessageOf<"proposal">, { hash, name }: Pick<Read, "hash" | "name">, epoch: number,
  out: Output,
): Problem | undefined {
  const author = state.directory.indexOf(message.station);
  if (!isPossible(message.content, state.directory)) return "bad-proposal";
  if (state.unruly.has(author)) return "second-proposal";
  const { keyIndex, epoch: proposed } = message.content;
  for (const { message: other, author: by } of state.proposals.values()) {
    const isSame = threatIndexOf(other.content.keyIndex) === threatIndexOf(keyIndex);
    if (by === author && isSame && other.content.epoch === proposed) {
      state.unruly.set(author, epoch);
      return "second-proposal";
    }
  }
  const proposal: OpenProposal = { message, hash, name, author, lacking: new Set(), judged: "not-yet" };
  keepProposal(state, proposal);
  judge(state, proposal, epoch, out);
  return undefined;
}

function keepProposal(state: ProtocolState, proposal: OpenProposal): void {
  state.proposals.set(proposal.name, proposal);
  if (state.proposals.size <= MOST_PROPOSALS) return;
  // Who proposed most loses its oldest: a flood drives out only its author's own.
  const byAuthor = new Map<number, string[]>();
  for (const [name, { author }] of state.proposals) byAuthor.set(author, [...(byAuthor.get(author) ?? []), name]);
  const most = [...byAuthor.values()].reduce((a, b) => (b.length > a.length ? b : a));
  state.proposals.delete(most[0]!);
}

/** Votes when everything is here and it raises; asks for what is not. */
function judge(state: ProtocolState, proposal: OpenProposal, epoch: number, out: Output): void {
  proposal.lacking.clear();
  for (const { index, newer, older } of proposal.message.content.items) {
    if (isGuilty(state.view, index)) continue;
    for (const hash of [newer, older]) {
      if (statementByHash(state.view, hash) !== undefined) continue;
      proposal.lacking.add(hex(hash));
      want(state, hash, proposal.author, epoch);
    }
  }
  if (proposal.lacking.size > 0) return request(state, epoch, out);
  proposal.judged = raises(state, proposal.message.content) ? "raises" : "refused";
  if (proposal.judged === "raises" && !isLetWait(state, proposal, epoch)) vote(state, proposal, epoch, out);
}

/**
 * The vote for somebody who proposed in vain of late is kept for an epoch, so that another's proposal of this epoch is
 * the first. Otherwise f that propose early in each epoch, to some members alone, could split the votes for ever.
 */
function isLetWait({ inVain }: ProtocolState, { author, message }: OpenProposal, epoch: number): boolean {
  const { keyIndex, epoch: proposed } = message.content;
  const since = inVain.get(slotOf(keyIndex, author));
  return proposed >= epoch && since !== undefined && epoch - since <= AFTER_OTHERS_EPOCHS;
}

/** At an epoch's start: who proposed in vain is remembered, and the votes that were kept are cast. */
export function castKeptVotes(state: ProtocolState, epoch: number, out: Output): void {
  for (const proposal of [...state.proposals.values()]) {
    const { author, message: { content: { keyIndex, epoch: proposed } } } = proposal;
    const isVain = epoch - proposed >= IN_VAIN_AFTER && !hasCertificate(state, keyIndex, proposed);
    if (isVain && author !== state.self) state.inVain.set(slotOf(keyIndex, author), proposed);
    if (proposal.judged === "raises" && proposed < epoch) vote(state, proposal, epoch, out);
  }
}

/** A place that keys of one threat share, with an epoch or a member. */
function slotOf(keyIndex: number, other: number): string {
  return `${threatIndexOf(keyIndex)}/${other}`;
}

/** Whether anything was certified for the threat since: then nobody was in the way. */
function hasCertificate({ incidents }: ProtocolState, keyIndex: number, proposed: number): boolean {
  const newest = incidentOf(incidents, keyIndex)?.newest.epoch;
  return newest !== undefined && newest >= proposed;
}

/** A member was found guilty: it counts otherwise now, and its statements are not waited for. */
export function onGuilt(state: ProtocolState, epoch: number, out: Output): void {
  for (const proposal of state.proposals.values()) {
    if (proposal.judged === "not-yet") judge(state, proposal, epoch, out);
  }
}

/** A statement came: proposals that waited for it are judged. */
export function onStatementHeld(state: ProtocolState, name: string, epoch: number, out: Output): void {
  for (const proposal of state.proposals.values()) {
    if (proposal.lacking.delete(name) && proposal.lacking.size === 0) judge(state, proposal, epoch, out);
  }
}

function raises(state: ProtocolState, content: ProposalContent): boolean {
  const items = content.items.filter(({ index }) => !isGuilty(state.view, index));
  const listed = growthsOf({ ...content, items }, (hash) => statementByHash(state.view, hash));
  if (listed === undefined || !decides(state, content, listed)) return false;
  const nearest = items.map(({ index }) => nearestGrowth(state.view.members[index]!.statements, content));
  return decides(state, content, nearest);
}

function decides(state: ProtocolState, content: ProposalContent, growths: readonly (number | undefined)[]): boolean {
  const { members: { length: n }, zone: { f } } = state.directory;
  const key = EVIDENCE_KEYS[content.keyIndex]!;
  return state.law.decide({ n, f, key, growths: growths.filter((growth) => growth !== undefined) }).raises;
}

/** Growth by all that this agent holds of a member, which includes what the proposal lists. */
function nearestGrowth(statements: readonly Held[], { epoch, keyIndex, onset }: ProposalContent): number | undefined {
  const inWindow = statements.filter((one) => one.epoch > epoch - WINDOW_EPOCHS && one.epoch <= epoch + EPOCHS_AHEAD);
  const newer = inWindow.at(-1);
  const older = inWindow.findLast((one) => one.epoch <= onset) ?? inWindow[0];
  if (newer === undefined || older === undefined) return undefined;
  return (newer.evidence[keyIndex] ?? 0) - (older.evidence[keyIndex] ?? 0);
}

/** Whether this agent may still sign something of that epoch. */
function maySignFor(state: ProtocolState, epoch: number): boolean {
  const isTimely = epoch > state.signedThrough + EPOCHS_AHEAD && epoch >= state.epoch - EPOCHS_BACK;
  return state.maySign && !state.frozen && !state.metered && isTimely;
}

function vote(state: ProtocolState, { message, author, hash }: OpenProposal, epoch: number, out: Output): void {
  const { keyIndex, epoch: proposed, onset } = message.content;
  const slot = slotOf(keyIndex, proposed);
  const bound = onsetBound(state.incidents, keyIndex, proposed);
  if (!maySignFor(state, proposed) || proposed > epoch + EPOCHS_AHEAD || state.voted.has(slot)) return;
  if (bound === undefined || onset <= bound || state.unruly.has(author)) return;
  const cast = publish(state, "vote", { epoch: proposed, proposal: hash }, out);
  state.voted.set(slot, cast);
  state.seen.set(hex(state.crypto.sha256(cast.bytes)), proposed);
  keepVote(state, cast, state.self);
}

/** Takes a vote in; its signature was checked. */
export function takeVote(state: ProtocolState, message: MessageOf<"vote">, epoch: number, out: Output): void {
  const { proposal } = message.content;
  const voter = state.directory.indexOf(message.station);
  keepVote(state, message, voter);
  const name = hex(proposal);
  if (state.proposals.has(name) || isKnownCertificate(state, name)) return;
  want(state, proposal, voter, epoch);
  request(state, epoch, out);
}

function keepVote(state: ProtocolState, message: MessageOf<"vote">, voter: number): void {
  const { epoch, proposal } = message.content;
  const name = votesName(hex(proposal), epoch);
  const votes = state.votes.get(name) ?? { epoch, by: new Map<number, Uint8Array>() };
  votes.by.set(voter, message.signature);
  state.votes.set(name, votes);
}

/** A vote that names another epoch than the proposal has is none for it, and would spoil a certificate. */
function votesName(proposal: string, epoch: number): string {
  return `${proposal}/${epoch}`;
}

/** Valid votes for a proposal, by voter's index. */
export function votesFor(state: ProtocolState, { message, name }: OpenProposal): ReadonlyMap<number, Uint8Array> {
  return state.votes.get(votesName(name, message.content.epoch))?.by ?? new Map<number, Uint8Array>();
}

/** Proposes what this agent sees and whose turn has come. */
export function propose(state: ProtocolState, epoch: number, out: Output): void {
  if (state.metered) return;
  const raised = strongest(seenRaises(state, epoch));
  for (const threat of state.waits.keys()) if (!raised.has(threat)) state.waits.delete(threat);
  for (const [threat, seen] of raised) {
    const { key, onset } = seen;
    const { since, turn } = state.waits.get(threat) ?? { since: epoch, turn: turnFrom(state, threat, epoch) };
    state.waits.set(threat, { key, since, turn, onset });
    if (epoch < turn || !maySignFor(state, epoch) || state.voted.has(slotOf(threat, epoch))) continue;
    publishProposal(state, seen, epoch, out);
    state.waits.set(threat, { key, since, turn: turnFrom(state, threat, epoch + 1), onset });
  }
}

/** Of each threat the raise that is furthest from not raising: others hold a little more or less, and must agree. */
function strongest(raised: readonly Onset<Held>[]): Map<number, Onset<Held>> {
  const best = new Map<number, Onset<Held>>();
  for (const one of raised) {
    const threat = threatIndexOf(EVIDENCE_KEYS.indexOf(one.key));
    if (one.decision.margin > (best.get(threat)?.decision.margin ?? -Infinity)) best.set(threat, one);
  }
  return best;
}

/** Whoever begins to wait at an epoch waits as many epochs as its rank there. */
function turnFrom(state: ProtocolState, threat: number, epoch: number): number {
  return epoch + rankOf(state.directory, state.station, threat, epoch, state.crypto);
}

function publishProposal(
  state: ProtocolState, { key, onset, pairs }: Onset<Held>, epoch: number, out: Output,
): void {
  const keyIndex = EVIDENCE_KEYS.indexOf(key);
  const items = pairs.flatMap((pair, index) =>
    (pair === undefined ? [] : [{ index, newer: pair.newer.hash, older: pair.older.hash }]));
  const message = publish(state, "proposal", { epoch, keyIndex, onset, items }, out);
  const names = namesOf(message.bytes, state.crypto);
  state.seen.set(names.name, epoch);
  const proposal: OpenProposal = { message, ...names, author: state.self, lacking: new Set(), judged: "not-yet" };
  keepProposal(state, proposal);
  judge(state, proposal, epoch, out);
}

/** Raises by what this agent holds, where no certificate stands that is not yet to be renewed. */
function seenRaises(state: ProtocolState, epoch: number): Onset<Held>[] {
  const { zone } = state.directory;
  const bounds = EVIDENCE_KEYS.map((_, keyIndex) => onsetBound(state.incidents, keyIndex, epoch));
  const open = EVIDENCE_KEYS.filter((_, keyIndex) => bounds[keyIndex] !== undefined);
  return state.law.search(historyOf(state.view, zone.f, epoch), open).flatMap((found) => {
    const bound = bounds[EVIDENCE_KEYS.indexOf(found.key)];
    if (!found.decision.raises || bound === undefined) return [];
    if (found.onset > bound) return [found];
    const later = state.law.search(historyOf(state.view, zone.f, epoch, bound), [found.key])
      .find(({ key }) => key === found.key);
    return later?.decision.raises === true ? [later] : [];
  });
}

/** Own proposals and votes that led to no certificate yet are published again: there is no digest of them. */
export function repeatOpen(state: ProtocolState, epoch: number, out: Output): void {
  for (const { message, author } of state.proposals.values()) {
    if (author === state.self && message.content.epoch < epoch && isOpen(state, message.content)) {
      relay(state, message, out);
    }
  }
  for (const [slot, message] of state.voted) {
    const threat = Number.parseInt(slot, 10);
    const { epoch: proposed } = message.content;
    if (proposed < epoch && isOpen(state, { keyIndex: threat, epoch: proposed })) relay(state, message, out);
  }
}

/** Whether a certificate for it would still change something. */
function isOpen(state: ProtocolState, { keyIndex, epoch }: Pick<ProposalContent, "keyIndex" | "epoch">): boolean {
  return onsetBound(state.incidents, keyIndex, epoch) !== undefined;
}

/** Forgets what can no longer be voted for. */
export function pruneProposals(state: ProtocolState, epoch: number): void {
  const oldest = epoch - EPOCHS_BACK;
  for (const [name, { message }] of state.proposals) if (message.content.epoch < oldest) state.proposals.delete(name);
  for (const [name, votes] of state.votes) if (votes.epoch < oldest) state.votes.delete(name);
  for (const [slot, message] of state.voted) if (message.content.epoch < oldest) state.voted.delete(slot);
  for (const [who, since] of state.inVain) if (since + AFTER_OTHERS_EPOCHS < epoch) state.inVain.delete(who);
  for (const [author, since] of state.unruly) if (since + UNRULY_EPOCHS < epoch) state.unruly.delete(author);
}
