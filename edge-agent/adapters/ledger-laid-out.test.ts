/** Room that is laid out before it is written on, and checkpoints that are replaced in their place. */
import { cpSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { formatCheckpoint } from "../record/checkpoint.ts";
import { signNote } from "../record/note.ts";
import { encodeSlot } from "../record/slots.ts";
import { LAID_OUT_BYTES, openLedger } from "./ledger-file.ts";
import { checkpointPath, readLog, readNote, segmentPath, slotsPath } from "./ledger-read.ts";
import {
  append, crypto, during, failure, isZero, notice, origin, signer, smallDisk, texts, withFolder,
} from "./ledger.testing.ts";
import { SlotFile, writeHere, type Write } from "./slot-file.ts";

test("zeros are laid out before what is written, a stretch at a time, and cut off when the log is closed", withFolder(
  (stateDir) => {
    const writes: string[] = [];
    const write: Write = (fd, bytes, position) => {
      writes.push(`${isZero(bytes) ? "zeros" : "entries"} ${position}+${bytes.length}`);
      return writeHere(fd, bytes, position);
    };
    const { store } = openLedger(stateDir, crypto, { write });
    const path = segmentPath(stateDir, 0);
    const first = notice("a").length + 12 + 24;
    store.append([notice("a")]);
    store.append([notice("b")]);
    assert.equal(writes, [`zeros 0+${LAID_OUT_BYTES}`, `entries 0+${first}`, `entries ${first}+${first - 24}`]);
    assert.is(statSync(path).size, LAID_OUT_BYTES);
    assert.equal([readLog(stateDir, crypto).frontier.size, readLog(stateDir, crypto).tornBytes], [2, 0]);
    for (let i = 0; i < 17; i++) store.append([notice("x".repeat(16_000))]);
    assert.is(writes.filter((one) => one.startsWith("zeros")).length, 2);
    assert.is(statSync(path).size, 2 * LAID_OUT_BYTES);
    const copy = `${stateDir}-copy`; // as the power cut finds it, without the lock
    cpSync(join(stateDir, "log"), join(copy, "log"), { recursive: true });
    store.close();
    assert.is(statSync(path).size, readLog(stateDir, crypto).end.goodBytes);
    writes.length = 0;
    const again = openLedger(copy, crypto, { write });
    assert.is(again.recovered.tornBytes, 0);
    again.store.append([notice("c")]);
    assert.equal(writes.map((one) => one.split(" ")[0]), ["entries"], "what was laid out is still there");
    again.store.close();
    assert.is(texts(copy).at(-1), "c");
  }));

test("a disk that gets full: what is laid out needs no room, and then each entry is written while it fits", withFolder(
  (stateDir) => {
    const disk = smallDisk();
    const { store } = openLedger(stateDir, crypto, { write: disk.write });
    store.append([notice("0")]);
    store.writeCheckpoint("before");
    disk.room = 1_000;
    const entry = (n: number): Uint8Array => notice(`${n} ${"x".repeat(5_000)}`);
    let written = 1;
    while (failure(() => store.append([entry(written)])) === undefined) written += 1;
    assert.ok(written > LAID_OUT_BYTES / 5_100, `${written} entries`);
    store.writeCheckpoint("after");
    assert.is(readNote(checkpointPath(stateDir), crypto), "after", "in its place");
    // Room for no new stretch, and yet for some entries; then for one again, which must not be laid over these.
    disk.room = 20_000;
    for (let i = 0; i < 3; i++) store.append([entry(written++)]);
    disk.room = Infinity;
    for (let i = 0; i < 3; i++) store.append([entry(written++)]);
    store.close();
    const seen = texts(stateDir).map((text) => Number.parseInt(text, 10));
    assert.equal(seen, Array.from({ length: written }, (_, n) => n));
  }));

test("a log and notes of a release without slots are read; of one that was gone back to, what attests more", withFolder(
  (stateDir) => {
    const sign = (size: number): string =>
      signNote(crypto, formatCheckpoint({ origin, size, root: new Uint8Array(32) }), origin, signer);
    const path = checkpointPath(stateDir);
    const note = (): string | undefined => readNote(path, crypto);
    append(stateDir, "a");
    assert.is(note(), undefined);
    writeFileSync(path, sign(3));
    assert.is(note(), sign(3));
    during(stateDir, ({ recovered, store }) => {
      assert.is(recovered.checkpoint, sign(3));
      store.writeCheckpoint(sign(4));
    });
    assert.is(note(), sign(4));
    writeFileSync(path, sign(5));
    assert.is(note(), sign(5), "the older release went on");
    for (const size of [6, 7, 8]) during(stateDir, ({ store }) => store.writeCheckpoint(sign(size)));
    assert.is(note(), sign(8));
    writeFileSync(path, "junk");
    assert.is(note(), sign(8));
    rmSync(slotsPath(path));
    assert.is(note(), "junk");
  }));

test("slots on a disk that fails: what was there stays, and the next one takes the place of what was torn", withFolder(
  (stateDir) => {
    append(stateDir, "a");
    const path = slotsPath(checkpointPath(stateDir));
    let most = Infinity;
    const write: Write = (fd, bytes, position) => {
      if (bytes.length <= most) return writeHere(fd, bytes, position);
      writeHere(fd, bytes.subarray(0, most), position);
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    };
    let file = new SlotFile(path, crypto, { write });
    for (let turn = 1; turn <= 6; turn++) {
      if (turn % 3 === 0) file = new SlotFile(path, crypto, { write }); // as after a restart
      const before = readNote(checkpointPath(stateDir), crypto);
      for (most = 0; most < encodeSlot(crypto, turn, new TextEncoder().encode(`note ${turn}\n`)).length - 1; most++) {
        assert.throws(() => file.replace(`note ${turn}\n`), /EIO/);
        assert.is(readNote(checkpointPath(stateDir), crypto), before, `turn ${turn}, ${most} bytes`);
      }
      most = Infinity;
      file.replace(`note ${turn}\n`);
    }
    assert.is(readNote(checkpointPath(stateDir), crypto), "note 6\n");
  }));
