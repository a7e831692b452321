/**
 * A roster file: the signed bytes of a roster and the operators' signatures, CBOR
 * `[signed bytes, [[operator key, signature], ...]]`. Without signatures it is a proposal that operators pass around.
 */
import type { Crypto, Signer } from "../models/crypto.ts";
import { ok, problem, type Result } from "../models/result.ts";
import { hex, sameBytes } from "./bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { signAs, verifyAs } from "./domain.ts";
import { publicKeyProblem, SIGNATURE_BYTES } from "./ed25519.ts";
import { MAX_ROSTER_BYTES, type Operators, type Roster } from "./roster.ts";
import { decodeRoster } from "./roster-rules.ts";

/** SPEC.md, section 1. */
const KIND = "roster";
/** Most signatures in a file: operators old and new, while they change. More would be work for nothing. */
export const MAX_ROSTER_SIGNATURES = 32;

export interface OperatorSignature {
  /** Raw Ed25519 public key. */
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

export interface RosterFile {
  /** The exact signed bytes. */
  readonly bytes: Uint8Array;
  /** Each key at most once. */
  readonly signatures: readonly OperatorSignature[];
}

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
  return { key: signer.publicKey, signature: signAs(KIND, bytes, signer) };
}

export function rosterHash(crypto: Crypto, bytes: Uint8Array): Uint8Array {
  return crypto.sha256(bytes);
}

export function encodeRosterFile({ bytes, signatures }: RosterFile): Uint8Array {
  return encodeCbor([bytes, signatures.map(({ key, signature }) => [key, signature])]);
}

function signatureOf(value: CborValue): OperatorSignature | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [key, signature] = value as unknown[];
  if (!(key instanceof Uint8Array) || publicKeyProblem(key) !== undefined) return undefined;
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_BYTES) return undefined;
  return { key, signature };
}

/** Takes a file apart; judges neither the roster nor a signature. Never throws. */
export function decodeRosterFile(file: Uint8Array): Result<RosterFile> {
  if (file.length > MAX_ROSTER_BYTES) {
    return problem(`roster file: found ${file.length} bytes; allowed: at most ${MAX_ROSTER_BYTES}`);
  }
  const decoded = decodeCbor(file);
  if (!decoded.ok) return problem(`roster file: ${decoded.problem}`);
  const [bytes, list] = Array.isArray(decoded.value) && decoded.value.length === 2 ? decoded.value as unknown[] : [];
  if (!(bytes instanceof Uint8Array) || !Array.isArray(list)) {
    return problem("roster file: found something else; allowed: a list of the roster's bytes and its signatures");
  }
  if (list.length > MAX_ROSTER_SIGNATURES) {
    return problem(`signatures: found ${list.length}; allowed: at most ${MAX_ROSTER_SIGNATURES}`);
  }
  const signatures: OperatorSignature[] = [];
  const seen = new Set<string>();
  for (const [i, item] of (list as CborValue[]).entries()) {
    const one = signatureOf(item);
    if (one === undefined) return problem(`signatures[${i}]: found no key of 32 and signature of 64 bytes`);
    if (seen.has(hex(one.key))) return problem(`signatures[${i}]: found a key again; allowed: each key once`);
    seen.add(hex(one.key));
    signatures.push(one);
  }
  return ok({ bytes, signatures });
}

/** Those of `operators` whose signature in the file is good. Signatures of others are not even looked at. */
function goodSigners(crypto: Crypto, file: RosterFile, operators: Operators): readonly Uint8Array[] {
  const names = new Set(operators.keys.map(hex)); // a key that was given twice counts once
  return file.signatures
    .filter(({ key, signature }) => names.has(hex(key)) && verifyAs(KIND, file.bytes, signature, key, crypto))
    .map(({ key }) => key);
}

function notEnough(file: RosterFile, good: number, operators: Operators): string {
  const names = new Set(operators.keys.map(hex));
  const foreign = file.signatures.filter(({ key }) => !names.has(hex(key))).length;
  const wrong = file.signatures.length - foreign - good;
  const parts = [
    `${good} good signature${good === 1 ? "" : "s"} of trusted operators`,
    ...(foreign > 0 ? [`${foreign} of keys that are not trusted`] : []),
    ...(wrong > 0 ? [`${wrong} wrong`] : []),
  ];
  return `signatures: found ${parts.join(", ")}; allowed: at least ${operators.threshold} good ones of different `
    + "trusted operators";
}

/**
 * The roster of a file, believed: at least `threshold` different keys of `operators` signed it, and it keeps every
 * rule. Never throws. Signatures are checked first: what nobody trusted signed is not read further.
 */
export function verifyRosterFile(crypto: Crypto, file: Uint8Array, operators: Operators): Result<VerifiedRoster> {
  const taken = decodeRosterFile(file);
  if (!taken.ok) return taken;
  const signedBy = goodSigners(crypto, taken.value, operators);
  // A threshold of 0 would make every file good.
  if (signedBy.length < Math.max(1, operators.threshold)) {
    return problem(notEnough(taken.value, signedBy.length, operators));
  }
  const roster = decodeRoster(taken.value.bytes);
  return roster.ok ? ok({ roster: roster.value, hash: rosterHash(crypto, taken.value.bytes), signedBy }) : roster;
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
