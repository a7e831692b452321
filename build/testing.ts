/**
 * The guarded wrapper around uvu that every test uses. Plain uvu exits 0 when `.run()` is forgotten, when a test throws
 * something that is not an Error, and when a test never settles; here each of these fails.
 */
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";

export * as assert from "uvu/assert";

/** What one test file tells the runner, as JSON in the file that the environment variable names. */
export interface TestReport {
  readonly declared: number;
  readonly passed: number;
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** Why the file failed as a whole, beside tests that did: for people. */
  readonly complaints: readonly string[];
}

/** Names the file that the report goes to; absent when a person runs the test file alone. */
export const REPORT_VARIABLE = "KERBWATCH_TEST_REPORT";

const reportFile = process.env[REPORT_VARIABLE];
delete process.env[REPORT_VARIABLE]; // so that programs started by a test cannot write over it

const tests = suite();
const skipped: { name: string; reason: string }[] = [];
const complaints: string[] = [];
let declared = 0;
let passed = 0;
let started = false;

async function guarded(fn: () => unknown): Promise<void> {
  try {
    await fn();
  } catch (thrown) {
    throw thrown instanceof Error ? thrown : new Error(`threw something that is not an Error: ${String(thrown)}`);
  }
  passed += 1;
}

/** Declares one test; it passes when `fn` returns, or when the promise that it returned is fulfilled. */
export function test(name: string, fn: () => unknown): void {
  if (started) throw new Error(`test "${name}" was declared after the tests had started`);
  declared += 1;
  tests(name, () => guarded(fn));
}

/** Leaves a test out and says why; counted and printed, never silent. Reasons for want of data: "no ../shared". */
test.skip = (name: string, reason: string): void => {
  skipped.push({ name, reason });
};

function atExit(): void {
  if (declared + skipped.length === 0) complaints.push("no test was declared");
  if (passed !== declared) complaints.push(`${passed} of ${declared} declared tests passed`);
  const report: TestReport = { declared, passed, skipped, complaints };
  if (reportFile !== undefined) writeFileSync(reportFile, JSON.stringify(report));
  for (const { name, reason } of skipped) console.log(`skipped: ${name}: ${reason}`);
  for (const complaint of complaints) console.error(`failed: ${complaint}`);
  if (complaints.length > 0) process.exitCode = 1;
}

function runAll(): void {
  started = true;
  if (declared > 0) tests.run();
}

process.on("exit", atExit);
process.on("unhandledRejection", (reason) => {
  complaints.push("a promise was rejected and nobody handled it");
  console.error(reason);
});

// The test file itself is still being evaluated. Importing it again gives the same module, once all of it has run (its
// top-level awaits included). A file that throws meanwhile is reported by Node and ends with exit code 1.
const entry = process.argv[1];
if (entry === undefined) throw new Error("a test runs as a file of its own");
import(pathToFileURL(entry).href).then(runAll, (error: unknown) => {
  complaints.push("the test file threw while it was being loaded");
  throw error;
});
