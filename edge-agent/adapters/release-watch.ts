/**
 * Beside a running agent: keeps the release that it is on trial once it is healthy, takes it back when it does not
 * become so, and ends the process for a newly installed one when no car charges. Asks the agent over its socket, so
 * that it does not matter which process it is.
 */
import type { Status } from "../status.ts";
import { LEAST_MS, missing, TRIAL_MS } from "../update/health.ts";
import { readPointer, writePointer } from "../update/install.ts";
import { kept, type Pointer, takenBack } from "../update/pointer.ts";
import { askStatus } from "./agent-client.ts";
import { releaseFolder } from "./release-folder.ts";
import type { OwnRelease } from "./release-start.ts";

const LOOK_MS = 10_000;
const ASK_MS = 5_000;
/** More than a charger's own standby: something is being charged, whatever the messages say. */
const CHARGING_W = 500;

export interface WatchOptions {
  readonly stateDir: string;
  readonly own: OwnRelease | undefined;
  /** Whoever starts this process again when it ends (systemd does, where it asked for signs of life). */
  readonly isRestarted: boolean;
  readonly say: (text: string) => void;
  /** Ends the process as if it had been asked to. */
  readonly end: () => void;
}

export interface ReleaseWatch {
  stop(): void;
}

/** Undefined status: nobody can say, and then a car may be charging. */
export function isCharging(status: Status | undefined): boolean {
  if (status === undefined) return true;
  const { link: { openTransactions }, meters } = status;
  return openTransactions !== 0 || meters.some(({ powerW = 0 }) => Math.abs(powerW) > CHARGING_W);
}

/** What to do now; the state of the agent as `status`, undefined while it does not answer. Pure. */
export type Decision = "wait" | "keep" | "take-back" | "restart";

export function decide(
  own: OwnRelease | undefined, pointer: Pointer, status: Status | undefined, upMs: number,
): { readonly decision: Decision; readonly why: string } {
  const trial = pointer.trial?.release.hash;
  const isOwnTrial = own?.onTrial === true && trial === own.hash;
  if (isOwnTrial && upMs >= LEAST_MS) {
    const lacks = status === undefined ? ["the agent does not answer"] : missing(status);
    if (lacks.length === 0) return { decision: "keep", why: "log open, neighbours reached, frames pass both ways" };
    if (upMs >= TRIAL_MS) return { decision: "take-back", why: lacks.join(", ") };
  }
  if (isOwnTrial) return { decision: "wait", why: "" };
  // A trial that is not this process's own, or another release than this one to run: by hand, or by an installation.
  const shouldRun = trial ?? pointer.active?.hash;
  if (shouldRun === own?.hash || isCharging(status)) return { decision: "wait", why: "" };
  return { decision: "restart", why: "another release is to run, and no car charges" };
}

export function watchReleases({ stateDir, own, isRestarted, say, end }: WatchOptions): ReleaseWatch {
  const folder = releaseFolder(stateDir);
  const begun = performance.now();
  let isOver = false;
  let told = false;
  const leave = (why: string): void => {
    if (told) return;
    told = true;
    say(`update: ${why}; ${isRestarted ? "ends, to be started as it" : "start the agent again"}`);
    if (isRestarted) end();
  };
  const look = async (): Promise<void> => {
    // Most boards have never had an update: a look at one file.
    const before = readPointer(folder);
    if (own === undefined && before.trial === undefined && before.active === undefined) return;
    const asked = await askStatus(stateDir, ASK_MS);
    if (isOver) return;
    const status = asked.kind === "status" ? asked.status : undefined;
    const pointer = readPointer(folder);
    const { decision, why } = decide(own, pointer, status, performance.now() - begun);
    if (decision === "keep") writePointer(folder, kept(pointer, why));
    if (decision === "keep") say(`update: the release on trial is kept: ${why}`);
    if (decision === "take-back") writePointer(folder, takenBack(pointer, why));
    if (decision === "take-back" || decision === "restart") leave(why);
  };
  const timer = setInterval(() => {
    look().catch((error: Error) => say(`update: ${error.message}`));
  }, LOOK_MS);
  return { stop: () => {
    isOver = true;
    clearInterval(timer);
  } };
}

/** Steps of updates that the log does not have yet; `logged` once it does. Nothing where the folder cannot be read. */
export function stepsToLog(stateDir: string): { readonly steps: readonly string[]; logged(): void } {
  const folder = releaseFolder(stateDir);
  const steps = ((): readonly string[] => {
    try {
      return readPointer(folder).steps;
    } catch {
      return [];
    }
  })();
  const logged = (): void => {
    const pointer = readPointer(folder);
    writePointer(folder, { ...pointer, steps: pointer.steps.filter((step) => !steps.includes(step)) });
  };
  return { steps, logged: () => (steps.length > 0 ? logged() : undefined) };
}
