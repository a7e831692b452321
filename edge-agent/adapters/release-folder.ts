/** Releases in the state directory, on the real file system. */
import {
  closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync,
  writeFileSync, writeSync,
} from "node:fs";
import { join } from "node:path";
import { MAX_PROGRAM_BYTES } from "../update/manifest.ts";
import type { Shelf } from "../update/shelf.ts";
import { ifThere, readBounded, syncFolder } from "./durable-file.ts";

export const releasesIn = (stateDir: string): string => join(stateDir, "releases");

const read = (path: string): Uint8Array | undefined => ifThere(() => readBounded(path, MAX_PROGRAM_BYTES));

function withFile<T>(path: string, flags: string, use: (fd: number) => T): T {
  const fd = openSync(path, flags, 0o600);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

function readAt(path: string, from: number, length: number): Uint8Array {
  return ifThere(() => withFile(path, "r", (fd) => {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, from));
  })) ?? new Uint8Array(0);
}

/** `r+` asks for a file that is there, and `a` writes at its end alone. */
function writeAt(path: string, from: number, bytes: Uint8Array): void {
  withFile(path, "a", () => undefined);
  withFile(path, "r+", (fd) => writeSync(fd, bytes, 0, bytes.length, from));
}

/** Makes the folder at the first write. Throws the system's errors. */
export function releaseFolder(stateDir: string): Shelf {
  const at = releasesIn(stateDir);
  const make = (): unknown => mkdirSync(at, { recursive: true, mode: 0o700 });
  return {
    read: (name) => read(join(at, name)),
    size: (name) => statSync(join(at, name), { throwIfNoEntry: false })?.size ?? 0,
    readAt: (name, from, length) => readAt(join(at, name), from, length),
    writeAt: (name, from, bytes) => {
      make();
      writeAt(join(at, name), from, bytes);
    },
    write: (name, bytes) => {
      make();
      writeFileSync(join(at, name), bytes, { mode: 0o600 });
    },
    sync: (name) => withFile(join(at, name), "r+", fsyncSync),
    rename: (from, to) => renameSync(join(at, from), join(at, to)),
    syncFolder: () => syncFolder(at),
    remove: (name) => rmSync(join(at, name), { force: true }),
    list: () => ifThere(() => readdirSync(at)) ?? [],
  };
}
