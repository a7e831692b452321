/**
 * Which roster is in force (SPEC.md, section 2). Each next version must follow the last by its number and hash and be
 * signed by the operators whom the last one names; it counts from its own epoch on. Two rosters of one version are a
 * fork: somebody signs what the others do not know of, and nothing is certified until a later version is in force.
 */
import type { Crypto } from "../models/crypto.ts";
import { hex, sameBytes } from "./bytes.ts";
import { nextOperators, type Operators, type Roster } from "./roster.ts";
import { chainProblem, isRosterFork, type VerifiedRoster, verifyRosterFile } from "./roster-file.ts";

/** A roster that was believed, with its whole file. */
export interface KnownRoster extends Omit<VerifiedRoster, "signedBy"> {
  readonly file: Uint8Array;
}

export interface RosterChain {
  /** Whom the agent was told to trust, by hand. */
  readonly given: Operators;
  inForce: KnownRoster;
  /** Accepted and not in force yet, in the order of versions. */
  readonly coming: KnownRoster[];
  isForked: boolean;
  /** The other one of a fork, for others to know of. */
  fork?: KnownRoster | undefined;
}

export type Offered =
  | { readonly kind: "known" }
  | { readonly kind: "accepted"; readonly roster: Roster }
  /** `problem`: which two. */
  | { readonly kind: "fork"; readonly problem: string }
  /** `problem`: place, found and allowed. */
  | { readonly kind: "refused"; readonly problem: string };

/** Versions that may wait for their epochs: each is up to 256 KB. */
const MOST_COMING = 4;

export function createRosterChain(given: Operators, inForce: KnownRoster): RosterChain {
  return { given, inForce, coming: [], isForked: false };
}

export interface OfferOptions {
  /** Versions that were missed are no hindrance, if those whom the last one names signed. */
  readonly mayLeap?: boolean;
}

/** Takes a roster's file in, whoever it came from. Never throws. */
export function offerRoster(
  chain: RosterChain, crypto: Crypto, file: Uint8Array, { mayLeap = false }: OfferOptions = {},
): Offered {
  const { given, inForce, coming } = chain;
  const last = coming.at(-1) ?? inForce;
  // What is not the next one was signed by others: those given by hand, or those whom a version before named.
  const trusted = [last, inForce, ...coming].map(({ roster }) => nextOperators(roster));
  const [asNext, ...asOther] = [...trusted, given].map((operators) => verifyRosterFile(crypto, file, operators));
  const verified = [asNext!, ...asOther].find(({ ok }) => ok);
  if (verified?.ok !== true) return refused(asNext);
  const { roster, hash } = verified.value;
  const same = [inForce, ...coming].find((one) => one.roster.version === roster.version);
  if (same !== undefined && sameBytes(same.hash, hash)) return { kind: "known" };
  if (same !== undefined && isRosterFork({ ...same, signedBy: [] }, verified.value)) {
    chain.isForked = true;
    chain.fork ??= { roster, hash, file };
    return { kind: "fork", problem: `two rosters of version ${roster.version}: ${name(same.hash)} and ${name(hash)}` };
  }
  const broken = mayLeap && leaps(last.roster, roster) ? undefined : chainProblem(last, roster);
  if (broken !== undefined) return { kind: "refused", problem: broken };
  if (asNext?.ok !== true) return refused(asNext);
  if (coming.length >= MOST_COMING) {
    return { kind: "refused", problem: `version: found ${roster.version}; ${MOST_COMING} before it wait to count` };
  }
  coming.push({ roster, hash, file });
  return { kind: "accepted", roster };
}

/** Versions after the next one, which keep what a network never changes. */
function leaps(last: Roster, { network, version, epochS, fromEpoch }: Roster): boolean {
  return network === last.network && version > last.version + 1 && epochS === last.epochS &&
    fromEpoch >= last.fromEpoch;
}

function refused(verified: ReturnType<typeof verifyRosterFile> | undefined): Offered {
  return { kind: "refused", problem: verified?.ok === false ? verified.problem : "not signed" };
}

function name(hash: Uint8Array): string {
  return hex(hash).slice(0, 12);
}

/** The roster that comes into force with this epoch; undefined while the one in force goes on. */
export function takeForce(chain: RosterChain, epoch: number): KnownRoster | undefined {
  const due = chain.coming.findLastIndex(({ roster }) => roster.fromEpoch <= epoch);
  if (due < 0) return undefined;
  chain.inForce = chain.coming[due]!;
  chain.coming.splice(0, due + 1);
  chain.isForked = false;
  chain.fork = undefined;
  return chain.inForce;
}
