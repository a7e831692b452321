import { test, assert } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { MAX_ENTRY_BYTES } from "./entry.ts";
import { HEADER_BYTES, RECORD_HEAD_BYTES, encodeBatch, encodeHeader, recover } from "./segment.ts";
import type { Recovery } from "./segment.ts";

const crypto = nodeCrypto();
const SECTOR = 512;
const random = seeded(512);

/** A small log: batches of one to three entries, some of them longer than a sector; every entry is different. */
const BATCHES = [1, 3, 2, 1, 3, 1].map((count, b) =>
  Array.from({ length: count }, (_, i) => {
    const length = 1 + random.int(b === 4 ? 900 : 200);
    return Uint8Array.from([b, i, ...random.bytes(length)]);
  }));
const ALL = BATCHES.flat();

/** Thousands of comparisons: deep equality would take most of the time. */
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** The file after each batch; the first write carries the header too. */
const FILES = BATCHES.map((_, last) =>
  join([encodeHeader(crypto, 40), ...BATCHES.slice(0, last + 1).map((batch) => encodeBatch(crypto, batch))]));
const durableAfter = (batches: number): number => BATCHES.slice(0, batches).flat().length;

/** What must hold in every crash state: `durable` entries come back, and nothing that was not written. */
function assertSound(state: Uint8Array, durable: number, what: string): Recovery {
  const found = recover(crypto, state);
  assert.is(found.damage, undefined, what);
  assert.ok(found.entries.length >= durable, `${what}: ${found.entries.length} of ${durable}`);
  found.entries.forEach(({ entry }, i) => assert.ok(same(entry, ALL[i]!), `${what}: entry ${i}`));
  assert.ok(state.subarray(found.goodBytes + found.tornBytes).every((byte) => byte === 0), `${what}: zeros behind`);
  return found;
}

/** What is torn is cut off, zeros are written over: appending goes on as if there had been no crash. */
function assertGoesOn(state: Uint8Array, found: Recovery, what: string): void {
  const fresh = Uint8Array.of(99, 99, 99);
  const written = encodeBatch(crypto, [fresh]);
  const batch = found.goodBytes === 0 ? join([encodeHeader(crypto, 40), written]) : written;
  const kept = found.tornBytes > 0 ? state.subarray(0, found.goodBytes) : state;
  const next = new Uint8Array(Math.max(kept.length, found.goodBytes + batch.length));
  next.set(kept);
  next.set(batch, found.goodBytes);
  const again = recover(crypto, next);
  assert.is(again.tornBytes, 0, what);
  assert.is(again.entries.length, found.entries.length + 1, what);
  assert.equal(again.entries.at(-1)!.entry, fresh, what);
}

/** Every crash state of the write that made `file` out of `before`: prefixes, zero and garbage tails, lost sectors. */
function* crashStates(before: Uint8Array, file: Uint8Array): Generator<[string, Uint8Array]> {
  for (let length = before.length; length <= file.length; length++) {
    yield [`prefix of ${length}`, file.slice(0, length)];
    const zeroTail = file.slice();
    yield [`zeros from ${length}`, zeroTail.fill(0, length)];
    const garbage = file.slice();
    garbage.set(random.bytes(file.length - length), length);
    yield [`garbage from ${length}`, garbage];
  }
  const firstSector = Math.floor(before.length / SECTOR);
  const sectors = Math.ceil(file.length / SECTOR) - firstSector;
  for (let lost = 1; lost < 2 ** sectors; lost++) {
    const holed = file.slice();
    for (let s = 0; s < sectors; s++) {
      const from = Math.max(before.length, (firstSector + s) * SECTOR);
      if (Math.floor(lost / 2 ** s) % 2 === 1) holed.fill(0, from, (firstSector + s + 1) * SECTOR);
    }
    yield [`lost sectors ${lost.toString(2)}`, holed];
  }
}

test("every crash state: what was durable is recovered, nothing else is, and the log goes on", () => {
  let states = 0;
  FILES.forEach((file, batch) => {
    const before = FILES[batch - 1] ?? new Uint8Array(0);
    for (const [what, state] of crashStates(before, file)) {
      // At the end of the file, and where zeros were laid out for more.
      for (const laidOut of [0, 3 * SECTOR]) {
        const whole = join([state, new Uint8Array(laidOut)]);
        const name = `batch ${batch}: ${what}, ${laidOut} bytes laid out behind`;
        assertGoesOn(whole, assertSound(whole, durableAfter(batch), name), name);
        states += 1;
      }
    }
  });
  assert.ok(states > 10_000, `only ${states} states`);
});

