/** What a log takes of its witnesses' answers, and whom it tells first: rules that honest neighbours do not show. */
import { assert, test } from "../build/testing.ts";
import { compose } from "../gossip/agreement-protocol.ts";
import { neighboursOf } from "../gossip/membership.ts";
import type { Outgoing } from "../gossip/protocol-state.ts";
import type { Now } from "../models/units.ts";
import { signerFromSeed } from "./adapters/crypto.ts";
import { keyName } from "./member-file.ts";
import { adoptRoster } from "./adopt-roster.ts";
import { formatCheckpoint, originOf } from "./record/checkpoint.ts";
import { cosign } from "./record/cosignature.ts";
import { signNote } from "./record/note.ts";
import type { Offered } from "./record/offers.ts";
import { witness, witnessReport } from "./record/witnessing.ts";
import {
  crypto, EPOCH_S, rootOfFirst, rosterOf, stationAt, ZONE, ZoneCores,
} from "./zone-cores.testing.ts";

const MINUTE = 60 / EPOCH_S;
const witnessKey = (index: number) => signerFromSeed(new Uint8Array(32).fill(128 + index));
const logKey = (index: number) => signerFromSeed(new Uint8Array(32).fill(64 + index));
const stateOf = (zone: ZoneCores, index: number) => zone.house(index).core!.state;
const witnessingOf = (zone: ZoneCores, index: number) => stateOf(zone, index).witnessing!;

/** A zone whose first house has told two checkpoints, and heard nothing of them. */
function unanswered(): { zone: ZoneCores; offered: readonly [Offered, Offered] } {
  const zone = new ZoneCores(5, 1, { witnesses: true });
  zone.loses = (_from, to, { kind }) => kind === "cosignature" && to === "CP-0";
  for (let minute = 0; minute < 2; minute++) {
    stateOf(zone, 0).journal.log.unseen = true;
    zone.pass(MINUTE + 1);
  }
  zone.loses = () => false;
  const { recent } = witnessingOf(zone, 0).collected;
  assert.is(recent.length, 2);
  return { zone, offered: recent as never };
}

const textOf = ({ note }: Offered): string => note.slice(0, note.indexOf("\n\n") + 1);
const nowS = (zone: ZoneCores): number => zone.epoch * EPOCH_S;

/** A member says this of the first house's log. */
function answer(zone: ZoneCores, from: number, note: string, epoch: number = zone.epoch): Outgoing {
  return compose(stateOf(zone, from).zone!.protocol, "cosignature", { epoch, log: stationAt(0), note });
}

function lineOf(zone: ZoneCores, text: string, index: number, timeS = nowS(zone), signer = witnessKey(index)): string {
  return `${cosign(crypto, text, keyName(stationAt(index), "witness"), signer, timeS)}\n`;
}

