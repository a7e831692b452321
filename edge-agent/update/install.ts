/**
 * Releases on this board: how they are put there, chosen at a start and cleared away, over a port to the file system.
 * Whatever moment the power goes at, the next start finds the old release or the new one, whole (install.crash.test.ts
 * goes through every moment).
 */
import { fromHex, hex, sameBytes } from "../../gossip/bytes.ts";
import type { Operators } from "../../gossip/roster.ts";
import type { Crypto } from "../../models/crypto.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import { PROGRAM_FILE, type ReleaseFile, type VerifiedRelease, verifyRelease } from "./manifest.ts";
import {
  decodePointer, encodePointer, nextStart, NO_RELEASES, type Pointer, refOf, type ReleaseRef, wanted, withTrial,
} from "./pointer.ts";

/** The folder of releases. Names are of this file's making: a hash and an ending. */
export interface ReleaseFolder {
  /** Undefined for what is not there. */
  read(name: string): Uint8Array | undefined;
  /** Makes or replaces a file; nothing of it is durable before `sync`, and a power cut may leave any part. */
  write(name: string, bytes: Uint8Array): void;
  /** Makes a file's content durable. */
  sync(name: string): void;
  /** One or the other afterwards, never neither; durable after `syncFolder`. */
  rename(from: string, to: string): void;
  /** Makes names durable. */
  syncFolder(): void;
  remove(name: string): void;
  list(): readonly string[];
}

const POINTER = "pointer.json";
const ASIDE = ".aside";
export const manifestOf = (hash: string): string => `${hash}.release`;
export const programOf = (hash: string): string => `${hash}.cjs`;

/** Whole or not at all. */
export function put(folder: ReleaseFolder, name: string, bytes: Uint8Array): void {
  folder.write(name + ASIDE, bytes);
  folder.sync(name + ASIDE);
  folder.rename(name + ASIDE, name);
  folder.syncFolder();
}

/** What the folder says. What cannot be read counts as none, but for a note: the program given by hand then runs. */
export function readPointer(folder: ReleaseFolder): Pointer {
  const bytes = folder.read(POINTER);
  if (bytes === undefined) return NO_RELEASES;
  return decodePointer(new TextDecoder().decode(bytes))
    ?? { ...NO_RELEASES, steps: ["update: the pointer to the release was damaged: the program given by hand runs"] };
}

export function writePointer(folder: ReleaseFolder, pointer: Pointer): void {
  put(folder, POINTER, new TextEncoder().encode(encodePointer(pointer)));
}

/** The program's line in the list. A release without it does not verify. */
export const programIn = ({ release }: VerifiedRelease): ReleaseFile =>
  release.files.find(({ name }) => name === PROGRAM_FILE)!;

export function fileProblem(
  crypto: Crypto, { name, bytes, sha256 }: ReleaseFile, found: Uint8Array,
): string | undefined {
  if (found.length !== bytes) return `${name}: found ${found.length} bytes; allowed: ${bytes}, as the release says`;
  return sameBytes(crypto.sha256(found), sha256) ? undefined
    : `${name}: found a file with another hash; allowed: the one that the release names`;
}

export interface Incoming {
  /** Its file with the signatures, as it came. */
  readonly manifest: Uint8Array;
  readonly verified: VerifiedRelease;
  readonly program: Uint8Array;
  /** Names of the operators that signed it. */
  readonly signedBy: readonly string[];
  readonly fromNeighbours?: true;
}

/** Installs a release for a trial: its files first, the pointer last. The one before stays until it is kept. */
export function install(folder: ReleaseFolder, crypto: Crypto, incoming: Incoming): Result<ReleaseRef> {
  const wrong = fileProblem(crypto, programIn(incoming.verified), incoming.program);
  if (wrong !== undefined) return problem(wrong);
  const release = refOf(incoming.verified.release, hex(incoming.verified.hash));
  put(folder, programOf(release.hash), incoming.program);
  put(folder, manifestOf(release.hash), incoming.manifest);
  writePointer(folder, withTrial(
    readPointer(folder), release, incoming.signedBy, incoming.fromNeighbours));
  clear(folder);
  return ok(release);
}

/** Takes away what no pointer names: of releases long gone, and of what was begun and ended by the power. */
export function clear(folder: ReleaseFolder): void {
  const hashes = wanted(readPointer(folder));
  for (const name of folder.list()) {
    const isWanted = name === POINTER || (!name.endsWith(ASIDE) && hashes.has(name.slice(0, name.indexOf("."))));
    if (!isWanted) folder.remove(name);
  }
}

/** Whether a release here is what its operators signed: asked at each start, since the folder is the agent's own. */
export function isWhole(
  folder: ReleaseFolder, crypto: Crypto, operators: Operators, { hash }: ReleaseRef,
): boolean {
  const manifest = folder.read(manifestOf(hash));
  const program = folder.read(programOf(hash));
  if (manifest === undefined || program === undefined) return false;
  const verified = verifyRelease(crypto, manifest, operators);
  return verified.ok && sameBytes(verified.value.hash, fromHex(hash))
    && fileProblem(crypto, programIn(verified.value), program) === undefined;
}

export interface Chosen {
  readonly release: ReleaseRef | undefined;
  readonly onTrial: boolean;
}

/** What this start runs. A trial is counted before it is started, so that one which kills the board comes to an end. */
export function choose(folder: ReleaseFolder, crypto: Crypto, operators: Operators): Chosen {
  const before = readPointer(folder);
  const { pointer, release, onTrial } = nextStart(before, (ref) => isWhole(folder, crypto, operators, ref));
  if (pointer !== before) writePointer(folder, pointer);
  return { release, onTrial };
}
