/**
 * Dissemination (SPEC.md, section 7): digests tell neighbours what is held; what they lack is published again, and what
 * this agent lacks is asked for by hash. Losses heal; nothing grows.
 */
import type { StationId } from "../models/units.ts";
import { hex, sameBytes } from "./bytes.ts";
import type { Certificate } from "./certificate.ts";
import { MOST_MEMBERS } from "./directory.ts";
import { LEASE_EPOCHS, standing } from "./incidents.ts";
import type { Kind, MessageOf } from "./message.ts";
import { BARE_DIGEST_EVERY, isBareDigest, MOST_RESENT_METERED } from "./metered.ts";
import { type DigestContent, MOST_CERTIFICATES, MOST_REQUESTED } from "./message-content.ts";
import { isKnownCertificate, type Output, type ProtocolState, publish, relay, type Wanted } from "./protocol-state.ts";
import { EPOCHS_AHEAD, EPOCHS_BACK, isGuilty, newestOf, oldestHeld } from "./zone-view.ts";

/** A digest is published every so many epochs, each member at its own. */
export const DIGEST_EVERY = 4;
/** Messages published again for one digest or one request. */
const MOST_REPAIRS = 64;
/** Messages published again in one epoch, whoever asks: a flood of requests moves no more than this. */
const MOST_RESENT = 256;
/** Hashes that one author's messages make this agent ask for at a time; dropped after some epochs without an answer. */
const MOST_WANTED = 2 * MOST_MEMBERS;
/** Below the quota that others grant. */
const MOST_REQUESTS = 6;

export function isDigestDue({ metered, self }: ProtocolState, epoch: number): boolean {
  return (epoch + self) % (metered ? BARE_DIGEST_EVERY : DIGEST_EVERY) === 0;
}

export function publishDigest(state: ProtocolState, epoch: number, out: Output): void {
  const newest = state.metered ? [] : state.view.members.flatMap((_, index) => {
    const held = newestOf(state.view, index);
    return held === undefined ? [] : [{ index, epoch: held.epoch, hash: held.hash }];
  });
  const certificates = listed(state).map(({ hash }) => hash);
  const guilty = state.view.members.flatMap(({ guilt }, index) => (guilt === undefined ? [] : [index]));
  publish(state, "digest", { epoch, newest, certificates, guilty }, out);
}

function listed(state: ProtocolState): Certificate[] {
  return standing(state.incidents, state.directory.version).slice(0, MOST_CERTIFICATES);
}

/** Publishes what the sender of a digest lacks, and asks for what it has and this agent lacks. */
export function answerDigest(state: ProtocolState, message: MessageOf<"digest">, epoch: number, out: Output): void {
  const { content } = message;
  const budget = { left: MOST_REPAIRS };
  const author = state.directory.indexOf(message.station);
  if (!isBareDigest(message)) answerStatements(state, content, author, budget, epoch, out);
  const held = new Set(content.certificates.map(hex));
  for (const { name, epoch: at, station, whole } of listed(state)) {
    // An older one is taken from nobody who did not ask for it; who is metered hears of none that it could ask for.
    if ((at <= epoch - LEASE_EPOCHS && !isBareDigest(message)) || held.has(name)) continue;
    resend(state, name, "certificate", station, whole, budget, epoch, out);
  }
  for (const hash of content.certificates) {
    if (!isKnownCertificate(state, hex(hash))) want(state, hash, author, epoch);
  }
  const guilty = new Set(content.guilty);
  state.view.members.forEach(({ guilt }, index) => {
    if (guilt === undefined || guilty.has(index)) return;
    resend(state, `guilt ${index}`, "proof", guilt.station, guilt.whole, budget, epoch, out);
  });
  request(state, epoch, out);
}

