import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { at } from "../detector.testing.ts";
import { countIn, createHour, noteIn } from "./hour.ts";

const HOUR = 3_600;

test("against a list of all that happened: exact to a slot of five minutes", () => {
  const [random, hour] = [seeded(2), createHour(["a", "b"])];
  const all: [string, number][] = [];
  let s = 0;
  for (let n = 0; n < 5_000; n++) {
    s += random.pick([0, 1, 30, 400, 3_000, 9_000]);
    const name = random.pick(["a", "b"] as const);
    noteIn(hour, name, at(s));
    all.push([name, s]);
    const within = (seconds: number) => all.filter(([one, then]) => one === "a" && s - then < seconds).length;
    const counted = countIn(hour, "a", at(s));
    assert.ok(counted >= within(HOUR - 300) && counted <= within(HOUR), `${counted} at ${s}`);
  }
});

test("a clock that went back is that of another start", () => {
  const hour = createHour(["a"]);
  noteIn(hour, "a", at(5 * HOUR));
  assert.is(countIn(hour, "a", at(HOUR)), 0);
  assert.is(countIn(hour, "a", { ...at(0), monoMs: -5 as never }), 0);
});
