import { seeded, type Seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { createOpine, opine } from "../../opine/opine.ts";
import { thresholdOf, YEARS_BETWEEN_FALSE_ALERTS } from "../../opine/threshold.ts";
import { type Finding, THREATS } from "../../terms.ts";
import { LAW as UPLOADS } from "../data-exfiltration.ts";
import { at } from "../detector.testing.ts";
import { LAW as LIMITS } from "../profile-tampering.ts";
import { LAW as PROBES } from "../reconnaissance.ts";
import { LAW as COMMANDS } from "../remote-command-abuse.ts";
import { type Burst, type BurstLaw, createBurst, passBurst, seeBurst } from "./burst.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const LAWS: Record<string, BurstLaw> = { commands: COMMANDS, uploads: UPLOADS, probes: PROBES, limits: LIMITS };

/** How much oftener than shipped everything is at a station that a new agent comes to, its shares and its rate. */
const TIMES = 3;

/** Share of bursts that show one trait which is this station's own, and bursts a day. */
const HABITS = [
  ["as shipped", 0, 1], ["each station with an oddity of its own", 0.5, 2], ["busy", 0, 12],
] as const;

const SMALL: BurstLaw = {
  keys: [
    { key: "reconnaissance", perHour: 0.5, leastPerHour: 0.01 }, { key: "probes", perHour: 4, leastPerHour: 0.01 },
  ],
  term: "bursts", gapMs: 10 * MINUTE * 1_000, priorPerHour: 0.01, byHour: false, shareWeight: 20,
  traits: {
    odd: { term: "odd", attackShare: 0.5, honestShare: 0.05 },
    queer: { term: "queer", attackShare: 0.4, honestShare: 0.1 },
  },
};

function see(burst: Burst, law: BurstLaw, seconds: number, shown: readonly string[] = []): Finding[] {
  const shows = { judged: Object.keys(law.traits), shown, says: "seen", frames: [7] };
  return seeBurst(burst, law, shows, at(seconds));
}
const nats = (findings: readonly Finding[], key = "reconnaissance"): number =>
  findings.filter((one) => one.key === key).reduce((sum, one) => sum + one.nats, 0);
const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-9, `${a}, not ${b}`);

test("a burst is worth its rarity and its traits, each once, whatever its size", () => {
  const burst = createBurst(SMALL);
  const upper = (0.72 + 0.5 + Math.sqrt(1.22)) / 72;
  // One and two of twenty shown by prior: the mean and a standard deviation more.
  const [odd, queer] = [(1 + 1) / 20, (2 + Math.sqrt(2)) / 20];
  const absent = Math.log(0.5 / (1 - odd)) + Math.log(0.6 / (1 - queer));
  near(nats(see(burst, SMALL, 0)), Math.log(0.5 / upper) + absent);
  const [found] = see(burst, SMALL, 10, ["odd"]);
  near(found!.nats, Math.log(0.5 / odd) - Math.log(0.5 / (1 - odd)));
  assert.equal([found!.says, found!.frames, found!.terms.map(({ term }) => term)], ["seen", [7], ["odd"]]);
  for (let n = 0; n < 50; n++) assert.equal(see(burst, SMALL, 20 + n, ["odd"]), []);
  near(nats(see(burst, SMALL, 80, ["odd", "queer"])), Math.log(0.4 / queer) - Math.log(0.6 / (1 - queer)));
});

test("a burst ends with its gap or after an hour, and quiet time takes back what it was worth, down to nothing", () => {
  const burst = createBurst(SMALL);
  for (let s = 0; s < 2.5 * HOUR; s += 5 * MINUTE) see(burst, SMALL, s);
  near(burst.counts.odd![1], 1.99);
  const held = burst.before[1]! + burst.within[1]!;
  let taken = 0;
  for (let s = 2.5 * HOUR; s < DAY; s += 10) taken += nats(passBurst(burst, SMALL, at(s)), "probes");
  near(taken, -held);
  assert.equal([burst.before, burst.within, burst.open], [[0, 0], [0, 0], undefined]);
});

