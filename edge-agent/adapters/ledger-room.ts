/** Looks now and then whether there is room for the log, and says once when it is getting short. */
import { statfsSync } from "node:fs";
import { HOUR_MS, type MonotonicMs } from "../../models/units.ts";
import { bytesText } from "../status-words.ts";
import type { LogRoom } from "./ledger-file.ts";

const EVERY_MS = HOUR_MS;
/** Of the log's own bound, and of the file system. */
export const FULL_FROM = 0.8;
/** Whatever the share: with so much free a log goes on for months. */
const ENOUGH_BYTES = 256 * 1024 * 1024;

/** What the operator should hear of it, by kind; a kind that is absent is over. */
export function roomProblems(room: LogRoom, free: number, all: number): ReadonlyMap<string, string> {
  const problems = new Map<string, string>();
  const { bytes, mostBytes, isThin } = room;
  if (mostBytes !== undefined && isThin && bytes >= FULL_FROM * mostBytes) {
    problems.set("log", `log: takes ${bytesText(bytes)} of ${bytesText(mostBytes)} (log.mostMb), and nothing is left `
      + "to thin: give it more room, or export what is needed and enrol this device anew");
  }
  if (free < ENOUGH_BYTES && free < (1 - FULL_FROM) * all) {
    problems.set("disk", `disk: ${bytesText(free)} of ${bytesText(all)} are free: make room, or lower log.mostMb; a `
      + "full disk ends all signing");
  }
  return problems;
}

export class RoomWatch {
  readonly #room: () => LogRoom;
  readonly #stateDir: string;
  readonly #notice: (text: string) => void;
  #told = new Set<string>();
  #lookedMs = -Infinity;

  constructor(room: () => LogRoom, stateDir: string, notice: (text: string) => void) {
    this.#room = room;
    this.#stateDir = stateDir;
    this.#notice = notice;
  }

  /** To be called as often as one likes. */
  look(now: MonotonicMs): void {
    if (now - this.#lookedMs < EVERY_MS) return;
    this.#lookedMs = now;
    try {
      const { bavail, blocks, bsize } = statfsSync(this.#stateDir);
      const problems = roomProblems(this.#room(), bavail * bsize, blocks * bsize);
      for (const [kind, text] of problems) if (!this.#told.has(kind)) this.#notice(text);
      this.#told = new Set(problems.keys());
    } catch {
      // What cannot be looked at cannot be written either, and that is said where it is written.
    }
  }
}
