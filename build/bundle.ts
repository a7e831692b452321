/** `npm run build`: makes the single-file programs in dist/ and says their sizes; fails over the budget. */
import { PROGRAMS, makeProgram } from "./bundler.ts";
import { repoRoot } from "./paths.ts";

const made: boolean[] = [];
for (const program of PROGRAMS) {
  // esbuild has said what is wrong with the sources.
  made.push(await makeProgram(repoRoot, program, (line) => console.log(line)).catch(() => false));
}
process.exitCode = made.every(Boolean) ? 0 : 1;
