/** What was learned, on its way to the disk and back: whole by rename, in slots between, and by older releases. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { WallMs } from "../../models/units.ts";
import { CoreBench, eventfulStory } from "../core.testing.ts";
import { encodeMemory, type Memory, memoryOf } from "../memory.ts";
import { slotAt } from "../record/slots.ts";
import { crashStates } from "../record/slots.testing.ts";
import { replaceFile } from "./durable-file.ts";
import { crypto, withFolder } from "./ledger.testing.ts";
import { MEMORY_SLOT_BYTES, MemoryFile, memoryPath, memorySlotsPath, readMemory } from "./memory-file.ts";
import { writeHere, type Write } from "./slot-file.ts";

const HEAD_BYTES = 16;
const bench = new CoreBench();
bench.takeAll(eventfulStory());
const learned = memoryOf(bench.core.state, bench.now(20_000));
/** Something to tell it by. A clock that was set back saves earlier times later. */
const memory = (n: number, detect: Memory["detect"] = {} as Memory["detect"]): Memory =>
  ({ ...learned, opine: {}, incidents: {}, transactions: [], detect, raised: {}, savedAt: (1_000_000 - n) as WallMs });

/** Which of them is read, or why none. */
function read(stateDir: string): string {
  const found = readMemory(stateDir, crypto);
  return found.ok ? `${1_000_000 - found.value.savedAt}` : found.problem;
}

/** As a release that knew no slots saves. */
const saveAsBefore = (stateDir: string, n: number): void =>
  replaceFile(memoryPath(stateDir), encodeMemory(memory(n), crypto));
const readAsBefore = (stateDir: string): string => readFileSync(memoryPath(stateDir), "utf8");

const inState = (body: (stateDir: string) => unknown): () => Promise<void> => withFolder((stateDir) => {
  mkdirSync(stateDir);
  return body(stateDir);
});

test("what is saved is read, all of it; the first whole, then in slots, and whole again each hundredth", inState(
  (stateDir) => {
    assert.match(read(stateDir), /nothing was learned yet/);
    const file = new MemoryFile(stateDir, crypto);
    file.save(learned);
    const whole = readAsBefore(stateDir);
    file.save({ ...learned, savedAt: 1 as WallMs });
    const found = readMemory(stateDir, crypto);
    assert.equal(found.ok && JSON.stringify(found.value), JSON.stringify({ version: 1, ...learned, savedAt: 1 }));
    assert.is(readAsBefore(stateDir), whole);
    const wholes = new Set<string>();
    for (let n = 2; n <= 304; n++) {
      file.save(memory(n));
      assert.is(read(stateDir), `${n}`);
      wholes.add(readAsBefore(stateDir));
    }
    assert.equal([...wholes].map((text) => /"savedAt":(\d+)/.exec(text)?.[1]),
      [`${learned.savedAt}`, ...[101, 202, 303].map((n) => `${1_000_000 - n}`)]);
    assert.equal(readdirSync(stateDir).sort(), ["normal.json", "normal.slots"]);
    assert.is(statSync(memorySlotsPath(stateDir)).mode & 0o777, 0o600);
    assert.is(statSync(memorySlotsPath(stateDir)).size, 2 * MEMORY_SLOT_BYTES);
  }));

test("every crash state of a slot's write: what was saved before or it, and the next one is saved", inState(
  (stateDir) => {
    const random = seeded(62);
    const path = memorySlotsPath(stateDir);
    const file = new MemoryFile(stateDir, crypto);
    [1, 2, 3].forEach((n) => file.save(memory(n)));
    let [old, fresh] = [0, 0];
    for (let n = 4; n <= 6; n++) {
      const before = readFileSync(path);
      file.save(memory(n));
      const after = readFileSync(path);
      const at = slotAt(n - 1, MEMORY_SLOT_BYTES);
      const length = HEAD_BYTES + after.readUInt32BE(at + 12);
      for (const state of crashStates(random, before, after, at, length, 7)) {
        writeFileSync(path, state);
        const found = read(stateDir);
        assert.ok([n - 1, n].includes(Number(found)), `save ${n}: ${found}`);
        Number(found) === n ? fresh++ : old++;
      }
      const again = new MemoryFile(stateDir, crypto);
      writeFileSync(path, before.fill(0xff, at + 3, at + length));
      assert.is(read(stateDir), `${n - 1}`);
      const whole = readAsBefore(stateDir);
      [50, 51, 52].forEach((next) => {
        again.save(memory(next));
        assert.is(read(stateDir), `${next}`);
      });
      writeFileSync(memoryPath(stateDir), whole);
      writeFileSync(path, after);
      assert.is(read(stateDir), `${n}`);
    }
    assert.ok(old > 200 && fresh >= 3, `${old} old, ${fresh} new`);
  }));

