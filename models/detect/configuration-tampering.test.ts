import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { Outcome } from "../terms.ts";
import { configurationTampering, type ConfigurationTampering } from "./configuration-tampering.ts";
import { Bench, type Seen, survivesRestarts, withstands } from "./detector.testing.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const KEY = "configuration-tampering";
const SITE = { csmsHost: "csms.example" };

function change(variable: string, value: string, outcome: Outcome = "accepted"): Seen {
  return { kind: "configuration-change", variable, value, secret: false, outcome };
}
const secret = (variable: string): Seen =>
  ({ kind: "configuration-change", variable, secret: true, outcome: "accepted" });

function profile(host: string, scheme = "wss", securityProfile?: number, outcome: Outcome = "accepted"): Seen {
  return {
    kind: "network-profile", csms: { scheme, host }, outcome, ...(securityProfile !== undefined && { securityProfile }),
  };
}

const create = (): Bench<ConfigurationTampering> => new Bench(configurationTampering, SITE);

const HONEST: Record<string, readonly Seen[]> = {
  "commissioning: forty ordinary settings at once":
    Array.from({ length: 40 }, (_, n) => change(`Vendor.Key${n}`, `${n}`)),
  "the rotation of a key": [secret("AuthorizationKey")],
  "a key and a higher profile": [secret("AuthorizationKey"), change("SecurityProfile", "2")],
  "the address that the station has already":
    [change("CentralSystemURL", "wss://CSMS.example:443/ocpp"), profile("csms.example", "wss", 2)],
  "another metering interval": [change("MeterValueSampleInterval", "900"), change("HeartbeatInterval", "3600")],
  "unknown idTokens allowed offline": [change("AllowOfflineTxForUnknownId", "true")],
  "commissioning that spares drivers the wait": [change("LocalPreAuthorize", "true"), change("Key", "1"),
    change("AuthorizeRemoteTxRequests", "false")],
};

for (const [name, changes] of Object.entries(HONEST)) {
  test(`honest: ${name}`, () => {
    const bench = create();
    changes.forEach((seen, n) => bench.see(seen, n));
    assert.ok(bench.peak(KEY) < 0.5, `${bench.peak(KEY)}`);
  });
}

test("settings pushed again after each boot, and a key rotated each month, stay quiet for two years", () => {
  const bench = create();
  for (let day = 0; day < 730; day += 2) {
    for (let n = 0; n < 30; n++) bench.see(change(`Key${n}`, "1"), day * DAY + n);
    bench.see(change("MeterValueSampleInterval", "0"), day * DAY + 40);
    if (day % 30 === 0) bench.see(secret("AuthorizationKey"), day * DAY + 50);
  }
  assert.ok(bench.peak(KEY) < 0.6, `${bench.peak(KEY)}`);
  assert.is(new Set(bench.state.known).size, bench.state.known.length);
});

const ATTACKS: Record<string, readonly Seen[]> = {
  "the security profile lowered": [change("SecurityProfile", "3"), change("SecurityProfile", "1")],
  "the security profile taken away": [change("SecurityCtrlr.SecurityProfile", "0")],
  "another CSMS by key": [change("CentralSystemURL", "wss://evil.example/")],
  "another CSMS by profile": [profile("evil.example")],
  "another CSMS without TLS": [profile("203.0.113.5", "ws")],
  "another CSMS whose name ends alike": [change("CentralSystemURL", "wss://evil.example/csms.example")],
  "another CSMS behind the name of the own one": [change("CentralSystemURL", "wss://csms.example@evil.example/")],
  "an attempt that the station refused": [change("CentralSystemURL", "wss://evil.example/", "refused")],
  "authorisation opened step by step, and nothing metered any more":
    [change("LocalPreAuthorize", "true"), change("AllowOfflineTxForUnknownId", "true"),
      change("AuthorizeRemoteTxRequests", "false"), change("MeterValueSampleInterval", "0")],
  "the same by names of 2.0.1": [change("AuthCtrlr.LocalPreAuthorize", "true"),
    change("AuthCtrlr.OfflineTxForUnknownIdEnabled", "true"), change("AuthCtrlr.AuthorizeRemoteStart", "false"),
    change("SampledDataCtrlr.TxUpdatedInterval", "0")],
  "hidden among ordinary settings":
    [...Array.from({ length: 20 }, (_, n) => change(`Key${n}`, "1")), change("SecurityProfile", "0")],
};

