/**
 * Runs the shipped single file, alone in an empty folder, on the present Node and on the newest Node of each version
 * that it must also run on, as the npm registry has them; and there the tests of the signature engines, since versions
 * differ in which odd signatures they take. A Node that cannot be had is left out and said so.
 */
import { execFileSync, spawnSync } from "node:child_process";
import type { ExecFileSyncOptionsWithStringEncoding } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROGRAMS, makeProgram } from "./bundler.ts";
import { repoRoot } from "./paths.ts";
import { bundleTests } from "./test-process.ts";

const OTHER_MAJORS = [22, 24];
const LIMIT_MS = 60_000;

const BOOT_CALL = [2, "1", "BootNotification", { chargePointVendor: "Any", chargePointModel: "One" }];
/** One frame in the Open OCPP Trace format: enough to go through every step of the pipeline. */
const CAPTURE = `${JSON.stringify({
  schemaVersion: "1.1", timestamp: "2026-03-01T09:00:00.000Z", ocppVersion: "1.6", transport: "json",
  chargePointId: "CP-001", direction: "cp-to-csms", messageType: "CALL", messageId: "1", action: "BootNotification",
  payload: BOOT_CALL[3], raw: JSON.stringify(BOOT_CALL),
})}\n`;
const ENGINE_TESTS = "edge-agent/adapters/crypto.test.ts";
const COMMANDS = [["--help"], ["keygen", "--help"], ["replay", "capture.jsonl"]];

/** Unpacks the newest Node of this major version into `folder`; its path, or undefined when it cannot be had. */
function fetchNode(major: number, folder: string): string | undefined {
  try {
    mkdirSync(folder);
    const name = `node-${process.platform}-${process.arch}@${major}`;
    const options: ExecFileSyncOptionsWithStringEncoding = {
      cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"],
    };
    const archive = execFileSync("npm", ["pack", "--silent", name], options).trim();
    execFileSync("tar", ["-xzf", archive, "package/bin/node"], options);
    return join(folder, "package/bin/node");
  } catch {
    return undefined;
  }
}

/** Runs each command beside nothing but the file and a capture; what went wrong, in words. */
function faultsOn(node: string, folder: string): string[] {
  mkdirSync(folder);
  copyFileSync(join(repoRoot, "dist/kerbwatch.cjs"), join(folder, "kerbwatch.cjs"));
  writeFileSync(join(folder, "capture.jsonl"), CAPTURE);
  return COMMANDS.flatMap((args) => {
    const options = { cwd: folder, encoding: "utf8", timeout: LIMIT_MS } as const;
    const { status, signal, stderr } = spawnSync(node, ["kerbwatch.cjs", ...args], options);
    return status === 0 ? [] : [`kerbwatch ${args.join(" ")}: ended with ${status ?? signal}\n${stderr ?? ""}`];
  });
}

/** The engines on this Node, with all public vectors where they are there; what went wrong, in words. */
function engineFaultsOn(node: string, tests: string): string[] {
  const options = { cwd: repoRoot, encoding: "utf8", timeout: LIMIT_MS } as const;
  const file = join(tests, ENGINE_TESTS.replace(/ts$/, "mjs"));
  const { status, signal, stdout, stderr } = spawnSync(node, [file], options);
  return status === 0 ? [] : [`${ENGINE_TESTS}: ended with ${status ?? signal}\n${stdout ?? ""}${stderr ?? ""}`];
}

function smoke(node: string, folder: string, tests: string): boolean {
  const faults = [...faultsOn(node, folder), ...engineFaultsOn(node, tests)];
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  console.log(`${faults.length === 0 ? "ok  " : "FAIL"} the single file on Node ${version}`);
  faults.forEach((fault) => console.log(fault));
  return faults.length === 0;
}

async function main(): Promise<boolean> {
  const agent = PROGRAMS[0];
  if (agent === undefined || !await makeProgram(repoRoot, agent, (line) => console.log(line))) return false;
  const tests = await bundleTests([ENGINE_TESTS]);
  if (tests === undefined) return false;
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-smoke-"));
  try {
    const results = [smoke(process.execPath, join(folder, "present"), tests)];
    for (const major of OTHER_MAJORS) {
      const node = fetchNode(major, join(folder, `node-${major}`));
      if (node === undefined) console.log(`left out: Node ${major} cannot be had here`);
      else results.push(smoke(node, join(folder, `on-${major}`), tests));
    }
    return results.every(Boolean);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main().catch(() => false) ? 0 : 1;
