/**
 * Messages between agents (SPEC.md, section 3): CBOR `[signed bytes, signature]`, each kind under its own domain, topic
 * and limit. The signed bytes are kept and passed on as they came; a message is named by their hash and never by the
 * signature, of which several can be valid. What each kind says is in message-content.ts.
 */
import type { Crypto, Signer } from "../models/crypto.ts";
import { isStationId, isZoneId, type StationId, type ZoneId } from "../models/units.ts";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { signAs, verifyAs } from "./domain.ts";
import { SIGNATURE_BYTES } from "./ed25519.ts";
import { CONTENTS, type Contents } from "./message-content.ts";
import { decodeBody, type Statement } from "./statement.ts";

export const KINDS = [
  "statement", "note", "proposal", "vote", "certificate", "digest", "request", "proof", "checkpoint", "cosignature",
  "attestation", "summary", "roster", "part", "release", "fetch", "piece",
] as const;
export type Kind = (typeof KINDS)[number];

/** Longest message of each kind on the wire, bytes. */
export const MOST_BYTES: Readonly<Record<Kind, number>> = {
  statement: 2_048, note: 1_024, proposal: 8_192, vote: 512, certificate: 16_384, digest: 4_096, request: 4_096,
  proof: 8_192, checkpoint: 8_192, cosignature: 1_024, attestation: 512, summary: 8_192,
  roster: 1_024, part: 13_312, release: 512, fetch: 512, piece: 13_312,
};

/** Who says it, where, and under which roster: the start of the signed bytes. */
export interface Head {
  readonly network: string;
  readonly zone: ZoneId;
  readonly rosterVersion: number;
  readonly station: StationId;
}

export interface MessageOf<K extends Kind> extends Head {
  readonly kind: K;
  readonly content: Contents[K];
  /** The exact signed bytes. */
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
  /** The message as it travels. */
  readonly whole: Uint8Array;
}
export type Message = { [K in Kind]: MessageOf<K> }[Kind];

/** Kinds that are made here; a statement is made by `signStatement`. */
export type ComposedKind = Exclude<Kind, "statement">;

export type DecodeProblem = "too-long" | "not-cbor" | "bad-shape";
export type Decoded =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly problem: DecodeProblem };

const VERSION = 1;

/** Signs and wraps. Throws RangeError on numbers that the wire cannot carry, or when it grew over its limit. */
export function encodeMessage<K extends ComposedKind>(
  kind: K, content: Contents[K], head: Head, signer: Signer,
): MessageOf<K> {
  const bytes = signedBytes(kind, content, head);
  const signature = signAs(kind, bytes, signer);
  const whole = wrap(bytes, signature);
  if (whole.length > MOST_BYTES[kind]) throw new RangeError(`a ${kind} of ${whole.length} bytes`);
  const { network, zone, rosterVersion, station } = head;
  return { kind, network, zone, rosterVersion, station, content, bytes, signature, whole };
}

/** The bytes that the author signs, for whoever makes them again: a certificate carries votes by signature only. */
export function signedBytes<K extends ComposedKind>(kind: K, content: Contents[K], head: Head): Uint8Array {
  const { network, zone, rosterVersion, station } = head;
  return encodeCbor([VERSION, network, zone, rosterVersion, station, ...CONTENTS[kind].encode(content)]);
}

/** A statement as a message; `whole` where it travelled already. */
export function messageOfStatement(
  { body, bytes, signature }: Statement, whole = wrap(bytes, signature),
): MessageOf<"statement"> {
  const { network, zone, rosterVersion, station } = body;
  return {
    kind: "statement", network, zone: zone as ZoneId, rosterVersion, station: station as StationId, content: body,
    bytes, signature, whole,
  };
}

function wrap(bytes: Uint8Array, signature: Uint8Array): Uint8Array {
  return encodeCbor([bytes, signature]);
}

