/**
 * What waits for one receiver, in a file: alerts survive a restart of the agent, and the receiver's absence, up to a
 * bound. A file that cannot be written costs that, and no alert: what waits is in memory too.
 */
import { closeSync, constants, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import type { Alert } from "../../../models/terms.ts";
import { parseAlert } from "../../alert-schema.ts";
import { replaceFile } from "../durable-file.ts";

/** An alert on its way; `id` is the same each time that it is sent, so that a receiver knows it again. */
export interface Parcel {
  readonly id: string;
  readonly alert: Alert;
  /** Sent with others in one, not before this time; wall clock, ms. */
  readonly notBefore?: number;
}

/** Alerts that wait at most: with 2 KB each, half a megabyte of the board's flash and memory. */
export const MOST_WAITING = 256;
/** Lines of things done that may stand in the file before it is written anew. */
const MOST_LINES = 2 * MOST_WAITING;
const MOST_FILE_BYTES = 16 * 1024 * 1024;
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_DSYNC;

function parcelOf(line: string): Parcel | undefined {
  const { id, alert, notBefore } = JSON.parse(line) as { id?: unknown; alert?: unknown; notBefore?: unknown };
  const read = parseAlert(JSON.stringify(alert ?? null));
  if (typeof id !== "string" || read === undefined) return undefined;
  return { id, alert: read, ...(typeof notBefore === "number" && { notBefore }) };
}

function readWaiting(path: string): Map<string, Parcel> {
  const waiting = new Map<string, Parcel>();
  let text = "";
  try {
    text = readFileSync(path, { encoding: "utf8" }).slice(-MOST_FILE_BYTES);
  } catch {
    return waiting; // none yet
  }
  for (const line of text.split("\n")) {
    try {
      const done = /^-(.+)$/.exec(line)?.[1];
      const parcel = done === undefined && line !== "" ? parcelOf(line) : undefined;
      if (done !== undefined) waiting.delete(done);
      else if (parcel !== undefined) waiting.set(parcel.id, parcel);
    } catch {
      // a line that a power cut left half written
    }
  }
  return waiting;
}

export class Outbox {
  readonly #path: string;
  readonly #waiting: Map<string, Parcel>;
  #lines: number;

  constructor(path: string) {
    this.#path = path;
    this.#waiting = readWaiting(path);
    this.#lines = this.#waiting.size;
    if (this.#waiting.size > 0) this.#rewrite();
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** The oldest first. */
  all(): readonly Parcel[] {
    return [...this.#waiting.values()];
  }

  /** How many were dropped to make room: updates first, since a later word says more, and then the oldest. */
  add(parcel: Parcel): number {
    this.#waiting.set(parcel.id, parcel);
    let dropped = 0;
    while (this.#waiting.size > MOST_WAITING) {
      const all = this.all();
      const least = all.find(({ alert }) => alert.state === "updated") ?? all[0]!;
      this.done(least.id);
      dropped += 1;
    }
    if (this.#waiting.has(parcel.id)) this.#append(JSON.stringify(parcel));
    return dropped;
  }

  done(id: string): void {
    if (!this.#waiting.delete(id)) return;
    if (this.#waiting.size === 0) this.#empty();
    else this.#append(`-${id}`);
  }

  #append(line: string): void {
    if (this.#lines >= MOST_LINES) return this.#rewrite();
    try {
      const fd = openSync(this.#path, FLAGS, 0o600);
      try {
        writeSync(fd, `${line}\n`);
        this.#lines += 1;
      } finally {
        closeSync(fd);
      }
    } catch {
      // a full or broken disk: the log has said so
    }
  }

  #rewrite(): void {
    try {
      replaceFile(this.#path, this.all().map((parcel) => `${JSON.stringify(parcel)}\n`).join(""));
      this.#lines = this.#waiting.size;
    } catch {
      // as above
    }
  }

  #empty(): void {
    try {
      truncateSync(this.#path);
      this.#lines = 0;
    } catch {
      // as above
    }
  }
}
