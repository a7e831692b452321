/**
 * A program as one file that carries its own text compressed: less than half of the bytes on a board's flash and in an
 * update. Each chunk is unpacked into memory and run from there when it is first asked for; nothing is written beside
 * the file.
 */
import { brotliCompressSync, constants } from "node:zlib";
import type { Chunk } from "./chunks.ts";

/** Of node:zlib, bytes. */
const LEAST_CHUNK = 64;
const NOT_ASCII = /[^\0-\x7f]/;

/**
 * The same text becomes the same bytes wherever this runs, on one version of Node; another version may bring another
 * Brotli, and with it other bytes (20.20, 22.23 and 24.22 give the same).
 */
function compressed(text: string): Buffer {
  return brotliCompressSync(Buffer.from(text, "latin1"), {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_QUALITY]: 11,
      // 512 KB of window: more saves nothing, and is held in memory while the text is unpacked.
      [constants.BROTLI_PARAM_LGWIN]: 19,
      [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
    },
  });
}

/** What this file gives to a chunk: what CommonJS does, and things that are packed already (schemas, the page). */
const GIVEN = ["exports", "require", "module", "__filename", "__dirname", "__PACKED__"];
/** What the entry is given is the file's own; of the others each has a module of its own. */
const LOADER = (run: string): string => `
const kept = {};
function load(name) {
  if (!Object.hasOwn(chunks, name)) return require(name);
  if (kept[name]) return kept[name].exports;
  const own = kept[name] = Object.keys(kept).length === 0 ? module : { exports: {} };
  ${run}(own.exports, load, own, __filename, __dirname, packed);
  return own.exports;
}
load.main = require.main;
`;

/** Things beside the program's text, each packed already: V8 would hold them unpacked. */
export type Beside = Readonly<Record<string, unknown>>;

/**
 * The program as text, to be read and run: what the packed file carries, with the lines and columns that its stack
 * traces name.
 */
export function plain(chunks: readonly Chunk[], beside: Beside = {}): string {
  return plainParts(chunks, beside).map(({ head, code }) => head + code).join("") + TAIL(chunks);
}

const TAIL = (chunks: readonly Chunk[]): string => `\n} };${LOADER("chunks[name]")}load("${chunks[0]!.name}");\n`;

function plainParts(chunks: readonly Chunk[], beside: Beside): { head: string; code: string }[] {
  return chunks.map(({ name, code }, index) => {
    if (NOT_ASCII.test(code)) throw new Error(`${name}: not ASCII`);
    const before = index === 0
      ? `#!/usr/bin/env node\n"use strict";\nconst packed = ${JSON.stringify(beside)};\nconst chunks = {` : "\n},";
    return { head: `${before} ${JSON.stringify(name)}(${GIVEN.join(", ")}) {\n`, code };
  });
}

/**
 * The file that runs a program. `name` is what stack traces call its text, whose lines and columns are those of
 * `plain`: so whoever has that finds the place.
 * @throws Error when the text is not ASCII: V8 would take twice the memory for it.
 */
export function packed(chunks: readonly Chunk[], name: string, beside: Beside = {}): string {
  let line = 0;
  const rows = plainParts(chunks, beside).map(({ head, code }, index) => {
    line += head.split("\n").length - 1;
    const row = `${JSON.stringify(chunks[index]!.name)}: [${Math.max(code.length, LEAST_CHUNK)}, ${line}, `
      + `"${compressed(code).toString("base64")}"],`;
    line += code.split("\n").length - 1;
    return row;
  });
  return `#!/usr/bin/env node
"use strict";
const packed = ${JSON.stringify(beside)};
const chunks = {
${rows.join("\n")}
};
function unpacked([chunkSize, lineOffset, text]) {
  const bytes = require("node:zlib").brotliDecompressSync(Buffer.from(text, "base64"), { chunkSize });
  const filename = ${JSON.stringify(name)};
  const given = ${JSON.stringify(GIVEN)};
  return require("node:vm").compileFunction(bytes.toString("latin1"), given, { filename, lineOffset });
}${LOADER("unpacked(chunks[name])")}load("${chunks[0]!.name}");
`;
}
