/** Each rule against cases that were reckoned by hand. */
import { assert, test } from "../../../build/testing.ts";
import { seeded } from "../../../build/seeded.ts";
import { naiveTrimmedSum } from "../zone-decision.reference.ts";
import { anyStation, beyondFramers, clippedPool, pooledCusum, possible } from "./alone-and-pooled.testing.ts";
import {
  averagedCluster, averagedMedian, hegselmannKrause, resilientMedian, wMsr,
} from "./opinion-averaging.testing.ts";
import { commonOnset, flooredSum, lowSum, trimmedWindows, winsorisedSum } from "./sums.testing.ts";
import { type Lie, median, tell, type Told } from "./told.testing.ts";
import { enoughVotes, f1Of, scoreVote } from "./votes.testing.ts";

/** Two onsets, five members, f = 1, clip 10. Own CUSUMs: 6, 4, 3, 2, 0. */
const told = (lie?: Lie): Told => tell(
  [Float64Array.of(6, 1, 3, -2, -20), Float64Array.of(5, 4, -1, 2, -3)], { f: 1, clip: 10, zoneClip: 10, lie });

const near = (found: number, expected: number): void =>
  assert.ok(Math.abs(found - expected) < 1e-9, `${found} for ${expected}`);

test("growths are clipped and sorted, liars' are their claim, CUSUMs are the largest growth and never below 0", () => {
  assert.equal([...told().growths[0]!], [6, 1, 3, -2, -10]);
  assert.equal(told().sorted.map((row) => [...row]), [[-10, -2, 1, 3, 6], [-3, -1, 2, 4, 5]]);
  assert.equal([...told().cusums], [6, 4, 3, 2, 0]);
  assert.equal([...told({ members: 1, claim: 1 }).cusums], [10, 4, 3, 2, 0]);
  assert.equal([...told({ members: 1, claim: -1 }).growths[1]!], [-10, 4, -1, 2, -3]);
});

const TABLE: readonly [name: string, statistic: (told: Told) => number, none: number, frame: number, hide: number][] = [
  ["any station", anyStation, 6, 10, 4],
  // -2 and 7; a liar adds what it likes
  ["pooled", pooledCusum, 7, Infinity, 0],
  ["clipped pool", clippedPool, 7, 12, 0],
  ["(f+1)-vote", enoughVotes, 4, 4, 3],
  ["score vote, all alike", scoreVote, 3, 3.8, 1.8],
  ["Low-Sum-CUSUM", lowSum, 9, 9, 5],
  // middles 1 - 2 + 3 = 2 and -1 + 2 + 4 = 5; framed 1 + 3 - 2 and 4 + 2 - 1; hiding -10 -2 1 and -3 -1 2: never > 0
  ["common onset", commonOnset, 5, 5, 0],
  // second onset: -1 - 1 + 2 + 4 = 4; first: -1 - 1 + 1 + 3 = 2; hiding, second: -1 - 1 - 1 + 2 = -1
  ["floor at -1", flooredSum(1), 4, 4, 0],
  // second onset: 5 + 4 - 1 = 8
  ["winsorised", winsorisedSum, 8, 8, 0],
];
for (const [name, statistic, none, frame, hide] of TABLE) {
  test(`${name}: without liars, with one that frames, with one that hides`, () => {
    near(statistic(told()), none);
    assert.is(statistic(told({ members: 1, claim: 1 })), frame);
    near(statistic(told({ members: 1, claim: -1 })), hide);
  });
}

test("what is possible: between the sum without the f highest and that, more by the logarithm of the choices", () => {
  near(beyondFramers(Float64Array.of(3, 3, 3, 0), 2), 9 - Math.log((3 * Math.exp(6) + 3 * Math.exp(3)) / 6));
  near(beyondFramers(Float64Array.of(5, 1), 0), 6);
  near(beyondFramers(Float64Array.of(5, 1), 2), 0);
  assert.is(beyondFramers(Float64Array.of(5), 2), 0, "too few to tell");
  const random = seeded(5);
  for (let i = 0; i < 200; i++) {
    const values = Float64Array.from({ length: 7 }, () => 12 * (2 * random.next() - 1));
    const dropped = [...values].sort((a, b) => a - b).slice(0, -2).reduce((sum, value) => sum + value, 0);
    const found = beyondFramers(values, 2);
    assert.ok(found >= dropped - 1e-9 && found <= dropped + Math.log(21) + 1e-9, `${found} for ${dropped}`);
  }
  // Of the two onsets the first: -2, 1 and 3 beside the highest, and the one at the clip unheard.
  const [honest, framed, hidden] = [told(), told({ members: 1, claim: 1 }), told({ members: 1, claim: -1 })];
  assert.ok(possible(honest) > 2 && possible(honest) < 2 + Math.log(5) + 1e-9);
  near(possible(framed), 1 + 3 - 2);
  assert.ok(possible(hidden) < possible(honest));
});

