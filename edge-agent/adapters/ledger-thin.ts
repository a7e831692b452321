/** Thins old segments on the disk (record/thin.ts), so that a log keeps its proofs and not its size. */
import { rmSync, statSync } from "node:fs";
import type { Crypto } from "../../models/crypto.ts";
import { recover } from "../record/segment.ts";
import { thin, whatStays } from "../record/thin.ts";
import { readBounded, replaceFile, syncFolder } from "./durable-file.ts";
import {
  checkpointPath, claimedSize, cosignedPath, logFolder, MAX_SEGMENT_BYTES, readNote, segmentFiles, segmentPath,
  thinPath,
} from "./ledger-read.ts";

/** Bytes of all segments, and the numbers of those that are whole. Throws the system's error. */
export function sizesIn(stateDir: string): { readonly bytes: number; readonly whole: readonly number[] } {
  const files = segmentFiles(stateDir);
  const bytes = files.reduce((sum, { number, isThin }) =>
    sum + statSync(isThin ? thinPath(stateDir, number) : segmentPath(stateDir, number)).size, 0);
  return { bytes, whole: files.filter(({ isThin }) => !isThin).map(({ number }) => number) };
}

/**
 * Puts a thinned segment in the place of a whole one; the bytes that it saved, 0 when it is not as it should be: damage
 * is left as it is. At no moment is neither of the two there. Throws the system's error.
 * @param boundaries further sizes from which growth must stay provable, beside those of the stored notes
 */
export function thinSegment(stateDir: string, crypto: Crypto, number: number, boundaries: Set<number>): number {
  const path = segmentPath(stateDir, number);
  const bytes = readBounded(path, MAX_SEGMENT_BYTES);
  const found = bytes && recover(crypto, bytes);
  if (found?.firstIndex === undefined || found.damage !== undefined || found.tornBytes > 0) return 0;
  for (const note of [checkpointPath(stateDir), cosignedPath(stateDir)]) {
    const size = claimedSize(readNote(note, crypto));
    if (size !== undefined) boundaries.add(size);
  }
  const thinned = thin(crypto, found.firstIndex, found.entries, whatStays(found.entries), boundaries);
  replaceFile(thinPath(stateDir, number), thinned);
  rmSync(path);
  syncFolder(logFolder(stateDir));
  return bytes!.length - thinned.length;
}
