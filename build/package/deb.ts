/** Makes a Debian package without root: files laid out in a folder, packed by dpkg-deb as root's. */
import { createHash } from "node:crypto";
import { chmodSync, cpSync, lutimesSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { bringsNode, controlText, FILES, FOLDERS, PATHS } from "../../targets/debian/control.ts";
import { type Arch, NODE_FLAGS } from "../../targets/nodes.ts";
import { COMMANDS } from "../../edge-agent/cli/commands.ts";
import { SHELLS } from "../../edge-agent/cli/completion.ts";
import { allForms } from "../../edge-agent/cli/forms.ts";
import { repoRoot } from "../paths.ts";
import type { Release } from "./release.ts";
import { configPage, manualPage } from "./manual.ts";
import { nodeOf } from "./runtime.ts";
import { sbomText } from "./sbom.ts";
import { needTools, run, step } from "./tools.ts";
import { treeOf } from "./tree.ts";

export interface DebOptions {
  /** `Name <address>`: who answers for the package. */
  readonly maintainer: string;
  readonly outDir: string;
  /** False for a bench, which unpacks it at once: xz takes 13 s. */
  readonly isPacked?: boolean;
}

const launcher = (arch: Arch): string => `#!/bin/sh
exec ${bringsNode(arch) ? `/${PATHS.node}` : "/usr/bin/node"} ${NODE_FLAGS.join(" ")} /${PATHS.program} "$@"
`;

/** Debian Policy 12.5, in the form of DEP-5. */
function copyright(nodeLicence: string | undefined): string {
  const node = nodeLicence === undefined ? "" : `
Files: ${PATHS.node}
Copyright: 2009-2026 Node.js contributors, and others named in node-LICENSE.gz
License: node
 The whole text, with the licences of what is inside, is node-LICENSE.gz beside this file.
`;
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2026 the kerbwatch contributors
License: Apache-2.0
 On Debian systems the full text of the licence is in /usr/share/common-licenses/Apache-2.0. Packages of others that
 are inside the program, with their licences: sbom.cdx.json beside this file.
${node}`;
}

/** The whole changelog is the project's own; this one only says which version it is (Debian Policy 4.4). */
const changelog = ({ version, epochS }: Release, maintainer: string): string =>
  `kerbwatch (${version}) stable; urgency=medium

  * What changed is told in CHANGELOG.md of the sources.

 -- ${maintainer}  ${new Date(epochS * 1000).toUTCString().replace("GMT", "+0000")}
`;

const zipped = (text: string | Uint8Array): Uint8Array => gzipSync(text, { level: 9 });

type Put = (path: string, content: string | Uint8Array, mode?: number) => void;

/** Manual pages, and what completes commands in shells: all made from the commands. */
async function putHelp(put: Put, { version, epochS }: Release): Promise<void> {
  const of = { version, date: new Date(epochS * 1000).toISOString().slice(0, 10) };
  put(`${PATHS.manual}/man1/kerbwatch.1.gz`, zipped(await manualPage(of)));
  put(`${PATHS.manual}/man5/kerbwatch.yaml.5.gz`, zipped(configPage(of)));
  const commands = await allForms(COMMANDS);
  for (const [shell, path] of Object.entries(PATHS.completions)) put(path, SHELLS[shell]!(commands));
}

/** Everything, written below `root`. */
async function layOut(root: string, arch: Arch, release: Release, maintainer: string): Promise<void> {
  const put: Put = (path, content, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  };
  for (const [name, path, mode] of FILES) put(path, readFileSync(join(repoRoot, "targets/debian", name)), mode);
  // Not to be run by itself: what Node it wants is the launcher's business.
  put(PATHS.program, release.program);
  put(PATHS.command, launcher(arch), 0o755);
  await putHelp(put, release);
  const documents = PATHS.documents;
  put(`${documents}/changelog.gz`, zipped(changelog(release, maintainer)));
  put(`${documents}/sbom.cdx.json`, sbomText(release, bringsNode(arch) ? { node: arch } : {}));
  let nodeLicence: string | undefined;
  if (bringsNode(arch)) {
    const node = await nodeOf(arch, release.say);
    cpSync(node.node, join(root, PATHS.node));
    chmodSync(join(root, PATHS.node), 0o755);
    nodeLicence = readFileSync(node.nodeLicence, "utf8");
    put(`${documents}/node-LICENSE.gz`, zipped(nodeLicence));
    put("usr/share/lintian/overrides/kerbwatch", readFileSync(join(repoRoot, "targets/debian/lintian-overrides")));
  }
  put(`${documents}/copyright`, copyright(nodeLicence));
  for (const [path, mode] of FOLDERS) {
    mkdirSync(join(root, path), { recursive: true });
    chmodSync(join(root, path), mode);
  }
}

/** `DEBIAN/control` and `DEBIAN/md5sums`, from what lies there. */
function describe(root: string, arch: Arch, version: string, maintainer: string): void {
  const files = treeOf(root).filter(({ path, kind }) => kind === "file" && !path.startsWith("DEBIAN/"));
  const kilobytes = files.reduce((sum, { bytes }) => sum + Math.ceil(bytes / 1024), 0);
  writeFileSync(join(root, "DEBIAN/control"), controlText({ arch, version, maintainer, kilobytes }));
  const sums = files.map(({ path }) =>
    `${createHash("md5").update(readFileSync(join(root, path))).digest("hex")}  ${path}\n`);
  writeFileSync(join(root, "DEBIAN/md5sums"), sums.join(""));
}

/** Modes that do not depend on who builds, and the release's time on everything. */
function level(root: string, epochS: number): void {
  const own = new Set(FOLDERS.map(([path]) => path));
  for (const { path, kind } of treeOf(root)) {
    if (kind === "folder" && !own.has(path)) chmodSync(join(root, path), 0o755);
    if (path === "DEBIAN/control" || path === "DEBIAN/md5sums") chmodSync(join(root, path), 0o644);
  }
  for (const path of ["", ...treeOf(root).map((one) => one.path)]) lutimesSync(join(root, path), epochS, epochS);
  chmodSync(root, 0o755);
}

/** Gives the package's path. */
export async function makeDeb(arch: Arch, release: Release, options: DebOptions): Promise<string> {
  const { maintainer, outDir, isPacked = true } = options;
  needTools({ "dpkg-deb": "dpkg", xz: "xz-utils" });
  const { version, epochS, say } = release;
  const out = join(outDir, `kerbwatch_${version}_${arch}.deb`);
  const root = mkdtempSync(join(tmpdir(), "kerbwatch-deb-"));
  try {
    await layOut(root, arch, release, maintainer);
    describe(root, arch, version, maintainer);
    level(root, epochS);
    mkdirSync(outDir, { recursive: true });
    // One thread: xz divides its work, and so its output, by how many there are. Level 1 of Node is 34 MB after 13 s of
    // processor time, level 6 is 29 MB after 70.
    const how = isPacked ? ["--threads-max=1", "-Zxz", "-z1"] : ["-Znone"];
    const args = ["--root-owner-group", ...how, "--build", root, out];
    await step(`packing for ${arch}`, say, () =>
      run("dpkg-deb", args, { env: { SOURCE_DATE_EPOCH: String(epochS) } }));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  writeFileSync(`${out.slice(0, -".deb".length)}.cdx.json`, sbomText(release, bringsNode(arch) ? { node: arch } : {}));
  return out;
}
