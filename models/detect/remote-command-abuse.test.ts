import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { Outcome } from "../terms.ts";
import { Bench, type Seen, survivesRestarts, token, withstands } from "./detector.testing.ts";
import { remoteCommandAbuse, type RemoteCommandAbuse } from "./remote-command-abuse.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const KEY = "remote-command-abuse";

function command(name: string, transactionId?: string, outcome: Outcome = "accepted", evseId = 1): Seen {
  return { kind: "command", command: name, evseId, outcome, ...(transactionId !== undefined && { transactionId }) };
}
const start = (n: number): Seen =>
  ({ kind: "transaction-started", transactionId: `t${n}`, evseId: 1, offline: false });
const stop = (n: number): Seen => ({ kind: "transaction-ended", transactionId: `t${n}`, evseId: 1, offline: false });
const power = (powerW: number): Seen =>
  ({ kind: "meter-reading", reading: { evseId: 1, powerW }, side: "evse-output" });

/** Days with sessions of two hours, of which a share is begun and stopped by an app. */
function ordinaryDays(bench: Bench<RemoteCommandAbuse>, days: number, perDay: number, appShare: number): number {
  const random = seeded(4);
  let n = 0;
  for (let day = 0; day < days; day++) {
    for (let visit = 0; visit < perDay; visit++) {
      const s = day * DAY + 7 * HOUR + (visit * 15 * HOUR) / perDay + random.int(1_800);
      const app = random.next() < appShare;
      bench.tickTo(s, 60);
      if (app) bench.see(command("remote-start"), s);
      bench.see(start(++n), s + 20);
      bench.see(power(7_000), s + 60);
      bench.see(power(7_000), s + 2_000);
      if (app) bench.see(command("remote-stop", `t${n}`), s + 2_100);
      bench.see(stop(n), s + 2_110);
      bench.see(power(0), s + 2_120);
    }
    bench.tickTo((day + 1) * DAY, 60);
  }
  return n;
}

for (const [perDay, share] of [[4, 0], [4, 0.5], [12, 1]] as const) {
  test(`a month of ${perDay} sessions a day, ${100 * share} % of them by an app, is quiet`, () => {
    const bench = new Bench(remoteCommandAbuse);
    ordinaryDays(bench, 30, perDay, share);
    assert.ok(bench.peak(KEY) < 0.5, `${bench.peak(KEY)}`);
  });
}

test("a network that moves from cards to an app within a day stays quiet", () => {
  const bench = new Bench(remoteCommandAbuse);
  ordinaryDays(bench, 30, 10, 0);
  for (let n = 0; n < 200; n++) {
    const s = 30 * DAY + n * 2.4 * HOUR;
    bench.tickTo(s, 60);
    bench.see(command("remote-start"), s);
    bench.see(start(10_000 + n), s + 20);
    bench.see(power(7_000), s + 60);
    bench.see(command("remote-stop", `t${10_000 + n}`), s + HOUR);
    bench.see(stop(10_000 + n), s + HOUR + 5);
  }
  assert.ok(bench.peak(KEY) < 0.75, `${bench.peak(KEY)}`);
});

test("resets each night while nobody charges are a habit", () => {
  const bench = new Bench(remoteCommandAbuse);
  for (let day = 0; day < 60; day++) {
    bench.tickTo(day * DAY, 60);
    bench.see(command("reset"), day * DAY);
    bench.see(command("make-operative"), day * DAY + 90);
  }
  assert.ok(bench.peak(KEY) < 0.5, `${bench.peak(KEY)}`);
});

test("an operator at a stuck charger, who tries everything twice, stays quiet", () => {
  const bench = new Bench(remoteCommandAbuse);
  ordinaryDays(bench, 20, 4, 0);
  bench.see(start(9_999), 20 * DAY);
  ["remote-stop", "unlock", "reset", "unlock", "reset", "make-inoperative", "make-operative"].forEach((name, n) =>
    bench.see(command(name, name === "remote-stop" ? "t9999" : undefined), 20 * DAY + HOUR + n * 2 * MINUTE));
  assert.ok(bench.peak(KEY) < 0.75, `${bench.peak(KEY)}`);
});

