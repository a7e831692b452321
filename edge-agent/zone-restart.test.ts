/** What a zone agreed outlives its agents: killed at any moment, they go on from their logs. */
import { assert, test } from "../build/testing.ts";
import { makeProof } from "../gossip/equivocation.ts";
import { headOf, readMessage } from "../gossip/certificate.ts";
import { directoryOf } from "../gossip/directory.ts";
import { messageOfStatement } from "../gossip/message.ts";
import { encodeRoster } from "../gossip/roster.ts";
import { signStatement } from "../gossip/statement.ts";
import { EVIDENCE_KEYS, threatOf } from "../models/terms.ts";
import { checkRecorded, recordedCertificates } from "./record/certificate-entry.ts";
import { decodeEntry, encodeEntry } from "./record/entry.ts";
import {
  crypto, entriesOf, type House, rosterOf, stationAt, statementSigner, ZONE, ZoneCores,
} from "./zone-cores.testing.ts";

const KEY = "refusals";
const THREAT = threatOf(KEY);
const THREAT_INDEX = EVIDENCE_KEYS.indexOf(THREAT);

/** A zone in an incident that was certified so many epochs ago; evidence goes on rising while `pass` runs with it. */
function attacked(epochs: number): ZoneCores {
  const zone = new ZoneCores(4, 1);
  zone.pass(8);
  zone.pass(4 + epochs, () => zone.suspect(KEY, 3_000));
  return zone;
}

const goOn = (zone: ZoneCores, epochs: number): void => zone.pass(epochs, () => zone.suspect(KEY, 3_000));

const protocolOf = ({ core }: House) => core!.state.zone!.protocol;
const told = ({ alerts }: House): string[] => alerts.map(({ state }) => state);
const namesIn = (house: House): string[] => [...recordedCertificates(entriesOf(house), crypto).keys()];

/** Checker: all logs hold the same certificates, each once, and an auditor with the roster alone accepts them all. */
function assertSameRecord({ houses, roster }: ZoneCores): void {
  for (const house of houses) {
    const entries = entriesOf(house);
    const recorded = recordedCertificates(entries, crypto);
    assert.equal([...recorded.keys()].sort(), namesIn(houses[0]!).sort(), `house ${house.index}`);
    assert.is(entries.filter(({ kind }) => kind === "certificate").length, recorded.size, "each in one entry");
    for (const one of recorded.values()) {
      const checked = checkRecorded(one, encodeRoster(roster), crypto);
      assert.ok(checked.ok && checked.value.missing === 0, checked.ok ? "a statement is missing" : checked.problem);
    }
  }
}

test("every certificate of an incident stands in every log once, whole; one alert raises it, one clears it", () => {
  const zone = attacked(40);
  zone.pass(90);
  assert.ok(namesIn(zone.house(0)).length >= 5, "renewals too");
  assertSameRecord(zone);
  for (const house of zone.houses) assert.equal(told(house), ["raised", "cleared"]);
});

test("an agent that was killed in an incident goes on with it: raised once, cleared with the others", () => {
  const zone = attacked(10);
  const before = protocolOf(zone.house(2)).incidents.get(THREAT_INDEX)!;
  const [raised] = zone.house(2).alerts;
  zone.kill(2);
  const { state } = zone.start(2);
  const after = state.zone!.protocol.incidents.get(THREAT_INDEX)!;
  assert.equal([after.first.name, after.newest.name, after.lapsed], [before.first.name, before.newest.name, false]);
  assert.equal(state.zone!.open.get(THREAT), raised);
  goOn(zone, 30);
  assert.ok(protocolOf(zone.house(2)).incidents.get(THREAT_INDEX)!.newest.epoch > before.newest.epoch, "renewed");
  zone.pass(90);
  assert.equal(told(zone.house(2)), ["raised", "cleared"]);
  assert.is(zone.house(2).alerts[1]!.incidentId, zone.house(0).alerts[0]!.incidentId);
  assertSameRecord(zone);
});

test("what widens after the restart updates the same incident", () => {
  const zone = new ZoneCores(6, 1);
  zone.pass(8);
  zone.pass(8, () => zone.suspect(KEY, 3_000, [0, 1, 2, 3, 4]));
  zone.kill(0);
  zone.start(0);
  zone.pass(30, () => zone.suspect(KEY, 3_000));
  for (const { alerts, index } of zone.houses) {
    assert.equal(alerts.map(({ state }) => state), ["raised", "updated"], `${index}`);
    assert.is(new Set(alerts.map(({ incidentId }) => incidentId)).size, 1);
    assert.equal([alerts[0]!.stations.includes("CP-5"), alerts[1]!.stations.includes("CP-5")], [false, true]);
  }
});

test("a lease that ended while the agent was down is told as cleared, once", () => {
  const zone = attacked(2);
  zone.kill(3);
  zone.pass(90);
  assert.equal(told(zone.house(0)), ["raised", "cleared"]);
  for (const epochs of [1, 20]) {
    zone.start(3);
    zone.pass(epochs);
    assert.equal(told(zone.house(3)), ["raised", "cleared"]);
    zone.kill(3);
  }
  assert.equal(zone.house(3).alerts[1]!.incidentId, zone.house(3).alerts[0]!.incidentId);
});

