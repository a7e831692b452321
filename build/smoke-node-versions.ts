/**
 * Runs the shipped single file, alone in an empty folder, on the present Node and on the newest Node of each version
 * that it must also run on, as the npm registry has them; and there the tests of the signature engines, since versions
 * differ in which odd signatures they take. A Node that cannot be had is left out and said so.
 */
import { execFileSync } from "node:child_process";
import type { ExecFileSyncOptionsWithStringEncoding } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROGRAMS, makeProgram } from "./bundler.ts";
import { repoRoot } from "./paths.ts";
import { faultsOfProgram, faultsOfTests, tell } from "./smoke.ts";
import { bundleTests } from "./test-process.ts";

const OTHER_MAJORS = [22, 24];
const LIMIT_MS = 60_000;

const ENGINE_TESTS = "edge-agent/adapters/crypto.test.ts";

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

function smoke(program: string, folder: string, tests: string): boolean {
  const node = { command: [program], limitMs: LIMIT_MS } as const;
  const faults = [...faultsOfProgram(node, folder), ...faultsOfTests(node, tests, [ENGINE_TESTS])];
  return tell("the single file", node, faults);
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
