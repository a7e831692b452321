import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../testing.ts";
import { cpioOf } from "./cpio.ts";
import { hasTool } from "./tools.ts";

function archive(): Buffer {
  const root = mkdtempSync(join(tmpdir(), "kerbwatch-cpio-"));
  try {
    mkdirSync(join(root, "bin"));
    writeFileSync(join(root, "bin/it"), "echo it\n");
    chmodSync(join(root, "bin/it"), 0o755);
    symlinkSync("it", join(root, "bin/other"));
    return cpioOf(root, 1_780_272_000);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test("an archive is the same each time, of whole words, and ends as the kernel wants it", () => {
  const bytes = archive();
  assert.equal(bytes, archive());
  assert.is(bytes.length % 4, 0);
  assert.is(bytes.subarray(0, 6).toString(), "070701");
  assert.ok(bytes.includes("TRAILER!!!"));
});

if (hasTool("cpio")) {
  test("cpio lists what is inside, root's, with its modes", () => {
    const listed = execFileSync("cpio", ["-itvn", "--quiet"], { input: archive(), encoding: "utf8" });
    assert.match(listed, /^drwxr-xr-x +1 0 +0 .* bin$/m);
    assert.match(listed, /^-rwxr-xr-x +1 0 +0 .* bin\/it$/m);
    assert.match(listed, /^lrwxrwxrwx +1 0 +0 .* bin\/other -> it$/m);
  });
} else {
  test.skip("cpio lists what is inside", "no cpio: apt-get install cpio");
}
