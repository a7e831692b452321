/** Can the agent write its state, and is there room for it? */
import {
  accessSync, closeSync, constants, existsSync, openSync, readFileSync, statSync, statfsSync, unlinkSync, writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { bytesText } from "../../status-words.ts";
import { codeOf, failed, passed, warned } from "./check.ts";
import type { Check } from "./check.ts";

const MB = 1024 * 1024;
/** A busy station writes a few megabytes a month. */
const LITTLE_BYTES = 64 * MB;
const TOO_LITTLE_BYTES = 8 * MB;

/** From so many seconds between the journal's commits on nothing is to be won. */
const RARE_COMMITS_S = 60;

/**
 * Whether the file system of a device is ext4 whose journal notes each epoch of the log by itself, which triples what
 * the log writes (gossip/SCALE.md).
 * @param mountinfo proc(5): device as major:minor in the third field; type and the file system's options behind a dash
 */
export function commitsOften(mountinfo: string, device: number): boolean {
  const [major, minor] = [(device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00)];
  const line = mountinfo.split("\n").find((one) => one.split(" ")[2] === `${major}:${minor}`);
  const [type, , options = ""] = line?.split(" - ")[1]?.split(" ") ?? [];
  return type === "ext4" && !(Number(/(?:^|,)commit=(\d+)/.exec(options)?.[1]) >= RARE_COMMITS_S);
}

function hintAt(stateDir: string): string {
  try {
    return commitsOften(readFileSync("/proc/self/mountinfo", "utf8"), statSync(stateDir).dev)
      ? "; mounted with commit=300 a street's log would write a third (targets/debian/README.md)" : "";
  } catch {
    return ""; // no Linux
  }
}

function tryWrite(stateDir: string): void {
  const path = join(stateDir, `.doctor-${process.pid}`);
  const fd = openSync(path, "wx", 0o600);
  try {
    writeSync(fd, "written by kerbwatch doctor");
  } finally {
    closeSync(fd);
    unlinkSync(path);
  }
}

/** The agent makes the directory itself, if it may. */
function checkMissing(stateDir: string): Check {
  let parent = dirname(resolve(stateDir));
  while (!existsSync(parent)) parent = dirname(parent);
  try {
    accessSync(parent, constants.W_OK);
    return passed("disk", `${stateDir} is not there yet; the agent will make it`);
  } catch {
    return failed("disk", `${stateDir} is not there, and ${parent} cannot be written`,
      `make ${stateDir} and give it to the agent's user`);
  }
}

export function checkDisk(stateDir: string): Check {
  try {
    if (!existsSync(stateDir)) return checkMissing(stateDir);
    tryWrite(stateDir);
    const { bavail, bsize } = statfsSync(stateDir);
    const free = bavail * bsize;
    const says = `${stateDir} can be written, ${bytesText(free)} free`;
    if (free < TOO_LITTLE_BYTES) return failed("disk", says, "make room: a log that is full ends all signing");
    if (free < LITTLE_BYTES) return warned("disk", says, "make room");
    const openToOthers = (statSync(stateDir).mode & 0o022) !== 0;
    if (openToOthers) return warned("disk", `${stateDir} can be written by others`, `chmod go-w ${stateDir}`);
    return passed("disk", `${says}${hintAt(stateDir)}`);
  } catch (error) {
    return failed("disk", `${stateDir} cannot be written (${codeOf(error)})`,
      `give ${stateDir} to the agent's user, on a file system that is mounted for writing`);
  }
}
