/** Releases in the state directory, on the real file system. */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ReleaseFolder } from "../update/install.ts";
import { MAX_PROGRAM_BYTES } from "../update/manifest.ts";
import { errorCode, syncFolder } from "./durable-file.ts";

export const releasesIn = (stateDir: string): string => join(stateDir, "releases");

function read(path: string): Uint8Array | undefined {
  try {
    return statSync(path).size > MAX_PROGRAM_BYTES ? undefined : readFileSync(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

function sync(path: string): void {
  const fd = openSync(path, "r+");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes the folder at the first write. Throws the system's errors. */
export function releaseFolder(stateDir: string): ReleaseFolder {
  const at = releasesIn(stateDir);
  return {
    read: (name) => read(join(at, name)),
    write: (name, bytes) => {
      mkdirSync(at, { recursive: true, mode: 0o700 });
      writeFileSync(join(at, name), bytes, { mode: 0o600 });
    },
    sync: (name) => sync(join(at, name)),
    rename: (from, to) => renameSync(join(at, from), join(at, to)),
    syncFolder: () => syncFolder(at),
    remove: (name) => rmSync(join(at, name), { force: true }),
    list: () => {
      try {
        return readdirSync(at);
      } catch {
        return []; // not made yet
      }
    },
  };
}
