import { assert, test } from "../build/testing.ts";
import { seeded } from "../build/seeded.ts";
import { plainText, shown } from "./plain-text.ts";

const CASES: [string, string, string][] = [
  ["plain words", "Charge Point 7 (größer)", "Charge Point 7 (größer)"],
  ["a colour sequence", "\u001b[31mred\u001b[0m", "[31mred [0m"],
  ["a C1 sequence", "a\u009b2Jb", "a 2Jb"],
  ["a forged second line", "ok\r\nfail: all is lost", "ok fail: all is lost"],
  ["a Unicode line separator", "a\u2028b", "a b"],
  ["turned reading direction", "abc\u202edef", "abc def"],
  ["an isolate", "a\u2066b", "a b"],
  ["zero width", "a\u200bb\ufeffc", "a b c"],
  ["a lone surrogate", "a\ud800b", "a b"],
  ["an emoji stays whole", "a😀b", "a😀b"],
  ["nothing", "", ""],
  ["only controls", "\u0000\u0007\u007f", ""],
];
for (const [name, text, expected] of CASES) {
  test(`plain text: ${name}`, () => assert.is(plainText(text), expected));
}

test("long text is cut, and says so", () => {
  assert.is(plainText("x".repeat(1_000_000), 10), "xxxxxxxxx…");
});

test("whatever comes in, what goes out is one line without controls", () => {
  const random = seeded(11);
  for (let i = 0; i < 300; i++) {
    const text = String.fromCharCode(...Array.from({ length: 80 }, () => random.int(65_536)));
    assert.not.match(plainText(text), /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
  }
});

test("values are shown as JSON, short", () => {
  assert.is(shown(undefined), "nothing");
  assert.is(shown(null), "null");
  assert.is(shown(Number.NaN), "NaN");
  assert.is(shown("a\nb"), '"a\\nb"');
  assert.is(shown("x".repeat(500)).length, 60);
});
