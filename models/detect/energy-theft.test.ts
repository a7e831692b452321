import { normal, seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { Bench, type Seen, survivesRestarts, withstands } from "./detector.testing.ts";
import { energyTheft } from "./energy-theft.ts";
import { type Session, World } from "./energy-world.testing.ts";

const MINUTE = 60;
const HOUR = 3_600;
const KEY = "energy-theft";
const DRIFT = "delivered-less-billed";

/** Honest sessions of one kind, three a day. */
function honest(world: World, sessions: number, kind: Partial<Session>): void {
  const random = seeded(99);
  for (let n = 0; n < sessions; n++) {
    world.session({
      fromS: n * 8 * HOUR, minutes: 20 + random.int(60), powerW: 3_000 + random.int(8_000), ...kind,
    });
  }
}

/** The absolute value of a normal variate of this standard deviation, s. */
function lateBy(sdS: number): () => number {
  const random = seeded(98);
  return () => Math.abs(sdS * normal(random));
}

const HONEST: Record<string, Partial<Session>> = {
  "meters of one class": { factor: 1.004 },
  "a billing register in steps of 10 Wh": { stepWh: 10 },
  "a billing register in steps of 100 Wh": { stepWh: 100 },
  "a meter that counts whole kWh": { meterStepWh: 1_000 },
  "a register that resets with each session": { resets: true },
  "a DC charger metered on its AC side, with 7 % lost": { side: "ac-input", factor: 1.07, powerW: 50_000 },
  "reports that come up to some seconds late": { lateS: lateBy(4) },
  "reports every quarter of an hour": { reportS: 900 },
  "a station that bills a little too much": { factor: 0.97 },
};

for (const [name, kind] of Object.entries(HONEST)) {
  test(`honest: ${name}`, () => {
    const world = new World();
    honest(world, 25, kind);
    assert.ok(world.bench.peak(KEY) < 0.75, `${world.bench.peak(KEY)}`);
  });
}

/** Evidence of one stolen session after five honest ones, nats. */
function stolen(kind: Partial<Session>): number {
  const world = new World();
  honest(world, 5, kind);
  const before = world.bench.total(KEY);
  world.session({ fromS: 10 * 8 * HOUR, minutes: 90, powerW: 7_000, ...kind, factor: 1.3 });
  return world.bench.total(KEY) - before;
}

test("30 % more delivered than billed is told within one session, by a third of it", () => {
  const world = new World();
  honest(world, 5, {});
  const fromS = 5 * 8 * HOUR;
  world.session({ fromS, minutes: 60, powerW: 7_000, factor: 1.3 });
  const raisedAt = world.bench.raisedAt.get(KEY) ?? Infinity;
  assert.ok(raisedAt <= fromS + 20 * MINUTE, `after ${(raisedAt - fromS) / MINUTE} minutes`);
  const says = world.bench.findings.filter(({ key, nats }) => key === KEY && nats > 0).at(-1)?.says ?? "";
  assert.match(says, /(29|30) % more delivered than billed/);
});

test("10 % more is told within a few sessions, 30 % of a DC charger metered on the AC side likewise", () => {
  for (const [theft, past] of [
    [{ factor: 1.1 }, {}],
    [{ factor: 1.3, side: "ac-input", powerW: 50_000 }, { factor: 1.07, side: "ac-input", powerW: 50_000 }],
  ] as const) {
    const world = new World();
    honest(world, 10, past);
    for (let n = 0; n < 3; n++) {
      world.session({ fromS: (11 + n) * 8 * HOUR, minutes: 60, powerW: 7_000, ...theft });
    }
    assert.ok(world.bench.raisedAt.has(KEY), `${JSON.stringify(theft)}: ${world.bench.peak(KEY)}`);
  }
});

test("the same theft, sampled every 5, 10 or 60 s, gives nearly the same evidence", () => {
  for (const reportS of [30, 60, 300]) {
    const evidence = [5, 10, 60].map((meterS) => stolen({ meterS, reportS }));
    const [least, most] = [Math.min(...evidence), Math.max(...evidence)];
    assert.ok(most - least < 0.15 * most, `${reportS}: ${evidence}`);
  }
  const byReport = [30, 60, 120].map((reportS) => stolen({ reportS }));
  assert.ok(Math.max(...byReport) - Math.min(...byReport) < 0.35 * Math.max(...byReport), `${byReport}`);
});

test("one session is bounded, however bold", () => {
  for (const factor of [1.3, 2, 10, 1e6]) {
    const world = new World();
    honest(world, 3, {});
    const before = world.bench.total(KEY);
    world.session({ fromS: 5 * 8 * HOUR, minutes: 240, powerW: 11_000, factor });
    const nats = world.bench.total(KEY) - before;
    assert.ok(nats > 12 && nats <= 16.5, `${factor}: ${nats}`);
  }
});

test("theft that goes on is told again session after session, since an incident before it may be over", () => {
  const world = new World();
  honest(world, 10, {});
  for (let n = 0; n < 8; n++) {
    const before = world.bench.total(KEY);
    world.session({ fromS: (11 + n) * 8 * HOUR, minutes: 60, powerW: 7_000, factor: 1.3 });
    const nats = world.bench.total(KEY) - before;
    assert.ok(nats > 12 && nats <= 16.5, `session ${n}: ${nats}`);
  }
  honest(world, 12, {});
  assert.ok(world.bench.state.sums.billed < 10, `${world.bench.state.sums.billed}`);
});

test("slow teaching has an end: a drift of 0.2 % a session ends at 3 %, and 20 % beyond it are told", () => {
  const world = new World();
  let taught = 1;
  for (let n = 0; n < 120; n++) {
    taught = Math.min(1.12, taught * 1.002);
    world.session({ fromS: n * 8 * HOUR, minutes: 30, powerW: 9_000, meterS: 30, factor: taught });
  }
  const { ratio } = world.bench.state.balance.learned["1"]!;
  assert.ok(ratio.centre <= 0.03 && Math.sqrt(ratio.variance) <= 0.02 + 1e-9, JSON.stringify(ratio));
  for (let n = 121; n < 125; n++) world.session({ fromS: n * 8 * HOUR, minutes: 60, powerW: 9_000, factor: 1.25 });
  assert.ok(world.bench.raisedAt.has(KEY));
});

test("billing that runs wild the other way does not teach that anything goes", () => {
  const world = new World();
  for (let n = 0; n < 60; n++) {
    world.session({ fromS: n * 8 * HOUR, minutes: 30, powerW: 9_000, meterS: 30, factor: n % 2 === 0 ? 0.3 : 1 });
  }
  world.session({ fromS: 61 * 8 * HOUR, minutes: 90, powerW: 9_000, factor: 1.3 });
  assert.ok(world.bench.peak(KEY) > 0.5, `${world.bench.peak(KEY)}`);
});

test("a drift too small for one station reaches the zone's feature, and honest sessions do not", () => {
  const [clean, drifting] = [new World(), new World()];
  honest(clean, 10, {});
  honest(drifting, 10, {});
  const [c, d] = [clean.bench.total(DRIFT), drifting.bench.total(DRIFT)];
  for (let n = 0; n < 6; n++) {
    const session = { fromS: (12 + n) * 8 * HOUR, minutes: 60, powerW: 9_000 };
    clean.session(session);
    drifting.session({ ...session, factor: 1.02 });
  }
  assert.ok(clean.bench.total(DRIFT) - c < 0);
  assert.ok(drifting.bench.total(DRIFT) - d > 3, `${drifting.bench.total(DRIFT) - d}`);
  assert.ok(drifting.bench.peak(KEY) < 1);
});

test("a meter lost in mid-session voids the block: nothing is held against the gap", () => {
  const world = new World();
  honest(world, 4, {});
  const before = world.bench.total(KEY);
  const fromS = 6 * 8 * HOUR;
  const see = (seen: Seen, s: number) => world.bench.see(seen, fromS + s);
  see({ kind: "transaction-started", transactionId: "gap", evseId: 1, registerWh: world.billedWh, offline: false }, 0);
  let delivered = world.deliveredWh;
  let billed = world.billedWh;
  for (let s = 10; s <= 2 * HOUR; s += 10) {
    delivered += 20;
    billed += 20;
    const away = s > 30 * MINUTE && s < 70 * MINUTE;
    if (s === 30 * MINUTE + 10) see({ kind: "meter-lost", evseId: 1, why: "timed out" }, s);
    const measured = { evseId: 1, powerW: 7_200, energyImportWh: Math.round(delivered) };
    if (!away) see({ kind: "meter-reading", reading: measured, side: "evse-output" }, s);
    const reading = { evseId: 1, energyImportWh: billed };
    if (s % 60 === 0) see({ kind: "reported-reading", reading, transactionId: "gap", offline: false }, s);
  }
  assert.ok(world.bench.total(KEY) - before <= 0, `${world.bench.total(KEY) - before}`);
});

test("a stop that never came leaves no debt: the next session begins anew", () => {
  const world = new World();
  honest(world, 4, {});
  const fromS = 6 * 8 * HOUR;
  world.meter(fromS, 0);
  world.bench.see({
    kind: "transaction-started", transactionId: "lost", evseId: 1, registerWh: world.billedWh, offline: false,
  }, fromS);
  world.deliveredWh += 30_000; // charged and never reported: the station billed it in a message that was lost
  world.billedWh += 30_000;
  world.meter(fromS + 3 * HOUR, 0);
  const before = world.bench.total(KEY);
  world.session({ fromS: fromS + 4 * HOUR, minutes: 60, powerW: 7_000 });
  assert.ok(world.bench.total(KEY) <= before, `${world.bench.total(KEY) - before}`);
});

test("two cars under one station meter are added up, also when one stop is lost or told late", () => {
  for (const lost of ["neither", "without register", "offline"] as const) {
    const bench = new Bench(energyTheft);
    let [delivered, one, two] = [0, 5_000, 9_000];
    const start = (transactionId: string, evseId: number, registerWh: number, s: number) =>
      bench.see({ kind: "transaction-started", transactionId, evseId, registerWh, offline: false }, s);
    const report = (transactionId: string, evseId: number, energyImportWh: number, s: number) =>
      bench.see({ kind: "reported-reading", reading: { evseId, energyImportWh }, transactionId, offline: false }, s);
    const meter = (powerW: number, s: number) => bench.see({
      kind: "meter-reading", reading: { evseId: 0, powerW, energyImportWh: delivered }, side: "evse-output" }, s);
    meter(0, 0);
    start("a", 1, one, 1);
    start("b", 2, two, 1);
    for (let s = 10; s <= 3 * HOUR; s += 10) {
      const both = s <= HOUR;
      delivered += both ? 40 : 20;
      one += both ? 20 : 0;
      two += 20;
      meter(both ? 14_400 : 7_200, s);
      if (both && s % 60 === 0 && s < 50 * MINUTE) report("a", 1, one, s);
      if (s % 60 === 0) report("b", 2, two, s);
      if (s !== HOUR) continue;
      const register = lost === "without register" ? {} : { registerWh: one };
      bench.see(
        { kind: "transaction-ended", transactionId: "a", evseId: 1, ...register, offline: lost === "offline" }, s + 1);
    }
    assert.ok(bench.peak(KEY) < 0.5, `${lost}: ${bench.peak(KEY)}`);
  }
});

/** A session whose link is down from one second to another: what the station reports meanwhile comes all at once. */
function interrupted(world: World, [fromS, toS]: readonly [number, number], factor = 1): void {
  const [powerW, lengthS] = [300_000, 600];
  const report = (): Seen => ({
    kind: "reported-reading", transactionId: "x", offline: false,
    reading: { evseId: 1, energyImportWh: Math.floor(world.billedWh) },
  });
  world.meter(0, 0);
  world.bench.see({ kind: "transaction-started", transactionId: "x", evseId: 1, registerWh: world.billedWh,
    offline: false }, 0);
  const waiting: Seen[] = [];
  for (let s = 1; s <= lengthS; s++) {
    world.deliveredWh += powerW / HOUR;
    world.billedWh += powerW / factor / HOUR;
    world.meter(s, powerW);
    if (s === fromS) world.bench.see({ kind: "link", state: "disconnect" }, s);
    if (s === toS) world.bench.see({ kind: "link", state: "connect" }, s);
    if (s % 10 === 0) waiting.push(report());
    if (s < fromS || s >= toS) for (const one of waiting.splice(0)) world.bench.see(one, s);
  }
  world.bench.see({ kind: "transaction-ended", transactionId: "x", evseId: 1, registerWh: Math.floor(world.billedWh),
    offline: false }, lengthS + 1);
}

test("reports that waited while the link was down are late, and no theft", () => {
  for (const away of [[5, 60], [5, 290], [5, 599], [60, 75], [60, 120], [60, 599]] as const) {
    const world = new World();
    interrupted(world, away);
    assert.ok(world.bench.peak(KEY) < 0.1, `away ${away.join(" to ")} s: ${world.bench.peak(KEY)}`);
  }
});

test("whoever steals goes on after the link came back, and is told", () => {
  const world = new World();
  interrupted(world, [60, 120], 1.3);
  assert.ok(world.bench.total(KEY) > 10, `${world.bench.total(KEY)}`);
});

test("a whole backlog of transactions after an outage is compared with nothing", () => {
  const world = new World();
  honest(world, 4, {});
  const before = world.bench.total(KEY);
  for (let n = 0; n < 20; n++) {
    const s = 6 * 8 * HOUR + n;
    const told = { transactionId: `b${n}`, evseId: 1, offline: true } as const;
    world.bench.see({ kind: "transaction-started", ...told, registerWh: n * 10_000 }, s);
    const reading = { evseId: 1, energyImportWh: n * 10_000 + 4_000 };
    world.bench.see({ kind: "reported-reading", reading, transactionId: `b${n}`, offline: true }, s + 0.3);
    world.bench.see({ kind: "transaction-ended", ...told, registerWh: n * 10_000 + 8_000 }, s + 0.6);
  }
  assert.is(world.bench.total(KEY), before);
  assert.equal(world.bench.state.balance.transactions, {});
});

test("readings after the stop excuse nothing: whoever keeps charging is told", () => {
  const world = new World();
  world.session({ fromS: 0, minutes: 30, powerW: 7_000 });
  for (let s = HOUR; s < 5 * HOUR; s += 30) {
    world.deliveredWh += 60;
    world.meter(s, 7_200);
    const reading = { evseId: 1, energyImportWh: 1 };
    if (s % 60 === 0) world.bench.see({ kind: "reported-reading", reading, transactionId: "tx-0", offline: false }, s);
  }
  assert.ok(world.bench.peak(KEY) > 0.9, `${world.bench.peak(KEY)}`);
});

test("a register that rolls back between sessions speaks, one that restarts or goes on does not", () => {
  const cases: [number, number, number, boolean][] = [
    [50_000, 40_000, 1, true], [50_000, 49_901, 1, false], [50_000, 50_400, 1, false], [50_000, 0, 1, false],
    [50_000, 49, 1, false], [50_000, 40_000, 0, false], [Number.NaN, 5, 1, false], [50_000, Number.NaN, 1, false],
  ];
  for (const [stop, start, evseId, speaks] of cases) {
    const bench = new Bench(energyTheft);
    bench.see({ kind: "transaction-ended", transactionId: "a", evseId, registerWh: stop, offline: false }, 0);
    bench.see({ kind: "transaction-started", transactionId: "b", evseId, registerWh: start, offline: false }, 60);
    assert.is(bench.peak(KEY) > 0, speaks, `${stop} then ${start}`);
  }
});

test("a register that steps back over a boot restarted with it, and speaks again from the next session on", () => {
  const bench = new Bench(energyTheft);
  const session = (s: number, start: number, stop: number): void => {
    const common = { transactionId: `t${s}`, evseId: 1, offline: false };
    bench.see({ kind: "transaction-started", ...common, registerWh: start }, s);
    bench.see({ kind: "transaction-ended", ...common, registerWh: stop }, s + 9);
  };
  session(0, 40_000, 50_000);
  bench.see({ kind: "boot", vendor: "V", model: "M", outcome: "accepted" }, 100);
  session(200, 82, 5_000);
  assert.is(bench.peak(KEY), 0);
  session(300, 1_000, 2_000);
  assert.ok(bench.peak(KEY) > 0);
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(energyTheft, (bench) => {
    const world = new World(bench);
    honest(world, 3, {});
    world.idle(4 * 8 * HOUR, 2 * HOUR, 7_200);
    world.session({ fromS: 5 * 8 * HOUR, minutes: 30, powerW: 7_000, factor: 1.3 });
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(energyTheft, seeded(41), 100_000);
});

test("a bill without readings accuses when the next session's register confirms it, either way, and not before", () => {
  for (const [factor, key] of [[2.5, KEY], [0.4, "billing-inflation"]] as const) {
    for (const confirmed of [true, false]) {
      const world = new World();
      honest(world, 10, { reportS: HOUR * 9 });
      const before = world.billedWh;
      world.session({ fromS: 11 * 8 * HOUR, minutes: 120, powerW: 7_000, factor, reportS: HOUR * 9 });
      world.idle(11 * 8 * HOUR + 2 * HOUR + 2, HOUR);
      assert.ok(world.bench.peak(key) > 0.7 && !world.bench.raisedAt.has(key), `${key}: ${world.bench.peak(key)}`);
      if (!confirmed) world.billedWh = before + 14_000;
      world.session({ fromS: 12 * 8 * HOUR, minutes: 30, powerW: 7_000, reportS: HOUR * 9 });
      assert.is(world.bench.raisedAt.has(key), confirmed, `${key}: ${world.bench.peak(key)}`);
    }
  }
});

test("power that rose or fell since the meter was read is no evidence, at any phase of its readings", () => {
  const random = seeded(29);
  const keys = [KEY, "billing-inflation"] as const;
  for (let station = 0; station < 8; station++) {
    const world = new World();
    for (let n = 0; n < 40; n++) {
      const [fallsS, lower] = [120 + random.int(900), random.int(10) / 10];
      world.session({
        fromS: n * 8 * HOUR, minutes: 8 + random.int(20), powerW: 50_000 + random.int(200_000), reportS: 30, meterS: 30,
        meterAtS: random.int(30), share: (s) => (s < fallsS ? 1 : lower),
      });
    }
    for (const key of keys) assert.ok(world.bench.peak(key) < 0.2, `${key}: ${world.bench.peak(key)}`);
  }
});
