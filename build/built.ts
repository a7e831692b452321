/** Builds the single files and then runs a program of hil-tests, which must not be imported here. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PROGRAMS, makeProgram } from "./bundler.ts";
import { launch } from "./launch.ts";
import { repoRoot } from "./paths.ts";

/** Makes every program whose entry is there; what it says is one line, unless something went wrong. */
async function makeAll(): Promise<boolean> {
  const said: string[] = [];
  let allMade = true;
  for (const program of PROGRAMS.filter(({ entry }) => existsSync(join(repoRoot, entry)))) {
    allMade = await makeProgram(repoRoot, program, (line) => said.push(line)).catch(() => false) && allMade;
  }
  console.log(allMade ? `built ${said.filter((line) => line.startsWith("dist/")).join("; ")}` : said.join("\n"));
  return allMade;
}

/** `entry` is relative to the repository; it then owns this process and its exit code. */
export async function runBuilt(entry: string, args: readonly string[]): Promise<void> {
  if (!existsSync(join(repoRoot, entry))) {
    console.error(`${entry} is missing`);
    process.exitCode = 1;
  } else if (await makeAll()) {
    await launch(entry, args);
  } else {
    process.exitCode = 1;
  }
}
