import { seeded } from "./seeded.ts";
import { assert, test } from "./testing.ts";

test("the same seed gives the same values, another seed others", () => {
  const first = seeded(7).bytes(64);
  assert.equal(seeded(7).bytes(64), first);
  assert.not.equal(seeded(8).bytes(64), first);
});

test("mulberry32 gives its published first values", () => {
  const random = seeded(0);
  assert.is(random.next(), 0.26642920868471265);
  assert.is(random.next(), 0.0003297457005828619);
});

test("values stay inside their ranges and cover them", () => {
  const random = seeded(1);
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    const value = random.next();
    assert.ok(value >= 0 && value < 1);
    seen.add(random.int(6));
  }
  assert.equal([...seen].sort(), [0, 1, 2, 3, 4, 5]);
  assert.is(seeded(3).pick(["only"]), "only");
  assert.throws(() => seeded(3).pick([]), /empty/);
});
