/** The bench's board: Debian's kernel, and an initial file system that holds the rest (targets/qemu-virt-arm64). */
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { CONTAINER } from "../../targets/container/image.ts";
import { NODE_FLAGS } from "../../targets/nodes.ts";
import {
  BOARD_FILES, BOARD_FOLDERS, KERNEL_NAME, KERNEL_PACKAGE, MODULES,
} from "../../targets/qemu-virt-arm64/board.ts";
import { repoRoot } from "../paths.ts";
import { cpioOf } from "./cpio.ts";
import { unpackDebian } from "./debian-archive.ts";
import { layOutProgram } from "./oci.ts";
import type { Release } from "./release.ts";
import { cached, once, runtimeOf } from "./runtime.ts";
import { type Say, step } from "./tools.ts";

export interface BoardImage {
  readonly kernel: string;
  readonly initramfs: string;
}

/** Where they lie in the folder of a package. */
export const boardIn = (folder: string): BoardImage =>
  ({ kernel: join(folder, "vmlinuz"), initramfs: join(folder, "initramfs.cpio.gz") });

/** Kernel and busybox, unpacked. */
async function system(say: Say): Promise<string> {
  const folder = cached("board-arm64");
  if (!existsSync(folder)) {
    const names = { packages: ["busybox-static", KERNEL_PACKAGE], whatItNeeds: KERNEL_NAME };
    await step("fetching Debian's kernel and busybox for arm64", say, () =>
      once(folder, async (aside) => void await unpackDebian("arm64", names, aside, say)));
  }
  return join(folder, "root");
}

/** Gives where kernel and file system lie. */
export async function makeBoard(release: Release, outDir: string): Promise<BoardImage> {
  const { say, epochS } = release;
  const [from, runtime] = [await system(say), await runtimeOf("arm64", say)];
  const boot = join(from, "boot");
  const kernel = readdirSync(boot).find((name) => name.startsWith("vmlinuz-"));
  if (kernel === undefined) throw new Error(`no kernel in ${boot}`);
  const modules = join(from, "lib/modules", kernel.slice("vmlinuz-".length), "kernel");
  const root = mkdtempSync(join(tmpdir(), "kerbwatch-board-"));
  const put = (path: string, content: string | Uint8Array, mode = 0o644): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  };
  try {
    layOutProgram(root, runtime, release);
    for (const folder of BOARD_FOLDERS) mkdirSync(join(root, folder), { recursive: true });
    for (const [name, path, mode] of BOARD_FILES) {
      put(path, readFileSync(join(repoRoot, "targets/qemu-virt-arm64", name)), mode);
    }
    put("bin/busybox", readFileSync(join(from, "bin/busybox")), 0o755);
    const words = [`/${CONTAINER.node}`, ...NODE_FLAGS, `/${CONTAINER.program}`].join(" ");
    put("bin/kerbwatch", `#!/bin/sh\nexec ${words} "$@"\n`, 0o755);
    for (const module of MODULES) put(`lib/modules/${basename(module)}`, readFileSync(join(modules, module)));
    put("etc/modules", MODULES.map((module) => `${basename(module)}\n`).join(""));
    mkdirSync(outDir, { recursive: true });
    const image = boardIn(outDir);
    copyFileSync(join(boot, kernel), image.kernel);
    await step("packing the board's file system", say, async () =>
      writeFileSync(image.initramfs, gzipSync(cpioOf(root, epochS), { level: 6 })));
    return image;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
