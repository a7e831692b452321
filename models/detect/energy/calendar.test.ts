import { assert, test } from "../../../build/testing.ts";
import type { MeterSide } from "../../terms.ts";
import { Bench, type Seen } from "../detector.testing.ts";
import { energyTheft, type EnergyTheft } from "../energy-theft.ts";
import { holdReading } from "./tracks.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const KEY = "energy-theft";
/** Often enough for comparisons, seldom enough for years in a test. */
const EVERY_S = 10 * MINUTE;

interface Day {
  /** What flows day and night beside sessions, W. */
  readonly restW?: number;
  readonly sessionKwh?: number;
  /** How the session is told: not at all, with its end after an outage, or without an end. */
  readonly told?: "live" | "never" | "late" | "no end";
  readonly outage?: boolean;
}

/** A station of one EVSE whose vehicle comes at noon and takes 11 kW, metered and billed alike. */
class Station {
  readonly bench = new Bench<EnergyTheft>(energyTheft);
  readonly side: MeterSide;
  s = 0;
  /** By how much the register wavers, Wh. */
  waverWh = 0;
  readonly #held: Record<string, number> = {};
  #day = 0;
  #wh = 1_000_000;
  #billedWh = 50_000;

  constructor(side: MeterSide = "evse-output") {
    this.side = side;
  }

  /** Until `s`, at `powerW`. */
  flow(untilS: number, powerW: number, billed: boolean, told?: string): void {
    while (this.s < untilS) {
      const seconds = Math.min(EVERY_S, untilS - this.s);
      this.s += seconds;
      this.#wh += (powerW * seconds) / HOUR;
      if (billed) this.#billedWh += (powerW * seconds) / HOUR;
      const energyImportWh = Math.round(this.#wh) - (Math.round(this.s / EVERY_S) % 2) * this.waverWh;
      const reading = holdReading(this.#held, { evseId: 1, powerW, energyImportWh });
      this.bench.see({ kind: "meter-reading", reading, side: this.side }, this.s);
      if (told === undefined) continue;
      const register = { evseId: 1, energyImportWh: Math.round(this.#billedWh) };
      this.bench.see({ kind: "reported-reading", transactionId: told, reading: register, offline: false }, this.s);
    }
  }

  /** One day from eight to eight: the bench begins at eight in the morning. */
  day({ restW = 10, sessionKwh = 22, told = "live", outage = false }: Day = {}): void {
    const from = this.#day * DAY;
    const id = `t${this.#day++}`;
    this.flow(from + 4 * HOUR, restW, false);
    const transaction = (kind: "started" | "ended"): Seen => ({ kind: `transaction-${kind}`, transactionId: id,
      evseId: 1, registerWh: Math.round(this.#billedWh), offline: told === "late" && kind === "ended" });
    if (told !== "never") this.bench.see(transaction("started"), this.s);
    if (outage) this.bench.see({ kind: "link", state: "disconnect" }, this.s);
    const live = told === "live" && !outage ? id : undefined;
    this.flow(from + 4 * HOUR + (sessionKwh / 11) * HOUR, 11_000, told !== "never", live);
    if (told === "live") this.bench.see(transaction("ended"), this.s);
    this.flow(from + DAY - MINUTE, restW, false);
    if (outage) this.bench.see({ kind: "link", state: "connect" }, this.s);
    if (told === "late") this.bench.see(transaction("ended"), this.s);
    this.flow(from + DAY, restW, false);
  }

  days(count: number, what: Day = {}): this {
    for (let n = 0; n < count; n++) this.day(what);
    return this;
  }

  get spoken(): number {
    return this.bench.findings.filter(({ terms }) => terms.some(({ term, nats }) => /ran ahead/.test(term) && nats > 0))
      .length;
  }
}

test("honest months: bills, and what the meter counts at rest, explain each day and each month", () => {
  for (const side of ["evse-output", "ac-input"] as const) {
    const station = new Station(side).days(100).days(10, { sessionKwh: 0 });
    assert.equal([station.spoken, station.bench.raisedAt.size], [0, 0], side);
  }
});

test("a load that is no vehicle's is told within four days", () => {
  for (const restW of [300, 500, 900]) {
    const station = new Station().days(20);
    station.days(4, { restW });
    assert.ok(station.bench.raisedAt.has(KEY), `${restW} W: ${station.bench.peak(KEY)}`);
    const { says } = station.bench.findings.filter((one) => one.says !== "").at(-1)!;
    assert.match(says, /within a day the meter counted [\d.]+ kWh, [\d.]+ kWh more than bills and standby explain/);
  }
});

test("the heating of a cabinet on the AC side is none, nor is one day with a forgotten session", () => {
  const heated = new Station("ac-input").days(20).days(30, { restW: 600 });
  assert.equal([heated.spoken, heated.bench.raisedAt.size], [0, 0]);
});

test("what bills are not known of says nothing of its day: a late one, one without an end, an outage", () => {
  for (const what of [{ told: "late" }, { told: "no end" }, { outage: true }] as const) {
    const station = new Station().days(20);
    for (let n = 0; n < 10; n++) station.days(1, what).days(3);
    assert.is(station.spoken, 0, JSON.stringify(what));
  }
});

test("sessions that are never told of add up by day and by month", () => {
  const station = new Station().days(5).days(30, { told: "never", sessionKwh: 11 });
  assert.ok(station.spoken >= 5, `${station.spoken}`);
});

test("an agent that was away, and a register that went back, know nothing of the day", () => {
  for (const gap of [(station: Station) => (station.s += 2 * HOUR), (station: Station) => {
    station.bench.see({ kind: "meter-reading", side: "evse-output", reading: { evseId: 1, energyImportWh: 5 } },
      station.s);
  }]) {
    const station = new Station().days(10);
    for (let n = 0; n < 5; n++) {
      gap(station);
      station.day({ restW: 300 });
      station.days(2);
    }
    assert.is(station.spoken, 0);
  }
});

test("a register that wavers within its resolution breaks neither day nor month", () => {
  for (const [waverWh, isTold] of [[3, true], [12, true], [100, false]] as const) {
    const station = new Station();
    station.waverWh = waverWh;
    station.days(20);
    assert.is(station.spoken, 0);
    assert.is(station.days(4, { restW: 300 }).spoken > 0, isTold, `${waverWh} Wh`);
  }
});

test("a tapped load is told where a vehicle comes once in ten days: two whole bills suffice, one does not", () => {
  const rest = { sessionKwh: 0, told: "never" } as const;
  const tapped = { ...rest, restW: 300 };
  const twice = new Station().days(1).days(9, rest).days(1).days(2, rest).days(4, tapped);
  assert.ok(twice.spoken >= 3 && twice.bench.raisedAt.has(KEY), `${twice.spoken}`);
  assert.is(new Station().days(1).days(9, rest).days(4, tapped).spoken, 0);
  assert.is(new Station().days(1).days(3, { told: "no end" }).days(4, tapped).spoken, 0);
});

test("a meter whose bills never came, or come no more, says nothing of them", () => {
  assert.is(new Station().days(40, { told: "never", sessionKwh: 11 }).spoken, 0);
  const station = new Station().days(20).days(16, { told: "never", sessionKwh: 0 });
  assert.is(station.days(10, { told: "never", sessionKwh: 11 }).spoken, 0);
});
