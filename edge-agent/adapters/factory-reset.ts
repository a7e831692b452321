/**
 * A factory reset, as the running agent takes part in it: the last entry of its log is made and signed, so that
 * neighbours can cosign it; then nothing is signed any more and the process ends. Who asks for it (cli/reset.ts) waits
 * in between, and erases.
 */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Now } from "../../models/units.ts";
import type { AgentState } from "../pipeline.ts";
import type { Effect } from "../ports.ts";
import { recordOne, signCheckpoint } from "../record/journal.ts";
import { refuse } from "../record/record.ts";
import { offerToWitnesses } from "../record/witnessing.ts";
import type { Status } from "../status.ts";
import { replaceFile, syncFolder } from "./durable-file.ts";
import type { Asked } from "./http.ts";
import { takeLock } from "./lock-file.ts";
import { isCharging } from "./release-watch.ts";

/** Says that an erasure has begun: whoever finds it there goes through with it. */
const MARK = "reset-under-way";
/** What belongs to a device's past. The roster stays, which is public, and so does the program. */
const ERASED = ["keys", "log", "normal.json", "normal.slots", "outlets", "config.good.json"];

const markPath = (stateDir: string): string => join(stateDir, MARK);

export interface Leaving {
  readonly state: AgentState;
  readonly status: () => Status;
  readonly now: Now;
  readonly carryOut: (effects: readonly Effect[]) => void;
  /** Has the process end as if it had been asked to. */
  readonly leave: () => void;
}

export const lastEntry = (by: string, reason: string): string =>
  `factory reset by ${by} (${reason}): the keys of this device end with this entry`;

type Body = Readonly<Record<string, unknown>>;

/** Makes the entry and signs a checkpoint over it, which neighbours are asked to cosign at once. */
function logLast({ state: { journal, witnessing }, now, carryOut }: Leaving, { by, reason }: Body): Asked {
  const text = lastEntry(String(by).slice(0, 100), String(reason).slice(0, 300));
  carryOut([...recordOne(journal, { kind: "notice", at: now.wallMs, text }), ...signCheckpoint(journal)]);
  journal.log.unseen = true;
  carryOut([{ kind: "publish", messages: offerToWitnesses(witnessing, journal, now) }]);
  const { refused, frontier: { size } } = journal.log;
  const witnesses = witnessing?.partners.size ?? 0;
  return refused === undefined ? { code: 200, body: { size, witnesses } }
    : { code: 409, body: { error: `nothing can be logged first: ${refused}` } };
}

/** What is asked on the agent's socket; undefined: something else. */
export function askReset(leaving: Leaving, path: string, body: Body): Asked | undefined {
  const { state: { journal }, status, carryOut, leave } = leaving;
  if (path === "/reset/end") {
    carryOut(refuse(journal.log, "factory reset"));
    leave();
    return { code: 200, body: {} };
  }
  if (path !== "/reset") return undefined;
  if (body["now"] !== true && isCharging(status())) {
    return { code: 409, body: { error: "a car may be charging; wait until it is gone, or --now" } };
  }
  return logLast(leaving, body);
}

/** From here on the erasure is gone through with, also after a power cut. Throws the system's error. */
export function beginErasing(stateDir: string): void {
  replaceFile(markPath(stateDir), "");
}

export const isErasing = (stateDir: string): boolean => existsSync(markPath(stateDir));

/** Overwritten first, though flash may keep an old copy of anything for a while. */
function overwrite(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isFile()) writeFileSync(path, new Uint8Array(statSync(path).size), { flag: "r+" });
  }
}

/**
 * Erases the device's past, keys first: a device without keys is none, whatever is left. Does nothing unless it was
 * begun. Throws LockHeldError while an agent runs, or the system's error; it can be called again.
 */
export function goOnErasing(stateDir: string): void {
  if (!isErasing(stateDir)) return;
  const lock = takeLock(join(stateDir, "lock"));
  try {
    const keys = join(stateDir, "keys");
    if (existsSync(keys)) overwrite(keys);
    for (const name of ERASED) rmSync(join(stateDir, name), { recursive: true, force: true });
    syncFolder(stateDir);
    rmSync(markPath(stateDir), { force: true });
    syncFolder(stateDir);
  } finally {
    lock.release();
  }
}