function answerStatements(
  state: ProtocolState, content: DigestContent, author: number, budget: { left: number }, epoch: number, out: Output,
): void {
  const theirs = new Map(content.newest.map((one) => [one.index, one]));
  for (let index = 0; index < state.directory.members.length; index++) {
    if (isGuilty(state.view, index)) continue;
    const mine = newestOf(state.view, index);
    const listed = theirs.get(index);
    // What is of the digest's own epoch is still on its way.
    if (mine !== undefined && mine.epoch < content.epoch && mine.epoch > (listed?.epoch ?? -1)) {
      resend(state, mine.name, "statement", memberStation(state, index), mine.whole, budget, epoch, out);
    }
    if (listed === undefined || (mine !== undefined && sameBytes(mine.hash, listed.hash))) continue;
    // Of one epoch and another hash: two statements, and the other is half of a proof.
    const isNews = listed.epoch >= (mine?.epoch ?? 0) && listed.epoch > oldestHeld(epoch) &&
      listed.epoch <= epoch + EPOCHS_AHEAD;
    const isOnItsWay = listed.epoch >= content.epoch && listed.epoch !== mine?.epoch;
    if (isNews && !isOnItsWay && !state.view.byHash.has(hex(listed.hash))) want(state, listed.hash, author, epoch);
  }
}

/** Publishes again what is asked for and held. */
export function answerRequest(state: ProtocolState, message: MessageOf<"request">, epoch: number, out: Output): void {
  const budget = { left: state.metered ? MOST_RESENT_METERED - state.resent.size : MOST_REPAIRS };
  const certificates = state.metered ? [] : standing(state.incidents, state.directory.version);
  for (const hash of message.content.hashes) {
    const name = hex(hash);
    const statement = state.view.byHash.get(name);
    const certificate = certificates.find((one) => one.name === name);
    const proposal = state.proposals.get(name)?.message;
    if (statement !== undefined && (!state.metered || statement.index === state.self)) {
      resend(state, name, "statement", memberStation(state, statement.index), statement.whole, budget, epoch, out);
    } else if (certificate !== undefined) {
      resend(state, name, "certificate", certificate.station, certificate.whole, budget, epoch, out);
    } else if (proposal !== undefined) {
      resend(state, name, "proposal", proposal.station, proposal.whole, budget, epoch, out);
    }
  }
}

function memberStation(state: ProtocolState, index: number): StationId {
  return state.directory.members[index]!.station;
}

/** Once an epoch for each message: many neighbours lack the same. */
function resend(
  state: ProtocolState, name: string, kind: Kind, station: StationId, whole: Uint8Array, budget: { left: number },
  epoch: number, out: Output,
): void {
  if (budget.left <= 0 || state.resent.has(name) || state.resent.size >= MOST_RESENT) return;
  state.resent.set(name, epoch);
  budget.left -= 1;
  relay(state, { kind, station, whole }, out);
}

/**
 * Remembers to ask for a statement, proposal or certificate by hash.
 * @param by index of the member whose message named it
 */
export function want(state: ProtocolState, hash: Uint8Array, by: number, epoch: number): void {
  const name = hex(hash);
  if (state.wanted.has(name)) return;
  let others = 0;
  for (const wanted of state.wanted.values()) if (wanted.by === by) others += 1;
  if (others < MOST_WANTED) state.wanted.set(name, { hash, by, since: epoch, askedAt: -1 });
}

/** Asks for what is wanted and was not asked for in this epoch. */
export function request(state: ProtocolState, epoch: number, out: Output): void {
  if (!state.maySign) return;
  const due = inTurn([...state.wanted.values()].filter(({ askedAt }) => askedAt < epoch));
  for (let at = 0; at < due.length && state.requestsSent < MOST_REQUESTS; at += MOST_REQUESTED) {
    const some = due.slice(at, at + MOST_REQUESTED);
    for (const one of some) one.askedAt = epoch;
    state.requestsSent += 1;
    publish(state, "request", { epoch, hashes: some.map(({ hash }) => hash) }, out);
  }
}

/** One of each author's, then the next of each: who names many hashes delays nobody else's. */
function inTurn(wanted: readonly Wanted[]): Wanted[] {
  const places = new Map<number, number>();
  const placed = wanted.map((one) => {
    const place = places.get(one.by) ?? 0;
    places.set(one.by, place + 1);
    return { one, place };
  });
  return placed.sort((a, b) => a.place - b.place).map(({ one }) => one);
}

/** At an epoch's start: last epoch's sendings no longer count, and what nobody answered is given up. */
export function pruneDissemination(state: ProtocolState, epoch: number): void {
  state.resent.clear();
  state.requestsSent = 0;
  for (const [name, { since }] of state.wanted) if (since < epoch - EPOCHS_BACK) state.wanted.delete(name);
}
