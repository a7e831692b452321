/**
 * The step *record*: which entries the log gains. Statements, verdicts with the frames that they rest on (redacted),
 * and alerts. The evidence of an alert is named by the leaf hashes of these frames.
 */
import type { Statement } from "../../gossip/statement.ts";
import type { Alert, Threat, Verdict } from "../../models/terms.ts";
import type { ContentHash, Now } from "../../models/units.ts";
import type { RecentFrame } from "../observe/frames.ts";
import type { Effect } from "../ports.ts";
import { encodeEntry, type Entry } from "./entry.ts";
import { appendEntries, type Asks, checkpoint, contentHash, type RecordState } from "./record.ts";

export interface JournalState {
  readonly log: RecordState;
  /** Frames that the log holds already, by number, with their leaf hashes: oldest first, bounded. */
  readonly frames: Map<number, ContentHash>;
  /** The last signed checkpoint and its SHA-256; empty before the first. */
  checkpointNote: string;
  checkpointHash: Uint8Array;
}

export interface Recorded {
  readonly entries: readonly Uint8Array[];
  /** By threat: the leaf hashes of the frames behind its verdict. */
  readonly evidence: ReadonlyMap<Threat, readonly ContentHash[]>;
}

interface ToRecord {
  readonly statement: Statement | undefined;
  readonly verdicts: readonly Verdict[];
  /** A recent frame by its number, redacted; undefined when it is gone. */
  readonly frames: (frameNo: number) => RecentFrame | undefined;
}

const NOTHING: Recorded = { entries: [], evidence: new Map() };
const MOST_FRAMES = 512;
const PPM = 1_000_000;
/** What an integer of an entry carries. */
const MOST_EPOCH = 2 ** 32 - 1;

/**
 * Two neighbours would never come to rest over each other's checkpoints. Statements are held by all neighbours anyway:
 * their witnesses see them now and then.
 */
const ASKS: Partial<Record<Entry["kind"], Asks>> = { witness: "nothing", statement: "checkpoint" };

export function createJournal(log: RecordState): JournalState {
  return { log, frames: new Map(), checkpointNote: "", checkpointHash: new Uint8Array(0) };
}

/** What statements name as the last checkpoint; undefined when nothing may be signed any more, or not yet. */
export function checkpointHash({ log, checkpointHash: hash }: JournalState): Uint8Array | undefined {
  return log.refused === undefined && !log.asking ? hash : undefined;
}

export function record(journal: JournalState, what: ToRecord, now: Now): Recorded {
  const { statement } = what;
  if (statement === undefined && what.verdicts.length === 0) return NOTHING;
  const entries: Uint8Array[] = [];
  if (statement !== undefined) {
    const { bytes, signature } = statement;
    entries.push(...add(journal, { kind: "statement", at: now.wallMs, signedBytes: bytes, signature }).entries);
  }
  const evidence = new Map<Threat, readonly ContentHash[]>();
  for (const verdict of what.verdicts) {
    const hashes: ContentHash[] = [];
    for (const frameNo of verdict.belief.frames) {
      const known = journal.frames.get(frameNo);
      const frame = known === undefined ? what.frames(frameNo) : undefined;
      if (known !== undefined) hashes.push(known);
      if (frame === undefined) continue;
      const added = add(journal, { kind: "frame", at: frame.at, direction: frame.direction, text: frame.text });
      entries.push(...added.entries);
      hashes.push(added.hash);
      keep(journal.frames, frameNo, added.hash);
    }
    evidence.set(verdict.threat, hashes);
    entries.push(...add(journal, verdictEntry(verdict, now)).entries);
  }
  return { entries, evidence };
}

/** Adds one entry and names it, for whatever rests on it. */
export function recordNamed(
  journal: JournalState, entry: Entry,
): { entries: readonly Uint8Array[]; hash: ContentHash } {
  return add(journal, entry);
}

export function recordAlerts(journal: JournalState, alerts: readonly Alert[], now: Now): Uint8Array[] {
  return alerts.flatMap((alert) =>
    [...add(journal, { kind: "alert", at: now.wallMs, json: JSON.stringify(alert) }).entries]);
}

/** Adds one entry of the agent's own, such as its start. */
export function recordOne(journal: JournalState, entry: Entry): Effect[] {
  const { entries } = add(journal, entry);
  return entries.length === 0 ? [] : [{ kind: "append", entries }];
}

/** A signed checkpoint over all entries so far, when there are new ones and they may be signed. */
export function signCheckpoint(journal: JournalState): Effect[] {
  const effects = checkpoint(journal.log);
  for (const effect of effects) {
    if (effect.kind !== "checkpoint") continue;
    journal.checkpointNote = effect.note;
    journal.checkpointHash = journal.log.crypto.sha256(new TextEncoder().encode(effect.note));
  }
  return effects;
}

function verdictEntry(verdict: Verdict, now: Now): Entry {
  return {
    kind: "verdict", at: now.wallMs, threat: verdict.threat, scope: verdict.scope, zone: verdict.zone,
    // A clock before 1970 or centuries off is not worth a crash; the entry's own time tells.
    epoch: Math.max(0, Math.min(MOST_EPOCH, verdict.epoch)), onset: new Date(verdict.onset).toISOString(),
    confidencePpm: Math.round(verdict.confidence * PPM), stations: verdict.stations,
  };
}

/** The entry's bytes as far as the log takes them (none when it is frozen), and its leaf hash. */
function add(journal: JournalState, entry: Entry): { entries: readonly Uint8Array[]; hash: ContentHash } {
  const bytes = encodeEntry(entry);
  const { effects, leafHashes } = appendEntries(journal.log, [bytes], ASKS[entry.kind]);
  const [leaf] = leafHashes;
  return { entries: effects.length === 0 ? [] : [bytes], hash: contentHash(leaf ?? new Uint8Array(32)) };
}

function keep(frames: Map<number, ContentHash>, frameNo: number, hash: ContentHash): void {
  frames.set(frameNo, hash);
  for (const oldest of frames.keys()) {
    if (frames.size <= MOST_FRAMES) return;
    frames.delete(oldest);
  }
}
