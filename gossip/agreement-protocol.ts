/**
 * The protocol of one zone as one agent runs it: statements in, certificates out, without a server. Pure and
 * synchronous: `onEpoch` once at each epoch's start, `onMessage` for whatever comes; both say what to publish and what
 * is new. SPEC.md is the authority; each part of it has a file of its own.
 */
import type { Crypto, Signer } from "../models/crypto.ts";
import { type EvidenceKey, threatIndexOf } from "../models/terms.ts";
import type { Epoch, MonotonicMs, StationId } from "../models/units.ts";
import { hex } from "./bytes.ts";
import { assemble, type Certificate, growthsOf, headOf, quorumOf, verifyCertificate } from "./certificate.ts";
import { type ClockNews, createClockRule, judgeClock, keepClocksOf } from "./clock-rule.ts";
import { type Directory, MOST_MEMBERS } from "./directory.ts";
import {
  answerDigest, answerRequest, DIGEST_EVERY, isDigestDue, pruneDissemination, publishDigest, request, want,
} from "./dissemination.ts";
import { checkProof, makeProof } from "./equivocation.ts";
import { incidentOf, lapse, REMEMBERED_EPOCHS, takeCertificate } from "./incidents.ts";
import { type Accepted, type Incoming, takeIn } from "./intake.ts";
import { messageOfStatement, type MessageOf, readTopic } from "./message.ts";
import { isBareDigest, judgeMetered, METERED_CLOCK, noteDigest } from "./metered.ts";
import type { Contents } from "./message-content.ts";
import {
  castKeptVotes, onGuilt, onStatementHeld, propose, pruneProposals, repeatOpen, takeProposal, takeVote, votesFor,
} from "./proposals.ts";
import {
  type Awaited, type CarriedKind, certificateMark, type CertificateNews, emptyOutput, epochMsOf,
  isKnownCertificate, type OpenProposal, type Outgoing, type Output, type ProtocolNow, type ProtocolState, publish,
  relay,
} from "./protocol-state.ts";
import { namesOf, type Reader, readerOf } from "./reading.ts";
import { beginRegionEpoch, type RegionState, takeAttestation, takeSummary, turnOf } from "./region.ts";
import type { Statement } from "./statement.ts";
import { count, createTraffic, isSite, type Problem, pruneTraffic } from "./traffic.ts";
import type { ZoneLaw } from "./zone-law.ts";
import {
  addStatement, createZoneView, EPOCHS_AHEAD, EPOCHS_BACK, type Held, isGuilty, type Proof, pruneView, reseat,
  setGuilty, statementByHash,
} from "./zone-view.ts";

export interface ZoneProtocolOptions {
  readonly directory: Directory;
  readonly station: StationId;
  /** The station's statement key. */
  readonly signer: Signer;
  readonly crypto: Crypto;
  /** models/agree/zone-decision.ts: `{ decide, search: searchRaises }`. */
  readonly law: ZoneLaw<Held>;
  /** Where agents share a process they share what they read; an agent of its own reads for itself. */
  readonly reader?: Reader;
  /** The roster's zones and their law together; absent: nothing beyond the zone is looked at. */
  readonly region?: RegionState;
  /** The member is on a metered link (SPEC.md, section 7a). */
  readonly metered?: boolean;
  /** The last epoch that was signed before a restart; nothing up to it is voted for again. */
  readonly signedThrough?: Epoch;
}

/** What the agent itself has to say at an epoch's start. */
export interface OwnEvidence {
  /** The agent's statement of this epoch, signed and durable; absent when it makes none. */
  readonly statement?: Statement;
  /** False while nothing may be signed: the log is not whole, or the clock is off. */
  readonly maySign: boolean;
}

/** Throws RangeError on a zone that is too large for one message to name all its members. */
export function createZoneProtocol(options: ZoneProtocolOptions): ProtocolState {
  const { directory, station, signer, crypto, law, region, metered = false, signedThrough = -1 } = options;
  const { reader = readerOf(crypto) } = options;
  checkSize(directory);
  return {
    directory, station, signer, crypto, law, reader, topics: new Map(),
    metered, meteredSince: new Map(), tooManyMetered: false,
    signedBefore: signedThrough, signedThrough, began: Infinity, region, self: directory.indexOf(station),
    maySign: false, epoch: -1, frozen: false,
    view: createZoneView(directory), traffic: createTraffic(), seen: new Map(), wanted: new Map(), resent: new Map(),
    requestsSent: 0, proposals: new Map(), votes: new Map(), voted: new Map(), unruly: new Map(), inVain: new Map(),
    waits: new Map(),
    incidents: new Map(), awaited: new Map(), signing: -1,
    clock: createClockRule(metered ? METERED_CLOCK : undefined),
  };
}

