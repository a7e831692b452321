import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { measureJson, MOST_READING_BYTES } from "./json-meter.ts";
import type { JsonPlaces } from "./json-meter.ts";

const PLACES: JsonPlaces = {
  powerW: { at: "/p", times: 1 }, energyImportWh: { at: "/energy/total", times: 1_000 },
  voltageV: { at: "/u/0", times: 1, optional: true },
};
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const kindOf = (bytes: Uint8Array): string => {
  const measured = measureJson(bytes, PLACES);
  return measured.ok ? "measured" : measured.problem.kind;
};

test("each quantity from its place, times its factor, and what is optional only where it is", () => {
  assert.equal(measureJson(bytesOf('{"p":7204.5,"energy":{"total":12.345},"u":[231]}'), PLACES),
    { ok: true, value: { powerW: 7204.5, energyImportWh: 12_345, voltageV: 231 } });
  assert.equal(measureJson(bytesOf(' {"energy":{"total":0},"p":-5,"more":[]} '), PLACES),
    { ok: true, value: { powerW: -5, energyImportWh: 0 } });
});

test("a bare number is a document", () => {
  const measured = measureJson(bytesOf("1.5"), { powerW: { at: "", times: 1_000 } });
  assert.equal(measured, { ok: true, value: { powerW: 1_500 } });
});

const BAD: readonly (readonly [string, string])[] = [
  ["no member", '{"p":1}'], ["no inner member", '{"p":1,"energy":{}}'], ["a text", '{"p":"1","energy":{"total":1}}'],
  ["null", '{"p":null,"energy":{"total":1}}'], ["true", '{"p":true,"energy":{"total":1}}'],
  ["a list", '{"p":[1],"energy":{"total":1}}'], ["an object", '{"p":{},"energy":{"total":1}}'],
  ["infinite", '{"p":1e999,"energy":{"total":1}}'], ["infinite times its factor", '{"p":1,"energy":{"total":1e307}}'],
  ["absurd power", '{"p":1.1e7,"energy":{"total":1}}'], ["absurd feed-in", '{"p":-1.1e7,"energy":{"total":1}}'],
  ["absurd energy", '{"p":1,"energy":{"total":1.1e9}}'], ["energy below nothing", '{"p":1,"energy":{"total":-0.001}}'],
  ["optional and a text", '{"p":1,"energy":{"total":1},"u":["230"]}'], ["a document of null", "null"],
  ["optional and absurd", '{"p":1,"energy":{"total":1},"u":[5001]}'], ["a document of text", '"7"'],
];
for (const [name, text] of BAD) test(`bad value: ${name}`, () => assert.is(kindOf(bytesOf(text)), "bad-value"));

const UNREADABLE: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", bytesOf("")], ["no JSON", bytesOf("p=1")], ["half", bytesOf('{"p":1')], ["NaN", bytesOf('{"p":NaN}')],
  ["two documents", bytesOf("{} {}")], ["bad UTF-8", Uint8Array.of(0x22, 0xff, 0x22)],
  ["65 levels", bytesOf("[".repeat(65) + "]".repeat(65))], ["no end to its levels", bytesOf("[".repeat(60_000))],
  ["a byte too many", bytesOf(`{"p":1,"energy":{"total":1}}${" ".repeat(MOST_READING_BYTES)}`)],
];
for (const [name, bytes] of UNREADABLE) {
  test(`no JSON that is read: ${name}`, () => assert.is(kindOf(bytes), "protocol"));
}

test("the largest message is still read", () => {
  assert.is(kindOf(bytesOf('{"p":1,"energy":{"total":1}}'.padEnd(MOST_READING_BYTES))), "measured");
});

test("whatever comes: never thrown at, and never measured out of bounds", () => {
  const seed = Number(process.env["SEED"] ?? 20_261);
  const random = seeded(seed);
  const pieces = ['{"p":', '"energy":{"total":', "}", "{", "[", "]", ",", "1", "-1", "1e309", "1e9", '"', "\\", "null",
    "\u0000", "\ufeff", '"u":[', "é", "[[[[[[[["];
  let measured = 0;
  for (let run = 0; run < 20_000; run += 1) {
    let bytes = bytesOf(Array.from({ length: random.int(12) }, () => random.pick(pieces)).join(""));
    if (random.int(3) === 0) bytes = bytesOf(`{"p":${random.pick(pieces)},"energy":{"total":${random.pick(pieces)}}}`);
    if (random.int(4) === 0 && bytes.length > 0) bytes[random.int(bytes.length)] = random.int(256);
    const result = measureJson(bytes, PLACES);
    if (!result.ok) continue;
    measured += 1;
    const { powerW = NaN, energyImportWh = NaN } = result.value;
    assert.ok(Math.abs(powerW) <= 1e7 && energyImportWh >= 0 && energyImportWh <= 1e12, `seed ${seed}, run ${run}`);
  }
  assert.ok(measured > 50, `seed ${seed}: only ${measured} were measured`);
});
