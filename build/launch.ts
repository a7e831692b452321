/** Runs another TypeScript program of this repository in the present process. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { repoRoot } from "./paths.ts";

/**
 * Bundles `entry` (relative to the repository) into dist/.scripts and imports it, with `args` as its arguments. It then
 * owns this process: its signal handlers get Ctrl-C first-hand, and its exit code is the process's.
 */
export async function launch(entry: string, args: readonly string[]): Promise<void> {
  const name = entry.replaceAll("/", "-").replace(/\.ts$/, "");
  const outfile = join(repoRoot, "dist", ".scripts", `${name}.${process.pid}.mjs`);
  await build({
    entryPoints: [entry], absWorkingDir: repoRoot, outfile, bundle: true, platform: "node", format: "esm",
    target: "node20", packages: "external", sourcemap: "inline", logLevel: "error",
  });
  process.on("exit", () => rmSync(outfile, { force: true }));
  process.argv = [process.execPath, outfile, ...args];
  await import(pathToFileURL(outfile).href);
}
