import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { assert, test } from "../testing.ts";
import { minisignature, minisignPublicKey } from "./minisign.ts";
import { hasTool } from "./tools.ts";

const SIGNER = signerFromSeed(new Uint8Array(32).fill(7));
const FILE = Buffer.from("0000  kerbwatch.deb\n");

/** What minisign says of `file` with the signature of FILE. */
function checked(file: Uint8Array, change: (signature: string) => string = (same) => same): string {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-minisign-"));
  try {
    writeFileSync(join(folder, "file"), file);
    writeFileSync(join(folder, "file.minisig"), change(minisignature(FILE, SIGNER, "release 1")));
    const options = { cwd: folder, encoding: "utf8", stdio: "pipe" } as const;
    return execFileSync("minisign", ["-V", "-m", "file", "-P", minisignPublicKey(SIGNER)], options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("the same file and key give the same signature; a comment of two lines is refused", () => {
  assert.is(minisignature(FILE, SIGNER, "a"), minisignature(FILE, SIGNER, "a"));
  assert.throws(() => minisignature(FILE, SIGNER, "a\nb"), /one line/);
});

if (hasTool("minisign")) {
  test("minisign accepts the signature and shows the trusted comment", () => {
    assert.match(checked(FILE), /Trusted comment: release 1/);
  });

  test("minisign refuses another file, and another trusted comment", () => {
    assert.throws(() => checked(Buffer.from("0001  kerbwatch.deb\n")), /Signature verification failed/);
    assert.throws(() => checked(FILE, (text) => text.replace("release 1", "release 2")), /failed/);
  });
} else {
  test.skip("minisign accepts the signature", "no minisign: apt-get install minisign");
}
