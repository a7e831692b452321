/** The agent's page as it travels in the program's file: minified, then Brotli in base64, by path. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { transform } from "esbuild";
import type { PackedPage } from "../edge-agent/dashboard/dashboard.ts";

const FOLDER = "edge-agent/dashboard/page";
/** Packed, all of it: the page must not cost more than it is worth in an update. */
export const MOST_PACKED_BYTES = 64 * 1024;

/** Each file of the page as a browser gets it. */
export async function pageFiles(root: string): Promise<Readonly<Record<string, string>>> {
  const read = (name: string): string => readFileSync(join(root, FOLDER, name), "utf8");
  const small = async (name: string, loader: "js" | "css"): Promise<string> =>
    (await transform(read(name), { loader, minify: true, target: "es2022", charset: "utf8" })).code;
  return {
    "/": read("index.html").replace(/^\s+/gm, ""), "/page.css": await small("page.css", "css"),
    "/page.js": await small("page.js", "js"),
  };
}

/** @throws Error when the page has grown beyond what it may cost */
export async function packedPage(root: string): Promise<PackedPage> {
  const files = Object.entries(await pageFiles(root)).map(([path, text]) => {
    const bytes = Buffer.from(text, "utf8");
    return [path, brotliCompressSync(bytes, { params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT, [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    } }).toString("base64")];
  });
  const size = files.reduce((sum, [, packed]) => sum + packed!.length, 0);
  if (size > MOST_PACKED_BYTES) throw new Error(`the page is ${size} bytes; at most ${MOST_PACKED_BYTES}`);
  return Object.fromEntries(files) as PackedPage;
}