for (const [name, changes] of Object.entries(ATTACKS)) {
  test(`attack: ${name} is told at once`, () => {
    const bench = create();
    changes.forEach((seen, n) => bench.see(seen, n));
    assert.is(bench.raisedAt.get(KEY), changes.length - 1);
  });
}

test("what was an attack once is one again: neither repeating it nor words in between make it a habit", () => {
  const stories: Seen[][] = [
    Array.from({ length: 10 }, () => change("SecurityProfile", "1")),
    Array.from({ length: 10 }, () => profile("evil.example", "wss")),
    Array.from({ length: 10 }, () => change("CentralSystemURL", "wss://evil.example/")),
    [change("SecurityProfile", "abc", "error"), change("SecurityProfile", "NaN"), change("SecurityProfile", "99")],
  ];
  for (const story of stories) {
    const bench = create();
    bench.see(change("SecurityProfile", "3"), 0);
    story.forEach((seen, n) => bench.see(seen, 10 + n));
    const again = story[0]?.kind === "network-profile" || /URL/.test(JSON.stringify(story[0]))
      ? story[0]! : change("SecurityProfile", "1");
    const [found] = bench.see(again, 2 * DAY);
    assert.ok(found !== undefined && found.nats > 8, `${JSON.stringify(again)}: ${found?.nats}`);
  }
});

test("a link with TLS is profile 2 or higher, though no order ever said so", () => {
  const link = (tls: object): Seen => ({ kind: "link", state: "connect", ...tls });
  for (const [tls, lowers] of [[{ tlsPeerSha256: "ab" }, true], [{}, false]] as const) {
    for (const order of [change("SecurityProfile", "1"), profile("csms.example", "wss", 1)]) {
      const bench = create();
      bench.see(link(tls), 0);
      bench.see(order, DAY);
      assert.is(bench.raisedAt.has(KEY), lowers, `${JSON.stringify(tls)} ${order.kind}`);
    }
  }
  // An operator that ordered profile 1 once, before the link had TLS on the agent's side, is believed.
  const bench = create();
  [link({}), change("SecurityProfile", "1"), link({ tlsPeerSha256: "ab" }), change("SecurityProfile", "1")]
    .forEach((seen, n) => bench.see(seen, n));
  assert.ok(bench.peak(KEY) < 0.5, `${bench.peak(KEY)}`);
});

test("an empty value is told as nothing", () => {
  const [found] = create().see(change("MeterValuesSampledData", ""), 0);
  assert.match(found!.says, /^MeterValuesSampledData set to nothing: metering switched off$/);
});

test("a shell that is opened, an unchecked certificate and a new password in one run are told", () => {
  const bench = create();
  [change("AdditionalRootCertificateCheck", "false"), change("SSHEnabled", "true"), secret("AuthorizationKey"),
    change("SecurityEventLogging", "false")].forEach((seen, n) => bench.see(seen, n));
  assert.ok(bench.raisedAt.has(KEY));
  const support = create();
  [change("SSHEnabled", "true"), change("SSHEnabled", "false")].forEach((seen, n) => support.see(seen, n));
  assert.ok(support.peak(KEY) < 0.5, `${support.peak(KEY)}`);
});

test("one protection a day is told as a run; what is given back in between, or a month later, is none", () => {
  const taken = [change("AllowOfflineTxForUnknownId", "true"), change("StopTransactionOnInvalidId", "false"),
    change("MeterValueSampleInterval", "0")];
  const run = create();
  taken.forEach((seen, n) => run.see(seen, n * DAY));
  assert.ok(run.raisedAt.get(KEY)! <= 2 * DAY);
  const slow = create();
  taken.slice(0, 2).forEach((seen, n) => slow.see(seen, n * 30 * DAY));
  assert.ok(slow.peak(KEY) < 3, `${slow.peak(KEY)}`);
  const tried = create();
  for (let day = 0; day < 3; day++) {
    tried.see(taken[0]!, day * DAY);
    tried.see(change("AllowOfflineTxForUnknownId", "false"), day * DAY + HOUR);
  }
  assert.equal(tried.state.weakened, []);
  const usual = create();
  const off = change("AllowOfflineTxForUnknownId", "false");
  [off, taken[0]!, { ...off, outcome: "refused" as Outcome } as Seen].forEach((seen, n) => usual.see(seen, n * DAY));
  assert.equal(usual.state.weakened, ["AllowOfflineTxForUnknownId"], "a refusal gives nothing back");
  usual.see(off, 3 * DAY);
  assert.equal(usual.state.weakened, [], "the value that it had before");
});

