/** Neighbours witness each other's logs, in one process: and what is lost, restarted, rolled back and forked. */
import { assert, test } from "../build/testing.ts";
import { compose } from "../gossip/agreement-protocol.ts";
import type { Outgoing } from "../gossip/protocol-state.ts";
import { memberOf, type Roster } from "../gossip/roster.ts";
import { signerFromSeed } from "./adapters/crypto.ts";
import { adoptRoster } from "./adopt-roster.ts";
import { keyName } from "./member-file.ts";
import { formatCheckpoint, openCheckpoint, originOf } from "./record/checkpoint.ts";
import { cosignedAt, cosignerKeyOf } from "./record/cosignature.ts";
import { readCosigned } from "./record/cosigned.ts";
import { encodeEntry } from "./record/entry.ts";
import { parseNote, signNote, verifierKeyOf } from "./record/note.ts";
import { witnessReport } from "./record/witnessing.ts";
import {
  crypto, entriesOf, EPOCH_S, type House, rootOfFirst, rosterOf, stationAt, ZoneCores,
} from "./zone-cores.testing.ts";

/** Checkpoints are signed once a minute. */
const MINUTE = 60 / EPOCH_S;

const street = (n: number, f: number): ZoneCores => new ZoneCores(n, f, { witnesses: true });
const witnessingOf = ({ core }: House) => core!.state.witnessing!;
const reportOf = (house: House) => witnessReport(witnessingOf(house));
const isKind = (kind: string) => ({ message }: House["published"][number]): boolean => message.kind === kind;

function logKeyOf(zone: ZoneCores, index: number) {
  const { station, keys } = memberOf(zone.roster, stationAt(index))!;
  return verifierKeyOf(crypto, originOf(station), keys.log);
}

function witnessesOf(zone: ZoneCores, index: number) {
  return zone.roster.members.filter(({ station }) => station !== stationAt(index)).map(({ station, keys }) =>
    ({ station, witnessKey: cosignerKeyOf(crypto, keyName(station, "witness"), keys.witness) }));
}

/** What a house has beside its log, as an auditor with the roster reads it: up to where, and by how many. */
function cosigned(zone: ZoneCores, index: number): { size: number; by: number } {
  const { cosigned: note, log } = zone.house(index);
  const read = readCosigned(crypto, note ?? "", logKeyOf(zone, index), witnessesOf(zone, index));
  if (!read.ok) return { size: 0, by: 0 };
  assert.equal(read.value.forged, []);
  assert.equal(rootOfFirst(log, read.value.size), read.value.root, `the log of ${index}`);
  return { size: read.value.size, by: read.value.lines.size };
}

/** Checker: what stands in a log of others' logs is what they have, cosigned, and never goes back. */
function assertWitnessed(zone: ZoneCores): void {
  for (const house of zone.houses) {
    const sizes = new Map<string, number>();
    for (const entry of entriesOf(house)) {
      if (entry.kind !== "witness") continue;
      const other = zone.houses.find(({ index }) => entry.note.startsWith(`${originOf(stationAt(index))}\n`))!;
      const opened = openCheckpoint(crypto, entry.note, logKeyOf(zone, other.index));
      assert.ok(opened.ok);
      const { origin, size, root, text } = opened.value;
      assert.equal(rootOfFirst(other.log, size), root);
      assert.ok(size > (sizes.get(origin) ?? 0), `house ${house.index}: ${origin} goes on from ${sizes.get(origin)}`);
      sizes.set(origin, size);
      const [line] = parsed(`${entry.note}${entry.cosignature}\n`).slice(1);
      const own = memberOf(zone.roster, stationAt(house.index))!;
      const key = cosignerKeyOf(crypto, keyName(own.station, "witness"), own.keys.witness);
      assert.is(cosignedAt(crypto, text, line!, key), Math.floor(entry.at / 1_000));
    }
  }
}

function parsed(note: string) {
  const found = parseNote(note);
  if (!found.ok) throw new Error(found.problem);
  return found.value.signatures;
}

