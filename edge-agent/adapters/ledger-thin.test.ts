/** A log that reaches its bound: its oldest part is thinned, its proofs stay, and no crash between loses anything. */
import {
  copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import type { WallMs } from "../../models/units.ts";
import { decodeEntry, encodeEntry } from "../record/entry.ts";
import { leafHash, rootOf, verifyInclusion } from "../record/merkle.ts";
import { parseCheckpoint } from "../record/checkpoint.ts";
import { appendEntries, checkpoint, createRecord, NEW_LOG, type RecordState } from "../record/record.ts";
import { parseNote } from "../record/note.ts";
import { encodeSlot, slotAt } from "../record/slots.ts";
import { nodeCrypto, signerFromSeed } from "./crypto.ts";
import { proveEntry } from "./evidence-read.ts";
import { openLedger } from "./ledger-file.ts";
import {
  checkpointPath, logFolder, readLog, readNote, segmentPath, slotsPath, thinPath,
} from "./ledger-read.ts";
import { FULL_FROM, roomProblems } from "./ledger-room.ts";
import { sizesIn, thinSegment } from "./ledger-thin.ts";

const crypto = nodeCrypto();
const signer = signerFromSeed(new Uint8Array(32).fill(1));
const MB = 1024 * 1024;
const at = Date.UTC(2026, 2, 1) as WallMs;
const folder = mkdtempSync(join(tmpdir(), "kerbwatch-thin-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

const statement = (n: number): Uint8Array => encodeEntry({
  kind: "statement", at, signedBytes: new Uint8Array(400).fill(n & 255), signature: new Uint8Array(64) });
const notice = (n: number): Uint8Array => encodeEntry({ kind: "notice", at, text: `notice ${n}` });

/** Many statements, and every hundredth entry a notice. */
function filled(name: string, batches: number, mostBytes?: number): { stateDir: string; record: RecordState } {
  const stateDir = join(folder, name);
  const record = createRecord({ origin: "kerbwatch/CP-1", crypto, signer, recovered: NEW_LOG });
  const { store } = openLedger(stateDir, crypto, { ...(mostBytes !== undefined && { mostBytes }) });
  for (let n = 0; n < batches; n++) {
    const entries = Array.from({ length: 100 }, (_, i) => (i === 7 ? notice(n) : statement(n + i)));
    for (const effect of appendEntries(record, entries).effects) {
      if (effect.kind === "append") store.append(effect.entries);
    }
    const [effect] = checkpoint(record);
    if (effect?.kind === "checkpoint") store.writeCheckpoint(effect.note);
  }
  store.close();
  return { stateDir, record };
}

function noticesIn(stateDir: string): string[] {
  const texts: string[] = [];
  readLog(stateDir, crypto, ({ entry }) => {
    const decoded = decodeEntry(entry);
    if (decoded.ok && decoded.value.kind === "notice") texts.push(decoded.value.text);
  });
  return texts;
}

test("what nobody asks for goes, the log keeps to its bound, and its root, notices and proofs stay", () => {
  const { stateDir, record } = filled("bound", 130, 2 * MB);
  const { bytes, whole } = sizesIn(stateDir);
  assert.ok(bytes < 3.2 * MB && whole.length <= 3, `${bytes} bytes, ${whole.length} whole segments`);
  assert.ok(readdirSync(logFolder(stateDir)).filter((name) => name.endsWith(".thin")).length > 2);
  const found = readLog(stateDir, crypto);
  assert.equal([found.damage, found.tornBytes, found.frontier], [undefined, 0, record.frontier]);
  assert.equal(noticesIn(stateDir), Array.from({ length: 130 }, (_, n) => `notice ${n}`));
  for (const index of [7, 107, 12_907]) {
    const proven = proveEntry(stateDir, crypto, String(index));
    assert.ok(proven.ok, proven.ok ? "" : proven.problem);
    const note = parseNote(proven.ok ? proven.value.note : "");
    const parsed = parseCheckpoint(note.ok ? note.value.text : "");
    if (!proven.ok || !parsed.ok) throw new Error("no proof");
    const { entry, proof } = proven.value;
    const { size, root } = parsed.value;
    assert.ok(verifyInclusion(crypto, leafHash(crypto, entry), index, size, proof, root), `entry ${index}`);
  }
  assert.equal(proveEntry(stateDir, crypto, "8"), { ok: false, problem: "there is no entry 8" });
  const { store, recovered } = openLedger(stateDir, crypto);
  store.append([notice(1_000)]);
  store.close();
  assert.is(readLog(stateDir, crypto).frontier.size, recovered.frontier.size + 1);
  assert.is(noticesIn(stateDir).at(-1), "notice 1000");
});

test("every crash state while a segment is thinned: the log is whole, and thinning is done again", () => {
  const { stateDir, record } = filled("crash", 40);
  const kept = join(folder, "kept.seg");
  copyFileSync(segmentPath(stateDir, 0), kept);
  const notices = noticesIn(stateDir);
  const saved = thinSegment(stateDir, crypto, 0, new Set());
  assert.ok(saved > 0.97 * MB, `${saved} bytes saved`);
  const thinned = readFileSync(thinPath(stateDir, 0));
  const aside = `${thinPath(stateDir, 0)}.tmp`;
  const isWhole = (what: string): void => {
    const found = readLog(stateDir, crypto);
    assert.is(found.damage, undefined, what);
    assert.equal(rootOf(crypto, found.frontier), rootOf(crypto, record.frontier), what);
  };
  isWhole("done");
  const states: [string, Buffer][] = [];
  for (let length = 0; length <= thinned.length; length += 601) {
    states.push([`${length} bytes`, thinned.subarray(0, length)]);
    states.push([`zeros from ${length}`, Buffer.concat([thinned.subarray(0, length), Buffer.alloc(64)])]);
  }
  for (const [what, bytes] of states) {
    // Before the rename the old one is there; after it both, or, without order on the disk, a part of the new one too.
    for (const path of [aside, thinPath(stateDir, 0)]) {
      rmSync(thinPath(stateDir, 0), { force: true });
      copyFileSync(kept, segmentPath(stateDir, 0));
      writeFileSync(path, bytes);
      if (states.indexOf([what, bytes] as never) % 4 === 0) isWhole(what);
      thinSegment(stateDir, crypto, 0, new Set());
      assert.ok(!existsSync(segmentPath(stateDir, 0)) && !existsSync(aside), what);
      assert.equal(readFileSync(thinPath(stateDir, 0)), thinned, what);
    }
  }
  isWhole("again");
  assert.equal(noticesIn(stateDir), notices);
});

test("what is damaged is not thinned, and a thinned segment that was changed is damage", () => {
  const { stateDir } = filled("damage", 25);
  const bytes = readFileSync(segmentPath(stateDir, 0));
  bytes[5_000]! ^= 1;
  writeFileSync(segmentPath(stateDir, 0), bytes);
  assert.is(thinSegment(stateDir, crypto, 0, new Set()), 0);
  assert.ok(existsSync(segmentPath(stateDir, 0)) && !existsSync(thinPath(stateDir, 0)));
  bytes[5_000]! ^= 1;
  writeFileSync(segmentPath(stateDir, 0), bytes);
  thinSegment(stateDir, crypto, 0, new Set());
  const thinned = readFileSync(thinPath(stateDir, 0));
  thinned[100]! ^= 1;
  writeFileSync(thinPath(stateDir, 0), thinned);
  assert.match(readLog(stateDir, crypto).damage!, /^00000000\.thin: its bytes are not those that were written$/);
});

test("every crash state of a new checkpoint: the old one or the new one, and the log is signed on", () => {
  const { stateDir, record } = filled("note", 1);
  const path = slotsPath(checkpointPath(stateDir));
  const before = readNote(checkpointPath(stateDir), crypto)!;
  appendEntries(record, [notice(1)]);
  const [effect] = checkpoint(record);
  const after = effect?.kind === "checkpoint" ? effect.note : "";
  const { store } = openLedger(stateDir, crypto);
  store.append([notice(1)]);
  store.close();
  const old = readFileSync(path);
  const slot = encodeSlot(crypto, 2, new TextEncoder().encode(after));
  for (let length = 0; length <= slot.length; length++) {
    for (const rest of ["", "\0".repeat(20), "\xff\xfe"]) {
      const state = Buffer.from(old);
      state.set(slot.subarray(0, length), slotAt(2));
      state.set(Buffer.from(rest, "latin1"), slotAt(2) + length);
      writeFileSync(path, state);
      const { recovered, store: again } = openLedger(stateDir, crypto);
      again.writeCheckpoint(recovered.checkpoint!);
      again.close();
      const { refused } = createRecord({ origin: "kerbwatch/CP-1", crypto, recovered, signer });
      assert.equal([refused, recovered.checkpoint], [undefined, length === slot.length ? after : before], `${length}`);
      assert.is(readNote(checkpointPath(stateDir), crypto), recovered.checkpoint);
    }
  }
});

test("room that gets short is said, by kind", () => {
  const room = (bytes: number, isThin: boolean) => ({ bytes, mostBytes: 100 * MB, isThin });
  const kinds = (...args: Parameters<typeof roomProblems>): string[] => [...roomProblems(...args).keys()];
  assert.equal(kinds(room(79 * MB, true), 900 * MB, 1_000 * MB), []);
  assert.equal(kinds(room(100 * FULL_FROM * MB, true), 900 * MB, 1_000 * MB), ["log"]);
  assert.equal(kinds(room(99 * MB, false), 900 * MB, 1_000 * MB), [], "it will be thinned");
  assert.equal(kinds({ bytes: 9, mostBytes: undefined, isThin: true }, 90 * MB, 1_000 * MB), ["disk"]);
  assert.equal(kinds(room(0, true), 300 * MB, 64_000 * MB), [], "a small share of much is enough");
  assert.match(roomProblems(room(0, true), 10 * MB, 100 * MB).get("disk")!, /10\.0 MB of 100\.0 MB are free/);
});
