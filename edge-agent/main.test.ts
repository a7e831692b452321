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

test("OCPP's schemas came with the file", () => {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-doctor-"));
  const config = join(folder, "kerbwatch.yaml");
  writeFileSync(config, "station: CP-001\ncsms: ws://127.0.0.1:1/\nlisten: ws://127.0.0.1:0\nstateDir: state\n");
  assert.match(run("doctor", "--config", config).out, /^ok {4}schemas {5}messages of OCPP 1\.6 \(78\), /m);
});

test("everything written arrives before the process ends, however much it is", () => {
  assert.match(run("doctor", "--reference").out, /looked for at neighbours'\n.*\n$/);
});

test("a reader that goes away changes neither the exit code nor ends in a stack", async () => {
  const child = spawn(process.execPath, [program, "doctor", "--reference"], { stdio: ["ignore", "pipe", "pipe"] });
  let err = "";
  child.stderr.on("data", (part: Buffer) => { err += part.toString(); });
  child.stdout.destroy();
  const [code] = await once(child, "exit") as [number | null];
  assert.equal([code, err], [0, ""]);
});

test("run says where the charger connects, as bound, and ends with 0 when it is asked to stop", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-run-"));
  const config = join(folder, "kerbwatch.yaml");
  writeFileSync(config, "station: CP-001\ncsms: ws://127.0.0.1:1/ocpp\nlisten: ws://127.0.0.1:0\nstateDir: state\n");
  const child = spawn(process.execPath, [program, "run", "--config", config], { stdio: ["ignore", "ignore", "pipe"] });
  let err = "";
  const exit = once(child, "exit");
  await new Promise<void>((resolve) => child.stderr.on("data", (part: Buffer) => {
    err += part.toString();
    if (err.includes("watches CP-001")) resolve();
  }).on("close", resolve));
  child.kill("SIGTERM");
  const [code] = await exit as [number | null];
  assert.match(err, /: chargers connect to ws:\/\/127\.0\.0\.1:[1-9]\d*, the CSMS is ws:\/\/127\.0\.0\.1:1\/ocpp\n/);
  assert.is(code, 0);
});