test("so is one that is forgotten by then", () => {
  const zone = attacked(2);
  zone.kill(3);
  zone.pass(300);
  zone.start(3);
  assert.is(protocolOf(zone.house(3)).incidents.size, 0);
  zone.pass(2);
  assert.equal(told(zone.house(3)), ["raised", "cleared"]);
});

test("down for 20 epochs of an incident: what was missed comes by digest, and the logs are the same", () => {
  for (const [kill, down] of [[1, 20], [6, 20], [14, 20], [14, 25]] as const) {
    const zone = attacked(kill);
    zone.kill(1);
    goOn(zone, down);
    const missed = namesIn(zone.house(0)).filter((name) => !namesIn(zone.house(1)).includes(name));
    assert.ok(missed.length > 0, `killed at ${kill}: something was missed`);
    zone.start(1);
    goOn(zone, 8);
    const [mine, others] = [1, 0].map((index) => protocolOf(zone.house(index)).incidents.get(THREAT_INDEX)!);
    assert.equal([mine!.first.name, mine!.newest.name], [others!.first.name, others!.newest.name]);
    assertSameRecord(zone);
    zone.pass(90);
    assert.equal(told(zone.house(1)), ["raised", "cleared"]);
  }
});

test("down from before the incident until it was renewed: raised once, under the name that all others know", () => {
  const zone = new ZoneCores(4, 1);
  zone.pass(8);
  zone.kill(1);
  goOn(zone, 24);
  zone.start(1);
  goOn(zone, 8);
  assertSameRecord(zone);
  assert.equal(told(zone.house(1)), ["raised"]);
  assert.is(zone.house(1).alerts[0]!.incidentId, zone.house(0).alerts[0]!.incidentId);
});

test("down beyond the lease of an incident that goes on: cleared, and later updated, not raised again", () => {
  const zone = attacked(2);
  zone.kill(1);
  goOn(zone, 45);
  zone.start(1);
  goOn(zone, 10);
  assertSameRecord(zone);
  assert.equal(told(zone.house(1)), ["raised", "cleared", "updated"]);
  assert.is(new Set(zone.house(1).alerts.map(({ incidentId }) => incidentId)).size, 1);
});

test("killed again after it was cleared: still not raised again", () => {
  const zone = attacked(2);
  zone.kill(1);
  goOn(zone, 45);
  zone.start(1);
  goOn(zone, 1);
  assert.equal(told(zone.house(1)), ["raised", "cleared"]);
  zone.kill(1);
  zone.start(1);
  goOn(zone, 10);
  assert.equal(told(zone.house(1)), ["raised", "cleared", "updated"]);
});

test("killed after every epoch: no entry twice, no alert twice, no statement of one epoch twice", () => {
  const zone = attacked(0);
  for (let epoch = 0; epoch < 24; epoch++) {
    zone.kill(0);
    zone.start(0);
    goOn(zone, 1);
  }
  zone.pass(90);
  assertSameRecord(zone);
  for (const { alerts } of zone.houses) assert.equal(alerts.map(({ state }) => state), ["raised", "cleared"]);
  assert.ok(protocolOf(zone.house(1)).view.members.every(({ guilt }) => guilt === undefined));
});

test("after a restart nothing of the epoch that it began in, nor of the one after, is proposed or voted for", () => {
  let later = 0;
  for (let start = 0; start < 6; start++) {
    const zone = new ZoneCores(4, 1);
    zone.pass(8);
    goOn(zone, start);
    zone.kill(0);
    zone.start(0);
    const before = zone.house(0).published.length;
    const began = zone.epoch + 1;
    goOn(zone, 20);
    for (const { message: { kind, bytes } } of zone.house(0).published.slice(before)) {
      if (kind !== "vote" && kind !== "proposal") continue;
      const { epoch } = readMessage(kind, bytes)!.content;
      assert.ok(epoch > began + 1, `start ${start}: a ${kind} of the epoch ${epoch - began} after`);
      later += 1;
    }
  }
  assert.ok(later >= 6, "later it does both again");
});

test("what is taken from the log holds on to nothing else of it: no segment stays in memory", () => {
  const zone = attacked(20);
  const { log } = zone.house(1);
  const segment = Buffer.concat(log);
  let at = 0;
  // As they are read from a segment: views of it.
  log.forEach((bytes, place) => {
    log[place] = segment.subarray(at, at + bytes.length);
    at += bytes.length;
  });
  zone.kill(1);
  const { first, newest } = zone.start(1).state.zone!.protocol.incidents.get(THREAT_INDEX)!;
  for (const { whole, hash, items } of [first, newest]) {
    for (const bytes of [whole, hash, items[0]!.newer]) assert.is.not(bytes.buffer, segment.buffer);
  }
});

