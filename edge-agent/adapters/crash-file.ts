/** Keeps the record of unasked ends in the state directory, where the next process finds it. Never throws. */
import { mkdirSync, readFileSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import { afterEnd, type CrashNow, type CrashRecord, NO_CRASHES, type RelayTerm, relayTerm } from "../crash-record.ts";
import type { WallMs } from "../../models/units.ts";
import { replaceFile } from "./durable-file.ts";
import { holder, ownMark } from "./lock-file.ts";

interface Stored {
  /** Another boot's uptimes mean nothing, and a power cut is no crash. */
  readonly boot: string;
  /** The process that runs, as `ownMark` names it; absent when the last one ended as it was asked to. */
  readonly running?: string;
  readonly record: CrashRecord;
}

/** What becomes of a process that had no time to say anything. */
const ENDED_UNSEEN = "it crashed or was killed";

export const crashNow = (): CrashNow => ({ uptimeS: uptime(), wallMs: Date.now() as WallMs });

export class CrashFile {
  record: CrashRecord = NO_CRASHES;
  readonly #path: string;
  readonly #stateDir: string;
  readonly #notice: (text: string) => void;
  /** Another process runs on this state: the file is its own. */
  #foreign = false;
  #told = false;
  #before: string | undefined;

  constructor(stateDir: string, notice: (text: string) => void) {
    this.#stateDir = stateDir;
    this.#path = join(stateDir, "crashes.json");
    this.#notice = notice;
  }

  /** Reads what was before, counts the last process when it ended unasked, and enters this one. */
  begin(): void {
    this.#before = readText(this.#path);
    const stored = parse(this.#before);
    const runs = stored?.running;
    this.#foreign = runs !== undefined && ![undefined, process.pid].includes(holder(runs));
    if (stored !== undefined && !this.#foreign) {
      this.record = runs === undefined ? stored.record : afterEnd(stored.record, ENDED_UNSEEN, false, crashNow());
    }
    this.#write(true);
  }

  get relay(): RelayTerm | undefined {
    return relayTerm(this.record, crashNow().uptimeS);
  }

  /** One more end, of a child of this process. */
  ended(how: string, hung: boolean): void {
    this.record = afterEnd(this.record, how, hung, crashNow());
    this.#write(true);
  }

  /** All is well, for long enough. */
  well(): void {
    if (this.record.ends.length === 0 && this.record.relay === undefined) return;
    this.record = NO_CRASHES;
    this.#write(true);
  }

  /** This process ends as it was asked to: whoever starts it again wants the agent. */
  stop(): void {
    this.record = NO_CRASHES;
    this.#write(false);
  }

  /** This process could not even begin, for a reason that a relay would meet too: as if it had never been. */
  forget(): void {
    if (this.#foreign) return;
    const before = parse(this.#before);
    this.record = before?.record ?? NO_CRASHES;
    this.#write(false);
  }

  #write(runs: boolean): void {
    if (this.#foreign) return;
    const stored: Stored = { boot: bootId(), ...(runs && { running: ownMark() }), record: this.record };
    try {
      mkdirSync(this.#stateDir, { recursive: true, mode: 0o700 });
      replaceFile(this.#path, `${JSON.stringify(stored)}\n`);
    } catch (error) {
      if (!this.#told) this.#notice(`crashes cannot be counted (${(error as Error).message})`);
      this.#told = true;
    }
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

const bootId = (): string => readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "-";

/** Undefined for anything that this boot's agent did not write: it then counts from nothing. */
function parse(text: string | undefined): Stored | undefined {
  try {
    const { boot, running, record } = JSON.parse(text ?? "") as Stored;
    const { ends, relay } = record;
    const known = boot === bootId() && (running === undefined || typeof running === "string") &&
      ends.every(({ atS, weight, how }) => isFinite(atS) && isFinite(weight) && typeof how === "string") &&
      (relay === undefined || [relay.since, relay.termS, relay.untilS].every(isTime) && typeof relay.why === "string");
    return known ? { boot, ...(running !== undefined && { running }), record } : undefined;
  } catch {
    return undefined;
  }
}

/** Also of a date: what is far beyond would throw where it is printed. */
const isTime = (value: unknown): boolean => typeof value === "number" && value >= 0 && value < 4e12;
