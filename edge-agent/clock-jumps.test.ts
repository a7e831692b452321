/** The agent's wall clock is set in mid-session, by NTP or by hand; durations use the other clock, and go on. */
import { assert, test } from "../build/testing.ts";
import { HOUR_MS } from "../models/units.ts";
import { CoreBench, START, Story } from "./core.testing.ts";
import type { Effect } from "./ports.ts";

/** Middles of the second and the third session. */
const [JUMPS_S, JUMPS_BACK_S] = [4_000, 7_000] as const;
const END_S = 14_000;

/** Four sessions; `factor`: delivered over billed in the last. */
function storyOf(factor: number): Story {
  const story = new Story();
  story.add(0, { kind: "link", state: "connect", remoteAddress: "192.0.2.7" });
  story.boot(1);
  story.heartbeats(301, END_S);
  [300, 3_300, 6_300].forEach((s, n) => story.session(s, 30, `CARD-${n}`));
  story.session(9_300, 40, "CARD-3", factor);
  story.ticks(0, END_S);
  return story;
}

/** Threats of all alerts, and of findings, which are told from half of an alert's evidence on. */
const threatsOf = (effects: readonly Effect[]): string[] => effects.flatMap((effect) =>
  (effect.kind === "alert" ? [effect.alert.threat] : effect.kind === "finding" ? [effect.threat] : []));

const CLOCKS: Readonly<Record<string, (s: number) => number>> = {
  "an hour ahead": () => HOUR_MS,
  "an hour behind": () => -HOUR_MS,
  "in 1970": () => -START,
  "wild: another hour at every reading": (s) => HOUR_MS * ((Math.floor(s) * 7) % 5 - 2),
};

for (const [name, aheadMs] of Object.entries(CLOCKS)) {
  const during = (s: number): number => (s >= JUMPS_S && s < JUMPS_BACK_S ? aheadMs(s) : 0);
  const fromThenOn = (s: number): number => (s >= JUMPS_S ? aheadMs(s) : 0);
  for (const [how, wallAheadMs] of [["for a while", during], ["for good", fromThenOn]] as const) {
    test(`the wall clock is set ${name}, ${how}: the meter and honest sessions are held against nobody`, () => {
      const bench = new CoreBench({ wallAheadMs });
      assert.equal(threatsOf(bench.takeAll(storyOf(1).inOrder())), []);
      const meters = bench.core.state.observe.transactions.known;
      assert.is(meters.size, 4, "and each session was seen");
    });
  }

  test(`energy stolen after the wall clock was ${name} still shows`, () => {
    const threats = threatsOf(new CoreBench({ wallAheadMs: during }).takeAll(storyOf(1.4).inOrder()));
    assert.ok(threats.includes("energy-theft"), threats.join() || "nothing");
    assert.equal(new Set(threats), new Set(["energy-theft"]));
  });
}