test("what was refused, failed or never answered is not taken for set", () => {
  for (const outcome of ["refused", "error", "none"] as const) {
    const bench = create();
    bench.see(change("SecurityProfile", "3", outcome), 0);
    bench.see(change("Key", "1", outcome), 1);
    assert.equal([bench.state.securityProfile, bench.state.known], [undefined, []]);
  }
});

test("each kind counts once in a burst, and again an hour after it", () => {
  const bench = create();
  const nats = (s: number): number => bench.see(change("HeartbeatInterval", "999999"), s)[0]!.nats;
  assert.ok(nats(0) > 4);
  assert.equal([nats(60), nats(HOUR), nats(2 * HOUR - 1)], [0, 0, 0]);
  assert.ok(nats(4 * HOUR) > 4);
});

test("a profile order that is sent again in one burst adds nothing", () => {
  const bench = create();
  bench.see(profile("evil.example", "ws"), 0);
  const total = bench.total(KEY);
  for (let again = 1; again < 10; again++) bench.see(profile("evil.example", "ws"), again);
  assert.is(bench.total(KEY), total);
});

test("a network profile that lowers the security profile is told; the same or a higher one is not", () => {
  for (const [given, lowers] of [[1, true], [2, false], [3, false]] as const) {
    const bench = create();
    bench.see(change("SecurityProfile", "2"), 0);
    const [found] = bench.see(profile("csms.example", "wss", given), DAY);
    assert.is(found?.says.includes("with a lower security profile"), lowers, `${given}`);
    assert.is((found?.nats ?? 0) > 5, lowers, `${given}: ${found?.nats}`);
  }
});

test("joint feature: a protection switched off says over 8 nats at each station; ordinary roll-outs say less", () => {
  const natsOf = (changes: readonly Seen[]): number => {
    const bench = create();
    bench.tickTo(60 * DAY, 600);
    changes.forEach((seen, n) => bench.see(seen, 60 * DAY + n));
    return bench.total("settings");
  };
  assert.ok(natsOf([change("MeterValuesSampledData", "")]) > 8);
  assert.ok(natsOf([change("SecurityEventNotificationEnabled", "false")]) > 8);
  for (const name of ["commissioning: forty ordinary settings at once", "the rotation of a key"]) {
    const nats = natsOf(HONEST[name]!);
    assert.ok(nats > 0 && nats < 8, `${name}: ${nats}`);
  }
});

test("joint feature: what was set before is no news, and quiet time takes news back", () => {
  const bench = create();
  bench.tickTo(HOUR, 60);
  bench.see(change("A", "1"), HOUR);
  const first = bench.total("settings");
  assert.ok(first > 0);
  bench.see(change("A", "1"), HOUR + 60);
  assert.is(bench.total("settings"), first);
  bench.tickTo(6 * HOUR, 60);
  assert.ok(Math.abs(bench.total("settings")) < 1e-9);
});

test("the value of a secret is neither kept nor told", () => {
  const bench = create();
  bench.see({ kind: "configuration-change", variable: "AuthorizationKey", value: "hunter2", secret: true,
    outcome: "accepted" }, 0);
  assert.not.match(JSON.stringify([bench.state, bench.findings]), "hunter2");
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(configurationTampering, (bench) => {
    const random = seeded(51);
    const seen = [...Object.values(HONEST).flat(), ...Object.values(ATTACKS).flat()];
    for (let n = 0; n < 400; n++) bench.see(random.pick(seen), n * 300);
  }, SITE);
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(configurationTampering, seeded(52), 100_000);
});
