/**
 * No storm: a wrong clock, an outage with its backlog, an update with its reboot, each through the whole agent. Honest
 * trouble may be mentioned once, with little weight, and no more.
 */
import { assert, test } from "../build/testing.ts";
import { type Alert, SEVERITIES } from "../models/terms.ts";
import { CoreBench, type Happening, START, Story } from "./core.testing.ts";
import { type Memory, memoryOf } from "./memory.ts";
import type { Effect } from "./ports.ts";

const [MINUTE_S, HOUR_S, DAY_S] = [60, 3_600, 86_400];
const MOST = 1;

const raisedIn = (effects: readonly Effect[]): Alert[] =>
  effects.flatMap((effect) => (effect.kind === "alert" && effect.alert.state !== "cleared" ? [effect.alert] : []));

function isCalm(effects: readonly Effect[]): void {
  const told = raisedIn(effects);
  const words = told.map(({ threat, severity, summary }) => `${severity} ${threat}: ${summary}`).join("\n");
  assert.ok(told.length <= MOST, words);
  assert.ok(told.every(({ severity }) => SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf("low")), words);
}

/** Three sessions a day and a heartbeat every five minutes, as on any charger. */
function honestDays(story: Story, fromS: number, days: number): void {
  for (let day = 0; day < days; day += 1) {
    for (const hour of [1, 5, 11]) story.session(fromS + day * DAY_S + hour * HOUR_S, 40, `CARD-${day}-${hour}`);
  }
  story.heartbeats(fromS + 30, fromS + days * DAY_S);
}

function begins(story: Story, s = 0): void {
  story.add(s, { kind: "link", state: "connect", remoteAddress: "192.0.2.7" });
  story.boot(s + 1);
}

/** What an agent remembers after four honest days, and the charger's register then. */
let known: { readonly memory: Memory; readonly registerWh: number } | undefined;

function fourDays(): NonNullable<typeof known> {
  const honest = new Story();
  begins(honest, -4 * DAY_S);
  honestDays(honest, -4 * DAY_S, 4);
  honest.ticks(-4 * DAY_S, 0);
  const bench = new CoreBench({}, -4 * DAY_S);
  bench.takeAll(honest.inOrder());
  assert.equal(raisedIn(bench.effects), [], "the days before are honest");
  return { memory: memoryOf(bench.core.state, bench.now(0)), registerWh: honest.registerWh };
}

/** An agent that is new here, and one that knows four days; `tell` begins at second 0 of the newer day. */
function onBoth(tell: (story: Story) => void, wallAheadMs: (s: number) => number, untilS: number): void {
  const { memory, registerWh } = known ??= fourDays();
  for (const before of [undefined, memory]) {
    const story = new Story();
    story.registerWh = registerWh;
    tell(story);
    story.ticks(0, untilS);
    const bench = new CoreBench({
      wallAheadMs, ...(before !== undefined && { memory: structuredClone(before), monoMs: 4 * DAY_S * 1_000 }),
    });
    isCalm(bench.takeAll(story.inOrder()));
  }
}

test("a clock that begins in 1970 and is set after an hour", () => {
  onBoth((story) => {
    begins(story);
    honestDays(story, 0, 1);
  }, (s) => (s < HOUR_S ? -START : 0), DAY_S);
});

test("a clock that is a day ahead, set back after two hours, and jumps by an hour at night", () => {
  onBoth((story) => {
    begins(story);
    honestDays(story, 0, 1);
  }, (s) => (s < 2 * HOUR_S ? DAY_S * 1_000 : s < 15 * HOUR_S ? 0 : HOUR_S * 1_000), DAY_S);
});

