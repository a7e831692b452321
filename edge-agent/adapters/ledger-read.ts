/** Reads the log's files: for the agent when it starts, and for the commands, which need no lock. */
import { closeSync, fstatSync, openSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Crypto } from "../../models/crypto.ts";
import { parseCheckpoint } from "../record/checkpoint.ts";
import { EMPTY_FRONTIER, appendLeaf, rootOf } from "../record/merkle.ts";
import type { Frontier } from "../record/merkle.ts";
import { MAX_NOTE_CHARS, parseNote } from "../record/note.ts";
import type { RecoveredLog } from "../record/record.ts";
import { recover } from "../record/segment.ts";
import type { Recovery, StoredEntry } from "../record/segment.ts";
import { errorCode } from "./durable-file.ts";

/** A segment that has reached this size is followed by a new one. */
export const SEGMENT_BYTES = 1024 * 1024;
/** Most bytes that one batch of entries may take. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** No segment that this program wrote is larger; what is larger is not read into memory. */
const MAX_SEGMENT_BYTES = SEGMENT_BYTES + MAX_BATCH_BYTES;

export const logFolder = (stateDir: string): string => join(stateDir, "log");
export const checkpointPath = (stateDir: string): string => join(logFolder(stateDir), "checkpoint");
export const cosignedPath = (stateDir: string): string => join(logFolder(stateDir), "cosigned");
const segmentName = (number: number): string => `${String(number).padStart(8, "0")}.seg`;
export const segmentPath = (stateDir: string, number: number): string => join(logFolder(stateDir), segmentName(number));

/** The whole file, or undefined when it is larger than any that this program wrote. */
function readBounded(path: string, limit: number): Uint8Array | undefined {
  const fd = openSync(path, "r");
  try {
    return fstatSync(fd).size > limit ? undefined : readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A stored checkpoint, a signed note; undefined when there is none yet. Throws the system's error. */
function readNote(path: string): string | undefined {
  try {
    const bytes = readBounded(path, MAX_NOTE_CHARS * 3);
    return bytes === undefined ? "" : new TextDecoder().decode(bytes);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function segmentNumbers(stateDir: string): number[] {
  try {
    return readdirSync(logFolder(stateDir)).filter((name) => /^\d{8}\.seg$/.test(name)).sort().map((name) =>
      Number(name.slice(0, 8)));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Where the log ends: what the next append continues. */
export interface LogEnd {
  readonly segment: number;
  readonly goodBytes: number;
}

export interface LogFound extends RecoveredLog {
  readonly end: LogEnd;
}

/** Why a segment does not continue the ones before it; undefined when it does. */
function misfit(found: Recovery, index: number, isLast: boolean): string | undefined {
  if (found.damage !== undefined) return found.damage;
  if (!isLast && found.tornBytes > 0) return "its end is torn, and a segment follows";
  if (!isLast && found.firstIndex === undefined) return "it is empty, and a segment follows";
  if (found.firstIndex === undefined || found.firstIndex === index) return undefined;
  return `it begins with entry ${found.firstIndex}, where ${index} is due`;
}

/** What the stored checkpoint says of itself; whether it is signed is for others to judge. */
function claimedSize(checkpoint: string | undefined): number | undefined {
  const note = checkpoint === undefined ? undefined : parseNote(checkpoint);
  const parsed = note?.ok ? parseCheckpoint(note.value.text) : undefined;
  return parsed?.ok ? parsed.value.size : undefined;
}

/**
 * Reads the whole log, one segment in memory at a time, and hands over each entry with its index; copy an entry to keep
 * it. Damage ends the reading and is reported. Throws the system's error when a file cannot be read.
 */
export function readLog(
  stateDir: string, crypto: Crypto,
  visit: (stored: StoredEntry, index: number, before: Frontier) => void = () => {},
): LogFound {
  const checkpoint = readNote(checkpointPath(stateDir)); // before the entries: the log may grow meanwhile
  const cosigned = readNote(cosignedPath(stateDir));
  const claimed = [checkpoint, cosigned].map(claimedSize);
  const roots = claimed.map((size) => (size === 0 ? rootOf(crypto, EMPTY_FRONTIER) : undefined));
  const numbers = segmentNumbers(stateDir);
  let frontier: Frontier = EMPTY_FRONTIER;
  let end: LogEnd = { segment: 0, goodBytes: 0 };
  let tornBytes = 0;
  const result = (damage?: string): LogFound => ({
    frontier, tornBytes, end, ...(damage === undefined ? {} : { damage }),
    ...(checkpoint !== undefined && { checkpoint }), ...(roots[0] !== undefined && { checkpointRoot: roots[0] }),
    ...(cosigned !== undefined && { cosigned }), ...(roots[1] !== undefined && { cosignedRoot: roots[1] }),
  });
  for (const [position, number] of numbers.entries()) {
    const name = segmentName(number);
    if (number !== position) return result(`a segment before ${name} is missing`);
    const bytes = readBounded(segmentPath(stateDir, number), MAX_SEGMENT_BYTES);
    if (bytes === undefined) return result(`${name} is larger than any segment`);
    const found = recover(crypto, bytes);
    const wrong = misfit(found, frontier.size, position === numbers.length - 1);
    if (wrong !== undefined) return result(`${name}: ${wrong}`);
    for (const stored of found.entries) {
      visit(stored, frontier.size, frontier);
      frontier = appendLeaf(crypto, frontier, stored.leafHash);
      claimed.forEach((size, i) => {
        if (frontier.size === size) roots[i] = rootOf(crypto, frontier);
      });
    }
    end = { segment: number, goodBytes: found.goodBytes };
    tornBytes = found.tornBytes;
  }
  return result();
}
