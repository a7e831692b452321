import { assert, test } from "../../build/testing.ts";
import { Bench, type Seen } from "./detector.testing.ts";
import { holdReading } from "./energy/tracks.ts";
import { loadManipulation, type LoadManipulation } from "./load-manipulation.ts";

const MINUTE = 60;
const HOUR = 3_600;
const KEY = "load-manipulation";

class Charger {
  readonly bench: Bench<LoadManipulation> = new Bench(loadManipulation);
  s = 0;

  see(seen: Seen): void {
    this.bench.see(seen, this.s);
  }

  run(seconds: number, powerW: number): void {
    for (let n = 0; n < seconds; n += 10) {
      this.s += 10;
      this.see({ kind: "meter-reading", reading: { evseId: 1, powerW }, side: "evse-output" });
      this.see({ kind: "tick" });
    }
  }

  session(story: () => void): void {
    const of = { transactionId: `t${this.s}`, evseId: 1, offline: false };
    this.see({ kind: "transaction-started", ...of });
    story();
    this.see({ kind: "transaction-ended", ...of });
    this.run(HOUR, 5);
  }

  lived(): this {
    for (let n = 0; n < 30; n++) this.session(() => this.run(HOUR, 7_000));
    return this;
  }

  swing(times: number, halfS = 30, lowW = 0): void {
    for (let n = 0; n < times; n++) {
      this.run(halfS, lowW);
      this.run(halfS, 7_000);
    }
  }

  /** Evidence, as a share of the threshold. */
  get peak(): number {
    return this.bench.peak(KEY);
  }
}

test("current that swings to nothing seven times in as many minutes is told; once is nothing", () => {
  const charger = new Charger().lived();
  charger.session(() => charger.swing(1));
  assert.ok(charger.peak < 0.5, `${charger.peak}`);
  charger.session(() => {
    charger.run(10 * MINUTE, 7_000);
    charger.swing(7);
  });
  assert.ok(charger.bench.raisedAt.has(KEY), `${charger.peak}`);
  const { says } = charger.bench.findings.filter(({ key, nats }) => key === KEY && nats > 0).at(-1)!;
  assert.is(says, "the current fell from 7.0 to 0.0 kW and rose again without an order");
});

const limit = (amps: number): Seen =>
  ({ kind: "charging-limit", evseId: 1, limit: amps, unit: "A", purpose: "TxProfile", outcome: "accepted" });

const HONEST: Record<string, (charger: Charger) => void> = {
  "set-points of the usual CSMS, obeyed": (charger) => {
    for (let n = 0; n < 60; n++) {
      charger.see(limit(n % 2 === 0 ? 0 : 32));
      charger.run(30, n % 2 === 0 ? 0 : 7_000);
    }
  },
  "a vehicle that tops up every quarter of an hour": (charger) => {
    for (let n = 0; n < 30; n++) {
      charger.run(3 * MINUTE, 1_800);
      charger.run(12 * MINUTE, 0);
    }
  },
  "a site that follows its roof": (charger) => {
    for (let n = 0; n < 20; n++) charger.run(7 * MINUTE, n % 2 === 0 ? 1_400 : 7_000);
  },
  "a curve that falls": (charger) => {
    for (let powerW = 50_000; powerW > 500; powerW *= 0.9) charger.run(2 * MINUTE, powerW);
  },
  "ripple": (charger) => charger.swing(60, 30, 4_000),
};

for (const [name, story] of Object.entries(HONEST)) {
  test(`honest: ${name}`, () => {
    const charger = new Charger().lived();
    for (let day = 0; day < 5; day++) charger.session(() => story(charger));
    assert.ok(charger.peak < 0.7, `${charger.peak}`);
  });
}

test("what falls with one transaction and rises with the next is no swing", () => {
  const charger = new Charger();
  for (let n = 0; n < 40; n++) {
    const of = { transactionId: `x${n}`, evseId: 1, offline: false };
    charger.see({ kind: "transaction-started", ...of });
    charger.run(MINUTE, 7_000);
    charger.see({ kind: "transaction-ended", ...of });
    charger.run(MINUTE, 0);
  }
  assert.is(charger.peak, 0);
});

/** A meter that is read once a minute, with its register in steps of `stepWh`. */
class SlowCharger extends Charger {
  wh = 0;
  stepWh = 1;
  /** By how much the register wavers, Wh. */
  waverWh = 0;
  readonly #held: Record<string, number> = {};

