/** What ships of tweetnacl, beside the whole of it: the same answers to everything that the program asks. */
import { createRequire } from "node:module";
import { join } from "node:path";
import nacl from "tweetnacl";
import { repoRoot } from "../paths.ts";
import { seeded } from "../seeded.ts";
import { assert, test } from "../testing.ts";

const SEED = 20_260_301;
const wholeNacl = createRequire(join(repoRoot, "package.json"))("tweetnacl") as typeof nacl;

test(`Ed25519: the same keys, signatures and verdicts (seed ${SEED})`, () => {
  const random = seeded(SEED);
  for (let n = 0; n < 6; n++) {
    const seed = random.bytes(32);
    const message = random.bytes(random.pick([0, 1, 63, 64, 111, 112, 127, 128, 300]));
    const pair = nacl.sign.keyPair.fromSeed(seed);
    assert.equal(pair, wholeNacl.sign.keyPair.fromSeed(seed));
    const signature = nacl.sign.detached(message, pair.secretKey);
    assert.equal(signature, wholeNacl.sign.detached(message, pair.secretKey));
    assert.ok(nacl.sign.detached.verify(message, signature, pair.publicKey));
    signature[random.int(64)]! ^= 1 << random.int(8);
    assert.not(nacl.sign.detached.verify(message, signature, pair.publicKey));
  }
  assert.throws(() => nacl.sign.keyPair.fromSeed(new Uint8Array(31)), /bad seed size/);
  assert.throws(() => nacl.sign.keyPair(), /not a function/);
});
