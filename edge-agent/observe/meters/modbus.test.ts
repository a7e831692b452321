import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../../build/paths.ts";
import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { encodeRead, exceptionSays, MAX_FRAME, parseAnswer } from "./modbus.ts";
import type { AskedRead, Parsed } from "./modbus.ts";

interface Vector {
  readonly name: string;
  readonly asked: AskedRead;
  readonly bytes: string;
  readonly registers?: number[];
  readonly exception?: number;
  readonly problem?: string;
}

const file = join(repoRoot, "edge-agent/observe/meters/vectors/answers.json");
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[];

function told(parsed: Parsed): unknown {
  if (parsed.kind === "registers") return { registers: parsed.registers };
  if (parsed.kind === "exception") return { exception: parsed.code };
  return parsed.kind === "more" ? { more: true } : { problem: parsed.problem.kind };
}

for (const { name, asked, bytes, ...expected } of vectors) {
  test(`answer: ${name}`, () => assert.equal(told(parseAnswer(Buffer.from(bytes, "hex"), asked)), expected));
}

test("a read request is the 12 bytes of V1.1b3, 6.4, behind an MBAP header", () => {
  const asked: AskedRead = { transactionId: 0x1234, unit: 0xf7, functionCode: 4, address: 0xfedc, count: 125 };
  assert.is(Buffer.from(encodeRead(asked)).toString("hex"), "123400000006f704fedc007d");
});

test("every exception code has plain words and its number", () => {
  for (let code = 0; code < 256; code += 1) {
    assert.match(exceptionSays(code), new RegExp(`^[a-z].+\\(code ${code}\\)$`));
  }
  assert.match(exceptionSays(2), /no such registers/);
});

/** Written from the standard's text, the slow and plain way. */
function naiveAnswer(asked: AskedRead, registers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(9 + 2 * registers.length);
  bytes.writeUInt16BE(asked.transactionId, 0);
  bytes.writeUInt16BE(3 + 2 * registers.length, 4);
  bytes.writeUInt8(asked.unit, 6);
  bytes.writeUInt8(asked.functionCode, 7);
  bytes.writeUInt8(2 * registers.length, 8);
  registers.forEach((register, i) => bytes.writeUInt16BE(register, 9 + 2 * i));
  return bytes;
}

const random = seeded(502);

function randomAsked(): AskedRead {
  return {
    transactionId: random.int(0x10000), unit: random.int(256), functionCode: random.pick([3, 4] as const),
    address: random.int(0x10000), count: 1 + random.int(125),
  };
}

test("what a server sends is what is read, whole; each shorter part waits", () => {
  for (let i = 0; i < 300; i += 1) {
    const asked = randomAsked();
    const registers = Array.from({ length: asked.count }, () => random.int(0x10000));
    const bytes = naiveAnswer(asked, registers);
    assert.equal(parseAnswer(bytes, asked), { kind: "registers", registers });
    assert.equal(parseAnswer(bytes.subarray(0, random.int(bytes.length)), asked), { kind: "more" });
  }
});

test("a flipped bit in header or byte count is never taken for an answer", () => {
  for (let i = 0; i < 2_000; i += 1) {
    const asked = randomAsked();
    const bytes = naiveAnswer(asked, Array.from({ length: asked.count }, () => random.int(0x10000)));
    const at = random.int(9);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(8));
    const { kind } = parseAnswer(bytes, asked);
    assert.ok(kind === "problem" || kind === "more", `byte ${at}: ${kind}`);
  }
});

test("fuzz: any bytes give an answer, a problem or a wait, and none waits past the longest frame", () => {
  for (let i = 0; i < 30_000; i += 1) {
    const asked = randomAsked();
    const bytes = random.bytes(random.int(MAX_FRAME + 20));
    // Half of the tries get past the header, where the rest of the parser is.
    if (i % 2 === 0 && bytes.length >= 9) {
      bytes.set(encodeRead(asked).subarray(0, 8));
      new DataView(bytes.buffer).setUint16(4, random.pick([bytes.length - 6, random.int(300)]));
    }
    const parsed = parseAnswer(bytes, asked);
    if (parsed.kind === "registers") assert.is(parsed.registers.length, asked.count);
    if (parsed.kind === "problem") assert.ok(parsed.problem.says.length < 200);
    if (parsed.kind === "more") assert.ok(bytes.length < MAX_FRAME);
  }
});
