import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { thresholdOf } from "../opine/threshold.ts";
import { Bench, type Seen, survivesRestarts, withstands } from "./detector.testing.ts";
import { reversePower, type ReversePower } from "./reverse-power.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const KEY = "reverse-power";
const JOINT = "export";

/** One EVSE: `powerW` flows in (out: below zero) for a while; the meter's registers follow. */
class Site {
  readonly bench: Bench<ReversePower>;
  s = 0;
  importWh = 9_000;
  exportWh = 10;
  /** -1: the meter is wired in reverse. */
  sign = 1;
  everyS = 30;
  stepWh = 1;
  /** What the meter tells: `power`, `registers` or both; `station`: told by the station alone. */
  tells: "both" | "power" | "registers" | "station" = "both";

  constructor(bench: Bench<ReversePower> = new Bench(reversePower)) {
    this.bench = bench;
  }

  see(seen: Seen): void {
    this.bench.see(seen, this.s);
  }

  run(seconds: number, powerW: number, evseId = 1): void {
    for (const until = this.s + seconds; this.s < until;) {
      this.s += this.everyS;
      const flows = this.sign * powerW;
      const wh = (Math.abs(flows) * this.everyS) / HOUR;
      if (flows > 0) this.importWh += wh;
      else this.exportWh += wh;
      const step = (register: number): number => Math.floor(register / this.stepWh) * this.stepWh;
      const registers = { energyImportWh: step(this.importWh), energyExportWh: step(this.exportWh) };
      const reading = { evseId, ...(this.tells === "power" ? {} : registers),
        ...(this.tells === "registers" ? {} : { powerW: flows }) };
      if (this.tells === "station") this.see({ kind: "reported-reading", reading, offline: false });
      else this.see({ kind: "meter-reading", reading, side: "evse-output" });
    }
  }

  /** Two days of ordinary charging. */
  lived(): this {
    for (let day = 0; day < 2; day++) {
      this.run(3 * HOUR, 7_000);
      this.run(21 * HOUR, 5);
    }
    return this;
  }

  get raised(): number | undefined {
    return this.bench.raisedAt.get(KEY);
  }
}

test("discharge that nobody asked for is told within the hour, however it is metered", () => {
  for (const tells of ["both", "power", "registers", "station"] as const) {
    for (const everyS of [10, 60, 290]) {
      const site = new Site();
      Object.assign(site, { tells, everyS });
      site.lived();
      const fromS = site.s;
      site.run(100 * MINUTE, -6_600);
      const after = (site.raised ?? Infinity) - fromS;
      assert.ok(after <= (everyS > MINUTE ? 90 : 60) * MINUTE, `${tells}, every ${everyS} s: ${after}`);
      assert.match(site.bench.findings.filter(({ nats }) => nats > 0).at(-1)!.says, /6\.6 kW flow out/);
    }
  }
});

test("how often the meter is read does not matter", () => {
  const totals = [5, 20, 60].map((everyS) => {
    const site = new Site();
    site.everyS = everyS;
    site.lived();
    const before = site.bench.total(KEY);
    site.run(HOUR, -7_000);
    return site.bench.total(KEY) - before;
  });
  assert.ok(Math.max(...totals) - Math.min(...totals) < 0.15 * Math.max(...totals), `${totals}`);
});

test("ten minutes of little mean little here, and add up over a street; quiet hours take it back", () => {
  const site = new Site().lived();
  const before = site.bench.total(JOINT);
  site.run(10 * MINUTE, -600);
  const grown = site.bench.total(JOINT) - before;
  assert.ok(grown > 4 && grown < 8 && site.bench.peak(KEY) < 0.75, `${grown}, ${site.bench.peak(KEY)}`);
  site.run(DAY, 5);
  assert.ok(site.bench.total(JOINT) - before < 0);
});

test("half an hour of it, day after day, is told within the week", () => {
  const site = new Site().lived();
  for (let day = 0; day < 7; day++) {
    site.run(30 * MINUTE, -3_000);
    site.run(DAY - 30 * MINUTE, 5);
  }
  assert.ok(site.raised !== undefined, `${site.bench.peak(KEY)}`);
});

