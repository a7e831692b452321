/**
 * Makes the two single-file programs. The output depends on the sources and the installed packages alone: not on the
 * folder, the time or git.
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { basename, dirname, join } from "node:path";
import { build } from "esbuild";
import type { BuildOptions, Metafile } from "esbuild";
import { AGENT_BYTES, AGENT_OPTIONAL_BYTES, AGENT_TEXT_BYTES } from "../targets/budgets.ts";
import { type Apart, chunksOf } from "./chunks.ts";
import { packed, plain } from "./pack.ts";
import { packedPage } from "./page.ts";
import { packedSchemas } from "./schemas.ts";
import { SLIM } from "./slim/plugin.ts";

export interface Program extends Apart {
  /** Both relative to the repository. */
  readonly entry: string;
  readonly outFile: string;
  /**
   * Absent: it never ships, and is written as text. Present: the file carries its text compressed (pack.ts), in chunks;
   * `textBytes` is for what the process of any agent may come to hold, `optionalBytes` for what some hold beyond.
   */
  readonly budget?: { readonly fileBytes: number; readonly textBytes: number; readonly optionalBytes: number };
}

const AGENT_BUDGET = {
  fileBytes: AGENT_BYTES, textBytes: AGENT_TEXT_BYTES, optionalBytes: AGENT_OPTIONAL_BYTES,
};

/** The agent has to fit on the boards that are already there (design, section 1); the simulator never ships. */
export const PROGRAMS: readonly Program[] = [
  {
    entry: "edge-agent/main.ts", outFile: "dist/kerbwatch.cjs", budget: AGENT_BUDGET,
    apart: ["edge-agent/cli/tools.ts"],
    optional: ["edge-agent/adapters/outlets/outlets.ts", "edge-agent/adapters/modbus-tcp.ts"],
  },
  { entry: "hil-tests/sim/main.ts", outFile: "dist/kerbwatch-sim.cjs" },
];

export interface Bundle {
  /** Of the file. */
  readonly contents: Uint8Array;
  /** The program as text: what the file is, or carries. */
  readonly text: string;
  /** Of the text, what any agent's process may come to hold. */
  readonly heldBytes: number;
  /** What one may come to hold beyond. */
  readonly optionalBytes: number;
  /** What stands in the way of shipping it, in words; empty when nothing does. */
  readonly faults: readonly string[];
  readonly largest: readonly { readonly path: string; readonly bytes: number }[];
  /** Packages of which something is inside: their folders, `node_modules/ws`. */
  readonly packages: readonly string[];
}

const LARGEST_SHOWN = 5;
const BUILTINS = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));

