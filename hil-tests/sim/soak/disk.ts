/** What is on a simulated agent's disk. A batch of entries is there whole or not at all: adapters/ledger-file.ts. */
import { type Logged, noteEntry, nothingLogged } from "../../../edge-agent/logged.ts";
import type { Memory } from "../../../edge-agent/memory.ts";
import { decodeEntry, type Entry } from "../../../edge-agent/record/entry.ts";
import { createGrowth, grow, type Growth } from "../../../edge-agent/record/growth.ts";
import { appendLeaf, EMPTY_FRONTIER, type Frontier, leafHash, rootOf } from "../../../edge-agent/record/merkle.ts";
import type { RecoveredLog } from "../../../edge-agent/record/record.ts";
import type { KnownRoster } from "../../../gossip/roster-chain.ts";
import type { Crypto } from "../../../models/crypto.ts";

export interface Disk {
  readonly log: Uint8Array[];
  /** Every checkpoint that was ever stored, the newest last; signed notes. */
  readonly checkpoints: string[];
  cosigned: string | undefined;
  /** A `Memory` as JSON. */
  memory: string | undefined;
  roster: KnownRoster;
  /** Nothing can be written. */
  full: boolean;
}

export interface Found {
  readonly recovered: RecoveredLog;
  readonly logged: Logged;
  readonly growth: Growth;
  readonly memory: Memory | undefined;
}

export const sizeOfNote = (note: string): number => Number(note.split("\n")[1]);

/** What is in memory does not change: it is read and hashed once, however often agents start and checkers look. */
const entries = new WeakMap<Uint8Array, Entry>();
const leaves = new WeakMap<Uint8Array, Uint8Array>();

export function entryOf(bytes: Uint8Array): Entry {
  const known = entries.get(bytes);
  if (known !== undefined) return known;
  const entry = decodeEntry(bytes);
  if (!entry.ok) throw new Error(`an entry of the log: ${entry.problem}`);
  entries.set(bytes, entry.value);
  return entry.value;
}

/** The leaf's hash; `crypto` is the run's, whose SHA-256 is everybody's. */
export function leafOf(crypto: Crypto, bytes: Uint8Array): Uint8Array {
  const known = leaves.get(bytes) ?? leafHash(crypto, bytes);
  leaves.set(bytes, known);
  return known;
}

/** Reads the log as an agent does at its start. */
export function readDisk({ log, checkpoints, cosigned, memory: saved }: Disk, crypto: Crypto): Found {
  const memory = saved === undefined ? undefined : JSON.parse(saved) as Memory;
  const logged = nothingLogged(crypto);
  const growth = createGrowth(EMPTY_FRONTIER, Object.values(memory?.witnesses ?? {}));
  const checkpoint = checkpoints.at(-1);
  const signedSize = checkpoint === undefined ? -1 : sizeOfNote(checkpoint);
  let frontier: Frontier = EMPTY_FRONTIER;
  let checkpointRoot: Uint8Array | undefined;
  for (const bytes of log) {
    noteEntry(logged, entryOf(bytes));
    const leaf = leafOf(crypto, bytes);
    grow(crypto, growth, frontier, leaf);
    frontier = appendLeaf(crypto, frontier, leaf);
    if (frontier.size === signedSize) checkpointRoot = rootOf(crypto, frontier);
  }
  return {
    logged, growth, memory, recovered: {
      frontier, tornBytes: 0, ...(cosigned !== undefined && { cosigned }),
      ...(checkpoint !== undefined && { checkpoint }), ...(checkpointRoot !== undefined && { checkpointRoot }),
    },
  };
}

/** Puts the disk back to what it was when the log had so many entries. */
export function rollBack(disk: Disk, size: number): void {
  disk.log.length = Math.min(disk.log.length, size);
  while (disk.checkpoints.length > 0 && sizeOfNote(disk.checkpoints.at(-1)!) > size) disk.checkpoints.pop();
  if (disk.cosigned !== undefined && sizeOfNote(disk.cosigned) > size) disk.cosigned = undefined;
  disk.memory = undefined;
}