const HONEST: Record<string, (site: Site) => void> = {
  "charging and rest": (site) => void site.lived(),
  "noise of the meter around zero": (site) => {
    const random = seeded(3);
    site.lived();
    for (let n = 0; n < 2_000; n++) site.run(30, (random.next() - 0.5) * 500);
  },
  "noise of a large meter, in proportion": (site) => {
    site.run(HOUR, 150_000);
    for (let n = 0; n < 500; n++) site.run(300, n % 2 === 0 ? -1_200 : 900);
  },
  "a meter wired in reverse": (site) => {
    site.sign = -1;
    site.lived();
    site.lived();
  },
  "a station that calls charging an export": (site) => {
    Object.assign(site, { sign: -1, tells: "station", everyS: 300 });
    site.lived();
  },
  "registers in steps of 100 Wh": (site) => {
    Object.assign(site, { tells: "registers", stepWh: 100 });
    site.lived();
    site.run(12 * HOUR, -40);
  },
  "a V2G transaction by a profile below zero": (site) => {
    site.lived();
    site.see({ kind: "charging-limit", evseId: 1, limit: -32, unit: "A", purpose: "TxProfile", outcome: "accepted" });
    site.run(5 * HOUR, -7_000);
  },
  "a V2G transaction by ISO 15118-20": (site) => {
    site.lived();
    site.see({ kind: "discharge-agreed", evseId: 1, by: "energy-transfer", outcome: "accepted" });
    site.run(5 * HOUR, -7_000);
  },
  "an operation mode of the station": (site) => {
    site.lived();
    site.see({ kind: "discharge-agreed", evseId: 0, by: "operation-mode", outcome: "none" });
    site.run(5 * HOUR, -7_000);
  },
  "a frequency service": (site) => {
    site.lived();
    site.see({ kind: "command", command: "frequency-signal", outcome: "accepted" });
    site.run(5 * HOUR, -7_000);
  },
  "a link that is down, over which nothing could be agreed": (site) => {
    site.lived();
    site.see({ kind: "link", state: "disconnect" });
    site.run(5 * HOUR, -7_000);
  },
  "a meter that falls silent for hours": (site) => {
    site.lived();
    site.everyS = 3 * HOUR;
    site.run(30 * HOUR, -7_000);
  },
  "a short run once in a while": (site) => {
    site.lived();
    for (let n = 0; n < 3; n++) {
      site.run(5 * MINUTE, -400);
      site.run(40 * DAY, 5);
    }
  },
};

for (const [name, story] of Object.entries(HONEST)) {
  test(`honest: ${name}`, () => {
    const site = new Site();
    if (name.includes("once in a while")) site.everyS = 250;
    story(site);
    assert.ok(site.bench.peak(KEY) < 0.6, `${site.bench.peak(KEY)}`);
  });
}

test("what was agreed for one transaction ends with it; what was refused, cleared or for another EVSE is no agreement",
  () => {
    const agreed = { kind: "discharge-agreed", evseId: 1, by: "energy-transfer", outcome: "accepted" } as const;
    const stories: ((site: Site) => void)[] = [
      (site) => {
        site.see(agreed);
        site.see({ kind: "transaction-ended", transactionId: "t", evseId: 1, offline: false });
      },
      (site) => site.see({ ...agreed, outcome: "refused" }),
      (site) => site.see({ ...agreed, evseId: 2 }),
      (site) => {
        const of = { evseId: 1, unit: "W", purpose: "TxDefaultProfile", outcome: "accepted" } as const;
        site.see({ kind: "charging-limit", ...of, limit: -4_000 });
        site.see({ kind: "command", command: "clear-charging-profile", outcome: "accepted" });
      },
    ];
    for (const [n, story] of stories.entries()) {
      const site = new Site().lived();
      story(site);
      site.run(2 * HOUR, -7_000);
      assert.ok(site.raised !== undefined, `story ${n}: ${site.bench.peak(KEY)}`);
    }
  });

test("the station's own readings are not heard where there is a meter", () => {
  const site = new Site().lived();
  site.tells = "station";
  site.run(3 * HOUR, -7_000);
  assert.is(site.bench.peak(KEY), 0);
});

