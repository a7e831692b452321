import { test, assert } from "../../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../adapters/crypto.ts";
import type { Effect } from "../ports.ts";
import { formatCheckpoint, parseCheckpoint } from "./checkpoint.ts";
import { EMPTY_FRONTIER, appendLeaf, leafHash, rootOf } from "./merkle.ts";
import { openNote, signNote, verifierKeyOf } from "./note.ts";
import { NEW_LOG, appendEntries, checkpoint, contentHash, createRecord, refuse } from "./record.ts";
import type { RecordState, RecoveredLog } from "./record.ts";

const crypto = nodeCrypto();
const signer = signerFromSeed(new Uint8Array(32).fill(1));
const origin = "kerbwatch/CP-001";
const entry = (n: number): Uint8Array => Uint8Array.of(n, n, n);
const entries = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => entry(i));

function start(recovered: RecoveredLog): RecordState {
  return createRecord({ origin, crypto, signer, recovered });
}

const noteOf = (effects: readonly Effect[]): string =>
  (effects.find((effect) => effect.kind === "checkpoint") as { note: string }).note;

/** What the adapter would find: `list` on disk and `note` as the checkpoint, which says `attested`. */
function found(list: readonly Uint8Array[], note?: string, attested = 0): RecoveredLog {
  const at = (size: number): typeof EMPTY_FRONTIER =>
    list.slice(0, size).reduce((f, one) => appendLeaf(crypto, f, leafHash(crypto, one)), EMPTY_FRONTIER);
  return {
    frontier: at(list.length), tornBytes: 0,
    ...(note === undefined ? {} : { checkpoint: note }),
    ...(note !== undefined && attested <= list.length ? { checkpointRoot: rootOf(crypto, at(attested)) } : {}),
  };
}

/** A checkpoint over `count` entries. */
function signedOver(count: number): string {
  const state = start(NEW_LOG);
  appendEntries(state, entries(count));
  return noteOf(checkpoint(state));
}

test("entries are appended, numbered and hashed; the checkpoint attests the root", () => {
  const state = start(NEW_LOG);
  assert.is(appendEntries(state, entries(2)).firstIndex, 0);
  const third = appendEntries(state, [entry(2)]);
  assert.is(third.firstIndex, 2);
  assert.equal(third.effects, [{ kind: "append", entries: [entry(2)] }]);
  assert.equal(third.leafHashes, [leafHash(crypto, entry(2))]);
  const opened = openNote(crypto, noteOf(checkpoint(state)), verifierKeyOf(crypto, origin, signer.publicKey));
  assert.ok(opened.ok);
  const expected = found(entries(3)).frontier;
  assert.equal(parseCheckpoint(opened.value), { ok: true, value: { origin, size: 3, root: rootOf(crypto, expected) } });
});

test("no entries, no effect; nothing new, no checkpoint; no key, no checkpoint", () => {
  const state = start(NEW_LOG);
  assert.equal(appendEntries(state, []).effects, []);
  assert.equal(checkpoint(state), []);
  appendEntries(state, entries(1));
  assert.is(checkpoint(state).length, 1);
  assert.equal(checkpoint(state), []);
  const unsigned = createRecord({ origin, crypto, recovered: NEW_LOG });
  appendEntries(unsigned, entries(1));
  assert.equal(checkpoint(unsigned), []);
});

test("a log that goes on from its checkpoint, or a few entries later, is signed on", () => {
  for (const size of [3, 5]) {
    const state = start(found(entries(size), signedOver(3), 3));
    assert.is(state.refused, undefined);
    assert.equal(state.notices, []);
    assert.is(checkpoint(state).length, size === 3 ? 0 : 1);
    appendEntries(state, [entry(9)]);
    assert.is(checkpoint(state).length, 1);
  }
});

test("a log smaller than its checkpoint is never signed again, and stays so as it grows", () => {
  const state = start(found(entries(2), signedOver(3), 3));
  assert.match(state.refused ?? "", /has 2 entries, and its own checkpoint attests 3/);
  assert.match(state.notices.join(), /signs nothing more/);
  appendEntries(state, entries(5));
  assert.equal(checkpoint(state), []);
  const regrown = start(found([...entries(2), entry(8), entry(9)], signedOver(3), 3));
  assert.match(regrown.refused ?? "", /not those that its checkpoint attests/);
});

test("a changed entry, another key, another origin, a spoiled checkpoint: refused", () => {
  const changed = [entry(7), ...entries(3).slice(1)];
  assert.match(start(found(changed, signedOver(3), 3)).refused ?? "", /not those/);
  const note = signedOver(3);
  const recovered = found(entries(3), note, 3);
  const otherKey = signerFromSeed(new Uint8Array(32).fill(2));
  assert.match(createRecord({ origin, crypto, signer: otherKey, recovered }).refused ?? "", /not its own/);
  assert.match(createRecord({ origin: "kerbwatch/X", crypto, signer, recovered }).refused ?? "", /not its own/);
  for (const bad of ["", "junk", note.replace("\n3\n", "\n2\n"), note.slice(0, -9)]) {
    assert.ok(start(found(entries(3), bad, 3)).refused !== undefined, bad);
  }
});

test("a damaged log is frozen: no append, no checkpoint, and it says so", () => {
  const state = start({ ...found(entries(2)), damage: "00000000.seg: bad" });
  assert.match(state.notices.join(), /damaged: 00000000.seg/);
  const appended = appendEntries(state, entries(1));
  assert.equal(appended.effects, []);
  assert.is(appended.leafHashes.length, 1);
  assert.equal(checkpoint(state), []);
});

test("a torn tail is told and is no reason to refuse", () => {
  const state = start({ ...found(entries(2)), tornBytes: 37 });
  assert.match(state.notices.join(), /37 bytes/);
  assert.is(state.refused, undefined);
});

test("when the log could not be written, signing stops at once and is told once", () => {
  const state = start(NEW_LOG);
  appendEntries(state, entries(1));
  assert.is(refuse(state, "no space left").length, 1);
  assert.equal(refuse(state, "again"), []);
  assert.is(state.refused, "no space left");
  assert.equal(checkpoint(state), []);
});

test("hashes as alerts name them", () => {
  assert.is(contentHash(Uint8Array.of(0, 10, 255)), "sha256:000aff");
});

test("a checkpoint that its own key signed for another log is not this log's", () => {
  const { frontier } = found(entries(2));
  const text = formatCheckpoint({ origin: "kerbwatch/CP-002", size: 2, root: rootOf(crypto, frontier) });
  const state = start(found(entries(2), signNote(crypto, text, origin, signer), 2));
  assert.is(state.refused, "the log's checkpoint is of another log");
});