test("an answer that is none is counted, and tells nothing of its witness", () => {
  const { zone, offered: [, last] } = unanswered();
  const text = textOf(last);
  const good = lineOf(zone, text, 1);
  const stranger = signerFromSeed(new Uint8Array(32).fill(9));
  const otherLog = formatCheckpoint({ origin: originOf(stationAt(2)), size: 9, root: new Uint8Array(32) });
  const bad: [string, string, number?][] = [
    ["no note", "x"],
    ["the cosignature alone", good],
    ["without a cosignature", last.note],
    ["without the log's signature", `${text}\n${good}`],
    ["a third signature", `${last.note}${good}${lineOf(zone, text, 2)}`],
    ["the cosignature twice", `${last.note}${good}${good}`],
    ["the cosignature first", `${text}\n${good}${last.note.slice(text.length + 1)}`],
    ["of another witness", `${last.note}${lineOf(zone, text, 2)}`],
    ["in its name, by a stranger's key", `${last.note}${lineOf(zone, text, 1, nowS(zone), stranger)}`],
    ["of another text", `${last.note}${lineOf(zone, text.replace("CP-0", "CP-9"), 1)}`],
    ["at a time before the epoch", `${last.note}${lineOf(zone, text, 1, nowS(zone) - 1)}`],
    ["at a time after the epoch", `${last.note}${lineOf(zone, text, 1, nowS(zone) + EPOCH_S)}`],
    ["at this time, in a message of the epoch before", `${last.note}${good}`, zone.epoch - 1],
    ["of another log", `${signNote(crypto, otherLog, originOf(stationAt(2)), logKey(2))}${lineOf(zone, otherLog, 1)}`],
    ["of another log, by this log's key",
      `${signNote(crypto, otherLog, originOf(stationAt(0)), logKey(0))}${lineOf(zone, otherLog, 1)}`],
    ["of this log, by a stranger's key",
      `${signNote(crypto, text, originOf(stationAt(0)), stranger)}${good}`],
  ];
  const state = witnessingOf(zone, 0);
  bad.forEach(([name, note, epoch], i) => {
    zone.say(1, answer(zone, 1, note, epoch));
    assert.equal([state.refused.get("bad-cosignature"), state.partners.get("CP-1")!.holds], [i + 1, 0], name);
  });
  assert.is(last.lines.size, 0);
  assert.is(state.log.refused, undefined);
  zone.say(1, answer(zone, 1, `${last.note}${good}`));
  assert.equal([[...last.lines.keys()], state.partners.get("CP-1")!.holds], [["CP-1"], last.size]);
});

test("of a witness's answers one an epoch is looked at, and none that was said before the last", () => {
  const { zone, offered: [first, last] } = unanswered();
  const { partners, refused } = witnessingOf(zone, 0);
  const partner = partners.get("CP-1")!;
  const says = (one: Offered | undefined, epochs: number): void => {
    const note = one && `${one.note}${lineOf(zone, textOf(one), 1, nowS(zone) + epochs * EPOCH_S + 3)}`;
    zone.say(1, answer(zone, 1, note ?? "", zone.epoch + epochs));
  };
  says(last, 0);
  says(first, 0);
  says(undefined, 0);
  says(first, -1);
  says(undefined, -2);
  assert.equal([partner.holds, first.lines.size, refused.get("too-soon")], [last.size, 0, 4]);
  says(first, 1);
  assert.equal([partner.holds, first.lines.size], [first.size, 1], "it was itself put back");
  zone.pass(2);
  says(undefined, 0);
  assert.is(partner.holds, 0);
});

test("an older checkpoint that gathers its cosignatures later is not kept over the newest", () => {
  const { zone, offered: [first, last] } = unanswered();
  const say = (index: number, one: Offered, epochs: number): void => zone.say(index, answer(zone, index,
    `${one.note}${lineOf(zone, textOf(one), index, nowS(zone) + epochs * EPOCH_S)}`, zone.epoch + epochs));
  for (const index of [1, 2]) say(index, last, 0);
  for (const index of [1, 2, 3, 4]) say(index, first, 1);
  assert.equal([first.lines.size, last.lines.size], [4, 2]);
  assert.is(witnessReport(witnessingOf(zone, 0)).cosignedSize, last.size);
  zone.pass(1);
  assert.is(zone.house(0).cosigned?.split("\n")[1], String(last.size));
});

test("a checkpoint by its key of more than it has, or of other entries, ends a log's signing; a true one not", () => {
  for (const [size, says] of [[500, /and it has \d+$/], [9, /and they are others now$/], [9, undefined]] as const) {
    const { zone } = unanswered();
    const { log } = zone.house(0);
    const root = says === undefined ? rootOfFirst(log, size) : new Uint8Array(32).fill(1);
    const text = formatCheckpoint({ origin: originOf(stationAt(0)), size, root });
    const note = signNote(crypto, text, originOf(stationAt(0)), logKey(0));
    zone.say(1, answer(zone, 1, `${note}${lineOf(zone, text, 1)}`));
    const { refused } = stateOf(zone, 0).journal.log;
    if (says === undefined) assert.is(refused, undefined);
    else assert.match(refused ?? "", says);
  }
});

