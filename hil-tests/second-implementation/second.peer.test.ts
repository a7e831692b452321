/** A second implementation, in Python, from gossip/SPEC.md: it judges every vector as this one does. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { publicVectors } from "../../build/public-vectors.ts";
import { assert, test } from "../../build/testing.ts";
import { nodeCrypto } from "../../edge-agent/adapters/crypto.ts";
import { hex } from "../../gossip/bytes.ts";
import { PYTHON, peerTest, python } from "./python.testing.ts";

/** Counts by file, and what differed. */
function checkVectors(...more: string[]): { readonly checked: Readonly<Record<string, number>> } {
  const args = python("check_vectors.py", join(repoRoot, "gossip/vectors"), ...more);
  const { stdout, stderr } = spawnSync(PYTHON, args, { encoding: "utf8" });
  assert.is(stderr, "");
  const said = JSON.parse(stdout) as { wrong: readonly string[]; checked: Readonly<Record<string, number>> };
  assert.equal(said.wrong, []);
  return said;
}

peerTest("every vector of gossip/vectors has one outcome in both", () => {
  assert.equal(checkVectors().checked, {
    cbor: 57, messages: 136, rosters: 67, successions: 21, neighbours: 70, agreement: 466, witnesses: 63,
    region: 408, words: 50, releases: 108,
  });
});

const vectors = publicVectors();
if (vectors === undefined) test.skip("1,077 public Ed25519 vectors: one verdict in both", "no ../shared");
else {
  peerTest("1,077 public Ed25519 vectors: one verdict in both", () => {
    const folder = mkdtempSync(join(tmpdir(), "kerbwatch-vectors-"));
    const file = join(folder, "ed25519.json");
    const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
    writeFileSync(file, JSON.stringify(vectors.map(({ key, message, signature }) => ({
      key, message: hex(message), signature, valid: nodeCrypto().verify(bytes(key), message, bytes(signature)),
    }))));
    try {
      assert.is(checkVectors(file).checked["ed25519"], 1_077);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
