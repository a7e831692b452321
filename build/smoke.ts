/** Runs the shipped single file, alone in an empty folder, and single test files, on a Node that is not this one. */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "./paths.ts";

const BOOT_CALL = [2, "1", "BootNotification", { chargePointVendor: "Any", chargePointModel: "One" }];
/** One frame in the Open OCPP Trace format: enough to go through every step of the pipeline. */
const CAPTURE = `${JSON.stringify({
  schemaVersion: "1.1", timestamp: "2026-03-01T09:00:00.000Z", ocppVersion: "1.6", transport: "json",
  chargePointId: "CP-001", direction: "cp-to-csms", messageType: "CALL", messageId: "1", action: "BootNotification",
  payload: BOOT_CALL[3], raw: JSON.stringify(BOOT_CALL),
})}\n`;
const COMMANDS = [["--help"], ["keygen", "--help"], ["replay", "capture.jsonl"]];

/** A Node: its program, or what runs it and its arguments. */
export interface NodeUnderTest {
  readonly command: readonly [string, ...string[]];
  /** For one command or one test file. */
  readonly limitMs: number;
}

interface Ended {
  readonly ok: boolean;
  readonly how: string;
  readonly output: string;
}

function runOn({ command, limitMs }: NodeUnderTest, args: readonly string[], cwd: string): Ended {
  const [program, ...before] = command;
  const { status, signal, stdout, stderr } = spawnSync(program, [...before, ...args],
    { cwd, encoding: "utf8", timeout: limitMs, killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024 });
  return { ok: status === 0, how: String(status ?? signal), output: `${stdout ?? ""}${stderr ?? ""}` };
}

/** Runs each command beside nothing but the file and a capture; what went wrong, in words. */
export function faultsOfProgram(node: NodeUnderTest, folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(repoRoot, "dist/kerbwatch.cjs"), join(folder, "kerbwatch.cjs"));
  writeFileSync(join(folder, "capture.jsonl"), CAPTURE);
  return COMMANDS.flatMap((args) => {
    const { ok, how, output } = runOn(node, ["kerbwatch.cjs", ...args], folder);
    return ok ? [] : [`kerbwatch ${args.join(" ")}: ended with ${how}\n${output}`];
  });
}

/** Runs test files of `bundleTests`, one after the other; what went wrong, in words. */
export function faultsOfTests(node: NodeUnderTest, outDir: string, paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const { ok, how, output } = runOn(node, [join(outDir, path.replace(/ts$/, "mjs"))], repoRoot);
    return ok ? [] : [`${path}: ended with ${how}\n${output}`];
  });
}

/** Prints the outcome; whether it was good. */
export function tell(what: string, node: NodeUnderTest, faults: readonly string[]): boolean {
  const [program, ...before] = node.command;
  const version = execFileSync(program, [...before, "--version"], { encoding: "utf8" }).trim();
  console.log(`${faults.length === 0 ? "ok  " : "FAIL"} ${what} on Node ${version}`);
  faults.forEach((fault) => console.log(fault));
  return faults.length === 0;
}
