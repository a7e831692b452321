/** SPEC.md, section 13: releases go from neighbour to neighbour, and stop where neighbours found them ill. */
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { fromHex } from "../../gossip/bytes.ts";
import { encodeMessage } from "../../gossip/message.ts";
import { MOST_ILL as MOST_ILL_TOLD, PART_BYTES } from "../../gossip/message-content.ts";
import type { Outgoing } from "../../gossip/protocol-state.ts";
import {
  Boards, HEAD, largeProgram, largeRelease, PIECES, runs, signers, stationOf,
} from "./exchange.testing.ts";
import { choose, programOf, readPointer, writePointer } from "./install.ts";
import { verifyRelease } from "./manifest.ts";
import { MOST_ILL, takenBack } from "./pointer.ts";
import { readIncoming } from "./shelf.ts";
import { crypto, ISSUED_S, OPERATORS, releaseOf, SIGNERS, signedRelease } from "./update.testing.ts";

const LISTENS = 32;
const hashOf = (manifest: Uint8Array): Uint8Array => {
  const verified = verifyRelease(crypto, manifest, OPERATORS);
  if (!verified.ok) throw new Error(verified.problem);
  return verified.value.hash;
};
const everybodyHas = (boards: Boards, sequence: number) => (): boolean =>
  boards.sequences.every((one) => one === sequence);

/** The trial of a board was not found healthy. */
function fallsIll(boards: Boards, at: number): void {
  const { disk } = boards.all[at]!;
  choose(disk, crypto, OPERATORS);
  writePointer(disk, takenBack(readPointer(disk), "no frames"));
}

test("one board runs a release and found it healthy: all others install it for a trial, as it was signed", () => {
  const boards = new Boards();
  runs(boards.all[0]!.disk, 2);
  const passed = boards.pass(everybodyHas(boards, 2));
  assert.ok(passed <= LISTENS + 3 * (PIECES + 2), `${passed} epochs`);
  for (const at of [1, 2, 3, 4]) {
    const { trial } = boards.pointer(at);
    assert.is(trial!.fromNeighbours, true);
    const { disk, told } = boards.all[at]!;
    assert.equal(disk.read(programOf(trial!.release.hash)), largeProgram(2));
    assert.equal(choose(disk, crypto, OPERATORS).release, trial!.release, "and the next start runs it");
    assert.match(told.join("\n"), /signed by operator\/op0 and operator\/op1, is offered by/);
    assert.match(told.at(-1)!, /all of it came from neighbours; it is tried when no car charges$/);
  }
  assert.is(boards.mostAnEpoch, 1, "one piece an epoch, whoever asks");
  assert.ok(boards.pieces.get(0)! <= 2 * (PIECES + 1), `${boards.pieces.get(0)} pieces for four boards`);
});

test("nothing is fetched before neighbours had their turn to say what they took back; of nothing no word", () => {
  const boards = new Boards();
  boards.epochs(LISTENS);
  assert.is(boards.sent, 0);
  const others = new Boards();
  runs(others.all[0]!.disk, 2);
  others.epochs(LISTENS - 1);
  assert.is(others.pieces.size, 0);
});

test("with half of all messages lost it comes all the same", () => {
  const boards = new Boards();
  runs(boards.all[0]!.disk, 2);
  const random = seeded(5);
  boards.loses = () => random.int(2) === 0;
  boards.pass(everybodyHas(boards, 2), 600);
});

test("what was fetched before a restart is not fetched again", () => {
  const boards = new Boards((at) => at === 1);
  runs(boards.all[0]!.disk, 2);
  const half = (): boolean => readIncoming(boards.all[1]!.disk)?.bytesHere === 2 * PART_BYTES;
  boards.pass(half);
  const before = boards.pieces.get(0)!;
  boards.restart(1);
  boards.pass(() => boards.sequences[1] === 2);
  // One was on its way when it was started anew.
  assert.is(boards.pieces.get(0)! - before, PIECES - 2 + 1);
});

test("pieces that a power cut spoilt are noticed and fetched anew, and nobody is blamed for it", () => {
  const boards = new Boards((at) => at === 1);
  runs(boards.all[0]!.disk, 2);
  boards.pass(() => readIncoming(boards.all[1]!.disk)?.bytesHere === 2 * PART_BYTES);
  const { disk } = boards.all[1]!;
  const name = disk.list().find((one) => one.endsWith(".pieces"))!;
  disk.writeAt(name, 5, new Uint8Array(9));
  boards.restart(1);
  boards.pass(() => boards.sequences[1] === 2);
  const { told, exchange } = boards.all[1]!;
  assert.ok(told.some((text) => text.endsWith("its pieces were damaged; they are fetched anew")));
  assert.is(exchange.failures.size, 0);
});

