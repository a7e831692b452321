/**
 * A release: what operators sign so that agents may become it. The four properties are those of The Update Framework
 * (TUF specification 1.0.33, section 1.5.2): a threshold of signers, an end after which it is not installed any more, a
 * number that only grows, and one list for all of its files, so that none of another release can be mixed in.
 * Signed bytes: CBOR `[1, sequence, name, issued, expires, [[after, percent], ...], [[file, bytes, SHA-256], ...]]`.
 */
import { type CborValue, decodeCbor, encodeCbor } from "../../gossip/cbor.ts";
import type { Operators } from "../../gossip/roster.ts";
import { verifySignedFile } from "../../gossip/signed-file.ts";
import type { Crypto } from "../../models/crypto.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import { shown } from "../plain-text.ts";

const FORMAT = 1;
/** Manifest with its signatures: it is read whole before anybody is believed. */
export const MAX_MANIFEST_BYTES = 64 * 1024;
const MAX_FILES = 64;
const MAX_STAGES = 16;
/** A program is a third of a megabyte; nothing near this is read into memory of a board. */
export const MAX_PROGRAM_BYTES = 16 * 1024 * 1024;
/** CBOR of the strict subset has no larger number; as seconds, the year 2106. */
const MAX_NUMBER = 2 ** 32 - 1;
/** The file that an agent becomes. */
export const PROGRAM_FILE = "kerbwatch.cjs";
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}$/;
const RELEASE_NAME = /^[0-9A-Za-z][0-9A-Za-z.+~-]{0,63}$/;

export interface ReleaseFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: Uint8Array;
}

/** From `afterS` seconds after its issue on, so many of a hundred stations may have it. */
export interface Stage {
  readonly afterS: number;
  readonly percent: number;
}

export interface Release {
  /** Grows with each release; what it is compared by. */
  readonly sequence: number;
  /** For people: `0.2.0`. */
  readonly name: string;
  /** Unix seconds. */
  readonly issuedS: number;
  readonly expiresS: number;
  /** Both grow; none: all at once. */
  readonly stages: readonly Stage[];
  readonly files: readonly ReleaseFile[];
}

export interface VerifiedRelease {
  readonly release: Release;
  /** Its name among machines: SHA-256 of the signed bytes. */
  readonly hash: Uint8Array;
  readonly signedBy: readonly Uint8Array[];
}

export function encodeRelease({ sequence, name, issuedS, expiresS, stages, files }: Release): Uint8Array {
  return encodeCbor([
    FORMAT, sequence, name, issuedS, expiresS, stages.map(({ afterS, percent }) => [afterS, percent]),
    files.map((file) => [file.name, file.bytes, file.sha256]),
  ]);
}

const whole = (value: CborValue | undefined, from: number, to: number): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= from && value <= to;

const matches = (value: CborValue | undefined, rule: RegExp): value is string =>
  typeof value === "string" && rule.test(value);

function listOf<T>(
  value: CborValue | undefined, most: number, item: (parts: readonly CborValue[]) => T | undefined,
): T[] | undefined {
  if (!Array.isArray(value) || value.length > most) return undefined;
  const items = (value as readonly CborValue[]).map((one) => (Array.isArray(one) ? item(one) : undefined));
  return items.every((one) => one !== undefined) ? items : undefined;
}

function stageOf([afterS, percent, more]: readonly CborValue[]): Stage | undefined {
  const good = whole(afterS, 0, MAX_NUMBER) && whole(percent, 0, 100) && more === undefined;
  return good ? { afterS, percent } : undefined;
}

function fileOf([name, bytes, sha256, more]: readonly CborValue[]): ReleaseFile | undefined {
  const good = matches(name, FILE_NAME) && whole(bytes, 1, MAX_NUMBER) && sha256 instanceof Uint8Array
    && sha256.length === 32 && more === undefined;
  return good ? { name, bytes, sha256 } : undefined;
}

