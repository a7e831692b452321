import { assert, test } from "../build/testing.ts";
import { seeded } from "../build/seeded.ts";
import { editDistance, nearest } from "./nearest.ts";

/** The definition of the optimal string alignment distance, word for word; only for testing, exponential. */
function naiveDistance(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const same = a.at(-1) === b.at(-1) ? 0 : 1;
  const [shortA, shortB] = [a.slice(0, -1), b.slice(0, -1)];
  const swapped = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
  return Math.min(
    naiveDistance(shortA, b) + 1, naiveDistance(a, shortB) + 1, naiveDistance(shortA, shortB) + same,
    swapped ? naiveDistance(a.slice(0, -2), b.slice(0, -2)) + 1 : Infinity,
  );
}

test("the distance agrees with its definition on 400 random pairs", () => {
  const random = seeded(7);
  const word = (): string => Array.from({ length: random.int(6) }, () => random.pick(["a", "b", "c"])).join("");
  for (let i = 0; i < 400; i++) {
    const [a, b] = [word(), word()];
    assert.is(editDistance(a, b), naiveDistance(a, b), `"${a}" and "${b}"`);
  }
});

const KNOWN = ["station", "listen", "csms", "epochS", "http", "tls"];
const CASES: [string, string | undefined][] = [
  ["epochs", "epochS"], ["epoch", "epochS"], ["lsiten", "listen"], ["sation", "station"], ["CSMS", "csms"],
  ["tlss", "tls"], ["", undefined], ["x", undefined], ["zzz", undefined], ["completely-else", undefined],
  ["s".repeat(100_000), undefined],
];
for (const [word, expected] of CASES) {
  test(`"${word.slice(0, 20)}" stands for ${expected ?? "nothing known"}`, () => {
    assert.is(nearest(word, KNOWN), expected);
  });
}

test("nothing is near when nothing is known", () => assert.is(nearest("station", []), undefined));
