/**
 * The log on the board's own flash: segments that only grow, and the newest checkpoint beside them. Room is laid out
 * before it is written on, so that a write is durable with the blocks that it takes, and what the file system notes of
 * its own can wait (gossip/SCALE.md).
 */
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Crypto } from "../../models/crypto.ts";
import type { LedgerStore } from "../ports.ts";
import { decodeEntry } from "../record/entry.ts";
import type { Entry } from "../record/entry.ts";
import type { Frontier } from "../record/merkle.ts";
import type { RecoveredLog } from "../record/record.ts";
import { encodeBatch, encodeHeader } from "../record/segment.ts";
import type { Subtree } from "../record/thin.ts";
import { errorCode, syncFolder } from "./durable-file.ts";
import {
  MAX_BATCH_BYTES, SEGMENT_BYTES, checkpointPath, cosignedPath, logFolder, readLog, segmentPath, slotsPath,
} from "./ledger-read.ts";
import type { LogFound } from "./ledger-read.ts";
import { sizesIn, thinSegment } from "./ledger-thin.ts";
import { LockHeldError, takeLock } from "./lock-file.ts";
import type { Lock } from "./lock-file.ts";
import { SlotFile, type Write, writeAll, writeHere } from "./slot-file.ts";

/** Why the log cannot be opened or written. */
export type LedgerFailure = "full" | "unwritable" | "locked" | "damaged" | "closed" | "failed";

export class LedgerError extends Error {
  override readonly name = "LedgerError";
  readonly failure: LedgerFailure;

  constructor(failure: LedgerFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}

const FAILURES: Readonly<Record<string, LedgerFailure>> = {
  ENOSPC: "full", EDQUOT: "full", EFBIG: "full",
  EACCES: "unwritable", EPERM: "unwritable", EROFS: "unwritable", ENOTDIR: "unwritable", EEXIST: "unwritable",
  ERR_ACCESS_DENIED: "unwritable",
};

function ledgerError(error: unknown, stateDir: string): LedgerError {
  if (error instanceof LedgerError) return error;
  if (error instanceof LockHeldError) {
    return new LedgerError("locked", `${stateDir} is in use by another agent (process ${error.pid})`);
  }
  const failure = FAILURES[errorCode(error)] ?? "failed";
  return new LedgerError(failure, `the log in ${stateDir} cannot be written: ${(error as Error).message}`);
}

/** Segments that are thinned when a new one begins: two for each new one, so that a lower bound is reached. */
const THINNED_AT_ONCE = 2;

/** Room that is laid out at once: less asks the journal more often (some six blocks a stretch), more takes longer. */
export const LAID_OUT_BYTES = 256 * 1024;

export interface LedgerOptions {
  /** Replaces the system call in tests of failed writes. */
  readonly write?: Write;
  /** Sees every entry that is on disk, in order; undecodable ones are passed over. */
  readonly onEntry?: (entry: Entry, index: number) => void;
  /** Sees every leaf, and the tree before it. */
  readonly onLeaf?: (leaf: Uint8Array, before: Frontier) => void;
  /** Sees the subtrees of which the leaves are gone. */
  readonly onGone?: (gone: Subtree, before: Frontier) => void;
  /** From this size on the oldest segments are thinned; absent: never. */
  readonly mostBytes?: number;
  /** Sizes of the log from which its growth must stay provable. */
  readonly boundaries?: () => Iterable<number>;
}

/** What the log's files take. */
export interface LogRoom {
  readonly bytes: number;
  readonly mostBytes: number | undefined;
  /** Nothing is left that could be thinned. */
  readonly isThin: boolean;
}

export interface OpenedLedger {
  readonly store: LedgerStore & { room(): LogRoom };
  readonly recovered: RecoveredLog;
}

/** An append begins where the last good one ended, whatever happened in between. */
class LedgerFile implements LedgerStore {
  readonly #stateDir: string;
  readonly #crypto: Crypto;
  readonly #write: Write;
  readonly #lock: Lock;
  readonly #damage: string | undefined;
  readonly #mostBytes: number | undefined;
  readonly #boundaries: () => Iterable<number>;
  #segment: number;
  /** Good bytes of the segment. */
  #bytes: number;
  /** Of the segment's file, as far as it is surely there: zeros behind the good ones. */
  #laidOut: number;
  #size: number;
  #fd: number | undefined;
  /** A failed write may have left a part of its batch behind. */
  #mustCut = false;
  #closed = false;
  readonly #checkpoint: SlotFile;
  readonly #cosigned: SlotFile;

  constructor(
    stateDir: string, crypto: Crypto, { write = writeHere, mostBytes, boundaries = () => [] }: LedgerOptions,
    lock: Lock, found: LogFound,
  ) {
    this.#stateDir = stateDir;
    this.#crypto = crypto;
    this.#write = write;
    this.#mostBytes = mostBytes;
    this.#boundaries = boundaries;
    this.#lock = lock;
    this.#damage = found.damage;
    this.#segment = found.end.segment;
    this.#bytes = found.end.goodBytes;
    this.#laidOut = found.tornBytes > 0 ? this.#bytes : found.end.fileBytes;
    this.#checkpoint = new SlotFile(slotsPath(checkpointPath(stateDir)), crypto, { write });
    this.#cosigned = new SlotFile(slotsPath(cosignedPath(stateDir)), crypto, { write });
    this.#size = found.frontier.size;
  }

