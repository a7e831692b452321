/** The region's rule: its promise on honest claims, captured zones, and what is thin in every zone. */
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { EVIDENCE_KEYS } from "../terms.ts";
import {
  capturedTolerated, decideRegion, handicap, leastLevel, levelsOf, regionThreshold, zonesNeeded,
} from "./region-decision.ts";
import { zoneThreshold } from "./zone-laws.ts";

const SIX = Array.from({ length: 6 }, () => ({ n: 6, f: 1 }));
const KEY = "refusals";
const MOST = Math.floor(zoneThreshold(KEY, SIX[0]!) / 1_000);

test("g and the zones that a raise takes: one in 32 zones, none below four, never without two others", () => {
  const at = (zones: number): [number, number] => [capturedTolerated(zones), zonesNeeded(zones)];
  assert.equal([1, 2, 3, 4, 6, 31, 32, 64, 100].map(at),
    [[0, 2], [0, 2], [0, 2], [1, 3], [1, 3], [1, 3], [2, 4], [3, 5], [4, 6]]);
});

test("what is just below a raise in six zones raises the region; in five it lacks the dropped one", () => {
  const all = SIX.map(() => MOST);
  assert.ok(MOST * 1_000 <= zoneThreshold(KEY, SIX[0]!));
  assert.ok(decideRegion(KEY, SIX, all).raises);
  const { sum, supporters } = decideRegion(KEY, SIX, all);
  assert.is(sum, 5 * (MOST * 1_000 - handicap(SIX[0]!, 6)));
  assert.equal(supporters, [0, 1, 2, 3, 4, 5]);
});

test("one zone, whatever it claims, raises nothing: neither its own incident nor a captured zone's lie", () => {
  for (const key of EVIDENCE_KEYS) {
    for (let zones = 2; zones <= 40; zones++) {
      const sizes = Array.from({ length: zones }, () => ({ n: 30, f: 9 }));
      for (const level of [1, 40, 1_000, 2 ** 31]) {
        assert.not(decideRegion(key, sizes, [level]).raises, `${key}, ${zones} zones, ${level} nats`);
      }
    }
  }
});

test("a captured zone adds to honest ones no more than the highest of these", () => {
  const random = seeded(4);
  for (let round = 0; round < 2_000; round++) {
    const honest = SIX.slice(1).map(() => random.int(MOST + 4));
    const lied = decideRegion(KEY, SIX, [1_000_000, ...honest]);
    const excesses = honest.map((level) =>
      Math.max(0, Math.min(level * 1_000, zoneThreshold(KEY, SIX[0]!)) - handicap(SIX[0]!, 6)));
    assert.is(lied.sum, excesses.reduce((a, b) => a + b, 0));
    if (lied.raises) assert.ok(excesses.filter((excess) => excess > 0).length >= 2);
  }
});

test("orders of one CSMS are one cause: only zones that raise count, and their number", () => {
  const sizes = SIX;
  const raise = Math.ceil(zoneThreshold("commands", sizes[0]!) / 1_000);
  assert.is(leastLevel("commands", sizes[0]!, 6), raise);
  assert.not(decideRegion("commands", sizes, sizes.map(() => raise - 1)).raises);
  assert.not(decideRegion("commands", sizes, [raise, raise]).raises);
  assert.ok(decideRegion("commands", sizes, [raise, undefined, raise, undefined, raise]).raises, "from zone to zone");
});

test("claims that are none count as none", () => {
  for (const level of [undefined, Number.NaN, 1.5, -3, Infinity]) {
    assert.equal(decideRegion(KEY, SIX, SIX.map(() => level as number)).supporters, [], `${level}`);
  }
});

/** A honest claim at its worst: P(level above it) = e^-level, for all the onsets and trims that the handicap covers. */
test("claims as high as honest evidence may be raise at most as often as promised", () => {
  const random = seeded(11);
  for (const zones of [4, 6, 20, 64]) {
    const sizes = Array.from({ length: zones }, () => ({ n: 6, f: 1 }));
    const free = handicap(sizes[0]!, 1);
    let weighed = 0;
    const tries = 20_000;
    for (let one = 0; one < tries; one++) {
      // E = e^(level - free) with P(E > x) = 1 / x; what is added up must have a mean exponential below e.
      const levels = sizes.map(() => Math.floor((free - 1_000 * Math.log(1 - random.next())) / 1_000));
      const { sum } = decideRegion(KEY, sizes, levels);
      if (sum >= 3_000) weighed += 1;
    }
    assert.ok(weighed / tries < Math.exp(1 - 3), `${zones} zones: ${weighed / tries} of looks above 3 nats`);
  }
  assert.ok(regionThreshold(36) > 17_000 && regionThreshold(36) < 18_000);
});

test("a member claims what its zone's sum is, when it is above the handicap", () => {
  const statements = (grown: number) => [0, grown].map((value, epoch) => ({
    epoch: 1_000 + epoch, evidence: EVIDENCE_KEYS.map((key) => (key === KEY ? value : 0)),
  }));
  const zone = (grown: number) => ({
    ...SIX[0]!, epoch: 1_001, members: SIX.map(() => ({ statements: statements(grown) })),
  });
  const keyIndex = EVIDENCE_KEYS.indexOf(KEY);
  assert.equal(levelsOf(zone(2_200), 6), [{ keyIndex, level: 8 }], "4 x 2.2 nats");
  assert.equal(levelsOf(zone(1_100), 6), []);
  // Alone none of the zones raises, all of them together do.
  assert.ok(8_800 < zoneThreshold(KEY, SIX[0]!));
});
