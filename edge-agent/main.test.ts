/** The program as a process: the single file, its exit codes, and a reader that goes away. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROGRAMS, bundle } from "../build/bundler.ts";
import { repoRoot } from "../build/paths.ts";
import { assert, test } from "../build/testing.ts";

const made = await bundle(repoRoot, PROGRAMS[0]!);
const program = join(mkdtempSync(join(tmpdir(), "kerbwatch-main-")), "kerbwatch.cjs");
writeFileSync(program, made.contents);

function run(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

test("--version, --help and wrong usage as a process", () => {
  const version = run("--version");
  assert.is(version.code, 0);
  assert.match(version.out, /^kerbwatch \d+\.\d+\.\d+\n$/);
  assert.not.match(version.out, "0.0.0");
  assert.match(run("--help").out, "To begin:");
  const err = 'kerbwatch: "statsu": unknown command; did you mean status?\n';
  assert.equal(run("statsu"), { code: 2, out: "", err });
});

test("everything written arrives before the process ends, however much it is", () => {
  assert.match(run("doctor", "--reference").out, /installed by hand\n.*\n$/);
});

test("a reader that goes away changes neither the exit code nor ends in a stack", async () => {
  const child = spawn(process.execPath, [program, "doctor", "--reference"], { stdio: ["ignore", "pipe", "pipe"] });
  let err = "";
  child.stderr.on("data", (part: Buffer) => { err += part.toString(); });
  child.stdout.destroy();
  const [code] = await once(child, "exit") as [number | null];
  assert.equal([code, err], [0, ""]);
});
