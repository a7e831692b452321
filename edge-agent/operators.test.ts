import { assert, test } from "../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "./adapters/crypto.ts";
import { formatOperatorKey, operatorName, parseOperatorKey, parseOperatorsFile } from "./operators.ts";
import { formatVerifierKey, verifierKeyOf } from "./record/note.ts";

const crypto = nodeCrypto();
const keyOf = (seed: number): Uint8Array => signerFromSeed(new Uint8Array(32).fill(seed)).publicKey;
const alice = formatOperatorKey(crypto, { label: "alice", publicKey: keyOf(1) });
const bob = formatOperatorKey(crypto, { label: "bob", publicKey: keyOf(2) });

test("an operator's key is a verifier key named operator/<label>, and reads back", () => {
  assert.match(alice, /^operator\/alice\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/);
  const value = { label: "alice", publicKey: keyOf(1), role: "operator" };
  assert.equal(parseOperatorKey(crypto, alice), { ok: true, value });
  assert.throws(() => formatOperatorKey(crypto, { label: "a b", publicKey: keyOf(1) }), /label/);
});

test("keys of others, and keys with a changed character, are refused", () => {
  const named = (name: string): string => formatVerifierKey(verifierKeyOf(crypto, name, keyOf(1)));
  const wrong = [
    "", "operator/alice", named("kerbwatch/CP-001"), named("operator/"), named("operator"), named("operator/a/b"),
    named("xoperator/a"), alice.replace("alice", "alicf"), `${alice}=`, ` ${alice}`, alice.replace("+", "+0"),
    bob.slice(0, -2), named("auditor/a"), named("installer/a"),
    formatVerifierKey(verifierKeyOf(crypto, "operator/weak", new Uint8Array(32))),
  ];
  for (const text of wrong) assert.not.ok(parseOperatorKey(crypto, text).ok, text);
});

const FILES: readonly (readonly [text: string, problem: RegExp])[] = [
  ["", /^not JSON; allowed: {"threshold": 2/],
  ["[]", /^found \[\]; allowed: {"threshold"/],
  ["null", /^found null; allowed/],
  ['{"threshold":1}', /^keys: found nothing; allowed: a list of 1 to 16 public keys$/],
  ['{"threshold":1,"keys":[]}', /^keys: found \[\]; allowed/],
  ['{"threshold":1,"keys":[7]}', /^keys: found \[7\]; allowed/],
  [JSON.stringify({ threshold: 1, keys: Array.from({ length: 17 }, () => alice) }), /^keys: found .*; allowed/],
  [JSON.stringify({ threshold: 0, keys: [alice] }), /^threshold: found 0; allowed: a whole number from 1 to 1$/],
  [JSON.stringify({ threshold: 1.5, keys: [alice, bob] }), /^threshold: found 1.5; allowed/],
  [JSON.stringify({ keys: [alice] }), /^threshold: found nothing; allowed/],
  [JSON.stringify({ threshold: 2, keys: [alice] }), /^threshold: found 2; allowed: at most the number of keys, 1$/],
  [JSON.stringify({ threshold: 1, keys: [alice, alice] }), /^keys\[1\]: found the key of keys\[0\] again; allowed/],
  [JSON.stringify({ threshold: 1, keys: [bob, "x"] }), /^keys\[1\]: found "x" \(not of the form/],
  [JSON.stringify({ threshold: 1, keys: [bob], key: 1 }), /^unknown key "key"; allowed: threshold, keys$/],
];

for (const [text, expected] of FILES) {
  test(`an operators file is refused: ${text.slice(0, 40)}`, () => {
    const parsed = parseOperatorsFile(crypto, text);
    assert.match(parsed.ok ? "accepted" : parsed.problem, expected);
  });
}

test("an operators file names its operators", () => {
  const parsed = parseOperatorsFile(crypto, JSON.stringify({ threshold: 2, keys: [alice, bob] }));
  assert.ok(parsed.ok);
  assert.is(parsed.value.threshold, 2);
  assert.equal(parsed.value.keys, [keyOf(1), keyOf(2)]);
  assert.is(operatorName(parsed.value, keyOf(2)), "operator/bob");
  assert.is(operatorName(parsed.value, keyOf(3)), undefined);
});
