import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { Outcome } from "../terms.ts";
import { dataExfiltration, type DataExfiltration } from "./data-exfiltration.ts";
import { Bench, type Seen, survivesRestarts, withstands } from "./detector.testing.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const KEY = "data-exfiltration";
const SITE = { csmsHost: "csms.example" };

function order(scheme: string, host: string, outcome: Outcome = "accepted", what = "DiagnosticsLog"): Seen {
  return { kind: "upload-order", to: { scheme, host }, what, outcome };
}
const customer = (): Seen => order("", "", "accepted", "customer-information");
const USUAL = order("https", "logs.example");
const create = (): Bench<DataExfiltration> => new Bench(dataExfiltration, SITE);

/** A bench that has seen `days` days, with an upload to the usual host each `everyDays` (0: none). */
function after(days: number, everyDays: number): Bench<DataExfiltration> {
  const bench = create();
  for (let day = 0; day < days; day++) {
    bench.tickTo(day * DAY, 60);
    if (everyDays > 0 && day % everyDays === 0) bench.see(USUAL, day * DAY);
  }
  bench.tickTo(days * DAY, 60);
  return bench;
}

const HONEST: Record<string, readonly Seen[]> = {
  "a first order over TLS to a host never used": [USUAL],
  "a first order over ftp to a host never used": [order("ftp", "files.example")],
  "a first order over ftp to the CSMS's own host": [order("ftp", "csms.example")],
  "an order that is sent again and again": Array.from({ length: 5 }, () => order("https", "logs.example", "none")),
  "a driver who asks for his data": [customer()],
  "a first order that is no URL": [order("", "", "refused")],
};

for (const [name, story] of Object.entries(HONEST)) {
  for (const days of [0, 30]) {
    test(`honest: ${name}, after ${days} days`, () => {
      const bench = after(days, 0);
      story.forEach((seen, n) => bench.see(seen, days * DAY + n * 60));
      assert.ok(bench.peak(KEY) < 0.8, `${bench.peak(KEY)}`);
    });
  }
}

test("a log fetched each night, and one for the maker's support, stay quiet for half a year", () => {
  const bench = create();
  for (let day = 0; day < 180; day++) {
    bench.tickTo(day * DAY, 600);
    bench.see(USUAL, day * DAY);
    if (day % 60 === 59) bench.see(order("https", `support${day}.example`), day * DAY + 12 * HOUR);
  }
  assert.ok(bench.peak(KEY) < 0.5, `${bench.peak(KEY)}`);
});

test("a log fetched over ftp every night or two from its first week on is a habit, to an address it is none", () => {
  for (const everyDays of [0.5, 1, 2]) {
    for (const [host, quiet] of [["files.example", true], ["203.0.113.9", false]] as const) {
      const bench = create();
      for (let day = 3; day < 30; day += everyDays) {
        bench.tickTo(day * DAY, 600);
        bench.see(order("ftp", host), day * DAY);
      }
      assert.is(bench.peak(KEY) < 0.5, quiet, `${host} every ${everyDays} days: ${bench.peak(KEY)}`);
    }
  }
});

test("plain text to a bare address is told with the second upload, whether uploads are a habit or not", () => {
  for (const [everyDays, orders] of [[0, 2], [10, 2]] as const) {
    const bench = after(40, everyDays);
    for (let n = 0; n < orders; n++) {
      bench.tickTo(40 * DAY + n * 2 * HOUR, 60);
      bench.see(order("ftp", "203.0.113.9"), 40 * DAY + n * 2 * HOUR);
    }
    assert.is(bench.raisedAt.get(KEY), 40 * DAY + (orders - 1) * 2 * HOUR, `${everyDays}: ${bench.peak(KEY)}`);
  }
});

test("a new host where others are the habit is suspicious, and five of them within a day are told", () => {
  const bench = after(60, 7);
  for (let n = 0; n < 5; n++) {
    bench.tickTo(60 * DAY + n * 2 * HOUR, 60);
    bench.see(order("https", "evil.example"), 60 * DAY + n * 2 * HOUR);
  }
  assert.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
});

test("personal data of many drivers in a row", () => {
  const bench = after(30, 0);
  for (let n = 0; n < 80; n++) bench.see(customer(), 30 * DAY + n * 30);
  assert.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
});

