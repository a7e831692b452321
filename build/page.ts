/** The agent's page as it travels in the program's file: minified, then Brotli in base64, by path. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { transform } from "esbuild";
import type { PackedPage } from "../edge-agent/dashboard/dashboard.ts";

const FOLDER = "edge-agent/dashboard/page";
/** Packed, all of it: the page must not cost more than it is worth in an update. */
export const MOST_PACKED_BYTES = 64 * 1024;

const read = (root: string, name: string): string => readFileSync(join(root, FOLDER, name), "utf8");

async function small(root: string, name: string, loader: "js" | "css"): Promise<string> {
  return (await transform(read(root, name), { loader, minify: true, target: "es2022", charset: "utf8" })).code;
}

/** Each file of the page as a browser gets it. */
export async function pageFiles(root: string): Promise<Readonly<Record<string, string>>> {
  return {
    "/": read(root, "index.html").replace(/^\s+/gm, ""), "/page.css": await small(root, "page.css", "css"),
    "/page.js": await small(root, "page.js", "js"),
  };
}

/** The page of a whole street: the same files, and what an agent need not hold. */
export async function streetFiles(root: string): Promise<Readonly<Record<string, string>>> {
  const page = await pageFiles(root);
  const head = '<link rel="stylesheet" href="street.css"><script src="street.js" type="module"></script></head>';
  return {
    ...page, "/": page["/"]!.replace("</head>", head).replace("<body>", "<body data-street>")
      .replace("<main", '<nav id="street" aria-label="The street"></nav><main')
      .replace('<div id="all"', `${read(root, "street.html").replace(/^\s+/gm, "")}<div id="all"`),
    "/street.css": await small(root, "street.css", "css"), "/street.js": await small(root, "street.js", "js"),
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
