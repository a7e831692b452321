import { assert, test } from "../../build/testing.ts";
import type { Observation } from "../../models/terms.ts";
import { DAY_MS, type MonotonicMs, type Now, SECOND_MS, type WallMs } from "../../models/units.ts";
import { createFaultWatch, type FaultWatch, openFaults, watchFaults } from "./faults.ts";

const START = Date.UTC(2026, 2, 2);
const at = (s: number): Now =>
  ({ wallMs: (START + s * SECOND_MS) as WallMs, monoMs: (s * SECOND_MS) as MonotonicMs });
type Body = Observation extends infer O ? O extends unknown ? Omit<O, "at"> : never : never;
const see = (watch: FaultWatch, s: number, ...bodies: Body[]): string[] =>
  watchFaults(watch, bodies.map((body) => ({ ...body, at: at(s).wallMs }) as Observation), at(s))
    .flatMap((effect) => (effect.kind === "fault" ? [`${effect.fault} ${effect.evseId}`] : [effect.kind]));
const open = (watch: FaultWatch): string[] => openFaults(watch).map(({ fault, evseId }) => `${fault} ${evseId}`);
const tick: Body = { kind: "tick" };
const status = (evseId: number, word: string): Body => ({ kind: "status", evseId, status: word });
const started: Body = { kind: "transaction-started", transactionId: "7", evseId: 1, offline: false };
const ended = (more: object = {}): Body =>
  ({ kind: "transaction-ended", transactionId: "7", evseId: 1, offline: false, ...more });
const reading = (energyImportWh: number, more: object = {}): Body =>
  ({ kind: "reported-reading", reading: { evseId: 1, energyImportWh }, transactionId: "7", offline: false, ...more });

test("a connector's fault lasts until its status says otherwise, and one that flaps is told once an hour", () => {
  const watch = createFaultWatch();
  assert.equal(see(watch, 0, status(1, "Faulted")), ["connector-fault 1"]);
  assert.equal(see(watch, 5, status(1, "Faulted")), []);
  assert.equal(open(watch), ["connector-fault 1"]);
  assert.equal(see(watch, 6, status(2, "Available")), []);
  assert.equal(open(watch), ["connector-fault 1"]);
  see(watch, 7, status(1, "Available"));
  assert.equal(open(watch), []);
  assert.equal(see(watch, 60, status(1, "Faulted")), [], "it flaps");
  assert.equal(open(watch), ["connector-fault 1"], "and still stands in status");
  see(watch, 61, status(1, "Available"));
  assert.equal(see(watch, 3_700, status(1, "Faulted")), ["connector-fault 1"]);
});

test("a late heartbeat: any frame takes its place, two may be lost, none is missed while the link is down", () => {
  const watch = createFaultWatch();
  const boot: Body = { kind: "boot", vendor: "V", model: "M", outcome: "accepted", heartbeatS: 300, frameNo: 1 };
  see(watch, 0, boot);
  assert.equal(see(watch, 1_040, tick), []);
  see(watch, 1_045, { kind: "heartbeat", frameNo: 2 });
  assert.equal(see(watch, 2_090, tick), []);
  assert.equal(see(watch, 2_100, tick), ["heartbeat-late 0"]);
  see(watch, 2_200, { kind: "heartbeat", frameNo: 3 }, tick);
  assert.equal(open(watch), []);
  see(watch, 2_300, { kind: "link", state: "disconnect" });
  assert.equal(see(watch, 9_000, tick), []);
  const without = createFaultWatch();
  see(without, 0, { kind: "boot", vendor: "V", model: "M", outcome: "accepted", frameNo: 1 });
  assert.equal(see(without, 90_000, tick), [], "nothing was asked for");
});

test("heartbeats that nobody asked for are late by their own rhythm, once it is known", () => {
  for (const [beats, fault] of [[10, []], [30, ["heartbeat-late 0"]]] as const) {
    const watch = createFaultWatch();
    for (let n = 0; n < beats; n++) {
      const at = 300 * n;
      assert.equal(see(watch, at, { kind: "heartbeat", frameNo: n }, tick), []);
      see(watch, at + 299, tick);
    }
    const last = 300 * (beats - 1);
    assert.equal(see(watch, last + 1_040, tick), []);
    assert.equal(see(watch, last + 1_060, tick), fault);
  }
});

test("heartbeats among the readings of a session show no rhythm: what follows it at rest is not late", () => {
  const watch = createFaultWatch();
  for (let s = 0; s < 9_000; s += 60) {
    see(watch, s, { ...reading(s), frameNo: s });
    if (s % 300 === 0) see(watch, s + 24, { kind: "heartbeat", frameNo: s + 1 });
  }
  for (let s = 9_000; s < 20_000; s += 300) {
    assert.equal(see(watch, s + 20, tick), []);
    see(watch, s + 24, { kind: "heartbeat", frameNo: s });
  }
  assert.equal(see(watch, 21_000, tick), ["heartbeat-late 0"], "by the rhythm of rest");
});

