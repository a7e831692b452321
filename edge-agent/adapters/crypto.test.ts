import { createPublicKey, verify as opensslVerify } from "node:crypto";
import { publicVectors } from "../../build/public-vectors.ts";
import { seeded } from "../../build/seeded.ts";
import { test, assert } from "../../build/testing.ts";
import { nativeCrypto, nodeCrypto, signerFromSeed, tweetnaclCrypto, tweetnaclSigner } from "./crypto.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const ENGINES = { native: nativeCrypto(), tweetnacl: tweetnaclCrypto() };

// RFC 8032, 7.1, tests 1 to 3.
const RFC8032 = [
  { seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", message: "",
    key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
  { seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", message: "72",
    key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
  { seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", message: "af82",
    key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
];

const vectors = publicVectors();
if (vectors === undefined) test.skip("1,077 public vectors: engines agree", "no ../shared");
else {
  test("1,077 public vectors: the engines agree, and with every stated verdict", () => {
    assert.is(vectors.length, 1077);
    let accepted = 0;
    for (const { name, key, message, signature, valid } of vectors) {
      const native = ENGINES.native.verify(hex(key), message, hex(signature));
      assert.is(ENGINES.tweetnacl.verify(hex(key), message, hex(signature)), native, name);
      if (valid !== undefined) assert.is(native, valid, name);
      if (native) accepted += 1;
    }
    assert.ok(accepted > 80, `only ${accepted} accepted`);
  });
}

test("RFC 8032, 7.1: both signers reproduce the published keys and signatures, both engines accept them", () => {
  for (const { seed, message, key, signature } of RFC8032) {
    for (const signer of [signerFromSeed(hex(seed)), tweetnaclSigner(hex(seed))]) {
      assert.is(toHex(signer.publicKey), key);
      assert.is(toHex(signer.sign(hex(message))), signature);
    }
    for (const engine of Object.values(ENGINES)) assert.ok(engine.verify(hex(key), hex(message), hex(signature)));
  }
});

test("a changed bit anywhere in key, message or signature is refused by both engines", () => {
  const { key, message, signature } = RFC8032[2]!;
  const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
    bytes.map((byte, i) => i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte);
  for (const engine of Object.values(ENGINES)) {
    for (let bit = 0; bit < 256; bit += 5) {
      assert.not(engine.verify(flipped(hex(key), bit), hex(message), hex(signature)));
      assert.not(engine.verify(hex(key), hex(message), flipped(hex(signature), bit * 2)));
    }
    for (let bit = 0; bit < 16; bit++) assert.not(engine.verify(hex(key), flipped(hex(message), bit), hex(signature)));
  }
});

test("verify never throws: keys that are no point, wrong lengths, random bytes", () => {
  const random = seeded(7);
  for (let i = 0; i < 200; i++) {
    const key = random.bytes(i % 4 === 0 ? random.int(70) : 32);
    const signature = random.bytes(i % 5 === 0 ? random.int(130) : 64);
    for (const engine of Object.values(ENGINES)) assert.not(engine.verify(key, random.bytes(9), signature));
  }
});

test("the key cache drops the oldest and stays right", () => {
  const crypto = nativeCrypto();
  const random = seeded(8);
  const signers = Array.from({ length: 300 }, () => signerFromSeed(random.bytes(32)));
  const message = random.bytes(20);
  for (const signer of [...signers, ...signers.slice(0, 50)]) {
    assert.ok(crypto.verify(signer.publicKey, message, signer.sign(message)));
    assert.not(crypto.verify(signers[299]!.publicKey, random.bytes(20), signer.sign(message)));
  }
});

test("the key of a signer is one that OpenSSL takes as it stands", () => {
  const signer = signerFromSeed(new Uint8Array(32).fill(9));
  const x = Buffer.from(signer.publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  assert.ok(opensslVerify(null, Buffer.from("m"), key, signer.sign(Buffer.from("m"))));
});

test("a seed of another length is refused", () => {
  assert.throws(() => signerFromSeed(new Uint8Array(31)), /32 bytes, not 31/);
});

test("FIPS 180-4 and RFC 4231: hashing over several parts, HMAC", () => {
  const crypto = nodeCrypto();
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.is(toHex(crypto.sha256(hex("61"), hex("62"), hex("63"))), abc);
  assert.is(toHex(crypto.sha256(hex("616263"))), abc);
  assert.is(toHex(crypto.hmacSha256(Buffer.from("Jefe"), Buffer.from("what do ya want for nothing?"))),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
});
