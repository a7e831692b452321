import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../../build/paths.ts";
import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import type { Conversation, Measurement, RegisterAnswer, RegisterRead, Result } from "./meter.ts";
import { METER_MODEL_NAMES } from "./model-names.ts";
import type { MeterModelName } from "./model-names.ts";
import { METER_MODELS } from "./models.ts";
import { exceptionSays } from "./modbus.ts";

interface Vector {
  readonly name: string;
  readonly model: MeterModelName;
  /** Hex of consecutive registers, by their first address; a read of anything else is refused with code 2. */
  readonly memory: Readonly<Record<string, string>>;
  readonly expect?: Measurement;
  readonly problem?: string;
  /** How many reads it may take, where that is the point. */
  readonly reads?: number;
}

type Memory = (read: RegisterRead) => RegisterAnswer;

function memoryOf(ranges: Readonly<Record<string, string>>): Memory {
  const words = new Map<number, number>();
  for (const [from, hex] of Object.entries(ranges)) {
    const bytes = Buffer.from(hex, "hex");
    for (let i = 0; i < bytes.length; i += 2) words.set(Number(from) + i / 2, bytes.readUInt16BE(i));
  }
  return ({ address, count }) => {
    const registers = Array.from({ length: count }, (_, i) => words.get(address + i));
    const there = registers.every((register) => register !== undefined);
    return there ? { kind: "registers", registers } : exception(2);
  };
}

function exception(code: number): RegisterAnswer {
  return { kind: "exception", code, says: exceptionSays(code) };
}

interface Outcome {
  readonly result: Result<Measurement>;
  readonly reads: RegisterRead[];
}

function converse(model: MeterModelName, memory: Memory): Outcome {
  const reads: RegisterRead[] = [];
  const carryOut = <T>(conversation: Conversation<T>): Result<T> => {
    let step = conversation.next();
    while (step.done !== true) {
      reads.push(step.value);
      step = conversation.next(memory(step.value));
    }
    return step.value;
  };
  const found = carryOut(METER_MODELS[model].find());
  return { result: found.ok ? carryOut(METER_MODELS[model].measure(found.value)) : found, reads };
}

const file = join(repoRoot, "edge-agent/observe/meters/vectors/maps.json");
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[];

for (const { name, model, memory, expect, problem, reads } of vectors) {
  test(`${model}: ${name}`, () => {
    const outcome = converse(model, memoryOf(memory));
    if (outcome.result.ok) assert.equal(outcome.result.value, expect);
    else assert.is(outcome.result.problem.kind, problem, outcome.result.problem.says);
    if (reads !== undefined) assert.is(outcome.reads.length, reads);
  });
}

test("every model has a vector that reads and one that does not", () => {
  for (const model of METER_MODEL_NAMES.filter((name) => !/20[124]$|em330|b24/.test(name))) {
    assert.ok(vectors.some((vector) => vector.model === model && vector.expect !== undefined), model);
    assert.ok(vectors.some((vector) => vector.model === model && vector.problem !== undefined), model);
  }
});

test("sunspec203: busy and gateway exceptions end the search, they do not say that nothing is there", () => {
  for (const code of [5, 6, 8, 10, 11, 200]) {
    const { result, reads } = converse("sunspec203", () => exception(code));
    assert.is(reads.length, 1);
    assert.ok(!result.ok && result.problem.kind === "exception");
    assert.match(result.problem.says, `code ${code}`);
  }
});

test("sunspec203: a map that moved after it was found is noticed", () => {
  const conversation = METER_MODELS.sunspec203.measure(40_070);
  conversation.next();
  const moved = conversation.next({ kind: "registers", registers: [103, 50, ...Array<number>(53).fill(0)] });
  assert.ok(moved.done === true && !moved.value.ok);
  assert.is(moved.value.problem.kind, "wrong-model");
});

test("sdm630: any four bytes read as Buffer reads them, or are refused", () => {
  const random = seeded(630);
  for (let i = 0; i < 5_000; i += 1) {
    const block = Buffer.alloc(68);
    const power = Buffer.from(random.bytes(4));
    if (i % 2 === 0) power[0] = random.pick([0x44, 0x45, 0x46, 0xc4, 0xc6]); // within bounds
    power.copy(block, 20);
    const { result } = converse("sdm630", memoryOf({ 42: block.toString("hex") }));
    const expected = power.readFloatBE(0);
    assert.is(result.ok, Math.abs(expected) <= 1e7);
    if (result.ok) assert.is(result.value.powerW, expected);
  }
});

test("sunspec203: found behind any chain, at any base", () => {
  const random = seeded(203);
  for (let i = 0; i < 300; i += 1) {
    const words = [0x5375, 0x6e53];
    for (let models = random.int(20); models > 0; models -= 1) {
      const length = random.int(200);
      words.push(random.pick([1, 103, 160, 201, 64_110]), length, ...Array<number>(length).fill(203));
    }
    const meter = [203, 105, ...Array<number>(105).fill(0)];
    const [watts, wattHours] = [random.int(32_768), random.int(2 ** 31)];
    meter[18] = watts;
    meter.splice(46, 2, wattHours >>> 16, wattHours & 0xffff);
    words.push(...meter, 0xffff, 0);
    const hex = words.map((word) => word.toString(16).padStart(4, "0")).join("");
    const { result } = converse("sunspec203", memoryOf({ [random.pick([0, 40_000, 50_000])]: hex }));
    assert.ok(result.ok && result.value.powerW === watts && result.value.energyImportWh === wattHours);
  }
});

test("fuzz: whatever the registers hold, work is bounded and no absurd value passes", () => {
  const random = seeded(7);
  for (let i = 0; i < 3_000; i += 1) {
    const model = random.pick(METER_MODEL_NAMES);
    const { result, reads } = converse(model, ({ address, count }) => {
      if (random.int(20) === 0) return exception(random.int(256));
      if (address % 10_000 === 0) return { kind: "registers", registers: [0x5375, 0x6e53] };
      const register = (): number => random.pick([0, 201, 202, 203, 204, 0x8000, 0xffff, random.int(0x10000)]);
      return { kind: "registers", registers: Array.from({ length: count }, register) };
    });
    assert.ok(reads.length <= 68);
    for (const read of reads) assert.ok(read.count <= 80 && read.address + read.count <= 0x10000);
    if (!result.ok) assert.ok(result.problem.says.length < 200);
    else for (const value of Object.values(result.value)) assert.ok(Number.isFinite(value) && Math.abs(value) <= 1e12);
  }
});