test("a register that goes back within a transaction; one that begins anew with the next is no fault", () => {
  const watch = createFaultWatch();
  see(watch, 0, started);
  assert.equal(see(watch, 60, reading(500), reading(900)), []);
  assert.equal(see(watch, 70, reading(300, { offline: true }), reading(300, { transactionId: "6" })), []);
  assert.equal(see(watch, 80, reading(700)), ["register-stepped-back 1"]);
  see(watch, 90, ended(), started);
  assert.equal(see(watch, 95, reading(0)), []);
});

test("a long transaction without a meter value, and ones that a fault ended, as a table", () => {
  const cases: [number, Body[], object, string[]][] = [
    [1_600, [], {}, ["no-meter-values 1"]],
    [1_400, [], {}, []],
    [1_600, [reading(1)], {}, []],
    [1_600, [reading(1, { transactionId: undefined })], {}, []],
    [1_600, [reading(1, { transactionId: "6" })], {}, ["no-meter-values 1"]],
    [1_600, [], { offline: true }, []],
    [100, [], { reason: "PowerLoss" }, ["stopped-by-fault 1"]],
    [100, [], { reason: "EVDisconnected" }, []],
  ];
  for (const [s, between, more, expected] of cases) {
    const watch = createFaultWatch();
    see(watch, 0, started);
    see(watch, 50, ...between);
    assert.equal(see(watch, s, ended(more)), expected, `${s} ${JSON.stringify(more)}`);
  }
});

test("a lost meter lasts until it reads; uploads and slow answers are moments, told once a day", () => {
  const watch = createFaultWatch();
  assert.equal(see(watch, 0, { kind: "meter-lost", evseId: 1, why: "time-out" }), ["meter-lost 1"]);
  assert.equal(open(watch), ["meter-lost 1"]);
  see(watch, 9, { kind: "meter-reading", reading: { evseId: 1 }, side: "evse-output" });
  assert.equal(open(watch), []);
  const slow: Body = { kind: "slow-answer", action: "Authorize", waitedMs: 15_000 };
  assert.equal(see(watch, 10, slow), ["csms-slow 0"]);
  assert.equal(see(watch, 20, { kind: "slow-answer", action: "Authorize" }), []);
  assert.equal(see(watch, 11 + DAY_MS / SECOND_MS, slow), ["csms-slow 0"]);
  assert.equal(see(watch, 30, { kind: "upload-status", status: "Uploaded" }), []);
  assert.equal(see(watch, 31, { kind: "upload-status", status: "UploadFailure" }), ["upload-failed 0"]);
});

test("hostile numbers of EVSEs and transactions leave the state bounded", () => {
  const watch = createFaultWatch();
  for (let evseId = 1; evseId < 5_000; evseId++) {
    see(watch, evseId, status(evseId, "Faulted"), { ...started, evseId } as Body);
  }
  assert.ok(watch.open.size <= 64 && watch.told.size <= 64 && watch.running.size <= 64);
});

test("a register that stands while power is told: after two and a half kilowatt-hours, and not where it moves", () => {
  const told = (energyImportWh: number, powerW?: number): Body =>
    reading(0, { reading: { evseId: 1, energyImportWh, ...(powerW !== undefined && { powerW }) } });
  const run = (registerWh: (n: number) => number, powerW?: number): string[] => {
    const watch = createFaultWatch();
    see(watch, 0, started);
    return Array.from({ length: 12 }, (_, n) => see(watch, 300 * (n + 1), told(registerWh(n), powerW))).flat();
  };
  assert.equal(run(() => 500, 7_000), ["register-stuck 1"]);
  assert.equal(run(() => 500, Number.NaN), []);
  assert.equal(run(() => 500), []);
  assert.equal(run(() => 500, 1_000), []);
  assert.equal(run((n) => 1_000 * Math.floor((n * 583) / 1_000), 7_000), [], "steps of a kilowatt-hour");
});

