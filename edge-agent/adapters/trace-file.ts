/** Writes frames as Open OCPP Trace v1.1, one line each, redacted; of any length, with none of it held. */
import { closeSync, openSync, writeSync } from "node:fs";
import { type TracedFrame, traceLine } from "../observe/trace-line.ts";

export class TraceFile {
  readonly #fd: number;
  written = 0;
  /** What was no OCPP-J message, or was cut where it was recorded. */
  leftOut = 0;

  /** Throws the system's error. */
  constructor(path: string) {
    this.#fd = openSync(path, "w", 0o600);
  }

  frame(frame: TracedFrame): void {
    const line = traceLine(frame);
    if (line === undefined) {
      this.leftOut += 1;
      return;
    }
    writeSync(this.#fd, `${line}\n`);
    this.written += 1;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