test("an agent that slept has seen no quiet time, and a clock that went back is no time at all", () => {
  const burst = createBurst(SMALL);
  passBurst(burst, SMALL, at(0));
  const { hours } = burst.rate;
  passBurst(burst, SMALL, at(30 * DAY));
  assert.ok(burst.rate.hours - hours < 0.17);
  const slept = burst.rate.hours;
  passBurst(burst, SMALL, at(DAY));
  assert.is(burst.rate.hours, slept);
});

test("a habit is learned within weeks, never below the shipped share, and not under suspicion", () => {
  const burst = createBurst(SMALL);
  for (let day = 0; day < 60; day++) {
    see(burst, SMALL, day * DAY, ["odd"]);
    for (let s = HOUR; s < DAY; s += 10 * MINUTE) passBurst(burst, SMALL, at(day * DAY + s));
  }
  // As often as attacks show it, it says nothing, and that it is absent does not speak for an attack.
  const terms = (shown: string[]) =>
    [...see(structuredClone(burst), SMALL, 60 * DAY, shown), ...see(structuredClone(burst), SMALL, 60 * DAY)]
      .flatMap((found) => found.terms);
  const odd = terms(["odd"]).find(({ term }) => term === "odd");
  assert.ok((odd?.nats ?? 0) < 0.2, `${odd?.nats}`);
  assert.ok(terms([]).every(({ term, nats }) => term === SMALL.term || nats < 0));
  const fresh = createBurst(SMALL);
  fresh.before = [6, 6];
  see(fresh, SMALL, 0, ["odd"]);
  see(fresh, SMALL, DAY);
  assert.equal([fresh.counts, fresh.rate.events], [{}, createBurst(SMALL).rate.events]);
});

/** One honest burst: each trait shows with its share; a trait of more is judged where the one below it shows. */
function honestBurst(random: Seeded, law: BurstLaw, share = (name: string) => law.traits[name]!.honestShare) {
  const [judged, shown]: [string[], string[]] = [[], []];
  let below: string | undefined;
  for (const name of Object.keys(law.traits)) {
    const of = levelOf(name);
    if (of !== undefined && of === below && !shown.includes(judged.at(-1)!)) continue;
    judged.push(name);
    below = of;
    if (random.next() < share(name)) shown.push(name);
  }
  return { judged, shown, says: "", frames: [] };
}

/** What a level counts, `variables 8`, `8`; undefined: the trait is no level. */
function levelOf(name: string): string | undefined {
  return /^(.*?) ?\d+$/.exec(name)?.[1];
}

/** What the beginning of the first burst is worth by its rarity. */
function rarity({ rate }: Burst, { keys, priorPerHour }: BurstLaw, index: number): number {
  const { perHour, leastPerHour } = keys[index]!;
  const events = priorPerHour * 72 + 0.5;
  assert.ok(rate.hours >= 72);
  return Math.max(0, Math.log(perHour / Math.max(leastPerHour, (events + Math.sqrt(events)) / 72)));
}

function meanOf(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, error: Math.sqrt(variance / values.length) };
}

/** Six hours of a station that is under suspicion already, so that nothing is learned and nothing is reflected. */
function honestDay(random: Seeded, law: BurstLaw, index: number): number {
  const burst = createBurst(law);
  burst.before = [12, 12];
  const perHour = law.keys[index]!.perHour * Math.exp(-rarity(burst, law, index));
  const gap = () => (-Math.log(1 - random.next()) * HOUR) / perHour;
  let next = gap();
  let sum = 0;
  for (let s = 0; s <= 6 * HOUR; s += 10 * MINUTE) {
    const comes = s >= next && burst.open === undefined;
    const found = comes ? seeBurst(burst, law, honestBurst(random, law), at(s)) : passBurst(burst, law, at(s));
    if (s >= next) next = s + gap();
    sum += nats(found, law.keys[index]!.key);
  }
  return Math.exp(sum);
}

