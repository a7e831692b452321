import { assert, test } from "../../build/testing.ts";
import { graded, gradedCount, STRENGTHS, strengthOf } from "./strength.ts";

test("graded: its value at each name, nothing at nothing, straight between", () => {
  const amount = graded(10, 30, 100);
  for (const [strength, expected] of [[0, 0], [0.125, 5], [0.25, 10], [0.375, 20], [0.5, 30], [0.75, 65], [1, 100]]) {
    assert.is(amount(strength!), expected);
  }
  assert.is(gradedCount(1, 2, 5)(0.01), 1);
  assert.equal(Object.keys(STRENGTHS).map((name) => strengthOf(name as keyof typeof STRENGTHS)), [0.25, 0.5, 1]);
  assert.is(strengthOf(0.3), 0.3);
});
