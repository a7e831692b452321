import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { ACTS } from "../remote-command-abuse.ts";
import { at } from "../detector.testing.ts";
import { createAct, mixtureOf, tryAct as tryAt } from "./acts.ts";

/** Sessions as often as at a busy station, so that none weighs more than another. */
let hour = 0;
const tryAct: (...given: Parameters<typeof tryAt> extends [...infer Given, unknown] ? Given : never) => void =
  (act, law, befell) => tryAt(act, law, befell, at(3_600 * ++hour));

const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-9, `${a}, not ${b}`);

test("each act adds its likelihood ratio, and each session that is let be takes some back, down to nothing", () => {
  const law = ACTS.stops;
  const act = createAct();
  tryAct(act, law, false);
  assert.equal([act.befell, act.trials, act.nats], [0, 1, 0]);
  for (let n = 0; n < 500; n++) tryAct(act, law, false);
  tryAct(act, law, true);
  near(act.nats, Math.log(0.6 / 0.03));
  tryAct(act, { ...law, honestShare: 0.5 }, false);
  near(act.nats, Math.log(0.6 / 0.03) + Math.log(0.4 / 0.5));
});

test("evidence grows with the number of acts up to a bound, and under suspicion nothing is learned", () => {
  const act = createAct();
  let [before, trials] = [-1, 0];
  for (let n = 0; n < 9; n++) {
    tryAct(act, ACTS.cuts, true);
    assert.ok(act.nats > before);
    [before, trials] = act.nats >= 5 && trials === 0 ? [act.nats, act.trials] : [act.nats, trials];
    if (trials > 0) assert.is(act.trials, trials);
  }
  for (let n = 0; n < 200; n++) tryAct(act, ACTS.cuts, true);
  assert.ok(act.nats <= 26);
});

for (const [name, law] of Object.entries(ACTS)) {
  test(`${name}: a day of honest sessions is an e-value at every share up to the upper estimate`, () => {
    const random = seeded(3);
    for (const times of [0, 0.5, 1, 2]) {
      let sum = 0;
      const runs = 20_000;
      for (let run = 0; run < runs; run++) {
        const act = { ...createAct(), nats: 13 };
        for (let n = 0; n < 8; n++) tryAct(act, law, random.next() < times * law.honestShare);
        sum += Math.exp(act.nats - 13);
      }
      assert.ok(sum / runs <= 1.02, `times ${times}: ${sum / runs}`);
    }
  });

  test(`${name}: no new agent accuses in two hundred sessions where the share is three times the shipped one`, () => {
    const random = seeded(4);
    for (let station = 0; station < 500; station++) {
      const act = createAct();
      for (let n = 0; n < 200; n++) {
        tryAct(act, law, random.next() < 3 * law.honestShare);
        assert.ok(act.nats < 13, `station ${station}, session ${n}`);
      }
    }
  });
}

test("a mixture of one sum that grows and one that stays is that sum less the logarithm of two", () => {
  assert.is(mixtureOf([0, 0, 0]), 0);
  assert.ok(Math.abs(mixtureOf([20, 0]) - (20 - Math.log(2))) < 1e-8);
  near(mixtureOf([3, 3]), 3);
});

test("where sessions are rare an act begins with the weight of the time since the last, within a budget", () => {
  const law = ACTS.cuts;
  const [rare, often, random] = [createAct(), createAct(), seeded(8)];
  for (let day = 0; day < 60; day++) tryAt(rare, law, false, at(day * 86_400));
  tryAt(rare, law, true, at(60 * 86_400));
  for (let n = 0; n < 60; n++) tryAt(often, law, false, at(n * 3_600));
  tryAt(often, law, true, at(60 * 3_600));
  const head = rare.nats - often.nats;
  assert.ok(head <= Math.log(8_000 / 365) && head > Math.log(8_000 / 365) - 0.011, `${head}`);
  // Honest sessions, one in three days: the sum's mean stays within what eight thousand beginnings a year allow.
  const [runs, days] = [20_000, 90];
  let sum = 0;
  for (let run = 0; run < runs; run++) {
    const act = createAct();
    for (let day = 0; day < days; day += 3) tryAt(act, law, random.next() < law.honestShare, at(day * 86_400));
    sum += Math.exp(act.nats) - 1;
  }
  assert.ok(sum / runs <= (8_000 * days) / 365, `${sum / runs}`);
});

test("a night after a day as busy as the threshold allows for is no head start: the day has paid with it", () => {
  const law = { ...ACTS.cuts, weight: 1e9 };
  const after = (sessions: number): number => {
    const act = createAct();
    for (let n = 0; n < sessions; n++) tryAt(act, law, false, at(86_400 + n * 1_800));
    tryAt(act, law, true, at(2 * 86_400));
    return act.nats - Math.log(law.attackShare / law.honestShare);
  };
  assert.ok(Math.abs(after(22)) < 0.01, `${after(22)}`);
  assert.ok(after(1) > 2.9, `${after(1)}`);
});
