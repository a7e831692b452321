/** A board in QEMU: powered on, spoken to over its serial console, and cut off from its power. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { BoardImage } from "../../build/package/board.ts";

/** Emulated, a command takes a second or two, the longest reads a whole log; on a busy machine many times as long. */
const ANSWER_MS = 5 * 60_000;
const BOOT_MS = 5 * 60_000;
/** Where the agent's broker listens on the board. */
export const BROKER_PORT = 8883;
/** What the console printed lately, characters. */
const KEPT = 400_000;

export interface MachineOptions {
  /** What QEMU starts by itself, or the folder of a firmware that finds a boot loader on the disk. */
  readonly boot: BoardImage | { readonly firmware: string };
  readonly disk: string;
  /** Of 127.0.0.1: what connects there reaches the agent. */
  readonly chargerPort: number;
  /** Of the address by which the board reaches this machine: what connects there reaches the agent's broker. */
  readonly broker?: { readonly host: string; readonly port: number };
  /** The clock's time at power-on; absent: this machine's. */
  readonly clock?: string;
  /** Time passes by instructions, so that what is read inside does not depend on how busy this machine is. */
  readonly counted?: boolean;
}

/** Nanoseconds of the board's time for an instruction, as a power of two: 125 million a second. */
const COUNTED_SHIFT = 3;

function argumentsOf({ boot, disk, chargerPort, broker, clock, counted }: MachineOptions): string[] {
  const forwarded = [`tcp:127.0.0.1:${chargerPort}-:9000`,
    ...(broker === undefined ? [] : [`tcp:${broker.host}:${broker.port}-:${BROKER_PORT}`])];
  return [
    "-M", "virt", "-cpu", "cortex-a72", "-m", "1024", "-display", "none", "-monitor", "none", "-serial", "stdio",
    ...("firmware" in boot ? ["-bios", boot.firmware] : [
      "-kernel", boot.kernel, "-initrd", boot.initramfs, "-append", "console=ttyAMA0 quiet panic=1 rdinit=/init",
    ]),
    // What the board has flushed lies in this machine's memory or on its disk; what it has not is gone with QEMU.
    "-drive", `file=${disk},if=virtio,format=raw,cache=writeback`, "-no-reboot",
    "-netdev", ["user,id=n", ...forwarded.map((one) => `hostfwd=${one}`)].join(","),
    "-device", "virtio-net-pci,netdev=n,romfile=",
    ...(clock === undefined ? [] : ["-rtc", `base=${clock}`]),
    ...(counted === true ? ["-icount", `shift=${COUNTED_SHIFT},sleep=on`] : []),
  ];
}

export class BoardMachine {
  readonly #child: ChildProcess;
  #said = "";
  #asked = 0;
  #waiting: (() => void) | undefined;
  readonly begunMs = performance.now();
  readonly #atExit = (): void => void this.#child.kill("SIGKILL");

  constructor(options: MachineOptions) {
    this.#child = spawn("qemu-system-aarch64", argumentsOf(options), { stdio: ["pipe", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("latin1").on("data", (text: string) => {
        this.#said = (this.#said + text).slice(-KEPT);
        this.#waiting?.();
      });
    }
    this.#child.stdin?.on("error", () => {}); // it was cut off
    process.once("exit", this.#atExit);
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
    process.off("exit", this.#atExit);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
