import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NODE_FLAGS } from "../../targets/nodes.ts";
import { repoRoot } from "../paths.ts";
import { assert, test } from "../testing.ts";
import { makeDeb } from "./deb.ts";
import type { Release } from "./release.ts";
import { sbomText } from "./sbom.ts";
import { hasTool } from "./tools.ts";

const RELEASE: Release = {
  version: "1.2.3", epochS: 1_780_272_000, program: Buffer.from("#!/usr/bin/env node\n"), say: () => undefined,
  ingredients: [{ name: "@a/b", version: "2.0.0", licence: "MIT", integrity: "sha512-AAAA" }],
};

/** Hands the path of a package to `use`; armhf, which brings no Node and so needs no network. */
async function withDeb(use: (deb: string) => void): Promise<void> {
  const outDir = mkdtempSync(join(tmpdir(), "kerbwatch-deb-test-"));
  try {
    use(await makeDeb("armhf", RELEASE, { maintainer: "Any One <any.one@example.org>", outDir }));
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

test("the recipe for Yocto starts Node with the flags of all our packages", () => {
  const path = "targets/everest-yocto/recipes-kerbwatch/kerbwatch/kerbwatch_0.1.0.bb";
  const recipe = readFileSync(join(repoRoot, path), "utf8");
  assert.ok(recipe.includes(`"${NODE_FLAGS.join(" ")}"`));
});

const sha256 = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

if (hasTool("dpkg-deb") && hasTool("xz")) {
  test("two builds of a package are the same to the bit, whatever the umask", async () => {
    const sums: string[] = [];
    await withDeb((deb) => sums.push(sha256(deb)));
    const before = process.umask(0o077);
    await withDeb((deb) => sums.push(sha256(deb))).finally(() => process.umask(before));
    assert.is(sums[0], sums[1]);
  });

  test("everything in a package is root's, and secrets are nobody else's to read", async () => {
    await withDeb((deb) => {
      const lines = execFileSync("dpkg-deb", ["--contents", deb], { encoding: "utf8" }).trim().split("\n");
      assert.ok(lines.every((line) => line.includes(" root/root ")), lines.join("\n"));
      assert.ok(lines.some((line) => /^drwx------.* \.\/etc\/kerbwatch\/credentials\/$/.test(line)), lines.join("\n"));
      assert.ok(lines.some((line) => /^-rwxr-xr-x.* \.\/usr\/bin\/kerbwatch$/.test(line)), lines.join("\n"));
    });
  });
} else {
  test.skip("Debian packages", "no dpkg-deb or xz: apt-get install dpkg xz-utils");
}

const UNITS = "usr/lib/systemd/system";

/** What systemd-analyze says of the package's units, among those of this machine; nothing when all is well. */
function verified(deb: string, change: (text: string) => string): string {
  const root = mkdtempSync(join(tmpdir(), "kerbwatch-units-"));
  try {
    execFileSync("dpkg-deb", ["-x", deb, root]);
    cpSync(`/${UNITS}`, join(root, UNITS), { recursive: true, verbatimSymlinks: true });
    const units = ["kerbwatch.service", "kerbwatch.socket"].map((name) => `/${UNITS}/${name}`);
    for (const unit of units) writeFileSync(join(root, unit), change(readFileSync(join(root, unit), "utf8")));
    const args = [`--root=${root}`, "verify", ...units];
    const { status, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    return status === 0 ? stderr : `${stderr}exit code ${status}`;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

if (hasTool("systemd-analyze")) {
  test("systemd-analyze verify has nothing to say of either unit, and would say it", async () => {
    await withDeb((deb) => {
      assert.is(verified(deb, (text) => text), "");
      const misspelt = (text: string): string => text.replace("NoDelay=", "NoDelays=");
      assert.match(verified(deb, misspelt), /kerbwatch\.socket:\d+: Unknown key/);
      const elsewhere = (text: string): string => text.replace("/usr/bin/kerbwatch", "/usr/bin/kerbwatsch");
      assert.match(verified(deb, elsewhere), /kerbwatsch is not executable/);
    });
  });

  test("systemd-analyze rates the service's exposure under 2.0", () => {
    const folder = mkdtempSync(join(tmpdir(), "kerbwatch-unit-"));
    const unit = join(folder, "kerbwatch.service");
    writeFileSync(unit, readFileSync(join(repoRoot, "targets/debian/kerbwatch.service")));
    try {
      // The threshold counts in tenths.
      execFileSync("systemd-analyze", ["security", "--offline=true", "--threshold=19", unit], { stdio: "pipe" });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
} else {
  test.skip("systemd-analyze rates the service", "no systemd-analyze: apt-get install systemd");
}

test("the unit does not deny memory that is written and run: Node's compiler would be aborted", () => {
  const unit = readFileSync(join(repoRoot, "targets/debian/kerbwatch.service"), "utf8");
  assert.not.match(unit, /^MemoryDenyWriteExecute=/m);
});

test("the list of what is inside names each package once, and is the same each time", () => {
  const text = sbomText(RELEASE, { node: "arm64", libraries: [{ name: "libc6", version: "2.36-9" }] });
  assert.is(text, sbomText(RELEASE, { node: "arm64", libraries: [{ name: "libc6", version: "2.36-9" }] }));
  const { bomFormat, serialNumber, components } = JSON.parse(text) as
    { bomFormat: string; serialNumber: string; components: { purl: string }[] };
  assert.is(bomFormat, "CycloneDX");
  assert.match(serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(components.map(({ purl }) => purl).filter((purl) => !purl.includes("node-linux")),
    ["pkg:npm/%40a/b@2.0.0", "pkg:deb/debian/libc6@2.36-9?arch=arm64"]);
});
