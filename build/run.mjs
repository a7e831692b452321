// Runs one of the TypeScript scripts: node build/run.mjs build/<script>.ts [arguments]. The script is bundled into
// dist/.scripts and imported into this very process, so that signals, standard streams and the exit code are its own.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [script, ...rest] = process.argv.slice(2);
if (script === undefined) {
  console.error("usage: node build/run.mjs SCRIPT.ts [arguments]");
  process.exit(2);
}
const result = await build({
  entryPoints: [resolve(script)], absWorkingDir: root, bundle: true, write: false, logLevel: "error",
  platform: "node", format: "esm", target: "node20", packages: "external", sourcemap: "inline",
}).catch(() => process.exit(1));
const outDir = join(root, "dist", ".scripts");
const outFile = join(outDir, `${basename(script, ".ts")}.mjs`);
mkdirSync(outDir, { recursive: true });
// Written aside and renamed, since two runs may start the same script at once.
writeFileSync(`${outFile}.${process.pid}`, result.outputFiles[0].contents);
renameSync(`${outFile}.${process.pid}`, outFile);

process.argv = [process.argv[0], outFile, ...rest];
process.setSourceMapsEnabled(true);
try {
  await import(pathToFileURL(outFile).href);
} catch (error) {
  // An option that cannot be read is one line, and no fault of the script's.
  const isUsage = /^ERR_PARSE_ARGS/.test(error.code) || (error instanceof TypeError && error.message.startsWith("--"));
  if (!isUsage) throw error;
  console.error(error.message);
  process.exit(2);
}