function checkSize({ members, zone }: Directory): void {
  if (members.length > MOST_MEMBERS) throw new RangeError(`zone ${zone.id} has more than ${MOST_MEMBERS} members`);
}

/**
 * Another roster came into force. Statements and incidents stay; what was made under the old one is left. A member that
 * is in another zone now begins there as after a start: what it holds is of a zone that is no longer its own.
 */
export function setDirectory(state: ProtocolState, directory: Directory): void {
  checkSize(directory);
  const isMoved = directory.zone.id !== state.directory.zone.id;
  state.directory = directory;
  state.self = directory.indexOf(state.station);
  state.view = isMoved ? createZoneView(directory) : reseat(state.view, directory);
  if (isMoved) {
    state.signedThrough = Math.max(state.signedThrough, state.signing);
    state.incidents.clear();
  }
  // Votes under the old roster count for nothing under this one.
  state.voted.clear();
  keepClocksOf(state.clock, directory.members.map(({ station }) => station));
  leaveOpen(state);
  state.topics.clear();
  // Indexes of members in certificates are those of their own roster.
  state.awaited.clear();
}

function leaveOpen({ proposals, votes, unruly, inVain, waits, wanted, traffic }: ProtocolState): void {
  for (const one of [proposals, votes, unruly, inVain, waits, wanted, traffic.accepted]) one.clear();
}

/** The roster in force does not list this agent: it says nothing more, and what it knows of incidents runs out. */
export function leaveZone(state: ProtocolState): void {
  state.self = -1;
  state.maySign = false;
  leaveOpen(state);
  state.voted.clear();
}

/** What this agent sees raised and no certificate says yet, or ever without a quorum: provisional. */
export function provisional(state: ProtocolState): { key: EvidenceKey; onset: number; since: number }[] {
  return [...state.waits.values()].map(({ key, onset, since }) => ({ key, onset, since }));
}

/** Signs a message that the zone's protocol only carries; the whole message comes back, to be published. */
export function compose<K extends CarriedKind>(
  state: ProtocolState, kind: K, content: Contents[K],
): Outgoing {
  const out = emptyOutput();
  const message = publish(state, kind, content, out);
  state.seen.set(hex(state.crypto.sha256(message.bytes)), content.epoch);
  return out.outgoing[0]!;
}

/** Statements that a certificate lists are asked for during so many epochs. */
const MOST_AWAITED_EPOCHS = 12;

/** What the neighbours' clocks say of the own one; to be asked first in an epoch, before anything is stated. */
export function judgeOwnClock(state: ProtocolState, now: MonotonicMs): ClockNews | undefined {
  const { clock, directory: { members, zone }, station } = state;
  const others = members.map((member) => member.station).filter((one) => one !== station);
  return judgeClock(clock, others, zone.f, now, epochMsOf(state));
}

/** Whether the epoch is before what was seen, by more than a clock that is being adjusted. */
export function wasSetBack({ epoch: seen }: ProtocolState, epoch: number): boolean {
  return epoch < seen - EPOCHS_AHEAD;
}

/**
 * As after a restart: what was forgotten since is not voted for again, and nobody's turn has come. Where the start
 * seems to lie ahead, it is here that an earlier run may have signed what this one does not know of.
 */
function beginAgain(state: ProtocolState, epoch: number): void {
  state.began = Math.min(state.began, epoch);
  state.signedThrough = Math.max(state.signedBefore, state.began, state.signing);
  leaveOpen(state);
}

/** To be called once at the start of each epoch, also when there is nothing to state. */
export function onEpoch(state: ProtocolState, own: OwnEvidence, { epoch }: ProtocolNow): Output {
  const out = emptyOutput();
  // What an earlier run of this agent voted for in this very epoch is not known here.
  if (state.epoch < 0) state.signedThrough = Math.max(state.signedBefore, state.began = epoch);
  if (wasSetBack(state, epoch)) beginAgain(state, epoch);
  state.epoch = epoch;
  state.maySign = own.maySign && state.self >= 0;
  if (state.maySign) state.signing = Math.max(state.signing, epoch);
  prune(state, epoch);
  if (own.statement !== undefined && state.self >= 0) publishOwn(state, own.statement, epoch, out);
  repeatOpen(state, epoch, out);
  castKeptVotes(state, epoch, out);
  for (const proposal of [...state.proposals.values()]) certify(state, proposal, epoch, out);
  propose(state, epoch, out);
  certifyOwn(state, epoch, out);
  for (const incident of lapse(state.incidents, epoch)) {
    const { key } = incident.newest;
    out.news.push({ kind: "lapsed", key, incident: incident.first.epoch, certificate: incident.newest });
  }
  beginRegionEpoch(state, epoch, out);
  for (const one of [...state.awaited.values()]) complete(state, one, epoch, out);
  if (state.maySign && isDigestDue(state, epoch)) publishDigest(state, epoch, out);
  judgeMetered(state, epoch, out);
  request(state, epoch, out);
  return out;
}

