/** A board in QEMU: powered on, spoken to over its serial console, and cut off from its power. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { BoardImage } from "../../build/package/board.ts";

/** Emulated, a command takes a second or two; the longest reads a whole log. */
const ANSWER_MS = 90_000;
const BOOT_MS = 90_000;
/** What the console printed lately, characters. */
const KEPT = 400_000;

export interface MachineOptions extends BoardImage {
  readonly disk: string;
  /** Of 127.0.0.1: what connects there reaches the agent. */
  readonly chargerPort: number;
  /** The clock's time at power-on; absent: this machine's. */
  readonly clock?: string;
}

export class BoardMachine {
  readonly #child: ChildProcess;
  #said = "";
  #asked = 0;
  #waiting: (() => void) | undefined;
  readonly begunMs = performance.now();

  constructor({ kernel, initramfs, disk, chargerPort, clock }: MachineOptions) {
    this.#child = spawn("qemu-system-aarch64", [
      "-M", "virt", "-cpu", "cortex-a72", "-m", "1024", "-display", "none", "-monitor", "none", "-serial", "stdio",
      "-kernel", kernel, "-initrd", initramfs, "-append", "console=ttyAMA0 quiet panic=1 rdinit=/init",
      // What the board has flushed lies in this machine's memory or on its disk; what it has not is gone with QEMU.
      "-drive", `file=${disk},if=virtio,format=raw,cache=writeback`, "-no-reboot",
      "-netdev", `user,id=n,hostfwd=tcp:127.0.0.1:${chargerPort}-:9000`, "-device", "virtio-net-pci,netdev=n,romfile=",
      ...(clock === undefined ? [] : ["-rtc", `base=${clock}`]),
    ], { stdio: ["pipe", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("latin1").on("data", (text: string) => {
        this.#said = (this.#said + text).slice(-KEPT);
        this.#waiting?.();
      });
    }
    this.#child.stdin?.on("error", () => {}); // it was cut off
    process.once("exit", () => this.#child.kill("SIGKILL"));
  }

  /** Settles once the console takes commands. */
  async booted(): Promise<void> {
    await this.#heard(/built-in shell/, BOOT_MS);
  }

  /** Types a command; what it printed, without the line that was typed. */
  async run(command: string): Promise<{ readonly code: number; readonly out: string }> {
    const mark = `kw${this.#asked += 1}`;
    // Typed in two pieces, so that the echo of what is typed is not taken for the answer.
    this.#child.stdin?.write(`echo ${mark}'<'; ${command}; echo "${mark}>$?"\n`);
    const [, out = "", code = ""] = await this.#heard(new RegExp(`${mark}<\\r?\\n([^]*?)${mark}>(\\d+)`), ANSWER_MS);
    return { code: Number(code), out: out.replaceAll("\r", "") };
  }

  async #heard(what: RegExp, withinMs: number): Promise<RegExpExecArray> {
    const late = setTimeout(() => this.#waiting?.(), withinMs);
    const endMs = performance.now() + withinMs;
    try {
      for (;;) {
        const found = what.exec(this.#said);
        if (found !== null) return found;
        if (this.#child.exitCode !== null || performance.now() >= endMs) {
          throw new Error(`the board did not say ${what.source}: ${this.#said.slice(-300)}`);
        }
        await new Promise<void>((resolve) => {
          this.#waiting = resolve;
        });
      }
    } finally {
      clearTimeout(late);
    }
  }

  /** QEMU is killed: the board's memory is gone, and what it had not flushed. */
  async cutPower(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
