/**
 * `npm test [part of a path]...`: types, tidy, bundles, then every test file as a process of its own, end-to-end ones
 * last and alone. With arguments, only the test files whose path contains one of them. The last line is the result.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CODE_FOLDERS, filesBelow, repoRoot } from "./paths.ts";
import { bundleTests, killRunning, runFile, runNode } from "./test-process.ts";
import type { FileResult } from "./test-process.ts";

const FILES_AT_ONCE = 2;

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** The checks before the tests, each a script; the bundles only when there is something to bundle. */
function steps(): { name: string; args: string[] }[] {
  const list = [
    { name: "types", args: ["node_modules/typescript/bin/tsc", "-p", ".", "--noEmit"] },
    { name: "tidy", args: ["build/run.mjs", "build/tidy.ts"] },
  ];
  if (existsSync(join(repoRoot, "edge-agent/main.ts"))) {
    list.push({ name: "bundle", args: ["build/run.mjs", "build/bundle.ts"] });
  }
  return list;
}

async function runSteps(totals: Totals): Promise<void> {
  for (const step of steps()) {
    const result = await runNode(step.args, {});
    console.log(`${result.ok ? "ok  " : "FAIL"} ${step.name} (${seconds(result.ms)})`);
    if (result.ok) continue;
    totals.failed += 1;
    console.log(result.output);
  }
}

/** A skip is a failure in CI, where whatever a test wants can be installed; only the reference data may be absent. */
function skipFails(reason: string): boolean {
  return process.env["CI"] === "true" && !reason.startsWith("no ../shared");
}

function tell(path: string, result: FileResult, totals: Totals): void {
  const forbidden = result.skipped.filter((skip) => skipFails(skip.reason));
  const failed = result.failed + forbidden.length;
  totals.passed += result.passed;
  totals.failed += failed;
  totals.skipped += result.skipped.length - forbidden.length;
  console.log(`${failed === 0 ? "ok  " : "FAIL"} ${path}: ${result.passed} passed (${seconds(result.ms)})`);
  for (const { name, reason } of result.skipped) {
    console.log(`     ${skipFails(reason) ? "FAIL: skipped in CI" : "skipped"}: ${name}: ${reason}`);
  }
  if (result.failed > 0) console.log(result.output);
}

async function runFiles(paths: readonly string[], outDir: string, atOnce: number, totals: Totals): Promise<void> {
  const waiting = [...paths];
  const worker = async (): Promise<void> => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      tell(path, await runFile(path, outDir), totals);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function runTests(filters: readonly string[], totals: Totals): Promise<void> {
  const paths = CODE_FOLDERS.flatMap((folder) => filesBelow(repoRoot, folder))
    .filter((path) => path.endsWith(".test.ts"))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)));
  if (paths.length === 0) {
    console.log(`FAIL no test file${filters.length > 0 ? ` matches ${filters.join(", ")}` : ""}`);
    totals.failed += 1;
    return;
  }
  const outDir = await bundleTests(paths);
  if (outDir === undefined) {
    console.log("FAIL the test files do not bundle");
    totals.failed += 1;
    return;
  }
  const endToEnd = (path: string): boolean => path.endsWith(".e2e.test.ts");
  await runFiles(paths.filter((path) => !endToEnd(path)), outDir, FILES_AT_ONCE, totals);
  await runFiles(paths.filter(endToEnd), outDir, 1, totals);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    killRunning();
    process.exit(1);
  });
}

const filters = process.argv.slice(2);
const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
if (filters.length === 0) await runSteps(totals);
await runTests(filters, totals);
const skips = totals.skipped > 0 ? `, ${totals.skipped} skipped` : "";
console.log(`${totals.passed} passed, ${totals.failed} failed${skips}`);
process.exitCode = totals.failed > 0 ? 1 : 0;
