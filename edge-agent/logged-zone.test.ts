import { assert, test } from "../build/testing.ts";
import { signStatement } from "../gossip/statement.ts";
import type { Epoch, WallMs } from "../models/units.ts";
import { nodeCrypto, signerFromSeed } from "./adapters/crypto.ts";
import { nothingOfZone, noteZone } from "./logged-zone.ts";

test("its own statements: as many of the last as a zone looks back for; unreadable ones are passed over", () => {
  const signer = signerFromSeed(new Uint8Array(32).fill(1));
  const logged = nothingOfZone(nodeCrypto());
  for (let epoch = 0; epoch < 400; epoch++) {
    const { bytes: signedBytes, signature } = signStatement({
      network: "town", zone: "street", station: "CP-1", epoch: epoch as Epoch, seq: epoch, previous: new Uint8Array(0),
      rosterVersion: 1, evidence: [], checkpoint: new Uint8Array(0),
    }, signer);
    noteZone(logged, { kind: "statement", at: 0 as WallMs, signedBytes, signature }, undefined);
    noteZone(logged, { kind: "statement", at: 0 as WallMs, signedBytes: Uint8Array.of(1), signature }, undefined);
  }
  assert.equal(logged.statements.map(({ body }) => body.epoch), Array.from({ length: 186 }, (_, i) => 400 - 186 + i));
});