test("who was told longest ago comes first, when more stand apart than an epoch has messages for", () => {
  const zone = new ZoneCores(9, 2, { witnesses: true });
  let minute = 0;
  zone.loses = (from, to, { kind }) => from === "CP-0" && kind === "checkpoint" && to !== `CP-${minute + 1}`;
  const stir = (): void => void (stateOf(zone, 0).journal.log.unseen = true);
  for (; minute < 8; minute++) zone.pass(MINUTE, stir);
  zone.pass(2);
  const before = zone.house(0).published.length;
  zone.loses = () => true;
  for (let epoch = 0; epoch < 4; epoch++) {
    // As with an alert in each epoch.
    stateOf(zone, 0).duties.checkpointMs = -Infinity;
    zone.pass(1, stir);
  }
  const told = zone.house(0).published.slice(before).filter(({ message: { kind } }) => kind === "checkpoint");
  assert.equal(told.map(({ epoch }) => epoch - told[0]!.epoch), [0, 1, 2, 3].flatMap((epoch) => Array(4).fill(epoch)));
  const sizes = told.map(({ message: { bytes } }) => oldSizeOf(bytes));
  assert.is(new Set(sizes.slice(0, 8)).size, 8, "everybody in two epochs");
  assert.equal(new Set(sizes.slice(8)), new Set(sizes.slice(0, 8)), "and again in the next two");
});

/** The last integer of the signed bytes, which are a list that ends with the old size; below 256. */
function oldSizeOf(bytes: Uint8Array): number {
  const end = bytes.length - 2 - 64;
  const [head, last] = [bytes[end - 2]!, bytes[end - 1]!];
  return head === 0x18 ? last : last & 0x1f;
}

test("an agent that may not sign, since its clock is off, hears and judges, and cosigns when it may again", () => {
  const zone = new ZoneCores(4, 1, { witnesses: true });
  const state = witnessingOf(zone, 1);
  const taken = (): number => [...state.partners.values()].filter((partner) => partner.taken !== undefined).length;
  for (let epochs = 0; taken() < 3 && epochs < 2 * MINUTE; epochs++) zone.pass(1);
  const next = { wallMs: (zone.epoch + 1) * EPOCH_S * 1_000, monoMs: 0 } as Now;
  const answers = (): number => witness(state, stateOf(zone, 1).journal, [], next).outgoing.length;
  state.protocol.maySign = false;
  assert.equal([answers(), taken()], [0, 3]);
  state.protocol.maySign = true;
  assert.equal([answers(), taken()], [3, 0]);
});

test("members of other zones, over bridges, are no witnesses", () => {
  const zone = new ZoneCores(4, 1, { witnesses: true });
  const roster = rosterOf(6, 1, 2);
  const hill = "hill" as typeof ZONE;
  const members = roster.members.map((member, index) => (index < 4 ? member : { ...member, zone: hill }));
  const zones = [...roster.zones, { id: hill, ratingW: 0, f: 0 }];
  const joined = { ...roster, zones, members };
  const bridges = [0, 1, 2, 3].map(stationAt).filter((station) =>
    neighboursOf(crypto, joined, station).some(({ link }) => link === "bridge"));
  assert.is(bridges.length, 2);
  for (const { index } of zone.houses) {
    adoptRoster(stateOf(zone, index), joined, ZONE);
    assert.equal([...witnessingOf(zone, index).partners.keys()],
      [0, 1, 2, 3].filter((other) => other !== index).map(stationAt));
  }
});

test("who stays a neighbour under a new roster is asked from where it stands", () => {
  const zone = new ZoneCores(4, 1, { witnesses: true });
  zone.pass(MINUTE + 3);
  const before = [...witnessingOf(zone, 0).partners.values()].map(({ holds }) => holds);
  assert.ok(before.every((holds) => holds > 0));
  adoptRoster(stateOf(zone, 0), rosterOf(4, 1, 2), ZONE);
  assert.equal([...witnessingOf(zone, 0).partners.values()].map(({ holds }) => holds), before);
});
