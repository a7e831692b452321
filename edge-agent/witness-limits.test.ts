/** Neighbours witness each other's logs, in one process: forks, rates, who comes to rest, and who comes and goes. */
import { assert, test } from "../build/testing.ts";
import { compose } from "../gossip/agreement-protocol.ts";
import type { Outgoing } from "../gossip/protocol-state.ts";
import { memberOf, type Roster } from "../gossip/roster.ts";
import type { WallMs } from "../models/units.ts";
import { signerFromSeed } from "./adapters/crypto.ts";
import { adoptRoster } from "./adopt-roster.ts";
import { formatCheckpoint, openCheckpoint, originOf } from "./record/checkpoint.ts";
import { recordOne } from "./record/journal.ts";
import { signNote } from "./record/note.ts";
import {
  assertWitnessed, cosigned, isKind, logKeyOf, MINUTE, pass, reportOf, street, witnessingOf,
} from "./witness-zone.testing.ts";
import { crypto, entriesOf, rosterOf, stationAt, type ZoneCores } from "./zone-cores.testing.ts";

/** A checkpoint of another tree by the log's own key, as a message of its station. */
function forgedBy(zone: ZoneCores, index: number, size: number, oldSize = size): Outgoing {
  const text = formatCheckpoint({ origin: originOf(stationAt(index)), size, root: new Uint8Array(32).fill(size) });
  const note = signNote(crypto, text, originOf(stationAt(index)), signerFromSeed(new Uint8Array(32).fill(64 + index)));
  return compose(zone.house(index).core!.state.zone!.protocol, "checkpoint",
    { epoch: zone.epoch, note, proof: [], oldSize });
}

test("a forked log: not cosigned, both notes in every log once, one notice, and no alert", () => {
  const zone = street(4, 1);
  pass(zone, 2 * MINUTE + 2);
  const held = witnessingOf(zone.house(1)).partners.get("CP-0")!.held!;
  zone.say(0, forgedBy(zone, 0, held.size));
  pass(zone, 1);
  zone.say(0, forgedBy(zone, 0, held.size, 0));
  pass(zone, 1);
  zone.say(0, forgedBy(zone, 0, held.size + 1, held.size));
  for (const index of [1, 2, 3]) {
    const house = zone.house(index);
    assert.equal([reportOf(house).forks, reportOf(house).forked], [3, ["CP-0"]]);
    assert.is(house.notices.filter((text) => /^witness: the log of CP-0 contradicts itself: /.test(text)).length, 1);
    const kept = entriesOf(house).flatMap((entry) => (entry.kind === "fork" ? [entry] : []));
    assert.is(kept.length, 1);
    const [first, second] = [kept[0]!.first, kept[0]!.second].map((note) => {
      const opened = openCheckpoint(crypto, note, logKeyOf(zone, 0));
      if (!opened.ok) throw new Error(opened.problem);
      return opened.value;
    });
    assert.equal([first!.size, second!.size], [held.size, held.size]);
    assert.not.equal(first!.root, second!.root);
    assert.equal(house.alerts, []);
    zone.kill(index);
    zone.start(index);
    assert.equal(reportOf(house).forked, ["CP-0"]);
  }
  zone.say(0, forgedBy(zone, 0, held.size, 7));
  pass(zone, 1);
  zone.say(0, forgedBy(zone, 0, held.size, 8));
  for (const index of [1, 2, 3]) {
    assert.is(entriesOf(zone.house(index)).filter(({ kind }) => kind === "fork").length, 1, "not again after a start");
  }
  pass(zone, 2 * MINUTE);
  assert.is(cosigned(zone, 0).by, 3, "the one history that its witnesses hold goes on");
  assertWitnessed(zone);
});

