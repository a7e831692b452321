/**
 * `npm run bench [name] [-- --json FILE --quick]`: runs the benchmark of that name, or all of them, one at a time. Each
 * prints its table; FILE gets one object with a member for each benchmark. `--seconds N` and `--seed S` go to the
 * benchmark that is named, if it takes them. `--help` tells what each is, as its file does at its head.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CODE_FOLDERS, filesBelow, repoRoot } from "./paths.ts";

const SUFFIX = ".bench.ts";
const nameOf = (path: string): string => basename(path, SUFFIX);

function usage(found: readonly string[], problem: string): void {
  console.error(`${problem}; benchmarks: ${found.map(nameOf).join(", ") || "none yet"}`);
  process.exitCode = 2;
}

/** What stands in the comment at the head of a benchmark's file. */
function headOf(path: string): string {
  const [, comment = ""] = /^\/\*\*(.*?)\*\//s.exec(readFileSync(join(repoRoot, path), "utf8")) ?? [];
  return comment.split("\n").map((line) => line.replace(/^ *\* ?/, "").trim()).join("\n").trim();
}

function help(paths: readonly string[]): void {
  console.log("npm run bench [NAME] [-- --quick --json FILE]: one benchmark, or all (hours without --quick)\n");
  console.log(paths.map((path) => `${nameOf(path)}\n${headOf(path).replace(/^/gm, "  ")}\n`).join("\n"));
}

let running: ChildProcess | undefined;
let stopped = false;
// A benchmark tidies up after itself: it is told of the signal, and this process ends when it has.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    stopped = true;
    running?.kill(signal);
  });
}

/** Runs one benchmark; gives what it wrote as JSON, undefined when it failed or wrote nothing. */
async function run(path: string, own: readonly string[], folder: string): Promise<unknown> {
  const json = join(folder, `${nameOf(path)}.json`);
  console.log(`\n${nameOf(path)}`);
  const args = ["build/run.mjs", path, "--json", json, ...own];
  running = spawn(process.execPath, args, { cwd: repoRoot, stdio: "inherit" });
  const [status] = await once(running, "close") as [number | null];
  if (status !== 0) process.exitCode = status === 2 ? 2 : 1;
  return status === 0 && existsSync(json) ? JSON.parse(readFileSync(json, "utf8")) : undefined;
}

async function runAll(paths: readonly string[], own: readonly string[], jsonFile: string | undefined): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-bench-"));
  try {
    const results: Record<string, unknown> = {};
    for (const path of paths) if (!stopped) results[nameOf(path)] = await run(path, own, folder);
    if (jsonFile !== undefined) writeFileSync(resolve(jsonFile), `${JSON.stringify(results, null, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const found = CODE_FOLDERS.flatMap((folder) => filesBelow(repoRoot, folder)).filter((path) => path.endsWith(SUFFIX));
  const [text, flag] = [{ type: "string" }, { type: "boolean" }] as const;
  const options = { json: text, seconds: text, seed: text, quick: flag, help: flag };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [wanted, ...more] = positionals;
  if (more.length > 0) return usage(found, `one name at most, found ${positionals.join(" ")}`);
  const matching = found.filter((path) => wanted === undefined || nameOf(path) === wanted);
  if (matching.length === 0) return usage(found, `no benchmark ${wanted === undefined ? "yet" : `is named ${wanted}`}`);
  if (values.help === true) return help(matching);
  const given = (["seconds", "seed"] as const).filter((name) => values[name] !== undefined);
  if (wanted === undefined && given.length > 0) return usage(found, `--${given.join(", --")}: for a benchmark by name`);
  const own = given.flatMap((name) => [`--${name}`, values[name] as string]);
  await runAll(matching, [...own, ...(values.quick === true ? ["--quick"] : [])], values.json);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof TypeError ? 2 : 1;
}
