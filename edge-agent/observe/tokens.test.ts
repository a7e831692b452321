import { createHmac } from "node:crypto";
import { assert, test } from "../../build/testing.ts";
import type { Crypto } from "../../models/crypto.ts";
import { DAY_MS } from "../../models/units.ts";
import type { WallMs } from "../../models/units.ts";
import { createTokens, dayKey, pseudonymOf } from "./tokens.ts";

let hmacs = 0;
const crypto: Crypto = {
  sha256: () => new Uint8Array(32),
  hmacSha256: (key, data) => {
    hmacs += 1;
    return createHmac("sha256", key).update(data).digest();
  },
  verify: () => false,
};
const SECRET = new Uint8Array(32).fill(1);
const NOON = (19737 * DAY_MS + DAY_MS / 2) as WallMs;

test("day key and pseudonym are as documented", () => {
  const key = createHmac("sha256", SECRET).update("kerbwatch day").update(Buffer.from([0, 0, 0x4d, 0x19])).digest();
  assert.equal(Buffer.from(dayKey(crypto, SECRET, 19737)), key);
  const expected = createHmac("sha256", key).update("04a2b3").digest("hex").slice(0, 16);
  assert.is(pseudonymOf(createTokens(crypto, SECRET), "04A2B3", NOON), expected);
});

test("case, spaces and a number do not change a pseudonym; another token, day or secret does", () => {
  const tokens = createTokens(crypto, SECRET);
  const first = pseudonymOf(tokens, "04A2B3", NOON);
  assert.match(first ?? "", /^[0-9a-f]{16}$/);
  assert.is(pseudonymOf(tokens, " 04a2B3 ", NOON), first);
  assert.is(pseudonymOf(tokens, 1234, NOON), pseudonymOf(tokens, "1234", NOON));
  assert.is.not(pseudonymOf(tokens, "04A2B4", NOON), first);
  assert.is.not(pseudonymOf(tokens, "04A2B3", (NOON + DAY_MS) as WallMs), first);
  assert.is.not(pseudonymOf(createTokens(crypto, new Uint8Array(32)), "04A2B3", NOON), first);
});

test("what is no token has no pseudonym", () => {
  const tokens = createTokens(crypto, SECRET);
  for (const none of ["", "  ", undefined, null, {}, ["04A2B3"], true, "x".repeat(256)]) {
    assert.is(pseudonymOf(tokens, none, NOON), undefined);
  }
});

test("the day key is computed once a day, and a clock before 1970 does not throw", () => {
  const tokens = createTokens(crypto, SECRET);
  hmacs = 0;
  for (let i = 0; i < 10; i += 1) pseudonymOf(tokens, `token ${i}`, NOON);
  assert.is(hmacs, 11);
  assert.ok(pseudonymOf(tokens, "04A2B3", -5 as WallMs));
});