/** Whatever the file would look for beside itself: modules that are not Node's, and names made up at run time. */
function looksBeside(output: Metafile["outputs"][string], text: string): string[] {
  const foreign = output.imports.filter(({ path }) => !BUILTINS.has(path)).map(({ path }) => `loads ${path}`);
  const dynamic = [...text.matchAll(/\brequire\((?!["'`)])[^)]{0,40}/g)].map(([call]) => `loads by ${call})`);
  return [...foreign, ...dynamic].map((what) => `${what}, which is not inside it`);
}

function optionsOf(root: string): BuildOptions {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  return {
    absWorkingDir: root, bundle: true, platform: "node", target: "node20", legalComments: "none",
    // V8 keeps a text of ASCII in half the memory.
    charset: "ascii", minify: true, preserveSymlinks: true, plugins: [SLIM],
    logLevel: "warning", logOverride: { "empty-import-meta": "error" },
    tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
    define: {
      __VERSION__: JSON.stringify(version),
      // ws would otherwise load its native helpers from wherever they happen to lie.
      "process.env.WS_NO_BUFFER_UTIL": '"1"',
      "process.env.WS_NO_UTF_8_VALIDATE": '"1"',
    },
  };
}

/** Bundles one program of the tree at `root`. Rejects when the sources do not bundle; esbuild has then said why. */
export async function bundle(root: string, program: Program): Promise<Bundle> {
  const options = optionsOf(root);
  const result = await build({
    ...options, entryPoints: [program.entry], outfile: program.outFile, write: false, metafile: true, format: "cjs",
    // Strict mode once, for all of the file; esbuild would say so again in each module.
    banner: { js: '#!/usr/bin/env node\n"use strict";' },
  });
  const file = result.outputFiles[0];
  const output = Object.values(result.metafile.outputs)[0];
  if (file === undefined || output === undefined) throw new Error(`esbuild made nothing of ${program.entry}`);
  const packages = packagesOf(Object.keys(output.inputs));
  if (program.budget === undefined) {
    return { contents: file.contents, text: file.text, heldBytes: file.text.length, optionalBytes: 0,
      faults: [], largest: largestOf(output.inputs), packages };
  }
  const { all, textBytes, optionalBytes, inputs } = await chunksOf(options, program.entry, program);
  const page = existsSync(join(root, "edge-agent/dashboard/page")) ? { page: await packedPage(root) } : {};
  const beside = { schemas: packedSchemas(root), ...page };
  const contents = Buffer.from(packed(all, basename(textFile(program.outFile)), beside));
  const faults = [
    // Of the whole in one piece, since between chunks require is passed on.
    ...looksBeside(output, file.text), ...over("", contents.length, program.budget.fileBytes),
    ...over(" of text", textBytes, program.budget.textBytes),
    ...over(" of optional text", optionalBytes, program.budget.optionalBytes),
  ];
  return { contents, text: plain(all, beside), heldBytes: textBytes, optionalBytes, faults,
    largest: largestOf(inputs), packages };
}

/** `node_modules/ws/lib/sender.js` is of `node_modules/ws`; a package may lie in another's own folder. */
function packagesOf(paths: readonly string[]): string[] {
  const folders = paths.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}

const largestOf = (inputs: Metafile["outputs"][string]["inputs"]): Bundle["largest"] =>
  Object.entries(inputs)
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, LARGEST_SHOWN);

/** Where the text of a program lies that ships compressed: for reading, and for the places that stack traces name. */
const textFile = (outFile: string): string => outFile.replace(/\.cjs$/, ".plain.cjs");

const over = (what: string, bytes: number, atMost: number): string[] =>
  bytes > atMost ? [`${bytes} bytes${what}; at most ${atMost}`] : [];

/** Replaces the file at once, since somebody may be running it. */
function writeProgram(path: string, contents: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, contents);
  chmodSync(aside, 0o755);
  renameSync(aside, path);
}

const grouped = (bytes: number): string => bytes.toLocaleString("en");

function sizeText(path: string, bytes: number, budget: number | undefined): string {
  const against = budget === undefined ? "no budget" :
    `budget ${grouped(budget)}, ${(100 * bytes / budget).toFixed(1)} % used`;
  return `${path}: ${grouped(bytes)} bytes (${against})`;
}

/** Makes one program and says so through `say`; false when it was not made. A file with faults is not written. */
export async function makeProgram(root: string, program: Program, say: (line: string) => void): Promise<boolean> {
  const { entry, outFile, budget } = program;
  if (!existsSync(join(root, entry))) {
    say(`${outFile}: not made: ${entry} is missing`);
    return false;
  }
  const made = await bundle(root, program);
  say(sizeText(outFile, made.contents.length, budget?.fileBytes));
  if (budget !== undefined) {
    // The text is the same whatever Node compressed it: who doubts a file unpacks it and compares.
    const sha256 = createHash("sha256").update(made.text).digest("hex");
    say(sizeText("  held by any agent", made.heldBytes, budget.textBytes));
    say(sizeText("  held beyond by one with all options", made.optionalBytes, budget.optionalBytes));
    say(`  as text ${textFile(outFile)}: ${grouped(made.text.length)} bytes, SHA-256 ${sha256}`);
    made.largest.forEach(({ path, bytes }) => say(`  ${grouped(bytes)}  ${path}`));
  }
  made.faults.forEach((fault) => say(`${outFile}: not made: ${fault}`));
  if (made.faults.length > 0) return false;
  if (budget !== undefined) writeProgram(join(root, textFile(outFile)), Buffer.from(made.text));
  writeProgram(join(root, outFile), made.contents);
  return true;
}
