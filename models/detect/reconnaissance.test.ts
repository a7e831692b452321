import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { thresholdOf } from "../opine/threshold.ts";
import type { Oddity } from "../terms.ts";
import { Bench, type Seen, START, survivesRestarts, withstands } from "./detector.testing.ts";
import { reconnaissance, type Reconnaissance } from "./reconnaissance.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const KEY = "reconnaissance";

const read = (...names: string[]): Seen =>
  ({ kind: "configuration-read", variables: names.length, everything: false, names });
const EVERYTHING: Seen = { kind: "configuration-read", variables: 0, everything: true };
const LINK: Seen = { kind: "link", state: "connect" };
const BOOT: Seen = { kind: "boot", vendor: "V", model: "M", outcome: "accepted" };
const odd = (oddity: Oddity, detail: string): Seen => ({ kind: "oddity", oddity, detail });
const transfer = (vendor: string): Seen => ({ kind: "data-transfer", vendor, outcome: "refused" });
const numbered = (count: number, made: (n: number) => Seen): Seen[] => Array.from({ length: count }, (_, n) => made(n));
const create = (): Bench<Reconnaissance> => new Bench(reconnaissance);

/** A month of polling the same variables, a report each night, a boot a week that the CSMS answers with reading all. */
function ordinary(days = 30): Bench<Reconnaissance> {
  const bench = create();
  for (let day = 0; day < days; day++) {
    bench.tickTo(day * DAY, 60);
    bench.see(EVERYTHING, day * DAY);
    const afterBoot = day % 7 === 0 ? [BOOT, EVERYTHING, EVERYTHING, read("A", "B")] : [];
    afterBoot.forEach((seen, n) => bench.see(seen, day * DAY + n));
    for (let hour = 1; hour < 24; hour++) bench.see(read("A", "B", "C"), day * DAY + hour * HOUR);
  }
  bench.tickTo(days * DAY, 60);
  return bench;
}

test("polling, a nightly report and reading all after each boot are quiet", () => {
  const bench = ordinary();
  assert.ok(bench.peak(KEY) < 0.4, `${bench.peak(KEY)}`);
});

test("a nightly report of five hundred variables by name, some of them not there, is quiet once it was seen", () => {
  const bench = create();
  const report = numbered(50, (n) => ({
    kind: "configuration-read", variables: 10, everything: false, unknown: 1,
    names: Array.from({ length: 10 }, (_, k) => `C.V${10 * n + k}`),
  }));
  bench.see(BOOT, 0);
  for (let night = 0; night < 20; night++) {
    bench.tickTo(night * DAY + 1, 60);
    report.forEach((seen, n) => bench.see(seen, night * DAY + 1 + 2 * n));
  }
  assert.is(bench.raisedAt.has(KEY), false);
  assert.ok(bench.peak(KEY) < 0.7, `${bench.peak(KEY)}`);
});

const HONEST: Record<string, readonly Seen[]> = {
  "a CSMS that restarts and rereads everything, three times": [1, 2, 3].flatMap(() => [LINK, EVERYTHING, EVERYTHING]),
  "commissioning: two hundred variables, an action and a vendor of the CSMS's dialect": [
    BOOT, ...numbered(200, (n) => read(`Key${n}`)), odd("unknown-action", "VendorPing"), transfer("org.example/x"),
  ],
  "a new release of the CSMS with some more variables": numbered(15, (n) => read(`New${n}`)),
  "one unknown action, over and over": numbered(50, () => odd("unknown-action", "VendorPing")),
  "a CSMS that implements little": ["Heartbeat", "SecurityEventNotification", "DataTransfer", "LogStatusNotification"]
    .map((action) => odd("call-error", `${action} was answered NotImplemented`)),
};

for (const [name, story] of Object.entries(HONEST)) {
  for (const bench of [create(), ordinary(10)]) {
    const from = bench.state.freshMs < 0 ? 0 : 10 * DAY + 100;
    test(`honest: ${name}${from === 0 ? ", to a new agent" : ""}`, () => {
      story.forEach((seen, n) => bench.see(seen, from + 2 * n));
      assert.ok(bench.peak(KEY) < 0.7, `${bench.peak(KEY)}`);
    });
  }
}

const PROBE: readonly Seen[] = [
  EVERYTHING, EVERYTHING, ...numbered(30, (n) => read(`Probed${n}`)),
  ...numbered(5, (n) => odd("unknown-action", `Probe${n}`)),
  ...numbered(5, (n) => transfer(`vendor${n}`)),
  ...numbered(4, (n) => odd("call-error", `X${n} was answered NotImplemented`)),
];

test("a scan of many kinds is told while it lasts", () => {
  const bench = ordinary();
  PROBE.forEach((seen, n) => bench.see(seen, 30 * DAY + HOUR + 2 * n));
  assert.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
  assert.match(bench.findings.at(-1)!.says, "5 unknown actions");
});

test("a slow scan that changes its face is told within the day", () => {
  const bench = ordinary();
  for (let hour = 1; hour < 24; hour += 2) {
    bench.tickTo(30 * DAY + hour * HOUR, 60);
    const seen = [
      ...numbered(3, (n) => odd("unknown-action", `P${hour}.${n}`)), ...numbered(20, (n) => read(`v${hour}.${n}`)),
    ];
    seen.forEach((one, n) => bench.see(one, 30 * DAY + hour * HOUR + n));
  }
  assert.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
});

