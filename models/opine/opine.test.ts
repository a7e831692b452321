import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { EVIDENCE_KEYS, type EvidenceKey, type Finding } from "../terms.ts";
import type { MonotonicMs, Now, WallMs } from "../units.ts";
import { beliefOf, createOpine, evidenceVector, forget, opine, type OpineState } from "./opine.ts";
import { thresholdOf } from "./threshold.ts";

const START = Date.UTC(2026, 2, 2);
const KEY = "energy-theft";
const CAP = thresholdOf(KEY) + 10;
const at = (s: number): Now => ({ wallMs: (START + s * 1_000) as WallMs, monoMs: (s * 1_000) as MonotonicMs });

function finding(s: number, nats: number, more: Partial<Finding> = {}): Finding {
  const terms = [{ term: "one", nats: nats * 0.75 }, { term: "two", nats: nats * 0.25 }];
  return { key: KEY, at: at(s).wallMs, nats, terms, frames: [], says: "", ...more };
}

function take(state: OpineState, s: number, ...nats: number[]): void {
  opine(state, nats.map((one) => finding(s, one)), at(s));
}
const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));

/** CUSUM as it is defined: the largest sum over onsets, or nothing. Only for testing. */
function naiveCusum(nats: readonly number[]): { sum: number; onset: number } {
  let best = { sum: 0, onset: -1 };
  for (let onset = 0; onset < nats.length; onset++) {
    const sum = nats.slice(onset).reduce((total, one) => total + one, 0);
    if (sum > best.sum) best = { sum, onset };
  }
  return best;
}

test("property: the CUSUM is the largest sum over onsets, and begins where that one does", () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = seeded(seed);
    const state = createOpine();
    const nats: number[] = [];
    for (let s = 0; s < 60; s++) {
      nats.push((random.next() - 0.55) * 1.2);
      take(state, s, nats[s]!);
      const { sum, onset } = naiveCusum(nats);
      const belief = beliefOf(state, KEY, at(s));
      assert.ok(near(belief.sinceOnsetNats, sum), `seed ${seed}, ${s}: ${belief.sinceOnsetNats}, not ${sum}`);
      if (sum > 0) assert.is(belief.onset, at(onset).wallMs, `seed ${seed}, ${s}`);
    }
  }
});

test("property: terms add up to the evidence, capped or not, and the opinion stays in [0, 1]", () => {
  const random = seeded(7);
  const state = createOpine();
  let capped = 0;
  for (let s = 0; s < 5_000; s++) {
    take(state, s, (random.next() - 0.4) * 8);
    const belief = beliefOf(state, KEY, at(s));
    assert.ok(near(belief.terms.reduce((sum, { nats }) => sum + nats, 0), belief.sinceOnsetNats), `step ${s}`);
    assert.ok(belief.sinceOnsetNats >= 0 && belief.sinceOnsetNats <= CAP + 1e-9);
    assert.ok(belief.opinion >= 0 && belief.opinion <= 1);
    if (near(belief.sinceOnsetNats, CAP)) capped += 1;
  }
  assert.ok(capped > 10, "the cap was tried");
});

test("evidence stops at the cap, so that quiet after an attack counts from there", () => {
  const state = createOpine();
  for (let s = 0; s < 100; s++) take(state, s, 9);
  assert.ok(near(beliefOf(state, KEY, at(100)).sinceOnsetNats, CAP));
  take(state, 101, -11, -8);
  assert.ok(near(beliefOf(state, KEY, at(101)).sinceOnsetNats, CAP - 19));
});

test("evidence that began higher stands at no less than its finding says, and what is cumulative does not", () => {
  const state = createOpine();
  const peaks = [finding(0, 1, { standsNats: 4 }), finding(1, 1), finding(2, -2), finding(3, 0.5, { standsNats: 2 }),
    finding(4, 40, { standsNats: 3 })].map((one) => {
    const [belief] = opine(state, [one], at(0));
    assert.ok(near(belief!.terms.reduce((sum, { nats }) => sum + nats, 0), belief!.sinceOnsetNats));
    return belief!.sinceOnsetNats;
  });
  assert.equal(peaks, [4, 5, 3, 3.5, CAP]);
  assert.is(beliefOf(state, KEY, at(9)).cumulativeMillinats, 40_500);
});

