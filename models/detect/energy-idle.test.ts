import { assert, test } from "../../build/testing.ts";
import { Bench, type Seen } from "./detector.testing.ts";
import { energyTheft } from "./energy-theft.ts";
import { World } from "./energy-world.testing.ts";

const MINUTE = 60;
const HOUR = 3_600;
const KEY = "energy-theft";

test("standby power, and cabinet heating for an hour, are no theft", () => {
  const world = new World();
  world.idle(0, 12 * HOUR, 40);
  world.idle(12 * HOUR, HOUR, 800);
  world.idle(13 * HOUR, 12 * HOUR, 40);
  assert.ok(world.bench.peak(KEY) < 0.1);
});

test("charging without a transaction is told within two hours, at either of two meters", () => {
  for (const evseId of [1, 2]) {
    const bench = new Bench(energyTheft);
    let stolenWh = 0;
    for (let s = 0; s < 8 * HOUR; s += 30) {
      const steals = s > 6 * HOUR;
      if (steals) stolenWh += 60;
      for (const meter of [1, 2]) {
        const powerW = steals && meter === evseId ? 7_200 : 20;
        const reading = { evseId: meter, powerW, energyImportWh: meter === evseId ? stolenWh : 0 };
        bench.see({ kind: "meter-reading", reading, side: "evse-output" }, s);
      }
    }
    assert.ok(bench.raisedAt.has(KEY), `EVSE ${evseId}: ${bench.peak(KEY)}`);
    assert.match(bench.findings.at(-1)!.says, /7\.2 kW while no transaction is open/);
  }
});

test("ten minutes after an end nothing is held against it: the next start may still be on its way", () => {
  const world = new World();
  world.idle(0, 2 * HOUR);
  world.session({ fromS: 2 * HOUR, minutes: 30, powerW: 7_000 });
  world.idle(2 * HOUR + 30 * MINUTE + 2, 9 * MINUTE, 7_200);
  world.idle(2 * HOUR + 40 * MINUTE, 2 * HOUR);
  assert.ok(world.bench.peak(KEY) < 0.1, `${world.bench.peak(KEY)}`);
});

/** What can explain charging power without a transaction that the agent saw begin. */
const EXCUSES: Record<string, (world: World) => void> = {
  "an agent that came in mid-session, with reports every minute": (world) => {
    for (let s = 0; s < 4 * HOUR; s += 30) {
      world.deliveredWh += 60;
      world.meter(s, 7_200);
      const reading = { evseId: 1, energyImportWh: world.deliveredWh };
      if (s % 60 === 0) world.bench.see({ kind: "reported-reading", reading, transactionId: "old", offline: false }, s);
    }
  },
  "an agent that came in mid-session, with reports every quarter of an hour": (world) => {
    for (let s = 0; s < 6 * HOUR; s += 30) {
      world.deliveredWh += 60;
      world.meter(s, 7_200);
      const reading = { evseId: 1, energyImportWh: world.deliveredWh };
      const report: Seen = { kind: "reported-reading", reading, transactionId: "old", offline: false };
      if (s % 900 === 0) world.bench.see(report, s);
    }
  },
  "a transaction that began while the link was down": (world) => {
    world.bench.see({ kind: "link", state: "disconnect" }, 0);
    for (let s = 30; s < 4 * HOUR; s += 30) {
      world.deliveredWh += 60;
      world.billedWh += 60;
      world.meter(s, 7_200);
      if (s === HOUR) {
        world.bench.see({ kind: "link", state: "connect" }, s);
        world.bench.see({ kind: "transaction-started", transactionId: "off", evseId: 1, registerWh: 120_000,
          offline: true }, s);
      }
    }
  },
  "a link that is down": (world) => {
    world.bench.see({ kind: "link", state: "disconnect" }, 0);
    world.idle(10, 5 * HOUR, 7_200);
  },
};

for (const [name, story] of Object.entries(EXCUSES)) {
  test(`charging power is explained by ${name}`, () => {
    const world = new World();
    story(world);
    assert.ok(world.bench.peak(KEY) < 0.5, `${world.bench.peak(KEY)}`);
  });
}

