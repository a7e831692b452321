/** Alerts as JSON Lines, appended to a file: contracts, section 4. */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import type { Alert } from "../../models/terms.ts";
import type { AlertSink } from "../ports.ts";

export interface SinkStats {
  readonly sent: number;
  readonly dropped: number;
  /** Why the last drop happened; kept after recovery. */
  readonly lastError?: string;
}

/** Readable by the group, so that a log shipper need not be the agent. */
const FILE_MODE = 0o640;
/**
 * Non-blocking: a named pipe that nobody reads must not hold up the agent, and with it the charger. Durable when it is
 * written: a file system may note what nobody waits for minutes later.
 */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_DSYNC;

/** A write that stopped half way (full disk, power cut) left half a line: the next alert begins on a new one. */
function endsMidLine(path: string, fd: number): boolean {
  const stat = fstatSync(fd);
  if (!stat.isFile() || stat.size === 0) return false;
  const reader = openSync(path, "r");
  try {
    const last = new Uint8Array(1);
    return readSync(reader, last, 0, 1, stat.size - 1) === 1 && last[0] !== 0x0a;
  } finally {
    closeSync(reader);
  }
}

function append(path: string, line: string): void {
  const fd = openSync(path, FLAGS, FILE_MODE);
  try {
    const bytes = new TextEncoder().encode(endsMidLine(path, fd) ? `\n${line}` : line);
    const written = writeSync(fd, bytes);
    if (written < bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes were written`);
  } finally {
    closeSync(fd);
  }
}

/** Alerts are rare: the file is opened for each, and so follows a rotation without being told. Never throws. */
export function createJsonlAlerts(path: string): AlertSink & { stats(): SinkStats } {
  let stats: SinkStats = { sent: 0, dropped: 0 };
  return {
    name: "jsonl",
    send(alert: Alert): void {
      try {
        append(path, `${JSON.stringify(alert)}\n`);
        stats = { ...stats, sent: stats.sent + 1 };
      } catch (error) {
        stats = { ...stats, dropped: stats.dropped + 1, lastError: (error as Error).message };
      }
    },
    stats: () => stats,
    close: () => Promise.resolve(),
  };
}
