import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { Bench, type Seen, survivesRestarts, withstands } from "./detector.testing.ts";
import { firmwareTampering, type FirmwareTampering } from "./firmware-tampering.ts";

const DAY = 24 * 3_600;
const KEY = "firmware-tampering";
const SITE = { csmsHost: "csms.example" };

function order(scheme: string, host: string, signed: boolean): Seen {
  return { kind: "firmware-order", from: { scheme, host }, signed, outcome: "accepted" };
}
function boot(firmwareVersion?: string): Seen {
  const told = firmwareVersion === undefined ? {} : { firmwareVersion };
  return { kind: "boot", vendor: "V", model: "M", outcome: "accepted", ...told };
}
const status = (text: string): Seen => ({ kind: "firmware-status", status: text });
const create = (): Bench<FirmwareTampering> => new Bench(firmwareTampering, SITE);

const HONEST: Record<string, readonly Seen[]> = {
  "a first signed order from a host never used": [order("https", "fw.example", true)],
  "a first unsigned order over TLS from a host never used": [order("https", "fw.example", false)],
  "a first unsigned order from the CSMS's own host over ftp": [order("ftp", "csms.example", false)],
  "the update that follows an order": [boot("1.0"), order("https", "fw.example", true), boot("1.1")],
  "a technician's local update": [boot("1.0"), boot("1.1")],
  "a restart with the same version, or with none told": [boot("1.0"), boot("1.0"), boot(), boot("1.0")],
  "the ordinary course of an update":
    ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"].map(status),
  "an order that is sent again and again": Array.from({ length: 20 }, () => order("ftp", "csms.example", false)),
};

for (const [name, story] of Object.entries(HONEST)) {
  test(`honest: ${name}`, () => {
    const bench = create();
    story.forEach((seen, n) => bench.see(seen, n * 600));
    assert.ok(bench.peak(KEY) < 0.75, `${bench.peak(KEY)}`);
  });
}

test("unsigned orders over ftp from one host are a habit where that is the habit", () => {
  const bench = create();
  for (let n = 0; n < 20; n++) bench.see(order("ftp", "csms.example", false), n * 30 * DAY);
  const usual = bench.see(order("ftp", "csms.example", false), 700 * DAY)[0]!;
  assert.ok(usual.nats < 0, `${usual.nats}`);
  assert.ok(bench.peak(KEY) < 0.5);
});

const ATTACKS: Record<string, readonly Seen[]> = {
  "an unsigned image over plain text from a bare address": [order("http", "203.0.113.9", false)],
  "an unsigned image over plain text from an unknown name": [order("ftp", "evil.example", false)],
  "a signature that the station refuses": [status("InvalidSignature")],
  "a certificate that the station refuses": [status("InvalidCertificate")],
};

for (const [name, story] of Object.entries(ATTACKS)) {
  test(`attack: ${name} is told at once, also after years of honest orders`, () => {
    for (const past of ["https", "ftp"]) {
      const bench = create();
      for (let n = 0; n < 20; n++) bench.see(order(past, "csms.example", past === "https"), n * 30 * DAY);
      story.forEach((seen, n) => bench.see(seen, 700 * DAY + n));
      assert.is(bench.raisedAt.get(KEY), 700 * DAY + story.length - 1, past);
    }
  });
}

test("an order without the signature is no retry of the one with it; a retry adds nothing for a day", () => {
  const bench = create();
  bench.see(order("https", "fw.example", true), 0);
  assert.is(bench.see(order("https", "fw.example", true), 600).length, 0);
  assert.ok(bench.see(order("https", "fw.example", false), 1_200).length > 0);
  assert.ok(bench.see(order("https", "fw.example", false), 1_200 + DAY).length > 0);
});

test("a hostile order is not learned: the hundredth says as much as the first", () => {
  const bench = create();
  const hostile = order("http", "evil.example", false);
  const nats = Array.from({ length: 100 }, (_, n) => bench.see(hostile, n * 2 * DAY)[0]!.nats);
  assert.is(nats[99], nats[0]);
  assert.not.ok(bench.state.hosts.includes("evil.example"));
});

test("joint feature: a signed roll-out from a known host says little, one that nothing vouches for over 8 nats", () => {
  const natsOf = (seen: Seen): number => {
    const bench = create();
    bench.tickTo(40 * DAY, 600);
    bench.see(seen, 40 * DAY);
    return bench.total("firmware-orders");
  };
  assert.ok(natsOf(order("https", "csms.example", true)) < 3);
  assert.ok(natsOf(order("https", "fw.example", true)) < 8);
  assert.ok(natsOf(order("ftp", "evil.example", false)) > 8);
});

test("an older version after a boot is worth more than a newer one, and an order explains for a week", () => {
  const natsOf = (from: string, to: string, orderedDaysAgo?: number): number => {
    const bench = create();
    bench.see(boot(from), 0);
    if (orderedDaysAgo !== undefined) bench.see(order("https", "csms.example", true), 1);
    return bench.see(boot(to), 1 + (orderedDaysAgo ?? 0) * DAY)[0]!.nats;
  };
  assert.ok(natsOf("2.0", "1.9") > 5.5);
  assert.ok(natsOf("2.0", "1.9", 1) < natsOf("2.0", "1.9"));
  assert.ok(natsOf("2.0", "2.1", 1) < 0);
  assert.is(natsOf("2.0", "2.1", 8), natsOf("2.0", "2.1"));
});

test("a signed step back from another host than before is told, a release taken back where it came from is not", () => {
  for (const [past, host, raised] of [[3, "fw.stranger.example", true], [3, "fw.example", false],
    [0, "fw.stranger.example", false]] as const) {
    const bench = create();
    for (let n = 0; n < past; n++) bench.see(order("https", "fw.example", true), n * 30 * DAY);
    [boot("2.0"), order("https", host, true), boot("1.9")].forEach((seen, n) => bench.see(seen, 100 * DAY + 60 * n));
    assert.is(bench.raisedAt.has(KEY), raised, `${past} ${host}: ${bench.peak(KEY)}`);
    const { says } = bench.findings.at(-1)!;
    assert.is(says, `firmware went back from 2.0 to 1.9 after an order${raised ? ", from another host than the releases"
      + " before it" : ""}`);
  }
});

test("a boot over a connection beside the one that stood is compared with nothing, and teaches nothing", () => {
  const link = (state: "connect" | "disconnect"): Seen => ({ kind: "link", state });
  const boot = (firmwareVersion: string): Seen =>
    ({ kind: "boot", vendor: "V", model: "M", outcome: "accepted", firmwareVersion });
  for (const [beside, told] of [[true, 0], [false, 1]] as const) {
    const bench = new Bench(firmwareTampering);
    bench.see(link("connect"), 0);
    bench.see(boot("2.3.1"), 1);
    if (!beside) bench.see(link("disconnect"), 3_595);
    bench.see(link("connect"), 3_600);
    bench.see(boot("1.0.0"), 3_601);
    assert.is(bench.findings.length, told);
    assert.is(bench.state.version, beside ? "2.3.1" : "1.0.0");
  }
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(firmwareTampering, (bench) => {
    const random = seeded(61);
    const seen = [...Object.values(HONEST).flat(), ...Object.values(ATTACKS).flat()];
    for (let n = 0; n < 400; n++) bench.see(random.pick(seen), n * 7_000);
  }, SITE);
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(firmwareTampering, seeded(62), 100_000);
});
