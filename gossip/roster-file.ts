/** A roster file: the signed bytes of a roster and the operators' signatures (signed-file.ts). */
import type { Crypto, Signer } from "../models/crypto.ts";
import { ok, type Result } from "../models/result.ts";
import { hex, sameBytes } from "./bytes.ts";
import { MAX_ROSTER_BYTES, type Operators, type Roster } from "./roster.ts";
import { decodeRoster } from "./roster-rules.ts";
import {
  decodeSignedFile, encodeSignedFile, MAX_FILE_SIGNATURES, type OperatorSignature, signFile, type SignedFile,
  verifySignedFile,
} from "./signed-file.ts";

export type { OperatorSignature } from "./signed-file.ts";

const KIND = "roster";
export const MAX_ROSTER_SIGNATURES = MAX_FILE_SIGNATURES;

export type RosterFile = SignedFile;

/** A roster that enough operators signed. */
export interface VerifiedRoster {
  readonly roster: Roster;
  /** SHA-256 of the signed bytes: the roster's name, and `previous` of the next version. */
  readonly hash: Uint8Array;
  /** Keys of those trusted operators whose signatures are good. */
  readonly signedBy: readonly Uint8Array[];
}

/** An operator's signature over a roster's bytes. */
export function signRoster(bytes: Uint8Array, signer: Signer): OperatorSignature {
  return signFile(KIND, bytes, signer);
}

export function rosterHash(crypto: Crypto, bytes: Uint8Array): Uint8Array {
  return crypto.sha256(bytes);
}

export const encodeRosterFile: (file: RosterFile) => Uint8Array = encodeSignedFile;

/** Takes a file apart; judges neither the roster nor a signature. Never throws. */
export function decodeRosterFile(file: Uint8Array): Result<RosterFile> {
  return decodeSignedFile(KIND, file, MAX_ROSTER_BYTES);
}

/**
 * The roster of a file, believed: at least `threshold` different keys of `operators` signed it, and it keeps every
 * rule. Never throws. Signatures are checked first: what nobody trusted signed is not read further.
 */
export function verifyRosterFile(crypto: Crypto, file: Uint8Array, operators: Operators): Result<VerifiedRoster> {
  const verified = verifySignedFile(KIND, crypto, file, operators, MAX_ROSTER_BYTES);
  if (!verified.ok) return verified;
  const { bytes, hash, signedBy } = verified.value;
  const roster = decodeRoster(bytes);
  return roster.ok ? ok({ roster: roster.value, hash, signedBy }) : roster;
}

/**
 * Why `next` does not follow `previous`; undefined when it does. Whether the operators of `previous` signed it is for
 * verifyRosterFile with nextOperators.
 */
export function chainProblem(previous: Pick<VerifiedRoster, "roster" | "hash">, next: Roster): string | undefined {
  const last = previous.roster;
  const wrong = (place: string, found: string | number, allowed: string): string =>
    `${place}: found ${found}; allowed: ${allowed}`;
  if (next.network !== last.network) return wrong("network", next.network, `${last.network}, as before`);
  if (next.version !== last.version + 1) return wrong("version", next.version, `${last.version + 1}, the next one`);
  if (!sameBytes(next.previous, previous.hash)) {
    return wrong("previous", hex(next.previous), `${hex(previous.hash)}, the hash of version ${last.version}`);
  }
  // Epochs are counted in it: another length would give old statements new times.
  if (next.epochS !== last.epochS) return wrong("epochS", next.epochS, `${last.epochS}, as before`);
  if (next.fromEpoch < last.fromEpoch) return wrong("fromEpoch", next.fromEpoch, `${last.fromEpoch} or later`);
  return undefined;
}

/** Two different rosters of one version: operators signed both, and certification freezes. */
export function isRosterFork(a: VerifiedRoster, b: VerifiedRoster): boolean {
  return a.roster.network === b.roster.network && a.roster.version === b.roster.version && !sameBytes(a.hash, b.hash);
}
