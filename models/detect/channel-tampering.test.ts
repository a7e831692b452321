import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { Oddity } from "../terms.ts";
import { type WallMs } from "../units.ts";
import { channelTampering, type ChannelTampering } from "./channel-tampering.ts";
import { at as atSeconds, Bench, type Seen, survivesRestarts, withstands } from "./detector.testing.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const KEY = "channel-tampering";

type Channel = Bench<ChannelTampering>;
const create = (): Channel => new Bench(channelTampering);
const connect = (remoteAddress = "192.0.2.7"): Seen => ({ kind: "link", state: "connect", remoteAddress });
const disconnect: Seen = { kind: "link", state: "disconnect" };
const beat: Seen = { kind: "heartbeat" };
const odd = (oddity: Oddity): Seen => ({ kind: "oddity", oddity, detail: "" });
const certificate = (n: number): Seen => ({ kind: "csms-certificate", before: `${n}`, now: `${n + 1}` });
/** A status that the station dates `behindS` ago. */
const dated = (atS: number, behindS: number): Seen =>
  ({ kind: "status", evseId: 1, status: "Available", saidAt: (atSeconds(atS - behindS).wallMs) as WallMs });
const csmsTime = (atS: number, aheadS = 0): Seen => ({ kind: "csms-time", csmsTime: atSeconds(atS + aheadS).wallMs });

/** An honest link: a heartbeat with the CSMS's time, a dated status, now and then. */
function ordinary(bench: Channel, fromS: number, toS: number, everyS = 600): void {
  for (let at = fromS; at < toS; at += everyS) {
    bench.see({ kind: "tick" }, at);
    bench.see(beat, at + 1);
    bench.see(csmsTime(at + 1), at + 1);
    bench.see(dated(at + 2, 1), at + 2);
  }
}

function quietly(bench: Channel, most = 0.6): void {
  assert.equal([...bench.raisedAt], []);
  assert.ok(bench.peak(KEY) < most, `${bench.peak(KEY)}`);
}
const raised = (bench: Channel): void => assert.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);

test("certificates renewed every 90 days, or yearly, or by a fleet of eight machines at once", () => {
  const bench = create();
  bench.see(connect(), 0);
  for (let day = 0; day < 900; day++) {
    bench.see({ kind: "tick" }, day * DAY);
    if (day % 90 === 30) bench.see(certificate(day), day * DAY + 60);
    if (day === 700) for (let n = 0; n < 8; n++) bench.see(certificate(n), day * DAY + n * HOUR);
  }
  quietly(bench);
});

test("a certificate that is another one each hour is told", () => {
  const bench = create();
  ordinary(bench, 0, 30 * DAY, 1_800);
  for (let n = 0; n < 60; n++) bench.see(certificate(n), 30 * DAY + n * HOUR);
  raised(bench);
});

test("a cellular link: every hour a new address, and the old socket is found dead after the new one was made", () => {
  const bench = create();
  for (let hour = 0; hour < 14 * 24; hour++) {
    bench.see(connect(`198.51.100.${hour % 250}`), hour * HOUR);
    bench.see(disconnect, hour * HOUR + 1);
    bench.see(connect(`198.51.100.${hour % 250}`), hour * HOUR + 2);
    ordinary(bench, hour * HOUR + 10, (hour + 1) * HOUR - 60);
  }
  quietly(bench, 0.3);
});

test("a station that crashes and is back at once, beside its old socket, once a day", () => {
  const bench = create();
  for (let day = 0; day < 60; day++) {
    ordinary(bench, day * DAY, (day + 1) * DAY - 10);
    bench.see(beat, (day + 1) * DAY - 9);
    bench.see(connect(), (day + 1) * DAY - 4);
  }
  quietly(bench);
});

test("two that displace each other with one identity are told in minutes, from a strange address even sooner", () => {
  const tries = ["192.0.2.7", "203.0.113.9"].map((address) => {
    const bench = create();
    bench.see(connect(), 0);
    ordinary(bench, 1, DAY);
    for (let n = 0; n < 40; n++) {
      const at = DAY + n * 10;
      bench.see(connect(n % 2 === 0 ? address : "192.0.2.7"), at);
      bench.see(beat, at + 1);
    }
    raised(bench);
    return bench.raisedAt.get(KEY)! - DAY;
  });
  assert.ok(tries[1]! < tries[0]! && tries[0]! < 300, tries.join());
});

