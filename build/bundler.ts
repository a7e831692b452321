/**
 * Makes the two single-file programs. The output depends on the sources and the installed packages alone: not on the
 * folder, the time or git.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import type { Metafile } from "esbuild";
import { AGENT_BYTES } from "../targets/budgets.ts";
import { SLIM } from "./slim/plugin.ts";

export interface Program {
  /** Both relative to the repository. */
  readonly entry: string;
  readonly outFile: string;
  /** The most bytes that the file may have; absent: no budget. */
  readonly budgetBytes?: number;
}

/** The agent has to fit on the boards that are already there (design, section 1); the simulator never ships. */
export const PROGRAMS: readonly Program[] = [
  { entry: "edge-agent/main.ts", outFile: "dist/kerbwatch.cjs", budgetBytes: AGENT_BYTES },
  { entry: "hil-tests/sim/main.ts", outFile: "dist/kerbwatch-sim.cjs" },
];

export interface Bundle {
  readonly contents: Uint8Array;
  /** What stands in the way of shipping it, in words; empty when nothing does. */
  readonly faults: readonly string[];
  readonly largest: readonly { readonly path: string; readonly bytes: number }[];
}

const LARGEST_SHOWN = 5;
const BUILTINS = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));

/** Whatever the file would look for beside itself: modules that are not Node's, and names made up at run time. */
function looksBeside(output: Metafile["outputs"][string], text: string): string[] {
  const foreign = output.imports.filter(({ path }) => !BUILTINS.has(path)).map(({ path }) => `loads ${path}`);
  const dynamic = [...text.matchAll(/\brequire\((?!["'`)])[^)]{0,40}/g)].map(([call]) => `loads by ${call})`);
  return [...foreign, ...dynamic].map((what) => `${what}, which is not inside it`);
}

/** Bundles one program of the tree at `root`. Rejects when the sources do not bundle; esbuild has then said why. */
export async function bundle(root: string, program: Program): Promise<Bundle> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const result = await build({
    entryPoints: [program.entry], outfile: program.outFile, absWorkingDir: root, write: false, metafile: true,
    bundle: true, platform: "node", format: "cjs", target: "node20", legalComments: "none",
    // V8 keeps a text of ASCII in half the memory.
    charset: "ascii", minify: true, preserveSymlinks: true, plugins: [SLIM],
    logLevel: "warning", logOverride: { "empty-import-meta": "error" },
    // Strict mode once, for all of the file; esbuild would say so again in each module.
    banner: { js: '#!/usr/bin/env node\n"use strict";' }, tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
    define: {
      __VERSION__: JSON.stringify(version),
      // ws would otherwise load its native helpers from wherever they happen to lie.
      "process.env.WS_NO_BUFFER_UTIL": '"1"',
      "process.env.WS_NO_UTF_8_VALIDATE": '"1"',
    },
  });
  const file = result.outputFiles[0];
  const output = Object.values(result.metafile.outputs)[0];
  if (file === undefined || output === undefined) throw new Error(`esbuild made nothing of ${program.entry}`);
  const faults = program.budgetBytes === undefined ? [] : looksBeside(output, file.text);
  const size = file.contents.length;
  if (size > (program.budgetBytes ?? Infinity)) faults.push(`${size} bytes; at most ${program.budgetBytes}`);
  const largest = Object.entries(output.inputs)
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, LARGEST_SHOWN);
  return { contents: file.contents, faults, largest };
}

/** Replaces the file at once, since somebody may be running it. */
function writeProgram(path: string, contents: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, contents);
  chmodSync(aside, 0o755);
  renameSync(aside, path);
}

const grouped = (bytes: number): string => bytes.toLocaleString("en");

/** Makes one program and says so through `say`; false when it was not made. A file with faults is not written. */
export async function makeProgram(root: string, program: Program, say: (line: string) => void): Promise<boolean> {
  const { entry, outFile, budgetBytes } = program;
  if (!existsSync(join(root, entry))) {
    say(`${outFile}: not made: ${entry} is missing`);
    return false;
  }
  const made = await bundle(root, program);
  const against = budgetBytes === undefined ? "no budget" :
    `budget ${grouped(budgetBytes)}, ${(100 * made.contents.length / budgetBytes).toFixed(1)} % used`;
  say(`${outFile}: ${grouped(made.contents.length)} bytes (${against})`);
  if (budgetBytes !== undefined) made.largest.forEach(({ path, bytes }) => say(`  ${grouped(bytes)}  ${path}`));
  made.faults.forEach((fault) => say(`${outFile}: not made: ${fault}`));
  if (made.faults.length > 0) return false;
  writeProgram(join(root, outFile), made.contents);
  return true;
}
