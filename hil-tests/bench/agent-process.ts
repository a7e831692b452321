/** The shipped file as a process, kept alive as a service manager would: started again whenever it dies. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { repoRoot } from "../../build/paths.ts";
import { Waiters } from "./waiters.ts";

export const AGENT_FILE = join(repoRoot, "dist", "kerbwatch.cjs");
export const SIM_FILE = join(repoRoot, "dist", "kerbwatch-sim.cjs");

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command of a built file to its end; never rejects. `onLine` sees standard error as it comes. */
export async function runFile(
  file: string, args: readonly string[], onLine: (line: string) => void = () => {},
): Promise<Ran> {
  const child = promisify(execFile)(process.execPath, [file, ...args], { maxBuffer: 64 * 1024 * 1024 });
  if (child.child.stderr !== null) createInterface({ input: child.child.stderr }).on("line", onLine);
  try {
    const { stdout, stderr } = await child;
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: unknown; stdout?: string; stderr?: string };
    return { code: typeof code === "number" ? code : 1, out: stdout, err: stderr };
  }
}

export class AgentProcess {
  /** Times that it was started. */
  starts = 0;
  readonly #config: string;
  readonly #logFile: string;
  readonly #events = new Waiters<number | undefined>();
  #child: ChildProcess | undefined;
  #wanted = false;

  constructor(config: string, logFile: string) {
    this.#config = config;
    this.#logFile = logFile;
  }

  /** Settles once chargers can connect; rejects when the process ends before that. */
  async start(): Promise<void> {
    this.#wanted = true;
    const listening = this.#events.next("listening");
    const ended = this.#events.next("ended");
    this.#spawn();
    const code = await Promise.race([listening.then(() => "listening" as const), ended]);
    if (code !== "listening") throw new Error(`the agent ended with exit code ${code ?? "none"}; see ${this.#logFile}`);
  }

  /** As a power cut would: no last word. Settles when the process that takes its place is listening. */
  async kill(): Promise<void> {
    const back = this.#events.next("listening");
    this.#child?.kill("SIGKILL");
    await back;
  }

  /** Asks it to stop; its exit code. */
  async stop(): Promise<number | undefined> {
    this.#wanted = false;
    if (this.#child === undefined) return undefined;
    const ended = this.#events.next("ended");
    this.#child.kill("SIGTERM");
    return await ended;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  #spawn(): void {
    this.starts += 1;
    let listened = false;
    const child = spawn(process.execPath, [AGENT_FILE, "run", "--config", this.#config], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    const log = createWriteStream(this.#logFile, { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (!line.includes("chargers connect to")) return;
      listened = true;
      this.#events.tell("listening", undefined);
    });
    child.once("exit", (code) => {
      this.#child = undefined;
      log.end();
      if (this.#wanted && listened) this.#spawn();
      else this.#events.tell("ended", code ?? undefined);
    });
  }
}
