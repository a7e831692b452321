/** However slowly it is done, teaching a new normal has an end: the table of `npm run bench poisoning`, with bounds. */
import { assert, test } from "../../build/testing.ts";
import { type Gain, gains } from "./poisoning.testing.ts";

const table = gains();
const of = (quantity: string): Gain => {
  const row = table.find((one) => one.quantity.startsWith(quantity));
  assert.ok(row !== undefined, quantity);
  return row;
};

test("lost links: who teaches for eight weeks stays below the twelve an hour that are never honest", () => {
  const { before, after } = of("rate of lost links");
  assert.ok(before <= 96 && after < 12 * 24, `${before}, ${after}`);
});

test("refused idTokens: below four an hour at the end, and a dozen a day without any teaching", () => {
  const { before, after } = of("rate of refused idTokens");
  assert.ok(before <= 24 && after <= 4 * 24, `${before}, ${after}`);
});

test("a habit that was taught ten thousand times still says something, where it has a most", () => {
  const { before, after } = of("habit");
  assert.ok(before > 3 && after > 0.1, `${before}, ${after}`);
});

test("a meter's ratio creeps three per cent and no further", () => assert.ok(of("spread").after <= 3 + 1e-9));

test("a host that nothing vouches for is never believed, however often it is named", () => {
  assert.is(of("hosts").after, 0);
});
