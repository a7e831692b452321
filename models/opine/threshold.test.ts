import { seeded, type Seeded, student } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { authorizationAbuse, type AuthorizationAbuse } from "../detect/authorization-abuse.ts";
import { learnRate } from "../detect/learned/rate.ts";
import { addBlock, createShiftGrid, shiftGridNats } from "../detect/energy/shift-grid.ts";
import { FEATURES, type Observation, THREATS } from "../terms.ts";
import { HOUR_MS, type MonotonicMs, type Now, type TokenPseudonym, type WallMs } from "../units.ts";
import { createOpine, opine } from "./opine.ts";
import { confidenceAt, thresholdNats, thresholdOf, YEARS_BETWEEN_FALSE_ALERTS } from "./threshold.ts";

/** Years between false alarms of one threat at one station. */
const YEARS_A_THREAT = YEARS_BETWEEN_FALSE_ALERTS * THREATS.length;

test("the law: the logarithm of the e-values between two false alarms", () => {
  const cases: [number, number, number][] = [[1, 1, 0], [100, 85, 9.0478], [4_000, 85, 12.7367], [Math.E, 1, 1]];
  for (const [perYear, years, nats] of cases) {
    assert.ok(Math.abs(thresholdNats(perYear, years) - nats) < 1e-3, `${perYear} x ${years}`);
  }
});

test("every threat and feature has a threshold that one finding does not reach by size alone", () => {
  for (const key of [...THREATS, ...FEATURES]) assert.ok(thresholdOf(key) > 5 && thresholdOf(key) < 30, key);
});

test("confidence, as a table: 17 to 1 at the threshold, and more with more evidence", () => {
  assert.ok(Math.abs(confidenceAt(12, 12) - 17 / 18) < 1e-12);
  assert.ok(Math.abs(confidenceAt(12 - Math.log(17), 12) - 0.5) < 1e-12);
  assert.ok(confidenceAt(22, 12) > 0.99999 && confidenceAt(1e6, 12) <= 1 && confidenceAt(-1e6, 12) >= 0);
});

/** Exponential waiting time. */
const wait = (random: Seeded, perHour: number): number => -Math.log(1 - random.next()) / perHour;

/** One station whose refused visits are a Poisson process, a driver now and then with another card. */
class Station {
  readonly #state: AuthorizationAbuse = authorizationAbuse.create({});
  readonly #opine = createOpine();
  #hours = 0;
  #card = 0;
  alarms = 0;

  #see(observation: Omit<Observation, "at">, hours: number): void {
    this.#hours = hours;
    const now: Now = { wallMs: hours * HOUR_MS as WallMs, monoMs: hours * HOUR_MS as MonotonicMs };
    const findings = authorizationAbuse.observe(this.#state, { ...observation, at: now.wallMs } as Observation, now);
    for (const belief of opine(this.#opine, findings, now)) {
      if (belief.key !== "authorization-abuse" || belief.sinceOnsetNats < belief.thresholdNats) continue;
      this.alarms += 1;
      delete this.#opine[belief.key];
    }
  }

  /** Quiet time, in ticks while there is evidence to take back, and learned from in one piece after that. */
  pass(toHours: number): void {
    for (let at = this.#hours; at < toHours; at += 1 / 6) {
      this.#see({ kind: "tick" }, at);
      const settled = (this.#opine["authorization-abuse"]?.sinceOnsetNats ?? 0) === 0;
      if (!settled || at + 1 / 6 >= toHours) continue;
      // Hour by hour, since each has its own place in the week.
      for (let from = at; from < toHours - 1 / 6; from++) {
        const hours = Math.min(1, toHours - 1 / 6 - from);
        learnRate(this.#state.refusedVisits, from * HOUR_MS as WallMs, hours, 0);
        learnRate(this.#state.attempts, from * HOUR_MS as WallMs, hours, 0);
      }
      this.#hours = toHours;
      this.#state.lastTickMs = toHours * HOUR_MS;
      return;
    }
  }

  visit(atHours: number, random: Seeded, another: number): void {
    let at = atHours;
    do {
      const token = (this.#card++).toString(16) as TokenPseudonym;
      const refused = { kind: "authorization", source: "Authorize", token, outcome: "refused", status: "Invalid" };
      this.#see(refused as unknown as Omit<Observation, "at">, at);
      at += 30 / 3_600;
    } while (random.next() < another);
  }
}

test("false alarms of refusals: decades in which visits come at the usual rate, and drivers have other cards", () => {
  const random = seeded(81);
  let [years, alarms] = [0, 0];
  for (const perHour of [1 / 200, 1 / 48]) {
    for (let run = 0; run < 4; run++) {
      const station = new Station();
      const until = 50_000 * (perHour < 0.01 ? 2 : 0.5);
      for (let at = wait(random, perHour); at < until; at += wait(random, perHour)) {
        station.pass(at);
        station.visit(at, random, 0.25);
      }
      years += until / (365 * 24);
      alarms += station.alarms;
    }
  }
  assert.ok(years > 50);
  assert.ok(alarms <= 1 + (2 * years) / YEARS_A_THREAT, `${alarms} in ${years.toFixed(0)} station-years`);
});

test("false alarms of energy: honest sessions with heavy-tailed noise, against sessions at the stated rate", () => {
  const random = seeded(82);
  const threshold = thresholdOf("energy-theft");
  let [sum, alarms] = [0, 0];
  const sessions = 20_000;
  for (let session = 0; session < sessions; session++) {
    const grid = createShiftGrid(4, 100);
    for (let block = 0; block < 6; block++) addBlock(grid, student(random, 4), 1);
    sum = Math.max(0, sum + Math.max(-3, Math.min(16, shiftGridNats(grid))));
    if (sum < threshold) continue;
    alarms += 1;
    sum = 0;
  }
  // 20,000 sessions are five busy years: one alarm in 85 of them is stated.
  assert.ok(alarms <= 1, `${alarms}`);
});
