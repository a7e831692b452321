import { assert, test } from "../../build/testing.ts";
import { MOST_CERTIFICATES, noteCertificate } from "./csms-certificate.ts";

const hash = (letter: string): string => letter.repeat(64);

/** What each connection shows, a letter for a certificate, and the changes that are told of it. */
const STORIES: [string, string, string[]][] = [
  ["the first is nothing new", "a", []], ["the same again", "aaaa", []], ["another", "ab", ["ab"]],
  ["two by turns are told once", "abababab", ["ab"]], ["a third is told by what was shown last", "abac", ["ab", "ac"]],
  ["back to one that is known", "abca", ["ab", "bc"]],
  ["one that fell out of the last eight is new again", "0123456789", "01 12 23 34 45 56 67 78 89".split(" ")],
  ["and then", "01234567890", "01 12 23 34 45 56 67 78 89 90".split(" ")],
  ["but not one that was shown meanwhile", "0123456708", "01 12 23 34 45 56 67 08".split(" ")],
];
for (const [name, shown, told] of STORIES) {
  test(`certificates of the CSMS: ${name}`, () => {
    const known: string[] = [];
    const news = [...shown].flatMap((letter) => noteCertificate(known, hash(letter)));
    assert.equal(news.map(({ before, now }) => before[0]! + now[0]!), told);
    assert.ok(known.length <= MOST_CERTIFICATES);
    assert.is(known.at(-1), hash(shown.at(-1)!));
  });
}

for (const odd of [undefined, "", "ab", hash("g"), hash("A"), `${hash("a")}0`, `${hash("a")}\n`]) {
  test(`no hash, no news, nothing kept: ${JSON.stringify(odd)}`, () => {
    const known = [hash("a")];
    assert.equal(noteCertificate(known, odd), []);
    assert.equal(known, [hash("a")]);
  });
}
