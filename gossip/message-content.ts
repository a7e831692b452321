/**
 * What each kind of message says after its head (SPEC.md, section 3): types, and readers that take only the one exact
 * shape. Lists by member are in ascending order of index, each member once, so that one content has one encoding.
 */
import { isStationId, type StationId } from "../models/units.ts";
import type { CborValue } from "./cbor.ts";
import { MOST_MEMBERS } from "./directory.ts";
import { SIGNATURE_BYTES } from "./ed25519.ts";
import { MAX_ROSTER_BYTES } from "./roster.ts";
import type { StatementBody } from "./statement.ts";

/** One use of a token, by pseudonym; times in unix seconds, `to` 0 while it lasts. */
export interface Sighting {
  readonly pseudonym: Uint8Array;
  readonly fromS: number;
  readonly toS: number;
}

/** The two statements, by hash, from which a member's growth is taken. */
export interface ProposalItem {
  readonly index: number;
  readonly newer: Uint8Array;
  readonly older: Uint8Array;
}

export interface ProposalContent {
  readonly epoch: number;
  /** Index into EVIDENCE_KEYS. */
  readonly keyIndex: number;
  readonly onset: number;
  readonly items: readonly ProposalItem[];
}

export interface VoteContent {
  /** The proposal's epoch. */
  readonly epoch: number;
  /** Hash of the proposal's signed bytes. */
  readonly proposal: Uint8Array;
}

export interface CertificateContent {
  /** The proposal's epoch. */
  readonly epoch: number;
  /** The whole proposal message. */
  readonly proposal: Uint8Array;
  readonly votes: readonly { readonly index: number; readonly signature: Uint8Array }[];
}

export interface DigestContent {
  readonly epoch: number;
  /** The newest statement held of each member. */
  readonly newest: readonly { readonly index: number; readonly epoch: number; readonly hash: Uint8Array }[];
  /** Proposals of which certificates are held: of each incident the first and the newest. */
  readonly certificates: readonly Uint8Array[];
  /** Members of whose guilt a proof is held. */
  readonly guilty: readonly number[];
}

export interface Contents {
  statement: StatementBody;
  note: { readonly epoch: number; readonly seq: number; readonly sightings: readonly Sighting[] };
  proposal: ProposalContent;
  vote: VoteContent;
  certificate: CertificateContent;
  digest: DigestContent;
  /** Hashes of signed bytes: of statements, or of proposals whose certificate or proposal is wanted. */
  request: { readonly epoch: number; readonly hashes: readonly Uint8Array[] };
  /** Two whole statement messages. */
  proof: { readonly first: Uint8Array; readonly second: Uint8Array };
  checkpoint: {
    readonly epoch: number; readonly note: string; readonly proof: readonly Uint8Array[]; readonly oldSize: number;
  };
  /** The checkpoint that the witness holds of the log, with its cosignature; empty when it holds none. */
  cosignature: { readonly epoch: number; readonly log: StationId; readonly note: string };
  /** What the member finds its zone's sum to be for a key, tenths of a nat. */
  attestation: { readonly epoch: number; readonly keyIndex: number; readonly level: number };
  /** A quorum's attestations of at least this level, with their signatures. */
  summary: {
    readonly epoch: number; readonly keyIndex: number; readonly level: number;
    readonly attested: readonly {
      readonly index: number; readonly epoch: number; readonly level: number; readonly signature: Uint8Array;
    }[];
  };
  /** The rosters that the author knows, and what it asks a neighbour for. */
  roster: { readonly epoch: number; readonly held: readonly NamedRoster[]; readonly asked: AskedPart | undefined };
  /** The release that the author runs and passes on, and those that it took back for ill health. */
  release: { readonly epoch: number; readonly offered: NamedRelease | undefined; readonly ill: readonly Uint8Array[] };
  /** A piece of a release's file is asked for. */
  fetch: { readonly epoch: number; readonly asked: AskedPart };
  /** A piece of a release's manifest, which is named by the hash of its signed bytes, or of its program, by its own. */
  piece: {
    readonly epoch: number; readonly hash: Uint8Array; readonly place: number; readonly of: number;
    readonly bytes: Uint8Array;
  };
  /** A piece of a roster's file; the roster is named by the hash of its signed bytes. */
  part: {
    readonly epoch: number; readonly hash: Uint8Array; readonly place: number; readonly of: number;
    readonly bytes: Uint8Array;
  };
}

