import { seeded, type Seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { type EvidenceKey, EVIDENCE_KEYS } from "../terms.ts";
import { lowSumCusum, naiveSearch, naiveTrimmedSum } from "./zone-decision.reference.ts";
import {
  carries, decide, growthOf, searchEveryKey, searchOnset, searchRaises, type Stated, trimmedSum, WINDOW_EPOCHS,
  type ZoneHistory,
} from "./zone-decision.ts";
import { clipOf, SUPPORT_MILLINATS, zoneThreshold } from "./zone-laws.ts";

const KEY: EvidenceKey = "starts";
const CLIP = clipOf(KEY, { n: 6, f: 1 });
const PLACE = EVIDENCE_KEYS.indexOf(KEY);
const EPOCH = 1_000;

const evidence = (value: number): number[] => EVIDENCE_KEYS.map((_, index) => (index === PLACE ? value : 0));
const said = (...points: readonly (readonly [epoch: number, value: number])[]): { statements: Stated[] } =>
  ({ statements: points.map(([epoch, value]) => ({ epoch, evidence: evidence(value) })) });
const zoneOf = (n: number, f: number, members: ZoneHistory<Stated>["members"]): ZoneHistory<Stated> =>
  ({ n, f, epoch: EPOCH, members });
const growthsOf = (dice: Seeded, n: number): number[] => Array.from({ length: n }, () => dice.int(2 * CLIP) - CLIP);

test("growth is the difference, within the clip", () => {
  const cases: [number, number, number][] = [
    [5, 3, 2], [3, 5, -2], [0, 0, 0], [CLIP, 0, CLIP], [CLIP + 1, 0, CLIP], [0, CLIP + 1, -CLIP],
    [2_000_000_000, -2_000_000_000, CLIP],
  ];
  for (const [newer, older, growth] of cases) assert.is(growthOf(newer, older, CLIP), growth);
});

test("the trimmed sum as a table, and against the naive one", () => {
  const cases: [number[], number, number][] = [
    [[1, 2, 3], 0, 6], [[1, 2, 3], 1, 2], [[3, 1, 2], 1, 2], [[5, 5, 5, 5], 1, 10], [[], 0, 0], [[1], 1, 0],
    [[1, 2], 1, 0], [[1, 2, 3], 2, 0], [[-9, -1, -1, 100], 1, -2],
  ];
  for (const [growths, f, sum] of cases) assert.is(trimmedSum(growths, f), sum, JSON.stringify(growths));
  const dice = seeded(1);
  for (let round = 0; round < 500; round++) {
    const growths = growthsOf(dice, dice.int(20));
    const f = dice.int(7);
    assert.is(trimmedSum(growths, f), naiveTrimmedSum(growths, f));
  }
});

test("a zone of n carries f when n > 3f", () => {
  for (const [n, f] of [[1, 0], [3, 0], [4, 1], [6, 1], [7, 2], [60, 19]] as const) assert.ok(carries({ n, f }));
  for (const [n, f] of [[0, 0], [3, 1], [6, 2], [60, 20], [6, -1], [6.5, 1], [6, 0.5], [Number.NaN, 0]] as const) {
    assert.not(carries({ n, f }));
  }
});

test("raises at the threshold and not a millinat below, with f + 1 supporters and not with f", () => {
  const zone = { n: 6, f: 1 };
  const threshold = zoneThreshold(KEY, zone);
  const share = Math.ceil(threshold / 4);
  const rest = threshold - 3 * share;
  const at = (last: number): boolean =>
    decide({ ...zone, key: KEY, growths: [CLIP, share, share, share, last, -1] }).raises;
  assert.ok(at(rest));
  assert.not(at(rest - 1));
  const few = decide({ n: 6, f: 1, key: KEY, growths: [CLIP, SUPPORT_MILLINATS, 0, 0, 0, 0] });
  assert.is(few.supporters, 1);
  assert.not(few.raises);
});

test("a decision on hostile growths: too many raise nothing; missing and odd ones count as the lowest", () => {
  const high = new Array<number>(6).fill(CLIP);
  assert.ok(decide({ n: 6, f: 1, key: KEY, growths: high }).raises);
  assert.not(decide({ n: 5, f: 1, key: KEY, growths: high }).raises);
  assert.not(decide({ n: 6, f: 2, key: KEY, growths: high }).raises, "n > 3f");
  assert.is(decide({ n: 6, f: 1, key: KEY, growths: [] }).sum, -4 * CLIP);
  assert.is(decide({ n: 6, f: 0, key: KEY, growths: [Number.NaN, Infinity, 0.5, 1e308, 0, 0] }).sum, -4 * CLIP);
  assert.is(decide({ n: 6, f: 0, key: KEY, growths: high.map(() => 1e15) }).sum, 6 * CLIP, "clipped again");
});

test("f liars with whatever growths never raise by themselves: one supporter must be honest", () => {
  const dice = seeded(2);
  for (let round = 0; round < 2_000; round++) {
    const f = dice.int(6);
    const n = 3 * f + 1 + dice.int(10);
    const honest = Array.from({ length: n - f }, () => -dice.int(CLIP));
    const lies = Array.from({ length: f }, () => dice.pick([CLIP, 1e15, dice.int(CLIP), -CLIP]));
    const key = dice.pick(EVIDENCE_KEYS);
    const { raises, sum } = decide({ n, f, key, growths: [...lies, ...honest] });
    assert.not(raises);
    assert.ok(sum <= 0, `${sum}`);
  }
});

test("one broken charger at the clip in any key never raises alone, whatever n and f", () => {
  for (const key of EVIDENCE_KEYS) {
    for (let n = 1; n <= 60; n++) {
      for (let f = 0; n > 3 * f; f++) {
        const broken = new Array<number>(Math.max(1, f)).fill(clipOf(key, { n, f }));
        const growths = [...broken, ...new Array<number>(n - broken.length).fill(0)];
        assert.not(decide({ n, f, key, growths }).raises, `${key} ${n} ${f}`);
      }
    }
  }
});

test("monotone: a higher growth of anybody never lowers the sum nor takes a raise back", () => {
  const dice = seeded(3);
  for (let round = 0; round < 2_000; round++) {
    const n = 4 + dice.int(20);
    const f = dice.int(Math.ceil(n / 3));
    const growths = growthsOf(dice, n);
    const before = decide({ n, f, key: KEY, growths });
    const who = dice.int(n);
    const after = decide({ n, f, key: KEY, growths: growths.map((g, i) => (i === who ? g + dice.int(CLIP) : g)) });
    assert.ok(after.sum >= before.sum && after.supporters >= before.supporters && (after.raises || !before.raises));
  }
});

test("the order of members does not matter", () => {
  const dice = seeded(4);
  for (let round = 0; round < 500; round++) {
    const growths = growthsOf(dice, 4 + dice.int(20));
    const asked = { n: growths.length, f: 1, key: KEY };
    const shuffled = growths.map((growth) => ({ growth, at: dice.next() })).sort((a, b) => a.at - b.at);
    assert.equal(decide({ ...asked, growths }), decide({ ...asked, growths: shuffled.map(({ growth }) => growth) }));
  }
});

test("hiding f members costs at most what the 2f highest of the honest claim above their lowest", () => {
  const dice = seeded(5);
  for (let round = 0; round < 2_000; round++) {
    const f = dice.int(5);
    const n = 3 * f + 1 + dice.int(10);
    const growths = growthsOf(dice, n);
    const hidden = growths.map((growth, index) => (index < f ? -CLIP : growth));
    const left = growths.slice(f).sort((a, b) => a - b);
    // What is kept of n - f honest members when f hide: all but their f highest.
    const expected = left.slice(0, n - 2 * f).reduce((sum, growth) => sum + growth, 0);
    const sum = trimmedSum(hidden, f);
    assert.is(sum, expected);
    const loss = trimmedSum(growths, f) - sum;
    const sorted = [...growths].sort((a, b) => b - a);
    const most = sorted.slice(f, 2 * f).reduce((total, growth, index) =>
      total + growth - (sorted[n - 1 - index] as number), 0);
    assert.ok(loss >= 0 && loss <= most, `${loss} of ${most}`);
  }
});

test("the growth rests on the newest statement and on the last at or before the onset, else on the first", () => {
  const members = [
    said([900, 0], [950, 0], [990, 5_000], [998, 4_900]),
    said([899, 0], [999, 5_000]),
    said([991, 7_000], [999, 12_000]),
    said([900, 100], [989, 90], [994, 6_000]),
  ];
  const found = searchOnset(zoneOf(4, 0, members), KEY)!;
  assert.is(found.onset, 989);
  assert.equal(found.growths, [4_900, 5_000, 5_000, 5_910]);
  assert.equal(found.pairs.map((pair) => [pair!.newer.epoch, pair!.older.epoch]),
    [[998, 950], [999, 899], [999, 991], [994, 989]]);
  assert.is(found.decision.sum, 20_810);
  assert.is(decide({ n: 4, f: 1, key: KEY, growths: found.growths }).sum, 10_000);
});

test("silent for seven epochs, guilty, unheard of: counts as the lowest value", () => {
  const up = (newest: number): { statements: Stated[] } => said([900, 0], [newest, CLIP]);
  const growths = (member: ZoneHistory<Stated>["members"][number]): number[] | undefined =>
    searchOnset(zoneOf(4, 0, [up(999), up(999), up(999), member]), KEY)?.growths.slice();
  assert.is(growths(up(994))?.[3], CLIP);
  assert.is(growths(up(993))?.[3], -CLIP);
  assert.is(growths({ ...up(999), guilty: true })?.[3], -CLIP);
  assert.is(growths({ statements: [] })?.[3], -CLIP);
  assert.is(searchOnset(zoneOf(4, 0, [up(999), up(999), up(999)]), KEY)?.pairs[3], undefined);
  assert.is(searchOnset(zoneOf(3, 1, [up(999), up(999), up(999)]), KEY), undefined, "n > 3f");
});

test("a lone statement and statements beyond the window or from the future are no growth", () => {
  const cases = [
    said([999, CLIP]), said([EPOCH - WINDOW_EPOCHS, 0], [999, CLIP]), said([999, 0], [EPOCH + 2, CLIP]),
  ];
  for (const member of cases) {
    assert.is(searchOnset(zoneOf(4, 0, [member, member, member, member]), KEY), undefined);
  }
});

/** Statements with gaps, quiet decay and jumps; some members guilty, silent or new. */
function someZone(dice: Seeded): ZoneHistory<Stated> {
  const f = dice.int(3);
  const n = 3 * f + 1 + dice.int(5);
  const often = dice.pick([1, 0.7, 0.2]);
  const rising = dice.pick([0.3, 0.05, 0.005]);
  const members = Array.from({ length: n - (dice.int(8) === 0 ? 1 : 0) }, () => {
    let value = dice.int(100_000) - 50_000;
    const statements: Stated[] = [];
    for (let epoch = EPOCH - 185 + dice.int(190); epoch <= EPOCH + 2; epoch++) {
      value += dice.next() < rising ? dice.int(CLIP) : -dice.int(100);
      if (dice.next() < often) statements.push({ epoch, evidence: evidence(value) });
    }
    return { statements, guilty: dice.int(20) === 0 };
  });
  return zoneOf(n, f, members);
}

test("the search finds what trying every epoch finds", () => {
  const dice = seeded(6);
  let found = 0;
  for (let round = 0; round < 300; round++) {
    const zone = someZone(dice);
    const fast = searchOnset(zone, KEY);
    const slow = naiveSearch(zone, KEY);
    assert.is(fast?.decision.sum, slow?.sum, `round ${round}`);
    if (fast === undefined || slow === undefined) continue;
    found += 1;
    assert.ok(fast.onset <= slow.onset, `round ${round}: ${fast.onset} and ${slow.onset}`);
    assert.equal(decide({ n: zone.n, f: zone.f, key: KEY, growths: fast.growths }), fast.decision);
    const clip = clipOf(KEY, zone);
    fast.pairs.forEach((pair, member) => {
      const growth = pair === undefined ? -clip
        : growthOf(pair.newer.evidence[PLACE]!, pair.older.evidence[PLACE]!, clip);
      assert.is(growth, fast.growths[member]);
      const skipped = zone.members[member]?.statements.filter(({ epoch }) =>
        epoch > (pair?.older.epoch ?? Infinity) && epoch <= fast.onset);
      assert.is(skipped?.length ?? 0, 0, "the last at or before the onset");
    });
  }
  assert.ok(found > 100, `${found} of 300 had something to find`);
});

test("every key at once finds what one key at a time finds; evidence that is not there counts as 0", () => {
  const dice = seeded(7);
  const members = Array.from({ length: 6 }, () => ({
    statements: Array.from({ length: 20 }, (_, index) => ({
      epoch: EPOCH - 20 + index, evidence: Array.from({ length: dice.int(26) }, () => dice.int(20_000)),
    })),
  }));
  const zone = zoneOf(6, 1, members);
  const all = searchEveryKey(zone);
  assert.ok(all.length > 10);
  assert.equal(all, EVIDENCE_KEYS.flatMap((key) => searchOnset(zone, key) ?? []));
});

test("the search for raises finds the keys that raise, and no others", () => {
  const dice = seeded(8);
  let raised = 0;
  for (let round = 0; round < 200; round++) {
    const zone = someZone(dice);
    const raises = searchEveryKey(zone).filter(({ decision }) => decision.raises);
    assert.equal(searchRaises(zone), raises);
    raised += raises.length;
  }
  assert.ok(raised > 20 && raised < 190, `${raised}`);
});

test("Low-Sum-CUSUM, the rule beside it: the f highest dropped, the rest added", () => {
  assert.is(lowSumCusum([1, 9, 2, 3], 1, 100), 6);
  assert.is(lowSumCusum([1, 900, 2, 300], 1, 100), 103);
});