test("late and double results, repeated ids of a maker's counter: learned, and quiet from the first day", () => {
  const bench = create();
  for (let day = 0; day < 60; day++) {
    ordinary(bench, day * DAY, (day + 1) * DAY, 3_600);
    for (let n = 0; n < 3; n++) bench.see(odd("unmatched-result"), (day + 1) * DAY - 600 + n * 5);
    if (day % 2 === 0) bench.see(odd("repeated-id"), (day + 1) * DAY - 100);
    if (day % 5 === 0) bench.see(odd("replayed-call"), (day + 1) * DAY - 50);
  }
  quietly(bench);
});

for (const oddity of ["replayed-call", "repeated-id", "unmatched-result"] as const) {
  test(`${oddity}: one after the other is told`, () => {
    const bench = create();
    ordinary(bench, 0, DAY);
    for (let n = 0; n < 60; n++) bench.see(odd(oddity), DAY + n * 20);
    raised(bench);
  });
}

test("a clock that is an hour wrong, was set, or jumps with the summer time is no contradiction", () => {
  const bench = create();
  bench.see(connect(), 0);
  for (let at = 1; at < 20 * DAY; at += 600) {
    const behind = at < 5 * DAY ? 3_600 : at < 10 * DAY ? 0 : -3_600;
    bench.see({ kind: "tick" }, at);
    bench.see(dated(at, behind), at);
    bench.see(csmsTime(at, at < 7 * DAY ? 0 : 3_600), at);
  }
  quietly(bench);
});

test("a backlog that comes after an outage has times of the outage", () => {
  const bench = create();
  for (let day = 0; day < 20; day++) {
    ordinary(bench, day * DAY, day * DAY + 20 * HOUR);
    bench.see(disconnect, day * DAY + 20 * HOUR);
    bench.see(connect(), day * DAY + 23 * HOUR);
    for (let n = 0; n < 60; n++) {
      bench.see(dated(day * DAY + 23 * HOUR + 5 + n, (3 - n / 20) * HOUR + 10), day * DAY + 23 * HOUR + 5 + n);
    }
  }
  quietly(bench, 0.1);
});

test("old messages played into a living link, and a CSMS whose clock stands still, are told", () => {
  const stories: ((at: number) => Seen)[] = [(at) => dated(at, 3 * HOUR + at % 5_000), (at) => csmsTime(DAY - at)];
  for (const replay of stories) {
    const bench = create();
    bench.see(connect(), 0);
    ordinary(bench, 1, 2 * DAY);
    for (let n = 0; n < 60; n++) {
      const at = 2 * DAY + n * 60;
      bench.see(replay(at), at);
      bench.see(dated(at + 10, 0), at + 10);
      bench.see(csmsTime(at + 20), at + 20);
    }
    raised(bench);
  }
});

