import { assert, test } from "../../build/testing.ts";
import { dice, purposeSeed } from "./dice.ts";

test("each seed and purpose has a generator of its own", () => {
  const seeds = new Set<number>();
  for (let seed = 0; seed < 2_000; seed++) for (const purpose of ["a", "b", "1"]) seeds.add(purposeSeed(seed, purpose));
  assert.is(seeds.size, 6_000);
});

test("distributions have the mean and spread that they are named for", () => {
  const chance = dice(3, "moments");
  const draw = (one: () => number): { mean: number; sd: number } => {
    const all = Array.from({ length: 20_000 }, one);
    const mean = all.reduce((sum, x) => sum + x, 0) / all.length;
    return { mean, sd: Math.sqrt(all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / all.length) };
  };
  const near = (actual: number, expected: number): void =>
    assert.ok(Math.abs(actual - expected) < 0.05, `${actual} is not ${expected}`);
  const normal = draw(() => chance.normal(2, 1));
  near(normal.mean, 2);
  near(normal.sd, 1);
  const log = draw(() => Math.log(chance.logNormal(Math.E, 0.5)));
  near(log.mean, 1);
  near(log.sd, 0.5);
  near(draw(() => chance.exponential(1)).mean, 1);
  near(draw(() => chance.uniform(-1, 2)).mean, 0.5);
  near(draw(() => (chance.chance(0.3) ? 1 : 0)).mean, 0.3);
});

test("uuid and hex have their forms", () => {
  const chance = dice(3, "forms");
  assert.match(chance.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(chance.hex(14), /^[0-9A-F]{14}$/);
});