function prune(state: ProtocolState, epoch: number): void {
  pruneView(state.view, epoch);
  pruneTraffic(state.traffic, epoch - EPOCHS_BACK, epoch - REMEMBERED_EPOCHS);
  pruneDissemination(state, epoch);
  pruneProposals(state, epoch);
  for (const [name, at] of state.seen) {
    if (at < epoch - (name.startsWith(certificateMark("")) ? REMEMBERED_EPOCHS : EPOCHS_BACK)) state.seen.delete(name);
  }
}

function publishOwn(state: ProtocolState, statement: Statement, epoch: number, out: Output): void {
  const message = messageOfStatement(statement);
  const names = namesOf(statement.bytes, state.crypto);
  if (addStatement(state.view, state.self, message, names).kind !== "added") return;
  relay(state, message, out);
  onStatementHeld(state, names.name, epoch, out);
}

/** Takes one message from the transport in. `from` names who sent it: the client, not the author. Never throws. */
export function onMessage(state: ProtocolState, incoming: Incoming, from: string, now: ProtocolNow): Output {
  const out = emptyOutput();
  const taken = takeIn(state, incoming, from, now);
  const problem = typeof taken === "string" ? taken : handle(state, taken, from, now.epoch, out);
  if (problem !== undefined) {
    const topic = state.topics.get(incoming.topic) ?? readTopic(incoming.topic);
    count(state.traffic, problem, from, topic?.station);
    out.news.push({ kind: "problem", problem, from });
  }
  const { outgoing } = out;
  for (let place = 0; place < outgoing.length; place++) {
    const one = outgoing[place]!;
    if (one.bytes === incoming.bytes) outgoing[place] = { ...one, from };
  }
  return out;
}

function handle(
  state: ProtocolState, accepted: Accepted, from: string, epoch: number, out: Output,
): Problem | undefined {
  const { message, name } = accepted;
  state.wanted.delete(name);
  if (message.kind === "statement") return onStatement(state, accepted, message, epoch, out);
  if (message.kind === "certificate") return onCertificate(state, accepted, message, epoch, out);
  if (message.kind === "proof") return onProof(state, message, epoch, out);
  state.seen.set(name, message.content.epoch);
  if (message.kind === "summary") return onSummary(state, message, out);
  if (accepted.passOn && message.kind !== "proposal") relay(state, message, out);
  switch (message.kind) {
    case "proposal": {
      const problem = takeProposal(state, message, accepted, epoch, out);
      if (problem !== undefined) return problem;
      relay(state, message, out);
      break;
    }
    case "vote":
      takeVote(state, message, epoch, out);
      break;
    case "digest":
      if (message.station === state.station) return undefined;
      noteDigest(state, message);
      // One that was passed on has its answer from those who heard it at first hand.
      if (!isBareDigest(message) || from === message.station || isSite(from)) answerDigest(state, message, epoch, out);
      return undefined;
    case "attestation":
      return takeAttestation(state, message);
    case "request":
      if (message.station !== state.station) answerRequest(state, message, epoch, out);
      return undefined;
    default:
      out.news.push({ kind: "message", message });
      return undefined;
  }
  certifyOwn(state, epoch, out);
  return undefined;
}

function onSummary(state: ProtocolState, message: MessageOf<"summary">, out: Output): Problem | undefined {
  const problem = takeSummary(state, message, out);
  if (problem === undefined) relay(state, { ...message, turn: turnOf(message) }, out);
  return problem;
}

function onStatement(
  state: ProtocolState, accepted: Accepted, message: MessageOf<"statement">, epoch: number, out: Output,
): Problem | undefined {
  const { author, passOn } = accepted;
  const added = addStatement(state.view, author, message, accepted);
  if (added.kind === "equivocation") {
    if (!state.maySign) return undefined;
    const head = headOf(state.directory, state.station);
    guilty(state, author, makeProof(added.other.whole, message.whole, head, state.signer), epoch, out);
    return undefined;
  }
  if (passOn) relay(state, message, out);
  const { content: body, bytes, signature } = message;
  out.news.push({ kind: "statement", statement: { body, bytes, signature } });
  onStatementHeld(state, accepted.name, epoch, out);
  certifyOwn(state, epoch, out);
  return undefined;
}

