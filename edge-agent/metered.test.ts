/** A member on a metered link (gossip/SPEC.md, section 7a) in a zone of real cores, over a site's broker. */
import { assert, test } from "../build/testing.ts";
import { readMessage } from "../gossip/certificate.ts";
import { borne } from "../gossip/metered.ts";
import { directoryOf } from "../gossip/directory.ts";
import type { Outgoing } from "../gossip/protocol-state.ts";
import type { Kind } from "../gossip/message.ts";
import { reportMesh } from "./mesh-report.ts";
import { entriesOf, type House, rosterOf, stationAt, ZONE, ZoneCores, type ZoneOptions } from "./zone-cores.testing.ts";

const [N, F, METERED] = [8, 1, 2];
/** It tells which certificates it holds this rarely, epochs. */
const BARE_DIGEST_EVERY = 16;
const RISE = 12_000;

function zoneOf(more: ZoneOptions = {}, n = N, f = F): ZoneCores {
  const zone = new ZoneCores(n, f, { witnesses: true, rosters: true, metered: [METERED], ...more });
  zone.pass(40);
  return zone;
}

const own = (zone: ZoneCores, kind: Kind): number[] => zone.house(METERED).published
  .filter(({ message }) => message.kind === kind).map(({ epoch }) => epoch);
const alertsOf = ({ alerts }: House) => alerts.filter(({ scope }) => scope === "zone");

test("what a zone bears: with f silent a quorum is left", () => {
  const zones = [[30, 3, 10], [20, 3, 5], [8, 1, 2], [7, 2, 0], [8, 2, 0], [4, 1, 0], [1, 0, 0]] as const;
  for (const [n, f, most] of zones) {
    assert.is(borne(directoryOf(rosterOf(n, f), ZONE)), most, `${n}/${f}`);
  }
});

test("at rest it states in each third epoch, and when its evidence rises or falls far at once", () => {
  const zone = zoneOf();
  const begun = zone.epoch;
  zone.pass(12);
  const quiet = own(zone, "statement").filter((epoch) => epoch > begun);
  assert.equal(quiet.map((epoch) => (epoch + METERED) % 3), [0, 0, 0, 0]);
  for (const [moves, says] of [[1, true], [-250, true], [-100, false]] as const) {
    while ((zone.epoch + METERED) % 3 !== 0) zone.pass(1);
    zone.suspect("uploads", moves, [METERED]);
    zone.pass(1);
    assert.is(own(zone, "statement").at(-1) === zone.epoch, says, String(moves));
  }
  const { seq, epoch } = zone.house(METERED).core!.state.gossip.protocol!.view.members[METERED]!.statements.at(-1)!;
  assert.is(own(zone, "statement").at(-1), epoch);
  assert.is(seq, own(zone, "statement").length - 1, "without gaps in its chain");
});

test("evidence that only it completes is certified at once, and the certificate with its statements reaches it", () => {
  for (const suspects of [[3, 4], [METERED, 3, 4]]) {
    const zone = zoneOf();
    while ((zone.epoch + METERED) % 3 !== 0) zone.pass(1);
    zone.suspect("energy-theft", RISE, suspects);
    zone.pass(N);
    const told = zone.houses.map(alertsOf);
    assert.equal(told.map(({ length }) => length), zone.houses.map(() => (suspects.includes(METERED) ? 1 : 0)));
    if (!suspects.includes(METERED)) continue;
    assert.is(new Set(told.map(([one]) => JSON.stringify([one!.incidentId, one!.stations, one!.summary]))).size, 1);
    assert.equal(told[METERED]![0]!.stations, [METERED, 3, 4].map(stationAt));
    const kept = entriesOf(zone.house(METERED)).filter(({ kind }) => kind === "certificate");
    assert.ok(kept.length > 0, "its log holds it");
    assert.is(own(zone, "vote").length + own(zone, "proposal").length + own(zone, "certificate").length, 0);
    // The whole incident: it is renewed, and what renewals list is not fetched.
    const asked = own(zone, "request").length;
    assert.is(asked, 1);
    zone.pass(60, () => zone.suspect("energy-theft", 1_000, [METERED, 3, 4]));
    assert.is(own(zone, "request").length, asked);
    assert.ok([...zone.house(METERED).core!.state.zone!.protocol.incidents.values()].every(({ lapsed }) => !lapsed));
  }
});

test("who was away from the broker hears of the certificate when it is back, and is not silent for long", () => {
  const zone = zoneOf();
  let isAway = true;
  zone.loses = (from, to) => isAway && [from, to].includes(stationAt(METERED));
  zone.pass(4);
  zone.suspect("energy-theft", RISE, [1, 3, 4, 5]);
  zone.pass(12);
  const told = zone.houses.map((house) => alertsOf(house).length);
  assert.equal(told, zone.houses.map((_, index) => (index === METERED ? 0 : 1)));
  isAway = false;
  zone.pass(BARE_DIGEST_EVERY, () => zone.suspect("energy-theft", 0, [1]));
  // A renewal may come first, and is then another name of the same incident.
  const last = alertsOf(zone.house(METERED)).at(-1)!;
  assert.equal([last.state === "cleared", last.incidentId], [false, alertsOf(zone.house(0))[0]!.incidentId]);
  const { view } = zone.house(0).core!.state.zone!.protocol;
  assert.ok(zone.epoch - view.members[METERED]!.heard < 3);
});

