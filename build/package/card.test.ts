import { assert, test } from "../testing.ts";
import { bootRecord } from "./card.ts";

test("a card's table has each partition's type, beginning and length, and the record's end (UEFI 2.10, 5.2.1)", () => {
  const partitions = [{ firstMb: 1, mb: 128, type: 0xef }, { firstMb: 129, mb: 64, type: 0x83 }];
  const record = Buffer.from(bootRecord(partitions, 7));
  assert.is(record.length, 512);
  assert.is(record.readUInt16LE(510), 0xaa55);
  assert.is(record.readUInt32LE(440), 7);
  const entries = [446, 462, 478].map((at) =>
    [record[at + 4], record.readUInt32LE(at + 8), record.readUInt32LE(at + 12)]);
  assert.equal(entries, [[0xef, 2048, 262_144], [0x83, 264_192, 131_072], [0, 0, 0]]);
});
