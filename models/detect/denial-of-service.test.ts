import { seeded, type Seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { Traffic } from "../terms.ts";
import { denialOfService, type DenialOfService } from "./denial-of-service.ts";
import { Bench, type Seen, survivesRestarts, withstands } from "./detector.testing.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const KEY = "denial-of-service";
const ZONE = "link-losses";
/** What a zone asks of each station's mean, where the cause may be common: zone-laws.ts. */
const ZONE_MEAN_NATS = 8;

type Dos = Bench<DenialOfService>;
const create = (): Dos => new Bench(denialOfService);
const up: Seen = { kind: "link", state: "connect" };
const down: Seen = { kind: "link", state: "disconnect" };
const boot = (more: object = {}): Seen => ({ kind: "boot", vendor: "V", model: "M", outcome: "accepted", ...more });

const traffic = (more: Partial<Traffic> = {}): Seen =>
  ({ kind: "tick", traffic: { asked: 1, late: 0, heard: 1, answered: 1, unanswered: 0, ...more } });

/** Ticks from one second to another; `says` gives each one's traffic, or nothing where none passed. */
function live(
  bench: Dos, fromS: number, toS: number, says: (atS: number) => Partial<Traffic> | undefined, everyS = 10,
): void {
  for (let at = fromS; at < toS; at += everyS) {
    const passed = says(at);
    bench.see(passed === undefined ? { kind: "tick" } : traffic(passed), at);
  }
}
/** A heartbeat every `s` seconds. */
const beats = (s: number, everyS = 10) => (at: number): Partial<Traffic> | undefined =>
  (at % s < everyS ? {} : undefined);

function quietly(bench: Dos, most = 0.6): void {
  assert.equal([...bench.raisedAt], []);
  assert.ok(bench.peak(KEY) < most, `${bench.peak(KEY)}`);
}

test("a cellular link that drops every hour, three attempts each time, from the first day on", () => {
  const bench = create();
  for (let hour = 0; hour < 14 * 24; hour++) {
    live(bench, hour * HOUR, (hour + 1) * HOUR, beats(60, 30), 30);
    for (const s of [0, 20, 50]) {
      bench.see(down, (hour + 1) * HOUR - 100 + s);
      bench.see(up, (hour + 1) * HOUR - 90 + s);
    }
  }
  quietly(bench);
  assert.ok(bench.peak(ZONE) < 0.9, `${bench.peak(ZONE)}`);
});

test("a backlog after an outage is no flood: by its times, or by what a station without a clock may owe", () => {
  for (const late of [95, 0]) {
    const bench = create();
    bench.see(up, 0);
    live(bench, 1, 20 * DAY, beats(60, 60), 60);
    for (const outage of [1, 2, 3]) {
      const at = (20 + outage) * DAY;
      live(bench, at - DAY, at, beats(60, 60), 60);
      bench.see(down, at);
      live(bench, at + 1, at + 3 * HOUR, () => undefined);
      bench.see(up, at + 3 * HOUR);
      // Nearly ten a second, one after the other, for five minutes.
      live(bench, at + 3 * HOUR + 1, at + 3 * HOUR + 300, () => ({ asked: 95, late, heard: 95, answered: 95 }));
    }
    quietly(bench);
  }
});

test("MeterValues every second at two EVSEs, also where weeks were quiet before", () => {
  const bench = create();
  bench.see(up, 0);
  const chatty = () => ({ asked: 22, heard: 22, answered: 22 });
  live(bench, 1, 2 * HOUR, chatty);
  live(bench, 2 * HOUR, 21 * DAY, beats(300, 60), 60);
  live(bench, 21 * DAY, 21 * DAY + 3 * HOUR, chatty);
  quietly(bench);
});

test("heartbeats every ten seconds to every day, none of them silence", () => {
  for (const every of [10, 60, 900, 4 * HOUR, DAY]) {
    const bench = create();
    bench.see(up, 0);
    live(bench, 1, (every < 900 ? 5 : 40) * DAY, beats(every, Math.min(every, 60)), Math.min(every, 60));
    quietly(bench, 0.1);
  }
});

test("an order to report less often, or a boot that is told so, is no silence", () => {
  const orders: readonly Seen[] = [
    { kind: "configuration-change", variable: "HeartbeatInterval", value: "43200", secret: false, outcome: "accepted" },
    boot({ heartbeatS: 43_200 }),
  ];
  for (const order of orders) {
    const bench = create();
    bench.see(up, 0);
    live(bench, 1, 20 * DAY, beats(60, 60), 60);
    bench.see(up, 20 * DAY);
    bench.see(order, 20 * DAY + 5);
    live(bench, 20 * DAY + 6, 30 * DAY, beats(12 * HOUR, 60), 60);
    quietly(bench);
  }
});

test("a CSMS that restarts twice: quiet here, and less than a zone asks for", () => {
  const bench = create();
  bench.see(up, 0);
  live(bench, 1, 30 * DAY, beats(300, 60), 60);
  const before = bench.total(ZONE);
  let most = 0;
  for (const s of [0, 40, 100, 600]) {
    bench.see(down, 30 * DAY + s);
    bench.see(up, 30 * DAY + s + 20);
    most = Math.max(most, bench.total(ZONE) - before);
  }
  quietly(bench);
  assert.ok(most > 2 && most < ZONE_MEAN_NATS, `${most}`);
});

test("links that a zone loses again and again become what the zone asks for", () => {
  const bench = create();
  bench.see(up, 0);
  live(bench, 1, 30 * DAY, beats(300, 60), 60);
  const before = bench.total(ZONE);
  for (const minutes of [0, 20, 40]) {
    bench.see(down, 30 * DAY + minutes * MINUTE);
    bench.see(up, 30 * DAY + minutes * MINUTE + 30);
    live(bench, 30 * DAY + minutes * MINUTE + 31, 30 * DAY + (minutes + 20) * MINUTE, beats(300));
  }
  assert.ok(bench.total(ZONE) - before > ZONE_MEAN_NATS, `${bench.total(ZONE) - before}`);
});

test("a feeder is cut and comes back: agent and station begin again, and the station boots", () => {
  const bench = create();
  bench.see(up, 0);
  live(bench, 1, 10 * DAY, beats(60, 60), 60);
  bench.see({ kind: "tick" }, 10 * DAY + 3 * HOUR);
  bench.see(up, 10 * DAY + 3 * HOUR + 5);
  bench.see(boot({ reason: "PowerUp" }), 10 * DAY + 3 * HOUR + 6);
  live(bench, 10 * DAY + 3 * HOUR + 10, 11 * DAY, beats(60, 30), 30);
  quietly(bench, 0.1);
});

test("a loss after a reset or with new firmware is explained, the second one is not", () => {
  const bench = create();
  bench.see(up, 0);
  live(bench, 1, DAY, beats(60));
  const loss = (at: number): number => {
    const nats = bench.see(down, at).filter(({ key }) => key === ZONE).length;
    bench.see(up, at + 30);
    return nats;
  };
  bench.see({ kind: "command", command: "reset", outcome: "accepted" }, DAY);
  assert.is(loss(DAY + 20), 0);
  bench.see({ kind: "firmware-status", status: "Installing" }, DAY + HOUR);
  assert.is(loss(DAY + HOUR + 20), 0);
  assert.is(loss(DAY + HOUR + 200), 1);
});

test("boots that the CSMS does not accept yet are asked again, and are one", () => {
  const bench = create();
  live(bench, 0, DAY, beats(60));
  for (let n = 0; n < 60; n++) bench.see(boot({ outcome: n < 59 ? "none" : "accepted" }), DAY + n * 30);
  quietly(bench);
});

test("a station without link events that boots again and again is told", () => {
  const bench = create();
  live(bench, 0, 10 * DAY, beats(60, 60), 60);
  for (let n = 0; n < 45; n++) bench.see(boot(), 10 * DAY + n * 301);
  assert.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
});

test("a CSMS that answers nothing for twenty minutes is no attack yet, for half a day it is", () => {
  const bench = create();
  bench.see(up, 0);
  live(bench, 1, 10 * DAY, beats(60, 60), 60);
  const unanswered = (at: number) => (at % 60 < 10 ? { answered: 0, unanswered: 1 } : undefined);
  live(bench, 10 * DAY, 10 * DAY + 20 * MINUTE, unanswered);
  quietly(bench);
  live(bench, 11 * DAY, 11 * DAY + 12 * HOUR, unanswered);
  assert.ok(bench.raisedAt.has(KEY));
});

const asks: Seen = { kind: "tick", traffic: { asked: 1, late: 0, heard: 0, answered: 0, unanswered: 1 } };
const ATTACKS: Record<string, (bench: Dos, at: number) => void> = {
  "twenty messages a second": (bench, at) =>
    live(bench, at, at + HOUR, () => ({ asked: 200, heard: 200, answered: 0 })),
  "frames that are no messages": (bench, at) =>
    live(bench, at, at + HOUR, () => ({ asked: 500, heard: 2, answered: 2 })),
  "reconnects every ten seconds": (bench, at) => {
    for (let s = 0; s < HOUR; s += 10) {
      bench.see(down, at + s);
      bench.see(up, at + s + 2);
      bench.see(traffic(), at + s + 5);
    }
  },
  "a station cut off with its link up, and the CSMS asks": (bench, at) => {
    live(bench, at, at + 10 * MINUTE, () => undefined);
    bench.see(asks, at + 10 * MINUTE);
    live(bench, at + 10 * MINUTE, at + HOUR, () => undefined);
  },
};

for (const [name, attack] of Object.entries(ATTACKS)) {
  test(`${name}: told within an hour, on the first day and after weeks`, () => {
    for (const days of [1, 28]) {
      if (name.startsWith("a station cut off") && days === 1) continue; // its rhythm is not known yet
      const bench = create();
      bench.see(up, 0);
      live(bench, 1, days * DAY, beats(300, 60), 60);
      quietly(bench, 0.2);
      attack(bench, days * DAY);
      assert.ok(bench.raisedAt.has(KEY), `day ${days}: ${bench.peak(KEY)}`);
    }
  });
}

const YEARS = 2;

/** Exponential waiting time, hours. */
const wait = (random: Seeded, perHour: number): number => -Math.log(1 - random.next()) / perHour;

test("false alarms: station-years whose links are lost at rates from once a month to twice an hour", () => {
  const random = seeded(61);
  let alarms = 0;
  let years = 0;
  for (const perHour of [1 / 720, 1 / 48, 0.2, 1, 2]) {
    const bench = create();
    bench.see(up, 0);
    const hours = YEARS * 365 * 24;
    let next = wait(random, perHour);
    for (let at = 0.15; at < hours; at += 0.15) {
      bench.see(traffic(), at * HOUR);
      bench.findings.length = 0;
      if (at < next) continue;
      let s = 1;
      do {
        bench.see(down, at * HOUR + s);
        bench.see(up, at * HOUR + s + 5);
        s += 15;
      } while (random.next() < 0.5 && s < 300);
      next = at + wait(random, perHour);
    }
    years += YEARS;
    alarms += bench.raisedAt.has(KEY) ? 1 : 0;
  }
  assert.is(alarms, 0, `in ${years} station-years`);
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(denialOfService, (bench) => {
    bench.see(up, 0);
    live(bench, 1, 2 * HOUR, beats(60));
    for (let n = 0; n < 20; n++) {
      bench.see(n % 2 === 0 ? down : up, 2 * HOUR + n * 20);
      bench.see(traffic({ asked: 900 * (n % 3) }), 2 * HOUR + n * 20 + 10);
    }
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(denialOfService, seeded(62), 100_000);
});

/** Three quiet weeks with a heartbeat every five minutes, the link up. */
function threeWeeks(): Dos {
  const bench = create();
  bench.see(up, 0);
  live(bench, 1, 21 * DAY, beats(300, 60), 60);
  return bench;
}

test("one flood of more than ten messages a second suffices, one of five does not", () => {
  for (const [perSecond, found] of [[15, true], [5, false]] as const) {
    const bench = threeWeeks();
    const asked = perSecond * 10;
    live(bench, 21 * DAY, 21 * DAY + 130, () => ({ asked, heard: asked, answered: asked }));
    live(bench, 21 * DAY + 130, 21 * DAY + HOUR, beats(300));
    assert.is(bench.raisedAt.has(KEY), found, `${perSecond} a second: ${bench.peak(KEY)}`);
  }
});

const power = (powerW: number): Seen =>
  ({ kind: "meter-reading", reading: { evseId: 1, powerW }, side: "evse-output" });

/** A reading outside of transactions. */
const reading: Seen = { kind: "reported-reading", reading: { evseId: 1, energyImportWh: 5_000 }, offline: false };

test("heartbeats that end for days are a fault, however often a session interrupts the silence", () => {
  const bench = threeWeeks();
  for (let day = 21; day < 24; day++) {
    live(bench, day * DAY, day * DAY + 12 * HOUR, () => undefined, 60);
    live(bench, day * DAY + 12 * HOUR, day * DAY + 13 * HOUR, beats(60, 60), 60);
    live(bench, day * DAY + 13 * HOUR, (day + 1) * DAY, () => undefined, 60);
  }
  quietly(bench, 0.6);
  assert.ok(bench.peak(KEY) > 0.3, "and the zone is told what silence there is");
});

test("where readings by the clock end with the heartbeats, that is no fault of the heartbeats'; rare ones tell nothing",
  () => {
    const cases = [[15, false, true], [15, true, false], [3 * 24 * 60, false, false]] as const;
    for (const [every, silentBeats, found] of cases) {
      const bench = create();
      bench.see(up, 0);
      const readings = (from: number, to: number, beat: ReturnType<typeof beats>): void => {
        for (let at = from; at < to; at += every * MINUTE) {
          bench.see(reading, at + 1);
          live(bench, at + 2, Math.min(to, at + every * MINUTE), (s) => (s < at + 62 ? {} : beat(s)), 60);
          if (beat(0) !== undefined) bench.see({ kind: "heartbeat" }, Math.min(to, at + every * MINUTE) - 1);
        }
      };
      readings(0, 21 * DAY, beats(300, 60));
      if (silentBeats) readings(21 * DAY, 22 * DAY, () => undefined);
      else live(bench, 21 * DAY, 22 * DAY, () => undefined, 60);
      assert.is(bench.raisedAt.has(KEY), found, `every ${every} min: ${bench.peak(KEY)}`);
    }
  });

test("readings of a transaction that end with the heartbeats are no fault of these; after its end none are due", () => {
  const lives = { kind: "reported-reading", reading: { evseId: 1, at: 0 as never, powerW: 0 }, transactionId: "t",
    offline: false } as const;
  const ended = { kind: "transaction-ended", transactionId: "t", evseId: 1, offline: false } as const;
  const cases: [what: string, readings: number, lostBeats: number, end: boolean, found: boolean][] = [
    ["all ends", 60, 0, false, true], ["the transaction ended", 60, 0, true, false],
    ["heartbeats had ended before", 60, 20, false, false], ["too few to know", 20, 0, false, false],
  ];
  for (const [what, readings, lostBeats, end, found] of cases) {
    const bench = threeWeeks();
    for (let n = 0; n < readings; n++) {
      if (n < readings - lostBeats) bench.see({ kind: "heartbeat" }, 21 * DAY + n * MINUTE);
      bench.see(lives, 21 * DAY + n * MINUTE);
      bench.see(traffic(), 21 * DAY + n * MINUTE + 1);
    }
    if (end) bench.see(ended, 21 * DAY + readings * MINUTE);
    live(bench, 21 * DAY + readings * MINUTE, 21 * DAY + readings * MINUTE + 2 * HOUR, () => undefined);
    assert.is(bench.raisedAt.has(KEY), found, `${what}: ${bench.peak(KEY)}`);
  }
});

test("a battery that fills up at a station without readings is nothing that it owes", () => {
  for (const tells of [true, false]) {
    const bench = threeWeeks();
    if (tells) bench.see(reading, 20.9 * DAY);
    bench.see(power(7_000), 21 * DAY);
    live(bench, 21 * DAY, 21 * DAY + 6 * MINUTE, () => undefined);
    bench.see(power(3), 21 * DAY + 6 * MINUTE);
    live(bench, 21 * DAY + 6 * MINUTE, 21 * DAY + 2 * HOUR, () => undefined);
    assert.is(bench.raisedAt.has(KEY), tells, `${bench.peak(KEY)}`);
  }
});

test("an hour of silence suffices where beats come every five minutes and the station had something to say", () => {
  const cases: [minutes: number, within: Seen | undefined, found: boolean][] = [
    [50, power(7_000), true], [50, asks, true], [30, power(7_000), false], [50, power(3), false],
    // Heartbeats that end in an idle hour: the fault of that name.
    [50, undefined, false],
  ];
  for (const [minutes, within, found] of cases) {
    const bench = threeWeeks();
    bench.see(power(3), 21 * DAY);
    live(bench, 21 * DAY, 21 * DAY + 6 * MINUTE, () => undefined);
    if (within !== undefined) bench.see(within, 21 * DAY + 6 * MINUTE);
    live(bench, 21 * DAY + 6 * MINUTE, 21 * DAY + minutes * MINUTE, () => undefined);
    live(bench, 21 * DAY + minutes * MINUTE, 22 * DAY, beats(300));
    assert.is(bench.raisedAt.has(KEY), found, `${minutes} min, ${JSON.stringify(within)}: ${bench.peak(KEY)}`);
  }
});

test("what a station said a moment before is nothing that it owes", () => {
  const bench = threeWeeks();
  bench.see(power(7_000), 21 * DAY);
  bench.see(traffic(), 21 * DAY + 5);
  bench.see(power(3), 21 * DAY + 50);
  live(bench, 21 * DAY + 50, 21 * DAY + 2 * HOUR, () => undefined);
  assert.not.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
});

test("a change of another interval does not hide silence", () => {
  const bench = create();
  bench.see(up, 0);
  bench.see(boot({ heartbeatS: 300 }), 1);
  live(bench, 2, 21 * DAY, beats(300, 60), 60);
  bench.see({ kind: "configuration-change", variable: "MeterValueSampleInterval", value: "900", secret: false,
    outcome: "accepted" }, 21 * DAY);
  bench.see(power(3), 21 * DAY);
  live(bench, 21 * DAY, 21 * DAY + 6 * MINUTE, () => undefined);
  bench.see(power(7_000), 21 * DAY + 6 * MINUTE);
  live(bench, 21 * DAY + 6 * MINUTE, 21 * DAY + 50 * MINUTE, () => undefined);
  assert.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
});

/** Three quiet weeks, and then losses, eight minutes apart, for six hours, each with a boot or without. */
function restarts(after: Seen | undefined, habit: Seen | undefined = undefined): Dos {
  const bench = create();
  bench.see(up, 0);
  const lose = (at: number, then: Seen | undefined): void => {
    bench.see(down, at);
    bench.see(up, at + 60);
    if (then !== undefined) bench.see(then, at + 61);
  };
  for (let day = 0; day < 21; day++) {
    live(bench, day * DAY + 100, (day + 1) * DAY, beats(300, 60), 60);
    if (day % 2 === 1) lose((day + 1) * DAY, habit);
  }
  for (let n = 0; n < 45; n++) {
    const s = 21 * DAY + HOUR + n * 480;
    lose(s, after);
    live(bench, s + 70, s + 480, beats(300));
  }
  return bench;
}

test("a charger that restarts by itself, over and over, is broken; links lost without a boot are no restart", () => {
  assert.not.ok(restarts(boot()).raisedAt.has(KEY), `${restarts(boot()).peak(KEY)}`);
  assert.not.ok(restarts(boot({ reason: "Watchdog" }), boot()).raisedAt.has(KEY));
  for (const bench of [restarts(undefined), restarts(boot(), boot()), restarts(boot({ reason: "RemoteReset" }))]) {
    assert.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
  }
});

test("three restarts, or resets that were ordered, do not make a station one that boots with each connection", () => {
  const reset: Seen = { kind: "command", command: "reset", outcome: "accepted" };
  for (const [boots, order] of [[3, undefined], [15, reset]] as const) {
    const bench = create();
    bench.see(up, 0);
    const lose = (at: number): void => {
      bench.see(down, at);
      bench.see(up, at + 60);
      bench.see(boot(), at + 61);
    };
    for (let day = 0; day < 30; day++) {
      live(bench, day * DAY + 100, (day + 1) * DAY - 10, beats(300, 60), 60);
      if (day >= 2 * boots || day % 2 === 0) continue;
      if (order !== undefined) bench.see(order, (day + 1) * DAY - 5);
      lose((day + 1) * DAY);
    }
    for (let n = 0; n < 45; n++) {
      lose(30 * DAY + HOUR + n * 480);
      live(bench, 30 * DAY + HOUR + n * 480 + 70, 30 * DAY + HOUR + (n + 1) * 480, beats(300));
    }
    assert.not.ok(bench.raisedAt.has(KEY), `${boots} boots: ${bench.peak(KEY)}`);
  }
});

test("honest: a station that speaks once a day, and not on a long weekend", () => {
  const bench = create();
  bench.see(up, 0);
  live(bench, 1, 21 * DAY, (at) => (at % DAY < 60 ? {} : undefined), 60);
  live(bench, 21 * DAY, 25 * DAY, () => undefined, 60);
  live(bench, 25 * DAY, 26 * DAY, beats(300, 60), 60);
  quietly(bench);
});
