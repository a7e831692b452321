/** What all packages of one build have in common: the program, its version, and the one time that files get. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RELEASED } from "../../edge-agent/version.ts";
import { bundle, PROGRAMS } from "../bundler.ts";
import { repoRoot } from "../paths.ts";
import type { Say } from "./tools.ts";

/** An npm package of which something is inside the program. */
export interface Ingredient {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** Subresource integrity of the archive that it came in. */
  readonly integrity: string;
}

export interface Release {
  readonly version: string;
  /** Seconds since 1970: every file's time, since the day of the build must not change a bit. */
  readonly epochS: number;
  readonly program: Uint8Array;
  readonly ingredients: readonly Ingredient[];
  readonly say: Say;
}

interface LockEntry {
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
}

const jsonAt = (path: string): unknown => JSON.parse(readFileSync(join(repoRoot, path), "utf8"));

function ingredientsOf(folders: readonly string[]): Ingredient[] {
  const { packages } = jsonAt("package-lock.json") as { packages: Readonly<Record<string, LockEntry>> };
  return folders.map((folder) => {
    const entry = packages[folder];
    if (entry === undefined) throw new Error(`${folder}: in the program, and not in package-lock.json`);
    const name = folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
    return { name, version: entry.version, licence: entry.license ?? "NOASSERTION", integrity: entry.integrity ?? "" };
  });
}

/** Its schemas are inside, packed; esbuild does not know. */
const SCHEMAS_FROM = "node_modules/ocpp-rpc";

/** Builds the program. Rejects with an Error of its faults when it may not ship. */
export async function makeRelease(say: Say): Promise<Release> {
  const agent = PROGRAMS[0];
  if (agent === undefined) throw new Error("there is no program");
  const { contents, faults, packages } = await bundle(repoRoot, agent);
  if (faults.length > 0) throw new Error(faults.map((fault) => `${agent.outFile}: ${fault}`).join("\n"));
  const { version } = jsonAt("package.json") as { version: string };
  const ingredients = ingredientsOf([...new Set([...packages, SCHEMAS_FROM])].sort());
  return { version, epochS: Date.parse(RELEASED) / 1000, program: contents, ingredients, say };
}
