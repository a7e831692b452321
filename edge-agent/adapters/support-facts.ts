/** What a support bundle tells of the machine and of the state directory. Reads only; no content of a key is read. */
import { readFileSync, readdirSync, statSync, statfsSync } from "node:fs";
import { cpus, freemem, loadavg, release, totalmem, uptime } from "node:os";
import { join } from "node:path";
import type { Crypto } from "../../models/crypto.ts";
import { rfc3339 } from "../../models/units.ts";
import { parseCheckpoint } from "../record/checkpoint.ts";
import { decodeEntry } from "../record/entry.ts";
import type { Entry } from "../record/entry.ts";
import { parseNote } from "../record/note.ts";
import { errorCode, ifThere } from "./durable-file.ts";
import { readLog } from "./ledger-read.ts";

const MOST_ENTRIES = 50;
const MOST_NOTICES = 50;
const MOST_FILES = 200;
const MAX_CRASH_BYTES = 65_536;

/** Node, the system under it, and how much is left of it. */
export function platformFacts(): Record<string, unknown> {
  const all = cpus();
  return {
    node: process.version, openssl: process.versions.openssl, platform: process.platform, arch: process.arch,
    os: release(), cpus: all.length, cpu: all[0]?.model ?? "unknown", loadAverage: loadavg(), uptimeS: uptime(),
    memoryBytes: totalmem(), freeMemoryBytes: freemem(),
  };
}

/** What lies in the state directory: names, sizes and rights. `problem` where it cannot be listed. */
export function stateFacts(stateDir: string): Record<string, unknown> {
  try {
    const { bavail, bsize } = statfsSync(stateDir);
    const names = readdirSync(stateDir, { recursive: true, encoding: "utf8" }).sort();
    const files = names.slice(0, MOST_FILES).map((name) => {
      const stat = statSync(join(stateDir, name), { throwIfNoEntry: false });
      if (stat === undefined) return { name };
      const kind = stat.isFile() ? { bytes: stat.size } : { folder: stat.isDirectory() };
      return { name, ...kind, mode: (stat.mode & 0o777).toString(8), changed: rfc3339Of(stat.mtimeMs) };
    });
    return { stateDir, freeBytes: bavail * bsize, files, ...(names.length > MOST_FILES && { more: names.length }) };
  } catch (error) {
    return { stateDir, problem: errorCode(error) };
  }
}

const rfc3339Of = (ms: number): string => new Date(ms).toISOString();

export interface LogFacts {
  readonly log: Record<string, unknown>;
  /** Of the log, oldest first. */
  readonly notices: readonly { readonly at: string; readonly text: string }[];
  /** The newest that alerts rest on, redacted when they were recorded, oldest first. */
  readonly frames: readonly { readonly at: string; readonly direction: string; readonly text: string }[];
}

function keepNewest<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}

/** Health and newest entries of the log, without what entries say; notices and at most `mostFrames` frames with it. */
export function logFacts(stateDir: string, crypto: Crypto, mostFrames: number): LogFacts {
  const kinds: Partial<Record<Entry["kind"] | "unreadable", number>> = {};
  const newest: { at: string; kind: string }[] = [];
  const notices: LogFacts["notices"][number][] = [];
  const frames: LogFacts["frames"][number][] = [];
  let bytes = 0;
  const found = readLog(stateDir, crypto, ({ entry }) => {
    bytes += entry.length;
    const decoded = decodeEntry(entry);
    const kind = decoded.ok ? decoded.value.kind : "unreadable";
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    if (!decoded.ok) return;
    const at = rfc3339(decoded.value.at);
    keepNewest(newest, { at, kind }, MOST_ENTRIES);
    if (decoded.value.kind === "notice") keepNewest(notices, { at, text: decoded.value.text }, MOST_NOTICES);
    if (decoded.value.kind !== "frame") return;
    const { direction, text } = decoded.value;
    keepNewest(frames, { at, direction, text }, mostFrames);
  });
  return {
    log: {
      entries: found.frontier.size, bytes, tornBytes: found.tornBytes,
      ...(found.damage !== undefined && { damage: found.damage }),
      checkpoint: checkpointFacts(found.checkpoint), cosigned: checkpointFacts(found.cosigned), kinds, newest,
    },
    notices, frames,
  };
}

function checkpointFacts(note: string | undefined): unknown {
  if (note === undefined) return "none yet";
  const read = parseNote(note);
  const parsed = read.ok ? parseCheckpoint(read.value.text) : read;
  return parsed.ok ? { size: parsed.value.size, origin: parsed.value.origin } : { problem: parsed.problem };
}

/** The record of unasked ends, as it lies there. */
export function crashFacts(stateDir: string): unknown {
  const path = join(stateDir, "crashes.json");
  try {
    return ifThere(() => {
      const { size } = statSync(path);
      if (size > MAX_CRASH_BYTES) return { problem: `${size} bytes; expected: at most ${MAX_CRASH_BYTES}` };
      return JSON.parse(readFileSync(path, "utf8")) as unknown;
    }) ?? "none";
  } catch (error) {
    return { problem: errorCode(error) || "no JSON" };
  }
}