test("a sweep of variables after a boot says the more, the more are new, and stays below the threshold", () => {
  const peaks = [1, 8, 24, 64, 160, 400].map((count) => {
    const bench = ordinary(10);
    bench.see(BOOT, 10 * DAY + HOUR);
    const before = bench.total(KEY);
    for (let n = 0; n < count; n++) {
      const held = bench.total(KEY);
      bench.see(read(`Swept${n}`), 10 * DAY + HOUR + n);
      assert.ok(n === 0 || bench.total(KEY) >= held, `variable ${n} took evidence back`);
    }
    return bench.total(KEY) - before;
  });
  for (let n = 1; n < peaks.length; n++) assert.ok(peaks[n]! > peaks[n - 1]! + 0.1, peaks.join(" "));
  assert.ok(peaks.at(-1)! > peaks[0]! + 3, peaks.join(" "));
  assert.ok(peaks.at(-1)! < thresholdOf(KEY), peaks.join(" "));
});

/** What a run of requests comes to, five seconds apart, at an agent of ten days. */
function run(story: readonly Seen[], everyS = 5): Bench<Reconnaissance> {
  const bench = ordinary(10);
  story.forEach((seen, n) => {
    bench.tickTo(10 * DAY + HOUR + n * everyS);
    bench.see(seen, 10 * DAY + HOUR + n * everyS);
  });
  return bench;
}
const guess = (n: number): Seen => ({ ...read(`Guess${n % 7}`), unknown: 1 }) as Seen;
const event = (type: string): Seen => ({ kind: "security-event", type });

for (const [what, story, enough] of [
  ["settings guessed", guess, 12], ["variables of which all are there", (n: number) => read(`Swept${n}`), 150],
  ["everything read", () => EVERYTHING, 12], ["log-ins that fail", () => event("CsmsFailedToAuthenticate"), 8],
  ["vendors that the station does not know", (n: number) => transfer(`org.example/${n}`), 8],
] as const) {
  test(`${what}: ${enough} in a row are a fact that suffices, fewer are none`, () => {
    assert.ok(run(numbered(enough, story)).raisedAt.has(KEY), what);
    assert.not.ok(run(numbered(enough - 1, story)).raisedAt.has(KEY), what);
  });
}

test("honest: a CSMS that asks after each boot for thirty settings that the station has not, one by one", () => {
  const bench = ordinary(10);
  for (let day = 10; day < 40; day++) {
    bench.tickTo(day * DAY, 60);
    bench.see(BOOT, day * DAY);
    for (let n = 0; n < 30; n++) bench.see({ ...read(`Key${n}`), unknown: 1 } as Seen, day * DAY + n);
    // The operator looks at the same ones later on.
    for (let n = 0; n < 30; n++) bench.see({ ...read(`Key${n}`), unknown: 1 } as Seen, day * DAY + 5 * HOUR + n);
  }
  assert.ok(bench.peak(KEY) < 0.7, `${bench.peak(KEY)}`);
});

test("honest: an expired certificate of the CSMS, told of with the backlog", () => {
  const bench = ordinary(10);
  const from = 10 * DAY + HOUR;
  bench.see(LINK, from);
  for (let n = 0; n < 60; n++) bench.see(event("InvalidCsmsCertificate"), from + 0.1 * n);
  const old = { ...event("InvalidCsmsCertificate"), saidAt: START + (from - 600) * 1_000 } as Seen;
  for (let n = 0; n < 60; n++) bench.see(old, from + 120 + n);
  assert.is(bench.state.counts.logins, 0);
});

test("one request for hundreds of variables counts them all, though not all their names are told", () => {
  const bench = create();
  const names = Array.from({ length: 64 }, (_, n) => `Swept${n}`);
  bench.see({ kind: "configuration-read", variables: 300, everything: false, names }, 0);
  assert.is(bench.state.counts.variables, 300);
  bench.see({ kind: "configuration-read", variables: 300, everything: false, names }, 5);
  assert.is(bench.state.counts.variables, 300);
});

test("joint feature: a scan reaches 8 nats at each station, a CSMS's new release does not", () => {
  const natsOf = (story: readonly Seen[]): number => {
    const bench = ordinary();
    const before = bench.total("probes");
    story.forEach((seen, n) => bench.see(seen, 30 * DAY + HOUR + 2 * n));
    return bench.total("probes") - before;
  };
  assert.ok(natsOf(PROBE) > 8, `${natsOf(PROBE)}`);
  for (const story of Object.values(HONEST)) assert.ok(natsOf(story) < 8, `${natsOf(story)}`);
});

test("what was asked for once is known, and what is asked for often stays known", () => {
  const bench = create();
  assert.ok(bench.see(read("A"), 0).length > 0);
  for (let n = 0; n < 2_000; n++) {
    bench.see(read(`Key${n}`), 10 + n);
    assert.is(bench.state.counts.variables, Math.min(bench.state.counts.variables, 2_001));
    if (n % 100 === 0) bench.see(read("A"), 10 + n);
  }
  const names = bench.state.known.match(/.{4}/g)!;
  assert.is(names.length, 1_024);
  assert.is(new Set(names).size, 1_024);
  const before = bench.state.counts.variables;
  bench.see(read("A"), 3_000);
  assert.is(bench.state.counts.variables, before);
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(reconnaissance, (bench) => {
    const random = seeded(51);
    const seen = [...Object.values(HONEST).flat(), ...PROBE];
    for (let n = 0; n < 400; n++) {
      bench.tickTo(n * 300, 60);
      bench.see(random.pick(seen), n * 300);
    }
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(reconnaissance, seeded(52), 100_000);
});