test("every log ends cosigned by everybody, once a minute", () => {
  for (const [n, f] of [[2, 0], [4, 1], [9, 2]] as const) {
    const zone = street(n, f);
    zone.pass(3 * MINUTE + 3);
    for (const house of zone.houses) {
      const { size, by } = cosigned(zone, house.index);
      assert.is(by, n - 1, `house ${house.index} of ${n}`);
      assert.is(openSize(zone, house), size, "the newest checkpoint");
      assert.is(house.published.filter(isKind("checkpoint")).length, 3);
      assert.is(entriesOf(house).filter(({ kind }) => kind === "witness").length, 3 * (n - 1));
      const { cosigners, heldOf, witnesses, needed, refused, forks, outOfReach } = reportOf(house);
      assert.equal([cosigners.length, heldOf, witnesses, needed, refused, forks, outOfReach],
        [n - 1, n - 1, n - 1, f + 1, {}, 0, []]);
    }
    assertWitnessed(zone);
  }
});

/** Of the stored own checkpoint. */
function openSize(zone: ZoneCores, { index, checkpoint }: House): number {
  const opened = openCheckpoint(crypto, checkpoint ?? "", logKeyOf(zone, index));
  return opened.ok ? opened.value.size : 0;
}

test("what is cosigned is appended before the answer goes out", () => {
  const zone = street(4, 1);
  let answers = 0;
  zone.watch = (house, effects) => {
    const kinds = effects.map(({ kind }) => kind);
    for (const effect of effects) {
      if (effect.kind !== "publish" || !effect.messages.some(({ kind }) => kind === "cosignature")) continue;
      const said = effect.messages.filter(({ kind }) => kind === "cosignature").length;
      const appended = effects.flatMap((one) => (one.kind === "append" ? [...one.entries] : []))
        .filter((bytes) => Buffer.from(bytes).includes("cosignature") || Buffer.from(bytes).includes("/witness "));
      assert.is(appended.length, said, `house ${house.index}`);
      assert.ok(kinds.indexOf("append") >= 0 && kinds.indexOf("append") < kinds.indexOf("publish"));
      answers += said;
    }
  };
  zone.pass(2 * MINUTE + 2);
  assert.is(answers, 4 * 3 * 2);
});

test("a witness that was killed goes on from its log", () => {
  const zone = street(4, 1);
  zone.pass(2 * MINUTE + 2);
  zone.kill(2);
  zone.start(2);
  assert.is(reportOf(zone.house(2)).heldOf, 3);
  zone.pass(2 * MINUTE + 2);
  for (const { index } of zone.houses) assert.is(cosigned(zone, index).by, 3);
  assert.equal(reportOf(zone.house(2)).refused, {}, "nobody had to be told where it stands");
  assertWitnessed(zone);
});

test("a witness that holds nothing of a log, where the log thinks otherwise, says so and is asked from nothing", () => {
  const zone = street(4, 1);
  zone.pass(2 * MINUTE + 2);
  const partner = witnessingOf(zone.house(2)).partners.get("CP-0")!;
  partner.held = undefined;
  zone.pass(MINUTE);
  assert.equal([cosigned(zone, 0).by, partner.held], [2, undefined]);
  assert.is(witnessingOf(zone.house(0)).partners.get("CP-2")!.holds, 0);
  zone.pass(MINUTE);
  assert.is(cosigned(zone, 0).by, 3);
});

test("a witness that was away is brought up, and what was lost of its answers is told again", () => {
  const zone = street(4, 1);
  const lost: Outgoing[] = [];
  zone.loses = (from, to, message) => {
    const isLost = message.kind === "cosignature" && from === stationAt(1) && to === stationAt(0);
    if (isLost) lost.push(message);
    return isLost;
  };
  zone.pass(3 * MINUTE + 2);
  assert.equal([cosigned(zone, 0).by, cosigned(zone, 3).by], [2, 3]);
  assert.is(reportOf(zone.house(1)).refused["old-size"], 2);
  assert.is(lost.filter(({ bytes }) => Buffer.from(bytes).includes("kerbwatch/CP-0\n")).length, 3,
    "once for what it cosigned, and once for each time that it was asked from elsewhere");
  zone.loses = () => false;
  zone.pass(2 * MINUTE);
  assert.is(cosigned(zone, 0).by, 3);
  zone.kill(1);
  zone.pass(16 * MINUTE);
  zone.start(1);
  zone.pass(MINUTE + 2);
  assert.is(cosigned(zone, 0).by, 3);
  assertWitnessed(zone);
});

