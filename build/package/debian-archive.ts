/**
 * Packages of any architecture from the archives that this machine's apt knows, unpacked and not installed: no root,
 * and nothing of this system is changed. apt checks the archives' signatures as always.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Arch } from "../../targets/nodes.ts";
import { needTools, run, type Say } from "./tools.ts";

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
}

/** Folders that are links since Debian's merged /usr; older packages still name them. */
const MERGED = ["lib", "lib64", "bin", "sbin"];

/** Each file three times at most. */
const RETRIES = ["-o", "Acquire::Retries=2"];
/** By itself apt ends well with no list at all. */
const UPDATE = [...RETRIES, "-o", "APT::Update::Error-Mode=any", "update"];

/** apt for another architecture, with lists and state of its own in `state`. */
function aptArguments(arch: Arch, state: string): string[] {
  mkdirSync(join(state, "lists/partial"), { recursive: true });
  mkdirSync(join(state, "cache/archives/partial"), { recursive: true });
  const settings = {
    "APT::Architecture": arch, "APT::Architectures::": arch, "APT::Sandbox::User": "root", "Dir::State": state,
    "Dir::State::lists": join(state, "lists"), "Dir::State::status": "/dev/null", "Dir::Cache": join(state, "cache"),
  };
  return ["-q", ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`])];
}

/** `lib` and its like as links into `usr`, wherever the packages put their files. */
function mergeUsr(root: string): void {
  for (const name of MERGED.filter((one) => existsSync(join(root, one)))) {
    cpSync(join(root, name), join(root, "usr", name), { recursive: true, verbatimSymlinks: true });
    rmSync(join(root, name), { recursive: true });
  }
  for (const name of MERGED.filter((one) => existsSync(join(root, "usr", one)))) {
    symlinkSync(`usr/${name}`, join(root, name));
  }
}

/** `libc6_2.36-9+deb12u14_arm64.deb`; apt writes a colon as `%3a`. */
function ofFile(file: string): DebianPackage {
  const [name = "", version = ""] = file.split("_");
  return { name, version: decodeURIComponent(version) };
}

export interface Wish {
  readonly packages: readonly string[];
  /** Of the last of them, which is empty but for its dependencies, the one of this name is meant. */
  readonly whatItNeeds?: RegExp;
}

async function needed(apt: readonly string[], { packages, whatItNeeds }: Wish): Promise<string[]> {
  const last = packages.at(-1);
  if (whatItNeeds === undefined || last === undefined) return [];
  const said = await run("apt-cache", [...apt, "depends", last]);
  const found = said.split("\n").flatMap((line) => /Depends: (\S+)/.exec(line)?.[1] ?? []).find((name) =>
    whatItNeeds.test(name));
  if (found === undefined) throw new Error(`${last}: depends on nothing like ${whatItNeeds.source}`);
  return [found];
}

/**
 * What the absence of an archive leads to says nothing of it ("Unable to locate package"): that comes first.
 * @param lists why lists of packages could not be had; undefined: they could
 */
export function archiveError(lists: string | undefined, then: string): Error {
  const urls = [...(lists ?? "").matchAll(/(?:Err:\d+|Failed to fetch) (\S+)/g)]
    .map(([, url]) => url!.split("/dists/")[0]!);
  const archives = [...new Set(urls)].join(", ") || "an archive of /etc/apt";
  return new Error(lists === undefined ? then : `${archives}: not reached, tried three times; check this machine's `
    + `network and proxy, and its sources, with apt-get update\n${lists}\n${then}`);
}

/** Unpacks the newest of each package into `into/root`; gives their versions, by name. */
export async function unpackDebian(
  arch: Arch, wish: Wish, into: string, say: Say,
): Promise<readonly DebianPackage[]> {
  needTools({ "apt-get": "apt", "dpkg-deb": "dpkg" });
  const state = join(into, "apt");
  const apt = aptArguments(arch, state);
  // One list that could not be had leaves the others: what is downloaded is checked all the same, and may be older.
  const lists = await run("apt-get", [...apt, ...UPDATE]).then(() => undefined, ({ message }: Error) => message);
  if (lists !== undefined) say(`  not every list of packages: ${lists}`);
  try {
    const names = [...wish.packages.filter((name) => wish.whatItNeeds === undefined || name !== wish.packages.at(-1)),
      ...await needed(apt, wish)];
    await run("apt-get", [...apt, ...RETRIES, "download", ...names], { cwd: into });
  } catch (error) {
    throw archiveError(lists, (error as Error).message);
  }
  rmSync(state, { recursive: true });
  const files = readdirSync(into).filter((name) => name.endsWith(".deb")).sort();
  const root = join(into, "root");
  for (const file of files) {
    await run("dpkg-deb", ["-x", join(into, file), root]);
    rmSync(join(into, file));
  }
  mergeUsr(root);
  return files.map(ofFile);
}
