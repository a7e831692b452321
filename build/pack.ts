/**
 * A program as one file that carries its own text compressed: less than half of the bytes on a board's flash and in an
 * update. The text is unpacked into memory at start and run from there; nothing is written beside the file.
 */
import { brotliCompressSync, constants } from "node:zlib";

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

/** What CommonJS gives to a module, in this order. */
const GIVEN = ["require", "module", "exports", "__filename", "__dirname"];
/** What this file gives beside (edge-agent/adapters/shipped-schemas.ts). */
const SCHEMAS = "__SCHEMAS__";

/**
 * The file that runs `text`, a CommonJS program of ASCII. `name` is what stack traces call the text: lines and columns
 * are those of `text`, so whoever has it finds the place. `schemas` are packed already, and no part of the text: V8
 * would hold them unpacked.
 * @throws Error when the text is not ASCII: V8 would take twice the memory for it.
 */
export function packed(text: string, name: string, schemas: Readonly<Record<string, string>> = {}): string {
  if (NOT_ASCII.test(text)) throw new Error(`${name}: not ASCII`);
  // The line stays, since lines are counted.
  const body = text.replace(/^#!.*/, "");
  const chunkSize = Math.max(body.length, LEAST_CHUNK);
  return `#!/usr/bin/env node
"use strict";
require("node:vm").compileFunction(
  require("node:zlib").brotliDecompressSync(
    Buffer.from("${compressed(body).toString("base64")}", "base64"), { chunkSize: ${chunkSize} },
  ).toString("latin1"), ${JSON.stringify([...GIVEN, SCHEMAS])}, { filename: ${JSON.stringify(name)} },
)(${GIVEN.join(", ")}, ${Object.keys(schemas).length === 0 ? "undefined" : JSON.stringify(schemas)});
`;
}
