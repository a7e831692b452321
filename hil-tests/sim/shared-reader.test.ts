import { assert, test } from "../../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { encodeMessage } from "../../gossip/message.ts";
import type { Read } from "../../gossip/reading.ts";
import type { Epoch, StationId, ZoneId } from "../../models/units.ts";
import { SharedReader } from "./shared-reader.ts";

const [author, other] = [1, 2].map((fill) => signerFromSeed(new Uint8Array(32).fill(fill)));
const HEAD = { network: "n", zone: "z" as ZoneId, rosterVersion: 1, station: "CP-1" as StationId };

test("a signature is verified once for equal keys, whichever object each agent has, and anew for another", () => {
  let verified = 0;
  const { verify, ...crypto } = nodeCrypto();
  const reader = new SharedReader({ ...crypto, verify: (...asked) => {
    verified += 1;
    return verify(...asked);
  } });
  const { whole } = encodeMessage("vote", { epoch: 5 as Epoch, proposal: new Uint8Array(32) }, HEAD, author!);
  const read = reader.read("vote", whole) as Read;
  const keys = [author!, author!, author!, other!, author!].map(({ publicKey }) => Uint8Array.from(publicKey));
  assert.equal(keys.map((key) => reader.isSigned(read, key)), [true, true, true, false, true]);
  assert.is(verified, 3);
});
