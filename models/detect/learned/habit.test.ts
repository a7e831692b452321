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
  assert.ok(honestShare(habit, LAW) > 0.8);
  assert.ok(habitTerm(habit, LAW, true).nats < 0.01);
  for (let order = 0; order < 150; order++) learnHabit(habit, false);
  assert.ok(honestShare(habit, LAW) < 0.1);
});

test("habits teach trust, not blindness: the share has a least and a most", () => {
  const [trusting, lax] = [createHabit(LAW), createHabit(LAW)];
  for (let order = 0; order < 10_000; order++) {
    learnHabit(trusting, false);
    learnHabit(lax, true);
  }
  near(honestShare(trusting, LAW), 0.02);
  near(honestShare(lax, LAW), 0.95);
  // The most that one order can say, either way.
  near(habitTerm(trusting, LAW, true).nats, Math.log(40));
  near(habitTerm(lax, LAW, false).nats, Math.log(0.2 / 0.05));
});

test("the memory of a habit is worth some fifty orders, and stays finite", () => {
  const habit = createHabit(LAW);
  for (let order = 0; order < 10_000; order++) learnHabit(habit, order % 3 === 0);
  assert.ok(habit.with + habit.without < 50.1);
  assert.ok(Math.abs(honestShare(habit, LAW) - 1 / 3) < 0.05);
});
