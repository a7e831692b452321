/** systemd itself, as the first process of namespaces of its own, with an unpacked package: no virtual machine. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { run } from "../../build/package/tools.ts";

const SCRIPT = "hil-tests/rig/systemd-root.sh";
const UP_WITHIN_S = 90;
const ENTER = ["-m", "-p", "-C", "-u", "-i", "-r", "-w"];

export interface Ran {
  readonly ok: boolean;
  readonly out: string;
}

export class SystemdMachine {
  readonly #child: ChildProcess;
  #pid: string | undefined;
  #said = "";

  /** `root`: a folder that may be made; `packageRoot`: the unpacked package. */
  constructor(root: string, packageRoot: string) {
    mkdirSync(root, { recursive: true });
    this.#child = spawn("unshare", ["--kill-child", "-m", "-p", "-f", "-C", "-u", "-i", "sh", join(repoRoot, SCRIPT),
      root, packageRoot], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said = (this.#said + text).slice(-2_000);
      });
    }
    process.once("exit", () => this.#child.kill("SIGKILL"));
  }

  /** Settles once systemd has started what it starts. Rejects with what was said when it does not come so far. */
  async booted(): Promise<void> {
    for (const endMs = performance.now() + 1000 * UP_WITHIN_S; performance.now() < endMs;) {
      if (this.#child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 250));
      this.#pid = childOf(this.#child.pid);
      const { out } = await this.run("systemctl", "is-system-running");
      if (/^(running|degraded)/.test(out)) return;
    }
    throw new Error(`no systemd here: ${this.#said.trim() || `not running within ${UP_WITHIN_S} s`}`);
  }

  /** Runs a program inside, as root. Never rejects. */
  async run(program: string, ...args: readonly string[]): Promise<Ran> {
    if (this.#pid === undefined) return { ok: false, out: "" };
    return await run("nsenter", ["-t", this.#pid, ...ENTER, program, ...args])
      .then((out) => ({ ok: true, out }), (error: Error) => ({ ok: false, out: error.message }));
  }

  /** Writes a file inside, with folders. */
  async write(path: string, text: string, mode = "0644"): Promise<void> {
    const shell = 'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1" && chmod "$3" "$1"';
    const { ok, out } = await this.run("sh", "-c", shell, "sh", path, text, mode);
    if (!ok) throw new Error(`${path}: ${out}`);
  }

  /** Properties of a unit. */
  async show(unit: string, ...names: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const { out } = await this.run("systemctl", "show", unit, ...names.map((name) => `--property=${name}`));
    return Object.fromEntries(out.split("\n").filter((line) => line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  }

  /** With all that runs in it. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

function childOf(pid: number | undefined): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0] || undefined;
  } catch {
    return undefined; // it has ended
  }
}
