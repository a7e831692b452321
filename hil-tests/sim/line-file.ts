/** A file of lines, written in large pieces. */
import { closeSync, openSync, writeSync } from "node:fs";

const PIECE_CHARS = 256 * 1024;

export class LineFile {
  private readonly fd: number;
  private pending = "";

  /** Replaces the file. Throws as `openSync` does. */
  constructor(path: string) {
    this.fd = openSync(path, "w");
  }

  write(line: string): void {
    this.pending += `${line}\n`;
    if (this.pending.length >= PIECE_CHARS) this.flush();
  }

  close(): void {
    this.flush();
    closeSync(this.fd);
  }

  private flush(): void {
    const bytes = new TextEncoder().encode(this.pending);
    this.pending = "";
    for (let done = 0; done < bytes.length;) done += writeSync(this.fd, bytes, done);
  }
}