/** Two statements of one member for one epoch, as the message that proves it. */
function proofAgainst(culprit: number, zone: ZoneCores) {
  const directory = directoryOf(zone.roster, ZONE);
  const [first, second] = [1, 2].map((value) => messageOfStatement(signStatement({
    network: "example", zone: ZONE, station: stationAt(culprit), epoch: zone.epoch, seq: 9_000 + value,
    previous: new Uint8Array(32), rosterVersion: zone.roster.version, evidence: [value], checkpoint: new Uint8Array(0),
  }, statementSigner(culprit))).whole);
  return makeProof(first!, second!, headOf(directory, stationAt(0)), statementSigner(0));
}

test("guilt is remembered, and told once", () => {
  const zone = new ZoneCores(4, 1);
  zone.pass(4);
  const { kind, station, whole } = proofAgainst(3, zone);
  zone.say(0, { kind, station, bytes: whole });
  zone.pass(2);
  for (const index of [1, 2]) {
    assert.equal(zone.house(index).alerts.map(({ threat }) => threat), ["agent-misbehaviour"]);
    zone.kill(index);
    zone.start(index);
    assert.equal(protocolOf(zone.house(index)).view.members.map(({ guilt }) => guilt !== undefined),
      [false, false, false, true]);
  }
  zone.say(0, { kind, station, bytes: whole });
  zone.pass(12);
  for (const index of [1, 2]) {
    assert.is(zone.house(index).alerts.length, 1);
    assert.is(entriesOf(zone.house(index)).filter((entry) => entry.kind === "proof").length, 1);
  }
});

test("under another roster, what the old one certified is left aside and told as cleared; guilt stays", () => {
  const zone = attacked(4);
  const { kind, station, whole } = proofAgainst(3, zone);
  zone.say(0, { kind, station, bytes: whole });
  zone.pass(1);
  zone.kill(1);
  zone.roster = rosterOf(4, 1, 2);
  const { state } = zone.start(1);
  assert.is(state.zone!.protocol.incidents.size, 0);
  assert.ok(state.zone!.protocol.view.members[3]!.guilt !== undefined);
  zone.pass(3);
  assert.equal(told(zone.house(1)), ["raised", "raised", "cleared"]);
  assert.is(zone.house(1).alerts[2]!.incidentId, zone.house(1).alerts[0]!.incidentId);
});

test("a certificate or a proof whose bytes in the log are not what was signed is not believed", () => {
  const zone = attacked(4);
  const { kind, station, whole } = proofAgainst(3, zone);
  zone.say(0, { kind, station, bytes: whole });
  const { log } = zone.house(1);
  zone.kill(1);
  log.forEach((bytes, place) => {
    const decoded = decodeEntry(bytes);
    if (!decoded.ok || (decoded.value.kind !== "certificate" && decoded.value.kind !== "proof")) return;
    // The last bytes are a signature's: of the certificate's author, or of the one who reported the guilt.
    const message = decoded.value.message.slice();
    message[message.length - (decoded.value.kind === "proof" ? 80 : 1)]! ^= 1;
    log[place] = encodeEntry({ ...decoded.value, message });
  });
  const { state } = zone.start(1);
  assert.is(state.zone!.protocol.incidents.size, 0);
  assert.ok(state.zone!.protocol.view.members.every(({ guilt }) => guilt === undefined));
});

test("certificates that stand in the log in another order than they follow each other are one incident", () => {
  const zone = attacked(62);
  const { log } = zone.house(1);
  const places = [...log.keys()].filter((place) => entriesOf(zone.house(1))[place]!.kind === "certificate");
  assert.ok(places.length >= 5);
  const certificates = places.map((place) => log[place]!);
  const before = protocolOf(zone.house(1)).incidents.get(THREAT_INDEX)!;
  for (const order of [[4, 0, 2, 1, 3], [4, 3, 2, 1, 0], [0, 4, 1, 3, 2], [2, 0, 4, 1, 3]]) {
    order.forEach((from, to) => {
      log[places[to]!] = certificates[from]!;
    });
    zone.kill(1);
    const { first, newest, between } = zone.start(1).state.zone!.protocol.incidents.get(THREAT_INDEX)!;
    assert.equal([first, ...between, newest].map(({ name }) => name),
      [before.first, ...before.between, before.newest].map(({ name }) => name), order.join());
  }
});

test("two keys of one threat that are certified first in one epoch are one incident: raised once, cleared once", () => {
  const zone = new ZoneCores(4, 1);
  zone.pass(8);
  let shared = 0;
  for (let tries = 0; tries < 12 && shared === 0; tries++) {
    const before = zone.house(0).alerts.length;
    zone.pass(8, () => {
      for (const key of ["starts", "power-step"] as const) zone.suspect(key, 4_000);
    });
    zone.kill(0);
    zone.start(0);
    zone.pass(260);
    const alerts = zone.house(0).alerts.slice(before);
    const ids = new Set(alerts.map(({ incidentId }) => incidentId));
    for (const id of ids) {
      const states = alerts.filter(({ incidentId }) => incidentId === id).map(({ state }) => state);
      assert.equal(states.filter((state) => state !== "updated"), ["raised", "cleared"], states.join());
    }
    if (ids.size === 1) shared += 1;
  }
  assert.ok(shared > 0, "it did happen");
});
