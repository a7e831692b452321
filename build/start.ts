/** `npm start [-- options]`: builds the single file and plays the demonstration on this machine. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PROGRAMS, makeProgram } from "./bundler.ts";
import { launch } from "./launch.ts";
import { repoRoot } from "./paths.ts";

const DEMONSTRATION = "hil-tests/bench/start.ts";

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

if (!existsSync(join(repoRoot, DEMONSTRATION))) {
  console.error(`${DEMONSTRATION} is missing`);
  process.exitCode = 1;
} else if (await makeAll()) {
  await launch(DEMONSTRATION, process.argv.slice(2));
} else {
  process.exitCode = 1;
}
