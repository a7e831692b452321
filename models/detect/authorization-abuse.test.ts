import { seeded, type Seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { authorizationAbuse, type AuthorizationAbuse } from "./authorization-abuse.ts";
import { Bench, type Seen, survivesRestarts, token, withstands } from "./detector.testing.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const VISIT = 5 * MINUTE;
const KEY = "authorization-abuse";

function authorization(card: number, outcome: "accepted" | "refused" | "error" | "none", status = "Invalid"): Seen {
  return { kind: "authorization", source: "Authorize", token: token(card), outcome, status };
}
const refused = (card: number, status?: string): Seen => authorization(card, "refused", status);
const accepted = (card: number): Seen => authorization(card, "accepted", "Accepted");

const create = (): Bench<AuthorizationAbuse> => new Bench(authorizationAbuse);

/** Days of drivers who come `perDay` times a day and are refused once in `oneIn`. */
function ordinaryDays(bench: Bench<AuthorizationAbuse>, random: Seeded, days: number, perDay: number, oneIn: number) {
  for (let s = 0; s < days * DAY; s += 60) {
    bench.tickTo(s, 300);
    if (random.next() > perDay / 1_440) continue;
    const card = 1_000 + random.int(1_000_000);
    bench.see(random.int(oneIn) === 0 ? refused(card) : accepted(card), s);
  }
}

test("one driver with three cards, and the same card over and over, stay quiet", () => {
  const bench = create();
  bench.tickTo(DAY, 60);
  [1, 2, 3].forEach((card, i) => bench.see(refused(card), DAY + 20 * i));
  for (let again = 0; again < 40; again++) assert.equal(bench.see(refused(1 + again % 3), DAY + 60 + 5 * again), []);
  bench.tickTo(2 * DAY, 60);
  assert.ok(bench.peak(KEY) < 0.6, `${bench.peak(KEY)}`);
});

test("three cards stay quiet at a station that has seen no refusal in a year, too", () => {
  const bench = create();
  bench.tickTo(365 * DAY, 1_200);
  [1, 2, 3].forEach((card, i) => bench.see(refused(card), 365 * DAY + 20 * i));
  assert.ok(bench.peak(KEY) < 1, `${bench.peak(KEY)}`);
});

test("a card that the CSMS knows is no guess, nor is an error or a result without a status", () => {
  const bench = create();
  const known = ["ConcurrentTx", "NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime"];
  for (let card = 0; card < 200; card++) {
    assert.equal(bench.see(refused(card, known[card % 5]), card), []);
    assert.equal(bench.see(authorization(card, card % 2 === 0 ? "error" : "none"), card), []);
  }
});

for (const perDay of [4, 24, 150]) {
  test(`a CSMS that refuses everybody for a day, where ${perDay} drivers come a day, is no attack`, () => {
    for (let seed = 1; seed <= 2; seed++) {
      const [bench, random] = [create(), seeded(seed)];
      ordinaryDays(bench, random, 14, perDay, 20);
      for (let s = 14 * DAY; s < 15 * DAY; s += 60) {
        bench.tickTo(s, 60);
        if (random.next() < perDay / 1_440) bench.see(refused(2_000_000 + s), s);
      }
      assert.ok(bench.peak(KEY) < 1, `seed ${seed}: ${bench.peak(KEY)}`);
    }
  });
}

test("guesses among many drivers are told, a crowd and a CSMS that refuses some of it are not", () => {
  for (const [crowd, refusedShare, guessesADay, isTold] of [
    [1, 0.05, 60, true], [1, 0.05, 0, false], [3, 0.05, 0, false], [1, 0.4, 0, false], [1.5, 0.3, 0, false],
  ] as const) {
    for (let seed = 1; seed <= 3; seed++) {
      const [bench, random] = [create(), seeded(seed)];
      ordinaryDays(bench, random, 21, 22, 20);
      for (let s = 21 * DAY; s < 24 * DAY; s += 60) {
        bench.tickTo(s, 60);
        const card = 3_000_000 + s;
        const driver = random.next() < (crowd * 22) / 1_440;
        if (driver) bench.see(random.next() < refusedShare ? refused(card) : accepted(card), s);
        if (random.next() < guessesADay / 1_440) bench.see(refused(card + 1), s + 1);
      }
      const name = `crowd ${crowd}, ${refusedShare} refused, ${guessesADay} guesses, seed ${seed}: ${bench.peak(KEY)}`;
      assert.is(bench.raisedAt.has(KEY), isTold, name);
    }
  }
});

test("guessing is told: a card every five seconds within two minutes, every quarter of an hour within half a day",
  () => {
    for (const [gapS, bySeconds] of [
      [5, 2 * MINUTE], [60, HOUR], [200, 2 * HOUR], [280, 2 * HOUR], [400, 3 * HOUR], [900, 12 * HOUR],
    ] as const) {
      const [bench, random] = [create(), seeded(3)];
      ordinaryDays(bench, random, 14, 6, 30);
      for (let guess = 0; guess < 60; guess++) {
        const s = 14 * DAY + gapS * guess;
        bench.tickTo(s);
        bench.see(refused(5_000_000 + guess), s);
      }
      const raisedAt = bench.raisedAt.get(KEY) ?? Infinity;
      assert.ok(raisedAt >= 14 * DAY && raisedAt <= 14 * DAY + bySeconds, `${gapS} s: after ${raisedAt - 14 * DAY}`);
    }
  });

test("an attack is not learned as normal, and learning goes on within two hours of its end", () => {
  const bench = create();
  bench.tickTo(DAY);
  const before = bench.state.refusedVisits.events;
  for (let guess = 0; guess < 2_000; guess++) {
    bench.tickTo(DAY + 6 * guess);
    bench.see(refused(guess), DAY + 6 * guess);
  }
  assert.ok(bench.state.refusedVisits.events < before + 1.5);
  const end = DAY + 12_000 + 2 * HOUR;
  bench.tickTo(end);
  const learned = bench.state.refusedVisits.events;
  bench.see(refused(9_999), end);
  assert.ok(bench.state.refusedVisits.events > learned + 0.5);
});

test("the joint feature hears of each refused visit once", () => {
  const bench = create();
  bench.tickTo(HOUR);
  const refusals = () => bench.findings.filter(({ key, nats }) => key === "refusals" && nats > 0).length;
  [1, 2, 3].forEach((card, i) => bench.see(refused(card), HOUR + 20 * i));
  assert.is(refusals(), 1);
  bench.see(refused(4), 2 * HOUR);
  assert.is(refusals(), 2);
});

test("the end of a visit speaks for honesty, once", () => {
  const bench = create();
  bench.see(refused(1), 0);
  bench.see({ kind: "tick" }, 0);
  bench.see({ kind: "tick" }, VISIT);
  bench.see({ kind: "tick" }, 2 * VISIT);
  const ends = bench.findings.filter(({ terms }) => terms.some(({ term }) => term === "the visit ended"));
  assert.is(ends.length, 1);
  assert.ok(ends[0]!.nats < 0);
});

test("honest visits are e-values: the mean of the likelihood ratio over a visit is at most 1", () => {
  const random = seeded(9);
  const ratios = Array.from({ length: 1_500 }, (_, run) => {
    const bench = create();
    bench.see(refused(1), 0);
    const first = bench.total(KEY);
    for (let card = 2; random.next() < 0.3; card++) bench.see(refused(card), card);
    bench.see({ kind: "tick" }, 0);
    bench.see({ kind: "tick" }, 6 * MINUTE);
    assert.ok(first > 0, `run ${run}`);
    return Math.exp(bench.total(KEY) - first);
  });
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  const deviation = Math.sqrt(ratios.reduce((sum, ratio) => sum + (ratio - mean) ** 2, 0) / ratios.length);
  assert.ok(mean <= 1 + (3 * deviation) / Math.sqrt(ratios.length), `${mean}`);
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(authorizationAbuse, (bench) => {
    const random = seeded(5);
    ordinaryDays(bench, random, 2, 40, 4);
    for (let guess = 0; guess < 30; guess++) bench.see(refused(7_000_000 + guess), 2 * DAY + guess);
    bench.tickTo(2 * DAY + HOUR);
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(authorizationAbuse, seeded(11), 100_000);
});

test("a refused idToken is forgotten after a day, though nobody comes any more", () => {
  const bench = create();
  bench.see(refused(1), 0);
  bench.see(refused(2), HOUR);
  bench.tickTo(DAY - 60, 60);
  assert.is(bench.state.refused.length, 2);
  bench.tickTo(DAY + 60, 60);
  assert.equal(bench.state.refused.map(([known]) => known), [token(2)]);
  bench.tickTo(DAY + HOUR + 60, 60);
  assert.equal(bench.state.refused, []);
});

test("many guesses are remembered up to a bound", () => {
  const bench = create();
  for (let card = 0; card < 600; card++) bench.see(refused(card), card);
  assert.is(bench.state.refused.length, 256);
  assert.is(bench.state.refused.at(-1)?.[0], token(599));
});

test("an agent that slept has seen no quiet time, and time under suspicion teaches nothing", () => {
  const bench = create();
  bench.tickTo(HOUR, 60);
  const { hours } = bench.state.refusedVisits;
  const [slept] = bench.see({ kind: "tick" }, 30 * DAY);
  assert.ok(bench.state.refusedVisits.hours - hours < 0.17, "ten minutes at most");
  assert.ok((slept?.nats ?? 0) > -3);
  for (let card = 0; card < 40; card++) bench.see(refused(card), 30 * DAY + card);
  const taught = { ...bench.state.refusedVisits };
  bench.see({ kind: "tick" }, 30 * DAY + 60);
  assert.is(bench.state.refusedVisits.hours, taught.hours);
});
