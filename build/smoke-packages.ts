/**
 * Makes packages as `npm run package` does and has programs judge them that nobody here wrote: lintian the one for
 * Debian, skopeo and umoci the container image, whose program must then run from what they unpacked. In CI alone: it
 * fetches Node and Debian's libraries.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PLATFORMS } from "../targets/nodes.ts";
import { makeDeb } from "./package/deb.ts";
import { makeImage } from "./package/oci.ts";
import { makeRelease, type Release } from "./package/release.ts";
import { needTools, run } from "./package/tools.ts";

const sha256 = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

/** armhf's, and one that brings Node with it. */
async function judgeDebs(release: Release, folder: string): Promise<string> {
  const options = { maintainer: "kerbwatch maintainers <maintainers@example.org>", outDir: folder };
  for (const arch of ["armhf", "arm64"] as const) {
    await run("lintian", ["--fail-on", "error", "--allow-root", await makeDeb(arch, release, options)]);
  }
  return "lintian finds no error in the Debian packages";
}

async function judgeImage(release: Release, folder: string): Promise<string> {
  const first = await makeImage(["arm64"], release, folder);
  const sum = sha256(first);
  const second = await makeImage(["arm64"], release, folder);
  if (sha256(second) !== sum) throw new Error("two builds of the image differ");
  await run("skopeo", ["copy", "--override-arch", "arm64", `oci-archive:${first}`, `oci:${folder}/layout:it`]);
  await run("umoci", ["unpack", "--rootless", "--image", `${folder}/layout:it`, `${folder}/unpacked`]);
  const root = join(folder, "unpacked/rootfs");
  const lib = join(root, "usr/lib/kerbwatch");
  const args = ["-L", root, join(lib, "node"), join(lib, "kerbwatch.cjs"), "--version"];
  const said = (await run(PLATFORMS.arm64.emulator, args)).trim();
  if (said !== `kerbwatch ${release.version}`) throw new Error(`the image's program says ${said}`);
  return "two builds of the image are one; skopeo and umoci unpack it, and its program runs";
}

async function main(): Promise<void> {
  const tools = { lintian: "lintian", skopeo: "skopeo", umoci: "umoci", "dpkg-deb": "dpkg", xz: "xz-utils" };
  needTools({ ...tools, [PLATFORMS.arm64.emulator]: "qemu-user-static" });
  const release = await makeRelease(() => undefined);
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-packages-"));
  try {
    for (const judge of [judgeDebs, judgeImage]) console.log(`ok   ${await judge(release, folder)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.log(`FAIL packages: ${(error as Error).message}`);
  process.exitCode = 1;
}