  /** What flows by seconds of the minute. */
  minutes(count: number, flow: (second: number) => number): void {
    for (let n = 0; n < count * 60; n++) {
      this.s += 1;
      this.wh += flow(n % 60) / HOUR;
      if (n % 10 === 9) this.see({ kind: "tick" });
      const energyImportWh = this.stepWh * Math.floor(this.wh / this.stepWh);
      const waverWh = n % 120 < 60 ? this.waverWh : 0;
      const told = { evseId: 1, powerW: flow(n % 60), energyImportWh: energyImportWh - waverWh };
      if (n % 60 !== 59) continue;
      this.see({ kind: "meter-reading", reading: holdReading(this.#held, told), side: "evse-output" });
    }
  }

  slowly(flow: (second: number) => number, stepWh = 1): this {
    this.stepWh = stepWh;
    for (let n = 0; n < 20; n++) this.session(() => this.minutes(60, () => 7_000));
    this.session(() => {
      this.minutes(10, () => 7_000);
      this.minutes(12, flow);
      this.minutes(10, () => 7_000);
    });
    return this;
  }
}

test("swings faster than the meter is read show in its register, whichever half it reads", () => {
  for (const flow of [(s: number) => (s < 30 ? 0 : 7_000), (s: number) => (s < 30 ? 7_000 : 0)]) {
    const charger = new SlowCharger().slowly(flow);
    assert.ok(charger.bench.raisedAt.has(KEY), `${charger.peak}`);
  }
  const { says } = new SlowCharger().slowly((s) => (s < 30 ? 0 : 7_000)).bench.findings
    .filter(({ key, nats }) => key === KEY && nats > 0).at(-1)!;
  assert.is(says, "the register counted 3.5 kW between two readings of 7.0 kW, without an order");
});

test("swings of a small current show in the register, too, where each reading falls into a pause", () => {
  const charger = new SlowCharger().slowly(() => 7_000);
  for (let n = 0; n < 4; n++) charger.session(() => charger.minutes(30, () => 2_300));
  charger.session(() => {
    charger.minutes(10, () => 2_300);
    charger.minutes(12, (s) => (s < 30 ? 2_300 : 0));
    charger.minutes(10, () => 2_300);
  });
  assert.ok(charger.bench.raisedAt.has(KEY), `${charger.peak}`);
});

test("swings of what a battery that fills up still takes show, too, down to the least that a vehicle may take", () => {
  for (const isHigh of [(s: number) => s < 30, (s: number) => s >= 30]) {
    const charger = new SlowCharger().slowly(() => 7_000);
    charger.session(() => {
      let powerW = 7_000;
      for (; powerW > 1_700; powerW *= 0.95) charger.minutes(1, () => powerW);
      for (let n = 0; n < 8; n++, powerW *= 0.95) charger.minutes(1, (s) => (isHigh(s) ? powerW : 0));
      charger.minutes(10, () => powerW);
    });
    assert.ok(charger.bench.raisedAt.has(KEY), `${charger.peak}`);
  }
});

test("honest: what a full battery takes in short pulses is no swing of what flowed before", () => {
  const charger = new SlowCharger().slowly(() => 7_000);
  charger.session(() => {
    for (let powerW = 7_000; powerW > 1_300; powerW *= 0.95) charger.minutes(1, () => powerW);
    charger.minutes(60, (s) => (s < 5 ? 1_300 : 0));
  });
  assert.ok(charger.peak < 0.3, `${charger.peak}`);
});

test("a register that wavers in a pause is not out of order: swings that follow are found", () => {
  for (const [waverWh, isFound] of [[3, true], [12, true], [40, false]] as const) {
    const charger = new SlowCharger().slowly(() => 7_000);
    charger.session(() => {
      charger.minutes(10, () => 7_000);
      charger.waverWh = waverWh;
      charger.minutes(10, () => 0);
      charger.minutes(1, () => 7_000);
      charger.minutes(12, (s) => (s < 30 ? 0 : 7_000));
    });
    assert.is(charger.bench.raisedAt.has(KEY), isFound, `${waverWh} Wh: ${charger.peak}`);
  }
});

test("a register of whole kWh that is read every five minutes shows no swings", () => {
  const charger = new Charger();
  let wh = 0;
  for (let day = 0; day < 20; day++) {
    charger.session(() => {
      for (let n = 0; n < 60; n++) {
        wh += (11_500 * 300) / HOUR;
        charger.s += 300;
        charger.see({ kind: "meter-reading", side: "evse-output",
          reading: { evseId: 1, powerW: 11_500, energyImportWh: 1_000 * Math.floor(wh / 1_000) } });
        charger.see({ kind: "tick" });
      }
    });
  }
  assert.is(charger.peak, 0);
});

test("a register in coarse steps, power that changes once, and one that never agreed say nothing", () => {
  assert.is(new SlowCharger().slowly(() => 7_000, 100).peak, 0);
  assert.is(new SlowCharger().slowly(() => 3_000).peak, 0);
  const onePhase = new SlowCharger();
  onePhase.session(() => {
    for (let n = 0; n < 200; n++) {
      onePhase.wh += 117;
      onePhase.s += 60;
      onePhase.see({ kind: "meter-reading", side: "evse-output",
        reading: { evseId: 1, powerW: 2_300, energyImportWh: onePhase.wh } });
      onePhase.see({ kind: "tick" });
    }
  });
  assert.is(onePhase.peak, 0);
});

test("a register in steps of 100 Wh shows swings over many readings, whichever half they read", () => {
  for (const flow of [(s: number) => (s < 30 ? 0 : 2_300), (s: number) => (s < 30 ? 2_300 : 0)]) {
    const charger = new SlowCharger().slowly(() => 7_000, 100);
    for (const [minutes, isFound] of [[4, false], [20, true]] as const) {
      charger.session(() => {
        charger.minutes(20, () => 2_300);
        charger.minutes(minutes, flow);
        charger.minutes(20, () => 2_300);
      });
      assert.is(charger.bench.raisedAt.has(KEY), isFound, `${minutes} minutes: ${charger.peak}`);
    }
    const { says } = charger.bench.findings.filter(({ key, nats }) => key === KEY && nats > 0).at(-1)!;
    assert.match(says, /^by its register \d swings passed between readings, without an order$/);
  }
});

test("honest: a register in steps of 100 Wh that counts 5 % less, under a curve that falls, or is set anew", () => {
  const charger = new SlowCharger().slowly(() => 7_000, 100);
  for (let day = 0; day < 20; day++) {
    charger.session(() => {
      for (let powerW = 11_000; powerW > 500; powerW *= 0.98) {
        charger.minutes(1, () => powerW);
        charger.wh -= (0.05 * powerW) / 60;
      }
      charger.wh += 1e6;
      charger.minutes(5, () => 7_000);
    });
  }
  assert.ok(charger.peak < 0.3, `${charger.peak}`);
});