test("a register that stands from session to session: told by power at the beginning and none at the end", () => {
  const run = (stopWh: number, restWh = 0): string[] => {
    const watch = createFaultWatch();
    const told = (energyImportWh: number, powerW: number): Body =>
      reading(0, { reading: { evseId: 1, energyImportWh, powerW } });
    return Array.from({ length: 4 }, (_, n) => {
      const [s, fromWh] = [10_000 * n, 500 + n * (stopWh + restWh)];
      return [...see(watch, s, { ...started, registerWh: fromWh } as Body, told(fromWh, 0)),
        ...see(watch, s + 10, told(fromWh, 2_300)), ...see(watch, s + 3_610, told(fromWh + stopWh, 0)),
        ...see(watch, s + 7_000, told(fromWh + stopWh, 0), ended({ registerWh: fromWh + stopWh }))];
    }).flat();
  };
  assert.equal(run(0), ["register-stuck 1"], "1.15 kWh each: in the third session");
  assert.equal(run(2_300), []);
  assert.equal(run(0, 1_000), [], "it moved in between");
});

test("current that begins after a long pause has not flowed in it", () => {
  const watch = createFaultWatch();
  const told = (powerW: number): Body => reading(0, { reading: { evseId: 1, energyImportWh: 500, powerW } });
  assert.equal(see(watch, 0, { ...started, registerWh: 500 } as Body, told(0)), []);
  assert.equal(see(watch, 7_200, told(11_000)), []);
  assert.equal(see(watch, 8_200, told(11_000)), ["register-stuck 1"]);
});

test("boots again and again that nobody ordered are a fault; those after an order, or not accepted, are none", () => {
  const boot = (more: object = {}): Body => ({ kind: "boot", vendor: "V", model: "M", outcome: "accepted", ...more });
  const told = (first: Body | undefined, body: Body, everyS = 600): string[] => {
    const watch = createFaultWatch();
    return [0, 1, 2, 3].flatMap((n) => see(watch, n * everyS, ...(first === undefined ? [] : [first]), body));
  };
  const reset: Body = { kind: "command", command: "reset", outcome: "accepted" };
  assert.equal(told(undefined, boot({ reason: "Watchdog" })), ["restarts 0"]);
  assert.equal(told(undefined, boot()), ["restarts 0"]);
  for (const quiet of [told(reset, boot()), told(undefined, boot({ reason: "RemoteReset" })),
    told(undefined, boot({ outcome: "none" })), told(undefined, boot(), 2_000)]) assert.equal(quiet, []);
});

test("a link that fails ten times a day where it was good is a fault, once a day; one that always did is none", () => {
  const day = (watch: FaultWatch, from: number, losses: number): string[] => {
    const told: string[] = [];
    for (let s = 0; s < 86_400; s += 600) {
      told.push(...see(watch, from + s, tick));
      if (losses === 0 || s % (86_400 / losses) >= 600) continue;
      // Two attempts fail before it is back.
      const states = [["disconnect", 1], ["connect", 300], ["disconnect", 310], ["connect", 599]] as const;
      for (const [state, after] of states) {
        told.push(...see(watch, from + s + after, { kind: "link", state }));
      }
    }
    return told;
  };
  const [good, bad] = [createFaultWatch(), createFaultWatch()];
  see(good, 0, { kind: "link", state: "connect" });
  see(bad, 0, { kind: "link", state: "connect" });
  for (let n = 1; n < 21; n++) {
    assert.equal(day(good, n * 86_400, n % 7 === 0 ? 1 : 0), []);
    const told = day(bad, n * 86_400, 10);
    if (n > 7) assert.equal(told, []);
  }
  assert.equal(day(good, 21 * 86_400, 10), ["link-unsteady 0"]);
  assert.equal(day(good, 22 * 86_400, 10), ["link-unsteady 0"], "the day after as well");
  assert.equal(day(good, 30 * 86_400, 2), []);
});

test("a link that stays away is told after three hours, however often it is tried, and ends when it is back", () => {
  const watch = createFaultWatch();
  assert.equal(see(watch, 90_000, tick), [], "there was none yet");
  const link = (s: number, state: "connect" | "disconnect"): string[] => see(watch, s, { kind: "link", state }, tick);
  for (const s of [0, 4_000, 8_000]) assert.equal(link(100_000 + s, "disconnect"), []);
  assert.equal(see(watch, 110_799, tick), []);
  assert.equal(see(watch, 110_800, tick), ["link-down 0"]);
  assert.equal(see(watch, 150_000, tick), []);
  assert.equal(open(watch), ["link-down 0"]);
  assert.equal(link(160_000, "connect"), []);
  assert.equal(open(watch), []);
  assert.equal(see(watch, 200_000, tick), []);
});

test("a reset that was ordered explains the loss that follows", () => {
  const watch = createFaultWatch();
  for (let n = 0; n < 12; n++) {
    see(watch, 3_600 * n, { kind: "link", state: "connect" });
    see(watch, 3_600 * n + 3_500, { kind: "command", command: "reset", outcome: "accepted" } as Body);
    assert.equal(see(watch, 3_600 * n + 3_510, { kind: "link", state: "disconnect" }), []);
  }
});