export interface NamedRoster {
  readonly version: number;
  /** Of its signed bytes. */
  readonly hash: Uint8Array;
}

export interface NamedRelease {
  readonly sequence: number;
  /** Of its manifest's signed bytes. */
  readonly hash: Uint8Array;
}

export interface AskedPart {
  /** Who is to answer. */
  readonly of: StationId;
  readonly hash: Uint8Array;
  readonly place: number;
}

const HASH_BYTES = 32;
const PSEUDONYM_BYTES = 8;
export const MOST_SIGHTINGS = 16;
export const MOST_REQUESTED = 64;
/** Of each incident the first and the newest; what does not fit a digest waits for another. */
export const MOST_CERTIFICATES = 32;
/** A consistency proof of a log of 2^32 entries is shorter. */
const MOST_PROOF_HASHES = 64;
/** The one in force, four that wait, and the other one of a fork. */
export const MOST_ROSTERS = 6;
/** All parts of a file but the last have this length. */
export const PART_BYTES = 12_288;
/** Of the largest roster file. */
export const MOST_PARTS = Math.ceil(MAX_ROSTER_BYTES / PART_BYTES);

/** Releases that a board took back lately; older ones are overtaken. */
export const MOST_ILL = 4;
/** Of a release's file, in pieces of PART_BYTES: 4 MB, twelve times what the program has now. */
export const MOST_PIECES = 341;

interface Codec<T> {
  encode(content: T): CborValue[];
  /** Undefined for any other shape. */
  decode(rest: readonly CborValue[]): T | undefined;
}

type Value = CborValue | undefined;

function isUint(value: Value): value is number {
  return typeof value === "number" && value >= 0;
}

function isIndex(value: Value): value is number {
  return isUint(value) && value < MOST_MEMBERS;
}

