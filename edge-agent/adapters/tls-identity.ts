/**
 * The agent's certificate for the mesh: self-signed Ed25519, made from the device's TLS key alone. It carries no trust
 * by itself: peers compare the raw key inside it with the roster. node:crypto makes no certificates, so the few bytes
 * of DER are put together here (RFC 5280, section 4; RFC 8410; ITU-T X.690).
 */
import { createHash, createPrivateKey, createPublicKey, KeyObject, sign, verify } from "node:crypto";
import type { X509Certificate } from "node:crypto";
import { isIPv4 } from "node:net";
import type { StationId } from "../../models/units.ts";
import { SEED_BYTES } from "./crypto.ts";

/** What a TLS socket needs to show who it is, and what the roster lists. */
export interface TlsIdentity {
  readonly station: StationId;
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
  /** The raw Ed25519 key, 32 bytes: the roster's `TLS key`. */
  readonly publicKey: Uint8Array;
  /** The certificate's own, 64 bytes: all of it that the public key and the station do not tell. */
  readonly signature: Uint8Array;
}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
/** RFC 5280, 4.2.1.6: dNSName and iPAddress. */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

// RFC 8410, sections 4 and 7: all that stands before the 32 raw bytes of an Ed25519 key in DER.
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const ED25519 = Buffer.from("300506032b6570", "hex");
const COMMON_NAME = Buffer.from("0603550403", "hex");
const BASIC_CONSTRAINTS = Buffer.from("0603551d13", "hex");
const SUBJECT_ALT_NAME = Buffer.from("0603551d11", "hex");
const EXTENDED_KEY_USAGE = Buffer.from("0603551d25", "hex");
const SERVER_AUTH = Buffer.from("06082b06010505070301", "hex");
const CLIENT_AUTH = Buffer.from("06082b06010505070302", "hex");

/** RFC 5280, appendix A.1: ub-common-name. */
const MOST_COMMON_NAME = 64;
/** UTCTime 2020-01-01 and GeneralizedTime 9999-12-31 (RFC 5280, 4.1.2.5): a board without a clock is in between. */
const NOT_BEFORE = "200101000000Z";
const NOT_AFTER = "99991231235959Z";

/** One DER element; what is inside is shorter than 65,536 bytes. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const extension = (id: Uint8Array, value: Uint8Array): Buffer => der(SEQUENCE, id, der(OCTET_STRING, value));

/** Not secret and not random: the same key and station give the same certificate. Positive, 16 bytes. */
function serialOf(station: string, spki: Uint8Array): Buffer {
  const serial = createHash("sha256").update(spki).update(station).digest().subarray(0, 16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial;
}

/** `host`: what the certificate is for, where it is a server's that is known by its address. */
function toBeSigned(subject: string, spki: Uint8Array, host?: string): Buffer {
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(subject)))));
  const validity = der(SEQUENCE, der(UTC_TIME, Buffer.from(NOT_BEFORE)), der(GENERALIZED_TIME, Buffer.from(NOT_AFTER)));
  const extensions = [
    extension(BASIC_CONSTRAINTS, der(SEQUENCE)), // no certificate authority
    extension(EXTENDED_KEY_USAGE, der(SEQUENCE, SERVER_AUTH, CLIENT_AUTH)),
    ...(host === undefined ? [] : [extension(SUBJECT_ALT_NAME, der(SEQUENCE, altName(host)))]),
  ];
  return der(SEQUENCE, der(VERSION, der(INTEGER, Buffer.from([2]))), der(INTEGER, serialOf(subject, spki)), ED25519,
    name, validity, name, spki, der(EXTENSIONS, der(SEQUENCE, ...extensions)));
}

function altName(host: string): Buffer {
  return isIPv4(host) ? der(IP_ADDRESS, Uint8Array.from(host.split("."), Number)) : der(DNS_NAME, Buffer.from(host));
}

const signedPem = (body: Uint8Array, signature: Uint8Array): string =>
  pem("CERTIFICATE", der(SEQUENCE, body, ED25519, der(BIT_STRING, Buffer.from([0]), signature))); // no unused bits

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

function privateKeyOf(secret: Uint8Array | KeyObject): KeyObject {
  if (secret instanceof KeyObject) return secret;
  if (secret.length !== SEED_BYTES) throw new RangeError(`an Ed25519 seed has ${SEED_BYTES} bytes`);
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, secret]), format: "der", type: "pkcs8" });
}

/**
 * The identity of a station, the same for the same key. `secret`: the 32-byte seed of the device's TLS key, or that
 * private key. Throws RangeError when it is no Ed25519 key.
 */
export function tlsIdentity(station: StationId, secret: Uint8Array | KeyObject): TlsIdentity {
  return { station, ...selfSigned(station, secret) };
}

/** The same for a broker that is dialled by this name or IPv4 address. */
export function serverIdentity(host: string, secret: Uint8Array): Pick<TlsIdentity, "cert" | "key"> {
  return selfSigned(host.slice(0, MOST_COMMON_NAME), secret, host);
}

function selfSigned(subject: string, secret: Uint8Array | KeyObject, host?: string): Omit<TlsIdentity, "station"> {
  const key = privateKeyOf(secret);
  if (key.type !== "private" || key.asymmetricKeyType !== "ed25519") throw new RangeError("not an Ed25519 private key");
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const body = toBeSigned(subject, spki, host);
  const signature = sign(null, body, key);
  return {
    cert: signedPem(body, signature), key: key.export({ format: "pem", type: "pkcs8" }) as string,
    publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)), signature,
  };
}

/**
 * The certificate (PEM text) of a station, made again from its public parts, so that nothing else can be in it: no
 * other name, and no right to sign others. Undefined when the signature is not of that key over this certificate.
 */
export function certificateOf(station: StationId, publicKey: Uint8Array, signature: Uint8Array): string | undefined {
  const spki = Buffer.concat([SPKI_PREFIX, publicKey]);
  const body = toBeSigned(station, spki);
  const good = verify(null, body, createPublicKey({ key: spki, format: "der", type: "spki" }), signature);
  return good ? signedPem(body, signature) : undefined;
}

/** The raw Ed25519 key of a peer's certificate; undefined when there is none, or one of another kind. Never throws. */
export function rawKeyOf(certificate: X509Certificate | undefined): Uint8Array | undefined {
  try {
    const key = certificate?.publicKey;
    if (key?.asymmetricKeyType !== "ed25519") return undefined;
    return new Uint8Array(key.export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX.length));
  } catch {
    return undefined; // a key that this OpenSSL cannot read
  }
}