test("an agent that slept forgets the connection: the one that follows displaces nothing", () => {
  const bench = create();
  bench.see(connect(), 0);
  ordinary(bench, 1, DAY);
  for (let n = 1; n < 30; n++) {
    bench.see({ kind: "tick" }, DAY + n * HOUR);
    bench.see(connect(), DAY + n * HOUR + 1);
  }
  assert.is(bench.peak(KEY), 0);
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(channelTampering, (bench) => {
    ordinary(bench, 0, 6 * HOUR);
    for (let n = 0; n < 30; n++) {
      const seen = [connect(`192.0.2.${n}`), beat, odd("replayed-call"), dated(6 * HOUR + n * 9, n * 900)][n % 4]!;
      bench.see(seen, 6 * HOUR + n * 9);
    }
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(channelTampering, seeded(63), 100_000);
});

const COPY: Seen = { kind: "oddity", oddity: "late-copy", detail: "StartTransaction" };
const FINGERPRINT = { own: "a1".repeat(32), foreign: "6b".repeat(32) };
const through = (certificateOf: keyof typeof FINGERPRINT, remoteAddress = "192.0.2.7"): Seen =>
  ({ kind: "link", state: "connect", remoteAddress, tlsPeerSha256: FINGERPRINT[certificateOf] });
const bootOf = (model: string): Seen => ({ kind: "boot", vendor: "V", model, outcome: "accepted" });

/** Ten ordinary days, and then what is told, each at its seconds after them. */
function after(story: readonly (readonly [number, Seen])[]): Channel {
  const bench = create();
  bench.see(through("own"), 0);
  bench.see(bootOf("M"), 1);
  ordinary(bench, 2, 10 * DAY);
  let last = 0;
  for (const [seconds, seen] of story) {
    ordinary(bench, 10 * DAY + last, 10 * DAY + seconds - 10);
    bench.see(seen, 10 * DAY + seconds);
    last = seconds;
  }
  return bench;
}

test("a call that was answered long ago and comes again to the letter suffices; from a backlog it does not", () => {
  raised(after([[100, COPY]]));
  quietly(after([[100, disconnect], [200, through("own")], [210, COPY], [215, COPY], [220, COPY]]));
});

test("two second results that decide otherwise suffice, one does not, nor do two a day apart", () => {
  const other = odd("contradicting-result");
  raised(after([[100, other], [130, other]]));
  quietly(after([[100, other], [100 + DAY, other]]));
});

test("a stranger's connection and the station's own that take turns are told at the third return", () => {
  const turns = (count: number, stranger: string) => Array.from({ length: count }, (_, n) =>
    [[100 + n * 120, connect(stranger)], [101 + n * 120, disconnect], [110 + n * 120, connect()]] as const).flat();
  raised(after(turns(3, "203.0.113.66")));
  quietly(after(turns(2, "203.0.113.66")), 0.9);
});

test("honest: a second uplink that was used before takes turns with the first", () => {
  const backup = "198.51.100.4";
  const bench = after([[100, disconnect], [200, connect(backup)], [4_000, disconnect], [4_100, connect()]]);
  for (let n = 0; n < 6; n++) {
    bench.see(connect(backup), 11 * DAY + n * 300);
    bench.see(connect(), 11 * DAY + n * 300 + 150);
  }
  assert.not.ok(bench.raisedAt.has(KEY) && bench.state.facts.nats > 0, `${bench.state.facts.nats}`);
});

test("a certificate that comes with a strange address and goes with it is told, one that stays is not", () => {
  const foreign = through("foreign", "203.0.113.66");
  raised(after([[100, disconnect], [105, foreign], [3_700, disconnect], [3_705, through("own")]]));
  quietly(after([[100, disconnect], [105, foreign]]));
  // A renewal that was taken back, from the usual address; and a CSMS of two machines.
  quietly(after([[100, disconnect], [105, through("foreign")], [3_700, disconnect], [3_705, through("own")]]), 0.95);
  quietly(after([1, 2, 3, 4].flatMap((n) => [[n * 9_000, disconnect],
    [n * 9_000 + 20, through(n % 2 === 0 ? "own" : "foreign")]] as const)), 0.95);
});

test("two makes by turns are told; a station that was exchanged is not", () => {
  raised(after([[100, bootOf("SIM")], [700, bootOf("M")]]));
  quietly(after([[100, bootOf("SIM")], [700, bootOf("SIM")], [4 * DAY, bootOf("SIM")]]));
});

/** A start that the station dates `behindS` ago. */
const began = (atS: number, behindS: number): Seen => ({ kind: "transaction-started", transactionId: `${atS}`,
  evseId: 1, offline: behindS > 600, saidAt: atSeconds(atS - behindS).wallMs });
const LATER = 10 * DAY;

test("starts of days ago, told after newer ones on a link that stands, are told at the third", () => {
  const olds = (count: number, behindS: (n: number) => number) => [[50, began(LATER + 50, 1)] as const,
    ...Array.from({ length: count }, (_, n) => [100 + n * 30, began(LATER + 100 + n * 30, behindS(n))] as const)];
  raised(after(olds(3, (n) => (9 - n) * DAY)));
  quietly(after(olds(2, (n) => (9 - n) * DAY)), 0.9);
  // A clock that was set to another day is off evenly; a backlog of the last day, on a new link, or in its order.
  quietly(after(olds(6, (n) => 20 * DAY + n)), 0.95);
  const fact = (bench: Channel): number => bench.state.facts.nats;
  assert.is(fact(after(olds(6, (n) => 20 * HOUR - n * HOUR))), 0);
  assert.is(fact(after([[20, disconnect], [40, connect()], ...olds(6, (n) => (9 - n) * DAY)])), 0);
  assert.is(fact(after(olds(6, (n) => (9 - n) * DAY).slice(1))), 0, "no newer one was told before");
});
