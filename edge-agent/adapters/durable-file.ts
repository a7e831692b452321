/** Writing small files so that a power cut leaves the old content or the new one, never a part. */
import {
  closeSync, constants, fstatSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** The error code of a failed system call; empty for any other error. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

const NOT_THERE = new Set(["ENOENT", "ENOTDIR"]);

/** What `read` gives of a file or folder; undefined where there is none. Throws the system's other errors. */
export function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (NOT_THERE.has(errorCode(error))) return undefined;
    throw error;
  }
}

// O_DSYNC instead of fsync: Node's permission model refuses fsync, and one call is faster than two.
const { O_WRONLY, O_CREAT, O_EXCL, O_DSYNC } = constants;

/** Codes with which a file system or Node's permission model says that a folder cannot be synced at all. */
const CANNOT_SYNC_FOLDERS = new Set(["ERR_ACCESS_DENIED", "EINVAL", "EISDIR", "EPERM", "ENOTSUP", "EACCES"]);
const CANNOT_LINK = new Set(["ERR_ACCESS_DENIED", "EPERM", "ENOTSUP", "ENOSYS", "EMLINK"]);

/** Makes a new or renamed name in `folder` durable, where that is possible. */
export function syncFolder(folder: string): void {
  let fd: number | undefined;
  try {
    fd = openSync(folder, constants.O_RDONLY);
    fsyncSync(fd);
  } catch (error) {
    if (!CANNOT_SYNC_FOLDERS.has(errorCode(error))) throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The whole file, or undefined when it is larger than any that this program wrote. Throws the system's error. */
export function readBounded(path: string, limit: number): Uint8Array | undefined {
  const fd = openSync(path, "r");
  try {
    return fstatSync(fd).size > limit ? undefined : readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeNew(path: string, content: string | Uint8Array, mode: number): void {
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_DSYNC, mode);
  try {
    writeFileSync(fd, content);
  } finally {
    closeSync(fd);
  }
}

/** Puts `content` in the place of whatever is at `path`; one writer at a time. Throws the system's error. */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o600): void {
  const aside = `${path}.tmp`;
  rmSync(aside, { force: true }); // of an earlier run that was cut off
  writeNew(aside, content, mode);
  renameSync(aside, path);
  syncFolder(dirname(path));
}

/** Creates `path` whole, or leaves what is there alone: false when there was something. */
export function createFile(path: string, content: string | Uint8Array, mode = 0o600): boolean {
  const aside = `${path}.${process.pid}.tmp`;
  rmSync(aside, { force: true });
  writeNew(aside, content, mode);
  try {
    linkSync(aside, path); // unlike rename, never replaces
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    if (!CANNOT_LINK.has(errorCode(error))) throw error;
    return createInPlace(path, content, mode);
  } finally {
    rmSync(aside, { force: true });
  }
  syncFolder(dirname(path));
  return true;
}

/** For file systems without links (FAT): not whole if the power fails meanwhile, but still never over another file. */
function createInPlace(path: string, content: string | Uint8Array, mode: number): boolean {
  try {
    writeNew(path, content, mode);
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
  syncFolder(dirname(path));
  return true;
}
