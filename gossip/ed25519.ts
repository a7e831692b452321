/**
 * The one rule in front of every Ed25519 engine. Engines differ on signatures that no honest signer makes (S of L or
 * more, small-order points, second encodings of one point), and a zone's verdict must not depend on the engine.
 * Whatever passes here is judged alike by OpenSSL, WebCrypto and tweetnacl (cofactorless equation of RFC 8032, 5.1.7).
 */
import { fromHex } from "./bytes.ts";

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Why a public key and a signature are refused before any curve arithmetic is done. */
export type Ed25519Problem =
  | "key-length" | "key-not-canonical" | "key-small-order"
  | "signature-length" | "r-not-canonical" | "r-small-order" | "s-not-below-l";

/** p = 2^255 - 19, the field's prime (RFC 8032, 5.1), little-endian. */
const P = fromHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
/** L, the order of the base point (RFC 8032, 5.1), little-endian. */
const L = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/** y of the eight points whose order divides 8; each y stands for both signs of x. */
const SMALL_ORDER_Y = [
  "0000000000000000000000000000000000000000000000000000000000000000", // order 4
  "0100000000000000000000000000000000000000000000000000000000000000", // order 1
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
].map(fromHex);

/** Whether a is less than b, both little-endian and of the same length. Public values: need not take constant time. */
function isLess(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = a.length - 1; i >= 0; i--) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** `encoded`: 32 bytes, y with the sign of x in the top bit (RFC 8032, 5.1.2). */
function pointProblem(encoded: Uint8Array): "not-canonical" | "small-order" | undefined {
  const y = Uint8Array.from(encoded);
  y[31]! &= 0x7f;
  if (!isLess(y, P)) return "not-canonical";
  // The remaining second encodings, x = 0 with its sign set, have y = 1 or y = -1: small order too.
  if (SMALL_ORDER_Y.some((bad) => bad.every((byte, i) => byte === y[i]))) return "small-order";
  return undefined;
}

/** What is wrong with a public key alone; undefined when it may be used (it may still not be a point of the curve). */
export function publicKeyProblem(publicKey: Uint8Array): Ed25519Problem | undefined {
  if (publicKey.length !== PUBLIC_KEY_BYTES) return "key-length";
  const problem = pointProblem(publicKey);
  return problem && `key-${problem}`;
}

/** What is wrong with a public key and a signature; undefined when an engine may go on and verify. */
export function ed25519Problem(publicKey: Uint8Array, signature: Uint8Array): Ed25519Problem | undefined {
  const keyProblem = publicKeyProblem(publicKey);
  if (keyProblem !== undefined) return keyProblem;
  if (signature.length !== SIGNATURE_BYTES) return "signature-length";
  const problem = pointProblem(signature.subarray(0, 32));
  if (problem !== undefined) return `r-${problem}`;
  // RFC 8032, 5.1.7, step 1: S in the range 0 <= S < L, or one signature has many twins.
  return isLess(signature.subarray(32), L) ? undefined : "s-not-below-l";
}
