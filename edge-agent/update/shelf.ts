/**
 * What a board holds of releases for the mesh: pieces of one that is on its way here, and what it passes on. Pieces are
 * not made durable one by one: what a power cut took or spoilt of them shows when the whole is hashed.
 */
import { hex } from "../../gossip/bytes.ts";
import { MOST_PIECES, PART_BYTES } from "../../gossip/message-content.ts";
import type { Crypto } from "../../models/crypto.ts";
import { type NamedOperators, operatorName } from "../operators.ts";
import { fileProblem, manifestOf, programIn, programOf, put, type ReleaseFolder } from "./install.ts";
import { type VerifiedRelease, verifyRelease } from "./manifest.ts";
import { isRef, type Pointer, refOf, type ReleaseRef, wanted } from "./pointer.ts";

/** A folder of releases that also reads and writes parts of files. */
export interface Shelf extends ReleaseFolder {
  /** Bytes; 0 for what is not there. */
  size(name: string): number;
  /** At most so many bytes; fewer at the end of the file, none of what is not there. */
  readAt(name: string, from: number, length: number): Uint8Array;
  /** Nothing of it is durable. */
  writeAt(name: string, from: number, bytes: Uint8Array): void;
}

/** A release that neighbours have and enough operators signed; its program may be here in part. */
export interface Candidate {
  readonly ref: ReleaseRef;
  readonly verified: VerifiedRelease;
  /** Its file with the signatures. */
  readonly manifest: Uint8Array;
  /** Names of the operators. */
  readonly signedBy: readonly string[];
}

/** What `update status` tells of it. */
export interface OnItsWay {
  readonly release: ReleaseRef;
  readonly bytes: number;
  readonly bytesHere: number;
  /** What it waits for, or what is being done. */
  readonly says: string;
}

/** A release that is passed on, with the hash of its program. */
export interface Shared {
  readonly release: ReleaseRef;
  readonly program: Uint8Array;
}

const NOTE = "neighbours.json";
const piecesOf = (hash: string): string => `${hash}.pieces`;

export function candidateOf(
  crypto: Crypto, operators: NamedOperators, manifest: Uint8Array,
): Candidate | undefined {
  const verified = verifyRelease(crypto, manifest, operators);
  if (!verified.ok || programIn(verified.value).bytes > MOST_PIECES * PART_BYTES) return undefined;
  const signedBy = verified.value.signedBy.map((key) => operatorName(operators, key) ?? "an operator");
  return { ref: refOf(verified.value.release, hex(verified.value.hash)), verified: verified.value, manifest, signedBy };
}

/** Makes it the one that pieces are kept of; what was kept of another goes. */
export function keepManifest(shelf: Shelf, pointer: Pointer, { ref, manifest }: Candidate): void {
  dropOthers(shelf, pointer, ref.hash);
  put(shelf, manifestOf(ref.hash), manifest);
}

/** Takes away what is kept of releases that no pointer names, but for `hash`. */
export function dropOthers(shelf: Shelf, pointer: Pointer, hash: string | undefined): void {
  const names = wanted(pointer);
  for (const name of shelf.list()) {
    const of = /^([0-9a-f]{64})\./.exec(name)?.[1];
    const isWanted = of === undefined ? name !== NOTE : of === hash || names.has(of);
    if (!isWanted) shelf.remove(name);
  }
}

/** The release of which pieces were kept before a restart. */
export function keptCandidate(
  shelf: Shelf, pointer: Pointer, crypto: Crypto, operators: NamedOperators,
): Candidate | undefined {
  const names = wanted(pointer);
  const name = shelf.list().find((one) => one.endsWith(".release") && !names.has(one.slice(0, -".release".length)));
  const manifest = name === undefined ? undefined : shelf.read(name);
  const candidate = manifest && candidateOf(crypto, operators, manifest);
  return candidate !== undefined && name === manifestOf(candidate.ref.hash) ? candidate : undefined;
}

export const pieceCount = (bytes: number): number => Math.ceil(bytes / PART_BYTES);

/** How many pieces are here, in their order. */
export function piecesHere(shelf: Shelf, { ref, verified }: Candidate): number {
  const { bytes } = programIn(verified);
  const size = shelf.size(piecesOf(ref.hash));
  return size >= bytes ? pieceCount(bytes) : Math.floor(size / PART_BYTES);
}

export function keepPiece(shelf: Shelf, { ref }: Candidate, place: number, bytes: Uint8Array): void {
  shelf.writeAt(piecesOf(ref.hash), place * PART_BYTES, bytes);
}

/** The program, when all pieces are here and together are what the operators signed; otherwise they go. */
export function wholeProgram(shelf: Shelf, crypto: Crypto, { ref, verified }: Candidate): Uint8Array | undefined {
  const program = shelf.read(piecesOf(ref.hash));
  if (program !== undefined && fileProblem(crypto, programIn(verified), program) === undefined) return program;
  shelf.remove(piecesOf(ref.hash));
  return undefined;
}

/** What of a file that neighbours may have is here: the manifest by its name, the program by its hash. */
export function sharedFile({ release, program }: Shared, hash: string): string | undefined {
  if (hash === release.hash) return manifestOf(hash);
  return hash === hex(program) ? programOf(release.hash) : undefined;
}

/** Undefined where its files are not here, as of a release that was cleared away. */
export function sharedOf(
  shelf: Shelf, crypto: Crypto, operators: NamedOperators, release: ReleaseRef,
): Shared | undefined {
  const manifest = shelf.read(manifestOf(release.hash));
  const candidate = manifest && candidateOf(crypto, operators, manifest);
  if (candidate?.ref.hash !== release.hash || shelf.size(programOf(release.hash)) === 0) return undefined;
  return { release, program: programIn(candidate.verified).sha256 };
}

export function noteIncoming(shelf: Shelf, { ref, verified }: Candidate, says: string): void {
  const note = { version: 1, release: ref, bytes: programIn(verified).bytes, says };
  put(shelf, NOTE, new TextEncoder().encode(`${JSON.stringify(note)}\n`));
}

/** What `noteIncoming` wrote last, if that is still on its way. */
export function readIncoming(shelf: Shelf): OnItsWay | undefined {
  const bytes = shelf.read(NOTE);
  if (bytes === undefined) return undefined;
  try {
    const { version, ...note } = JSON.parse(new TextDecoder().decode(bytes)) as Omit<OnItsWay, "bytesHere"> &
      { readonly version: unknown };
    return version === 1 && isRef(note.release)
      ? { ...note, bytesHere: Math.min(note.bytes, shelf.size(piecesOf(note.release.hash))) } : undefined;
  } catch {
    return undefined; // damaged, and no more than a note
  }
}
