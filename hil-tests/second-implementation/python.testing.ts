/** How tests run the second implementation: with Debian's own Python, which has Debian's packages. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { test } from "../../build/testing.ts";

/** Another one may come first in PATH. */
export const PYTHON = "/usr/bin/python3";
const FOLDER = join(repoRoot, "hil-tests/second-implementation");
/** The arguments that run a script and leave no compiled copies behind. */
export const python = (script: string, ...args: string[]): string[] => ["-B", join(FOLDER, script), ...args];

const has = (module: string): boolean => spawnSync(PYTHON, ["-c", `import ${module}`]).status === 0;
const lacking = [["cryptography", "python3-cryptography"], ["paho.mqtt", "python3-paho-mqtt"]]
  .filter(([module]) => !has(module!)).map(([, name]) => name).join(", ");

export function peerTest(name: string, use: () => unknown): void {
  if (lacking === "") test(name, use);
  else test.skip(name, `no ${lacking}`);
}
