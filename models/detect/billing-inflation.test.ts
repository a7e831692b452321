import { normal, seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { thresholdOf } from "../opine/threshold.ts";
import type { MeterSide } from "../terms.ts";
import { at, Bench, type Seen, survivesRestarts, withstands } from "./detector.testing.ts";
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
  /** The start and all until then is told so late, with stamps of its time; the vehicle rests for `restsS` first. */
  readonly queuedS?: number;
  readonly restsS?: number;
  /** Of what is billed so much was delivered before the start was told, Wh. */
  readonly beforeWh?: number;
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
    const { padWh = 0, offline = false, staleS = 0, queuedS = 0, restsS = 0 } = told;
    const heldUntilS = this.s + queuedS;
    const queue: Seen[] = [];
    const tell = (seen: Seen): void => {
      const stamped = queuedS === 0 ? seen : { ...seen, saidAt: at(this.s).wallMs } as unknown as Seen;
      if (this.s < heldUntilS) queue.push(stamped);
      else this.bench.see(stamped, this.s);
    };
    meter();
    const startWh = reported() - (told.beforeWh ?? 0);
    const of = { transactionId, evseId: 1, offline: false };
    tell({ kind: "transaction-started", ...of, registerWh: startWh });
    const end = minutes * MINUTE;
    for (let n = 1; n <= end; n++) {
      this.s += 1;
      while (this.s >= heldUntilS && queue[0] !== undefined) this.bench.see(queue.shift()!, this.s);
      const flowsW = n > restsS ? powerW : 0;
      this.deliveredWh += flowsW / HOUR;
      this.billedWh += (flowsW * factor) / HOUR;
      if (told.resets === "middle" && n === end / 2) zeroWh = this.billedWh;
      const energyImportWh = floor(this.deliveredWh, meterStepWh);
      if (n < stuckFrom * end) shown = { evseId: 1, powerW: flowsW, energyImportWh };
      if (n % meterS === 0) meter();
      if (n % reportS !== Math.round(lateS * (n / end)) % reportS || n < reportS) continue;
      const staleWh = n > end / 2 ? Math.round((powerW * factor * staleS) / HOUR) : 0;
      const reading = { evseId: 1, energyImportWh: reported() - staleWh };
      tell({ kind: "reported-reading", reading, transactionId, offline: false });
    }
    const registerWh = Math.round(startWh + (reported() - startWh) * bill) + padWh;
    tell({ kind: "transaction-ended", ...of, offline, registerWh });
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
    const says = world.bench.findings.filter(({ key, nats }) => key === KEY && nats > 1).at(-1)!.says;
    assert.is(/ % more is usual/.test(says), "side" in past, says);
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

/** One session of four minutes and 7.2 kW at a station that told all of it when it was over, in order. */
function toldAfterwards(world: World, stamped: boolean): void {
  const saidAt = (behindS: number): object => stamped ? { saidAt: at(world.s - behindS).wallMs } : {};
  const meter = (powerW: number): void => {
    const reading = { evseId: 1, powerW, energyImportWh: Math.round(world.deliveredWh) };
    world.bench.see({ kind: "meter-reading", reading, side: "evse-output" }, world.s);
  };
  for (let n = 0; n <= 24; n++) {
    meter(n === 0 || n === 24 ? 0 : 7_200);
    world.s += 10;
    world.deliveredWh += n < 24 ? 20 : 0;
  }
  const of = { transactionId: `q${world.s}`, evseId: 1, offline: false };
  const startWh = Math.round(world.billedWh);
  world.billedWh += 480;
  world.bench.see({ kind: "transaction-started", ...of, registerWh: startWh, ...saidAt(250) }, world.s);
  for (let n = 1; n <= 3; n++) {
    const reading = { evseId: 1, energyImportWh: startWh + n * 120 };
    world.bench.see({ kind: "reported-reading", ...of, reading, ...saidAt(250 - n * 60) }, world.s + n / 4);
  }
  world.bench.see({ kind: "transaction-ended", ...of, registerWh: startWh + 480, ...saidAt(10) }, world.s + 1);
  world.s += 10;
  meter(0);
  world.s += HOUR;
}

test("a session that is told when it is over, minutes after the link came, accuses nobody", () => {
  for (const stamped of [true, false]) {
    const world = practised();
    const before = [KEY, "energy-theft"].map((threat) => world.bench.total(threat as typeof KEY));
    for (let n = 0; n < 6; n++) toldAfterwards(world, stamped);
    for (const threat of [KEY, "energy-theft"] as const) {
      const more = world.bench.total(threat) - before.shift()!;
      assert.ok(more <= 0, `${threat} ${more}, with stamps: ${stamped}`);
    }
  }
});

test("without stamps: what was delivered before a start that waited for the link may be billed, and no more", () => {
  for (const padWh of [0, 3_000]) {
    const world = practised();
    for (let n = 0; n < 3; n++) {
      world.deliveredWh += 1_000;
      world.billedWh += 1_000;
      world.bench.see({ kind: "link", state: "connect" }, world.s - 600);
      world.session({ minutes: 20, reportS: HOUR, beforeWh: 1_000, padWh });
    }
    assert.is(world.bench.raisedAt.has(KEY), padWh > 0, `${padWh}: ${world.bench.peak(KEY)}`);
  }
});

test("a start told late, and what was charged until then: the queue's reports are held against no meter of now", () => {
  const world = practised({ meterS: 60 });
  const before = world.bench.total(KEY);
  for (let n = 0; n < 6; n++) world.session({ meterS: 60, queuedS: 240 });
  assert.ok(world.bench.total(KEY) < before && !world.bench.raisedAt.has(KEY), `${world.bench.total(KEY) - before}`);
});

test("a stamp of four minutes ago hides no bill that is padded: no more is excused than can have flowed", () => {
  const world = practised();
  for (let n = 0; n < 3; n++) world.session({ queuedS: 240, restsS: 300, padWh: 3_000 });
  assert.ok(world.bench.raisedAt.has(KEY), `${world.bench.peak(KEY)}`);
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