test("a site that exports each noon is told of once at most, and known by its hours after weeks", () => {
  const site = new Site();
  site.everyS = 100;
  const noon = (days: number): void => {
    for (let day = 0; day < days; day++) {
      site.run(4 * HOUR, 5);
      site.run(5 * HOUR, -3_000);
      site.run(15 * HOUR, 2_000);
    }
  };
  site.run(HOUR, 2_000);
  noon(28);
  const before = site.bench.total(KEY);
  noon(14);
  assert.ok(site.bench.total(KEY) - before < thresholdOf(KEY), `${site.bench.total(KEY) - before}`);
});

test("eight minutes of 3 kW in a transaction whose station tells of import are told; 10 kW within three", () => {
  for (const [powerW, minutes] of [[-3_000, 8], [-10_000, 3]] as const) {
    const site = new Site().lived();
    site.run(20 * MINUTE, 7_000);
    site.run(6 * MINUTE, powerW);
    site.see({ kind: "reported-reading", reading: { evseId: 1, powerW: 7_000 }, transactionId: "t", offline: false });
    const fromS = site.s - 6 * MINUTE;
    site.run(2 * MINUTE, powerW);
    site.run(HOUR, 7_000);
    assert.ok((site.raised ?? Infinity) - fromS <= minutes * MINUTE, `${powerW} W: ${site.bench.peak(KEY)}`);
  }
});

test("readings some milliseconds early are in time: a block of two minutes does not become one of three", () => {
  const toldAfter = (everyS: number, readingsBefore: number): number => {
    const site = new Site().lived();
    site.everyS = everyS;
    site.run((20 + readingsBefore) * everyS, 7_000);
    const fromS = site.s;
    site.run(30 * everyS, -3_000);
    return Math.round(((site.raised ?? Infinity) - fromS) / MINUTE);
  };
  for (const readingsBefore of [0, 1]) {
    assert.is(toldAfter(MINUTE - 0.02, readingsBefore), toldAfter(MINUTE, readingsBefore));
  }
});

test("the more flows out and the longer, the more is believed, and none of it is unheard of: no evidence falls", () => {
  const peakOf = (minutes: number, powerW: number): number => {
    const site = new Site().lived();
    site.run(minutes * MINUTE, -powerW);
    return site.bench.peak(KEY);
  };
  for (const minutes of [4, 8, 16, 32]) {
    for (const powerW of [500, 1_000, 2_000, 5_000, 11_000]) {
      assert.ok(peakOf(minutes, powerW) <= peakOf(2 * minutes, powerW) + 1e-9, `${minutes} min, ${powerW} W: longer`);
      assert.ok(peakOf(minutes, powerW) < peakOf(minutes, 2 * powerW), `${minutes} min, ${powerW} W: more`);
    }
  }
});

test("null: a block of honest traffic, its runs as rare and as weak as is shipped, is an e-value of one", () => {
  const blockOf = (powerW: number): number => {
    const site = new Site().lived();
    const before = site.bench.total(KEY);
    site.run(2 * MINUTE, powerW);
    return Math.exp(site.bench.total(KEY) - before);
  };
  // Two days and the shipped weight are remembered, beside the rarity that memory cannot show.
  const begins = (2 * MINUTE) / HOUR / (48 + 500 + 40_000);
  // Exponential in ln(power / 300 W), mean 0.5: midpoints of equal shares, and the last share at the most that counts.
  const shares = 60;
  let mean = (1 - begins) * blockOf(5);
  for (let n = 0; n < shares; n++) {
    const log = -0.5 * Math.log(1 - (n + 0.5) / shares);
    mean += (begins / shares) * blockOf(-300 * Math.exp(Math.max(1e-6, log)));
  }
  assert.ok(mean < 1.0001 && mean > 0.99, `${mean}`);
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(reversePower, (bench) => {
    const site = new Site(bench);
    site.run(HOUR, 7_000);
    site.see({ kind: "discharge-agreed", evseId: 1, by: "energy-transfer", outcome: "accepted" });
    site.run(30 * MINUTE, -7_000);
    site.see({ kind: "transaction-ended", transactionId: "t", evseId: 1, offline: false });
    site.run(HOUR, -7_000);
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(reversePower, seeded(43), 60_000);
});