test("too few witnesses, and the checkpoint is not kept as cosigned", () => {
  const zone = street(7, 2);
  zone.loses = (_from, to, { kind }) => kind === "checkpoint" && !["CP-1", "CP-2"].includes(to);
  zone.pass(3 * MINUTE);
  assert.is(zone.house(0).cosigned, undefined);
  assert.is(reportOf(zone.house(0)).cosignedSize, 0);
  zone.loses = (_from, to, { kind }) => kind === "checkpoint" && !["CP-1", "CP-2", "CP-3"].includes(to);
  zone.pass(2 * MINUTE + 2);
  assert.is(cosigned(zone, 0).by, 3);
  const { size } = cosigned(zone, 0);
  zone.loses = (_from, _to, { kind }) => kind === "checkpoint";
  zone.pass(3 * MINUTE);
  assert.equal(cosigned(zone, 0), { size, by: 3 }, "the newest of which there are enough stays");
});

test("a log that was killed proves from where each witness stands: remembered, or not long ago", () => {
  const zone = street(4, 1);
  zone.pass(2 * MINUTE + 2);
  zone.kill(3);
  zone.pass(16 * MINUTE);
  const { memory } = zone.house(0);
  assert.ok(memory!.witnesses!["CP-3"]! < 60, "what a witness holds that is away is remembered");
  zone.kill(0);
  zone.start(0);
  zone.start(3);
  zone.pass(2 * MINUTE + 2);
  assert.is(cosigned(zone, 0).by, 3);
  assert.equal(reportOf(zone.house(0)).outOfReach, []);
  zone.kill(0);
  zone.house(0).memory = undefined;
  zone.start(0);
  assert.is(reportOf(zone.house(0)).cosigners.length, 3, "from the note beside the log");
  zone.pass(2 * MINUTE + 2);
  assert.is(cosigned(zone, 0).by, 3);
  assertWitnessed(zone);
});

test("a witness out of reach is named, and reached after the log's next start", () => {
  const zone = street(4, 1);
  zone.pass(2 * MINUTE + 2);
  zone.kill(3);
  const house = zone.house(0);
  const notice = encodeEntry({ kind: "notice", at: 0 as never, text: "x" });
  zone.kill(0);
  house.memory = undefined;
  for (let i = 0; i < 3_000; i++) house.log.push(notice);
  zone.start(0);
  zone.start(3);
  zone.pass(3 * MINUTE);
  assert.equal(reportOf(house).outOfReach, ["CP-1", "CP-2", "CP-3"]);
  zone.pass(15 * MINUTE);
  assert.ok(house.memory !== undefined, "saved by now");
  zone.kill(0);
  zone.start(0);
  zone.pass(2 * MINUTE + 2);
  assert.equal([reportOf(house).outOfReach, cosigned(zone, 0).by], [[], 3]);
  assertWitnessed(zone);
});

/** As somebody does who puts back a copy: the log, the notes beside it and what was learned. */
function backedUp({ log, checkpoint, cosigned: note, memory }: House): (house: House) => void {
  const entries = [...log];
  return (house) => {
    house.log.splice(0, house.log.length, ...entries);
    Object.assign(house, { checkpoint, cosigned: note, memory });
  };
}

test("a log that was put back from an older copy learns of it before it states anything, and signs no more", () => {
  for (const minutes of [1, 5]) {
    const zone = street(4, 1);
    zone.pass(2 * MINUTE + 2);
    const house = zone.house(0);
    const putBack = backedUp(house);
    zone.pass(minutes * MINUTE);
    const { size } = cosigned(zone, 0);
    const entries = [...house.log];
    zone.kill(0);
    putBack(house);
    zone.start(0);
    const before = house.published.length;
    zone.pass(5 * MINUTE);
    const { refused } = house.core!.state.journal.log;
    const says = new RegExp(`^CP-\\d cosigned ${size} entries that this log had signed, and it has \\d+$`);
    assert.match(refused ?? "", says);
    const said = house.published.slice(before).filter(({ message: { kind } }) => kind !== "request");
    assert.equal(said.map(({ message: { kind } }) => kind), ["checkpoint", "checkpoint"], "it asked, and said no more");
    assert.equal(zone.houses.map(({ alerts }) => alerts), [[], [], [], []], "nobody is named for it");
    assert.equal([1, 2, 3].map((index) => cosigned(zone, index).by), [2, 2, 2], "and it cosigns nothing more");
    house.log.splice(0, house.log.length, ...entries);
    assertWitnessed(zone);
  }
});

