/**
 * `npm run hil board`: makes the image of the whole board, and plays its acts in a network of its own, where neither
 * the board nor what is outside of it reaches anything else (board-rig.ts).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeBoard } from "../../build/package/board.ts";
import { makeCard } from "../../build/package/card.ts";
import { makeRelease } from "../../build/package/release.ts";
import { MissingTool, needTools } from "../../build/package/tools.ts";
import { repoRoot } from "../../build/paths.ts";
import { type BoardOrders, BOARD_ORDERS_VARIABLE } from "./board-rig.ts";
import { privateNet } from "./private-net.ts";

export type BoardOptions = Omit<BoardOrders, "folder" | "image" | "card" | "instead">;

/** Gives the exit code. @throws MissingTool when QEMU or mke2fs is not here */
export async function playBoard(options: BoardOptions): Promise<number> {
  needTools({ "qemu-system-aarch64": "qemu-system-arm", mke2fs: "e2fsprogs" });
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-board-"));
  try {
    const release = await makeRelease((line) => console.log(line));
    const image = await makeBoard(release, folder);
    const card = await makeCard(image, release, folder).catch((error: unknown) => {
      if (error instanceof MissingTool) return undefined;
      throw error;
    });
    const { prefix, instead } = privateNet();
    const { xml, json } = options;
    const orders: BoardOrders = {
      ...options, folder, image, ...(card !== undefined && { card }), ...(instead !== undefined && { instead }),
      ...(xml !== undefined && { xml: resolve(xml) }), ...(json !== undefined && { json: resolve(json) }),
    };
    const rig = ["build/run.mjs", "hil-tests/rig/board-rig.ts"].map((path) => join(repoRoot, path));
    const [program = process.execPath, ...args] = [...prefix, process.execPath, ...rig];
    const env = { ...process.env, [BOARD_ORDERS_VARIABLE]: JSON.stringify(orders) };
    const child = spawn(program, args, { stdio: "inherit", cwd: repoRoot, env });
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
    const [code] = await once(child, "close") as [number | null];
    return code ?? 1;
  } finally {
    if (options.keep) console.log(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}