/** What is wrong with the lists as a whole. */
function listProblem(stages: readonly Stage[], files: readonly ReleaseFile[]): string | undefined {
  const falls = stages.findIndex((stage, i) =>
    i > 0 && (stage.afterS <= stages[i - 1]!.afterS || stage.percent < stages[i - 1]!.percent));
  if (falls >= 0) return `stages[${falls}]: found an earlier or smaller one; allowed: each later, and no smaller`;
  const twice = files.findIndex((file, i) => files.findIndex(({ name }) => name === file.name) < i);
  if (twice >= 0) return `files[${twice}]: found ${files[twice]!.name} again; allowed: each name once`;
  const program = files.find(({ name }) => name === PROGRAM_FILE);
  if (program === undefined) return `files: found no ${PROGRAM_FILE}; allowed: lists that have it`;
  return program.bytes <= MAX_PROGRAM_BYTES ? undefined
    : `${PROGRAM_FILE}: found ${program.bytes} bytes; allowed: at most ${MAX_PROGRAM_BYTES}`;
}

/** Strict. Never throws. */
export function decodeRelease(bytes: Uint8Array): Result<Release> {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) return problem(`release: ${decoded.problem}`);
  if (!Array.isArray(decoded.value) || decoded.value.length !== 7) return problem("release: found no list of 7");
  const [format, sequence, name, issuedS, expiresS, ...lists] = decoded.value as readonly CborValue[];
  if (format !== FORMAT) return problem(`release: found format ${shown(format)}; allowed: ${FORMAT}`);
  if (!whole(sequence, 1, MAX_NUMBER)) {
    return problem(`sequence: found ${shown(sequence)}; allowed: 1 to ${MAX_NUMBER}`);
  }
  if (!matches(name, RELEASE_NAME)) {
    return problem(`name: found ${shown(name)}; allowed: 1 to 64 of 0-9 A-Z a-z . + ~ -`);
  }
  if (!whole(issuedS, 0, MAX_NUMBER) || !whole(expiresS, issuedS, MAX_NUMBER)) {
    return problem("issued, expires: found no two times in this order; allowed: unix seconds");
  }
  const stages = listOf(lists[0], MAX_STAGES, stageOf);
  if (stages === undefined) return problem(`stages: found no list of at most ${MAX_STAGES} pairs`);
  const files = listOf(lists[1], MAX_FILES, fileOf);
  if (files === undefined) return problem(`files: found no list of at most ${MAX_FILES} names, sizes and hashes`);
  const wrong = listProblem(stages, files);
  return wrong === undefined ? ok({ sequence, name, issuedS, expiresS, stages, files }) : problem(wrong);
}

/** TUF 5.3.4 and 5.4.3: signatures of a threshold of the operators first, then what it says. Never throws. */
export function verifyRelease(crypto: Crypto, file: Uint8Array, operators: Operators): Result<VerifiedRelease> {
  const verified = verifySignedFile("release", crypto, file, operators, MAX_MANIFEST_BYTES);
  if (!verified.ok) return verified;
  const release = decodeRelease(verified.value.bytes);
  return release.ok ? ok({ ...verified.value, release: release.value }) : release;
}

/** Why a release is not to be installed; undefined when it may be. `newest`: the highest sequence that ever was. */
export function refusal(release: Release, newest: number, nowS: number): string | undefined {
  // TUF 5.4.4.1, rollback attack: also what was installed and taken back is not installed again.
  if (release.sequence <= newest) {
    return `sequence: found ${release.sequence}; allowed: more than ${newest}, which was here already`;
  }
  // TUF 5.4.5, freeze attack.
  if (nowS >= release.expiresS) return `expires: it did so ${Math.ceil((nowS - release.expiresS) / 3600)} h ago`;
  if (nowS < release.issuedS - 86_400) return "issued: on a later day than this board's clock says; set the clock";
  return undefined;
}

/** Whether this station is among those that may have it now: each station has a place of its own in each release. */
export function isItsTurn(
  crypto: Crypto, { release, hash }: Pick<VerifiedRelease, "release" | "hash">, station: string, nowS: number,
): boolean {
  const stage = release.stages.filter(({ afterS }) => release.issuedS + afterS <= nowS).at(-1);
  const percent = release.stages.length === 0 ? 100 : stage?.percent ?? 0;
  return placeOf(crypto, hash, station) < percent;
}

/** 0 to 99: SHA-256(release || station), its first four bytes, modulo 100. */
export function placeOf(crypto: Crypto, hash: Uint8Array, station: string): number {
  const digest = crypto.sha256(hash, new TextEncoder().encode(station));
  return new DataView(digest.buffer, digest.byteOffset, 4).getUint32(0) % 100;
}