test("a log that goes on from an older copy, where nobody could tell it, is cosigned by nobody", () => {
  const zone = street(4, 1);
  zone.pass(2 * MINUTE + 2);
  const house = zone.house(0);
  const putBack = backedUp(house);
  zone.pass(3 * MINUTE);
  const { size } = cosigned(zone, 0);
  zone.kill(0);
  putBack(house);
  zone.loses = (_from, to, { kind }) => kind === "cosignature" && to === "CP-0";
  zone.start(0);
  zone.pass(6 * MINUTE);
  assert.ok(house.core!.state.journal.log.signedSize > size, "it has signed more than it had");
  for (const index of [1, 2, 3]) {
    assert.is(witnessingOf(zone.house(index)).partners.get("CP-0")!.held!.size, size);
    assert.ok(reportOf(zone.house(index)).refused["old-size"]! >= 3);
  }
  zone.loses = () => false;
  zone.pass(2 * MINUTE);
  const { refused } = house.core!.state.journal.log;
  assert.match(refused ?? "", /^CP-\d cosigned \d+ entries that this log had signed, and they are others now$/);
});

test("a start asks the witnesses, and waits for their word before it states, two epochs at most", () => {
  const zone = street(4, 1);
  zone.pass(2 * MINUTE + 2);
  const house = zone.house(0);
  const restarted = (): { asked: number; stated: number } => {
    zone.kill(0);
    zone.start(0);
    const before = house.published.length;
    const [first, epochs] = [zone.epoch + 1, 6];
    zone.pass(epochs);
    const said = house.published.slice(before);
    const stated = said.find(isKind("statement"))!.epoch - first;
    return { asked: said.filter(isKind("checkpoint")).filter(({ epoch }) => epoch - first < stated).length, stated };
  };
  // Asked in the first epoch and, since it begins the second before the others do, which answer then, in that one too.
  assert.equal(restarted(), { asked: 2, stated: 2 });
  zone.loses = (_from, to, { kind }) => kind === "cosignature" && to === "CP-0";
  assert.equal(restarted(), { asked: 2, stated: 3 });
  zone.loses = () => false;
  zone.kill(2);
  assert.equal(restarted(), { asked: 2, stated: 3 }, "one is away");
  zone.start(2);
  zone.pass(3 * MINUTE);
  assert.is(cosigned(zone, 0).by, 3);
  assert.equal(entriesOf(house).filter(({ kind }) => kind === "fork"), []);
});

/** A checkpoint of another tree by the log's own key, as a message of its station. */
function forgedBy(zone: ZoneCores, index: number, size: number, oldSize = size): Outgoing {
  const text = formatCheckpoint({ origin: originOf(stationAt(index)), size, root: new Uint8Array(32).fill(size) });
  const note = signNote(crypto, text, originOf(stationAt(index)), signerFromSeed(new Uint8Array(32).fill(64 + index)));
  return compose(zone.house(index).core!.state.zone!.protocol, "checkpoint",
    { epoch: zone.epoch, note, proof: [], oldSize });
}

test("a forked log: not cosigned, both notes in every log once, one notice, and no alert", () => {
  const zone = street(4, 1);
  zone.pass(2 * MINUTE + 2);
  const held = witnessingOf(zone.house(1)).partners.get("CP-0")!.held!;
  zone.say(0, forgedBy(zone, 0, held.size));
  zone.pass(1);
  zone.say(0, forgedBy(zone, 0, held.size, 0));
  zone.pass(1);
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
  zone.pass(1);
  zone.say(0, forgedBy(zone, 0, held.size, 8));
  for (const index of [1, 2, 3]) {
    assert.is(entriesOf(zone.house(index)).filter(({ kind }) => kind === "fork").length, 1, "not again after a start");
  }
  zone.pass(2 * MINUTE);
  assert.is(cosigned(zone, 0).by, 3, "the one history that its witnesses hold goes on");
  assertWitnessed(zone);
});