test("killed and begun again it states no epoch twice, knows its clock by its witnesses, and is cosigned", () => {
  const zone = zoneOf();
  const { witnessing } = zone.house(METERED).core!.state;
  assert.ok(witnessing!.collected.best!.lines.size > F, "its log is witnessed");
  zone.kill(METERED);
  zone.pass(2);
  zone.start(METERED);
  zone.pass(5);
  const { zone: state, witnessing: after } = zone.house(METERED).core!.state;
  const { state: clock, heard } = state!.protocol.clock.standing;
  assert.equal([clock, heard], ["good", N - 1]);
  assert.ok(after!.collected.silent.size === 0, "all have answered");
  const stated = own(zone, "statement");
  assert.is(new Set(stated).size, stated.length);
  assert.ok(stated.at(-1)! > zone.epoch - 3);
  for (const { core } of zone.houses) {
    assert.ok(core!.state.zone!.protocol.view.members.every(({ guilt }) => guilt === undefined));
  }
});

test("it knows the clocks of all others, and holds no statement but its own", () => {
  const zone = zoneOf();
  const { protocol } = zone.house(METERED).core!.state.gossip;
  assert.is(protocol!.clock.standing.heard, N - 1, "by checkpoints, answers and rosters alone");
  assert.is(protocol!.view.members.filter(({ statements }) => statements.length > 0).length, 1);
});

test("its digest moves no statement, and everybody knows that it does not vote", () => {
  const zone = zoneOf();
  const resent: Outgoing[] = [];
  zone.watch = (house, effects) => {
    if (house.index === METERED) return;
    for (const effect of effects) {
      if (effect.kind === "publish") resent.push(...effect.messages.filter(({ kind }) => kind === "request"));
    }
  };
  const before = zone.houses.map(({ published }) => published.length);
  zone.pass(BARE_DIGEST_EVERY + 1);
  assert.equal(resent, [], "nor does anybody ask for what it did not say");
  zone.houses.forEach(({ published, index }) => {
    const epochs = published.slice(before[index]).filter(({ message }) => message.kind === "statement");
    assert.is(new Set(epochs.map(({ message }) => Buffer.from(message.bytes).toString("hex"))).size, epochs.length,
      "no statement goes out twice");
  });
  for (const { core } of zone.houses) {
    assert.equal([...core!.state.zone!.protocol.meteredSince.keys(), ...(core!.state.zone!.protocol.metered
      ? [stationAt(METERED)] : [])], [stationAt(METERED)]);
  }
});

test("a voter that has just begun and hears nothing is not taken for one: its digest lists its own statement", () => {
  const VOTER = 3;
  for (const down of [0, 1, 4]) {
    const zone = zoneOf();
    zone.loses = (_, to) => to === stationAt(VOTER);
    zone.kill(VOTER);
    if (down > 0) zone.pass(down);
    const begun = zone.epoch;
    zone.start(VOTER);
    zone.pass(12);
    const digests = zone.house(VOTER).published
      .filter(({ epoch, message }) => message.kind === "digest" && epoch > begun)
      .map(({ message: { bytes } }) => readMessage("digest", bytes)!.content.newest.map(({ index }) => index));
    assert.ok(digests.length > 0 && digests.every((newest) => newest.includes(VOTER)), JSON.stringify([down, digests]));
    for (const { core } of zone.houses) {
      assert.not(core!.state.zone!.protocol.meteredSince.has(stationAt(VOTER)));
    }
  }
});

test("where a zone bears none it is told once, and the zone certifies while all others vote", () => {
  const zone = zoneOf({}, 7, 2);
  for (const { notices } of zone.houses) {
    assert.equal(notices.filter((text) => text.includes("do not vote")).map((text) => text.slice(0, 66)),
      ["mesh: 1 members do not vote (mesh.metered), and this zone bears 0:"]);
  }
  zone.suspect("energy-theft", RISE);
  zone.pass(10);
  assert.equal(zone.houses.map((house) => alertsOf(house).length), zone.houses.map(() => 1));
  const { zone: state } = zone.house(0).core!.state;
  const status = reportMesh({
    zone: state!, listen: undefined, wallMs: 0 as never, startedAt: 0 as never, counts: {
      port: undefined, broker: undefined, links: [], repeats: 0,
      sent: { messages: 0, bytes: 0, messagesPerS: 0, bytesPerS: 0 },
      received: { messages: 0, bytes: 0, messagesPerS: 0, bytesPerS: 0 },
    },
  });
  assert.equal(status.metered, { members: [stationAt(METERED)], borne: 0, self: false });
});