for (const [name, law] of Object.entries(LAWS)) {
  test(`${name}: what an honest burst shows is an e-value at the shipped shares: its mean is at most 1`, () => {
    const [random, runs] = [seeded(17), 20_000];
    const ratios = Array.from({ length: runs }, () => {
      const burst = createBurst(law);
      burst.before = [12, 12];
      const [found] = seeBurst(burst, law, honestBurst(random, law), at(0));
      return Math.exp(nats(found === undefined ? [] : [found], law.keys[0]!.key) - rarity(burst, law, 0));
    });
    const { mean, error } = meanOf(ratios);
    assert.ok(mean <= 1 + 3 * error && mean > 0.01, `${mean} +- ${error}`);
  });

  test(`${name}: a day of honest bursts at the null's rate is an e-value: its mean is at most 1`, () => {
    const random = seeded(18);
    for (const index of law.keys.keys()) {
      const ratios = Array.from({ length: 3_000 }, () => honestDay(random, law, index));
      const { mean, error } = meanOf(ratios);
      assert.ok(mean <= 1 + 3 * error, `${index}: ${mean} +- ${error}`);
    }
  });

  test(`${name}: a new agent accuses nobody where all shares and the rate are ${TIMES} times the shipped`, () => {
    const random = seeded(7);
    const threshold = thresholdOf(law.keys[0]!.key);
    const [stations, days] = [60, 20];
    let alarms = 0;
    for (let station = 0; station < stations; station++) {
      const [burst, beliefs] = [createBurst(law), createOpine()];
      const shareOf = (trait: string) => Math.min(0.95, TIMES * law.traits[trait]!.honestShare);
      let highest = 0;
      for (let s = 0; s < days * DAY; s += 10 * MINUTE) {
        const comes = random.next() < (TIMES * law.priorPerHour) / 6;
        const found = comes ? seeBurst(burst, law, honestBurst(random, law, shareOf), at(s))
          : passBurst(burst, law, at(s));
        const mine = found.filter(({ key }) => key === law.keys[0]!.key);
        for (const { sinceOnsetNats } of opine(beliefs, mine, at(s))) highest = Math.max(highest, sinceOnsetNats);
      }
      if (highest >= threshold) alarms += 1;
    }
    assert.ok(alarms <= 1, `${alarms} of ${stations} stations`);
  });

  for (const [habit, share, perDay] of HABITS) {
    test(`${name}: false alarms in decades of honest bursts, ${habit}`, () => {
      const random = seeded(29);
      const threshold = thresholdOf(law.keys[0]!.key);
      const [stations, years] = [9, 1];
      let alarms = 0;
      for (let station = 0; station < stations; station++) {
        const [burst, beliefs] = [createBurst(law), createOpine()];
        for (let s = 0; s < years * 365 * DAY; s += 10 * MINUTE) {
          const own = Object.keys(law.traits)[station % Object.keys(law.traits).length];
          const shareOf = (trait: string) => Math.max(trait === own ? share : 0, law.traits[trait]!.honestShare);
          const found = random.next() < perDay / 144 ? seeBurst(burst, law, honestBurst(random, law, shareOf), at(s))
            : passBurst(burst, law, at(s));
          const mine = found.filter(({ key }) => key === law.keys[0]!.key);
          for (const { sinceOnsetNats } of opine(beliefs, mine, at(s))) {
            if (sinceOnsetNats < threshold) continue;
            alarms += 1;
            burst.before = [0, 0];
            burst.within = [0, 0];
            for (const key of Object.keys(beliefs)) delete beliefs[key as never];
          }
        }
      }
      const stated = (stations * years) / (YEARS_BETWEEN_FALSE_ALERTS * THREATS.length);
      assert.ok(alarms <= 1 + 2 * stated, `${alarms} in ${stations * years} station-years, ${stated} stated`);
    });
  }
}