test("the same refused command sent again is none of its own", () => {
  const bench = new Bench(remoteCommandAbuse);
  assert.ok(bench.see(command("unlock", undefined, "refused"), 0).length > 0);
  for (let n = 1; n < 100; n++) assert.equal(bench.see(command("unlock", undefined, "refused"), n * 30), []);
  assert.is(bench.state.commands, 1);
});

test("what is no such command says nothing", () => {
  const bench = new Bench(remoteCommandAbuse);
  for (const name of ["trigger", "set-monitoring", "clear-charging-profile", "__proto__", ""]) {
    assert.equal(bench.see(command(name), 0), [], name);
  }
});

test("remote starts refused to one driver after the other are told, those refused to one again and again not", () => {
  for (const [drivers, told] of [[30, true], [1, false]] as const) {
    const bench = new Bench(remoteCommandAbuse);
    ordinaryDays(bench, 30, 4, 0.9);
    const refused = command("remote-start", undefined, "refused");
    for (let n = 0; n < 30; n++) bench.see({ ...refused, token: token(n % drivers) } as Seen, 30 * DAY + 20 * n);
    bench.tickTo(30 * DAY + HOUR, 60);
    assert.is(bench.raisedAt.has(KEY), told, `${drivers}: ${bench.peak(KEY)}`);
  }
});

test("a storm of commands is told within little more than an hour", () => {
  for (const [everyS, cut, byS] of [[10, false, 65 * MINUTE], [20, true, 70 * MINUTE]] as const) {
    const bench = new Bench(remoteCommandAbuse);
    ordinaryDays(bench, 14, 4, 0.2);
    const from = 14 * DAY + 11 * HOUR;
    bench.tickTo(from, 60);
    bench.see(start(9_999), from);
    for (let n = 0; n < 400; n++) {
      const s = from + n * everyS;
      bench.tickTo(s);
      if (cut) bench.see(power(7_000), s);
      const name = n % 2 === 0 ? "remote-start" : "remote-stop";
      bench.see(cut ? command("reset") : command(name, `x${n}`), s + 1);
    }
    const raised = bench.raisedAt.get(KEY) ?? Infinity;
    assert.ok(raised >= from && raised <= from + byS, `every ${everyS} s: after ${raised - from} s`);
  }
});

test("stopping each session that a card began is told within two days", () => {
  const bench = new Bench(remoteCommandAbuse);
  ordinaryDays(bench, 30, 4, 0);
  for (let n = 0; n < 24; n++) {
    const s = 30 * DAY + 9 * HOUR + n * 2 * HOUR;
    bench.tickTo(s, 60);
    bench.see(start(9_000 + n), s);
    bench.see(power(7_000), s + 60);
    bench.see(command("remote-stop", `t${9_000 + n}`), s + 120);
    bench.see(stop(9_000 + n), s + 125);
  }
  assert.ok((bench.raisedAt.get(KEY) ?? Infinity) < 32 * DAY + 9 * HOUR, `${bench.peak(KEY)}`);
});

/** A month of ordinary days, and then `acts` of those sessions that draw power are hit, one in `every`, hours apart. */
function hit(name: string, acts: number, every = 1): Bench<RemoteCommandAbuse> {
  const bench = new Bench(remoteCommandAbuse);
  ordinaryDays(bench, 30, 4, 0);
  for (let n = 0; n < acts * every; n++) {
    const s = 30 * DAY + 9 * HOUR + n * 3 * HOUR;
    bench.tickTo(s, 60);
    bench.see(start(9_000 + n), s);
    bench.see(power(7_000), s + 60);
    if (n % every === 0) bench.see(command(name, name === "remote-stop" ? `t${9_000 + n}` : undefined), s + 600);
    bench.see(stop(9_000 + n), s + 605 + (n % every === 0 ? 0 : HOUR));
  }
  return bench;
}

