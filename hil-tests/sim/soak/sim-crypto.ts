/** Keys of simulated agents: Ed25519, or a keyed hash in its place that costs a hundredth of it. */
import { nodeCrypto, signerFromSeed } from "../../../edge-agent/adapters/crypto.ts";
import type { Crypto, Signer } from "../../../models/crypto.ts";
import { Signatures } from "../signatures.ts";

export interface Keys {
  readonly crypto: Crypto;
  /** The same name gives the same key. */
  signerOf(name: string): Signer;
}

const text = new TextEncoder();

export function ed25519Keys(): Keys {
  const signatures = new Signatures(nodeCrypto());
  const { crypto } = signatures;
  return { crypto, signerOf: (name) => signatures.remembered(signerFromSeed(crypto.sha256(text.encode(name)))) };
}

interface Secret {
  readonly a: number;
  readonly b: number;
}

/**
 * A signature is a keyed hash of the message; whoever verifies looks the secret up by the public key. Nobody in a run
 * has another's signer, so nobody forges; what forgery there is in Ed25519 itself is tested elsewhere.
 */
export function simulatedKeys(): Keys {
  const { sha256, hmacSha256 } = nodeCrypto();
  const secrets = new Map<string, Secret>();
  const byObject = new WeakMap<Uint8Array, Secret>();
  const secretOf = (publicKey: Uint8Array): Secret | undefined => {
    const known = byObject.get(publicKey) ?? secrets.get(nameOf(publicKey));
    if (known !== undefined) byObject.set(publicKey, known);
    return known;
  };
  const verify: Crypto["verify"] = (publicKey, message, signature) => {
    const secret = secretOf(publicKey);
    return secret !== undefined && signature.length === 64 && same(signature, signed(secret, message));
  };
  return {
    crypto: { sha256, hmacSha256, verify },
    signerOf(name) {
      const publicKey = sha256(text.encode(`public ${name}`));
      publicKey[31]! &= 0x3f; // canonical, as rosters want it
      const view = new DataView(sha256(text.encode(`secret ${name}`)).buffer);
      const secret = { a: view.getUint32(0), b: view.getUint32(4) };
      secrets.set(nameOf(publicKey), secret);
      return { publicKey, sign: (message) => signed(secret, message) };
    },
  };
}

function nameOf(publicKey: Uint8Array): string {
  return Buffer.from(publicKey).toString("latin1");
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Two multiplicative hashes of 32 bits (after FNV-1a), seeded with the secret. */
function signed({ a, b }: Secret, message: Uint8Array): Uint8Array {
  let [x, y] = [a, b];
  for (const byte of message) {
    x = Math.imul(x ^ byte, 0x01000193);
    y = Math.imul(y + byte, 0x85ebca6b) ^ (y >>> 13);
  }
  const signature = new Uint8Array(64);
  const view = new DataView(signature.buffer);
  view.setUint32(0, x);
  view.setUint32(4, y);
  view.setUint32(8, Math.imul(x ^ a, 0xc2b2ae35) ^ y);
  return signature;
}
