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

/** An agent that was asked to stop saves, signs and is gone within a second. */
const GRACE_MS = 5_000;

const running = new Set<ChildProcess>();

/** Whatever ends this process ends its children: none may outlive the bench. */
function followed<T extends ChildProcess>(child: T): T {
  if (running.size === 0 && !process.listeners("exit").includes(endAll)) process.once("exit", endAll);
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

function endAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Ends whatever still runs, at once; settles when nothing does. */
export async function endEveryProcess(): Promise<void> {
  const ended = [...running].map((child) => new Promise((resolve) => child.once("exit", resolve)));
  endAll();
  await Promise.all(ended);
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  /** Sees standard error as it comes. */
  readonly onLine?: (line: string) => void;
  /** Ends the process when aborted. */
  readonly signal?: AbortSignal;
}

/** Runs one command of a built file to its end; never rejects. */
export async function runFile(
  file: string, args: readonly string[], { onLine = () => {}, signal }: RunOptions = {},
): Promise<Ran> {
  const child = promisify(execFile)(process.execPath, [file, ...args], {
    maxBuffer: 64 * 1024 * 1024, ...(signal !== undefined && { signal }),
  });
  followed(child.child);
  if (child.child.stderr !== null) createInterface({ input: child.child.stderr }).on("line", onLine);
  try {
    const { stdout, stderr } = await child;
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: unknown; stdout?: string; stderr?: string };
    return { code: typeof code === "number" ? code : 1, out: stdout, err: stderr };
  }
}

/** The arguments of Node that run the agent of a configuration. */
export function agentCommand(config: string): string[] {
  return [AGENT_FILE, "run", "--config", config];
}

export class AgentProcess {
  /** Times that it was started. */
  starts = 0;
  /** How it ended each time that nobody had asked for it: exit code or signal, and its last words. */
  readonly deaths: string[] = [];
  readonly #command: readonly string[];
  readonly #logFile: string;
  readonly #events = new Waiters<number | undefined>();
  #child: ChildProcess | undefined;
  #lastWords = "";
  #wanted = false;
  #killed = false;

  readonly #program: string;

  /** `command`: what `program`, this Node when absent, is to run. Its output goes to `logFile`. */
  constructor(command: readonly string[], logFile: string, program: string = process.execPath) {
    this.#command = command;
    this.#logFile = logFile;
    this.#program = program;
  }

  /** Settles once chargers can connect; rejects when the process ends before that. */
  async start(): Promise<void> {
    this.#wanted = true;
    const up = this.#up();
    this.#spawn();
    await up;
  }

  /** As a power cut would: no last word. Settles when the process that takes its place is listening. */
  async kill(): Promise<void> {
    const up = this.#up();
    this.#killed = true;
    this.#child?.kill("SIGKILL");
    await up;
  }

  /** The same, and nothing takes its place. */
  async killForGood(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Asks it to stop; its exit code. One that does not is killed. */
  async stop(): Promise<number | undefined> {
    return await this.#end("SIGTERM");
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async #end(signal: NodeJS.Signals): Promise<number | undefined> {
    this.#wanted = false;
    const child = this.#child;
    if (child === undefined) return undefined;
    const ended = this.#events.next("ended");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
    const code = await ended;
    clearTimeout(timer);
    return code;
  }

  async #up(): Promise<void> {
    const listening = this.#events.next("listening").then(() => "listening" as const);
    const code = await Promise.race([listening, this.#events.next("ended")]);
    if (code === "listening") return;
    throw new Error(`the agent of ${this.#logFile} ended with exit code ${code ?? "none"}: ${this.#lastWords}`);
  }

  #spawn(): void {
    this.starts += 1;
    this.#killed = false;
    let listened = false;
    this.#lastWords = "";
    // Where it threw goes to the log.
    const env = { ...process.env, KERBWATCH_DEBUG: "1" };
    const child = followed(spawn(this.#program, [...this.#command], { stdio: ["ignore", "pipe", "pipe"], env }));
    this.#child = child;
    const log = createWriteStream(this.#logFile, { flags: "a" }).on("error", () => {}); // nobody's charging needs it
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    createInterface({ input: child.stderr }).on("line", (line) => {
      const isStack = /^\s+at /.test(line);
      if (!isStack) this.#lastWords = line;
      if (!line.includes("chargers connect to")) return;
      listened = true;
      this.#events.tell("listening", undefined);
    });
    // Not at `exit`: its last words may still be on their way.
    child.once("close", (code, signal) => {
      log.end();
      this.#child = undefined;
      if (this.#wanted && !this.#killed) {
        this.deaths.push(`${signal ?? `exit code ${code}`}${this.#lastWords === "" ? "" : `, ${this.#lastWords}`}`);
      }
      if (this.#wanted && listened) this.#spawn();
      else this.#events.tell("ended", code ?? undefined);
    });
  }
}
