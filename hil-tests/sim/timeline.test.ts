import { assert, test } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import type { WallMs } from "../../models/units.ts";
import { Timeline } from "./timeline.ts";

test("items come out in the order of a stable sort by time (200 random plays)", () => {
  const random = seeded(5);
  for (let run = 0; run < 200; run++) {
    const timeline = new Timeline<{ at: number; n: number }>(0 as WallMs);
    const said: { at: number; n: number }[] = [];
    for (let i = 0; i < 40; i++) {
      timeline.schedule(random.int(50) as WallMs, () => {
        const at = timeline.now + random.int(10);
        const item = { at, n: said.length };
        said.push(item);
        timeline.emit(at as WallMs, item);
      });
    }
    const heard = [...timeline.run(1_000 as WallMs)];
    assert.equal(heard, [...said].sort((a, b) => a.at - b.at || a.n - b.n));
    assert.is(heard.length, 40);
  }
});

test("what lies at or beyond the end is left out", () => {
  const timeline = new Timeline<string>(0 as WallMs);
  for (const at of [9, 10, 11]) timeline.schedule(at as WallMs, () => timeline.emit(at as WallMs, String(at)));
  timeline.schedule(5 as WallMs, () => timeline.emit(10 as WallMs, "late"));
  assert.equal([...timeline.run(10 as WallMs)], ["9"]);
});

test("a task in the past runs now, and time does not go back", () => {
  const timeline = new Timeline<number>(0 as WallMs);
  timeline.schedule(5 as WallMs, () => timeline.schedule(1 as WallMs, () => timeline.emit(2 as WallMs, timeline.now)));
  assert.equal([...timeline.run(10 as WallMs)], [5]);
});
