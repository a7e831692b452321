/**
 * A statement: what one agent publishes for one epoch. A CBOR array of fixed order,
 * `[version, network, zone, station, epoch, seq, previous hash, roster version, evidence[], checkpoint hash]`, signed
 * as the exact bytes that travel, under the domain "statement" (SPEC.md, sections 1 and 4). Evidence is cumulative, in
 * millinats, in the order of EVIDENCE_KEYS.
 */
import type { Crypto, Signer } from "../models/crypto.ts";
import { type Epoch, isStationId } from "../models/units.ts";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { signAs, verifyAs } from "./domain.ts";

export const STATEMENT_VERSION = 1;
/** A statement is never longer than this on the wire, bytes. */
export const MOST_STATEMENT_BYTES = 2_048;

export interface StatementBody {
  readonly network: string;
  readonly zone: string;
  readonly station: string;
  readonly epoch: Epoch;
  readonly seq: number;
  /** SHA-256 of the statement before; empty for the first. */
  readonly previous: Uint8Array;
  readonly rosterVersion: number;
  readonly evidence: readonly number[];
  /** SHA-256 of the signed checkpoint that stood when this was said; empty while there was none. */
  readonly checkpoint: Uint8Array;
}

export interface Statement {
  readonly body: StatementBody;
  /** The exact signed bytes. */
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** The list of evidence keys only grows; it will never be this long. */
const MOST_EVIDENCE = 64;
/** Evidence is held within 32 bits and a sign; a sum this large was decided long ago. */
export const MOST_MILLINATS = 2_000_000_000;

export function encodeBody(body: StatementBody): Uint8Array {
  return encodeCbor([
    STATEMENT_VERSION, body.network, body.zone, body.station, body.epoch, body.seq, body.previous, body.rosterVersion,
    withinLimit(body.evidence), body.checkpoint,
  ]);
}

function withinLimit(evidence: readonly number[]): number[] {
  return evidence.map((value) => Math.max(-MOST_MILLINATS, Math.min(MOST_MILLINATS, value)));
}

/** The body comes back as everybody else will read it: within the limit. */
export function signStatement(unbounded: StatementBody, signer: Signer): Statement {
  const body = { ...unbounded, evidence: withinLimit(unbounded.evidence) };
  const bytes = encodeBody(body);
  return { body, bytes, signature: signAs("statement", bytes, signer) };
}

/** Whether the holder of `publicKey` signed exactly these bytes as a statement. Never throws. */
export function verifyStatement(
  statement: Pick<Statement, "bytes" | "signature">, publicKey: Uint8Array, crypto: Crypto,
): boolean {
  return verifyAs("statement", statement.bytes, statement.signature, publicKey, crypto);
}

/** Reads a statement's bytes; undefined when they are not one. Never throws. */
export function decodeBody(bytes: Uint8Array): StatementBody | undefined {
  if (bytes.length > MOST_STATEMENT_BYTES) return undefined;
  const decoded = decodeCbor(bytes);
  return decoded.ok ? bodyOf(decoded.value) : undefined;
}

function bodyOf(value: CborValue): StatementBody | undefined {
  if (!Array.isArray(value) || value.length !== 10 || value[0] !== STATEMENT_VERSION) return undefined;
  const [, network, zone, station, epoch, seq, previous, rosterVersion, evidence, checkpoint] = value as unknown[];
  const texts = isId(network) && isId(zone) && isId(station);
  const counts = [epoch, seq, rosterVersion].every((count) => typeof count === "number" && count >= 0);
  const hashes = isHashOrEmpty(previous) && isHashOrEmpty(checkpoint);
  const numbers = Array.isArray(evidence) && evidence.length <= MOST_EVIDENCE &&
    evidence.every((item) => typeof item === "number" && Math.abs(item) <= MOST_MILLINATS);
  if (!texts || !counts || !hashes || !numbers) return undefined;
  return {
    network, zone, station, epoch, seq, previous, rosterVersion, evidence, checkpoint,
  } as StatementBody;
}

function isId(text: unknown): boolean {
  return typeof text === "string" && isStationId(text);
}

function isHashOrEmpty(bytes: unknown): boolean {
  return bytes instanceof Uint8Array && (bytes.length === 0 || bytes.length === 32);
}

/** The name by which a statement is chained to the next: SHA-256 of its bytes. */
export function statementHash(crypto: Crypto, bytes: Uint8Array): Uint8Array {
  return crypto.sha256(bytes);
}