test("a whole file: all entries, the first index, nothing torn", () => {
  const found = assertSound(FILES.at(-1)!, ALL.length, "whole");
  assert.is(found.firstIndex, 40);
  assert.is(found.tornBytes, 0);
  assert.is(recover(crypto, encodeHeader(crypto, 2 ** 53 - 1)).firstIndex, 2 ** 53 - 1);
});

test("a changed byte in a batch that others follow is damage, and nothing is cut", () => {
  const file = FILES.at(-1)!;
  for (let at = 0; at < FILES.at(-2)!.length; at++) {
    const bad = file.slice();
    bad[at]! ^= 0x55;
    const found = recover(crypto, bad);
    // The bit that marks a batch's first record is the one thing that may change without loss.
    if (found.damage === undefined) {
      assert.is(found.entries.length, ALL.length, `byte ${at}`);
      continue;
    }
    assert.is(found.tornBytes, 0);
    found.entries.forEach(({ entry }, i) => assert.equal(entry, ALL[i], `byte ${at}`));
  }
});

test("a lost sector in the middle is damage", () => {
  const file = FILES.at(-1)!;
  for (let from = 0; from + SECTOR <= FILES.at(-2)!.length; from += SECTOR) {
    const { damage } = recover(crypto, file.slice().fill(0, from, from + SECTOR));
    assert.match(damage ?? "none", /a later batch at \d+ is good/);
  }
});

test("a whole batch cut out of the middle leaves good records: the index of the next segment or the root tells", () => {
  const spliced = join([FILES[0]!, encodeBatch(crypto, BATCHES[3]!)]);
  assert.is(recover(crypto, spliced).entries.length, 2);
});

test("a header of another version is never taken for a torn tail", () => {
  const header = encodeHeader(crypto, 0);
  header[11] = 2;
  header.set(crypto.sha256(header.subarray(0, 20)).subarray(0, 4), 20);
  assert.match(recover(crypto, header).damage ?? "none", /version 2 is not 1/);
});

test("entries of no length or over the limit are not written, and not read", () => {
  assert.throws(() => encodeBatch(crypto, [new Uint8Array(0)]), /0 bytes/);
  assert.throws(() => encodeBatch(crypto, [new Uint8Array(MAX_ENTRY_BYTES + 1)]), /65537 bytes/);
  const largest = join([encodeHeader(crypto, 0), encodeBatch(crypto, [new Uint8Array(MAX_ENTRY_BYTES)])]);
  assert.is(recover(crypto, largest).entries.length, 1);
  const larger = join([largest, new Uint8Array(1)]);
  new DataView(larger.buffer).setUint32(HEADER_BYTES, 0x8000_0000 + MAX_ENTRY_BYTES + 1);
  assert.is(recover(crypto, larger).entries.length, 0);
  assert.is(encodeBatch(crypto, []).length, 0);
  assert.is(RECORD_HEAD_BYTES, 12);
});

test("a file made to be searched for ever costs a bounded amount and is called damage", () => {
  const hostile = new Uint8Array(1024 * 1024);
  const view = new DataView(hostile.buffer);
  for (let at = 0; at + 4 <= hostile.length; at += 4) view.setUint32(at, 0x8000_ffff);
  assert.match(recover(crypto, hostile).damage ?? "none", /too odd/);
});

test("fuzz: random bytes and random spoiling never throw and never give an entry that was not written", () => {
  const written = new Set(ALL.map((entry) => Buffer.from(entry).toString("hex")));
  for (let i = 0; i < 1500; i++) {
    const bytes = i % 3 === 0 ? random.bytes(random.int(400)) : FILES.at(-1)!.slice();
    for (let spoil = 0; spoil < 4 && bytes.length > 0; spoil++) bytes[random.int(bytes.length)] = random.int(256);
    for (const { entry } of recover(crypto, bytes).entries) {
      assert.ok(written.has(Buffer.from(entry).toString("hex")));
    }
  }
});
