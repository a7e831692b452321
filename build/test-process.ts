/** Bundles the test files and runs each as a Node process of its own, bounded in time, with nothing left behind. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { repoRoot } from "./paths.ts";
import { SLIM, SLIMMED } from "./slim/plugin.ts";
import type { TestReport } from "./testing.ts";

/** A file that takes longer hangs: the whole suite is meant to take this long on two cores. */
const FILE_LIMIT_MS = 5 * 60_000;
/** Output kept of one process; what a run-away test prints beyond it is dropped. */
const OUTPUT_LIMIT_CHARS = 1_000_000;

// As in build/testing.ts; spelt again because importing that file would make this process a test.
const REPORT_VARIABLE = "KERBWATCH_TEST_REPORT";

export interface ProcessResult {
  readonly ok: boolean;
  readonly ms: number;
  readonly output: string;
}

export interface FileResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: TestReport["skipped"];
  readonly ms: number;
  readonly output: string;
}

const running = new Set<ChildProcess>();

/** Each test leads a process group: what it started, and forgot, goes with it. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody of the group is left.
  }
}

/** Ends every process that is under way. */
export function killRunning(): void {
  running.forEach(killGroup);
}

/** Runs `node ...args` in the repository's folder, collecting both output streams. Never rejects. */
export function runNode(
  args: readonly string[], env: Record<string, string>, limitMs: number = FILE_LIMIT_MS,
): Promise<ProcessResult> {
  const begun = performance.now();
  const child = spawn(process.execPath, ["--enable-source-maps", ...args], {
    cwd: repoRoot, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true,
  });
  running.add(child);
  let output = "";
  const collect = (chunk: string): void => {
    if (output.length < OUTPUT_LIMIT_CHARS) output += chunk;
  };
  child.stdout.setEncoding("utf8").on("data", collect);
  child.stderr.setEncoding("utf8").on("data", collect);
  const limit = setTimeout(() => {
    collect(`\nkilled: still running after ${limitMs / 1000} s\n`);
    killGroup(child);
  }, limitMs);
  return new Promise((resolve) => {
    child.on("error", (error) => collect(`\n${error.message}\n`));
    // The streams close only when the last heir of them is gone.
    child.on("exit", () => killGroup(child));
    child.on("close", (code, signal) => {
      clearTimeout(limit);
      running.delete(child);
      if (signal !== null) collect(`\nended by ${signal}\n`);
      resolve({ ok: code === 0, ms: performance.now() - begun, output });
    });
  });
}

const builtName = (path: string): string => path.replace(/\.ts$/, ".mjs");

/** A folder of this run's own, since two runs may go on at once; removes those of runs that are no more. */
function freshFolder(): string {
  const all = join(repoRoot, "dist", ".tests");
  mkdirSync(all, { recursive: true });
  for (const name of readdirSync(all)) {
    if (!existsSync(`/proc/${name}`)) rmSync(join(all, name), { recursive: true, force: true });
  }
  const mine = join(all, String(process.pid));
  process.on("exit", () => rmSync(mine, { recursive: true, force: true }));
  return mine;
}

/** Packages that tests load from where they are installed: all but those that ship without parts of them. */
function external(): string[] {
  const text = readFileSync(join(repoRoot, "package.json"), "utf8");
  const { dependencies, devDependencies } = JSON.parse(text) as Record<string, Record<string, string>>;
  return Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !SLIMMED.includes(name));
}

/** The `require` that a bundle in ESM form lacks, for packages in the other form that load a part of Node. */
const REQUIRE = `import { createRequire as $of } from "node:module"; const require = $of(import.meta.url);`;

/** Bundles test files, common parts once; returns the folder of the results, undefined when that failed. */
export async function bundleTests(paths: readonly string[]): Promise<string | undefined> {
  const outdir = freshFolder();
  try {
    await build({
      entryPoints: [...paths], absWorkingDir: repoRoot, outbase: repoRoot, outdir, bundle: true, splitting: true,
      platform: "node", format: "esm", target: "node20", external: external(), plugins: [SLIM], sourcemap: "inline",
      banner: { js: REQUIRE }, outExtension: { ".js": ".mjs" }, logLevel: "error",
    });
    return outdir;
  } catch {
    return undefined;
  }
}

function readReport(file: string): TestReport | undefined {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) as TestReport : undefined;
}

let scratch: string | undefined;

/** The tests' temporary folder, gone with this process whatever they leave in it. Short: sockets have long names. */
function scratchFolder(): string {
  if (scratch !== undefined) return scratch;
  const mine = scratch = mkdtempSync(join(tmpdir(), "kw-"));
  process.on("exit", () => rmSync(mine, { recursive: true, force: true, maxRetries: 3 }));
  return mine;
}

/** Runs one bundled test file. A file that ends without a report, or badly in spite of it, counts as one failure. */
export async function runFile(path: string, outDir: string): Promise<FileResult> {
  const file = join(outDir, builtName(path));
  const reportFile = `${file}.report.json`;
  const { ok, ms, output } = await runNode([file], { [REPORT_VARIABLE]: reportFile, TMPDIR: scratchFolder() });
  const report = readReport(reportFile);
  if (report === undefined) return { passed: 0, failed: 1, skipped: [], ms, output: `${output}\nno report\n` };
  const unpassed = report.declared - report.passed;
  const failed = ok ? unpassed : Math.max(1, unpassed);
  return { passed: report.passed, failed, skipped: report.skipped, ms, output };
}
