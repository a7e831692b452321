import { assert, test } from "../../build/testing.ts";
import { growthOf, loadAims } from "./agent-load.ts";
import type { AgentLoad } from "./agent-load.ts";
import { aimLine } from "./figures.ts";

const MARKS = 30;

/** A run whose resident memory at each mark is what `mb` says. */
function run(mb: (i: number) => number, observed = 1_000_000): AgentLoad {
  const marks = Array.from({ length: MARKS }, (_, i) => ({ frames: (i + 1) * 1_000, residentMb: mb(i) }));
  return { stations: 1, bytes: 200, frames: 1_000_000, seconds: 1, cpuUsPerFrame: 1, observed, marks };
}

const verdicts = (...[stations, flood, paced]: [AgentLoad, AgentLoad, AgentLoad]): (string | undefined)[] =>
  loadAims({ stations, flood, paced }).map((aim) => /NOT met|met/.exec(aimLine(aim))?.[0]);

test("growth is the last third over the one before it, and warming up is no growth", () => {
  assert.is(growthOf(run((i) => (i < 10 ? 50 + i : 60)).marks), 1);
  assert.is(growthOf(run((i) => (i < 20 ? 50 : 60)).marks), 1.2);
});

test("a heap that is collected now and then is flat; what grows on, and a frame that was not read, are told", () => {
  const saw = run((i) => 70 + 5 * (i % 5));
  assert.equal(verdicts(saw, saw, saw), ["met", "met", "met", "met"]);
  // 16 MB in the whole run: 16 bytes a frame of a million.
  const leak = run((i) => 70 + 5 * (i % 5) + 16 * i / MARKS);
  assert.equal(verdicts(leak, saw, leak), ["NOT met", "met", "NOT met", "met"]);
  assert.equal(verdicts(saw, saw, run(() => 70, 999_999)), ["met", "met", "met", "NOT met"]);
});
