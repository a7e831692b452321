/** Runs the programs of the system that packing needs, and says on one line what is missing. */
import { execFile, spawnSync } from "node:child_process";

/** Something that packing or a bench needs is not on this machine: one line that says what to install. */
export class MissingTool extends Error {
  override readonly name = "MissingTool";
}

export const hasTool = (name: string): boolean =>
  spawnSync(name, ["--version"], { stdio: "ignore" }).error === undefined;

/** @throws MissingTool when one is not there; `from` is Debian's package of each */
export function needTools(tools: Readonly<Record<string, string>>): void {
  const missing = Object.keys(tools).filter((name) => !hasTool(name));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => tools[name]))].join(" ");
  throw new MissingTool(`${missing.join(", ")}: not on this machine; to have it: apt-get install ${packages}`);
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const MOST_OUTPUT = 64 * 1024 * 1024;

/** What a program prints. Rejects with an Error of its last words when it fails. */
export function run(program: string, args: readonly string[], { cwd, env }: RunOptions = {}): Promise<string> {
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: MOST_OUTPUT, encoding: "utf8" } as const;
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const said = `${stderr}${stdout}`.trim().split("\n").slice(-8).join("\n");
      reject(new Error(`${program} ${args[0] ?? ""}: ${said === "" ? error.message : said}`));
    });
  });
}

/** Says one line to whoever waits. */
export type Say = (line: string) => void;

/** How long a step takes before it says that it still goes on. */
const STILL_MS = 10_000;

/** Says what is begun, that it still goes on, and how long it took. */
export async function step<T>(what: string, say: Say, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const tookS = (): string => `${((performance.now() - begun) / 1000).toFixed(1)} s`;
  const timer = setInterval(() => say(`  … ${what}: ${tookS()} so far`), STILL_MS);
  try {
    const made = await work();
    say(`  ${what} (${tookS()})`);
    return made;
  } finally {
    clearInterval(timer);
  }
}