/** The sessions of an outage as a charger tells them afterwards, as fast as the CSMS takes them. */
function backlog(story: Story, fromS: number, toS: number, atS: number): void {
  const offline = new Story();
  offline.registerWh = story.registerWh;
  for (let s = fromS + 10 * MINUTE_S; s < toS - HOUR_S; s += 2 * HOUR_S) offline.session(s, 40, `OFFLINE-${s}`);
  story.registerWh = offline.registerWh;
  const frames = offline.inOrder().filter(({ event }) => event.kind === "frame");
  for (const one of offline.inOrder()) if (one.event.kind === "meter") story.add(one.s, one.event);
  frames.forEach(({ event }, n) => story.add(atS + n * 0.1, renamed(event)));
}

/** Message ids of their own; transactions too. */
function renamed(event: Happening["event"]): Happening["event"] {
  if (event.kind !== "frame") return event;
  return { ...event, text: event.text.replace(/"m(\d+)"/, '"b$1"').replace(/"transactionId":1/g, '"transactionId":9') };
}

test("the CSMS is away for six hours, the charger tries again and again, and tells its backlog", () => {
  const [awayS, backS] = [6 * HOUR_S, 12 * HOUR_S];
  onBoth((story) => {
    begins(story);
    story.heartbeats(30, awayS);
    story.session(HOUR_S, 40, "CARD-1");
    story.add(awayS, { kind: "link", state: "disconnect", closeCode: 1006 });
    backlog(story, awayS, backS, backS + 10);
    story.add(backS, { kind: "link", state: "connect", remoteAddress: "192.0.2.7" });
    story.boot(backS + 1);
    story.heartbeats(backS + 60, DAY_S);
    story.session(backS + 2 * HOUR_S, 40, "CARD-2");
  }, () => 0, DAY_S);
});

test("the CSMS comes and goes for an hour before it stays away", () => {
  const [awayS, backS] = [6 * HOUR_S, 9 * HOUR_S];
  onBoth((story) => {
    begins(story);
    story.heartbeats(30, awayS);
    for (const s of [awayS, awayS + 20 * MINUTE_S, awayS + 50 * MINUTE_S]) {
      story.add(s, { kind: "link", state: "disconnect", closeCode: 1001 });
      story.add(s + 4 * MINUTE_S, { kind: "link", state: "connect", remoteAddress: "192.0.2.7" });
    }
    story.add(awayS + HOUR_S, { kind: "link", state: "disconnect", closeCode: 1006 });
    story.add(backS, { kind: "link", state: "connect", remoteAddress: "192.0.2.7" });
    story.boot(backS + 1);
    story.heartbeats(backS + 60, DAY_S);
  }, () => 0, DAY_S);
});

function bootsAs(story: Story, s: number, firmwareVersion: string): void {
  story.add(s, { kind: "link", state: "disconnect", closeCode: 1000 });
  story.add(s + 90, { kind: "link", state: "connect", remoteAddress: "192.0.2.7" });
  story.call(s + 91, "station", "BootNotification",
    { chargePointVendor: "V", chargePointModel: "M", firmwareVersion },
    { status: "Accepted", currentTime: new Date(START + s * 1_000).toISOString(), interval: 300 });
  story.call(s + 95, "station", "StatusNotification",
    { connectorId: 1, errorCode: "NoError", status: "Available" }, {});
}

test("an update: ordered over TLS, downloaded, installed, rebooted twice, another version told", () => {
  const atS = 8 * HOUR_S;
  onBoth((story) => {
    begins(story);
    honestDays(story, 0, 1);
    story.call(atS, "csms", "UpdateFirmware",
      { location: "https://firmware.vendor.example/m/1.1.bin", retrieveDate: new Date(START).toISOString() }, {});
    ["Downloading", "Downloaded", "Installing"].forEach((status, n) =>
      story.call(atS + 60 * (n + 1), "station", "FirmwareStatusNotification", { status }, {}));
    bootsAs(story, atS + 400, "1.1");
    bootsAs(story, atS + 700, "1.1");
    story.call(atS + 900, "station", "FirmwareStatusNotification", { status: "Installed" }, {});
  }, () => 0, DAY_S);
});
