/**
 * An OCI image from nothing but Node, the libraries that it loads and the program (image-spec 1.1: image-layout.md,
 * manifest.md, config.md), as one archive for several architectures; no registry and no root needed.
 */
import { createHash } from "node:crypto";
import { chmodSync, cpSync, lutimesSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { CONTAINER, containerFiles, LIBRARIES } from "../../targets/container/image.ts";
import { type Arch, NODE_FLAGS, PLATFORMS } from "../../targets/nodes.ts";
import type { Release } from "./release.ts";
import { type Runtime, runtimeOf } from "./runtime.ts";
import { sbomText } from "./sbom.ts";
import { needTools, run, step } from "./tools.ts";
import { treeOf } from "./tree.ts";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const jsonBytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** A tar archive in which nothing depends on who made it, where or when. */
async function tarOf(root: string, epochS: number, out: string): Promise<void> {
  const paths = treeOf(root).map(({ path }) => path);
  for (const path of paths) lutimesSync(join(root, path), epochS, epochS);
  const list = `${out}.list`;
  writeFileSync(list, paths.map((path) => `${path}\0`).join(""));
  await run("tar", ["-cf", out, "--format=ustar", "--owner=0", "--group=0", "--numeric-owner", `--mtime=@${epochS}`,
    "--no-recursion", "--null", "-C", root, `--files-from=${list}`]);
  rmSync(list);
}

/** Node, its libraries, the program and what they need of /etc, below `root`. */
export function layOutProgram(root: string, runtime: Runtime, release: Release): void {
  const { loader, triplet } = PLATFORMS[runtime.arch];
  const put = (path: string, content: string | Uint8Array, mode = 0o644): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  };
  // What a link leads to, under the name that programs ask for.
  const copy = (from: string, to: string, mode: number): void => put(to, readFileSync(from), mode);
  copy(join(runtime.sysroot, loader), loader.slice(1), 0o755);
  for (const name of LIBRARIES[runtime.arch] ?? []) {
    copy(join(runtime.sysroot, "lib", triplet, name), `lib/${triplet}/${name}`, 0o644);
  }
  for (const { name } of runtime.libraries) {
    // libc6's, and gcc-12-base's for the others, which link to it.
    const from = join(runtime.sysroot, "usr/share/doc", name, "copyright");
    try {
      copy(from, `usr/share/doc/${name}/copyright`, 0o644);
    } catch {
      put(`usr/share/doc/${name}/copyright`, "GPL 3 with GCC's runtime library exception 3.1: Debian, gcc-12-base\n");
    }
  }
  cpSync(runtime.node, join(root, CONTAINER.node));
  chmodSync(join(root, CONTAINER.node), 0o755);
  copy(runtime.nodeLicence, "usr/share/doc/node/LICENSE", 0o644);
  put(CONTAINER.program, release.program);
  put("usr/share/doc/kerbwatch/sbom.cdx.json", sbomText(release, { node: runtime.arch, libraries: runtime.libraries }));
  for (const [path, content] of containerFiles()) put(path, content);
  for (const { path, kind } of treeOf(root)) if (kind === "folder") chmodSync(join(root, path), 0o755);
}

class Layout {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
    mkdirSync(join(root, "blobs/sha256"), { recursive: true });
    writeFileSync(join(root, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  }

  add(mediaType: string, bytes: Uint8Array): Descriptor {
    const digest = digestOf(bytes);
    writeFileSync(join(this.root, "blobs/sha256", digest.slice("sha256:".length)), bytes);
    return { mediaType, digest, size: bytes.length };
  }
}

/** config.md, "Properties". */
function configOf(arch: Arch, release: Release, diffId: string): unknown {
  const created = new Date(release.epochS * 1000).toISOString();
  return {
    created, ...PLATFORMS[arch].oci, os: "linux",
    config: {
      User: CONTAINER.user, WorkingDir: "/", StopSignal: "SIGTERM",
      Env: ["PATH=/usr/lib/kerbwatch", "MALLOC_ARENA_MAX=2", "NODE_ENV=production"],
      Entrypoint: [`/${CONTAINER.node}`, ...NODE_FLAGS, `/${CONTAINER.program}`],
      Cmd: ["run", "--supervised", "--config", "/etc/kerbwatch/kerbwatch.yaml"],
      ExposedPorts: { "9000/tcp": {}, "8883/tcp": {} }, Volumes: { "/var/lib/kerbwatch": {} },
      Labels: {
        "org.opencontainers.image.title": "kerbwatch", "org.opencontainers.image.version": release.version,
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    },
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created, created_by: "npm run package -- container" }],
  };
}

async function addImage(layout: Layout, arch: Arch, release: Release, work: string): Promise<unknown> {
  const runtime = await runtimeOf(arch, release.say);
  const root = join(work, `root-${arch}`);
  layOutProgram(root, runtime, release);
  const tar = join(work, `${arch}.tar`);
  await tarOf(root, release.epochS, tar);
  const plain = readFileSync(tar);
  const layer = layout.add("application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(plain, { level: 6 }));
  const config = layout.add("application/vnd.oci.image.config.v1+json",
    jsonBytes(configOf(arch, release, digestOf(plain))));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = layout.add(mediaType, jsonBytes({ schemaVersion: 2, mediaType, config, layers: [layer] }));
  return { ...manifest, platform: { ...PLATFORMS[arch].oci, os: "linux" } };
}

/** Gives the archive's path: `skopeo copy oci-archive:FILE …` and `podman load` read it. */
export async function makeImage(arches: readonly Arch[], release: Release, outDir: string): Promise<string> {
  needTools({ tar: "tar" });
  const { version, epochS, say } = release;
  const work = mkdtempSync(join(tmpdir(), "kerbwatch-oci-"));
  try {
    const layout = new Layout(join(work, "layout"));
    const manifests: unknown[] = [];
    for (const arch of arches) {
      const image = await step(`image for ${arch}`, say, () => addImage(layout, arch, release, work));
      manifests.push(image);
      const { libraries } = await runtimeOf(arch, say);
      const inside = sbomText(release, { node: arch, libraries });
      writeFileSync(join(outDir, `kerbwatch-${version}-${arch}.cdx.json`), inside);
    }
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const index = layout.add(mediaType, jsonBytes({ schemaVersion: 2, mediaType, manifests }));
    // image-layout.md, "index.json": the name under which whoever loads it finds it.
    const annotations = { "org.opencontainers.image.ref.name": version };
    writeFileSync(join(layout.root, "index.json"),
      JSON.stringify({ schemaVersion: 2, mediaType, manifests: [{ ...index, annotations }] }));
    const out = join(outDir, `kerbwatch-${version}.oci.tar`);
    await step(basename(out), say, () => tarOf(layout.root, epochS, out));
    return out;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