test("two trees of one size in one epoch: neither is cosigned", () => {
  const zone = street(4, 1);
  zone.loses = (from, _to, { kind }) => from === "CP-0" && kind === "checkpoint";
  pass(zone, MINUTE + 1);
  zone.loses = () => false;
  const [one, two] = [forgedBy(zone, 0, 9, 0), forgedBy(zone, 0, 9, 0)];
  assert.is(one.bytes.length, two.bytes.length);
  zone.say(0, one);
  const text = formatCheckpoint({ origin: "kerbwatch/CP-0", size: 9, root: new Uint8Array(32) });
  const note = signNote(crypto, text, "kerbwatch/CP-0", signerFromSeed(new Uint8Array(32).fill(64)));
  zone.say(0, compose(zone.house(0).core!.state.zone!.protocol, "checkpoint",
    { epoch: zone.epoch, note, proof: [], oldSize: 0 }));
  pass(zone, 2);
  for (const index of [1, 2, 3]) {
    const entries = entriesOf(zone.house(index));
    assert.is(entries.filter(({ kind }) => kind === "fork").length, 1);
    assert.not(entries.some((entry) => entry.kind === "witness" && entry.note.startsWith("kerbwatch/CP-0\n")));
  }
});

test("when nobody has anything to say but witnesses, all come to rest", () => {
  const zone = street(4, 1);
  zone.pass(2 * MINUTE);
  // An agent that states nothing: as a lone one, or one whose clock is not set.
  for (const house of zone.houses) house.core!.state.gossip.statedEveryMs = Infinity;
  zone.pass(12 * MINUTE);
  const before = zone.houses.map(({ log, published }) => [log.length, published.length]);
  const digests = zone.houses.map(({ published }) => published.filter(isKind("digest")).length);
  zone.pass(30 * MINUTE);
  zone.houses.forEach(({ log, published }, i) => {
    assert.is(log.length, before[i]![0]);
    assert.is(published.length - published.filter(isKind("digest")).length, before[i]![1]! - digests[i]!);
  });
  const { core, log } = zone.house(0);
  assert.ok(core!.state.journal.log.signedSize < log.length, "witnesses' entries wait for the next checkpoint");
});

test("in a quiet street checkpoints are told every ten minutes; what witnesses should see is told within one", () => {
  const zone = street(4, 1);
  zone.pass(2 * MINUTE);
  const told = (): number => zone.house(0).published.filter(isKind("checkpoint")).length;
  const witnessed = (): number => entriesOf(zone.house(0)).filter(({ kind }) => kind === "witness").length;
  const before = [told(), witnessed()];
  assert.equal(before, [1, 3]);
  const first = witnessingOf(zone.house(1)).partners.get("CP-0")!.held;
  zone.pass(60 * MINUTE);
  assert.equal([told(), witnessed()], [7, 21]);
  const { journal } = zone.house(0).core!.state;
  for (const effect of recordOne(journal, { kind: "notice", at: 0 as WallMs, text: "so" })) {
    if (effect.kind === "append") zone.house(0).log.push(...effect.entries);
  }
  zone.pass(MINUTE);
  assert.equal([told(), witnessed()], [8, 21], "the others had nothing to tell");
  zone.pass(2);
  assert.is(cosigned(zone, 0).by, 3);
  zone.kill(1);
  zone.start(1);
  zone.pass(4);
  assert.is(told(), 8);
  // One turns out to hold another than the last.
  const partner = witnessingOf(zone.house(1)).partners.get("CP-0")!;
  for (const [held, count] of [[undefined, 10], [first, 12]] as const) {
    Object.assign(partner, { held, mustBeTold: true });
    zone.pass(MINUTE + 3);
    assert.is(told(), count, "one message from there, one for the others");
    assert.is(cosigned(zone, 0).by, 3);
  }
});

