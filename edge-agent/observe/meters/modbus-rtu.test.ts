/** RTU frames against the standard's own examples, and every way in which an answer can be wrong. */
import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import type { AskedRead } from "./modbus.ts";
import { crc16, encodeRtuRead, parseRtuAnswer } from "./modbus-rtu.ts";

const ASKED: AskedRead = { transactionId: 7, unit: 0x11, functionCode: 3, address: 0x006b, count: 3 };
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const framed = (body: Uint8Array): Buffer => {
  const crc = crc16(body);
  return Buffer.from([...body, crc & 0xff, crc >> 8]);
};

test("the CRC of V1.02, 6.2.2: 02 07 has 41 12", () => assert.is(crc16(hex("02 07")), 0x1241));

test("a read of V1.1b3, 6.3, on the line", () =>
  assert.is(Buffer.from(encodeRtuRead(ASKED)).toString("hex"), "1103006b00037687"));

test("its answer, in pieces: not whole until the last byte", () => {
  const answer = framed(hex("11 03 06 022b 0000 0064"));
  for (let length = 0; length < answer.length; length++) {
    assert.is(parseRtuAnswer(answer.subarray(0, length), ASKED).kind, "more", `${length} bytes`);
  }
  assert.equal(parseRtuAnswer(answer, ASKED), { kind: "registers", registers: [0x022b, 0, 0x64] });
});

test("an exception in plain words", () => {
  const parsed = parseRtuAnswer(framed(hex("11 83 02")), ASKED);
  assert.ok(parsed.kind === "exception" && parsed.code === 2);
});

const WRONG: Readonly<Record<string, Uint8Array>> = {
  "another unit": framed(hex("12 03 06 022b 0000 0064")),
  "another function": framed(hex("11 04 06 022b 0000 0064")),
  "another byte count": framed(hex("11 03 04 022b 0000 0064")),
  "a wrong checksum": hex("11 03 06 022b 0000 0064 0000"),
  "a checksum with its bytes swapped": Buffer.concat([
    hex("11 03 06 022b 0000 0064"), framed(hex("11 03 06 022b 0000 0064")).subarray(-2).reverse()]),
  "more than was asked for": Buffer.concat([framed(hex("11 03 06 022b 0000 0064")), hex("00")]),
  "an exception of another function": framed(hex("11 84 02")),
  "an answer of Modbus TCP": hex("0007 0000 0009 11 03 06 022b 0000 0064"),
};
for (const [name, bytes] of Object.entries(WRONG)) {
  test(`refused: ${name}`, () => {
    const parsed = parseRtuAnswer(bytes, ASKED);
    assert.ok(parsed.kind === "problem" && parsed.problem.kind === "protocol");
  });
}

test("fuzz: any bytes are judged, one flipped bit is always found (CRC-16 finds all single errors)", () => {
  const random = seeded(16);
  for (let i = 0; i < 5_000; i++) {
    const count = 1 + random.int(125);
    const asked: AskedRead = { ...ASKED, count };
    parseRtuAnswer(random.bytes(random.int(300)), asked);
    const good = framed(Buffer.concat([Buffer.of(0x11, 3, 2 * count), random.bytes(2 * count)]));
    assert.is(parseRtuAnswer(good, asked).kind, "registers");
    const at = random.int(good.length);
    good[at] = (good[at] as number) ^ (1 << random.int(8));
    assert.not(parseRtuAnswer(good, asked).kind === "registers", `bit in byte ${at}`);
  }
});
