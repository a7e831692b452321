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

test("ten minutes of it mean little here, and add up over a street; quiet hours take it back", () => {
  const site = new Site().lived();
  const before = site.bench.total(JOINT);
  site.run(10 * MINUTE, -2_000);
  const grown = site.bench.total(JOINT) - before;
  assert.ok(grown > 4 && grown < 8 && site.bench.peak(KEY) < 0.5, `${grown}, ${site.bench.peak(KEY)}`);
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
      site.run(10 * MINUTE, -4_000);
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

test("null: e-values of honest blocks average to at most one, and decades of them raise nothing", () => {
  const random = seeded(11);
  let [years, alarms, sum, blocks] = [0, 0, 0, 0];
  for (let run = 0; run < 3; run++) {
    const site = new Site();
    Object.assign(site, { tells: "power", everyS: 300 });
    site.run(HOUR, 5_000);
    // As the shipped judgement says: a run in 2,000 hours, a third of its blocks followed by another.
    for (let out = false, n = 0; n < 105_000; n++) {
      out = out ? random.next() < 0.33 : random.next() < 1 / 24_000;
      site.s += 300;
      const seen: Seen = { kind: "meter-reading", side: "evse-output", reading: { evseId: 1, powerW: out ? -900 : 0 } };
      for (const { key, nats } of site.bench.see(seen, site.s)) {
        if (key !== KEY) continue;
        sum += Math.exp(nats);
        blocks += 1;
      }
      if (n % 4_096 === 0) site.bench.findings.length = 0;
    }
    years += 1;
    alarms += site.raised === undefined ? 0 : 1;
  }
  assert.ok(blocks > 300_000 && sum / blocks < 1.01, `${sum / blocks} over ${blocks}`);
  assert.is(alarms, 0, `${alarms} stations in ${years} years`);
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