function isBytes(value: Value, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

function isHash(value: Value): value is Uint8Array {
  return isBytes(value, HASH_BYTES);
}

/** Each item of a list read by `read`; undefined when one is not of its shape, or when there are too many. */
function listOf<T>(value: Value, most: number, read: (item: CborValue) => T | undefined): T[] | undefined {
  if (!Array.isArray(value) || value.length > most) return undefined;
  const items: T[] = [];
  for (const raw of value as CborValue[]) {
    const item = read(raw);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}

/** The same for arrays of three or two values that begin with a member's index, which must rise. */
function listByIndex<T extends { readonly index: number }>(
  value: Value, read: (item: readonly CborValue[]) => T | undefined,
): T[] | undefined {
  const items = listOf(value, MOST_MEMBERS, (raw) => (Array.isArray(raw) ? read(raw as CborValue[]) : undefined));
  const rises = items?.every(({ index }, place) => place === 0 || index > items[place - 1]!.index);
  return rises === true ? items : undefined;
}

const hashes = (value: Value, most: number): Uint8Array[] | undefined =>
  listOf(value, most, (item) => (isHash(item) ? item : undefined));

const note: Codec<Contents["note"]> = {
  encode: ({ epoch, seq, sightings }) =>
    [epoch, seq, sightings.map(({ pseudonym, fromS, toS }) => [pseudonym, fromS, toS])],
  decode: (rest) => {
    const [epoch, seq, list] = rest;
    const sightings = listOf(list, MOST_SIGHTINGS, sighting);
    if (rest.length !== 3 || !isUint(epoch) || !isUint(seq) || sightings === undefined) return undefined;
    return { epoch, seq, sightings };
  },
};

function sighting(item: CborValue): Sighting | undefined {
  if (!Array.isArray(item) || item.length !== 3) return undefined;
  const [pseudonym, fromS, toS] = item as CborValue[];
  if (!isBytes(pseudonym, PSEUDONYM_BYTES) || !isUint(fromS) || !isUint(toS)) return undefined;
  return { pseudonym, fromS, toS };
}

const proposal: Codec<ProposalContent> = {
  encode: ({ epoch, keyIndex, onset, items }) =>
    [epoch, keyIndex, onset, items.map(({ index, newer, older }) => [index, newer, older])],
  decode: (rest) => {
    const [epoch, keyIndex, onset, list] = rest;
    const items = listByIndex(list, ([index, newer, older, ...more]) =>
      isIndex(index) && isHash(newer) && isHash(older) && more.length === 0 ? { index, newer, older } : undefined);
    if (rest.length !== 4 || !isUint(epoch) || !isUint(keyIndex) || !isUint(onset)) return undefined;
    return items && { epoch, keyIndex, onset, items };
  },
};

const vote: Codec<VoteContent> = {
  encode: ({ epoch, proposal: hash }) => [epoch, hash],
  decode: (rest) => {
    const [epoch, hash] = rest;
    return rest.length === 2 && isUint(epoch) && isHash(hash) ? { epoch, proposal: hash } : undefined;
  },
};

const certificate: Codec<CertificateContent> = {
  encode: ({ epoch, proposal: whole, votes }) =>
    [epoch, whole, votes.map(({ index, signature }) => [index, signature])],
  decode: (rest) => {
    const [epoch, whole, list] = rest;
    const votes = listByIndex(list, ([index, signature, ...more]) =>
      isIndex(index) && isBytes(signature, SIGNATURE_BYTES) && more.length === 0 ? { index, signature } : undefined);
    if (rest.length !== 3 || !isUint(epoch) || !(whole instanceof Uint8Array)) return undefined;
    return votes && { epoch, proposal: whole, votes };
  },
};

const digest: Codec<DigestContent> = {
  encode: ({ epoch, newest, certificates, guilty }) =>
    [epoch, newest.map((one) => [one.index, one.epoch, one.hash]), certificates, guilty],
  decode: (rest) => {
    const [epoch, list, held, indexes] = rest;
    const newest = listByIndex(list, ([index, at, hash, ...more]) =>
      isIndex(index) && isUint(at) && isHash(hash) && more.length === 0 ? { index, epoch: at, hash } : undefined);
    const certificates = hashes(held, MOST_CERTIFICATES);
    const guilty = listOf(indexes, MOST_MEMBERS, (item) => (isIndex(item) ? item : undefined));
    const rises = guilty?.every((index, place) => place === 0 || index > guilty[place - 1]!);
    if (rest.length !== 4 || !isUint(epoch) || newest === undefined || rises !== true) return undefined;
    return certificates && guilty && { epoch, newest, certificates, guilty };
  },
};

const request: Codec<Contents["request"]> = {
  encode: ({ epoch, hashes: wanted }) => [epoch, wanted],
  decode: (rest) => {
    const [epoch, list] = rest;
    const wanted = hashes(list, MOST_REQUESTED);
    return rest.length === 2 && isUint(epoch) && wanted !== undefined ? { epoch, hashes: wanted } : undefined;
  },
};

const proof: Codec<Contents["proof"]> = {
  encode: ({ first, second }) => [first, second],
  decode: (rest) => {
    const [first, second] = rest;
    const isPair = rest.length === 2 && first instanceof Uint8Array && second instanceof Uint8Array;
    return isPair ? { first, second } : undefined;
  },
};

const checkpoint: Codec<Contents["checkpoint"]> = {
  encode: ({ epoch, note: text, proof: path, oldSize }) => [epoch, text, path, oldSize],
  decode: (rest) => {
    const [epoch, text, list, oldSize] = rest;
    const path = hashes(list, MOST_PROOF_HASHES);
    if (rest.length !== 4 || !isUint(epoch) || typeof text !== "string" || !isUint(oldSize)) return undefined;
    return path && { epoch, note: text, proof: path, oldSize };
  },
};

const cosignature: Codec<Contents["cosignature"]> = {
  encode: ({ epoch, log, note: text }) => [epoch, log, text],
  decode: (rest) => {
    const [epoch, log, text] = rest;
    if (rest.length !== 3 || !isUint(epoch) || typeof log !== "string" || typeof text !== "string") return undefined;
    return isStationId(log) ? { epoch, log, note: text } : undefined;
  },
};

const attestation: Codec<Contents["attestation"]> = {
  encode: ({ epoch, keyIndex, level }) => [epoch, keyIndex, level],
  decode: (rest) => {
    const [epoch, keyIndex, level] = rest;
    if (rest.length !== 3 || !isUint(epoch) || !isUint(keyIndex) || !isUint(level)) return undefined;
    return { epoch, keyIndex, level };
  },
};

const summary: Codec<Contents["summary"]> = {
  encode: ({ epoch, keyIndex, level, attested }) =>
    [epoch, keyIndex, level, attested.map((one) => [one.index, one.epoch, one.level, one.signature])],
  decode: (rest) => {
    const [epoch, keyIndex, level, list] = rest;
    const attested = listByIndex(list, ([index, at, claimed, signature, ...more]) =>
      isIndex(index) && isUint(at) && isUint(claimed) && isBytes(signature, SIGNATURE_BYTES) && more.length === 0
        ? { index, epoch: at, level: claimed, signature } : undefined);
    if (rest.length !== 4 || !isUint(epoch) || !isUint(keyIndex) || !isUint(level)) return undefined;
    return attested && { epoch, keyIndex, level, attested };
  },
};

const roster: Codec<Contents["roster"]> = {
  encode: ({ epoch, held, asked }) => [
    epoch, held.map(({ version, hash }) => [version, hash]),
    asked === undefined ? [] : [asked.of, asked.hash, asked.place],
  ],
  decode: (rest) => {
    const [epoch, list, wanted] = rest;
    const held = listOf(list, MOST_ROSTERS, namedRoster);
    if (rest.length !== 3 || !isUint(epoch) || held === undefined || !Array.isArray(wanted)) return undefined;
    if (wanted.length === 0) return { epoch, held, asked: undefined };
    const asked = askedPart(wanted as CborValue[], MOST_PARTS);
    return asked && { epoch, held, asked };
  },
};

function askedPart([of, hash, place, ...more]: readonly CborValue[], most: number): AskedPart | undefined {
  if (typeof of !== "string" || !isStationId(of) || !isHash(hash) || !isUint(place) || more.length > 0) {
    return undefined;
  }
  return place < most ? { of, hash, place } : undefined;
}

function namedRoster(item: CborValue): NamedRoster | undefined {
  if (!Array.isArray(item) || item.length !== 2) return undefined;
  const [version, hash] = item as CborValue[];
  return isUint(version) && isHash(hash) ? { version, hash } : undefined;
}

/** All pieces of a file but the last are whole. */
function isWholePiece(place: number, of: number, bytes: Uint8Array): boolean {
  return place === of - 1 ? bytes.length > 0 && bytes.length <= PART_BYTES : bytes.length === PART_BYTES;
}

const part: Codec<Contents["part"]> = {
  encode: ({ epoch, hash, place, of, bytes }) => [epoch, hash, place, of, bytes],
  decode: (rest) => {
    const [epoch, hash, place, of, bytes] = rest;
    if (rest.length !== 5 || !isUint(epoch) || !isHash(hash) || !isUint(place) || !isUint(of)) return undefined;
    if (!(bytes instanceof Uint8Array) || of > MOST_PARTS || place >= of) return undefined;
    return isWholePiece(place, of, bytes) ? { epoch, hash, place, of, bytes } : undefined;
  },
};

const NO_HASH = new Uint8Array(0);

const release: Codec<Contents["release"]> = {
  encode: ({ epoch, offered, ill }) => [epoch, offered?.sequence ?? 0, offered?.hash ?? NO_HASH, ill],
  decode: (rest) => {
    const [epoch, sequence, hash, list] = rest;
    const ill = hashes(list, MOST_ILL);
    if (rest.length !== 4 || !isUint(epoch) || !isUint(sequence) || ill === undefined) return undefined;
    if (sequence === 0) return isBytes(hash, 0) ? { epoch, offered: undefined, ill } : undefined;
    return isHash(hash) ? { epoch, offered: { sequence, hash }, ill } : undefined;
  },
};

const fetch: Codec<Contents["fetch"]> = {
  encode: ({ epoch, asked: { of, hash, place } }) => [epoch, of, hash, place],
  decode: ([epoch, ...wanted]) => {
    const asked = askedPart(wanted, MOST_PIECES);
    return isUint(epoch) && asked !== undefined ? { epoch, asked } : undefined;
  },
};

const piece: Codec<Contents["piece"]> = {
  encode: ({ epoch, place, of, hash, bytes }) => [epoch, place, of, hash, bytes],
  decode: (rest) => {
    const [epoch, place, of, hash, bytes] = rest;
    if (rest.length !== 5 || !isUint(epoch) || !isHash(hash) || !isUint(place) || !isUint(of)) return undefined;
    if (!(bytes instanceof Uint8Array) || of > MOST_PIECES || place >= of) return undefined;
    return isWholePiece(place, of, bytes) ? { epoch, hash, place, of, bytes } : undefined;
  },
};

export const CONTENTS: { readonly [K in Exclude<keyof Contents, "statement">]: Codec<Contents[K]> } = {
  note, proposal, vote, certificate, digest, request, proof, checkpoint, cosignature, attestation, summary,
  roster, part, release, fetch, piece,
};
