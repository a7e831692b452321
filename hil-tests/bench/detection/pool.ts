/** Jobs for a few worker processes of this very script; results come as they are done. */
import { fork } from "node:child_process";

/** Given to a worker in place of options. */
export const WORKER = "--worker";

interface Failed {
  readonly failed: string;
}

function isFailed(answer: unknown): answer is Failed {
  return typeof answer === "object" && answer !== null && "failed" in answer;
}

/** The worker's side: does one job at a time until the parent lets go. */
export function serve<Job, Result>(work: (job: Job) => Result): void {
  process.on("message", (job: Job) => {
    let answer: Result | Failed;
    try {
      answer = work(job);
    } catch (error) {
      answer = { failed: error instanceof Error ? error.stack ?? error.message : String(error) };
    }
    process.send?.(answer);
  });
}

/**
 * Runs jobs on `workers` processes, all of them or, once `enough` says so, those that were begun. Rejects with the
 * first failure, and then no worker is left running.
 * @param done is told each result as it comes
 */
export async function runAll<Job, Result>(
  jobs: readonly Job[], workers: number, done: (result: Result, count: number) => void, enough: () => boolean,
): Promise<void> {
  const script = process.argv[1];
  if (script === undefined) throw new Error("a bench runs as a file of its own");
  const waiting = [...jobs];
  let count = 0;
  const children = Array.from({ length: Math.min(workers, jobs.length) }, () =>
    fork(script, [WORKER], { serialization: "advanced" }));
  try {
    await Promise.all(children.map((child) => new Promise<void>((resolve, reject) => {
      const next = (): void => {
        const job = enough() ? undefined : waiting.shift();
        if (job === undefined) return resolve();
        child.send(job as object);
      };
      child.on("message", (answer: Result | Failed) => {
        if (isFailed(answer)) return reject(new Error(answer.failed));
        count += 1;
        done(answer as Result, count);
        next();
      });
      child.on("exit", (code) => reject(new Error(`a worker ended by itself (${code})`)));
      next();
    })));
  } finally {
    for (const child of children) {
      child.removeAllListeners("exit");
      child.disconnect();
    }
  }
}
