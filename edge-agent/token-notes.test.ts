import { assert, test } from "../build/testing.ts";
import { decodeMessage } from "../gossip/message.ts";
import type { CredentialCloning } from "../models/detect/credential-cloning.ts";
import type { EvidenceKey } from "../models/terms.ts";
import { EPOCH_S, entriesOf, stationAt, ZoneCores } from "./zone-cores.testing.ts";

/** An accepted StartTransaction and its result. */
function start(zone: ZoneCores, index: number, idTag: string, transactionId: number): void {
  const timestamp = new Date(zone.epoch * EPOCH_S * 1_000).toISOString();
  const call = [2, `s${transactionId}`, "StartTransaction", { connectorId: 1, idTag, meterStart: 0, timestamp }];
  const result = [3, `s${transactionId}`, { transactionId, idTagInfo: { status: "Accepted" } }];
  zone.see(index, { kind: "frame", direction: "cp-to-csms", text: JSON.stringify(call), ocppVersion: "1.6" });
  zone.see(index, { kind: "frame", direction: "csms-to-cp", text: JSON.stringify(result), ocppVersion: "1.6" });
}

function stop(zone: ZoneCores, index: number, transactionId: number): void {
  const timestamp = new Date(zone.epoch * EPOCH_S * 1_000).toISOString();
  const call = [2, `e${transactionId}`, "StopTransaction", { transactionId, meterStop: 9_000, timestamp }];
  zone.see(index, { kind: "frame", direction: "cp-to-csms", text: JSON.stringify(call), ocppVersion: "1.6" });
  zone.see(index, { kind: "frame", direction: "csms-to-cp", text: `[3,"e${transactionId}",{}]`, ocppVersion: "1.6" });
}

const cloningOf = (zone: ZoneCores, index: number): CredentialCloning =>
  zone.house(index).core!.state.detect["credential-cloning"]!.state as CredentialCloning;
const evidenceOf = (zone: ZoneCores, index: number, key: EvidenceKey): number =>
  zone.house(index).core!.state.opine[key]?.cumulativeMillinats ?? 0;
const notesOf = (zone: ZoneCores, index: number) => zone.house(index).published.flatMap(({ message }) => {
  const read = message.kind === "note" ? decodeMessage("note", message.bytes) : undefined;
  return read?.ok === true && read.message.kind === "note" ? [read.message.content] : [];
});

/** As after weeks in which no card was in two places. */
function experienced(n: number): ZoneCores {
  const zone = new ZoneCores(n, 1, { sharesTokens: true });
  zone.pass(3);
  for (const { index } of zone.houses) cloningOf(zone, index).compared = 300;
  return zone;
}
/** Epochs until a use is judged: three minutes, and one. */
const JUDGED = 19;

test("a use is told to the zone in three epochs, and three times more once it is over", () => {
  const zone = new ZoneCores(4, 1, { sharesTokens: true });
  zone.pass(3);
  start(zone, 0, "card", 1);
  zone.pass(5);
  const open = notesOf(zone, 0);
  assert.is(open.length, 3);
  assert.ok(open.every(({ sightings }) => sightings.length === 1 && sightings[0]!.toS === 0));
  stop(zone, 0, 1);
  zone.pass(5);
  assert.is(notesOf(zone, 0).filter(({ sightings }) => sightings[0]!.toS > 0).length, 3);
  for (const index of [1, 2, 3]) {
    assert.equal(cloningOf(zone, index).heard.map(({ station, to }) => [station, to !== undefined]), [
      [stationAt(0), true],
    ]);
    assert.equal(notesOf(zone, index), []);
  }
});

test("a lost note is heard from the next telling", () => {
  const zone = new ZoneCores(4, 1, { sharesTokens: true });
  zone.pass(3);
  const upTo = zone.epoch + 2;
  zone.loses = (_, __, { kind }) => kind === "note" && zone.epoch < upTo;
  start(zone, 0, "card", 1);
  zone.pass(1);
  assert.is(cloningOf(zone, 1).heard.length, 0);
  zone.pass(4);
  assert.is(cloningOf(zone, 1).heard.length, 1);
});

test("a copy of a card at every station of a zone is certified; at two stations alone it is not", () => {
  const zone = experienced(6);
  let id = 100_000;
  const at = (stations: readonly number[], card: string): void => {
    const ids = stations.map((index) => [index, id++] as const);
    for (const [index, one] of ids) {
      start(zone, index, card, one);
      zone.pass(JUDGED);
    }
    for (const [index, one] of ids) stop(zone, index, one);
    zone.pass(1);
  };
  at([0, 1], "copied-once");
  assert.ok(evidenceOf(zone, 1, "credential-cloning") > 500, "who comes second says so");
  assert.ok(evidenceOf(zone, 1, "clones") <= 0, "and one neighbour's word is nothing to the zone");
  for (let round = 0; round < 2; round++) at([0, 1, 2, 3, 4, 5], `copied-${round}`);
  for (const { alerts } of zone.houses) {
    const raised = alerts.filter(({ scope, threat, state }) =>
      scope === "zone" && threat === "credential-cloning" && state === "raised");
    assert.is(raised.length, 1);
  }
});

test("one liar that claims every card of everybody adds nothing to what the zone sums up", () => {
  const zone = experienced(6);
  const before = [1, 2, 3, 4, 5].map((index) => evidenceOf(zone, index, "clones"));
  for (let n = 0; n < 5; n++) {
    // The liar knows four cards that will come: as at a depot, where each van has its own.
    for (const index of [1, 2, 3, 4]) start(zone, 0, `van-${index}`, 50_000 + 10 * n + index);
    zone.pass(2);
    for (const index of [1, 2, 3, 4]) start(zone, index, `van-${index}`, 60_000 + 10 * n + index);
    zone.pass(JUDGED);
    for (const index of [1, 2, 3, 4]) stop(zone, index, 60_000 + 10 * n + index);
  }
  [1, 2, 3, 4, 5].forEach((index, place) => {
    const evidence = evidenceOf(zone, index, "clones");
    assert.ok(evidence <= before[place]!, `${index}: ${evidence}`);
  });
  const told = zone.houses.flatMap(({ alerts }) => alerts)
    .filter(({ scope, threat }) => scope === "zone" && threat === "credential-cloning");
  assert.equal(told, []);
});

test("without the zone's secret nothing is told, and no log ever holds a pseudonym", () => {
  const alone = new ZoneCores(4, 1);
  alone.pass(3);
  start(alone, 0, "card", 1);
  alone.pass(5);
  assert.equal(notesOf(alone, 0), []);
  const zone = new ZoneCores(4, 1, { sharesTokens: true });
  zone.pass(3);
  start(zone, 0, "card", 1);
  zone.pass(5);
  const token = cloningOf(zone, 0).notes[0]!.token;
  assert.is(token.length, 16);
  for (const house of zone.houses) {
    const logged = house.log.map((bytes) => Buffer.from(bytes));
    assert.ok(entriesOf(house).length > 0);
    assert.ok(logged.every((bytes) => !bytes.includes(token) && !bytes.includes(Buffer.from(token, "hex"))));
  }
});
