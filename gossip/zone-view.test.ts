import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../edge-agent/adapters/crypto.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import type { Epoch } from "../models/units.ts";
import { messageOfStatement, type MessageOf } from "./message.ts";
import { namesOf } from "./reading.ts";
import { signStatement } from "./statement.ts";
import { madeDirectory } from "./zone-network.testing.ts";
import {
  addStatement, createZoneView, type Held, historyOf, newestOf, pruneView, setGuilty, statementByHash, type ZoneView,
} from "./zone-view.ts";

const crypto = nodeCrypto();
const signers = [1, 2].map((fill) => signerFromSeed(new Uint8Array(32).fill(fill)));
const directory = madeDirectory(signers, 0);

function statement(by: number, epoch: number, seq = epoch, evidence = [epoch]): MessageOf<"statement"> {
  return messageOfStatement(signStatement({
    network: "example", zone: "feeder-7", station: `CP-${by}`, epoch: epoch as Epoch, seq, previous: new Uint8Array(0),
    rosterVersion: 1, evidence, checkpoint: new Uint8Array(0),
  }, signers[by]!));
}

const add = (view: ZoneView, by: number, message: MessageOf<"statement">): string =>
  addStatement(view, by, message, namesOf(message.bytes, crypto)).kind;
const epochsOf = (held: readonly Held[]): number[] => held.map(({ epoch }) => epoch);

test("in whatever order statements come, they are held in the order of epochs, as the bytes that came", () => {
  const random = seeded(5);
  const view = createZoneView(directory);
  const epochs = Array.from({ length: 40 }, (_, i) => i * 3);
  const shuffled = [...epochs].sort(() => random.next() - 0.5);
  for (const epoch of shuffled) assert.is(add(view, 0, statement(0, epoch)), "added");
  assert.equal(epochsOf(view.members[0]!.statements), epochs);
  assert.is(newestOf(view, 0)?.epoch, 117);
  assert.is(newestOf(view, 1), undefined);
  assert.equal(view.members.map(({ heard }) => heard), [117, -1]);
  const one = statement(0, 30);
  assert.equal(statementByHash(view, crypto.sha256(one.bytes))?.whole, one.whole);
  assert.is(add(view, 0, one), "duplicate");
});

test("another statement of one epoch, or of one place in the chain, is equivocation and is not held", () => {
  const view = createZoneView(directory);
  add(view, 0, statement(0, 10, 4));
  add(view, 0, statement(0, 11, 5));
  assert.is(add(view, 0, statement(0, 10, 9)), "equivocation");
  assert.is(add(view, 0, statement(0, 12, 5)), "equivocation");
  assert.is(add(view, 1, statement(1, 10, 4)), "added");
  assert.is(view.byHash.size, 3);
});

test("what is older than the window and a proposal's age is forgotten, by name too", () => {
  const view = createZoneView(directory);
  for (let epoch = 0; epoch < 1_000; epoch++) {
    add(view, 0, statement(0, epoch));
    pruneView(view, epoch);
    assert.ok(view.byHash.size <= 187);
  }
  assert.is(view.members[0]!.statements[0]!.epoch, 999 - 186);
  assert.is(view.byHash.size, view.members[0]!.statements.length);
  pruneView(view, 2_000);
  assert.equal([view.byHash.size, view.members[0]!.heard], [0, 999], "when it was heard last is remembered");
});

test("for the decision: who is guilty, and nothing up to an epoch when asked so", () => {
  const view = createZoneView(directory);
  for (const epoch of [5, 6, 7]) add(view, 0, statement(0, epoch));
  setGuilty(view, 1, { station: directory.members[0]!.station, whole: new Uint8Array(1) });
  const history = historyOf(view, 0, 7);
  assert.equal(history.members.map(({ statements, guilty }) => [statements.length, guilty]), [[3, false], [0, true]]);
  assert.equal(epochsOf(historyOf(view, 0, 7, 5).members[0]!.statements), [6, 7]);
});

test("surplus evidence of a newer agent is left out of what is decided on, and kept in the bytes", () => {
  const view = createZoneView(directory);
  const message = statement(0, 5, 5, new Array<number>(60).fill(1));
  add(view, 0, message);
  assert.is(newestOf(view, 0)!.evidence.length, EVIDENCE_KEYS.length);
  assert.equal(newestOf(view, 0)!.whole, message.whole);
});