test("a sum whose kept growths support nothing counts as 0", () => {
  const flat = tell([Float64Array.of(9, 1, 1, 1, 1)], { f: 1, clip: 10, zoneClip: 10 });
  assert.equal([commonOnset, flooredSum(1), winsorisedSum].map((statistic) => statistic(flat)), [0, 0, 0]);
});

test("Hegselmann-Krause: two camps further apart than 0.3 each find their mean, and a stubborn one stays", () => {
  const values = Float64Array.of(0, 0.2, 0.9, 1);
  for (const [at, expected] of [0.1, 0.1, 0.95, 0.95].entries()) {
    near(hegselmannKrause({ values, stubborn: 0 })[at]!, expected);
  }
  const pulled = hegselmannKrause({ values: Float64Array.of(0.25, 0, 0), stubborn: 1 });
  assert.is(pulled[0], 0.25);
  assert.ok(pulled[1]! > 0.24);
});

test("W-MSR, F = 1: one stubborn 1 among zeros moves nobody; between two values each takes its own side's mean", () => {
  assert.equal([...wMsr({ values: Float64Array.of(1, 0, 0, 0), stubborn: 1 }, 1)], [1, 0, 0, 0]);
  // Round one: 0 drops 1 and hears 0, 0.3; 0.3 drops both; 1 drops 0 and hears 0.3, 1.
  const after = wMsr({ values: Float64Array.of(0, 0.3, 1), stubborn: 0 }, 1);
  assert.ok(after.every((value) => Math.abs(value - 0.3) < 0.01), [...after].join(" "));
});

test("what averaging reads: opinions 0.6 0.4 0.3 0.2 0 at clip 10 come to one mean; W-MSR's stays within them", () => {
  // Every opinion hears its neighbours within 0.3; all end at one value between 0.2 and 0.4.
  assert.ok(averagedMedian(told()) > 2 && averagedMedian(told()) < 4);
  assert.ok(averagedCluster(told()) >= averagedMedian(told()));
  const resilient = resilientMedian(told());
  assert.ok(resilient > 0 && resilient < 6, `${resilient}`);
});

test("averaging under a lie: at the better of the far and the near lie, and never helped by a hider", () => {
  for (const statistic of [averagedMedian, averagedCluster, resilientMedian]) {
    const [frame, hide] = [told({ members: 1, claim: 1 }), told({ members: 1, claim: -1 })].map(statistic);
    assert.ok(frame! >= hide!, `${frame} ${hide}`);
  }
  // Honest zeros: a framer at 1 is not heard, one at 0.27 drags everybody there.
  const quiet = tell([Float64Array.of(0, 0, 0, 0)], { f: 1, clip: 10, zoneClip: 10, lie: { members: 1, claim: 1 } });
  assert.ok(averagedMedian(quiet) > 2.6, `${averagedMedian(quiet)}`);
});

test("trimming each window: 1 + 2 of (9, 2, 1, -9) is added, and what falls below 0 begins anew", () => {
  assert.is(trimmedWindows(4, [9, 2, 1, -9], 1), 7);
  assert.is(trimmedWindows(1, [0, -2, -1, 9], 1), 0);
});

test("weights: a detector with F1 0 has no vote; F1 is 2 TP over 2 TP + FP + FN", () => {
  near(scoreVote({ ...told(), weights: [1, 0, 0, 1, 0] }), 4);
  assert.is(scoreVote({ ...told(), weights: [0, 0, 0, 0, 0] }), 0);
  near(f1Of({ hits: 6, falseAlarms: 2, misses: 2 }), 0.75);
  assert.is(f1Of({ hits: 0, falseAlarms: 0, misses: 3 }), 0);
});

test("the median is the lower middle; the zone's statistic is the naive trimmed sum", () => {
  assert.equal([median([3, 1, 2]), median([4, 1, 2, 3]), median([])], [2, 2, 0]);
  assert.is(naiveTrimmedSum([5, 4, -1, 2, -3], 1), commonOnset(told()));
});
