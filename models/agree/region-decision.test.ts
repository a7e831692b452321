/** The region's rule: its promise on honest claims, captured zones, and what is thin in every zone. */
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { EVIDENCE_KEYS } from "../terms.ts";
import {
  capturedTolerated, decideRegion, leastLevel, levelsOf, REGION_THRESHOLD, zonesNeeded,
} from "./region-decision.ts";
import { zoneThreshold } from "./zone-laws.ts";

const SIX = Array.from({ length: 6 }, () => ({ n: 6, f: 1 }));
const KEY = "refusals";
const MOST = Math.floor(zoneThreshold(KEY, SIX[0]!) / 100);
/** What one zone's claim counts for, as two others that claim as much show. */
const excess = (level: number): number => decideRegion(KEY, SIX, [level, level]).sum;

test("g and the zones that a raise takes: one in 32 zones, none below four, never without two others", () => {
  const at = (zones: number): [number, number] => [capturedTolerated(zones), zonesNeeded(zones)];
  assert.equal([1, 2, 3, 4, 6, 31, 32, 64, 100].map(at),
    [[0, 2], [0, 2], [0, 2], [1, 3], [1, 3], [1, 3], [2, 4], [3, 5], [4, 6]]);
});

test("what is below a raise in each of six zones raises the region; of two zones it does not", () => {
  const thin = SIX.map(() => MOST - 10);
  assert.ok(MOST * 100 <= zoneThreshold(KEY, SIX[0]!));
  const { sum, supporters, raises } = decideRegion(KEY, SIX, thin);
  assert.ok(raises, `${sum}`);
  assert.equal(supporters, [0, 1, 2, 3, 4, 5]);
  assert.is(sum, 5 * excess(MOST - 10));
  assert.not(decideRegion(KEY, SIX, thin.slice(0, 2)).raises);
});

test("one zone, whatever it claims, raises nothing: neither its own incident nor a captured zone's lie", () => {
  for (const key of EVIDENCE_KEYS) {
    for (let zones = 2; zones <= 40; zones++) {
      const sizes = Array.from({ length: zones }, () => ({ n: 30, f: 9 }));
      for (const level of [1, 40, 400, 10_000, 2 ** 31]) {
        assert.not(decideRegion(key, sizes, [level]).raises, `${key}, ${zones} zones, level ${level}`);
      }
    }
  }
});

test("a captured zone adds to honest ones no more than the highest of these", () => {
  const random = seeded(4);
  for (let round = 0; round < 2_000; round++) {
    const honest = SIX.slice(1).map(() => random.int(MOST + 40));
    const lied = decideRegion(KEY, SIX, [1_000_000, ...honest]);
    const excesses = honest.map(excess);
    assert.is(lied.sum, excesses.reduce((a, b) => a + b, 0));
    if (lied.raises) assert.ok(excesses.filter((excess) => excess > 0).length >= 2);
  }
});

test("orders of one CSMS are one cause: only zones that raise count, and their number", () => {
  const sizes = SIX;
  const raise = Math.ceil(zoneThreshold("commands", sizes[0]!) / 100);
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

/** At its worst: P(surprise >= x) = e^-x up to the most, in each window. */
test("claims as surprising as honest evidence may be raise at most as often as promised", () => {
  const random = seeded(11);
  for (const zones of [4, 6, 20, 64]) {
    const sizes = Array.from({ length: zones }, () => ({ n: 6, f: 1 }));
    const most = Math.log(17_520 * 50);
    let above = 0;
    const tries = 20_000;
    for (let one = 0; one < tries; one++) {
      // "export": a nat of level is a nat of surprise.
      const levels = sizes.map(() => Math.floor(zoneThreshold("export", sizes[0]!) / 100 - 10 * most
        - 10 * Math.log(1 - random.next())));
      if (decideRegion("export", sizes, levels).sum >= 3_000) above += 1;
    }
    assert.ok(above / tries < Math.exp(1 - 3), `${zones} zones: ${above / tries} of windows above 3 nats`);
  }
  assert.ok(REGION_THRESHOLD > 15_000 && REGION_THRESHOLD < 16_000);
});

test("a member claims what its zone's sum is, when it is above the handicap", () => {
  const statements = (grown: number) => [0, grown].map((value, epoch) => ({
    epoch: 1_000 + epoch, evidence: EVIDENCE_KEYS.map((key) => (key === KEY ? value : 0)),
  }));
  const zone = (grown: number) => ({
    ...SIX[0]!, epoch: 1_001, members: SIX.map(() => ({ statements: statements(grown) })),
  });
  const keyIndex = EVIDENCE_KEYS.indexOf(KEY);
  const grown = Math.floor((zoneThreshold(KEY, SIX[0]!) - 1_100) / 4);
  assert.equal(levelsOf(zone(grown), 6), [{ keyIndex, level: Math.floor(4 * grown / 100) }]);
  assert.equal(levelsOf(zone(grown - 500), 6), []);
});
