import { createHash } from "node:crypto";
import { seeded, type Seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import type { Epoch, MonotonicMs, Now, StationId, WallMs } from "../models/units.ts";
import {
  type ClockNews, type ClockPace, type ClockRule, createClockRule, judgeClock, keepClocksOf, noteOwnClock,
  noteStatement, takeCheck,
} from "./clock-rule.ts";
import { messageOfStatement, readTopic } from "./message.ts";
import { METERED_CLOCK } from "./metered.ts";
import { signStatement } from "./statement.ts";
import {
  type Agent, createNetwork, FIRST_EPOCH, hashedCrypto, honest, incomingOf, type Liar, type Network,
  type NetworkOptions, restart, run, sendAll, TICKS,
} from "./zone-network.testing.ts";

const EPOCH_MS = 10_000;
const START = 1_000;
const OTHERS = Array.from({ length: 12 }, (_, i) => `CP-${i}` as StationId);

/** An agent whose clock is right, `s` epochs after the start. */
class Bench {
  readonly rule: ClockRule;
  /** Epochs that the own clock is ahead. */
  ahead = 0;
  epochs = 0;

  constructor(pace?: ClockPace) {
    this.rule = createClockRule(pace);
  }

  now(): Now {
    const monoMs = this.epochs * EPOCH_MS as MonotonicMs;
    return { monoMs, wallMs: START * EPOCH_MS + monoMs + this.ahead * EPOCH_MS as WallMs };
  }

  /** A verified statement whose author's clock is ahead of true time by so many epochs. */
  hears(index: number, ahead: number): void {
    const { wallMs, monoMs } = this.now();
    const own = { epoch: Math.floor(wallMs / EPOCH_MS), monoMs };
    noteStatement(this.rule, OTHERS[index]!, START + Math.floor(this.epochs) + ahead, own, EPOCH_MS);
  }

  judge(f: number, others = OTHERS): ClockNews | undefined {
    noteOwnClock(this.rule, this.now(), EPOCH_MS);
    return judgeClock(this.rule, others, f, this.now().monoMs, EPOCH_MS);
  }

  /** All state in each of some epochs, and the own clock is judged after each. */
  live(epochs: number, aheads: readonly (number | undefined)[], f: number): ClockNews[] {
    const news: ClockNews[] = [];
    for (let left = epochs; left > 0; left--) {
      this.epochs += 1;
      aheads.forEach((ahead, index) => ahead !== undefined && this.hears(index, ahead));
      news.push(...[this.judge(f)].filter((one) => one !== undefined));
    }
    return news;
  }
}

test("the clock is judged by the median of at least 2f + 1 others, as a table", () => {
  const cases: [aheads: number[], f: number, state: string, offset: number | undefined][] = [
    [[], 0, "good", undefined], [[0], 0, "good", 0], [[1], 0, "good", 1], [[-1], 0, "good", -1],
    [[2], 0, "off", 2], [[-2], 0, "off", -2], [[2, 0], 0, "good", 0], [[5, 2], 0, "off", 2], [[-5, -2], 0, "off", -2],
    [[9, 9], 1, "good", undefined], [[9, 9, 9], 1, "off", 9], [[0, 9, 9], 1, "off", 9], [[0, 0, 9], 1, "good", 0],
    [[1, 1, 9, 9], 1, "good", 1], [[2, 2, 9, 9], 1, "off", 2], [[-1_000, 0, 1, 1_000], 1, "good", 0],
    [[9, 9, 9, 9], 2, "good", undefined], [[-3, -3, -3, 0, 0], 2, "off", -3], [[-3, -3, 0, 0, 0], 2, "good", 0],
  ];
  for (const [aheads, f, state, offset] of cases) {
    const bench = new Bench();
    bench.live(4, aheads, f);
    const { standing } = bench.rule;
    assert.equal([standing.state, standing.offsetEpochs, standing.heard], [state, offset, aheads.length],
      JSON.stringify([aheads, f]));
  }
});

test("who hears no more than f + 2 knows by f + 1 on one side, one of whom is honest, as a table", () => {
  const cases: [aheads: number[], f: number, state: string, offset: number | undefined][] = [
    [[9, 9], 2, "good", undefined], [[9, 9, 7], 2, "off", 7], [[-9, -9, -7], 2, "off", -7],
    [[9, 9, 7, 0], 2, "off", 7], [[9, 9, 0, 0], 2, "good", undefined], [[-9, -9, -9, 99], 2, "off", -9],
    [[9, 9, -9, -9], 2, "good", undefined], [[1, 1, 1, 9], 2, "good", undefined], [[4, 5, 6, 7, 0], 3, "off", 4],
    [[4, 5, 6, 0, 0], 3, "good", undefined], [[0, 9, 9], 1, "off", 9],
  ];
  for (const [aheads, f, state, offset] of cases) {
    const bench = new Bench(METERED_CLOCK);
    bench.live(36, aheads, f);
    const { standing } = bench.rule;
    assert.equal([standing.state, standing.offsetEpochs], [state, offset], JSON.stringify([aheads, f]));
  }
  const bench = new Bench(METERED_CLOCK);
  assert.is(bench.live(5, [0, 0, 0, 0], 2).length, 0);
  assert.is(bench.rule.standing.state, "listens", "f of them could be liars who hide that it is off");
  for (const [ahead, isOff] of [[5, true], [0, false]] as const) {
    bench.ahead = ahead;
    assert.is(bench.judge(2)?.isOff, isOff, "said once when it begins and once when it is over");
    assert.equal(bench.live(5, [0, 0, 0, 1], 2), []);
  }
});

test("said once when it begins and once when it is over", () => {
  const bench = new Bench();
  assert.equal(bench.live(5, [0, 0, 0], 1), []);
  assert.equal(bench.live(9, [7, 7, 7], 1), [{ kind: "clock", isOff: true, offsetEpochs: 7 }]);
  assert.equal(bench.live(9, [0, 0, 0], 1), [{ kind: "clock", isOff: false, offsetEpochs: 0 }]);
  // Too few to be judged by is no all-clear: nothing is said, and nothing again when they come back.
  assert.is(bench.live(9, [7, 7, 7], 1).length, 1);
  assert.equal(bench.live(8, [], 1), []);
  assert.is(bench.rule.standing.state, "good", "the rule does not act");
  assert.equal(bench.live(5, [7, 7, 7], 1), []);
  assert.is(bench.rule.standing.state, "off");
});

test("after a start it listens for three epochs, unless clocks agree before", () => {
  const alone = new Bench();
  const states = [1, 2, 3, 4].map(() => {
    alone.live(1, [], 0);
    return alone.rule.standing.state;
  });
  assert.equal(states, ["listens", "listens", "listens", "good"]);
  const among = new Bench();
  among.live(1, [0, 0], 1);
  assert.is(among.rule.standing.state, "listens");
  among.live(1, [0, 0, 1], 1);
  assert.is(among.rule.standing.state, "good");
  // By the time that it stops listening it knows that it is off.
  const off = new Bench();
  for (let epoch = 1; epoch <= 20; epoch++) {
    off.live(1, [9, 9, 9], 1);
    assert.is.not(off.rule.standing.state, "good", `${epoch}`);
  }
});

test("a replay tells nothing, and neither do the last words of who is gone", () => {
  const bench = new Bench();
  bench.live(5, [0, 0, 0], 1);
  for (let again = 0; again < 20; again++) bench.hears(again % 3, -5 - again);
  assert.equal(bench.live(1, [0, 0, 0], 1), []);
  // When who was heard is gone for long, what it said before is still no news.
  bench.live(8, [], 1);
  const [then] = [bench.epochs - 12];
  for (let pace = 0; pace < 4; pace++) {
    for (const index of [0, 1, 2]) bench.hears(index, then + pace - bench.epochs);
    bench.live(1, [], 1);
  }
  assert.is(bench.rule.standing.heard, 0);
  // A street that lay dark: one is up, and sends again what it still holds of all others.
  const dark = new Bench();
  for (let again = 0; again < 12; again++) {
    // A heap of them at once, and the same again later.
    for (const index of [1, 2, 3, 4]) for (const old of [-102, -101, -100]) dark.hears(index, old - dark.epochs);
    assert.equal(dark.live(1, [0], 1), []);
    assert.is(dark.rule.standing.heard, 1);
  }
});

test("what is heard late makes nobody's clock slow", () => {
  const bench = new Bench();
  const dice = seeded(1);
  for (let epoch = 0; epoch < 200; epoch++) {
    const late = OTHERS.slice(0, 5).map(() => (dice.int(4) === 0 ? 0 : -dice.int(5)));
    assert.equal(bench.live(1, late, 1), [], `${epoch}`);
  }
});

test("who is heard at first hand now and then is not slow for what is heard of it late", () => {
  const bench = new Bench();
  for (let round = 0; round < 10; round++) {
    for (const ahead of [[0, 0, 0], [], [], [], [-3, -3, -3], [-3, -3, -3]]) {
      assert.equal(bench.live(1, ahead, 1), []);
      assert.is(bench.rule.standing.state === "off", false, `${round}`);
    }
  }
});

test("an offset counts for six epochs", () => {
  const bench = new Bench();
  bench.live(4, [7, 7, 7], 1);
  bench.live(6, [], 1);
  assert.equal([bench.rule.standing.state, bench.rule.standing.heard], ["off", 3]);
  bench.live(1, [], 1);
  assert.equal([bench.rule.standing.state, bench.rule.standing.heard], ["good", 0]);
});

test("when the own clock is set, what is known of others moves with it, at once and both ways", () => {
  for (const ahead of [-5, 5, -20_000, 20_000]) {
    const bench = new Bench();
    bench.ahead = ahead;
    assert.equal(bench.live(6, [0, 0, 1], 1).map(({ isOff, offsetEpochs }) => [isOff, offsetEpochs]), [[true, -ahead]]);
    bench.epochs += 0.3;
    bench.ahead = 0;
    assert.is(bench.judge(1)?.isOff, false, `${ahead}`);
    // Set wrong again, it is known before anything is stated.
    bench.ahead = 3;
    assert.is(bench.judge(1)?.offsetEpochs, -3);
  }
});

test("a clock that is slowly brought right is followed", () => {
  const bench = new Bench();
  bench.live(4, [0, 0, 0], 1);
  for (let step = 0; step < 100; step++) {
    bench.ahead += 0.07;
    noteOwnClock(bench.rule, bench.now(), EPOCH_MS);
  }
  bench.judge(1);
  assert.is(bench.rule.standing.offsetEpochs, -7);
});

test("f liars with whatever epochs never stop an honest agent, and never keep one that is off from knowing it", () => {
  const dice = seeded(2);
  for (let round = 0; round < 300; round++) {
    const f = dice.int(4);
    // So many are honest: liars who say nothing must not bring the rule below its number either.
    const others = 3 * f + 1 + dice.int(5);
    const ahead = dice.pick([0, 0, 3, -3, 40, -40]);
    const lie = dice.pick([() => 1e9, () => -900, () => dice.int(20) - 10, () => 4 * Math.sign(ahead), () => ahead]);
    const bench = new Bench();
    bench.ahead = ahead;
    for (let epoch = 1; epoch <= 12; epoch++) {
      // Honest clocks are within an epoch of each other, in whatever order they and the liars speak.
      const aheads = Array.from({ length: others }, (_, index) => (index < f ? lie() : dice.int(2)));
      bench.live(1, aheads, f);
      const { state } = bench.rule.standing;
      if (ahead === 0) assert.is.not(state, "off", `round ${round}, ${epoch}`);
      else assert.is.not(state, "good", `round ${round}, ${epoch}`);
    }
    assert.is(bench.rule.standing.state, ahead === 0 ? "good" : "off", `round ${round}`);
  }
});

test("outside of the window one look a sender, author and epoch, at what is newer alone", () => {
  const bench = new Bench();
  const [a, b] = [OTHERS[0]!, OTHERS[1]!];
  assert.ok(takeCheck(bench.rule, "x", a, START + 5));
  assert.not(takeCheck(bench.rule, "x", a, START + 6));
  assert.ok(takeCheck(bench.rule, "x", b, START + 6), "another author's");
  assert.ok(takeCheck(bench.rule, "y", a, START + 6), "a forger uses up its own");
  bench.hears(0, 6);
  assert.not(takeCheck(bench.rule, "z", a, START + 6), "not newer");
  bench.judge(0);
  assert.ok(takeCheck(bench.rule, "x", a, START + 7));
  let taken = 0;
  for (let i = 0; i < 10_000; i++) if (takeCheck(bench.rule, `s${i}`, b, START + 9)) taken += 1;
  assert.ok(taken > 1_000 && bench.rule.checked.size <= 2_048, `${taken}`);
});

test("a roster's members are remembered, and nobody else", () => {
  const bench = new Bench();
  bench.live(2, [0, 0, 0], 1);
  keepClocksOf(bench.rule, [OTHERS[1]!]);
  assert.equal([...bench.rule.heard.keys()], [OTHERS[1]]);
});

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(createHash("sha256").update(Buffer.concat(parts)).digest());
const STARTS = EVIDENCE_KEYS.indexOf("starts");

function network(seed: number, more: Partial<NetworkOptions>): Network {
  const random = seeded(seed);
  return createNetwork({
    ...hashedCrypto(sha256), int: (n) => random.int(n), n: 6, f: 1, lossPercent: 20, keyIndex: STARTS,
    story: (_, epoch) => (epoch < 40 ? 0 : 1_500 * Math.min(epoch - 40, 20)), ...more,
  });
}

const clockNews = ({ news }: Agent): ClockNews[] => news.flatMap((one) => (one.kind === "clock" ? [one] : []));
const certified = ({ news }: Agent): number => news.filter(({ kind }) => kind === "certificate").length;
const guilty = ({ agents }: Network): number =>
  agents.flatMap(({ news }) => news.filter(({ kind }) => kind === "guilty")).length;

test("one agent's clock is five epochs off and set later: it is silent meanwhile, and nobody else notices", () => {
  for (const off of [5, -5, 20_000, -800]) {
    let isUp = false;
    const zone = network(31, {
      clockOff: (member, tick) => (member === 3 && tick < 20 * TICKS ? off : 0),
      linked: (a, b) => isUp || (a !== 3 && b !== 3),
    });
    run(zone, 6);
    isUp = true;
    const own = restart(zone, 3);
    const sent: string[] = [];
    run(zone, 14, () => {
      sent.push(...[...zone.queue.values()].flat().filter(({ from }) => from === 3)
        .map(({ incoming }) => readTopic(incoming.topic)!.station));
    });
    assert.not(sent.includes("CP-3"), `${off}: it published something of its own`);
    assert.equal(clockNews(own), [{ kind: "clock", isOff: true, offsetEpochs: -off }]);
    assert.equal([own.gossip.seq, own.gossip.lastEpoch], [0, -1], "and reserved nothing");
    run(zone, 3);
    assert.is(clockNews(own).length, 2);
    assert.is(clockNews(own)[1]!.isOff, false);
    assert.ok(own.gossip.seq >= 2, `${off}: ${own.gossip.seq} statements since`);
    let votes = 0;
    run(zone, 37, () => {
      votes += own.state.voted.size;
    });
    for (const agent of zone.agents) assert.ok(certified(agent) > 0, `${off}: ${agent.index}`);
    for (const agent of zone.agents) assert.is(clockNews(agent).length, agent.index === 3 ? 2 : 0);
    assert.is(guilty(zone), 0);
    assert.ok(votes > 0, `${off}: it votes again`);
  }
});

test("a clock that goes wrong while it runs states nothing in the wrong epochs", () => {
  const zone = network(32, { clockOff: (member, tick) => (member === 2 && tick >= 100 && tick < 220 ? 50 : 0) });
  run(zone, 10);
  const { gossip } = zone.agents[2]!;
  const before = gossip.lastEpoch;
  assert.ok(before >= FIRST_EPOCH + 8);
  run(zone, 12);
  assert.is(gossip.lastEpoch, before);
  run(zone, 3);
  assert.ok(gossip.lastEpoch >= FIRST_EPOCH + 24, "none was lost to the future");
  assert.is(guilty(zone), 0);
});

test("a whole zone that is off alike, or by less than an epoch, goes on", () => {
  const clocks: ((member: number) => number)[] = [() => 1_000_000, () => -500, (member) => member * 0.15 - 0.4];
  for (const clockOff of clocks) {
    const zone = network(33, { clockOff });
    run(zone, 30);
    for (const agent of zone.agents) {
      assert.equal(clockNews(agent), []);
      assert.ok(agent.gossip.seq >= 26, `${agent.gossip.seq}`);
    }
  }
});

test("two and three with f = 0, and one alone", () => {
  for (const n of [1, 2, 3]) {
    const zone = network(34, { n, f: 0, lossPercent: 0, clockOff: () => 0 });
    run(zone, 20);
    for (const agent of zone.agents) assert.ok(agent.gossip.seq >= 16 && clockNews(agent).length === 0);
  }
  const zone = network(35, { n: 3, f: 0, lossPercent: 0, clockOff: (member) => (member === 0 ? 4 : 0) });
  run(zone, 20);
  // All began at once: nobody could know better than to begin.
  assert.equal(zone.agents.map(({ gossip: { seq } }) => seq > 2), [false, true, true]);
  assert.equal(zone.agents.map((agent) => clockNews(agent).length), [1, 0, 0]);
});

/** Says each epoch another moment; and what others said long ago it says again, at the pace at which they said it. */
function clockLiar(dice: Seeded): Liar {
  const kept: Parameters<typeof sendAll>[2][] = [];
  let seq = 0;
  return {
    sends: () => false,
    hears: (incoming) => {
      if (incoming.topic.includes("/statement/")) kept.push(incoming);
    },
    atEpoch: ({ index, signer, state }, zone, epoch) => {
      const said = epoch + dice.pick([5, 5, 1e6, -5, -100, dice.int(40) - 20]);
      const { directory } = zone;
      const statement = signStatement({
        network: directory.network, zone: directory.zone.id, station: state.station, epoch: said as Epoch, seq: seq++,
        previous: new Uint8Array(0), rosterVersion: directory.version, evidence: [], checkpoint: new Uint8Array(0),
      }, signer);
      const { kind, station, whole } = messageOfStatement(statement);
      sendAll(zone, index, incomingOf(directory, { kind, station, bytes: whole }));
      for (const old of kept.splice(0, epoch % 30 < 15 ? 0 : 40)) sendAll(zone, index, old);
    },
  };
}

test("liars with clocks and replays of their own stop nobody", () => {
  const dice = seeded(36);
  for (const [n, f] of [[4, 1], [7, 2], [10, 3]] as const) {
    const liars = new Map(Array.from({ length: f }, (_, index): [number, Liar] => [index, clockLiar(dice)]));
    const zone = network(37, { n, f, liars, clockOff: (member) => (member === n - 1 ? 0.9 : 0) });
    run(zone, 70);
    for (const agent of honest(zone)) {
      assert.equal(clockNews(agent), [], `${n}, ${agent.index}`);
      assert.ok(agent.gossip.seq >= 66, `${n}: ${agent.gossip.seq}`);
      assert.ok(agent.state.clock.heard.size <= n);
    }
  }
});