test("whole ones between, by `learn`, at a clean end or by an older release: slots from before them never count",
  inState((stateDir) => {
    saveAsBefore(stateDir, 1);
    assert.is(read(stateDir), "1", "a folder of an older release");
    const file = new MemoryFile(stateDir, crypto);
    [2, 3].forEach((n) => file.save(memory(n)));
    assert.is(read(stateDir), "3");
    file.saveWhole(memory(4));
    assert.is(read(stateDir), "4");
    assert.is(readAsBefore(stateDir), encodeMemory(memory(4), crypto), "an older release goes on from there");
    file.save(memory(5));
    assert.is(read(stateDir), "5", "and nobody has to end");
    saveAsBefore(stateDir, 6);
    assert.is(read(stateDir), "6", "gone back to, it learned more");
    const later = new MemoryFile(stateDir, crypto);
    [7, 8].forEach((n) => later.save(memory(n)));
    assert.is(read(stateDir), "8");
    rmSync(memoryPath(stateDir));
    assert.match(read(stateDir), /nothing was learned yet/, "removed by hand, it is forgotten");
  }));

test("what fits no slot, and slots that cannot be written: saved whole", inState((stateDir) => {
  const random = seeded(63);
  const much = { much: Buffer.from(random.bytes(70_000)).toString("base64") } as unknown as Memory["detect"];
  let fails = false;
  const write: Write = (fd, bytes, position) => {
    if (fails) throw Object.assign(new Error("EIO"), { code: "EIO" });
    return writeHere(fd, bytes, position);
  };
  const file = new MemoryFile(stateDir, crypto, write);
  const saved = (n: number, detect?: Memory["detect"]): string => {
    file.save(memory(n, detect));
    assert.is(read(stateDir), `${n}`);
    return /"savedAt":(\d+)/.exec(readAsBefore(stateDir))![1]!;
  };
  const wholes = [saved(1), saved(2), saved(3, much), saved(4)];
  fails = true;
  wholes.push(saved(5));
  fails = false;
  wholes.push(saved(6));
  rmSync(memorySlotsPath(stateDir));
  wholes.push(saved(7), saved(8));
  assert.equal(wholes.map((text) => 1_000_000 - Number(text)), [1, 1, 3, 3, 5, 5, 7, 7]);
}));

test("slots that are damaged or cannot be read cost what was saved in them, and a whole one that is damaged is said",
  inState((stateDir) => {
    const file = new MemoryFile(stateDir, crypto);
    [1, 2, 3].forEach((n) => file.save(memory(n)));
    const path = memorySlotsPath(stateDir);
    const good = readFileSync(path);
    for (const bad of [Buffer.alloc(0), good.subarray(0, 40), Buffer.alloc(good.length, 1), Buffer.alloc(1 << 20)]) {
      writeFileSync(path, bad);
      assert.is(read(stateDir), "1", `${bad.length} bytes`);
    }
    rmSync(path);
    mkdirSync(path);
    assert.is(read(stateDir), "1", "a folder");
    rmSync(path, { recursive: true });
    writeFileSync(path, good);
    assert.is(read(stateDir), "3");
    writeFileSync(memoryPath(stateDir), "sha256:0\n{}\n");
    assert.match(read(stateDir), "normal.json: damaged: its hash differs");
    writeFileSync(memoryPath(stateDir), Buffer.alloc((16 << 20) + 1));
    assert.match(read(stateDir), "too large to be what was learned");
  }));
