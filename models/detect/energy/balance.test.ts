/** Delivered against billed, at the edges: what teaches, and what must never be compared. */
import { assert, test } from "../../../build/testing.ts";
import type { Observation } from "../../terms.ts";
import type { MonotonicMs, Now, WallMs } from "../../units.ts";
import {
  type Balance, createBalance, onMeterLost, onReading, onReported, onStart, onStop,
} from "./balance.ts";
import type { Comparison } from "./session.ts";
import { holdReading } from "./tracks.ts";

const MINUTE = 60;
const START = Date.UTC(2026, 2, 2);

/** One EVSE with a meter of its own: power flows, both registers move on, and both are told of in time. */
class Charger {
  readonly balance: Balance = createBalance();
  powerW = 7_200;
  /** Delivered over billed. */
  factor = 1;
  meterSpeaks = true;
  stationReports = true;
  meterWh = 800_000;
  billedWh = 5_000;
  #s = 0;
  readonly #held: Record<string, number> = {};

  get #now(): Now {
    return { wallMs: (START + this.#s * 1_000) as WallMs, monoMs: (this.#s * 1_000) as MonotonicMs };
  }

  get learned() {
    return structuredClone(this.balance.learned["1"]!);
  }

  read(powerW = this.powerW): readonly Comparison[] {
    const reading = holdReading(this.#held, { evseId: 1, powerW, energyImportWh: Math.round(this.meterWh) });
    return onReading(this.balance, reading, "evse-output", this.#now).comparisons;
  }

  start(): void {
    this.read(0);
    onStart(this.balance, {
      kind: "transaction-started", at: this.#now.wallMs, transactionId: "t", evseId: 1, offline: false,
      registerWh: Math.round(this.billedWh),
    }, this.#now);
  }

  /** `minutes` with a reading every 10 s and a report every minute. */
  run(minutes: number): Comparison[] {
    const found: Comparison[] = [];
    for (const end = this.#s + minutes * MINUTE; this.#s < end;) {
      this.#s += 10;
      this.meterWh += this.powerW / 360;
      this.billedWh += this.powerW / 360 / this.factor;
      if (this.meterSpeaks) this.read();
      if (this.stationReports && this.#s % MINUTE === 0) found.push(...this.report());
    }
    return found;
  }

  report(): Comparison[] {
    const seen: Observation & { kind: "reported-reading" } = {
      kind: "reported-reading", at: this.#now.wallMs, transactionId: "t", offline: false,
      reading: { evseId: 1, energyImportWh: Math.round(this.billedWh) },
    };
    return [...onReported(this.balance, seen, this.#now).comparisons];
  }

  stop(offline = false, registerWh = Math.round(this.billedWh)): Comparison[] {
    const found = onStop(this.balance, {
      kind: "transaction-ended", at: this.#now.wallMs, transactionId: "t", evseId: 1, offline, registerWh,
    }, this.#now);
    this.#s += 10;
    return [...found, ...this.read(0)];
  }

  session(minutes: number): Comparison[] {
    this.start();
    return [...this.run(minutes), ...this.stop()];
  }
}

const nats = (found: readonly Comparison[]): number => found.reduce((sum, { nats }) => sum + nats.theft, 0);

/** A charger that has shown its normal. */
function practised(): Charger {
  const charger = new Charger();
  for (let n = 0; n < 6; n++) assert.ok(nats(charger.session(40)) < 0);
  return charger;
}

test("an honest session teaches its ratio; a stolen one teaches nothing once it is suspected", () => {
  const charger = practised();
  const { ratio } = charger.learned;
  charger.factor = 1.004;
  charger.session(40);
  assert.ok(charger.learned.ratio.centre > ratio.centre && charger.learned.ratio.weight > ratio.weight);
  const before = charger.learned.ratio;
  charger.factor = 1.3;
  charger.start();
  assert.ok(nats(charger.run(20)) > 1);
  const suspected = charger.learned;
  charger.run(60);
  assert.equal(charger.learned, suspected, "neither ratio nor lag");
  charger.stop();
  assert.equal(charger.learned.ratio, before);
});

test("a meter's register that goes back in mid-session voids one block: honesty stays honest, theft is found", () => {
  for (const factor of [1, 1.3]) {
    const charger = practised();
    charger.start();
    assert.ok(nats(charger.run(20)) < 0);
    charger.meterWh = 3; // replaced, or reset
    charger.factor = factor;
    assert.is(nats(charger.run(60)) > 5, factor > 1, `${factor}`);
  }
});

test("a register that wavers within its resolution is not out of order: theft that follows is found at once", () => {
  for (const [backWh, isCompared] of [[3, true], [12, true], [40, false]] as const) {
    const charger = practised();
    charger.meterWh -= backWh;
    charger.read(0);
    charger.factor = 1.3;
    charger.start();
    assert.is(nats(charger.run(12)) > 1, isCompared, `${backWh} Wh`);
  }
});

test("a meter that fell silent is not carried on for more than two minutes", () => {
  const charger = practised();
  charger.powerW = 50_000;
  charger.start();
  charger.run(3);
  charger.meterSpeaks = charger.stationReports = false;
  charger.powerW = 0; // the vehicle is full, and the meter does not say so
  charger.run(3);
  assert.equal(charger.report(), []);
  charger.meterSpeaks = charger.stationReports = true;
  charger.powerW = 50_000;
  assert.ok(nats(charger.run(10)) < 1);
});

test("a meter that was lost is carried on not at all", () => {
  const charger = practised();
  charger.powerW = 300_000;
  charger.start();
  charger.run(10);
  onMeterLost(charger.balance, 1);
  charger.meterSpeaks = false;
  charger.powerW = 0;
  assert.equal(charger.run(5), []);
});

test("a stop that is told after an outage is not compared with what the meter shows now", () => {
  const charger = practised();
  charger.start();
  charger.run(3);
  const registerWh = Math.round(charger.billedWh);
  charger.meterWh += 20_000; // another vehicle charged during the outage, and its transaction is still to be told
  charger.read();
  assert.equal(charger.stop(true, registerWh).filter(({ nats }) => nats.theft !== 0), []);
  assert.equal([charger.balance.transactions, charger.balance.sessions], [{}, {}]);
});
