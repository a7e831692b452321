/** Where things are, for scripts and tests, which run from bundles and in any working folder. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package-lock.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("no package-lock.json above this script: not inside the repository");
    folder = parent;
  }
  return folder;
}

/** The repository's top folder, absolute. */
export const repoRoot: string = findRoot();

/** The folder of reference data beside the repository; undefined when it is not there. */
export function sharedDir(): string | undefined {
  const folder = join(repoRoot, "..", "shared");
  return existsSync(folder) && statSync(folder).isDirectory() ? folder : undefined;
}

/** The folders that hold code, in the order of the dependency rule. */
export const CODE_FOLDERS = ["models", "gossip", "edge-agent", "build", "targets", "hil-tests"] as const;

/** Names that never hold sources: installed packages and build output. */
const NOT_SOURCES = new Set(["node_modules", "dist"]);

/** Every file below `folder` (relative to `root`), sorted, with `/` in the names; nothing when it is absent. */
export function filesBelow(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (NOT_SOURCES.has(entry.name) || entry.name.startsWith(".")) continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...filesBelow(root, path));
    else if (entry.isFile()) found.push(path);
  }
  return found.sort();
}
