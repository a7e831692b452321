/** Neighbours witness each other's logs, in one process: and what is lost, restarted and put back. */
import { assert, test } from "../build/testing.ts";
import type { Outgoing } from "../gossip/protocol-state.ts";
import { openCheckpoint } from "./record/checkpoint.ts";
import { encodeEntry } from "./record/entry.ts";
import {
  assertWitnessed, cosigned, isKind, logKeyOf, MINUTE, pass, reportOf, street, witnessingOf,
} from "./witness-zone.testing.ts";
import { crypto, entriesOf, type House, stationAt, type ZoneCores } from "./zone-cores.testing.ts";

test("every log ends cosigned by everybody, once a minute", () => {
  for (const [n, f] of [[2, 0], [4, 1], [9, 2]] as const) {
    const zone = street(n, f);
    pass(zone, 3 * MINUTE + 3);
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
  pass(zone, 2 * MINUTE + 2);
  assert.is(answers, 4 * 3 * 2);
});

test("a witness that was killed goes on from its log", () => {
  const zone = street(4, 1);
  pass(zone, 2 * MINUTE + 2);
  zone.kill(2);
  zone.start(2);
  assert.is(reportOf(zone.house(2)).heldOf, 3);
  pass(zone, 2 * MINUTE + 2);
  for (const { index } of zone.houses) assert.is(cosigned(zone, index).by, 3);
  assert.equal(reportOf(zone.house(2)).refused, {}, "nobody had to be told where it stands");
  assertWitnessed(zone);
});

test("a witness that holds nothing of a log, where the log thinks otherwise, says so and is asked from nothing", () => {
  const zone = street(4, 1);
  pass(zone, 2 * MINUTE + 2);
  const partner = witnessingOf(zone.house(2)).partners.get("CP-0")!;
  partner.held = undefined;
  pass(zone, MINUTE);
  assert.equal([cosigned(zone, 0).by, partner.held], [2, undefined]);
  assert.is(witnessingOf(zone.house(0)).partners.get("CP-2")!.holds, 0);
  pass(zone, MINUTE);
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
  pass(zone, 3 * MINUTE + 2);
  assert.equal([cosigned(zone, 0).by, cosigned(zone, 3).by], [2, 3]);
  assert.is(reportOf(zone.house(1)).refused["old-size"], 2);
  assert.is(lost.filter(({ bytes }) => Buffer.from(bytes).includes("kerbwatch/CP-0\n")).length, 3,
    "once for what it cosigned, and once for each time that it was asked from elsewhere");
  zone.loses = () => false;
  pass(zone, 2 * MINUTE);
  assert.is(cosigned(zone, 0).by, 3);
  zone.kill(1);
  pass(zone, 16 * MINUTE);
  zone.start(1);
  pass(zone, MINUTE + 2);
  assert.is(cosigned(zone, 0).by, 3);
  assertWitnessed(zone);
});

test("too few witnesses, and the checkpoint is not kept as cosigned", () => {
  const zone = street(7, 2);
  zone.loses = (_from, to, { kind }) => kind === "checkpoint" && !["CP-1", "CP-2"].includes(to);
  pass(zone, 3 * MINUTE);
  assert.is(zone.house(0).cosigned, undefined);
  assert.is(reportOf(zone.house(0)).cosignedSize, 0);
  zone.loses = (_from, to, { kind }) => kind === "checkpoint" && !["CP-1", "CP-2", "CP-3"].includes(to);
  pass(zone, 2 * MINUTE + 2);
  assert.is(cosigned(zone, 0).by, 3);
  const { size } = cosigned(zone, 0);
  zone.loses = (_from, _to, { kind }) => kind === "checkpoint";
  pass(zone, 3 * MINUTE);
  assert.equal(cosigned(zone, 0), { size, by: 3 }, "the newest of which there are enough stays");
});

test("a log that was killed proves from where each witness stands: remembered, or not long ago", () => {
  const zone = street(4, 1);
  pass(zone, 2 * MINUTE + 2);
  zone.kill(3);
  pass(zone, 16 * MINUTE);
  const { memory } = zone.house(0);
  assert.ok(memory!.witnesses!["CP-3"]! < 60, "what a witness holds that is away is remembered");
  zone.kill(0);
  zone.start(0);
  zone.start(3);
  pass(zone, 2 * MINUTE + 2);
  assert.is(cosigned(zone, 0).by, 3);
  assert.equal(reportOf(zone.house(0)).outOfReach, []);
  zone.kill(0);
  zone.house(0).memory = undefined;
  zone.start(0);
  assert.is(reportOf(zone.house(0)).cosigners.length, 3, "from the note beside the log");
  pass(zone, 2 * MINUTE + 2);
  assert.is(cosigned(zone, 0).by, 3);
  assertWitnessed(zone);
});

test("a witness out of reach is named, and reached after the log's next start", () => {
  const zone = street(4, 1);
  pass(zone, 2 * MINUTE + 2);
  zone.kill(3);
  const house = zone.house(0);
  const notice = encodeEntry({ kind: "notice", at: 0 as never, text: "x" });
  zone.kill(0);
  house.memory = undefined;
  for (let i = 0; i < 3_000; i++) house.log.push(notice);
  zone.start(0);
  zone.start(3);
  pass(zone, 3 * MINUTE);
  assert.equal(reportOf(house).outOfReach, ["CP-1", "CP-2", "CP-3"]);
  pass(zone, 15 * MINUTE);
  assert.ok(house.memory !== undefined, "saved by now");
  zone.kill(0);
  zone.start(0);
  pass(zone, 2 * MINUTE + 2);
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
    pass(zone, 2 * MINUTE + 2);
    const house = zone.house(0);
    const putBack = backedUp(house);
    pass(zone, minutes * MINUTE);
    const { size } = cosigned(zone, 0);
    const entries = [...house.log];
    zone.kill(0);
    putBack(house);
    zone.start(0);
    const before = house.published.length;
    pass(zone, 5 * MINUTE);
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
  pass(zone, 2 * MINUTE + 2);
  const house = zone.house(0);
  const putBack = backedUp(house);
  pass(zone, 3 * MINUTE);
  const { size } = cosigned(zone, 0);
  zone.kill(0);
  putBack(house);
  zone.loses = (_from, to, { kind }) => kind === "cosignature" && to === "CP-0";
  zone.start(0);
  pass(zone, 6 * MINUTE);
  assert.ok(house.core!.state.journal.log.signedSize > size, "it has signed more than it had");
  for (const index of [1, 2, 3]) {
    assert.is(witnessingOf(zone.house(index)).partners.get("CP-0")!.held!.size, size);
    assert.ok(reportOf(zone.house(index)).refused["old-size"]! >= 3);
  }
  zone.loses = () => false;
  pass(zone, 2 * MINUTE);
  const { refused } = house.core!.state.journal.log;
  assert.match(refused ?? "", /^CP-\d cosigned \d+ entries that this log had signed, and they are others now$/);
});

test("a start asks the witnesses, and waits for their word before it states, two epochs at most", () => {
  const zone = street(4, 1);
  pass(zone, 2 * MINUTE + 2);
  const house = zone.house(0);
  const restarted = (): { asked: number; stated: number } => {
    zone.kill(0);
    zone.start(0);
    const before = house.published.length;
    const [first, epochs] = [zone.epoch + 1, 6];
    pass(zone, epochs);
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
  pass(zone, 3 * MINUTE);
  assert.is(cosigned(zone, 0).by, 3);
  assert.equal(entriesOf(house).filter(({ kind }) => kind === "fork"), []);
});