for (const name of ["remote-stop", "unlock", "reset", "make-inoperative"]) {
  test(`${name} that hits session after session, hours apart: each adds, one or two are no alarm, eight are`, () => {
    const peaks = [1, 2, 3, 4, 5, 6].map((acts) => hit(name, acts).peak(KEY));
    for (let n = 1; n < peaks.length; n++) assert.ok(peaks[n]! > peaks[n - 1]! + 0.05, peaks.join(" "));
    assert.ok(peaks[1]! < 0.7, peaks.join(" "));
    assert.ok(hit(name, 8).raisedAt.has(KEY), `${hit(name, 8).peak(KEY)}`);
    const often = hit(name, 8, 6).raisedAt.has(KEY);
    assert.is(often, name === "unlock", "one session in six, as the help desk may; not with cables under power");
  });
}

test("one command that cuts many sessions at once, and all that one run does, is one act", () => {
  const bench = new Bench(remoteCommandAbuse);
  ordinaryDays(bench, 30, 4, 0);
  for (let evseId = 1; evseId <= 10; evseId++) {
    const s = 31 * DAY + evseId;
    bench.see({ kind: "transaction-started", transactionId: `m${evseId}`, evseId, offline: false }, s);
    bench.see({ kind: "meter-reading", reading: { evseId, powerW: 7_000 }, side: "evse-output" }, s + 20);
  }
  bench.see(command("reset", undefined, "accepted", 0), 31 * DAY + 60);
  for (let n = 1; n <= 5; n++) bench.see(command("unlock", undefined, "accepted", n), 31 * DAY + 60 + n);
  assert.ok(bench.state.acts.cuts.nats < 7, `${bench.state.acts.cuts.nats}`);
  assert.ok(bench.peak(KEY) < 0.6, `${bench.peak(KEY)}`);
});

for (const [share, days] of [[1, 60], [0.3, 60], [0.09, 90]] as const) {
  test(`a new agent where ${100 * share} % of card sessions are stopped remotely stays quiet`, () => {
    const [bench, random] = [new Bench(remoteCommandAbuse), seeded(8)];
    for (let n = 0; n < days * 6; n++) {
      const s = n * 4 * HOUR;
      bench.tickTo(s, 60);
      bench.see(start(n), s);
      bench.see(power(7_000), s + HOUR - 60);
      if (random.next() < share) bench.see(command("remote-stop", `t${n}`), s + HOUR);
      bench.see(stop(n), s + HOUR + 5);
    }
    assert.ok(bench.peak(KEY) < 0.9, `${bench.peak(KEY)}`);
  });
}

test("no further command of a run takes evidence back", () => {
  for (const names of [["reset"], ["make-inoperative", "make-operative"], ["remote-start", "remote-stop"]]) {
    const bench = new Bench(remoteCommandAbuse);
    ordinaryDays(bench, 14, 4, 0);
    for (let n = 0; n < 300; n++) {
      const before = bench.total(KEY);
      bench.see(command(names[n % names.length]!, `x${n}`), 14 * DAY + 10 * HOUR + n * 10);
      assert.ok(n < names.length || bench.total(KEY) >= before - 1e-9, `${names[0]} ${n}`);
    }
  }
});

test("joint feature: a reset that cuts a session where none is usual says over 8 nats, one while idle less", () => {
  const natsOf = (drawing: boolean): number => {
    const bench = new Bench(remoteCommandAbuse);
    ordinaryDays(bench, 30, 4, 0);
    const s = 30 * DAY + 11 * HOUR;
    bench.tickTo(s, 60);
    bench.see(start(9_999), s);
    bench.see(power(drawing ? 7_000 : 0), s + 10);
    return bench.see(command("reset"), s + 20).find(({ key }) => key === "commands")!.nats;
  };
  assert.ok(natsOf(true) > 8 && natsOf(true) < 12, `${natsOf(true)}`);
  assert.ok(natsOf(false) < 8, `${natsOf(false)}`);
});

