import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { type EvidenceKey, EVIDENCE_KEYS } from "../terms.ts";
import {
  CLEAR_MILLINATS, type Contradictions, contradictsItself, MOST_TRUST, noteContradiction, PENALTY, RECOVERY_EPOCHS,
  trustAt,
} from "./trust.ts";

const evidence = (grown: Partial<Record<EvidenceKey, number>>): number[] =>
  EVIDENCE_KEYS.map((key) => grown[key] ?? -300);
const NOTHING = evidence({});

test("which statements contradict one another, as a table", () => {
  const much = CLEAR_MILLINATS;
  const cases: [Partial<Record<EvidenceKey, number>>, boolean][] = [
    [{}, false], [{ "energy-theft": much }, false], [{ "billing-inflation": much }, false],
    [{ "energy-theft": much, "billing-inflation": much }, true],
    [{ "energy-theft": much, "billing-inflation": much - 301 }, false],
    [{ "delivered-less-billed": much, "billed-less-delivered": much }, true],
    [{ "energy-theft": much, "billed-less-delivered": much }, false],
    [{ "starts": much, "stops": much, "power-step": much, "refusals": much }, false],
  ];
  for (const [grown, expected] of cases) {
    assert.is(contradictsItself(NOTHING, evidence(grown)), expected, JSON.stringify(grown));
    assert.is(contradictsItself(evidence(grown), NOTHING), false, "what fell has not grown");
  }
  assert.is(contradictsItself([], []), false);
  const everything = new Array<number>(EVIDENCE_KEYS.length).fill(12_000);
  assert.is(contradictsItself(NOTHING, everything), true, "claims everything");
});

test("trust falls at once, heals in a straight line in a day, and is never above what it was", () => {
  const known: Contradictions = new Map();
  assert.is(trustAt(known, "a", 5, false), MOST_TRUST);
  noteContradiction(known, "a", 100);
  const epochs = [99, 100, 100 + RECOVERY_EPOCHS / 2, 100 + RECOVERY_EPOCHS, 1e6];
  assert.equal(epochs.map((epoch) => trustAt(known, "a", epoch, false)), [1_000, 500, 750, 1_000, 1_000]);
  noteContradiction(known, "a", 130);
  assert.is(trustAt(known, "a", 130, false), MOST_TRUST - 2 * PENALTY + Math.floor((PENALTY * 30) / RECOVERY_EPOCHS));
  for (let epoch = 131; epoch < 160; epoch++) noteContradiction(known, "a", epoch);
  assert.is(trustAt(known, "a", 160, false), 0, "not below nothing");
  assert.is(trustAt(known, "b", 160, false), MOST_TRUST, "others keep theirs");
});

test("guilt leaves nothing, for as long as it is known", () => {
  assert.equal([0, 1e9].map((epoch) => trustAt(new Map(), "a", epoch, true)), [0, 0]);
});

test("property: the order in which certificates come changes nothing, nor does a certificate that comes twice", () => {
  const dice = seeded(8);
  for (let round = 0; round < 200; round++) {
    const epochs = Array.from({ length: 1 + dice.int(12) }, () => dice.int(2 * RECOVERY_EPOCHS));
    const [some, others]: [Contradictions, Contradictions] = [new Map(), new Map()];
    for (const epoch of epochs) noteContradiction(some, "a", epoch);
    for (const epoch of [...epochs, ...epochs].sort(() => dice.next() - 0.5)) noteContradiction(others, "a", epoch);
    const newest = Math.max(...epochs);
    for (const epoch of [newest, newest + dice.int(9_000)]) {
      assert.is(trustAt(some, "a", epoch, false), trustAt(others, "a", epoch, false));
    }
  }
});

test("honest noise never makes a contradiction: evidence whose exponential has expectation 1", () => {
  const dice = seeded(9);
  let highest = 0;
  for (let run = 0; run < 20_000; run++) {
    // Both sides of one balance: log-likelihood ratios of one normal score, for a shift up and for one down.
    let [up, down] = [0, 0];
    for (let step = 0; step < 30; step++) {
      const score = Math.sqrt(-2 * Math.log(1 - dice.next())) * Math.cos(2 * Math.PI * dice.next());
      up += 1_000 * (score - 0.5);
      down += 1_000 * (-score - 0.5);
    }
    const newer = evidence({ "delivered-less-billed": Math.round(up), "billed-less-delivered": Math.round(down) });
    assert.not(contradictsItself(evidence({ "delivered-less-billed": 0, "billed-less-delivered": 0 }), newer));
    highest = Math.max(highest, up, down);
  }
  assert.ok(highest > CLEAR_MILLINATS, "one side alone comes that far");
});
