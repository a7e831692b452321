import { test, assert } from "../build/testing.ts";
import { ed25519Problem, publicKeyProblem } from "./ed25519.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

// RFC 8032, 7.1, test 2.
const KEY = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
const SIGNATURE = hex(
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
  "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
const P_HEX = "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
const L_HEX = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

const withR = (r: string): Uint8Array => Uint8Array.from([...hex(r), ...SIGNATURE.subarray(32)]);
const withS = (s: string): Uint8Array => Uint8Array.from([...SIGNATURE.subarray(0, 32), ...hex(s)]);
/** The same y with the sign bit of x set. */
const signed = (point: string): string =>
  point.slice(0, 62) + (Number.parseInt(point.slice(62), 16) | 0x80).toString(16);

const SMALL_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];
const NOT_CANONICAL = [
  P_HEX,
  `ee${P_HEX.slice(2)}`,
  `ff${P_HEX.slice(2)}`,
];

test("an honest key and signature pass", () => {
  assert.is(ed25519Problem(KEY, SIGNATURE), undefined);
  assert.is(publicKeyProblem(KEY), undefined);
});

test("lengths other than 32 and 64 are refused", () => {
  for (const length of [0, 31, 33, 64]) assert.is(publicKeyProblem(new Uint8Array(length)), "key-length");
  for (const length of [0, 32, 63, 65, 128]) {
    assert.is(ed25519Problem(KEY, new Uint8Array(length)), "signature-length");
  }
});

test("points of small order are refused as key and as R, with either sign", () => {
  for (const point of SMALL_ORDER.flatMap((encoding) => [encoding, signed(encoding)])) {
    assert.is(ed25519Problem(hex(point), SIGNATURE), "key-small-order", point);
    assert.is(ed25519Problem(KEY, withR(point)), "r-small-order", point);
  }
});

test("y of p or more is refused as key and as R, with either sign", () => {
  for (const point of NOT_CANONICAL.flatMap((encoding) => [encoding, signed(encoding)])) {
    assert.is(ed25519Problem(hex(point), SIGNATURE), "key-not-canonical", point);
    assert.is(ed25519Problem(KEY, withR(point)), "r-not-canonical", point);
  }
});

test("the largest canonical y that is not of small order passes: p - 2", () => {
  assert.is(publicKeyProblem(hex(`eb${P_HEX.slice(2)}`)), undefined);
});

test("RFC 8032, 5.1.7: S must be below L", () => {
  assert.is(ed25519Problem(KEY, withS(L_HEX)), "s-not-below-l");
  assert.is(ed25519Problem(KEY, withS(`ee${L_HEX.slice(2)}`)), "s-not-below-l");
  assert.is(ed25519Problem(KEY, withS("f".repeat(64))), "s-not-below-l");
  assert.is(ed25519Problem(KEY, withS(`ec${L_HEX.slice(2)}`)), undefined);
  assert.is(ed25519Problem(KEY, withS("0".repeat(64))), undefined);
});
