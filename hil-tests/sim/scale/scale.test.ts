/** The scale bench on a small region: what it counts is what happened. */
import { assert, test } from "../../../build/testing.ts";
import type { StationId, ZoneId } from "../../../models/units.ts";
import { simulatedKeys } from "../soak/sim-crypto.ts";
import { EPOCH_S, MOST_ZONES, rosterOf, rostersFor, ZONE_SIZE } from "./scale-plan.ts";
import { CertificateWaits } from "./certificate-waits.ts";
import { ScaleRegion } from "./scale-region.ts";
import { costPicture, type ScaleRow, scaleTable } from "./scale-text.ts";
import { playRosters, type WorkerNews } from "./scale-worker.ts";
import { spreadRow } from "./spread.ts";

test("rosters for a region: all its zones, none with more than fit, as even as can be", () => {
  for (const agents of [1, 30, 31, 1_000, 1_201, 10_000, 100_000]) {
    const zones = rostersFor(agents);
    assert.is(zones.reduce((a, b) => a + b, 0), Math.ceil(agents / ZONE_SIZE));
    assert.ok(Math.max(...zones) <= MOST_ZONES && Math.max(...zones) - Math.min(...zones) <= 1, `${agents}`);
  }
});

test("real cores: a statement an agent and epoch, held by its whole zone, and the attacked zone alone raises", () => {
  const keys = simulatedKeys();
  const roster = rosterOf(keys, "r", 2);
  const region = new ScaleRegion(keys, roster, 1);
  for (let epoch = 0; epoch < 4; epoch++) region.playEpoch();
  const before = region.statements;
  for (let epoch = 4; epoch < 26; epoch++) region.playEpoch();
  assert.is(region.statements - before, 22 * 2 * ZONE_SIZE);
  assert.is(region.raised, ZONE_SIZE);
  const waits = region.waits.waitsMs();
  assert.ok(waits.length === 1 && waits[0]! > 0 && waits[0]! < 3 * EPOCH_S * 1_000, `${waits}`);
  const { messages } = region.traffic.get("statement")!;
  const copies = messages / region.statements / (ZONE_SIZE - 1);
  assert.ok(copies > 3 && copies < 3.6, `${copies}`);
  assert.is(region.heldOfAll(), 2 * ZONE_SIZE, "everybody holds a statement of everybody in its zone, two epochs back");
});

test("a wait begins with the statement that makes the zone raise, and ends with its first certificate", () => {
  const waits = new CertificateWaits({ n: 6, f: 1 }, "refusals");
  const [zone, calm] = ["attacked", "calm"] as ZoneId[];
  for (let member = 0; member < 5; member++) {
    waits.stated(zone!, `CP-${member}` as StationId, 3_000, 100 * member);
    waits.stated(calm!, `CP-${member}` as StationId, member === 0 ? 30_000 : 900, 100 * member);
  }
  assert.equal(waits.waitsMs(), [Infinity], "three nats at five of six raise, thirty at one do not");
  waits.stated(zone!, "CP-0" as StationId, 6_000, 900);
  for (const at of [1_000, 5_000]) waits.certified(zone!, at);
  waits.certified(calm!, 1_000);
  assert.equal(waits.waitsMs(), [1_000 - 400]);
});

test("rosters one after the other: what they did adds up, and progress ends at one", () => {
  const news: WorkerNews[] = [];
  playRosters({ rosters: [{ name: "a", zones: 1 }, { name: "b", zones: 1 }], epochs: 5, warmUp: 1 },
    (one) => news.push(one));
  const last = news.at(-1)!;
  assert.ok(last.kind === "done" && last.result.agents === 60 && last.result.agentEpochs === 240);
  const shares = news.flatMap((one) => (one.kind === "progress" ? [one.share] : []));
  assert.equal(shares, [...shares].sort((a, b) => a - b));
  assert.ok(Math.abs(shares.at(-1)! - 1) < 1e-9);
});

test("a record spreads over the links to all of a region; who misses what is lost for good is counted", () => {
  const whole = spreadRow({ agents: 300, loss: 0.3, resent: true, serfS: 2 });
  assert.equal([whole.agents, whole.leastReached], [300, 300]);
  assert.ok(whole.meanS > 0 && whole.longestS >= whole.meanS && whole.copies < 3.3);
  const lossy = spreadRow({ agents: 300, loss: 0.6, resent: false, serfS: 2 });
  assert.ok(lossy.leastReached < 300 && lossy.longestS === Infinity);
});

test("table and picture tell every row", () => {
  const row: ScaleRow = {
    asked: 30, agents: 30, rosters: 1, zonesEach: 1, epochs: 5, seconds: 2, cpuMs: 1.25, perSecond: 75, heapKb: 300,
    copies: 3.2, statementKbits: 22, allKbits: 25, raised: 0, certifiedS: [4.25, 12],
  };
  assert.match(scaleTable([row], 40), /30 +1 x 1 +5 +1\.25 +75 +300 +3\.20 +22\.0 +25\.0 +0 +4\.3\/12\.0/);
  const picture = costPicture([row, { ...row, agents: 100_000 }]);
  assert.ok(picture.startsWith("<svg") && picture.trimEnd().endsWith("</svg>"));
  assert.is(picture.split("<circle").length - 1, 4);
});