test("power is known by its register where no power is read, and not for long", () => {
  const bench = new Bench(remoteCommandAbuse);
  const register = (energyImportWh: number): Seen =>
    ({ kind: "reported-reading", reading: { evseId: 1, energyImportWh }, transactionId: "t1", offline: false });
  bench.see(start(1), 0);
  bench.see(register(1_000), 60);
  bench.see(register(1_600), 360);
  assert.match(bench.see(command("remote-stop", "t1"), 400)[0]!.says, "while a session draws power");
  const later = new Bench(remoteCommandAbuse);
  later.see(start(1), 0);
  later.see(power(7_000), 60);
  assert.not.match(later.see(command("remote-stop", "t1"), HOUR)[0]!.says, "draws power");
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(remoteCommandAbuse, (bench) => {
    const random = seeded(6);
    for (let n = 0; n < 300; n++) {
      bench.tickTo(n * 400);
      const seen = [start(n), stop(n), power(7_000), command("reset"), command("remote-stop", `t${n}`)];
      bench.see(random.pick(seen), n * 400);
    }
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(remoteCommandAbuse, seeded(91), 100_000);
});

/** Two ordinary weeks, and then commands, `everyS` apart. */
function after(story: readonly Seen[], everyS: number): Bench<RemoteCommandAbuse> {
  const bench = new Bench(remoteCommandAbuse);
  ordinaryDays(bench, 14, 4, 0.2);
  const from = 14 * DAY + 2 * HOUR;
  bench.tickTo(from, 60);
  story.forEach((seen, n) => {
    bench.tickTo(from + n * everyS);
    bench.see(seen, from + n * everyS);
  });
  return bench;
}
const times = <T>(count: number, made: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => made(n));
const FAULTED: Seen = { kind: "status", evseId: 1, status: "Faulted" };

test("three hundred remote starts in an hour, accepted or refused, are told", () => {
  for (const outcome of ["accepted", "refused"] as const) {
    assert.ok(after(times(300, () => command("remote-start", undefined, outcome)), 12).raisedAt.has(KEY), outcome);
  }
});

test("five resets within an hour suffice where nobody is there and nothing is broken, ten anywhere", () => {
  const resets = (count: number, between: readonly Seen[] = []) =>
    after(times(count, () => command("reset")).flatMap((one) => [one, ...between]), 240);
  assert.ok(resets(5).raisedAt.has(KEY));
  assert.not.ok(resets(4).raisedAt.has(KEY));
  const occupied: Seen = { kind: "status", evseId: 1, status: "Occupied" };
  const starting: Seen = { kind: "status", evseId: 1, status: "Unavailable" };
  const parked = after([occupied, ...times(5, () => [command("reset"), starting, occupied]).flat()], 100);
  assert.not.ok(parked.raisedAt.has(KEY), "somebody came shortly before");
  const cut = (endsS: number): Bench<RemoteCommandAbuse> => {
    const bench = new Bench(remoteCommandAbuse);
    bench.tickTo(31 * DAY, 60);
    [start(1), occupied].forEach((seen) => bench.see(seen, 31 * DAY));
    bench.tickTo(31 * DAY + 2 * HOUR, 60);
    times(5, (n) => n).forEach((n) => {
      const s = 31 * DAY + 2 * HOUR + n * 240;
      bench.see(command("reset"), s);
      if (n === 0) bench.see(stop(1), s + endsS);
      [starting, occupied].forEach((seen) => bench.see(seen, s + 20));
    });
    return bench;
  };
  assert.ok(cut(10).raisedAt.has(KEY), "the vehicle is only told of again, and the reset ended its session");
  assert.not.ok(resets(7, [FAULTED]).raisedAt.has(KEY), "the operator tries to mend it");
  assert.not.ok(after(times(30, () => command("reset")), 900).raisedAt.has(KEY), "a CSMS that mends by itself");
  assert.ok(after(times(12, () => [command("reset"), FAULTED]).flat(), 120).raisedAt.has(KEY));
});

const says = (status: string, evseId = 1): Seen => ({ kind: "status", evseId, status });

test("a driver amid five resets is the reason for one of them; who tries again after each, for each", () => {
  const restart = [command("reset"), says("Unavailable"), says("Available")];
  const driver = [says("Preparing"), start(9_999)];
  const cut = [...driver, command("reset"), stop(9_999), says("Available")];
  const amid = [says("Available"), ...restart, ...restart, ...cut, ...restart, ...restart];
  assert.ok(after(amid, 80).raisedAt.has(KEY));
  assert.not.ok(after([...amid.slice(0, -3), ...driver], 80).raisedAt.has(KEY), "four");
  assert.not.ok(after(times(8, () => [...driver, ...restart]).flat(), 60).raisedAt.has(KEY), "helped by telephone");
  const there = [...driver, ...times(5, () => [command("reset"), says("Unavailable"), says("Preparing")]).flat()];
  assert.not.ok(after(there, 80).raisedAt.has(KEY), "waits for it to work");
  const broken = times(7, () => [command("reset"), says("Unavailable")]).flat();
  assert.not.ok(after([says("Faulted"), ...broken], 80).raisedAt.has(KEY), "the fault stands");
});

test("resets of one EVSE have their reasons there, or at the station", () => {
  const resetsWhile = (evseId: number): boolean => after(times(7, (n) => [
    says(n % 2 === 0 ? "Occupied" : "Available", evseId), command("reset"),
  ]).flat(), 200).raisedAt.has(KEY);
  assert.ok(resetsWhile(2));
  assert.not.ok(resetsWhile(0));
});

/** Half a year of two sessions a week and a reset a month, then resets, each with what the station says after it. */
function seldom(everyS: number, count: number, said: readonly Seen[], days = 180): Bench<RemoteCommandAbuse> {
  const bench = new Bench(remoteCommandAbuse);
  for (let day = 0; day < days; day++) {
    const s = day * DAY + 10 * HOUR;
    bench.tickTo(s, 60);
    const visit = day % 3 === 0 ? [says("Preparing"), start(day), power(7_000), stop(day)] : [];
    visit.forEach((seen, n) => bench.see(seen, s + n));
    if (day % 30 === 29) bench.see(command("reset"), s);
    bench.see(says("Available"), s + 60);
  }
  for (let n = 0; n < count; n++) {
    const s = days * DAY + n * everyS;
    bench.tickTo(s, 60);
    bench.see(command("reset"), s);
    said.forEach((seen) => bench.see(seen, s + 60));
  }
  return bench;
}

test("six hard resets within 75 minutes of a station that few use, and that says each time that it is free", () => {
  assert.ok(seldom(15 * MINUTE, 6, [says("Available")]).raisedAt.has(KEY));
  assert.not.ok(seldom(15 * MINUTE, 5, [says("Available")]).raisedAt.has(KEY));
  assert.not.ok(seldom(25 * MINUTE, 40, [says("Available")]).raisedAt.has(KEY), "more slowly");
  const ill = [[says("Preparing")], [says("Unavailable")], [says("Unavailable", 2), says("Available")], []];
  for (const said of [...ill, [says("Available"), says("Faulted", 2)]]) {
    assert.not.ok(seldom(15 * MINUTE, 30, said).raisedAt.has(KEY), "a CSMS that would mend what it sees");
  }
  assert.not.ok(seldom(15 * MINUTE, 1_000, [says("Available")], 1).raisedAt.has(KEY), "from the first day");
});

test("what befalls some of a busy week's sessions is told where chance does not explain it", () => {
  assert.ok(hit("unlock", 5, 4).raisedAt.has(KEY), `${hit("unlock", 5, 4).peak(KEY)}`);
  assert.not.ok(hit("unlock", 2, 4).raisedAt.has(KEY));
  assert.ok(hit("remote-stop", 10, 3).raisedAt.has(KEY), `${hit("remote-stop", 10, 3).peak(KEY)}`);
  assert.not.ok(hit("remote-stop", 3, 3).raisedAt.has(KEY));
});

/** Sessions of an hour every `everyH` hours, each stopped (or unlocked) where `befalls` says so. */
function sessionsOf(name: string, count: number, everyH: number, befalls: (n: number) => boolean) {
  const bench = new Bench(remoteCommandAbuse);
  let facts = 0;
  for (let n = 0; n < count; n++) {
    const s = n * everyH * HOUR;
    bench.tickTo(s, 60);
    bench.see(start(n), s);
    bench.see(power(7_000), s + HOUR - 60);
    if (befalls(n)) bench.see(command(name, name === "remote-stop" ? `t${n}` : undefined), s + HOUR);
    facts = Math.max(facts, bench.state.facts.nats);
    bench.see(stop(n), s + HOUR + 5);
  }
  return { bench, facts };
}

test("a session a day: six in a row stopped are told after three weeks of none, not after one", () => {
  assert.ok(sessionsOf("remote-stop", 27, 24, (n) => n >= 21).bench.raisedAt.has(KEY));
  assert.ok(sessionsOf("remote-stop", 24, 24, (n) => n >= 21).facts === 0, "three");
  assert.ok(sessionsOf("remote-stop", 13, 24, (n) => n >= 7).facts === 0, "too little is known");
});

test("what is a habit from the first day is no week beyond chance, however little the judgement expects it", () => {
  for (const name of ["remote-stop", "unlock"]) {
    for (const share of [0.5, 0.8, 1]) {
      const random = seeded(5);
      assert.is(sessionsOf(name, 240, 6, () => random.next() < share).facts, 0, `${name} ${share}`);
    }
  }
});

test("forty orders of all kinds within two minutes are a storm; a CSMS that polls by triggers is none", () => {
  const kinds = [command("clear-cache"), command("trigger"), command("unlock", undefined, "refused")];
  assert.ok(after(times(40, (n) => kinds[n % 3]!), 2).raisedAt.has(KEY));
  assert.not.ok(after(times(8, (n) => kinds[n % 3]!), 2).raisedAt.has(KEY));
  assert.is(after(times(400, () => command("trigger")), 10).state.facts.nats, 0);
});

test("five quick turns between start and stop suffice, those of short sessions do not", () => {
  const turn = (n: number): Seen => command(n % 2 === 0 ? "remote-start" : "remote-stop", `x${n}`);
  assert.ok(after(times(12, turn), 60).raisedAt.has(KEY));
  assert.not.ok(after(times(12, turn), 290).raisedAt.has(KEY));
});

test("honest: a local list in two hundred parts, and an operator who takes a site of ten EVSEs out and back", () => {
  assert.not.ok(after(times(200, () => command("send-local-list")), 5).raisedAt.has(KEY));
  const meters = times(10, (n): Seen =>
    ({ kind: "meter-reading", reading: { evseId: n + 1, powerW: 0 }, side: "ac-input" }));
  const site = (name: string) => times(10, (n) => command(name, undefined, "accepted", n + 1));
  const story = [...meters, ...site("make-inoperative"), ...site("unlock"), ...site("make-operative")];
  assert.not.ok(after(story, 20).raisedAt.has(KEY));
});

test("honest: a busy site of ten EVSEs where each session is started and stopped by an app", () => {
  // Each session ends when the tenth after it begins, seven minutes later.
  const visit = (n: number): Seen[] => [
    command("remote-stop", `t${49_990 + n}`, "accepted", 1 + (n % 10)), stop(49_990 + n),
    command("remote-start", undefined, "accepted", 1 + (n % 10)), start(50_000 + n),
  ];
  assert.ok(after(times(60, visit).flat(), 11).state.facts.nats === 0);
});

test("stops of one transaction after the other that never was here are told; of those that were, or again, not", () => {
  const stops = (ids: readonly string[], outcome: Outcome = "refused"): Bench<RemoteCommandAbuse> => {
    const bench = new Bench(remoteCommandAbuse);
    ordinaryDays(bench, 14, 4, 0.2);
    ids.forEach((id, n) => {
      bench.tickTo(14 * DAY + n * 90);
      bench.see(command("remote-stop", id, outcome), 14 * DAY + n * 90 + 1);
    });
    return bench;
  };
  const many = (id: (n: number) => string): string[] => Array.from({ length: 12 }, (_, n) => id(n));
  const guessed = stops(many((n) => `x${n}`));
  assert.ok((guessed.raisedAt.get(KEY) ?? Infinity) < 14 * DAY + 15 * MINUTE, `${guessed.peak(KEY)}`);
  for (const bench of [stops(many((n) => `x${n % 3}`)), stops(many((n) => `t${40 + n}`)),
    stops(many((n) => `x${n}`).slice(0, 6)), stops(many((n) => `x${n}`), "accepted")]) {
    assert.is(bench.state.facts.nats, 0);
    assert.not.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
  }
});
