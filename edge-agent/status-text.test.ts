import { assert, test } from "../build/testing.ts";
import type { Status } from "./status.ts";
import { statusText } from "./status-text.ts";
import { bytesText, duration } from "./status-words.ts";
import { STATUS } from "./status.testing.ts";

test("the whole status in words", () => {
  const text = statusText(STATUS);
  const head = text.slice(0, text.indexOf("\n"));
  assert.is(head, "CP-001 in zone feeder-7, kerbwatch 0.1.0, mode observe, up 2 d 4 h, 61.0 MB of memory, pid 4711");
  assert.is(text.slice(head.length + 1), `in line     charger and CSMS connected, OCPP 1.6, for 60 min
            CSMS wss://csms.example:443, connections: 3, refused: 1
frames      1200 from the charger, 1190 from the CSMS; unparsed: 2 too-large, 1 not-json
delay       38 µs median, 181 µs at the 99th percentile
meter       EVSE 1, sdm630 at 127.0.0.1:502: 7204 W, 1234.57 kWh, 8 s ago
meter       EVSE 2, sdm72 at 127.0.0.1:503: LOST (no answer within 3 s); last 0 W, 0.01 kWh, 3 h 0 min ago
clock       good; 1 s behind the CSMS
log         321 entries, checkpoint 5 min ago, root abcd
learned     14.0 days of normal
incidents   1 open
  high  energy-theft, 97 % sure, since 2026-11-01T10:00:00.000Z
      Energy is delivered and not billed.
      kerbwatch explain 3fa2c1b4d5e6
beliefs     (1 is a verdict)
  1.00  energy-theft: 30 % more than billed
  0.21  authorization-abuse: 4 refused idTokens in 10 min
outlet      terminal: 2 alerts dropped (EIO)
notice      the clock was set
`);
});

test("a young agent without charger, meter or checkpoint says so", () => {
  const { delayUs: _d, since: _s, ...link } = STATUS.link;
  const young: Status = {
    ...STATUS, meters: [],
    link: { ...link, state: "waiting", unparsed: {}, oddities: { "call-error": 3 }, schemas: "absent",
      lastError: "no route" },
    clock: { state: "unset" }, log: { state: "read-only", entries: 0, why: "disk full" },
    learned: { days: 0 }, incidents: [], beliefs: [], outlets: [], notices: [],
  };
  const text = statusText(young);
  for (const part of ["no charger connected\n", "unparsed: none\n", "all the same: 3 call-error\n",
    "nothing passed yet", "last trouble: no route", "schemas: absent; no message",
    "none configured", "NEVER SET; the CSMS has not told the time yet", "READ ONLY (disk full); 0 entries",
    "no checkpoint yet", "0.0 days", "none open", "nothing suspected"]) {
    assert.match(text, part);
  }
});

test("a clock that is off by the neighbours says what comes of it; one that agrees is not talked of", () => {
  const line = (zone: NonNullable<Status["clock"]["zone"]>): string =>
    statusText({ ...STATUS, clock: { ...STATUS.clock, zone } }).split("\n").find((one) => one.startsWith("clock"))!;
  assert.is(line({ state: "off", heard: 5, aheadMs: -50_000 }),
    "clock       good; 1 s behind the CSMS; 50 s behind the neighbours' median: PUBLISHES NOTHING until it is set");
  assert.match(line({ state: "off", heard: 5, aheadMs: 7_200_000 }), "2 h 0 min ahead of the neighbours' median");
  assert.is(line({ state: "good", heard: 5, aheadMs: 0 }), "clock       good; 1 s behind the CSMS");
  assert.is(line({ state: "listens", heard: 0 }), "clock       good; 1 s behind the CSMS");
});

test("a charger that was taken around the agent is the first thing said", () => {
  const bypassed = { since: "2026-11-01T11:00:00.000Z", order: "SetNetworkProfile", host: "else.example",
    orderAt: "2026-11-01T10:59:00.000Z" };
  const told = (more: Partial<typeof bypassed> = {}): string[] =>
    statusText({ ...STATUS, link: { ...STATUS.link, state: "waiting", bypassed: { ...bypassed, ...more } } })
      .split("\n");
  assert.equal(told().slice(1, 3), [
    "BYPASSED    since 2026-11-01T11:00:00.000Z (60 min ago): nothing is seen of the charger any more",
    "            it accepted SetNetworkProfile to else.example on 2026-11-01T10:59:00.000Z, left, and was not heard "
      + "since",
  ]);
  assert.match(told({ host: "" })[2]!, "SetNetworkProfile to an unnamed host on");
  assert.match(told({ host: "x\nforged" })[3]!, /^in line {5}no charger/);
  assert.not.match(statusText(STATUS), "BYPASSED");
});

const ENDS: [string, RegExp][] = [
  ["2026-12-02T00:00:00.000Z", /^tls {9}own certificate ends on 2026-12-02/m],
  ["2026-11-30T00:00:00.000Z", /^tls {9}own certificate ENDS SOON, on 2026-11-30/m],
  ["2026-11-01T12:00:00.000Z", /^tls {9}own certificate ENDED on 2026-11-01/m],
];
for (const [ends, says] of ENDS) {
  test(`a certificate that ends ${ends}`, () =>
    assert.match(statusText({ ...STATUS, certificates: [{ use: "tls", ends }] }), says));
}

test("strings of the charger cannot move the cursor or forge a line", () => {
  const evil = "x\u001b[2J\n9.99  firmware-tampering";
  const text = statusText({ ...STATUS, notices: [evil], beliefs: [{ key: "starts", opinion: 0.5, says: evil }],
    link: { ...STATUS.link, csms: evil, lastError: evil } });
  assert.not.match(text, /\u001b/);
  assert.not.match(text, /^9\.99/m);
});

const DURATIONS: [number, string][] = [
  [0, "0 s"], [-5, "0 s"], [119, "119 s"], [120, "2 min"], [7199, "119 min"], [7200, "2 h 0 min"],
  [172_799, "47 h 59 min"], [172_800, "2 d 0 h"],
];
for (const [seconds, words] of DURATIONS) {
  test(`${seconds} s is ${words}`, () => assert.is(duration(seconds), words));
}

test("bytes in words", () => {
  assert.equal([0, 1023, 1536, 5 * 1024 * 1024].map(bytesText), ["0 B", "1023 B", "1.5 KB", "5.0 MB"]);
});
