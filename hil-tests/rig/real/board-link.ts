/** Commands on a board and on this machine: over SSH, or typed on a console. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import type { Reach } from "./board-file.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
}

export interface BoardLink {
  /**
   * Never rejects: what cannot be reached has failed.
   * @param input what it reads, lines of letters, digits and `+/=` (base64)
   */
  run(command: string, input?: string): Promise<Ran>;
  close(): void;
}

const CONNECT_S = 10;
const ANSWER_MS = 120_000;
const MOST_OUTPUT = 8 * 1024 * 1024;
/** OpenSSH's own failures. */
const UNREACHED = 255;

function ran(program: string, args: readonly string[], input = ""): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { timeout: ANSWER_MS, maxBuffer: MOST_OUTPUT, encoding: "utf8" } as const;
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : UNREACHED;
      resolve({ code, out: code === 0 ? stdout : `${stdout}${stderr}` });
    });
    child.stdin?.on("error", () => undefined).end(input); // it may end without having read
  });
}

/** A command of this machine, by its shell. */
export const runHere = (command: string): Promise<Ran> => ran("sh", ["-c", command]);

/** What is run here for a command on the board. */
export function sshWords({ host, port, user, options }: Extract<Reach, { kind: "ssh" }>): readonly string[] {
  return ["ssh", "-o", "BatchMode=yes", "-o", `ConnectTimeout=${CONNECT_S}`,
    ...options.flatMap((option) => ["-o", option]), "-p", String(port), `${user}@${host}`];
}

class SshLink implements BoardLink {
  readonly #words: readonly string[];

  constructor(reach: Extract<Reach, { kind: "ssh" }>) {
    this.#words = sshWords(reach);
  }

  run(command: string, input?: string): Promise<Ran> {
    const [program = "", ...args] = this.#words;
    return ran(program, [...args, command], input);
  }

  close(): void {}
}

/** A console: its answers are found between marks, typed in two pieces so that no echo is taken for one. */
class SerialLink implements BoardLink {
  readonly #command: string;
  #child: ChildProcess | undefined;
  #said = "";
  #asked = 0;
  #last: Promise<unknown> = Promise.resolve();
  #heard: () => void = () => undefined;

  constructor(command: string) {
    this.#command = command;
  }

  #console(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    const child = spawn("sh", ["-c", this.#command], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    child.stdin.on("error", () => undefined); // it has ended, and says so
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-MOST_OUTPUT);
      this.#heard();
    });
    child.on("close", () => {
      this.#child = undefined;
      this.#heard();
    });
    return child;
  }

  /** One after the other: the console is one. */
  run(command: string, input?: string): Promise<Ran> {
    const answer = this.#last.then(() => this.#type(command, input));
    this.#last = answer;
    return answer;
  }

  async #type(command: string, input?: string): Promise<Ran> {
    const mark = `kw${this.#asked += 1}`;
    this.#said = "";
    const child = this.#console();
    const [from, lines] = input === undefined ? ["", ""] : [` <<'${mark}'`, `${input}\n${mark}\n`];
    child.stdin?.write(`echo ${mark}'<'; { ${command}; }${from}; echo "${mark}>$?"\n${lines}`);
    const answer = new RegExp(`${mark}<\\r?\\n([^]*?)${mark}>(\\d+)`);
    const endMs = performance.now() + ANSWER_MS;
    for (;;) {
      const [, out, code] = answer.exec(this.#said) ?? [];
      if (out !== undefined) return { code: Number(code), out: out.replaceAll("\r", "") };
      const leftMs = endMs - performance.now();
      if (this.#child === undefined || leftMs <= 0) {
        return { code: UNREACHED, out: `no answer: ${this.#said.slice(-300)}` };
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.#child?.kill();
  }
}

export const linkTo = (reach: Reach): BoardLink =>
  reach.kind === "ssh" ? new SshLink(reach) : new SerialLink(reach.command);
