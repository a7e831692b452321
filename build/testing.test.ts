import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { repoRoot } from "./paths.ts";
import { runFile, runNode } from "./test-process.ts";
import type { FileResult } from "./test-process.ts";
import { assert, test } from "./testing.ts";

/** Runs a planted test file as the runner would. */
async function runPlanted(code: string, imports = `import { test, assert } from "./testing.ts";`): Promise<FileResult> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-planted-"));
  try {
    await build({
      stdin: { contents: `${imports}\n${code}`, resolveDir: join(repoRoot, "build"), loader: "ts" },
      outfile: join(folder, "planted.mjs"), bundle: true, platform: "node", format: "esm",
      logLevel: "error",
    });
    return await runFile("planted.ts", folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("an option that cannot be read is one line and 2, whatever else throws is told with its place and 1", async () => {
  mkdirSync(join(repoRoot, "dist"), { recursive: true });
  const folder = mkdtempSync(join(repoRoot, "dist/planted-"));
  try {
    for (const [code, status, lines] of [
      [`throw new TypeError("--seed: found x; allowed: whole numbers");`, 2, 1],
      [`import { parseArgs } from "node:util"; parseArgs({ args: ["--sed"], options: {} });`, 2, 1],
      [`throw new TypeError("no function");`, 1, undefined],
    ] as const) {
      writeFileSync(join(folder, "planted.ts"), code);
      const run = spawnSync(process.execPath, ["build/run.mjs", join(folder, "planted.ts")],
        { cwd: repoRoot, encoding: "utf8" });
      assert.is(run.status, status, run.stderr);
      if (lines !== undefined) assert.is(run.stderr.trim().split("\n").length, lines, run.stderr);
      else assert.match(run.stderr, /planted\.ts:1/);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("passing tests pass, without anyone calling run", async () => {
  const result = await runPlanted(`test("a", () => assert.is(1, 1)); test("b", async () => { await null; });`);
  assert.is(result.passed, 2);
  assert.is(result.failed, 0, result.output);
});

test("tests declared after a top-level await count", async () => {
  const result = await runPlanted(
    `test("a", () => {}); await new Promise((done) => setTimeout(done, 20)); test("b", () => assert.ok(false));`);
  assert.is(result.passed, 1);
  assert.is(result.failed, 1);
});

const FAILING: readonly { name: string; code: string; passed?: number; says: RegExp }[] = [
  { name: "a failed assertion", code: `test("a", () => assert.is(1, 2)); test("b", () => {});`, passed: 1,
    says: /FAIL/ },
  { name: "a thrown string", code: `test("a", () => { throw "text"; });`, says: /not an Error: text/ },
  { name: "a thrown undefined", code: `test("a", () => { throw undefined; });`, says: /not an Error: undefined/ },
  { name: "a thrown null-prototype object", code: `test("a", () => { throw Object.create(null); });`, says: /0 of 1/ },
  { name: "a rejected promise", code: `test("a", () => Promise.reject(7));`, says: /not an Error: 7/ },
  { name: "a rejection nobody handles", code: `test("a", () => { Promise.reject(new Error("stray")); });`,
    passed: 1, says: /nobody handled/ },
  { name: "a promise that never settles", code: `test("a", () => new Promise(() => {}));`, says: /0 of 1 declared/ },
  { name: "a test that leaves with exit code 0", code: `test("a", () => process.exit(0));`, says: /0 of 1 declared/ },
  { name: "an exception outside of any test", code: `test("a", () => { setImmediate(() => { throw new Error("x"); });
    return new Promise((done) => setTimeout(done, 1000)); });`, says: /Error: x/ },
  { name: "a file without tests", code: `void test;`, says: /no test was declared/ },
  { name: "a file that throws while it is loaded", code: `test("a", () => {}); throw new Error("early");`,
    says: /early/ },
  { name: "a test declared by a test", code: `test("a", () => { test("b", () => {}); });`, says: /after the tests/ },
];

for (const { name, code, passed = 0, says } of FAILING) {
  test(`fails: ${name}`, async () => {
    const result = await runPlanted(code);
    assert.is(result.failed, 1, result.output);
    assert.is(result.passed, passed);
    assert.match(result.output, says);
  });
}

test("fails: a file that does not use the wrapper at all", async () => {
  const result = await runPlanted(`test("a", () => {}); test.run();`, `import { test } from "uvu";`);
  assert.is(result.failed, 1);
  assert.match(result.output, /no report/);
});

test("a skip is counted with its reason, and is enough for a file", async () => {
  const result = await runPlanted(`test.skip("a", "no ../shared");`);
  assert.is(result.failed, 0, result.output);
  assert.equal(result.skipped, [{ name: "a", reason: "no ../shared" }]);
});

test("a process past its limit is killed, with what it started", async () => {
  const code = `require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"],
    { stdio: "inherit" }); console.log("begun"); for (;;);`;
  // Ends only when both processes have let go of the output.
  const result = await runNode(["-e", code], {}, 500);
  assert.not(result.ok);
  assert.match(result.output, /killed: still running after 0.5 s/);
});