test("witnesses who stand at eight places: four messages an epoch at most, and all of them are brought up", () => {
  const zone = street(9, 2);
  // One witness more hears of the log each minute, and none twice.
  let minute = 0;
  zone.loses = (from, to, { kind }) => from === "CP-0" && kind === "checkpoint" && to !== `CP-${minute + 1}`;
  for (; minute < 8; minute++) pass(zone, MINUTE);
  pass(zone, 2);
  const holds = [...witnessingOf(zone.house(0)).partners.values()].map((partner) => partner.holds);
  assert.is(new Set(holds).size, 8, holds.join());
  assert.is(witnessingOf(zone.house(0)).growth.provers.size, 8, "one for each");
  zone.loses = () => false;
  const before = zone.house(0).published.length;
  pass(zone, MINUTE + 3);
  const messages = zone.house(0).published.slice(before).filter(isKind("checkpoint"));
  const epochs = messages.map(({ epoch }) => epoch - messages[0]!.epoch);
  assert.equal(epochs, [0, 0, 0, 0, 1, 1, 1, 1]);
  assert.is(cosigned(zone, 0).by, 8);
  assert.is(reportOf(zone.house(0)).outOfReach.length, 0);
  assertWitnessed(zone);
  for (const { message: { bytes } } of messages) assert.ok(bytes.length < 8_192);
});

test("of a neighbour's checkpoints one an epoch is taken, and an answer costs one message an epoch at most", () => {
  const zone = street(4, 1);
  pass(zone, 2 * MINUTE + 2);
  const answers = (): number => zone.house(1).published.filter(isKind("cosignature")).length;
  const before = answers();
  for (let i = 0; i < 20; i++) zone.say(0, forgedBy(zone, 0, 400 + i, 100 + i));
  pass(zone, 1);
  assert.is(answers() - before, 1);
  assert.is(reportOf(zone.house(1)).refused["old-size"], 4, "the rest is over the quota");
});

test("a stranger's checkpoint and cosignature change nothing", () => {
  const zone = street(4, 1);
  pass(zone, MINUTE + 2);
  const { partners } = witnessingOf(zone.house(1));
  (partners as Map<string, unknown>).delete("CP-0");
  const entries = zone.house(1).log.length;
  pass(zone, MINUTE);
  const news = entriesOf(zone.house(1)).slice(entries);
  assert.not(news.some((entry) => entry.kind === "witness" && entry.note.startsWith("kerbwatch/CP-0\n")));
  assert.equal(reportOf(zone.house(1)).refused, { stranger: 2 });
});

test("a new roster: who is gone witnesses no more, who comes back is known, a new log key is a new log", () => {
  const zone = street(5, 1);
  pass(zone, 2 * MINUTE + 2);
  const adopt = (roster: Roster): void => {
    for (const { core, index } of zone.houses) {
      adoptRoster(core!.state, roster, memberOf(roster, stationAt(index))?.zone);
    }
    zone.roster = roster;
  };
  const held = witnessingOf(zone.house(0)).partners.get("CP-4")!.held!;
  const { members } = zone.roster;
  adopt({ ...rosterOf(5, 0, 2), members: members.slice(0, 4) });
  pass(zone, 2 * MINUTE + 2);
  assert.equal([cosigned(zone, 0).by, reportOf(zone.house(0)).needed], [3, 1]);
  const gone = zone.house(4);
  const [note, { length }] = [gone.cosigned, gone.published];
  pass(zone, 2 * MINUTE);
  assert.equal([gone.published.length, gone.cosigned], [length, note], "out of the street");
  adopt(rosterOf(5, 1, 3));
  assert.equal(witnessingOf(zone.house(0)).partners.get("CP-4")!.held, held);
  pass(zone, 3 * MINUTE);
  for (const { index } of zone.houses) assert.is(cosigned(zone, index).by, 4);
  assertWitnessed(zone);
  const log = signerFromSeed(new Uint8Array(32).fill(99)).publicKey;
  adopt({ ...rosterOf(5, 1, 4), members: members.map((member) =>
    (member.station === "CP-4" ? { ...member, keys: { ...member.keys, log } } : member)) });
  assert.is(witnessingOf(zone.house(0)).partners.get("CP-4")!.held, undefined);
  pass(zone, MINUTE + 2);
  assert.ok(reportOf(zone.house(0)).refused["bad-note"]! >= 1, "the old key is not believed");
});
