/** One process at a time: a file that names the process that holds it, and that a dead process cannot hold. */
import { readFileSync, rmSync } from "node:fs";
import { createFile } from "./durable-file.ts";

/** Another process holds the lock. */
export class LockHeldError extends Error {
  override readonly name = "LockHeldError";
  readonly pid: number;

  constructor(pid: number) {
    super(`process ${pid} holds the lock`);
    this.pid = pid;
  }
}

export interface Lock {
  release(): void;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Tells one process from a later one with the same number, as a board hands out after every boot: boot id and start
 * time (proc(5): field 22 of `stat`; the name before it may hold spaces). Undefined where there is no /proc.
 */
function birthMark(pid: number): string | undefined {
  const boot = readText("/proc/sys/kernel/random/boot_id")?.trim();
  const started = readText(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ")[19];
  return boot === undefined || started === undefined ? undefined : `${boot}/${started}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** This process as a lock's text. */
export const ownMark = (): string => `${process.pid} ${birthMark(process.pid) ?? "-"}\n`;

/** The process that a lock's text names, when it is still the same one and alive. */
export function holder(text: string): number | undefined {
  const [, digits, mark] = /^(\d{1,10}) (\S+)\n$/.exec(text) ?? [];
  const pid = Number(digits);
  if (digits === undefined || pid === 0 || !isAlive(pid)) return undefined;
  const now = birthMark(pid);
  return mark === "-" || now === undefined || now === mark ? pid : undefined;
}

/** Takes the lock at `path`, also from a process that is no more. Throws LockHeldError, or the system's error. */
export function takeLock(path: string): Lock {
  const own = ownMark();
  for (let attempt = 0; attempt < 3; attempt++) {
    if (createFile(path, own, 0o644)) {
      return { release: () => { if (readText(path) === own) rmSync(path, { force: true }); } };
    }
    const pid = holder(readText(path) ?? "");
    if (pid !== undefined) throw new LockHeldError(pid);
    rmSync(path, { force: true });
  }
  throw new LockHeldError(0);
}