test("two trees of one size in one epoch: neither is cosigned", () => {
  const zone = street(4, 1);
  zone.loses = (from, _to, { kind }) => from === "CP-0" && kind === "checkpoint";
  zone.pass(MINUTE + 1);
  zone.loses = () => false;
  const [one, two] = [forgedBy(zone, 0, 9, 0), forgedBy(zone, 0, 9, 0)];
  assert.is(one.bytes.length, two.bytes.length);
  zone.say(0, one);
  const text = formatCheckpoint({ origin: "kerbwatch/CP-0", size: 9, root: new Uint8Array(32) });
  const note = signNote(crypto, text, "kerbwatch/CP-0", signerFromSeed(new Uint8Array(32).fill(64)));
  zone.say(0, compose(zone.house(0).core!.state.zone!.protocol, "checkpoint",
    { epoch: zone.epoch, note, proof: [], oldSize: 0 }));
  zone.pass(2);
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
  zone.pass(2 * MINUTE);
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

test("witnesses who stand at eight places: four messages an epoch at most, and all of them are brought up", () => {
  const zone = street(9, 2);
  // One witness more hears of the log each minute, and none twice.
  let minute = 0;
  zone.loses = (from, to, { kind }) => from === "CP-0" && kind === "checkpoint" && to !== `CP-${minute + 1}`;
  for (; minute < 8; minute++) zone.pass(MINUTE);
  zone.pass(2);
  const holds = [...witnessingOf(zone.house(0)).partners.values()].map((partner) => partner.holds);
  assert.is(new Set(holds).size, 8, holds.join());
  assert.is(witnessingOf(zone.house(0)).growth.provers.size, 8, "one for each");
  zone.loses = () => false;
  const before = zone.house(0).published.length;
  zone.pass(MINUTE + 3);
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
  zone.pass(2 * MINUTE + 2);
  const answers = (): number => zone.house(1).published.filter(isKind("cosignature")).length;
  const before = answers();
  for (let i = 0; i < 20; i++) zone.say(0, forgedBy(zone, 0, 400 + i, 100 + i));
  zone.pass(1);
  assert.is(answers() - before, 1);
  assert.is(reportOf(zone.house(1)).refused["old-size"], 4, "the rest is over the quota");
});

test("a stranger's checkpoint and cosignature change nothing", () => {
  const zone = street(4, 1);
  zone.pass(MINUTE + 2);
  const { partners } = witnessingOf(zone.house(1));
  (partners as Map<string, unknown>).delete("CP-0");
  const entries = zone.house(1).log.length;
  zone.pass(MINUTE);
  const news = entriesOf(zone.house(1)).slice(entries);
  assert.not(news.some((entry) => entry.kind === "witness" && entry.note.startsWith("kerbwatch/CP-0\n")));
  assert.equal(reportOf(zone.house(1)).refused, { stranger: 2 });
});

test("a new roster: who is gone witnesses no more, who comes back is known, a new log key is a new log", () => {
  const zone = street(5, 1);
  zone.pass(2 * MINUTE + 2);
  const adopt = (roster: Roster): void => {
    for (const { core, index } of zone.houses) {
      adoptRoster(core!.state, roster, memberOf(roster, stationAt(index)) !== undefined);
    }
    zone.roster = roster;
  };
  const held = witnessingOf(zone.house(0)).partners.get("CP-4")!.held!;
  const { members } = zone.roster;
  adopt({ ...rosterOf(5, 0, 2), members: members.slice(0, 4) });
  zone.pass(2 * MINUTE + 2);
  assert.equal([cosigned(zone, 0).by, reportOf(zone.house(0)).needed], [3, 1]);
  const gone = zone.house(4);
  const [note, { length }] = [gone.cosigned, gone.published];
  zone.pass(2 * MINUTE);
  assert.equal([gone.published.length, gone.cosigned], [length, note], "out of the street");
  adopt(rosterOf(5, 1, 3));
  assert.equal(witnessingOf(zone.house(0)).partners.get("CP-4")!.held, held);
  zone.pass(3 * MINUTE);
  for (const { index } of zone.houses) assert.is(cosigned(zone, index).by, 4);
  assertWitnessed(zone);
  const log = signerFromSeed(new Uint8Array(32).fill(99)).publicKey;
  adopt({ ...rosterOf(5, 1, 4), members: members.map((member) =>
    (member.station === "CP-4" ? { ...member, keys: { ...member.keys, log } } : member)) });
  assert.is(witnessingOf(zone.house(0)).partners.get("CP-4")!.held, undefined);
  zone.pass(MINUTE + 2);
  assert.ok(reportOf(zone.house(0)).refused["bad-note"]! >= 1, "the old key is not believed");
});