/** Reads a message by size and shape alone; the signature is not looked at. Never throws. */
export function decodeMessage(kind: Kind, whole: Uint8Array): Decoded {
  if (whole.length > MOST_BYTES[kind]) return { ok: false, problem: "too-long" };
  const outer = decodeCbor(whole);
  if (!outer.ok) return { ok: false, problem: "not-cbor" };
  const pair = outer.value;
  if (!Array.isArray(pair) || pair.length !== 2) return BAD_SHAPE;
  const [bytes, signature] = pair as CborValue[];
  if (!(bytes instanceof Uint8Array) || !(signature instanceof Uint8Array)) return BAD_SHAPE;
  if (signature.length !== SIGNATURE_BYTES) return BAD_SHAPE;
  if (kind === "statement") {
    const body = decodeBody(bytes);
    return body === undefined ? notCborOrShape(bytes)
      : { ok: true, message: messageOfStatement({ body, bytes, signature }, whole) };
  }
  return decodeComposed(kind, bytes, signature, whole);
}

const BAD_SHAPE: Decoded = { ok: false, problem: "bad-shape" };

function notCborOrShape(bytes: Uint8Array): Decoded {
  return decodeCbor(bytes).ok ? BAD_SHAPE : { ok: false, problem: "not-cbor" };
}

function decodeComposed(
  kind: ComposedKind, bytes: Uint8Array, signature: Uint8Array, whole: Uint8Array,
): Decoded {
  const inner = decodeCbor(bytes);
  if (!inner.ok) return { ok: false, problem: "not-cbor" };
  if (!Array.isArray(inner.value)) return BAD_SHAPE;
  const [version, network, zone, rosterVersion, station, ...rest] = inner.value as CborValue[];
  const head = headOf(network, zone, rosterVersion, station);
  const content = CONTENTS[kind].decode(rest);
  if (version !== VERSION || head === undefined || content === undefined) return BAD_SHAPE;
  return { ok: true, message: { kind, ...head, content, bytes, signature, whole } as Message };
}

function headOf(
  network: CborValue | undefined, zone: CborValue | undefined, rosterVersion: CborValue | undefined,
  station: CborValue | undefined,
): Head | undefined {
  if (typeof network !== "string" || typeof zone !== "string" || typeof station !== "string") return undefined;
  if (!isZoneId(network) || !isZoneId(zone) || !isStationId(station)) return undefined;
  if (typeof rosterVersion !== "number" || rosterVersion < 0) return undefined;
  return { network, zone, rosterVersion, station };
}

/** Whether the holder of `publicKey` signed the message. Never throws. */
export function verifyMessage(message: Message, publicKey: Uint8Array, crypto: Crypto): boolean {
  return verifyAs(message.kind, message.bytes, message.signature, publicKey, crypto);
}

/** The epoch that a message belongs to; a proof belongs to none. */
export function epochOfMessage(message: Message): number | undefined {
  return message.kind === "proof" ? undefined : message.content.epoch;
}

export interface Topic {
  readonly network: string;
  readonly zone: string;
  readonly kind: Kind;
  /** The author. */
  readonly station: string;
}

const TOPIC_ROOT = "kw1";
/** Longer topics are not looked at: four ids, the root and the slashes. */
const MOST_TOPIC_CHARS = 4 * 48 + 8;
const KIND_SET: ReadonlySet<string> = new Set(KINDS);

export function topicText({ network, zone, kind, station }: Topic): string {
  return `${TOPIC_ROOT}/${network}/${zone}/${kind}/${station}`;
}

/** Undefined for what is no topic of this protocol. */
export function readTopic(text: string): Topic | undefined {
  if (text.length > MOST_TOPIC_CHARS) return undefined;
  const [root, network, zone, kind, station, ...more] = text.split("/");
  if (root !== TOPIC_ROOT || more.length > 0 || kind === undefined || !KIND_SET.has(kind)) return undefined;
  if (![network, zone, station].every((id) => id !== undefined && isStationId(id))) return undefined;
  return { network, zone, kind, station } as Topic;
}