test("joint feature: a stranger where others are the habit reaches 8 nats, the usual host never does", () => {
  const natsOf = (seen: Seen): number =>
    after(90, 14).see(seen, 90 * DAY).filter(({ key }) => key === "uploads").reduce((sum, { nats }) => sum + nats, 0);
  assert.ok(natsOf(order("https", "evil.example")) > 8);
  assert.ok(natsOf(order("ftp", "evil.example")) > 8);
  assert.ok(natsOf(USUAL) < 4, `${natsOf(USUAL)}`);
});

test("a host is known after one order where none is, after two where others are; a refused order teaches none", () => {
  const bench = create();
  bench.see(order("https", "never.example", "refused"), 0);
  bench.see(USUAL, DAY);
  assert.equal(bench.state.hosts, ["csms.example", "logs.example"]);
  for (let day = 2; day < 8; day++) bench.see(USUAL, day * DAY);
  bench.tickTo(20 * DAY, 600);
  bench.see(order("https", "new.example"), 20 * DAY);
  assert.equal(bench.state.hosts, ["csms.example", "logs.example"]);
  bench.tickTo(40 * DAY, 600);
  bench.see(order("https", "new.example"), 40 * DAY);
  assert.ok(bench.state.hosts.includes("new.example"));
  for (let n = 0; n < 20; n++) bench.see(order("ftp", "203.0.113.9"), (41 + n) * DAY);
  assert.not.ok(bench.state.hosts.includes("203.0.113.9"));
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(dataExfiltration, (bench) => {
    const random = seeded(61);
    const seen = [...Object.values(HONEST).flat(), order("ftp", "203.0.113.9")];
    for (let n = 0; n < 300; n++) {
      bench.tickTo(n * 3_000, 60);
      bench.see(random.pick(seen), n * 3_000);
    }
  }, SITE);
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(dataExfiltration, seeded(62), 100_000);
});

/** Ten days of nothing, and then observations, ten seconds apart. */
function told(story: readonly Seen[]): Bench<DataExfiltration> {
  const bench = new Bench(dataExfiltration);
  bench.tickTo(10 * DAY, 60);
  story.forEach((seen, n) => bench.see(seen, 10 * DAY + 10 * n));
  return bench;
}
const upload = (scheme: string, host: string, status = "Uploaded"): Seen[] => [
  { kind: "upload-order", to: { scheme, host }, what: "SecurityLog", outcome: "accepted" },
  { kind: "upload-status", status },
];
const person = (what = "customer-information"): Seen =>
  ({ kind: "upload-order", to: { scheme: "", host: "" }, what, outcome: "accepted" });
const many = (count: number, seen: readonly Seen[]): Seen[] => Array.from({ length: count }, () => seen).flat();

test("uploads that are done to strangers, one after the other, and driver after driver suffice", () => {
  assert.ok(told(many(4, upload("https", "logs.stranger.test"))).raisedAt.has(KEY));
  assert.ok(told(many(2, upload("ftp", "203.0.113.66"))).raisedAt.has(KEY));
  assert.ok(told(many(5, [person()])).raisedAt.has(KEY));
});

test("honest: support fetches two logs, a fetch that fails is ordered again, drivers' data are deleted", () => {
  for (const story of [
    many(2, upload("https", "logs.maker.test")), many(3, upload("ftp", "logs.maker.test", "UploadFailed")),
    many(8, upload("https", "logs.maker.test", "UploadFailure")), many(8, [person("customer-information, cleared")]),
    many(2, [person()]),
  ]) {
    const bench = told(story);
    assert.not.ok(bench.raisedAt.has(KEY), `${JSON.stringify(story[0])}: ${bench.peak(KEY)}`);
  }
});

test("one upload in plain text to an unknown address is told where another host is habit, not the first one", () => {
  for (const [everyDays, found] of [[10, true], [0, false]] as const) {
    const bench = after(40, everyDays);
    upload("ftp", "203.0.113.66").forEach((seen, n) => bench.see(seen, 40 * DAY + n));
    assert.is(bench.raisedAt.has(KEY), found, `${everyDays}: ${bench.peak(KEY)}`);
    if (found) assert.match(bench.findings.at(-1)!.says, /^an upload done in plain text/);
  }
  const failed = after(40, 10);
  upload("ftp", "203.0.113.66", "UploadFailed").forEach((seen, n) => failed.see(seen, 40 * DAY + n));
  assert.not.ok(failed.raisedAt.has(KEY), `${failed.peak(KEY)}`);
});
