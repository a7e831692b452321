/**
 * Runs the shipped single file, and the tests that hold it to vectors, on emulated ARM: Node for arm64, and for ARMv7,
 * under QEMU's user emulation. Needs qemu-user-static and the archives of npm and Debian; by hand, what is missing is
 * said and leaves it out (the last line counts it), in CI it fails.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NODES, PLATFORMS } from "../targets/nodes.ts";
import { PROGRAMS, makeProgram } from "./bundler.ts";
import { runtimeOf } from "./package/runtime.ts";
import { needTools } from "./package/tools.ts";
import { repoRoot } from "./paths.ts";
import { faultsOfProgram, faultsOfTests, tell } from "./smoke.ts";
import { bundleTests } from "./test-process.ts";

/**
 * What must come out alike on every machine: bytes, signatures, integers, and the decisions made of them. On ARMv7 the
 * first of them, with all public vectors of signatures.
 */
const VECTOR_TESTS = [
  "edge-agent/adapters/crypto.test.ts", "edge-agent/config.test.ts", "edge-agent/observe/meters/modbus.test.ts",
  "edge-agent/observe/meters/models.test.ts", "edge-agent/observe/vectors.test.ts", "edge-agent/reconcile/cdr.test.ts",
  "edge-agent/record/witness.test.ts", "gossip/cbor.test.ts", "gossip/message.test.ts", "gossip/roster.test.ts",
  "gossip/statement.test.ts", "gossip/word.test.ts",
  "hil-tests/second-implementation/vectors.test.ts", "models/agree/opinion-map.test.ts",
];
/** Emulation is ten to thirty times slower. */
const LIMIT_MS = 5 * 60_000;

async function smokeOn(arch: "arm64" | "armhf", folder: string, outDir: string): Promise<boolean> {
  const { node, sysroot } = await runtimeOf(arch, (line) => console.log(line));
  const emulated = { command: [PLATFORMS[arch].emulator, "-L", sysroot, node], limitMs: LIMIT_MS } as const;
  const tests = arch === "arm64" ? VECTOR_TESTS : VECTOR_TESTS.slice(0, 1);
  const begun = performance.now();
  const faults = [...faultsOfProgram(emulated, join(folder, arch)), ...faultsOfTests(emulated, outDir, tests)];
  const took = ((performance.now() - begun) / 1000).toFixed(0);
  return tell(`emulated ${arch}: the single file and ${tests.length} files of tests, ${took} s,`, emulated, faults);
}

async function main(): Promise<boolean> {
  const agent = PROGRAMS[0];
  if (agent === undefined || !await makeProgram(repoRoot, agent, () => undefined)) return false;
  const outDir = await bundleTests(VECTOR_TESTS);
  if (outDir === undefined) return false;
  needTools({ [PLATFORMS.arm64.emulator]: "qemu-user-static", [PLATFORMS.armhf.emulator]: "qemu-user-static" });
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-smoke-arm-"));
  try {
    return await smokeOn("arm64", folder, outDir) && await smokeOn("armhf", folder, outDir);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const inCi = process.env["CI"] === "true";
process.exitCode = await main().catch((error: Error) => {
  console.log(`${inCi ? "FAIL" : "skipped"} emulated ARM (${Object.keys(NODES).length - 1} kinds): ${error.message}`);
  return !inCi;
}) ? 0 : 1;