test("a board that takes nothing from neighbours passes on what it runs all the same", () => {
  const boards = new Boards((at) => at !== 1);
  runs(boards.all[1]!.disk, 2);
  runs(boards.all[0]!.disk, 1);
  boards.pass(() => boards.sequences.slice(2).every((one) => one === 2));
  assert.equal(boards.sequences, [2, 2, 2, 2, 2]);
  const quiet = new Boards(() => false);
  runs(quiet.all[1]!.disk, 2);
  quiet.epochs(80);
  assert.equal(quiet.sequences, [undefined, 2, undefined, undefined, undefined]);
});

test("what was taken back for ill health is not passed on; who took it back says so", () => {
  const boards = new Boards();
  runs(boards.all[0]!.disk, 2);
  boards.pass(() => boards.sequences[1] === 2);
  fallsIll(boards, 1);
  boards.epochs(17);
  for (const at of [0, 2, 3, 4]) assert.equal([...boards.all[at]!.exchange.ill.keys()], [stationOf(1)]);
  assert.is(boards.all[1]!.exchange.shared, undefined);
});

test("more of the zone than may lie took it back: others say why, and what was not started yet is withdrawn", () => {
  const boards = new Boards((at) => at !== 4);
  runs(boards.all[0]!.disk, 2);
  boards.pass(() => boards.sequences.slice(0, 4).every((one) => one === 2));
  fallsIll(boards, 1);
  boards.epochs(20);
  assert.is(boards.sequences[3], 2, "one alone may lie (f = 1)");
  fallsIll(boards, 2);
  boards.epochs(20);
  assert.is(boards.sequences[3], undefined);
  const why = `${[stationOf(1), stationOf(2)].sort().join(", ")} of this zone took it back for ill health`;
  assert.ok(boards.all[3]!.told.at(-1)!.endsWith(`withdrawn before its trial: ${why}`), boards.all[3]!.told.at(-1));
  assert.match(boards.pointer(3).steps.at(-1)!, /is withdrawn before its trial/);
  assert.is(boards.sequences[0], 2, "who found it healthy keeps it");
});

test("a halted release is not fetched by who hears of it later, and status can tell why", () => {
  const boards = new Boards((at) => at === 2 || at === 3);
  const manifest = largeRelease(2);
  runs(boards.all[0]!.disk, 2, manifest);
  const ill = [fromHex(Buffer.from(hashOf(manifest)).toString("hex"))];
  boards.says = (from, message) => {
    if (message.kind !== "release" || from === 0) return message;
    return { ...message, bytes: encodeMessage("release", { epoch: boards.epoch, offered: undefined, ill }, HEAD(from),
      signers[from]!).whole };
  };
  const accuse = (at: number): void => {
    boards.say(at, { kind: "release", station: stationOf(at), bytes: new Uint8Array(1) });
  };
  for (const at of [1, 4]) accuse(at);
  boards.pass(() => readIncoming(boards.all[3]!.disk)?.says.startsWith("waits: ") === true);
  boards.epochs(30);
  assert.is(readIncoming(boards.all[3]!.disk)!.bytesHere, 0);
  assert.equal(boards.sequences, [2, undefined, undefined, undefined, undefined]);
  // The next one is another release.
  runs(boards.all[0]!.disk, 3);
  boards.pass(() => boards.sequences[3] === 3);
});

test("stages: a release goes to those stations first whose turn it is", () => {
  const boards = new Boards();
  const stages = [{ afterS: 0, percent: 0 }, { afterS: 2_000, percent: 100 }];
  runs(boards.all[0]!.disk, 2, largeRelease(2, { stages }));
  boards.epochs(LISTENS + 40);
  assert.equal(boards.sequences, [2, undefined, undefined, undefined, undefined]);
  assert.match(readIncoming(boards.all[1]!.disk)!.says, /^waits: it goes to a few stations first/);
  assert.not.ok(boards.all[1]!.disk.list().some((name) => name.endsWith(".pieces")));
  boards.pass(everybodyHas(boards, 2));
  assert.ok(boards.nowS! >= ISSUED_S + 2_000);
});

test("without a clock that is good, past its end, or below what was here, nothing is fetched", () => {
  const unset = new Boards();
  unset.nowS = undefined;
  runs(unset.all[0]!.disk, 2);
  unset.epochs(80);
  assert.equal(unset.sequences.slice(1), [undefined, undefined, undefined, undefined]);
  const late = new Boards();
  late.nowS = ISSUED_S + 91 * 86_400;
  runs(late.all[0]!.disk, 2);
  late.epochs(80);
  assert.equal(late.sequences.slice(1), [undefined, undefined, undefined, undefined]);
  assert.match(late.all[1]!.told.at(-1)!, /no more for this board: expires/);
  const newer = new Boards();
  runs(newer.all[0]!.disk, 2);
  for (const at of [1, 2, 3, 4]) runs(newer.all[at]!.disk, 3);
  newer.epochs(LISTENS);
  assert.is(newer.sequences[1], 3);
  newer.pass(everybodyHas(newer, 3));
});