  append(entries: readonly Uint8Array[]): void {
    if (this.#closed) throw new LedgerError("closed", "the log is closed");
    if (this.#damage !== undefined) throw new LedgerError("damaged", `the log is damaged: ${this.#damage}`);
    if (entries.length === 0) return;
    const batch = encodeBatch(this.#crypto, entries);
    if (batch.length > MAX_BATCH_BYTES) throw new RangeError(`a batch of ${batch.length} bytes`);
    try {
      this.#appendBatch(batch);
    } catch (error) {
      throw ledgerError(error, this.#stateDir);
    }
    this.#size += entries.length;
  }

  writeCheckpoint(note: string): void {
    this.#replace(this.#checkpoint, note);
  }

  writeCosigned(note: string): void {
    this.#replace(this.#cosigned, note);
  }

  /** What the log takes on the disk. Throws the system's error. */
  room(): LogRoom {
    const { bytes, whole } = sizesIn(this.#stateDir);
    return { bytes, mostBytes: this.#mostBytes, isThin: whole.every((number) => !this.#mayThin(number)) };
  }

  /** The segment before the one that is written may hold what a restart goes on from. */
  #mayThin(number: number): boolean {
    return number < this.#segment - 1;
  }

  /** Thins the oldest segments until the log is below its bound, a few at a time: it takes some 50 ms each. */
  #makeRoom(): void {
    if (this.#mostBytes === undefined) return;
    const { bytes, whole } = sizesIn(this.#stateDir);
    let over = bytes - this.#mostBytes;
    for (const number of whole.filter((one) => this.#mayThin(one)).slice(0, THINNED_AT_ONCE)) {
      if (over > 0) over -= thinSegment(this.#stateDir, this.#crypto, number, new Set(this.#boundaries()));
    }
  }

  #replace(file: SlotFile, note: string): void {
    if (this.#closed) throw new LedgerError("closed", "the log is closed");
    try {
      file.replace(note);
    } catch (error) {
      throw ledgerError(error, this.#stateDir);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeFile();
    this.#lock.release();
  }

  /** Without what is laid out and was not needed, if that can be cut: an older release takes it for a torn write. */
  #closeFile(): void {
    if (this.#fd === undefined) return;
    if (this.#laidOut > this.#bytes) this.#tryToCut(this.#fd);
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #appendBatch(batch: Uint8Array): void {
    if (this.#bytes >= SEGMENT_BYTES) {
      this.#closeFile();
      this.#segment += 1;
      this.#bytes = this.#laidOut = 0;
      this.#makeRoom();
    }
    const { O_RDWR, O_CREAT, O_DSYNC } = constants;
    this.#fd ??= openSync(segmentPath(this.#stateDir, this.#segment), O_RDWR | O_CREAT | O_DSYNC, 0o600);
    if (this.#mustCut) this.#cut(this.#fd);
    // The header goes with the first batch: a segment without entries can then only be a torn one.
    const isNew = this.#bytes === 0;
    const bytes = isNew ? Buffer.concat([encodeHeader(this.#crypto, this.#size), batch]) : batch;
    this.#layOut(this.#fd, this.#bytes + bytes.length);
    this.#mustCut = true;
    try {
      writeAll(this.#write, this.#fd, bytes, this.#bytes);
      if (isNew) syncFolder(logFolder(this.#stateDir));
    } catch (error) {
      this.#tryToCut(this.#fd);
      throw error;
    }
    this.#mustCut = false;
    this.#bytes += bytes.length;
  }

  /** Zeros where the log will go on, in good time. They must be written: mere room is noted block by block again. */
  #layOut(fd: number, end: number): void {
    const from = Math.max(this.#laidOut, this.#bytes);
    const until = Math.min(Math.ceil(end / LAID_OUT_BYTES) * LAID_OUT_BYTES, SEGMENT_BYTES);
    if (end <= from || until <= from) return;
    try {
      writeAll(this.#write, fd, new Uint8Array(until - from), from);
      this.#laidOut = until;
    } catch {
      // A full disk may still have room for the entries themselves; if not, their own write says so.
    }
  }

  /** Removes whatever a failed write left behind the last good batch. */
  #cut(fd: number): void {
    ftruncateSync(fd, this.#bytes);
    this.#laidOut = this.#bytes;
    this.#mustCut = false;
  }

  #tryToCut(fd: number): void {
    try {
      this.#cut(fd);
    } catch {
      // The next append tries again before it writes; after a restart, recovery does.
    }
  }
}

/**
 * Opens the log below `stateDir` (created when absent), cuts a torn tail off, and says what was found. Throws
 * LedgerError: `locked` when another agent uses it, `unwritable`, `full` or `failed`. A damaged log opens, and refuses
 * every append.
 */
export function openLedger(stateDir: string, crypto: Crypto, options: LedgerOptions = {}): OpenedLedger {
  let lock: Lock | undefined;
  try {
    const created = mkdirSync(logFolder(stateDir), { recursive: true, mode: 0o700 });
    if (created !== undefined) [stateDir, dirname(stateDir)].forEach(syncFolder);
    lock = takeLock(join(stateDir, "lock"));
    const found = readLog(stateDir, crypto, ({ entry, leafHash }, index, before) => {
      options.onLeaf?.(leafHash, before);
      const decoded = options.onEntry === undefined ? undefined : decodeEntry(entry);
      if (decoded?.ok) options.onEntry?.(decoded.value, index);
    }, (gone, _index, before) => options.onGone?.(gone, before));
    if (found.tornBytes > 0 && found.damage === undefined) {
      truncateSync(segmentPath(stateDir, found.end.segment), found.end.goodBytes);
    }
    const store = new LedgerFile(stateDir, crypto, options, lock, found);
    return { store, recovered: found };
  } catch (error) {
    lock?.release();
    throw ledgerError(error, stateDir);
  }
}