function onProof(state: ProtocolState, message: MessageOf<"proof">, epoch: number, out: Output): Problem | undefined {
  const culprit = checkProof(message.content, state.directory, state.crypto);
  if (culprit === undefined) return "bad-proof";
  if (state.view.members[culprit]?.guilt !== undefined) return "duplicate";
  guilty(state, culprit, message, epoch, out);
  return undefined;
}

function guilty(state: ProtocolState, culprit: number, proof: Proof, epoch: number, out: Output): void {
  setGuilty(state.view, culprit, proof);
  relay(state, { kind: "proof", ...proof }, out);
  out.news.push({ kind: "guilty", station: state.directory.members[culprit]!.station, proof: proof.whole });
  onGuilt(state, epoch, out);
}

function onCertificate(
  state: ProtocolState, { passOn }: Accepted, message: MessageOf<"certificate">, epoch: number, out: Output,
): Problem | undefined {
  if (state.frozen) return "frozen";
  const verified = verifyCertificate(message.whole, state.directory, state.crypto);
  if (!verified.ok) return "bad-certificate";
  const problem = hold(state, verified.certificate, epoch, out);
  if (problem === undefined && passOn) relay(state, message, out);
  return problem;
}

/** Own proposals are certified at once, others' when their proposers had an epoch's time to do it. */
function certifyOwn(state: ProtocolState, epoch: number, out: Output): void {
  for (const proposal of state.proposals.values()) {
    if (proposal.author === state.self) certify(state, proposal, epoch, out);
  }
}

function certify(state: ProtocolState, proposal: OpenProposal, epoch: number, out: Output): void {
  const votes = votesFor(state, proposal);
  if (!state.maySign || state.frozen || votes.size < quorumOf(state.directory)) return;
  if (isKnownCertificate(state, proposal.name)) return;
  const whole = assemble(proposal.message, votes, headOf(state.directory, state.station), state.signer);
  const verified = verifyCertificate(whole.whole, state.directory, state.crypto);
  if (!verified.ok) return;
  relay(state, whole, out);
  hold(state, verified.certificate, epoch, out);
}

function hold(state: ProtocolState, certificate: Certificate, epoch: number, out: Output): Problem | undefined {
  const taken = takeCertificate(state.incidents, certificate, epoch);
  // One that fits nothing yet may do so when those in between have come: it is soon forgotten and asked for again.
  const at = taken === undefined ? epoch - REMEMBERED_EPOCHS + 2 * DIGEST_EVERY : certificate.epoch;
  state.seen.set(certificateMark(certificate.name), at);
  if (taken === undefined) return "stale-certificate";
  state.waits.delete(threatIndexOf(certificate.keyIndex));
  // On a metered link what an incident rests on is fetched once: renewals show who else is affected, and cost as much.
  const isComplete = (state.metered && taken.change !== "new") || fetchStatements(state, certificate, epoch);
  if (!isComplete) state.awaited.set(certificate.name, { certificate, since: epoch });
  out.news.push(newsOf(state, certificate, taken.change, isComplete));
  request(state, epoch, out);
  return undefined;
}

/** Whether all statements that it lists are here; asks for the others. Those of a guilty author are taken no more. */
function fetchStatements(state: ProtocolState, { items, station }: Certificate, epoch: number): boolean {
  const lacking = items.filter(({ index }) => !isGuilty(state.view, index))
    .flatMap(({ newer, older }) => [newer, older]).filter((hash) => statementByHash(state.view, hash) === undefined);
  for (const hash of lacking) want(state, hash, state.directory.indexOf(station), epoch);
  return lacking.length === 0;
}

function complete(state: ProtocolState, { certificate, since }: Awaited, epoch: number, out: Output): void {
  const isComplete = fetchStatements(state, certificate, epoch);
  if (!isComplete && epoch < since + MOST_AWAITED_EPOCHS) return;
  state.awaited.delete(certificate.name);
  out.news.push(newsOf(state, certificate, isComplete ? "completed" : "given-up", true));
}

function newsOf(
  state: ProtocolState, certificate: Certificate, change: CertificateNews["change"], isComplete: boolean,
): CertificateNews {
  const { members } = state.directory;
  const listed = growthsOf(certificate, (hash) => statementByHash(state.view, hash));
  const growths = new Array<number | undefined>(members.length).fill(undefined);
  certificate.items.forEach(({ index }, place) => {
    growths[index] = listed?.[place];
  });
  const signers = certificate.signers.map((index) => members[index]!.station);
  const incident = (incidentOf(state.incidents, certificate.keyIndex)?.first ?? certificate).epoch;
  return { kind: "certificate", change, complete: isComplete, key: certificate.key, incident, certificate, growths,
    signers };
}