/** What the liar says in the place of one kind of word. */
function lies(boards: Boards, liar: number, kind: Outgoing["kind"], lie: () => Uint8Array | undefined): void {
  boards.says = (from, message) => {
    if (from !== liar || message.kind !== kind) return message;
    const bytes = lie();
    return bytes && { ...message, bytes };
  };
}

test("liars: junk for pieces, silence, what nobody signed, ever higher numbers: a delay, and held against them", () => {
  const LIAR = 4;
  let n = 0;
  const junk = (boards: Boards, hash: Uint8Array, of: number, place: number): Uint8Array =>
    encodeMessage("piece", { epoch: boards.epoch, hash, of, place,
      bytes: new Uint8Array(place === of - 1 ? 100 : PART_BYTES) }, HEAD(LIAR), signers[LIAR]!).whole;
  const cases: Record<string, (boards: Boards) => void> = {
    "junk for the manifest": (boards) =>
      lies(boards, LIAR, "piece", () => junk(boards, hashOf(largeRelease(2)), 1, 0)),
    "junk for the program": (boards) => {
      let place = 0;
      lies(boards, LIAR, "piece", () => junk(boards, crypto.sha256(largeProgram(2)), PIECES, place++ % PIECES));
    },
    "silence": (boards) => lies(boards, LIAR, "piece", () => undefined),
    "what nobody signed": (boards) => lies(boards, LIAR, "release", () => encodeMessage("release", {
      epoch: boards.epoch, ill: [], offered: { sequence: 9,
        hash: crypto.sha256(signedRelease(releaseOf(9), SIGNERS.slice(0, 1))) } }, HEAD(LIAR), signers[LIAR]!).whole),
    "ever higher numbers": (boards) => lies(boards, LIAR, "release", () => encodeMessage("release", {
      epoch: boards.epoch, ill: [], offered: { sequence: 100 + n, hash: new Uint8Array(32).fill(n++) },
    }, HEAD(LIAR), signers[LIAR]!).whole),
  };
  for (const [name, lie] of Object.entries(cases)) {
    const boards = new Boards((at) => at === 1 || at === 2);
    for (const at of [0, LIAR]) runs(boards.all[at]!.disk, 2);
    lie(boards);
    const passed = boards.pass(() => boards.sequences[1] === 2 && boards.sequences[2] === 2);
    assert.ok(passed <= LISTENS + 60, `${name}: ${passed} epochs`);
    boards.epochs(200);
    const { offers, refused, failures, asks, served } = boards.all[1]!.exchange;
    assert.ok(offers.size <= 4 && refused.size <= 64 && failures.size <= 4 && asks.size <= 4 && served.size <= 4, name);
  }
});

test("one that offers a release and keeps silent, or sends junk for it, does not hold back what others offer", () => {
  const LIAR = 0;
  for (const [name, bytes] of Object.entries({ silence: undefined, junk: new Uint8Array(100) })) {
    const boards = new Boards((at) => at === 1 || at === 2);
    for (const at of [LIAR, 4]) runs(boards.all[at]!.disk, 2);
    boards.says = (from, message) => {
      if (from !== LIAR || message.kind !== "piece") return message;
      const junk = bytes && { epoch: boards.epoch, hash: hashOf(largeRelease(2)), of: 1, place: 0, bytes };
      return junk && { ...message, bytes: encodeMessage("piece", junk, HEAD(LIAR), signers[LIAR]!).whole };
    };
    const passed = boards.pass(() => boards.sequences[1] === 2 && boards.sequences[2] === 2);
    assert.is(boards.all[1]!.exchange.failures.get(stationOf(LIAR)), 1, `${name}: the liar was asked first`);
    // Its patience, and the manifest and pieces for two.
    assert.ok(passed <= LISTENS + 7 + 2 * (PIECES + 2), `${name}: ${passed} epochs`);
  }
});

test("who asks without end is sent the release eight times and no more, and others are served beside it", () => {
  const boards = new Boards((at) => at === 1);
  runs(boards.all[0]!.disk, 2);
  const GREEDY = 4;
  const hash = crypto.sha256(largeProgram(2));
  const asksFor = (place: number): Outgoing => {
    const content = { epoch: boards.epoch, asked: { of: stationOf(0), hash, place } };
    const { whole } = encodeMessage("fetch", content, HEAD(GREEDY), signers[GREEDY]!);
    return { kind: "fetch", station: stationOf(GREEDY), bytes: whole };
  };
  for (let epoch = 0; epoch < 120; epoch++) {
    boards.say(GREEDY, asksFor(epoch % PIECES));
    boards.epochs(1);
  }
  assert.is(boards.sequences[1], 2);
  assert.is(boards.all[0]!.exchange.served.get(stationOf(GREEDY)), 8 * (PIECES + 1));
});

test("neighbours are told of as many as are remembered", () => assert.is(MOST_ILL, MOST_ILL_TOLD));