test("a heater that ran before the agent came is no theft; what comes on top of it, or begins later, is", () => {
  const heated = new World();
  heated.idle(0, 24 * HOUR, 2_500);
  assert.is(heated.bench.peak(KEY), 0);
  heated.idle(24 * HOUR, 2 * HOUR, 2_500 + 3_700);
  assert.ok(heated.bench.raisedAt.has(KEY), `${heated.bench.peak(KEY)}`);
  for (const restsH of [1, 24]) {
    const world = new World();
    world.idle(0, restsH * HOUR);
    world.idle(restsH * HOUR, 2 * HOUR, 2_500);
    assert.ok(world.bench.raisedAt.has(KEY), `after ${restsH} h: ${world.bench.peak(KEY)}`);
  }
  const vehicle = new World();
  vehicle.idle(0, 2 * HOUR, 7_200);
  assert.ok(vehicle.bench.raisedAt.has(KEY), "a vehicle takes more than is ever believed");
});

/** Days with eight hours of lights by night, a session before they go on and one below them. */
function lightedDays(world: World, days: number, lightsW: number): void {
  for (let day = 0; day < days; day++) {
    const fromS = day * 24 * HOUR;
    world.idle(fromS, 14 * HOUR);
    world.session({ fromS: fromS + 14 * HOUR, minutes: 60, powerW: 22_000 });
    world.idle(fromS + 15.1 * HOUR, 0.9 * HOUR);
    world.idle(fromS + 16 * HOUR, 4 * HOUR, lightsW);
    const lighted = { powerW: 22_000 + lightsW, factor: (22_000 + lightsW) / 22_000 };
    world.session({ fromS: fromS + 20 * HOUR, minutes: 60, ...lighted });
    world.idle(fromS + 21.1 * HOUR, 2.9 * HOUR, lightsW);
  }
}

test("lights by night that are declared are neither theft nor inflation; a vehicle beside them is told", () => {
  const declared = new World(new Bench(energyTheft, { loadsW: { 1: 2_000 } }));
  lightedDays(declared, 40, 1_800);
  for (const key of [KEY, "billing-inflation"] as const) {
    assert.ok(declared.bench.peak(key) < 0.5, `${key}: ${declared.bench.peak(key)}`);
  }
  declared.idle(40 * 24 * HOUR, 2 * HOUR, 1_800 + 3_700);
  assert.ok(declared.bench.raisedAt.has(KEY));
  const undeclared = new World();
  lightedDays(undeclared, 2, 1_800);
  assert.ok(undeclared.bench.raisedAt.has(KEY), "a station alone cannot tell them from somebody who plugs in by night");
});

test("a session whose start is swallowed on a link that stands is no theft; a station that is heard steals", () => {
  for (const silent of [true, false]) {
    const world = new World();
    const traffic = { asked: 1, heard: 1, answered: 1, unanswered: 0, late: 0 };
    for (let s = 0; s < 8 * HOUR; s += 30) {
      const away = silent && s > 5 * HOUR;
      const powerW = s > 5.2 * HOUR ? 7_200 : 20;
      world.deliveredWh += (powerW * 30) / HOUR;
      world.meter(s, powerW);
      world.bench.see({ kind: "tick", ...(s % 300 === 0 && !away ? { traffic } : {}) }, s);
    }
    assert.is(world.bench.raisedAt.has(KEY), !silent, `${world.bench.peak(KEY)}`);
  }
});

test("a station that is usually heard once a day is watched all day long", () => {
  const world = new World();
  const traffic = { asked: 1, heard: 1, answered: 1, unanswered: 0, late: 0 };
  for (let day = 0; day < 20; day++) {
    world.bench.see({ kind: "tick", traffic }, day * 24 * HOUR);
    world.idle(day * 24 * HOUR + 30, 24 * HOUR - 60, 20, 60);
  }
  const fromS = 20 * 24 * HOUR;
  world.bench.see({ kind: "tick", traffic }, fromS);
  world.idle(fromS, 6 * HOUR, 20, 60);
  world.idle(fromS + 6 * HOUR, 2 * HOUR, 7_200, 60);
  assert.ok(world.bench.raisedAt.has(KEY), `${world.bench.peak(KEY)}`);
});
