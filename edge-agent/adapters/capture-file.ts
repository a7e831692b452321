/** Reads captures (JSON Lines, plain or gzip), and puts several in order of time without holding any in memory. */
import { createReadStream } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { MAX_LINE_CHARS } from "../observe/trace.ts";
import type { CaptureLine, CaptureProblem } from "../observe/trace.ts";
import { UsageError } from "../usage-error.ts";

export type LineParser = (text: string) => CaptureLine | CaptureProblem;

export interface CaptureFile {
  readonly path: string;
  readonly parse: LineParser;
}

/** Bad lines, by what is wrong with them: counted, and shown once a kind. */
export class LineProblems {
  readonly counts = new Map<string, number>();
  readonly #say: (text: string) => void;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  note(path: string, lineNo: number, { what, found, allowed }: CaptureProblem): void {
    const kind = `${what}: ${allowed}`;
    const before = this.counts.get(kind) ?? 0;
    this.counts.set(kind, before + 1);
    if (before === 0) this.#say(`${path}:${lineNo}: ${what}: found ${found}; allowed: ${allowed} (skipped)\n`);
  }

  total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** @throws UsageError when a file cannot be read */
export async function checkReadable(files: readonly CaptureFile[]): Promise<void> {
  for (const { path } of files) {
    const why = await access(path, constants.R_OK).then(() => stat(path)).then(
      (stats) => (stats.isDirectory() ? "found a folder" : undefined),
      ({ code, message }: NodeJS.ErrnoException) =>
        (code === "ENOENT" ? "no such file" : `it cannot be read (${code ?? message})`));
    if (why !== undefined) throw new UsageError(`${path}: ${why}; allowed: a capture in JSON Lines, plain or .gz`);
  }
}

/** The lines of a stream. What a line has beyond the longest that is parsed is dropped: memory stays bounded. */
async function* linesIn(input: Readable): AsyncGenerator<string> {
  let held = "";
  for await (const chunk of input.setEncoding("utf8") as AsyncIterable<string>) {
    const pieces = chunk.split("\n");
    const last = pieces.pop() ?? "";
    for (const piece of pieces) {
      yield held + piece;
      held = "";
    }
    if (held.length <= MAX_LINE_CHARS) held += last;
  }
  if (held !== "") yield held;
}

/** A file that breaks off (a gzip file of a recorder that was killed) is read as far as it goes. */
async function* linesOf(file: CaptureFile, problems: LineProblems): AsyncGenerator<CaptureLine> {
  const source = createReadStream(file.path);
  const input = file.path.endsWith(".gz") ? source.pipe(createGunzip()) : source;
  source.on("error", (error) => input.destroy(error));
  let lineNo = 0;
  try {
    for await (const text of linesIn(input)) {
      lineNo += 1;
      if (text.trim() === "") continue;
      const line = file.parse(text);
      if (line.ok) yield line;
      else problems.note(file.path, lineNo, line);
    }
  } catch (error) {
    const allowed = file.path.endsWith(".gz") ? "a whole gzip file" : "a file that can be read";
    problems.note(file.path, lineNo + 1, { ok: false, what: "the rest", found: (error as Error).message, allowed });
  } finally {
    source.destroy();
  }
}

/** All lines of all files, oldest first; each file is in order. At equal times the first named file leads. */
export async function* mergedLines(
  files: readonly CaptureFile[], problems: LineProblems,
): AsyncGenerator<CaptureLine> {
  const sources = files.map((file) => linesOf(file, problems));
  const next = async (source: AsyncGenerator<CaptureLine> | undefined) =>
    (await source?.next())?.value as CaptureLine | undefined;
  const heads = await Promise.all(sources.map(next));
  for (;;) {
    let first = -1;
    heads.forEach((head, index) => {
      if (head !== undefined && (first < 0 || head.at < (heads[first]?.at ?? Infinity))) first = index;
    });
    const head = heads[first];
    if (head === undefined) return;
    yield head;
    heads[first] = await next(sources[first]);
  }
}
