/** Reads the log's files: for the agent when it starts, and for the commands, which need no lock. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Crypto } from "../../models/crypto.ts";
import { parseCheckpoint } from "../record/checkpoint.ts";
import { appendLeaf, appendSubtree, EMPTY_FRONTIER, rootOf } from "../record/merkle.ts";
import type { Frontier } from "../record/merkle.ts";
import { MAX_NOTE_CHARS, parseNote } from "../record/note.ts";
import type { RecoveredLog } from "../record/record.ts";
import { recover } from "../record/segment.ts";
import type { Recovery, StoredEntry } from "../record/segment.ts";
import { isSubtree, readThin, type Subtree, type ThinItem } from "../record/thin.ts";
import { ifThere, readBounded } from "./durable-file.ts";
import { readSlotFile } from "./slot-file.ts";

/** A segment that has reached this size is followed by a new one. */
export const SEGMENT_BYTES = 1024 * 1024;
/** Most bytes that one batch of entries may take. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** No segment that this program wrote is larger; what is larger is not read into memory. */
export const MAX_SEGMENT_BYTES = SEGMENT_BYTES + MAX_BATCH_BYTES;

export const logFolder = (stateDir: string): string => join(stateDir, "log");
export const checkpointPath = (stateDir: string): string => join(logFolder(stateDir), "checkpoint");
export const cosignedPath = (stateDir: string): string => join(logFolder(stateDir), "cosigned");
const segmentName = (number: number): string => `${String(number).padStart(8, "0")}.seg`;
export const segmentPath = (stateDir: string, number: number): string => join(logFolder(stateDir), segmentName(number));
const thinName = (number: number): string => `${String(number).padStart(8, "0")}.thin`;
/** Where an old segment lies once it was thinned. */
export const thinPath = (stateDir: string, number: number): string => join(logFolder(stateDir), thinName(number));

/** Where a checkpoint lies (slot-file.ts); at the path itself is the last one of a release that had no slots. */
export const slotsPath = (path: string): string => `${path}.slots`;

const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/**
 * A stored checkpoint, a signed note; undefined when there is none yet. An older release's counts where it attests
 * more: that release was gone back to. Throws the system's error.
 */
export function readNote(path: string, crypto: Crypto): string | undefined {
  const slots = readSlotFile(slotsPath(path), crypto);
  const found = slots?.content && textOf(slots.content);
  const older = ifThere(() => textOf(readBounded(path, MAX_NOTE_CHARS * 3)));
  return found !== undefined && (claimedSize(found) ?? Infinity) >= (claimedSize(older) ?? 0) ? found : older;
}

interface SegmentFile {
  readonly number: number;
  readonly isThin: boolean;
}

/** In order. Where the thinned one lies beside the whole one, a crash came between, and the whole one counts. */
export function segmentFiles(stateDir: string): SegmentFile[] {
  const names = ifThere(() => readdirSync(logFolder(stateDir))) ?? [];
  const files = new Map<number, SegmentFile>();
  for (const name of names.filter((one) => /^\d{8}\.(seg|thin)$/.test(one)).sort()) {
    const number = Number(name.slice(0, 8));
    if (!files.has(number)) files.set(number, { number, isThin: name.endsWith(".thin") });
  }
  return [...files.values()];
}

/** Where the log ends: what the next append continues. */
export interface LogEnd {
  readonly segment: number;
  readonly goodBytes: number;
  /** Of the file: behind the good ones and what is torn lie the zeros that are laid out beforehand. */
  readonly fileBytes: number;
}

export interface LogFound extends RecoveredLog {
  readonly end: LogEnd;
}

/** A segment as it lies there, whole or thinned; or why it is damaged. */
function readSegmentFile(stateDir: string, crypto: Crypto, { number, isThin }: SegmentFile): Read | string {
  const bytes = readBounded(isThin ? thinPath(stateDir, number) : segmentPath(stateDir, number), MAX_SEGMENT_BYTES);
  if (bytes === undefined) return "larger than any segment";
  if (!isThin) {
    const found = recover(crypto, bytes);
    const end = { segment: number, goodBytes: found.goodBytes, fileBytes: bytes.length };
    return { found, items: found.entries, end };
  }
  const thinned = readThin(crypto, bytes);
  if (!thinned.ok) return thinned.problem;
  const { firstIndex, items } = thinned.value;
  // Nothing is appended to it: the next segment begins behind.
  return { found: { firstIndex, entries: [], goodBytes: 0, tornBytes: 0 }, items,
    end: { segment: number + 1, goodBytes: 0, fileBytes: 0 } };
}

interface Read {
  readonly found: Recovery;
  readonly items: readonly ThinItem[];
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
export function claimedSize(checkpoint: string | undefined): number | undefined {
  const note = checkpoint === undefined ? undefined : parseNote(checkpoint);
  const parsed = note?.ok ? parseCheckpoint(note.value.text) : undefined;
  return parsed?.ok ? parsed.value.size : undefined;
}

/**
 * Reads the whole log, one segment in memory at a time, and hands over each entry with its index; copy an entry to keep
 * it. Of thinned segments it hands over what is there. Damage ends the reading and is reported. Throws the system's
 * error when a file cannot be read.
 * @param pass sees the subtrees of which the entries are gone
 */
export function readLog(
  stateDir: string, crypto: Crypto,
  visit: (stored: StoredEntry, index: number, before: Frontier) => void = () => {},
  pass: (gone: Subtree, index: number, before: Frontier) => void = () => {},
): LogFound {
  const checkpoint = readNote(checkpointPath(stateDir), crypto); // before the entries: the log may grow meanwhile
  const cosigned = readNote(cosignedPath(stateDir), crypto);
  const claimed = [checkpoint, cosigned].map(claimedSize);
  const roots = claimed.map((size) => (size === 0 ? rootOf(crypto, EMPTY_FRONTIER) : undefined));
  const files = segmentFiles(stateDir);
  let frontier: Frontier = EMPTY_FRONTIER;
  let end: LogEnd = { segment: 0, goodBytes: 0, fileBytes: 0 };
  let tornBytes = 0;
  const result = (damage?: string): LogFound => ({
    frontier, tornBytes, end, ...(damage === undefined ? {} : { damage }),
    ...(checkpoint !== undefined && { checkpoint }), ...(roots[0] !== undefined && { checkpointRoot: roots[0] }),
    ...(cosigned !== undefined && { cosigned }), ...(roots[1] !== undefined && { cosignedRoot: roots[1] }),
  });
  for (const [position, file] of files.entries()) {
    const name = file.isThin ? thinName(file.number) : segmentName(file.number);
    if (file.number !== position) return result(`a segment before ${name} is missing`);
    const read = readSegmentFile(stateDir, crypto, file);
    if (typeof read === "string") return result(`${name}: ${read}`);
    const wrong = misfit(read.found, frontier.size, position === files.length - 1);
    if (wrong !== undefined) return result(`${name}: ${wrong}`);
    for (const item of read.items) {
      if (isSubtree(item)) {
        pass(item, frontier.size, frontier);
        frontier = appendSubtree(crypto, frontier, item.root, item.size);
      } else {
        visit(item, frontier.size, frontier);
        frontier = appendLeaf(crypto, frontier, item.leafHash);
      }
      claimed.forEach((size, i) => {
        if (frontier.size === size) roots[i] = rootOf(crypto, frontier);
      });
    }
    end = read.end;
    tornBytes = read.found.tornBytes;
  }
  return result();
}
