/**
 * A file that operators sign: the signed bytes and their signatures, CBOR `[signed bytes, [[operator key, signature],
 * ...]]`. Without signatures it is a proposal that operators pass around. Rosters and releases travel so; `kind` keeps
 * a signature of one from being one of the other (SPEC.md, section 1).
 */
import type { Crypto, Signer } from "../models/crypto.ts";
import { ok, problem, type Result } from "../models/result.ts";
import { hex } from "./bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { signAs, verifyAs } from "./domain.ts";
import { publicKeyProblem, SIGNATURE_BYTES } from "./ed25519.ts";
import type { Operators } from "./roster.ts";

export type SignedKind = "roster" | "release";

/** Most signatures in a file: operators old and new, while they change. More would be work for nothing. */
export const MAX_FILE_SIGNATURES = 32;

export interface OperatorSignature {
  /** Raw Ed25519 public key. */
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SignedFile {
  /** The exact signed bytes. */
  readonly bytes: Uint8Array;
  /** Each key at most once. */
  readonly signatures: readonly OperatorSignature[];
}

/** What enough operators signed. */
export interface VerifiedFile {
  readonly bytes: Uint8Array;
  /** SHA-256 of the signed bytes: its name. */
  readonly hash: Uint8Array;
  /** Keys of those trusted operators whose signatures are good. */
  readonly signedBy: readonly Uint8Array[];
}

/** An operator's signature over the bytes. */
export function signFile(kind: SignedKind, bytes: Uint8Array, signer: Signer): OperatorSignature {
  return { key: signer.publicKey, signature: signAs(kind, bytes, signer) };
}

export function encodeSignedFile({ bytes, signatures }: SignedFile): Uint8Array {
  return encodeCbor([bytes, signatures.map(({ key, signature }) => [key, signature])]);
}

function signatureOf(value: CborValue): OperatorSignature | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [key, signature] = value as unknown[];
  if (!(key instanceof Uint8Array) || publicKeyProblem(key) !== undefined) return undefined;
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_BYTES) return undefined;
  return { key, signature };
}

/** Takes a file apart; judges neither what is in it nor a signature. Never throws. */
export function decodeSignedFile(kind: SignedKind, file: Uint8Array, maxBytes: number): Result<SignedFile> {
  if (file.length > maxBytes) {
    return problem(`${kind} file: found ${file.length} bytes; allowed: at most ${maxBytes}`);
  }
  const decoded = decodeCbor(file);
  if (!decoded.ok) return problem(`${kind} file: ${decoded.problem}`);
  const [bytes, list] = Array.isArray(decoded.value) && decoded.value.length === 2 ? decoded.value as unknown[] : [];
  if (!(bytes instanceof Uint8Array) || !Array.isArray(list)) {
    return problem(`${kind} file: found something else; allowed: a list of the ${kind}'s bytes and its signatures`);
  }
  if (list.length > MAX_FILE_SIGNATURES) {
    return problem(`signatures: found ${list.length}; allowed: at most ${MAX_FILE_SIGNATURES}`);
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
function goodSigners(
  kind: SignedKind, crypto: Crypto, file: SignedFile, operators: Operators,
): readonly Uint8Array[] {
  const names = new Set(operators.keys.map(hex)); // a key that was given twice counts once
  return file.signatures
    .filter(({ key, signature }) => names.has(hex(key)) && verifyAs(kind, file.bytes, signature, key, crypto))
    .map(({ key }) => key);
}

function notEnough(file: SignedFile, good: number, operators: Operators): string {
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
 * The bytes of a file, believed: at least `threshold` different keys of `operators` signed them. What is in them is not
 * read: what nobody trusted signed is not looked at further. Never throws.
 */
export function verifySignedFile(
  kind: SignedKind, crypto: Crypto, file: Uint8Array, operators: Operators, maxBytes: number,
): Result<VerifiedFile> {
  const taken = decodeSignedFile(kind, file, maxBytes);
  if (!taken.ok) return taken;
  const { bytes } = taken.value;
  const signedBy = goodSigners(kind, crypto, taken.value, operators);
  // A threshold of 0 would make every file good.
  if (signedBy.length < Math.max(1, operators.threshold)) {
    return problem(notEnough(taken.value, signedBy.length, operators));
  }
  return ok({ bytes, hash: crypto.sha256(bytes), signedBy });
}
