/**
 * Limits on what others may make this agent do: a rate for each sender, or for each author at a site's broker; a quota
 * for each author; and counters of what was refused. Time comes in as monotonic milliseconds.
 */
import type { MonotonicMs } from "../models/units.ts";
import { MOST_MEMBERS } from "./directory.ts";
import { type DecodeProblem, type Kind, KINDS } from "./message.ts";

/** Why a message changed nothing; counted against whoever sent it. */
export const PROBLEMS = [
  "too-long", "bad-topic", "foreign-network", "foreign-zone", "unknown-author", "too-fast", "not-cbor", "bad-shape",
  "wrong-author", "wrong-roster", "duplicate", "future", "past", "guilty-author", "too-many", "bad-signature",
  "bad-proposal", "second-proposal", "bad-certificate", "stale-certificate", "bad-proof", "frozen", "bad-summary",
  "bad-roster", "bad-release", "unasked",
] as const;
export type Problem = (typeof PROBLEMS)[number] | DecodeProblem;

/** SPEC.md, section 3: a flood costs its receiver no more than this, and honest bursts at an epoch's start fit in. */
export const MESSAGES_PER_S = 64;
export const BURST = 256;

/** So many messages a second, in bursts of so many. */
export interface Rate {
  readonly perS: number;
  readonly burst: number;
}

const NEIGHBOUR: Rate = { perS: MESSAGES_PER_S, burst: BURST };
/** One author at one site's broker, which brings its own messages alone: a neighbour brings everybody's. */
export const SITE_AUTHOR: Rate = { perS: 32, burst: 128 };
/** One site's broker: more than what a third of the largest zone (64 members) may send, so that the rest is heard. */
export const SITE: Rate = { perS: 1_024, burst: 4_096 };

/** Neighbours and their likes, and 64 authors and a rest at each of eight sites. */
const MOST_SENDERS = 1_024;

interface Sender {
  readonly rate: Rate;
  tokens: number;
  atMs: number;
  /** What honest neighbours pass on twice is not held against them. */
  refused: number;
}

export interface Traffic {
  readonly senders: Map<string, Sender>;
  readonly refused: Map<Problem, number>;
  /** Messages accepted, by `quotaName`. */
  readonly accepted: Map<number, number>;
}

export function createTraffic(): Traffic {
  return { senders: new Map(), refused: new Map(), accepted: new Map() };
}

/**
 * A sender is a station, or the URL of a site's broker. A station's id holds no slash (SPEC.md, section 2), so no
 * station is taken for a site.
 */
export function isSite(from: string): boolean {
  return from.includes("/");
}

/**
 * Takes one message off the sender's allowance; false when it has none left. At a site, first off the author's own: who
 * floods it uses up nobody else's.
 * @param author a member of the zone, as the topic says; undefined for what is on any other topic
 */
export function allows(traffic: Traffic, from: string, author: string | undefined, now: MonotonicMs): boolean {
  if (!isSite(from)) return take(traffic, from, NEIGHBOUR, now);
  return take(traffic, atSite(from, author), SITE_AUTHOR, now) && take(traffic, from, SITE, now);
}

const atSite = (site: string, author = ""): string => `${site} ${author}`;

function take(traffic: Traffic, name: string, rate: Rate, now: MonotonicMs): boolean {
  const known = traffic.senders.get(name);
  if (known === undefined && traffic.senders.size >= MOST_SENDERS && !makeRoom(traffic, now)) return false;
  const sender = known ?? { rate, tokens: rate.burst, atMs: now, refused: 0 };
  if (known === undefined) traffic.senders.set(name, sender);
  refill(sender, now);
  if (sender.tokens < 1) return false;
  sender.tokens -= 1;
  return true;
}

function refill(sender: Sender, now: MonotonicMs): void {
  const { perS, burst } = sender.rate;
  sender.tokens = Math.min(burst, sender.tokens + (Math.max(0, now - sender.atMs) / 1_000) * perS);
  sender.atMs = now;
}

/** Forgets a sender whose allowance is full again: forgetting any other would give it a new one. */
function makeRoom(traffic: Traffic, now: MonotonicMs): boolean {
  for (const [name, sender] of traffic.senders) {
    refill(sender, now);
    if (sender.tokens < sender.rate.burst) continue;
    traffic.senders.delete(name);
    return true;
  }
  return false;
}

/** Counts it against the sender: at a site against the author, who alone should be able to publish there. */
export function count(traffic: Traffic, problem: Problem, from: string, author: string | undefined): void {
  traffic.refused.set(problem, (traffic.refused.get(problem) ?? 0) + 1);
  if (problem === "duplicate") return;
  const sender = (isSite(from) ? traffic.senders.get(atSite(from, author)) : undefined) ?? traffic.senders.get(from);
  if (sender !== undefined) sender.refused += 1;
}

/** EVIDENCE_KEYS, with room. */
const KEYS = 32;

/**
 * Messages that one author may have accepted for one epoch. One a key, and some for keys to come; requests follow
 * proposals; a witness cosigns for its neighbours, about eight, and may be asked again; rosters and releases go
 * in parts. Statements need none: a second one is equivocation. Nor do proofs: one a culprit.
 */
const QUOTA: Readonly<Record<Kind, number>> = {
  statement: Infinity, proof: Infinity, note: 4, proposal: KEYS, vote: KEYS, certificate: KEYS, digest: 1, request: 8,
  checkpoint: 4, cosignature: 16, attestation: KEYS, summary: KEYS,
  roster: 4, part: 4, release: 4, fetch: 4, piece: 2,
};

/** Kind, author's index and epoch in one number, below 2^53: each message is looked up and counted by it. */
function quotaName(kind: Kind, author: number, epoch: number): number {
  return (epoch * MOST_MEMBERS + author) * KINDS.length + KINDS.indexOf(kind);
}

/** Whether the author's quota for the kind and epoch is used up. */
export function isOverQuota(traffic: Traffic, kind: Kind, author: number, epoch: number): boolean {
  return QUOTA[kind] !== Infinity && (traffic.accepted.get(quotaName(kind, author, epoch)) ?? 0) >= QUOTA[kind];
}

export function useQuota({ accepted }: Traffic, kind: Kind, author: number, epoch: number): void {
  if (QUOTA[kind] === Infinity) return;
  const name = quotaName(kind, author, epoch);
  accepted.set(name, (accepted.get(name) ?? 0) + 1);
}

const CERTIFICATE = KINDS.indexOf("certificate");

/** Forgets quotas of epochs before these, of which nothing is accepted any more: certificates count for longer. */
export function pruneTraffic({ accepted }: Traffic, oldest: number, oldestCertificate: number): void {
  const first = quotaName(KINDS[0], 0, oldest);
  const firstCertificate = quotaName(KINDS[0], 0, oldestCertificate);
  for (const name of accepted.keys()) {
    if (name < (name % KINDS.length === CERTIFICATE ? firstCertificate : first)) accepted.delete(name);
  }
}
