/** Releases and operators for tests. */
import { nodeCrypto, signerFromSeed } from "../adapters/crypto.ts";
import { encodeSignedFile, signFile } from "../../gossip/signed-file.ts";
import type { Signer } from "../../models/crypto.ts";
import type { Incoming } from "./install.ts";
import { encodeRelease, PROGRAM_FILE, type Release, verifyRelease } from "./manifest.ts";

export const crypto = nodeCrypto();
export const SIGNERS: readonly Signer[] = [1, 2, 3].map((byte) => signerFromSeed(new Uint8Array(32).fill(byte)));
export const OPERATORS = { threshold: 2, keys: SIGNERS.map(({ publicKey }) => publicKey) };
export const ISSUED_S = 1_780_000_000;

export const programText = (sequence: number): Uint8Array =>
  new TextEncoder().encode(`program ${sequence}\n`.repeat(9));

export function releaseOf(sequence: number, changes: Partial<Release> = {}): Release {
  const program = programText(sequence);
  return {
    sequence, name: `0.${sequence}.0`, issuedS: ISSUED_S, expiresS: ISSUED_S + 90 * 86_400, stages: [],
    files: [{ name: PROGRAM_FILE, bytes: program.length, sha256: crypto.sha256(program) }], ...changes,
  };
}

export function signedRelease(release: Release, signers: readonly Signer[] = SIGNERS.slice(0, 2)): Uint8Array {
  const bytes = encodeRelease(release);
  return encodeSignedFile({ bytes, signatures: signers.map((signer) => signFile("release", bytes, signer)) });
}

export function incomingOf(sequence: number): Incoming {
  const manifest = signedRelease(releaseOf(sequence));
  const verified = verifyRelease(crypto, manifest, OPERATORS);
  if (!verified.ok) throw new Error(verified.problem);
  return { manifest, verified: verified.value, program: programText(sequence), signedBy: ["operator/a", "operator/b"] };
}
