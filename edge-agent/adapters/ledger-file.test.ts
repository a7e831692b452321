import { spawn } from "node:child_process";
import {
  appendFileSync, closeSync, constants, existsSync, openSync, readFileSync, readdirSync, rmSync, statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { repoRoot } from "../../build/paths.ts";
import { test, assert } from "../../build/testing.ts";
import type { LedgerStore } from "../ports.ts";
import { formatCheckpoint } from "../record/checkpoint.ts";
import { appendLeaf, EMPTY_FRONTIER, rootOf } from "../record/merkle.ts";
import { signNote } from "../record/note.ts";
import { appendEntries, checkpoint, createRecord } from "../record/record.ts";
import { openLedger } from "./ledger-file.ts";
import type { OpenedLedger } from "./ledger-file.ts";
import { SEGMENT_BYTES, checkpointPath, readLog, segmentPath, slotsPath } from "./ledger-read.ts";
import {
  append, crypto, during, failure, isZero, notice, origin, signer, smallDisk, texts, withFolder,
} from "./ledger.testing.ts";
import { writeHere, type Write } from "./slot-file.ts";

test("a new log is empty; what is appended is there after a restart, in order", withFolder((stateDir) => {
  during(stateDir, ({ recovered, store }) => {
    assert.is(recovered.frontier.size, 0);
    assert.is(recovered.checkpoint, undefined);
    store.append([]);
    store.append([notice("a"), notice("b")]);
    store.append([notice("c")]);
  });
  assert.equal(texts(stateDir), ["a", "b", "c"]);
  append(stateDir, "d");
  assert.equal(texts(stateDir), ["a", "b", "c", "d"]);
  assert.is(statSync(segmentPath(stateDir, 0)).mode & 0o777, 0o600);
}));

test("segments follow one another at about 1 MiB, and are read as one log", withFolder((stateDir) => {
  const text = "x".repeat(16_000);
  during(stateDir, ({ store }) => {
    for (let i = 0; i < 150; i++) store.append([notice(`${i} ${text}`)]);
  });
  const files = readdirSync(join(stateDir, "log"));
  assert.equal(files, ["00000000.seg", "00000001.seg", "00000002.seg"]);
  assert.ok(statSync(segmentPath(stateDir, 0)).size < SEGMENT_BYTES + 17_000);
  append(stateDir, "last");
  const seen = texts(stateDir);
  assert.is(seen.length, 151);
  seen.slice(0, 150).forEach((one, i) => assert.ok(one.startsWith(`${i} `)));
}));

test("a torn tail is cut and told; the log goes on behind it", withFolder((stateDir) => {
  append(stateDir, "a", "b");
  const size = statSync(segmentPath(stateDir, 0)).size;
  appendFileSync(segmentPath(stateDir, 0), new Uint8Array(37).fill(0x41));
  during(stateDir, ({ recovered, store }) => {
    assert.is(recovered.tornBytes, 37);
    assert.is(recovered.damage, undefined);
    assert.is(statSync(segmentPath(stateDir, 0)).size, size);
    store.append([notice("c")]);
  });
  assert.equal(texts(stateDir), ["a", "b", "c"]);
}));

test("a segment torn before its first record is begun anew", withFolder((stateDir) => {
  append(stateDir);
  writeFileSync(segmentPath(stateDir, 0), "kerbw");
  append(stateDir, "a");
  assert.equal(texts(stateDir), ["a"]);
}));

test("damage: nothing is cut, nothing is appended, and the reason names the file", withFolder((stateDir) => {
  append(stateDir, "a", "b", "c");
  const bytes = readFileSync(segmentPath(stateDir, 0));
  bytes[60]! ^= 1;
  writeFileSync(segmentPath(stateDir, 0), bytes);
  during(stateDir, ({ recovered, store }) => {
    assert.match(recovered.damage ?? "", /^00000000.seg: .* a later batch/);
    assert.is(failure(() => store.append([notice("d")])), "damaged");
  });
  assert.equal(readFileSync(segmentPath(stateDir, 0)), bytes);
}));

test("a missing, an exchanged and a torn middle segment are damage", withFolder((stateDir) => {
  during(stateDir, ({ store }) => {
    for (let i = 0; i < 5; i++) store.append(Array.from({ length: 60 }, () => notice("x".repeat(16_000))));
  });
  const [zero, one, two] = [0, 1, 2].map((n) => readFileSync(segmentPath(stateDir, n))) as [Buffer, Buffer, Buffer];
  const damage = (): string => readLog(stateDir, crypto).damage ?? "none";
  assert.is(damage(), "none");
  writeFileSync(segmentPath(stateDir, 1), two);
  assert.match(damage(), /00000001.seg: it begins with entry/);
  writeFileSync(segmentPath(stateDir, 1), one.subarray(0, -1));
  assert.match(damage(), /00000001.seg: its end is torn, and a segment follows/);
  writeFileSync(segmentPath(stateDir, 1), "");
  assert.match(damage(), /00000001.seg: it is empty/);
  rmSync(segmentPath(stateDir, 1));
  assert.match(damage(), /a segment before 00000002.seg is missing/);
  writeFileSync(segmentPath(stateDir, 1), one);
  writeFileSync(segmentPath(stateDir, 0), zero.subarray(0, 10));
  assert.match(damage(), /00000000.seg: its end is torn/);
  writeFileSync(segmentPath(stateDir, 0), Buffer.alloc(6 * SEGMENT_BYTES));
  assert.match(damage(), /larger than any segment/);
}));

test("the checkpoint is replaced whole, and judged together with the log at the next start", withFolder((stateDir) => {
  const begin = (opened: OpenedLedger): ReturnType<typeof createRecord> =>
    createRecord({ origin, crypto, signer, recovered: opened.recovered });
  const carryOut = (store: LedgerStore, record: ReturnType<typeof createRecord>, text: string): void => {
    for (const effect of [...appendEntries(record, [notice(text)]).effects, ...checkpoint(record)]) {
      if (effect.kind === "append") store.append(effect.entries);
      if (effect.kind === "checkpoint") store.writeCheckpoint(effect.note);
    }
  };
  for (let i = 0; i < 4; i++) {
    during(stateDir, (opened) => {
      const record = begin(opened);
      assert.is(record.refused, undefined);
      assert.is(record.signedSize, i);
      carryOut(opened.store, record, `${i}`);
    });
  }
  assert.equal(readdirSync(join(stateDir, "log")).sort(), ["00000000.seg", "checkpoint.slots"]);
  // A log that was put back from an older copy.
  const shorter = readFileSync(segmentPath(stateDir, 0)).subarray(0, -20);
  writeFileSync(segmentPath(stateDir, 0), shorter);
  const shortened = /3 entries, and its own checkpoint attests 4/;
  during(stateDir, (opened) => assert.match(begin(opened).refused ?? "", shortened));
  writeFileSync(slotsPath(checkpointPath(stateDir)), Buffer.alloc(1_000_000, 0x41));
  during(stateDir, (opened) => assert.match(begin(opened).refused ?? "", /not its own/));
}));

test("the cosigned checkpoint is replaced whole, read back with its root, judges nothing", withFolder((stateDir) => {
  const sign = (size: number, root: Uint8Array): string =>
    signNote(crypto, formatCheckpoint({ origin, size, root }), origin, signer);
  append(stateDir, "a", "b", "c");
  assert.is(readLog(stateDir, crypto).cosigned, undefined);
  const roots: Uint8Array[] = [];
  during(stateDir, ({ store }) => store.writeCosigned(sign(2, new Uint8Array(32))));
  readLog(stateDir, crypto, (stored, _index, before) =>
    void roots.push(rootOf(crypto, appendLeaf(crypto, before, stored.leafHash))));
  const found = readLog(stateDir, crypto);
  assert.equal([found.cosigned, found.cosignedRoot], [sign(2, new Uint8Array(32)), roots[1]]);
  assert.is(found.checkpoint, undefined);
  during(stateDir, ({ store, recovered }) => {
    assert.is(createRecord({ origin, crypto, signer, recovered }).refused, undefined, "another tree");
    store.writeCosigned(sign(9, roots[2]!));
  });
  during(stateDir, ({ store, recovered }) => {
    assert.equal([recovered.cosignedRoot, createRecord({ origin, crypto, signer, recovered }).refused],
      [undefined, undefined], "more than there is");
    store.writeCosigned("junk");
  });
  assert.is(readLog(stateDir, crypto).cosigned, "junk");
  const { store } = openLedger(stateDir, crypto);
  store.close();
  assert.is(failure(() => store.writeCosigned("late")), "closed");
}));

test("who reads leaf by leaf sees every one with the tree before it", withFolder((stateDir) => {
  append(stateDir, "a", "b", "c");
  let tree = EMPTY_FRONTIER;
  openLedger(stateDir, crypto, {
    onLeaf: (leaf, before) => {
      assert.equal(before, tree);
      tree = appendLeaf(crypto, before, leaf);
    },
  }).store.close();
  assert.equal(tree, readLog(stateDir, crypto).frontier);
  assert.is(tree.size, 3);
}));

test("a full disk: a typed error, the part is cut, and with room again the log goes on", withFolder((stateDir) => {
  for (const room of [0, 1, 12, 40]) {
    rmSync(stateDir, { recursive: true, force: true });
    const disk = smallDisk();
    const { store } = openLedger(stateDir, crypto, { write: disk.write });
    const big = notice("x".repeat(16_000));
    const two = [notice("lost"), notice("lost too")];
    for (const [text, lost] of [["first", two], ["later", Array<Uint8Array>(20).fill(big)]] as const) {
      disk.room = room;
      assert.is(failure(() => store.append(lost)), "full", `${text}, room ${room}`);
      assert.is(readLog(stateDir, crypto).tornBytes, 0);
      disk.room = Infinity;
      store.append([notice(text)]);
    }
    store.close();
    assert.equal(texts(stateDir), ["first", "later"]);
  }
}));

test("a write that took place and then failed leaves no entry behind", withFolder((stateDir) => {
  let fails = true;
  const write: Write = (fd, bytes, position) => {
    const done = writeHere(fd, bytes, position);
    if (fails) throw Object.assign(new Error("EIO"), { code: "EIO" });
    return done;
  };
  const { store } = openLedger(stateDir, crypto, { write });
  assert.is(failure(() => store.append([notice("lost")])), "failed");
  fails = false;
  store.append([notice("kept")]);
  store.close();
  assert.equal(texts(stateDir), ["kept"]);
}));

test("a part that could not be cut at once is cut before the next append", withFolder((stateDir) => {
  let fails = true;
  const write: Write = (fd, bytes, position) => {
    if (!fails) return writeHere(fd, bytes, position);
    if (isZero(bytes)) throw Object.assign(new Error("EIO"), { code: "EIO" });
    writeHere(fd, bytes.subarray(0, 9), position);
    closeSync(fd); // so that cutting the file fails too
    throw Object.assign(new Error("EIO"), { code: "EIO" });
  };
  const { store } = openLedger(stateDir, crypto, { write });
  assert.is(failure(() => store.append([notice("lost")])), "failed");
  fails = false;
  // The descriptor is gone: every append fails, and none of them writes behind the torn part.
  assert.is(failure(() => store.append([notice("lost too")])), "failed");
  assert.is(statSync(segmentPath(stateDir, 0)).size, 9);
  rmSync(join(stateDir, "lock"));
  append(stateDir, "kept");
  assert.equal(texts(stateDir), ["kept"]);
}));

test("a state folder that cannot be: one typed error that names it", withFolder((stateDir) => {
  writeFileSync(stateDir, "a file");
  assert.is(failure(() => openLedger(stateDir, crypto)), "unwritable");
  assert.is(failure(() => openLedger(join(stateDir, "below"), crypto)), "unwritable");
  assert.throws(() => openLedger(stateDir, crypto), new RegExp(stateDir));
}));

test("a second agent on one state folder is refused; a closed store appends nothing", withFolder((stateDir) => {
  const first = openLedger(stateDir, crypto);
  assert.is(failure(() => openLedger(stateDir, crypto)), "locked");
  assert.throws(() => openLedger(stateDir, crypto), new RegExp(`in use by another agent \\(process ${process.pid}\\)`));
  first.store.close();
  first.store.close();
  assert.is(failure(() => first.store.append([notice("a")])), "closed");
  assert.is(failure(() => first.store.writeCheckpoint("a")), "closed");
  append(stateDir, "b");
}));

test("the lock of a process that is no more is taken over: dead, of an earlier boot, empty", withFolder((stateDir) => {
  append(stateDir, "a");
  for (const stale of ["4194999 -\n", `${process.pid} earlier-boot/123\n`, "", "junk\n", "0 -\n"]) {
    writeFileSync(join(stateDir, "lock"), stale);
    append(stateDir, "b");
  }
  assert.is(texts(stateDir).length, 6);
  assert.not(existsSync(join(stateDir, "lock")));
}));

/** Runs the child until it has acknowledged `count` more lines, kills it, and gives back the last index it printed. */
function killAfter(stateDir: string, count: number): Promise<number> {
  const args = ["build/run.mjs", "edge-agent/adapters/ledger-crasher.testing.ts", stateDir];
  const child = spawn(process.execPath, args, { cwd: repoRoot, stdio: ["ignore", "pipe", "inherit"] });
  let last = -1;
  let lines = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    last = Number(line);
    if (++lines === count) child.kill("SIGKILL");
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (_code, signal) =>
      signal === "SIGKILL" ? resolve(last) : reject(new Error("it ended by itself")));
  });
}

