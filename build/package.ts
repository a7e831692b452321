/**
 * `npm run package -- TARGET [--arch ARCH,...] [--out DIR] [--maintainer "NAME <ADDRESS>"] [--key FILE]`: packs the
 * program for a kind of board. Beside each package lie a list of what is inside (CycloneDX) and, for all of them,
 * SHA-256 sums; with an operator's key also the sums' signature in minisign's format.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readOperatorKey } from "../edge-agent/adapters/operator-key.ts";
import { ARCHES, type Arch } from "../targets/nodes.ts";
import { makeBoard } from "./package/board.ts";
import { makeCard } from "./package/card.ts";
import { makeDeb } from "./package/deb.ts";
import { minisignature, minisignPublicKey } from "./package/minisign.ts";
import { makeImage } from "./package/oci.ts";
import { makeRelease, type Release } from "./package/release.ts";
import { MissingTool } from "./package/tools.ts";
import { repoRoot } from "./paths.ts";

interface Wish {
  readonly arches: readonly Arch[];
  readonly outDir: string;
  readonly maintainer: string;
}

class WrongUsage extends Error {}

interface Target {
  readonly arches: readonly Arch[];
  make(of: Release, wish: Wish): Promise<void>;
}

const TARGETS: Readonly<Record<string, Target>> = {
  debian: {
    arches: ARCHES,
    make: async (release, { arches, outDir, maintainer }) => {
      for (const arch of arches) await makeDeb(arch, release, { maintainer, outDir });
    },
  },
  container: {
    arches: ["arm64", "amd64"],
    make: async (release, { arches, outDir }) => void await makeImage(arches, release, outDir),
  },
  "qemu-virt-arm64": {
    arches: ["arm64"],
    make: async (release, { outDir }) => {
      const image = await makeBoard(release, outDir);
      await makeCard(image, release, outDir).catch((error: unknown) => {
        if (!(error instanceof MissingTool)) throw error;
        release.say(`  skipped: card.img: ${error.message}`);
      });
    },
  },
};

/** `sha256sum -c` reads it. */
function writeSums(outDir: string, keyFile: string | undefined, { version, say }: Release): void {
  const names = readdirSync(outDir).filter((name) => !name.startsWith("SHA256SUMS")).sort();
  const sums = names.map((name) =>
    `${createHash("sha256").update(readFileSync(join(outDir, name))).digest("hex")}  ${name}\n`).join("");
  writeFileSync(join(outDir, "SHA256SUMS"), sums);
  if (keyFile === undefined) return;
  const key = readOperatorKey(keyFile);
  if (key === undefined) {
    throw new WrongUsage(`--key: found no file ${keyFile}; allowed: one that keygen --operator made`);
  }
  writeFileSync(join(outDir, "SHA256SUMS.minisig"),
    minisignature(Buffer.from(sums), key.signer, `kerbwatch ${version} by operator/${key.label}`));
  say(`  to check: minisign -Vm SHA256SUMS -P ${minisignPublicKey(key.signer)} && sha256sum -c SHA256SUMS`);
}

const isArch = (text: string): text is Arch => (ARCHES as readonly string[]).includes(text);

function archesOf(text: string | undefined, allowed: readonly Arch[]): readonly Arch[] {
  if (text === undefined) return allowed;
  const words = text.split(",");
  const wrong = words.find((word) => !isArch(word) || !allowed.includes(word));
  if (wrong !== undefined) throw new WrongUsage(`--arch: found ${wrong}; allowed: ${allowed.join(", ")}`);
  return words.filter(isArch);
}

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    options: { arch: text, out: text, maintainer: text, key: text }, allowPositionals: true,
  });
  const [name = "nothing", more] = positionals;
  const target = Object.hasOwn(TARGETS, name) ? TARGETS[name] : undefined;
  if (target === undefined || more !== undefined) {
    throw new WrongUsage(`found ${more ?? name}; allowed: one of ${Object.keys(TARGETS).join(", ")}`);
  }
  const outDir = resolve(values.out ?? join(repoRoot, "dist/packages", name));
  mkdirSync(outDir, { recursive: true });
  const release = await makeRelease((line) => console.log(line));
  console.log(`kerbwatch ${release.version} for ${name}, into ${outDir}`);
  const maintainer = values.maintainer ?? "kerbwatch maintainers <maintainers@example.org>";
  await target.make(release, { arches: archesOf(values.arch, target.arches), outDir, maintainer });
  writeSums(outDir, values.key, release);
  for (const line of readFileSync(join(outDir, "SHA256SUMS"), "utf8").trim().split("\n")) console.log(`  ${line}`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof WrongUsage || error instanceof TypeError ? 2 : 1;
}
