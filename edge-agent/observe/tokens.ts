/**
 * idTokens become pseudonyms here; the token itself never leaves this folder.
 *
 * The day key is derived from the secret that the operator gave to a zone's members (`mesh.tokenSecret`, SPEC.md 4a):
 * pseudonyms of two stations then match, as comparing them for cloning needs. Without it each agent makes a secret for
 * itself, and only one station's match.
 */
import type { Crypto } from "../../models/crypto.ts";
import { DAY_MS } from "../../models/units.ts";
import type { TokenPseudonym, WallMs } from "../../models/units.ts";

const PSEUDONYM_BYTES = 8;
const LABEL = new TextEncoder().encode("kerbwatch day");

export interface Tokens {
  readonly crypto: Crypto;
  readonly secret: Uint8Array;
  /** The key in use and its day: computed once a day. */
  day: number;
  key: Uint8Array;
}

/** HMAC-SHA-256(secret, "kerbwatch day" || u32 day), 32 bytes; `day` counts days since 1970-01-01, UTC. */
export function dayKey(crypto: Crypto, secret: Uint8Array, day: number): Uint8Array {
  const data = new Uint8Array(LABEL.length + 4);
  data.set(LABEL);
  new DataView(data.buffer).setUint32(LABEL.length, day);
  return crypto.hmacSha256(secret, data);
}

export function createTokens(crypto: Crypto, secret: Uint8Array): Tokens {
  return { crypto, secret, day: -1, key: new Uint8Array() };
}

/**
 * The pseudonym of an idToken on the day of `at`, or `undefined` where there is no token (2.0.1 sends an empty one with
 * type NoAuthorization). Letter case and outer spaces do not count (OCPP 1.6, 3.11: IdToken is case-insensitive), nor
 * does the token's type: the same card must match across versions.
 */
export function pseudonymOf(tokens: Tokens, idToken: unknown, at: WallMs): TokenPseudonym | undefined {
  const text = typeof idToken === "number" ? String(idToken) : idToken;
  if (typeof text !== "string" || text.length > 255 || text.trim() === "") return undefined;
  const day = Math.max(0, Math.floor(at / DAY_MS));
  if (day !== tokens.day) {
    tokens.key = dayKey(tokens.crypto, tokens.secret, day);
    tokens.day = day;
  }
  const mac = tokens.crypto.hmacSha256(tokens.key, new TextEncoder().encode(text.trim().toLowerCase()));
  return Array.from(mac.subarray(0, PSEUDONYM_BYTES), (byte) => byte.toString(16).padStart(2, "0"))
    .join("") as TokenPseudonym;
}