test("SIGKILL amid appends: nothing acknowledged is lost, nothing unwritten appears", withFolder(async (stateDir) => {
  for (const count of [1, 40, 700]) {
    const acknowledged = await killAfter(stateDir, count);
    const seen: number[] = [];
    const found = readLog(stateDir, crypto, ({ entry }) => {
      const text = new TextDecoder().decode(entry);
      seen.push(Number.parseInt(text, 10));
      assert.is(text, `${seen.length - 1} ${"x".repeat(((seen.length - 1) * 37) % 1500)}`);
    });
    assert.is(found.damage, undefined);
    assert.ok(acknowledged >= count && seen.length > acknowledged, `${seen.length} of ${acknowledged + 1}`);
  }
}));

const FD_INFO = "/proc/self/fdinfo";
if (existsSync(FD_INFO)) {
  test("a write is durable when it returns: segment and notes are written synchronously", withFolder((stateDir) => {
    const flags: number[] = [];
    const write: Write = (fd, bytes, position) => {
      flags.push(Number.parseInt(/flags:\s*(\d+)/.exec(readFileSync(`${FD_INFO}/${fd}`, "utf8"))![1]!, 8));
      return writeHere(fd, bytes, position);
    };
    const { store } = openLedger(stateDir, crypto, { write });
    store.append([notice("one")]);
    store.append([notice("two")]);
    store.writeCheckpoint("three");
    store.close();
    assert.is(flags.length, 4, "the zeros too");
    for (const one of flags) assert.is(one & constants.O_DSYNC, constants.O_DSYNC);
  }));
} else test.skip("a write is durable when it returns", "no /proc");

test("what a failed write left, and could not be cut at once, is cut before the next write", withFolder((stateDir) => {
  let failing = false;
  const reopen = (fd: number, how: number): void => {
    closeSync(fd);
    if (openSync(segmentPath(stateDir, 0), how) !== fd) throw new Error("another descriptor was free");
  };
  let broken = -1;
  const write: Write = (fd, bytes, position) => {
    if (!failing) return writeHere(fd, bytes, position);
    writeHere(fd, bytes.subarray(0, 9), position);
    reopen(broken = fd, constants.O_RDONLY); // the file can be written no more, and not be cut
    throw Object.assign(new Error("EIO"), { code: "EIO" });
  };
  const { store } = openLedger(stateDir, crypto, { write });
  store.append([notice("one")]);
  failing = true;
  assert.is(failure(() => store.append([notice("lost")])), "failed");
  failing = false;
  reopen(broken, constants.O_RDWR);
  store.append([notice("two")]);
  store.close();
  const { frontier, tornBytes, damage } = readLog(stateDir, crypto);
  assert.equal([frontier.size, tornBytes, damage], [2, 0, undefined]);
}));
