/** Sessions and their bills, each kind of misbilling beside the honest trouble that looks like it. */
import { normal, seeded, type Seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { thresholdOf } from "../../opine/threshold.ts";
import type { Observation } from "../../terms.ts";
import { at, Bench, type Seen } from "../detector.testing.ts";
import { energyTheft, type EnergyTheft } from "../energy-theft.ts";
import { type Balance, createBalance } from "./balance.ts";
import { balanceOf } from "./findings.ts";
import type { BothWays } from "./session.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const THEFT = "energy-theft";
const INFLATION = "billing-inflation";

interface Way {
  readonly minutes?: number;
  readonly powerW?: number;
  readonly evseId?: number;
  /** Minutes between reports; 0: none. */
  readonly everyMin?: number;
  /** Delivered over billed. */
  readonly factor?: number;
  /** Added to the station's register at the end, Wh: to the bill alone, or for good. */
  readonly padWh?: number;
  readonly forGood?: boolean;
  /** At half time the register steps back by this, Wh. */
  readonly backWh?: number;
  /** The vehicle stays plugged in, h. */
  readonly staysH?: number;
  /** The link goes down an hour before the stop, which is told after it came up or, at last, by a queue. */
  readonly outage?: "before" | "across";
  /** The other EVSE's meter is read meanwhile. */
  readonly beside?: number;
}

/** A station whose meters count standby all the time, read every minute. */
class Charger {
  readonly bench: Bench<EnergyTheft> = new Bench(energyTheft);
  /** What its sessions say, before it is summed. */
  readonly nats: BothWays = { theft: 0, inflation: 0 };
  readonly #balance: Balance = createBalance();
  s = 0;
  standbyW = 8;
  meterWh: Record<number, number> = { 1: 500_000, 2: 90_000 };
  stationWh: Record<number, number> = { 1: 61_000, 2: 7_000 };
  #no = 0;

  see(seen: Seen): void {
    this.bench.see(seen, this.s);
    const now = at(this.s);
    for (const { nats } of balanceOf(this.#balance, { ...seen, at: now.wallMs } as Observation, now).comparisons) {
      this.nats.theft += nats.theft;
      this.nats.inflation += nats.inflation;
    }
  }

  minute(evseId: number, powerW: number, countsStandby = true): void {
    const watts = powerW + (countsStandby ? this.standbyW : 0);
    this.meterWh[evseId]! += watts / 60;
    const reading = { evseId, powerW: watts, energyImportWh: Math.floor(this.meterWh[evseId]!) };
    this.see({ kind: "meter-reading", reading, side: "evse-output" });
  }

  idle(hours: number, evseId = 1): void {
    for (let n = 0; n < hours * 60; n++) {
      this.s += MINUTE;
      this.minute(evseId, 0);
    }
  }

  report(transactionId: string, evseId: number, registerWh = this.stationWh[evseId]!): void {
    const reading = { evseId, energyImportWh: Math.floor(registerWh) };
    this.see({ kind: "reported-reading", transactionId, offline: false, reading });
  }

  session(way: Way = {}): void {
    const { minutes = 60, powerW = 7_000, evseId = 1, everyMin = 5, factor = 1, padWh = 0, staysH = 0 } = way;
    const of = { transactionId: `t${this.#no++}`, evseId, offline: false };
    this.see({ kind: "transaction-started", ...of, registerWh: Math.floor(this.stationWh[evseId]!) });
    for (let n = 1; n <= minutes + 60 * staysH; n++) {
      const watts = n <= minutes ? powerW : 0;
      this.s += MINUTE;
      this.minute(evseId, watts);
      if (way.beside !== undefined) this.minute(way.beside, 0);
      this.stationWh[evseId]! += watts / 60 / factor;
      if (n === Math.floor(minutes / 2)) this.stationWh[evseId]! -= way.backWh ?? 0;
      const down = way.outage !== undefined && n > minutes + 60 * staysH - 60;
      if (everyMin > 0 && n % everyMin === 0 && !down) this.report(of.transactionId, evseId);
    }
    if (way.outage !== undefined) this.see({ kind: "link", state: "connect" });
    const stopWh = Math.floor(this.stationWh[evseId]! + padWh);
    if (way.forGood === true) this.stationWh[evseId] = stopWh;
    this.see({ kind: "transaction-ended", ...of, offline: way.outage === "across", registerWh: stopWh });
    this.idle(2, evseId);
  }

  lived(way: Way = {}): this {
    this.idle(24);
    for (let n = 0; n < 8; n++) this.session(way);
    return this;
  }

  told(key: typeof THEFT | typeof INFLATION): boolean {
    return this.bench.raisedAt.has(key);
  }

  /** Nothing is held against anybody. */
  quiet(): void {
    const { bench } = this;
    for (const key of [THEFT, INFLATION] as const) assert.ok(bench.peak(key) < 0.75, `${key}: ${bench.peak(key)}`);
  }
}

test("a car that stays plugged in for three days lets standby flow, and is no theft", () => {
  for (const standbyW of [1, 8, 14, 30]) {
    const charger = new Charger();
    charger.standbyW = standbyW;
    charger.lived();
    for (let n = 0; n < 4; n++) charger.session({ minutes: 30, staysH: 70, everyMin: 15 });
    charger.session({ powerW: 0, minutes: 1, staysH: 70, everyMin: 15 });
    charger.quiet();
  }
});

test("standby that was never seen idle is doubtful, not stolen", () => {
  const charger = new Charger();
  charger.standbyW = 14;
  for (let n = 0; n < 6; n++) charger.session({ minutes: 20, staysH: 60, everyMin: 15 });
  charger.quiet();
});

test("a register that steps back inside a transaction, far from zero, is theft, within the transaction", () => {
  const charger = new Charger().lived();
  charger.session({ minutes: 120, backWh: 5_000 });
  assert.ok(charger.told(THEFT), `${charger.bench.peak(THEFT)}`);
});

test("a register that is put below where the transaction began bills nothing: theft, also without reports", () => {
  const charger = new Charger().lived();
  for (let n = 0; n < 3; n++) charger.session({ minutes: 60, backWh: 9_000, everyMin: 0 });
  assert.ok(charger.told(THEFT), `${charger.bench.peak(THEFT)}`);
});

test("a register that begins anew at zero in mid-session, by itself, is no theft", () => {
  const charger = new Charger().lived();
  for (let n = 0; n < 4; n++) {
    charger.session({ backWh: charger.stationWh[1]! + 3_500 });
    charger.quiet();
  }
});

test("reports that overtake each other are no steps back", () => {
  const charger = new Charger().lived();
  for (let n = 0; n < 10; n++) {
    const of = { transactionId: `o${n}`, evseId: 1, offline: false };
    charger.see({ kind: "transaction-started", ...of, registerWh: Math.floor(charger.stationWh[1]!) });
    let before = charger.stationWh[1]!;
    for (let minute = 1; minute <= 60; minute++) {
      charger.s += MINUTE;
      charger.minute(1, 7_000);
      charger.stationWh[1]! += 7_000 / 60;
      if (minute % 5 !== 0) continue;
      charger.report(of.transactionId, 1);
      // The one of five minutes ago comes after it.
      if (minute % 15 === 0) charger.report(of.transactionId, 1, before);
      before = charger.stationWh[1]!;
    }
    charger.see({ kind: "transaction-ended", ...of, registerWh: Math.floor(charger.stationWh[1]!) });
    charger.idle(1);
  }
  charger.quiet();
});

/** Billed by the station, while its vehicle, if there is one, draws nothing. */
function phantom(charger: Charger, minutes: number, everyMin: number, meterLives = true): void {
  const of = { transactionId: `p${charger.s}`, evseId: 1, offline: false };
  charger.see({ kind: "transaction-started", ...of, registerWh: Math.floor(charger.stationWh[1]!) });
  for (let minute = 1; minute <= minutes; minute++) {
    charger.s += MINUTE;
    charger.minute(1, 0, meterLives);
    charger.stationWh[1]! += 7_200 / 60;
    if (everyMin > 0 && minute % everyMin === 0) charger.report(of.transactionId, 1);
  }
  charger.see({ kind: "transaction-ended", ...of, registerWh: Math.floor(charger.stationWh[1]!) });
  charger.idle(2);
}

test("a bill with nothing behind it is told by its reports; from a meter that may be dead it is not", () => {
  const charger = new Charger().lived();
  const fromS = charger.s;
  phantom(charger, 60, 5);
  assert.ok((charger.bench.raisedAt.get(INFLATION) ?? Infinity) - fromS <= HOUR, `${charger.bench.peak(INFLATION)}`);
  const dead = new Charger().lived();
  for (let n = 0; n < 10; n++) phantom(dead, 60, 5, false);
  assert.not.ok(dead.told(INFLATION), `${dead.bench.peak(INFLATION)}`);
});

test("bills with nothing behind them and without reports are told by the second", () => {
  const charger = new Charger().lived();
  for (let n = 0; n < 2; n++) phantom(charger, 120, 0);
  assert.ok(charger.told(INFLATION), `${charger.bench.peak(INFLATION)}`);
});

test("a stop that jumps above readings that agree is told at once where it is large, and is no theft after it", () => {
  for (const forGood of [false, true]) {
    const charger = new Charger().lived();
    charger.session({ padWh: 4_000, forGood });
    assert.ok(charger.told(INFLATION), `${charger.bench.peak(INFLATION)}`);
    for (let n = 0; n < 4; n++) charger.session();
    assert.not.ok(charger.told(THEFT), `${charger.bench.peak(THEFT)}`);
  }
});

test("a small jump is told once it comes again, also where no block closes", () => {
  for (const everyMin of [5, 0]) {
    const charger = new Charger().lived({ everyMin });
    let sessions = 0;
    while (!charger.told(INFLATION) && sessions < 30) {
      charger.session({ padWh: 400, everyMin });
      sessions += 1;
    }
    assert.ok(sessions < 8, `every ${everyMin} min: ${sessions} sessions`);
  }
});

test("an idle EVSE beside one that charges is idle: charging power there is told, and rest there is not", () => {
  const charger = new Charger().lived();
  for (let n = 0; n < 12; n++) charger.session({ minutes: 180, beside: 2 });
  charger.quiet();
  const of = { transactionId: "long", evseId: 1, offline: false };
  charger.see({ kind: "transaction-started", ...of, registerWh: Math.floor(charger.stationWh[1]!) });
  for (let minute = 1; minute <= 150; minute++) {
    charger.s += MINUTE;
    charger.minute(1, 7_000);
    charger.minute(2, 3_700);
    charger.stationWh[1]! += 7_000 / 60;
    if (minute % 5 === 0) charger.report(of.transactionId, 1);
  }
  assert.ok(charger.told(THEFT), `${charger.bench.peak(THEFT)}`);
});

/** Days of three sessions, meters off by `bias` for good and by a little more each session. */
function weeks(random: Seeded, factor: number, sessions: number, honestBias: number): Charger {
  const charger = new Charger();
  charger.idle(12);
  for (let n = 0; n < 30 + sessions; n++) {
    const wobble = 1 + honestBias + 0.003 * normal(random);
    charger.session({ minutes: 60 + random.int(60), everyMin: 15, factor: wobble * (n < 30 ? 1 : factor) });
  }
  return charger;
}

test("a drift of 3 % is told within weeks, both ways; what the class of two meters allows is not", () => {
  const random = seeded(5);
  for (const bias of [-0.007, 0, 0.007]) {
    assert.ok(weeks(random, 1.03, 60, bias).told(THEFT), `theft, bias ${bias}`);
    assert.ok(weeks(random, 1 / 1.03, 60, bias).told(INFLATION), `inflation, bias ${bias}`);
    for (const factor of [0.994, 1, 1.006]) weeks(random, factor, 60, bias).quiet();
  }
});

test("null: sessions of honest stations, standby and long stays among them, are e-values of one at most", () => {
  const random = seeded(23);
  const sums = { theft: 0, inflation: 0 };
  let sessions = 0;
  for (let station = 0; station < 12; station++) {
    const charger = new Charger();
    charger.standbyW = 2 + random.int(14);
    charger.idle(12);
    const bias = 1 + 0.004 * normal(random);
    for (let n = 0; n < 30; n++) {
      const before = { ...charger.nats };
      charger.session({ minutes: 5 + random.int(90), powerW: 1_500 + random.int(20_000), factor: bias,
        everyMin: [0, 1, 5, 15][random.int(4)]!, staysH: random.int(4) === 0 ? random.int(30) : 0 });
      if (n < 3) continue;
      sums.theft += Math.exp(charger.nats.theft - before.theft);
      sums.inflation += Math.exp(charger.nats.inflation - before.inflation);
      sessions += 1;
    }
    charger.quiet();
  }
  for (const sum of [sums.theft, sums.inflation]) assert.ok(sum / sessions < 1, `${sum / sessions}`);
});

test("nights without theft take nothing back of what the days' bills say", () => {
  const charger = new Charger().lived();
  charger.session({ factor: 1.12 });
  const held = charger.bench.total(THEFT);
  assert.ok(held > 2, `${held}`);
  charger.idle(48);
  assert.is(charger.bench.total(THEFT), held);
});

test("days of a station whose meter counts standby alone add nothing", () => {
  const charger = new Charger();
  charger.idle((4 * DAY) / HOUR);
  assert.is(charger.bench.peak(THEFT), 0);
});

test("where sessions are rare the same few that are billed too little or too much are told sooner", () => {
  for (const [key, factor] of [[THEFT, 1.08], [INFLATION, 1 / 1.08]] as const) {
    const [often, rare] = [0, 60].map((hours) => {
      const charger = new Charger().lived();
      charger.idle(hours);
      charger.session({ factor, minutes: 40 });
      return charger.bench.peak(key);
    });
    assert.ok(often! > 0 && (rare! - often!) * thresholdOf(key) > Math.log(10), `${key}: ${often}, ${rare}`);
  }
});

test("however long nobody came, one finding is bounded as ever, and honest sessions a week apart say nothing", () => {
  const charger = new Charger().lived();
  charger.idle(200);
  charger.session({ padWh: 30_000, everyMin: 0 });
  assert.ok(charger.bench.peak(INFLATION) > 0.9 && !charger.told(INFLATION), `${charger.bench.peak(INFLATION)}`);
  const honest = new Charger().lived();
  for (let n = 0; n < 10; n++) {
    honest.idle(170);
    honest.session({ minutes: 30 + 20 * n, powerW: 1_500 + 900 * n });
  }
  honest.quiet();
});

test("a padded stop is seen in a long session also where an outage kept it back, and an honest one is not", () => {
  for (const outage of ["before", "across"] as const) {
    const [padded, honest] = [5_000, 0].map((padWh) => {
      const charger = new Charger().lived();
      charger.session({ minutes: 600, powerW: 10_000, padWh, outage });
      return charger;
    });
    assert.ok(padded!.told(INFLATION), `${outage}: ${padded!.bench.peak(INFLATION)}`);
    honest!.quiet();
  }
});