test("cumulative evidence is never capped or reset, is whole millinats, and loses nothing to rounding", () => {
  const state = createOpine();
  for (let s = 0; s < 10_000; s++) take(state, s, -0.000_139);
  assert.is(beliefOf(state, KEY, at(0)).cumulativeMillinats, -1_390);
  for (let s = 0; s < 50; s++) take(state, s, 9);
  forget(state, KEY, at(60));
  const belief = beliefOf(state, KEY, at(60));
  assert.is(belief.cumulativeMillinats, 450_000 - 1_390);
  assert.equal([belief.sinceOnsetNats, belief.opinion, belief.terms, belief.says], [0, 0, [], ""]);
  const vector = evidenceVector(state, EVIDENCE_KEYS);
  assert.is(vector.length, EVIDENCE_KEYS.length);
  assert.ok(vector.every((value) => Number.isInteger(value) && !Object.is(value, -0)));
  assert.is(vector[EVIDENCE_KEYS.indexOf(KEY)], 448_610);
});

test("only findings move a belief, each key for itself, and it says whether evidence was added", () => {
  const state = createOpine();
  const moved = opine(state, [finding(0, 2), finding(0, -1, { key: "starts" }), finding(0, -0.5)], at(0));
  assert.equal(moved.map(({ key, rose }) => [key, rose]), [[KEY, true], ["starts", false]]);
  assert.equal(opine(state, [], at(1)), []);
  assert.is(beliefOf(state, "firmware-tampering", at(1)).sinceOnsetNats, 0);
  for (let s = 2; s < 20; s++) take(state, s, 9);
  assert.is(opine(state, [finding(20, 1)], at(20))[0]!.rose, true, "also at the cap");
});

test("frames and words are those of evidence for the threat, sixteen frames at most, gone with the onset", () => {
  const state = createOpine();
  opine(state, [finding(0, 3, { frames: [1], says: "first" })], at(0));
  opine(state, [finding(1, -1, { frames: [2], says: "honest" })], at(1));
  let belief = beliefOf(state, KEY, at(1));
  assert.equal([belief.frames, belief.says], [[1], "first"]);
  for (let n = 3; n < 40; n++) opine(state, [finding(n, 0.1, { frames: [n] })], at(n));
  belief = beliefOf(state, KEY, at(40));
  assert.equal([belief.frames, belief.says], [Array.from({ length: 16 }, (_, i) => 24 + i), "first"]);
  take(state, 41, -100);
  belief = beliefOf(state, KEY, at(41));
  assert.equal([belief.frames, belief.says, belief.sinceOnsetNats], [[], "", 0]);
});

test("a sum that comes back to nothing but for rounding begins anew", () => {
  const state = createOpine();
  take(state, 0, 0.1, 0.2, -0.3);
  take(state, 50, 5);
  const belief = beliefOf(state, KEY, at(50));
  assert.equal([belief.onset, belief.sinceOnsetNats], [at(50).wallMs, 5]);
});

test("the state is plain JSON and goes on from it", () => {
  const random = seeded(3);
  let [steady, restarted] = [createOpine(), createOpine()];
  for (let s = 0; s < 500; s++) {
    const key: EvidenceKey = random.pick(EVIDENCE_KEYS);
    const one = [finding(s, (random.next() - 0.45) * 6, { key, frames: [s], says: `${s}` })];
    const told = [opine(steady, one, at(s)), opine(restarted, one, at(s))];
    assert.equal(told[0], told[1]);
    restarted = JSON.parse(JSON.stringify(restarted)) as OpineState;
  }
});
