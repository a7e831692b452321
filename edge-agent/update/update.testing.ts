/** Releases, operators and a disk that loses its power, for tests. */
import { nodeCrypto, signerFromSeed } from "../adapters/crypto.ts";
import { encodeSignedFile, signFile } from "../../gossip/signed-file.ts";
import type { Signer } from "../../models/crypto.ts";
import type { NamedOperators } from "../operators.ts";
import type { Incoming } from "./install.ts";
import { encodeRelease, PROGRAM_FILE, type Release, verifyRelease } from "./manifest.ts";
import type { Shelf } from "./shelf.ts";

export const crypto = nodeCrypto();
export const SIGNERS: readonly Signer[] = [1, 2, 3].map((byte) => signerFromSeed(new Uint8Array(32).fill(byte)));
export const OPERATORS = { threshold: 2, keys: SIGNERS.map(({ publicKey }) => publicKey) };
export const NAMED: NamedOperators = {
  ...OPERATORS, named: OPERATORS.keys.map((publicKey, i) => ({ label: `op${i}`, publicKey })),
};
export const ISSUED_S = 1_780_000_000;

export const programText = (sequence: number): Uint8Array =>
  new TextEncoder().encode(`program ${sequence}\n`.repeat(9));

export function releaseOf(sequence: number, changes: Partial<Release> = {}): Release {
  const program = programText(sequence);
  return {
    sequence, name: `0.${sequence}.0`, issuedS: ISSUED_S, expiresS: ISSUED_S + 90 * 86_400, stages: [],
    files: [{ name: PROGRAM_FILE, bytes: program.length, sha256: crypto.sha256(program) }], ...changes,
  };
}

export function signedRelease(release: Release, signers: readonly Signer[] = SIGNERS.slice(0, 2)): Uint8Array {
  const bytes = encodeRelease(release);
  return encodeSignedFile({ bytes, signatures: signers.map((signer) => signFile("release", bytes, signer)) });
}

export function incomingOf(sequence: number): Incoming {
  const manifest = signedRelease(releaseOf(sequence));
  const verified = verifyRelease(crypto, manifest, OPERATORS);
  if (!verified.ok) throw new Error(verified.problem);
  return { manifest, verified: verified.value, program: programText(sequence), signedBy: ["operator/a", "operator/b"] };
}

export interface Inode {
  content: Uint8Array;
  /** What a power cut cannot take. */
  durable: Uint8Array | undefined;
}
type Names = ReadonlyMap<string, Inode>;
export class PowerCut extends Error {}

/** A disk that loses its power before the operation number `cutAt`. */
export class Disk implements Shelf {
  names = new Map<string, Inode>();
  durableNames: Names = new Map();
  operations = 0;
  readonly cutAt: number;

  constructor(cutAt: number, from: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.cutAt = cutAt;
    for (const [name, content] of from) this.names.set(name, { content, durable: content });
    this.durableNames = new Map(this.names);
  }

  #begin(): void {
    if (this.operations === this.cutAt) throw new PowerCut();
    this.operations += 1;
  }

  read(name: string): Uint8Array | undefined {
    return this.names.get(name)?.content;
  }

  write(name: string, bytes: Uint8Array): void {
    this.#begin();
    this.names.set(name, { content: bytes, durable: undefined });
  }

  sync(name: string): void {
    this.#begin();
    const inode = this.names.get(name)!;
    inode.durable = inode.content;
  }

  rename(from: string, to: string): void {
    this.#begin();
    this.names.set(to, this.names.get(from)!);
    this.names.delete(from);
  }

  syncFolder(): void {
    this.#begin();
    this.durableNames = new Map(this.names);
  }

  remove(name: string): void {
    this.#begin();
    this.names.delete(name);
  }

  list(): string[] {
    return [...this.names.keys()];
  }

  size(name: string): number {
    return this.read(name)?.length ?? 0;
  }

  readAt(name: string, from: number, length: number): Uint8Array {
    return (this.read(name) ?? new Uint8Array(0)).slice(from, from + length);
  }

  writeAt(name: string, from: number, bytes: Uint8Array): void {
    this.#begin();
    const before = this.names.get(name);
    const content = new Uint8Array(Math.max(before?.content.length ?? 0, from + bytes.length));
    content.set(before?.content ?? []);
    content.set(bytes, from);
    if (before === undefined) this.names.set(name, { content, durable: undefined });
    else Object.assign(before, { content, durable: undefined });
  }
}

/** What may stand in a file whose content was never synced. */
function leftovers({ content, durable }: Inode): Uint8Array[] {
  if (durable !== undefined) return [durable];
  const half = content.slice(0, content.length / 2);
  const zeroTail = content.map((byte, i) => (i < content.length / 2 ? byte : 0));
  return [content, new Uint8Array(0), half, zeroTail, content.map((byte) => byte ^ 0x5a)];
}

/** Each thing that one name may hold after the power cut; `undefined`: nothing. */
function outcomes(disk: Disk, name: string): (Uint8Array | undefined)[] {
  const before = disk.durableNames.get(name);
  const after = disk.names.get(name);
  const of = (inode: Inode | undefined): (Uint8Array | undefined)[] =>
    inode === undefined ? [undefined] : leftovers(inode);
  return before === after ? of(before) : [...of(before), ...of(after)];
}

/** Every content that the disk may have after the power cut. */
export function* remains(disk: Disk): Generator<ReadonlyMap<string, Uint8Array>> {
  const names = [...new Set([...disk.durableNames.keys(), ...disk.names.keys()])];
  const all = names.map((name) => outcomes(disk, name));
  const total = all.reduce((product, { length }) => product * length, 1);
  for (let number = 0; number < total; number++) {
    let rest = number;
    const state = new Map<string, Uint8Array>();
    names.forEach((name, i) => {
      const content = all[i]![rest % all[i]!.length];
      rest = Math.floor(rest / all[i]!.length);
      if (content !== undefined) state.set(name, content);
    });
    yield state;
  }
}
