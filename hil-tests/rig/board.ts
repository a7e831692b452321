/**
 * `npm run hil board`: makes the image of the whole board, and plays its acts in a network of its own, where neither
 * the board nor what is outside of it reaches anything else (board-rig.ts).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { type BoardImage, boardIn, makeBoard } from "../../build/package/board.ts";
import { makeCard } from "../../build/package/card.ts";
import { makeRelease } from "../../build/package/release.ts";
import { MissingTool, needTools } from "../../build/package/tools.ts";
import { repoRoot } from "../../build/paths.ts";
import { type BoardOrders, BOARD_ORDERS_VARIABLE } from "./board-rig.ts";
import { privateNet } from "./private-net.ts";

export interface BoardOptions extends Omit<BoardOrders, "folder" | "image" | "card" | "instead"> {
  /** A folder that `npm run package -- qemu-virt-arm64` made; absent: the image is made anew. */
  readonly made?: string;
}

interface Made {
  readonly image: BoardImage;
  readonly card?: string;
}

/** The image of now, into `folder`; no card where what makes one is missing. */
async function makeImage(folder: string): Promise<Made> {
  const release = await makeRelease((line) => console.log(line));
  const image = await makeBoard(release, folder);
  try {
    return { image, card: await makeCard(image, release, folder) };
  } catch (error) {
    if (error instanceof MissingTool) return { image };
    throw error;
  }
}

/** The image of a package; its card is copied, since the bench writes on it. */
function imageOf(made: string, folder: string): Made {
  const [from, card] = [join(made, "card.img"), join(folder, "card.img")];
  const image = boardIn(made);
  const lacks = Object.values(image).find((path) => !existsSync(path));
  if (lacks !== undefined) throw new TypeError(`--image: ${lacks} is not there; npm run package -- qemu-virt-arm64`);
  if (!existsSync(from)) return { image };
  copyFileSync(from, card);
  return { image, card };
}

/** Unpacked once by this machine, and not at each of the many boots by the emulated one. */
function unpacked({ kernel, initramfs }: BoardImage, folder: string): BoardImage {
  const plain = join(folder, "initramfs.cpio");
  writeFileSync(plain, gunzipSync(readFileSync(initramfs)));
  return { kernel, initramfs: plain };
}

/** Gives the exit code. @throws MissingTool when QEMU or mke2fs is not here */
export async function playBoard(options: BoardOptions): Promise<number> {
  needTools({ "qemu-system-aarch64": "qemu-system-arm", mke2fs: "e2fsprogs" });
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-board-"));
  try {
    const { made, ...chosen } = options;
    const { image, card } = made === undefined ? await makeImage(folder) : imageOf(made, folder);
    const { prefix, instead } = privateNet();
    const { xml, json } = options;
    const orders: BoardOrders = {
      ...chosen, folder, image: unpacked(image, folder), ...(card !== undefined && { card }),
      ...(instead !== undefined && { instead }),
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
