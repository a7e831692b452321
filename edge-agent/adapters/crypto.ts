/** The `Crypto` and `Signer` ports: native Ed25519 where this Node has it, tweetnacl where it has not. */
import {
  createHash, createHmac, createPrivateKey, createPublicKey, randomBytes, sign as nativeSign, verify as nativeVerify,
} from "node:crypto";
// By its name it could not be imported where Node has it not yet.
import * as newerCrypto from "node:crypto";
import type { KeyObject } from "node:crypto";
import nacl from "tweetnacl";
import { ed25519Problem } from "../../gossip/ed25519.ts";
import type { Crypto, Signer } from "../../models/crypto.ts";
import type { Random } from "../ports.ts";

export const SEED_BYTES = 32;

/** Public keys kept parsed: building one costs as much as verifying with it. A zone has far fewer. */
const CACHED_KEYS = 256;

// RFC 8410, sections 4 and 7: all that stands before the 32 raw bytes of an Ed25519 key in DER.
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

type Verify = Crypto["verify"];
const { hash: hashAtOnce } = newerCrypto;

/** One call costs a third of an object with its updates; Node has it since 20.12 and 21.7. */
function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  if (hashAtOnce !== undefined) {
    return new Uint8Array(hashAtOnce("sha256", parts.length === 1 ? parts[0]! : Buffer.concat(parts), "buffer"));
  }
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(data).digest());
}

function publicKeyObject(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" });
}

/** Least recently used goes first; a Map keeps the order of insertion. */
function keyCache(limit: number): (publicKey: Uint8Array) => KeyObject {
  const kept = new Map<string, KeyObject>();
  return (publicKey) => {
    const name = Buffer.from(publicKey).toString("latin1");
    const key = kept.get(name) ?? publicKeyObject(publicKey);
    kept.delete(name);
    kept.set(name, key);
    if (kept.size > limit) kept.delete(kept.keys().next().value as string);
    return key;
  };
}

/** Puts the canonical rule in front of an engine, and turns what the engine throws into a refusal. */
function strict(engine: Verify): Verify {
  return (publicKey, message, signature) => {
    if (ed25519Problem(publicKey, signature) !== undefined) return false;
    try {
      return engine(publicKey, message, signature);
    } catch {
      return false; // some versions refuse to import a key that is no point of the curve
    }
  };
}

/** OpenSSL's verification. Use `nodeCrypto`, which checks that it is there. */
export function nativeCrypto(): Crypto {
  const keyOf = keyCache(CACHED_KEYS);
  const verify: Verify = (publicKey, message, signature) => nativeVerify(null, message, keyOf(publicKey), signature);
  return { sha256, hmacSha256, verify: strict(verify) };
}

/** Ed25519 by tweetnacl, many times slower; hashing stays native. */
export function tweetnaclCrypto(): Crypto {
  const verify: Verify = (publicKey, message, signature) =>
    nacl.sign.detached.verify(message, signature, publicKey);
  return { sha256, hmacSha256, verify: strict(verify) };
}

function nativeSigner(seed: Uint8Array): Signer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const publicKey = new Uint8Array(spki.subarray(SPKI_PREFIX.length));
  return { publicKey, sign: (message) => new Uint8Array(nativeSign(null, message, key)) };
}

/** The same signatures (RFC 8032 is deterministic) without native Ed25519. */
export function tweetnaclSigner(seed: Uint8Array): Signer {
  const pair = nacl.sign.keyPair.fromSeed(seed);
  return { publicKey: pair.publicKey, sign: (message) => nacl.sign.detached(message, pair.secretKey) };
}

/** Tried once: some builds of OpenSSL (FIPS providers, cut-down ones) have no Ed25519. */
const hasNativeEd25519: boolean = (() => {
  try {
    const signer = nativeSigner(new Uint8Array(SEED_BYTES));
    const message = new Uint8Array(1);
    return nativeCrypto().verify(signer.publicKey, message, signer.sign(message));
  } catch {
    return false;
  }
})();

/** The machine's own strong generator. */
export const systemRandom: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) };

/** The engine for this machine. */
export function nodeCrypto(): Crypto {
  return hasNativeEd25519 ? nativeCrypto() : tweetnaclCrypto();
}

/** A signer whose private half stays inside it. `seed`: 32 secret bytes (RFC 8032, 5.1.5); throws on another length. */
export function signerFromSeed(seed: Uint8Array): Signer {
  if (seed.length !== SEED_BYTES) throw new RangeError(`an Ed25519 seed has ${SEED_BYTES} bytes, not ${seed.length}`);
  return hasNativeEd25519 ? nativeSigner(seed) : tweetnaclSigner(seed);
}
