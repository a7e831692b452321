/**
 * `npm run bench [name] [-- --json FILE --quick]`: runs the benchmark of that name, or all of them, one at a time. Each
 * prints its table; FILE gets one object with a member for each benchmark. All other options go to the benchmark that
 * is named, as it has them. `--help` tells what each is, as its file does at its head.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
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
  const [first, ...rest] = process.argv.slice(2);
  const wanted = first?.startsWith("-") === true ? undefined : first;
  const { json, help: asksHelp, quick, others } = optionsOf(wanted === undefined ? process.argv.slice(2) : rest);
  const matching = found.filter((path) => wanted === undefined || nameOf(path) === wanted);
  if (matching.length === 0) return usage(found, `no benchmark ${wanted === undefined ? "yet" : `is named ${wanted}`}`);
  if (asksHelp) return help(matching);
  if (wanted === undefined && others.length > 0) {
    return usage(found, `${others.join(" ")}: found without the name of a benchmark; allowed: --quick, --json FILE`);
  }
  await runAll(matching, [...others, ...(quick ? ["--quick"] : [])], json);
}

/** What is for this script, and what for the benchmark, which says itself what it does not know. */
function optionsOf(args: readonly string[]) {
  const others = args.filter((arg) => arg !== "--quick" && arg !== "--help");
  const at = others.indexOf("--json");
  const [, json] = at < 0 ? [] : others.splice(at, 2);
  if (at >= 0 && json === undefined) throw new TypeError("--json: found nothing; allowed: a file");
  return { json, others, quick: args.includes("--quick"), help: args.includes("--help") };
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof TypeError ? 2 : 1;
}
