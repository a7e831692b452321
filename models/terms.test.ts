import { assert, test } from "../build/testing.ts";
import { EVIDENCE_KEYS, FEATURES, threatIndexOf, threatOf, THREATS } from "./terms.ts";

test("which threat a key raises: a joint feature that of its detector, a threat itself", () => {
  const expected = [
    "load-manipulation", "load-manipulation", "authorization-abuse", "load-manipulation", "load-manipulation",
    "energy-theft", "billing-inflation", "configuration-tampering", "firmware-tampering", "remote-command-abuse",
    "denial-of-service", "data-exfiltration", "reconnaissance", "reverse-power", "credential-cloning",
  ];
  assert.equal(FEATURES.map(threatOf), expected);
  assert.equal(THREATS.map(threatOf), [...THREATS]);
});

test("the number of a key's threat is the threat's own number as an evidence key; of no key, itself", () => {
  EVIDENCE_KEYS.forEach((key, index) => assert.is(EVIDENCE_KEYS[threatIndexOf(index)], threatOf(key)));
  assert.is(threatIndexOf(EVIDENCE_KEYS.length), EVIDENCE_KEYS.length);
});
