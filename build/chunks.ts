/**
 * A program as chunks: what is imported dynamically, and what it shares with others, each a CommonJS module of its own
 * that is unpacked and compiled only when it is asked for. A process holds in memory what it runs and no more.
 */
import { basename } from "node:path";
import { build, transform } from "esbuild";
import type { BuildOptions, Metafile } from "esbuild";

export interface Chunk {
  /** As other chunks ask for it. */
  readonly name: string;
  /** ASCII, strict, and without a line that starts Node. */
  readonly code: string;
}

export interface Chunks {
  /** The first is the entry. */
  readonly all: readonly Chunk[];
  /** Of those that a process may come to hold that never asks for what is apart or optional. */
  readonly textBytes: number;
  /** Of those that it may come to hold beyond, when it asks for all that is optional. */
  readonly optionalBytes: number;
  /** Of all modules in it. */
  readonly inputs: Metafile["outputs"][string]["inputs"];
}

type Outputs = Metafile["outputs"];

/** What `from` leads to, itself included, but for the entries of `apart`. */
function reached(outputs: Outputs, from: string, apart: readonly string[]): Set<string> {
  const found = new Set([from]);
  for (const path of found) {
    for (const { path: next, external } of outputs[path]!.imports) {
      if (external !== true && !apart.includes(outputs[next]!.entryPoint ?? "")) found.add(next);
    }
  }
  return found;
}

/** Entries that are imported dynamically. */
export interface Apart {
  /** Whose text the long-running process never holds. */
  readonly apart?: readonly string[];
  /** Whose text it holds where its configuration asks for it. */
  readonly optional?: readonly string[];
}

/** Splits the program of `options`, which say everything but the format. */
export async function chunksOf(
  options: BuildOptions, entry: string, { apart = [], optional = [] }: Apart,
): Promise<Chunks> {
  const result = await build({
    ...options, entryPoints: [entry], format: "esm", splitting: true, outdir: "dist", write: false, metafile: true,
    chunkNames: "[name]-[hash]",
  });
  const { outputs } = result.metafile;
  // In an order that depends on their names and contents alone.
  const first = Object.keys(outputs).find((path) => outputs[path]!.entryPoint === entry)!;
  const paths = [first, ...Object.keys(outputs).filter((path) => path !== first).sort()];
  const all = await Promise.all(paths.map(async (path) => {
    const file = result.outputFiles.find((one) => one.path.endsWith(`/${path}`));
    if (file === undefined) throw new Error(`esbuild made nothing of ${path}`);
    return { name: `./${basename(path)}`, code: await asCommonJs(file.text) };
  }));
  const bytesOf = (held: Set<string>): number =>
    all.reduce((sum, { code }, index) => sum + (held.has(paths[index]!) ? code.length : 0), 0);
  const textBytes = bytesOf(reached(outputs, first, [...apart, ...optional]));
  const optionalBytes = bytesOf(reached(outputs, first, apart)) - textBytes;
  const inputs = Object.assign({}, ...Object.values(outputs).map((output) => output.inputs));
  return { all, textBytes, optionalBytes, inputs };
}

async function asCommonJs(code: string): Promise<string> {
  const made = await transform(code, {
    format: "cjs", platform: "node", target: "node20", charset: "ascii", legalComments: "none", minify: true,
    // import() would look for files beside this one.
    supported: { "dynamic-import": false }, logOverride: { "empty-import-meta": "error" },
  });
  return `"use strict";${made.code.trimEnd()}`;
}
