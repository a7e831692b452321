import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { createHabit, habitTerm, honestShare, learnHabit, type TraitLaw } from "./habit.ts";

const LAW: TraitLaw = { term: "shows", absent: "does not", attackShare: 0.8, honestShare: 0.2, weight: 10 };
const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);

test("the shipped law, as a table", () => {
  const cases: [Partial<TraitLaw>, boolean, number][] = [
    [{}, true, Math.log(0.8 / 0.2)],
    [{}, false, Math.log(0.2 / 0.8)],
    [{ attackShare: 0.2 }, true, 0],
    [{ honestShare: 0.001 }, true, Math.log(800)],
    [{ honestShare: 0.001 }, false, Math.log(0.2 / 0.999)],
  ];
  for (const [change, shows, nats] of cases) {
    const law = { ...LAW, ...change };
    const term = habitTerm(createHabit(law), law, shows);
    near(term.nats, nats);
    assert.is(term.term, shows ? "shows" : "does not");
  }
});

test("one order is an e-value at the share that was learned", () => {
  const random = seeded(1);
  const habit = createHabit(LAW);
  for (let order = 0; order < 300; order++) {
    const p = honestShare(habit, LAW);
    const expectation = p * Math.exp(habitTerm(habit, LAW, true).nats) +
      (1 - p) * Math.exp(habitTerm(habit, LAW, false).nats);
    near(expectation, 1);
    learnHabit(habit, random.next() < 0.35);
  }
});

test("a habit is learned in some dozen orders, and unlearned likewise", () => {
  const habit = createHabit(LAW);
  for (let order = 0; order < 60; order++) learnHabit(habit, true);
  assert.is(honestShare(habit, LAW), LAW.attackShare);
  assert.is(habitTerm(habit, LAW, true).nats, 0);
  for (let order = 0; order < 150; order++) learnHabit(habit, false);
  assert.ok(honestShare(habit, LAW) < 0.1);
});

test("habits teach trust, not blindness: the share has a least and a most", () => {
  const [trusting, lax] = [createHabit(LAW), createHabit(LAW)];
  for (let order = 0; order < 10_000; order++) {
    learnHabit(trusting, false);
    learnHabit(lax, true);
  }
  // Half an order of fifty, and one standard deviation more.
  const least = (0.5 + Math.sqrt(0.5)) / 50;
  near(honestShare(trusting, LAW), least);
  near(honestShare(lax, LAW), LAW.attackShare);
  near(honestShare(lax, { ...LAW, mostShare: 0.95 }), 0.95);
  // The most that one order can say, either way.
  near(habitTerm(trusting, LAW, true).nats, Math.log(0.8 / least));
  near(habitTerm(lax, LAW, true).nats, 0);
  near(habitTerm(lax, LAW, false).nats, 0);
});

test("the memory of a habit is worth some fifty orders, and stays finite", () => {
  const habit = createHabit(LAW);
  for (let order = 0; order < 10_000; order++) learnHabit(habit, order % 3 === 0);
  assert.ok(habit.with + habit.without < 50.1);
  assert.ok(Math.abs(honestShare(habit, LAW) - 1 / 3) < 0.05);
});

/** Traits that are common and rare, with much and little behind the judgement: as the detectors ship them. */
const SHIPPED: readonly [honestShare: number, attackShare: number, weight: number][] = [
  [0.3, 0.97, 10], [0.5, 0.9, 2], [0.0005, 0.8, 20], [0.35, 0.7, 2], [0.02, 0.3, 30], [0.0015, 0.5, 30],
  [0.15, 0.5, 10], [0.01, 0.15, 50],
];

for (const [honest, attackShare, weight] of SHIPPED) {
  test(`a shipped share of ${honest}: over years of honest orders their e-values have a mean of at most 1`, () => {
    const law: TraitLaw = { ...LAW, honestShare: honest, attackShare, weight };
    for (const times of [0.1, 0.3, 1]) {
      const [random, stations, orders] = [seeded(9), 200, 300];
      let sum = 0;
      for (let station = 0; station < stations; station++) {
        const habit = createHabit(law);
        for (let order = 0; order < orders; order++) {
          // The expectation of the next order, given all before it.
          const p = times * honest;
          const [shown, absent] = [habitTerm(habit, law, true).nats, habitTerm(habit, law, false).nats];
          sum += p * Math.exp(shown) + (1 - p) * Math.exp(absent);
          learnHabit(habit, random.next() < p);
        }
      }
      assert.ok(sum / (stations * orders) <= 1, `times ${times}: ${sum / (stations * orders)}`);
    }
  });
}

for (const [honest, attackShare, weight] of SHIPPED) {
  test(`shares up to five times a shipped ${honest}: sums come to their heights as often as promised`, () => {
    const law: TraitLaw = { ...LAW, honestShare: honest, attackShare, weight };
    for (const times of [2, 5].filter((one) => one * honest < attackShare)) {
      const [random, stations, orders] = [seeded(9), 200, 2_000];
      const [heights, reached] = [[1e-2, 1e-3, 1e-4], [0, 0, 0]];
      for (let station = 0; station < stations; station++) {
        const habit = createHabit(law);
        let [sum, peak] = [0, 0];
        for (let order = 0; order < orders; order++) {
          const shows = random.next() < times * honest;
          sum = Math.max(0, sum + habitTerm(habit, law, shows).nats);
          learnHabit(habit, shows);
          peak = Math.max(peak, sum);
          if (sum > 0 && order < orders - 1) continue;
          heights.forEach((rate, i) => (reached[i]! += peak >= -Math.log(rate) ? 1 : 0));
          peak = 0;
        }
      }
      heights.forEach((rate, i) => {
        // Once is enough for what is rarest, so five times as often is what it is.
        const promised = rate * stations * orders * (times > 2 ? 2 : 1);
        assert.ok(reached[i]! <= promised, `times ${times}, ${rate}: ${reached[i]} of ${promised}`);
      });
    }
  });
}
