import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { thresholdOf, YEARS_BETWEEN_FALSE_ALERTS } from "../../opine/threshold.ts";
import { THREATS } from "../../terms.ts";
import { at } from "../detector.testing.ts";
import { FACTS as PROBES } from "../reconnaissance.ts";
import { mixtureOf } from "./acts.ts";
import { createFacts, type FactLaw, factNats, mixed, passFacts, showFact } from "./facts.ts";

const HOUR = 3_600;
const YEAR_H = 365 * 24;
const PROMISE_YEARS = YEARS_BETWEEN_FALSE_ALERTS * THREATS.length;
const LAW: FactLaw = {
  key: "reconnaissance", perHour: 0.5,
  facts: { plain: { term: "plain", years: 400 }, lesser: { term: "lesser", years: 30 } },
};
const LAWS: Record<string, FactLaw> = { small: LAW, probes: PROBES };
const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-9, `${a}, not ${b}`);

test("a fact that is rarer than the promise reaches the threshold by itself, one that is not does not", () => {
  for (const [name, reaches] of [["plain", true], ["lesser", false]] as const) {
    const facts = createFacts();
    const found = mixed("reconnaissance", () => [0, facts.nats], at(0), () =>
      ({ found: [], facts: [showFact(facts, LAW, name, at(0))], says: "seen", frames: [7] }));
    assert.is(found.length, 1);
    assert.is(found[0]!.nats >= thresholdOf("reconnaissance"), reaches, `${name}: ${found[0]!.nats}`);
    assert.equal([found[0]!.terms.map(({ term }) => term), found[0]!.says, found[0]!.frames], [[name], "seen", [7]]);
  }
});

test("the same fact within an hour is the same one, two lesser ones add up, quiet time takes them back", () => {
  const facts = createFacts();
  const first = showFact(facts, LAW, "lesser", at(0))!;
  near(first.nats, factNats(LAW, "lesser"));
  assert.is(showFact(facts, LAW, "lesser", at(HOUR - 1)), undefined);
  passFacts(facts, LAW, at(HOUR - 10));
  passFacts(facts, LAW, at(HOUR));
  near(facts.nats, first.nats - (0.5 * 10) / HOUR);
  const held = facts.nats;
  assert.ok(showFact(facts, LAW, "lesser", at(HOUR))!.nats > 8);
  assert.ok(facts.nats > held);
  for (let s = HOUR; s < 4 * 24 * HOUR; s += 60) passFacts(facts, LAW, at(s));
  assert.is(facts.nats, 0);
});

test("an agent that slept, and a clock that went back, take nothing back", () => {
  const facts = createFacts();
  passFacts(facts, LAW, at(0));
  showFact(facts, LAW, "plain", at(0));
  const held = facts.nats;
  passFacts(facts, LAW, at(30 * 24 * HOUR));
  assert.ok(held - facts.nats < 0.1);
  passFacts(facts, LAW, at(0));
  assert.ok(held - facts.nats < 0.1);
});

for (const [name, law] of Object.entries(LAWS)) {
  test(`${name}: where facts come as often as is stated, the mean of their sum stays within its budget`, () => {
    // Beginnings a year that the threshold allows for, half of them for facts; the sum of a CUSUM is below that of all.
    const budget = Math.exp(thresholdOf(law.key)) / PROMISE_YEARS;
    const [random, runs, hours] = [seeded(5), 4_000, 200];
    const names = Object.keys(law.facts);
    const byName = names.map((fact) => 1 / (law.facts[fact]!.years * YEAR_H));
    // Facts are so rare that none would come: they come a thousand times as often, and each such run weighs less.
    const often = Math.min(...byName.map((rate) => 0.002 / rate));
    let [sum, squares] = [0, 0];
    for (let run = 0; run < runs; run++) {
      const facts = createFacts();
      let weight = 1;
      for (let hour = 0; hour <= hours; hour++) {
        passFacts(facts, { ...law, perHour: law.perHour * 6 }, at(hour * HOUR));
        names.forEach((fact, i) => {
          const rate = byName[i]! * often;
          const comes = random.next() < rate;
          weight *= comes ? byName[i]! / rate : (1 - byName[i]!) / (1 - rate);
          if (comes) showFact(facts, law, fact, at(hour * HOUR));
        });
      }
      const value = weight * (Math.exp(facts.nats) - 1);
      sum += value;
      squares += value * value;
    }
    const mean = sum / runs;
    const error = Math.sqrt(squares / runs) / Math.sqrt(runs);
    const allowed = (budget * hours) / YEAR_H;
    assert.ok(mean <= allowed + 3 * error, `${mean} +- ${error}, ${allowed} allowed`);
  });

  test(`${name}: false alarms of facts alone come as seldom as is promised`, () => {
    const reaching = Object.keys(law.facts)
      .filter((fact) => mixtureOf([0, factNats(law, fact)]) >= thresholdOf(law.key));
    const perYear = reaching.reduce((total, fact) => total + 1 / law.facts[fact]!.years, 0);
    assert.ok(reaching.length > 0 && perYear <= 1 / PROMISE_YEARS, `${reaching.length}: one in ${1 / perYear} years`);
  });
}

test("terms add up to what the mixture gained, also where they would cancel out", () => {
  const facts = createFacts();
  let other = 0;
  const found = mixed("reconnaissance", () => [other, facts.nats], at(0), () => {
    other = 1;
    const terms = [{ term: "up", nats: 5 }, { term: "down", nats: -4.9 }];
    return { found: [{ key: "reconnaissance", at: at(0).wallMs, nats: 0.1, terms, frames: [1], says: "both" }] };
  });
  near(found[0]!.terms.reduce((sum, { nats }) => sum + nats, 0), found[0]!.nats);
  near(found[0]!.nats, mixtureOf([1, 0]));
  assert.equal([found[0]!.terms[0]!.term, found[0]!.says, found[0]!.frames], ["up", "both", [1]]);
});
