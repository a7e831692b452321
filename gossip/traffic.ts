/**
 * Limits on what others may make this agent do: a rate for each sender, a quota for each author, and counters of what
 * was refused. Time comes in as monotonic milliseconds.
 */
import type { MonotonicMs } from "../models/units.ts";
import type { DecodeProblem, Kind } from "./message.ts";

/** Why a message changed nothing; counted against whoever sent it. */
export const PROBLEMS = [
  "too-long", "bad-topic", "foreign-network", "foreign-zone", "unknown-author", "too-fast", "not-cbor", "bad-shape",
  "wrong-author", "wrong-roster", "duplicate", "future", "past", "guilty-author", "too-many", "bad-signature",
  "bad-proposal", "second-proposal", "bad-certificate", "stale-certificate", "bad-proof",
] as const;
export type Problem = (typeof PROBLEMS)[number] | DecodeProblem;

/** SPEC.md, section 3: a flood costs its receiver no more than this, and honest bursts at an epoch's start fit in. */
export const MESSAGES_PER_S = 64;
export const BURST = 256;
/** More clients than neighbours and their likes; more are nobody that a roster lists. */
const MOST_SENDERS = 256;

interface Sender {
  tokens: number;
  atMs: number;
  refused: number;
}

export interface Traffic {
  readonly senders: Map<string, Sender>;
  readonly refused: Map<Problem, number>;
  /** Messages accepted, by kind, author and epoch. */
  readonly accepted: Map<string, { readonly epoch: number; count: number }>;
}

export function createTraffic(): Traffic {
  return { senders: new Map(), refused: new Map(), accepted: new Map() };
}

/** Takes one message off the sender's allowance; false when it has none left. */
export function allows(traffic: Traffic, from: string, now: MonotonicMs): boolean {
  const known = traffic.senders.get(from);
  if (known === undefined && traffic.senders.size >= MOST_SENDERS && !makeRoom(traffic, now)) return false;
  const sender = known ?? { tokens: BURST, atMs: now, refused: 0 };
  if (known === undefined) traffic.senders.set(from, sender);
  refill(sender, now);
  if (sender.tokens < 1) return false;
  sender.tokens -= 1;
  return true;
}

function refill(sender: Sender, now: MonotonicMs): void {
  sender.tokens = Math.min(BURST, sender.tokens + (Math.max(0, now - sender.atMs) / 1_000) * MESSAGES_PER_S);
  sender.atMs = now;
}

/** Forgets a sender whose allowance is full again: forgetting any other would give it a new one. */
function makeRoom(traffic: Traffic, now: MonotonicMs): boolean {
  for (const [name, sender] of traffic.senders) {
    refill(sender, now);
    if (sender.tokens < BURST) continue;
    traffic.senders.delete(name);
    return true;
  }
  return false;
}

export function count(traffic: Traffic, problem: Problem, from: string): void {
  traffic.refused.set(problem, (traffic.refused.get(problem) ?? 0) + 1);
  const sender = traffic.senders.get(from);
  if (sender !== undefined) sender.refused += 1;
}

/**
 * Messages that one author may have accepted for one epoch. Keys are fewer than 24; requests follow proposals; a
 * witness cosigns for its neighbours. Statements need none: a second one is equivocation. Nor do proofs: one a culprit.
 */
const QUOTA: Readonly<Record<Kind, number>> = {
  statement: Infinity, proof: Infinity, note: 4, proposal: 24, vote: 24, certificate: 24, digest: 1, request: 8,
  checkpoint: 4, cosignature: 64,
};

/** Whether the author's quota for the kind and epoch is used up. */
export function isOverQuota(traffic: Traffic, kind: Kind, author: number, epoch: number): boolean {
  return (traffic.accepted.get(`${kind}/${author}/${epoch}`)?.count ?? 0) >= QUOTA[kind];
}

export function useQuota(traffic: Traffic, kind: Kind, author: number, epoch: number): void {
  if (QUOTA[kind] === Infinity) return;
  const name = `${kind}/${author}/${epoch}`;
  const used = traffic.accepted.get(name) ?? { epoch, count: 0 };
  used.count += 1;
  traffic.accepted.set(name, used);
}

/** Forgets quotas of epochs before `oldest`, of which nothing is accepted any more. */
export function pruneTraffic(traffic: Traffic, oldest: number): void {
  for (const [name, { epoch }] of traffic.accepted) if (epoch < oldest) traffic.accepted.delete(name);
}
