/**
 * The port through which the pure folders hash and sign. The agent passes the native engine where there is one and
 * tweetnacl where there is not; both are synchronous and give the same answers.
 */
export interface Crypto {
  /** SHA-256, 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA-256, 32 bytes. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** Ed25519 verification behind the one canonical rule (gossip/ed25519.ts). Never throws. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** One Ed25519 key with a single purpose. The private half stays inside the adapter that made it. */
export interface Signer {
  readonly publicKey: Uint8Array;
  /** Ed25519 signature, 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}
