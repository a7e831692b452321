/** For tests of the log's files: a folder of its own, opening and closing, and disks that fail. */
import { fstatSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WallMs } from "../../models/units.ts";
import { encodeEntry } from "../record/entry.ts";
import type { Entry } from "../record/entry.ts";
import { nodeCrypto, signerFromSeed } from "./crypto.ts";
import { LedgerError, openLedger } from "./ledger-file.ts";
import type { LedgerFailure, OpenedLedger } from "./ledger-file.ts";
import { writeHere, type Write } from "./slot-file.ts";

export const crypto = nodeCrypto();
export const signer = signerFromSeed(new Uint8Array(32).fill(1));
export const origin = "kerbwatch/CP-001";
const at = Date.UTC(2026, 2, 1) as WallMs;
export const notice = (text: string): Uint8Array => encodeEntry({ kind: "notice", at, text });

export function withFolder(body: (stateDir: string) => unknown): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "kerbwatch-log-"));
    try {
      await body(join(folder, "state"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

export function failure(body: () => unknown): LedgerFailure | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    if (error instanceof LedgerError) return error.failure;
    throw error;
  }
}

/** Opens, hands over and closes again. */
export function during<T>(stateDir: string, body: (opened: OpenedLedger) => T): T {
  const opened = openLedger(stateDir, crypto);
  try {
    return body(opened);
  } finally {
    opened.store.close();
  }
}

export const append = (stateDir: string, ...texts: string[]): void =>
  during(stateDir, ({ store }) => texts.forEach((text) => store.append([notice(text)])));

export function texts(stateDir: string): string[] {
  const seen: string[] = [];
  const onEntry = (entry: Entry): void => void seen.push(entry.kind === "notice" ? entry.text : entry.kind);
  openLedger(stateDir, crypto, { onEntry }).store.close();
  return seen;
}

/** A disk with room for so many bytes more: what lies in a file already needs none, what fits is written. */
export function smallDisk(): { write: Write; room: number } {
  const disk = {
    room: Infinity,
    write(fd: number, bytes: Uint8Array, position: number): number {
      const { size } = fstatSync(fd);
      const fits = Math.min(bytes.length, size + disk.room - position);
      if (fits <= 0) throw Object.assign(new Error("ENOSPC: no room"), { code: "ENOSPC" });
      const written = writeHere(fd, bytes.subarray(0, fits), position);
      disk.room -= Math.max(0, position + written - size);
      return written;
    },
  };
  return disk;
}

export const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
