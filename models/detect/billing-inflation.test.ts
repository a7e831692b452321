import { normal, seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { thresholdOf } from "../opine/threshold.ts";
import type { MeterSide } from "../terms.ts";
import { Bench, survivesRestarts, withstands } from "./detector.testing.ts";
import { energyTheft, type EnergyTheft } from "./energy-theft.ts";

const MINUTE = 60;
const HOUR = 3_600;
const KEY = "billing-inflation";
const DRIFT = "billed-less-delivered";

interface Told {
  readonly minutes?: number;
  readonly powerW?: number;
  /** Billed over delivered by the reports, and by the bill alone; 1: honest. */
  readonly factor?: number;
  readonly bill?: number;
  /** Added to the bill alone, Wh. */
  readonly padWh?: number;
  /** The stop is told after an outage. */
  readonly offline?: boolean;
  /** What reports from the session's middle on are late by, s: each tells of an older register. */
  readonly staleS?: number;
  readonly side?: MeterSide;
  readonly meterS?: number;
  readonly reportS?: number;
  readonly meterStepWh?: number;
  readonly reportedStepWh?: number;
  /** The station's register begins anew: with each session, or in the middle of it. */
  readonly resets?: "session" | "middle";
  /** The meter repeats its last figures from here on, as a share of the session. */
  readonly stuckFrom?: number;
  readonly lateS?: number;
}

class World {
  readonly bench: Bench<EnergyTheft>;
  deliveredWh = 700_400;
  billedWh = 31_100;
  s = 0;
  #sessions = 0;

  constructor(bench: Bench<EnergyTheft>) {
    this.bench = bench;
  }

  session(told: Told = {}): void {
    const { minutes = 40, powerW = 7_000, factor = 1, bill = 1, side = "evse-output" } = told;
    const { meterS = 10, reportS = 60, meterStepWh = 1, reportedStepWh = 1, stuckFrom = 2, lateS = 0 } = told;
    const transactionId = `t${this.#sessions++}`;
    const floor = (wh: number, step: number): number => Math.floor(wh / step) * step;
    let zeroWh = told.resets === "session" ? this.billedWh : 0;
    let shown = { evseId: 1, powerW: 0, energyImportWh: floor(this.deliveredWh, meterStepWh) };
    const meter = (): void => void this.bench.see({ kind: "meter-reading", reading: shown, side }, this.s);
    const reported = (): number => floor(this.billedWh - zeroWh, reportedStepWh);
    const { padWh = 0, offline = false, staleS = 0 } = told;
    meter();
    const startWh = reported();
    const of = { transactionId, evseId: 1, offline: false };
    this.bench.see({ kind: "transaction-started", ...of, registerWh: startWh }, this.s);
    const end = minutes * MINUTE;
    for (let n = 1; n <= end; n++) {
      this.s += 1;
      this.deliveredWh += powerW / HOUR;
      this.billedWh += (powerW * factor) / HOUR;
      if (told.resets === "middle" && n === end / 2) zeroWh = this.billedWh;
      if (n < stuckFrom * end) shown = { evseId: 1, powerW, energyImportWh: floor(this.deliveredWh, meterStepWh) };
      if (n % meterS === 0) meter();
      if (n % reportS !== Math.round(lateS * (n / end)) % reportS || n < reportS) continue;
      const staleWh = n > end / 2 ? Math.round((powerW * factor * staleS) / HOUR) : 0;
      const reading = { evseId: 1, energyImportWh: reported() - staleWh };
      this.bench.see({ kind: "reported-reading", reading, transactionId, offline: false }, this.s);
    }
    const registerWh = Math.round(startWh + (reported() - startWh) * bill) + padWh;
    this.bench.see({ kind: "transaction-ended", ...of, offline, registerWh }, this.s);
    this.s += meterS;
    if (stuckFrom > 1) shown = { evseId: 1, powerW: 0, energyImportWh: floor(this.deliveredWh, meterStepWh) };
    meter();
    this.s += 3 * HOUR;
  }

  /** The evidence of one more session, nats. */
  evidenceOf(told: Told, key: typeof KEY | "energy-theft" = KEY): number {
    const before = this.bench.total(key);
    this.session(told);
    return this.bench.total(key) - before;
  }
}

function practised(told: Told = {}): World {
  const world = new World(new Bench(energyTheft));
  for (let n = 0; n < 6; n++) world.session(told);
  return world;
}

test("30 % more billed than delivered is told within one session, and says so", () => {
  const world = practised();
  const fromS = world.s;
  world.session({ factor: 1.3, minutes: 60 });
  assert.ok((world.bench.raisedAt.get(KEY) ?? Infinity) - fromS < 30 * MINUTE);
  assert.match(world.bench.findings.filter(({ nats }) => nats > 1).at(-1)!.says, /2[23] % less delivered than billed/);
});

test("10 % more is told within a few sessions, at a DC charger metered on its AC side likewise", () => {
  for (const past of [{}, { side: "ac-input", factor: 1 / 1.07, powerW: 50_000 }] as const) {
    const world = practised(past);
    for (let n = 0; n < 6; n++) world.session(past);
    for (let n = 0; n < 4; n++) world.session({ ...past, factor: 1.1 * ("factor" in past ? past.factor : 1) });
    assert.ok(world.bench.raisedAt.has(KEY), `${world.bench.peak(KEY)}`);
  }
});

test("true readings and a bill that is too high: a stop above the last reading is told in a few sessions", () => {
  const world = practised();
  for (let n = 0; n < 3; n++) world.session({ bill: 1.3 });
  assert.ok(world.bench.raisedAt.has(KEY), `${world.bench.peak(KEY)}`);
});

test("true readings and a bill that is too low are theft, told in a few sessions", () => {
  const world = new World(new Bench(energyTheft));
  for (let n = 0; n < 6; n++) world.session();
  for (let n = 0; n < 3; n++) world.session({ bill: 0.75 });
  assert.ok(world.bench.raisedAt.has("energy-theft"), `${world.bench.peak("energy-theft")}`);
});

const HONEST: Record<string, Told> = {
  "meters of one class": { factor: 1.004 },
  "a meter that counts in steps of 100 Wh": { meterStepWh: 100 },
  "a station that counts in steps of 100 Wh": { reportedStepWh: 100 },
  "both in steps of 100 Wh, rarely read": { meterStepWh: 100, reportedStepWh: 100, meterS: 60 },
  "a DC charger on its AC side, with 4 % lost": { side: "ac-input", factor: 1 / 1.04, powerW: 50_000 },
  "a DC charger on its AC side, with 10 % lost": { side: "ac-input", factor: 1 / 1.1, powerW: 50_000 },
  "a register that begins anew with each session": { resets: "session" },
  "a register that begins anew in mid-session": { resets: "middle" },
  "a meter that sticks in mid-session": { stuckFrom: 0.5 },
  "a meter that sticks from the start": { stuckFrom: 0 },
  "reports that come later and later": { lateS: 25 },
  "sessions of two minutes": { minutes: 2 },
  "sessions without energy": { powerW: 0 },
  "more delivered than billed": { factor: 0.7 },
};

for (const [name, told] of Object.entries(HONEST)) {
  test(`honest: ${name}`, () => {
    const world = new World(new Bench(energyTheft));
    for (let n = 0; n < 20; n++) world.session(told);
    assert.ok(world.bench.peak(KEY) < 0.7, `${world.bench.peak(KEY)}`);
  });
}

const RAPID = { side: "ac-input", factor: 1 / 1.08, powerW: 43_000, reportS: 90 } as const;

test("a stop that jumps by 2 kWh above readings that agree is told at once, however long the session was", () => {
  for (const usual of [{ minutes: 300 }, RAPID]) {
    const world = practised(usual);
    for (let n = 0; n < 25; n++) world.session(usual);
    world.session({ ...usual, padWh: 2_000 });
    assert.ok(world.bench.raisedAt.has(KEY), `${world.bench.peak(KEY)}`);
  }
});

test("readings that come late by minutes, and a bill that is right, are no jump", () => {
  const world = practised(RAPID);
  for (let n = 0; n < 6; n++) world.session(RAPID);
  for (let n = 0; n < 3; n++) world.session({ ...RAPID, staleS: 120 });
  assert.ok(world.bench.peak(KEY) < 1.5, `${world.bench.peak(KEY)}`);
});

test("the bill of a stop that is told after an outage accuses as inflation, and never as theft", () => {
  const [padded, short] = [practised(), practised()];
  for (let n = 0; n < 2; n++) padded.session({ offline: true, padWh: 3_000 });
  assert.ok(padded.bench.raisedAt.has(KEY), `${padded.bench.peak(KEY)}`);
  const before = short.bench.peak("energy-theft");
  for (let n = 0; n < 4; n++) short.session({ offline: true, padWh: -3_000 });
  assert.is(short.bench.peak("energy-theft"), before);
  assert.not.ok(short.bench.raisedAt.has(KEY));
});

test("a stop that is told after an outage, and readings after it, are compared with nothing", () => {
  const world = practised();
  const before = world.bench.total(KEY);
  for (let n = 0; n < 20; n++) {
    const of = { transactionId: `b${n}`, evseId: 1, offline: true };
    world.bench.see({ kind: "transaction-started", ...of, registerWh: n * 9_000 }, world.s + n);
    world.bench.see({ kind: "transaction-ended", ...of, registerWh: n * 9_000 + 8_000 }, world.s + n + 0.5);
    const reading = { evseId: 1, energyImportWh: n * 9_000 + 8_500 };
    const { transactionId } = of;
    world.bench.see({ kind: "reported-reading", reading, transactionId, offline: false }, world.s + n + 0.7);
  }
  assert.is(world.bench.total(KEY), before);
});

test("a bill one small step above the last reading, as when the contactor opens late, is no evidence", () => {
  const world = practised();
  for (let n = 0; n < 20; n++) assert.ok(world.evidenceOf({ bill: 1.002 }) < 0);
});

test("a drift too small for one station reaches the zone's feature", () => {
  const world = practised();
  const before = world.bench.total(DRIFT);
  for (let n = 0; n < 6; n++) world.session({ factor: 1.02 });
  assert.ok(world.bench.total(DRIFT) - before > 3 && world.bench.peak(KEY) < 1);
});

test("null: sessions of honest stations give e-values of one at most in the mean, and raise nothing either way", () => {
  const random = seeded(17);
  const values: number[] = [];
  for (let station = 0; station < 25; station++) {
    const world = new World(new Bench(energyTheft));
    const bias = 1 + 0.0042 * normal(random);
    for (let n = 0; n < 40; n++) {
      const told = { minutes: 10 + random.int(30), powerW: 3_000 + random.int(19_000), factor: bias, meterS: 30 };
      const nats = world.evidenceOf({ ...told, lateS: random.int(8) });
      if (n >= 3) values.push(Math.exp(nats));
    }
    for (const key of [KEY, "energy-theft"] as const) {
      const peak = world.bench.peak(key);
      assert.ok(peak < 0.8, `${key}: ${peak} of ${thresholdOf(key)}`);
    }
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(values.length > 900 && mean < 1, `${mean}`);
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(energyTheft, (bench) => {
    const world = new World(bench);
    for (let n = 0; n < 2; n++) world.session();
    world.session({ factor: 1.3 });
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(energyTheft, seeded(44), 60_000);
});
