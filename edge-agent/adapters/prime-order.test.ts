import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { publicKeyProblem } from "../../gossip/ed25519.ts";
import { signerFromSeed } from "./crypto.ts";
import { isPrimeOrderKey } from "./prime-order.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

test("keys that were made from a seed are of prime order", () => {
  const random = seeded(1);
  for (let i = 0; i < 10; i++) assert.ok(isPrimeOrderKey(signerFromSeed(random.bytes(32)).publicKey));
});

test("points of small and of mixed order are not, though the cheap rule accepts the mixed ones", () => {
  // "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko 2020), table 5: a public key of mixed order.
  const mixed = hex("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d");
  assert.is(publicKeyProblem(mixed), undefined);
  assert.not(isPrimeOrderKey(mixed));
  assert.not(isPrimeOrderKey(hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")));
});

test("what is no point of the curve is none either: half of all bytes", () => {
  const random = seeded(2);
  const good = Array.from({ length: 64 }, () => {
    const bytes = random.bytes(32);
    bytes[31]! &= 0x3f;
    return isPrimeOrderKey(bytes);
  }).filter(Boolean).length;
  assert.ok(good > 0 && good < 20, `${good}`); // an eighth of the half that are points
});
