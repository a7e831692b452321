/**
 * SunSpec meters 201 to 204: integers with scale factors, in a map that is found by walking a chain of models.
 * Source: SunSpec Device Information Model Specification V1.1 (data types, discovery); SunSpec Information Model
 * Reference 20240701, models 201 to 204, which share one layout. Offsets count from the register of the model's id.
 */
import { checked, problem } from "./meter.ts";
import type { Conversation, Measurement, MeterModel, RegisterAnswer, RegisterRead, Result } from "./meter.ts";

/** Where a map may begin, the usual place first. */
const BASES = [40_000, 50_000, 0] as const;
const SUNS = [0x5375, 0x6e53] as const;
const END_OF_CHAIN = 0xffff;
/** More models than any device has; a chain that circles or never ends is left here. */
const MAX_MODELS = 64;

const OFFSET = { A: 2, A_SF: 6, PhV: 7, V_SF: 15, W: 18, W_SF: 22, TotWhExp: 38, TotWhImp: 46, TotWh_SF: 54 } as const;
/** Registers that a measurement takes, from the id to the energies' scale factor. */
const COUNT = OFFSET.TotWh_SF + 1;
const MIN_LENGTH = COUNT - 2;

/** int16 and sunssf: the value that means "not implemented". */
const NOT_IMPLEMENTED = -0x8000;
const ACC32_OVERFLOW = 0xffff_ffff;

/** The first model `id` of the chain. */
export function sunspecMeter(id: 201 | 202 | 203 | 204): MeterModel {
  return { find: () => find(id), measure: (base) => measure(id, base) };
}

function holding(address: number, count: number): RegisterRead {
  return { functionCode: 3, address, count };
}

function* find(id: number): Conversation<number> {
  let said = "the registers there hold something else";
  for (const base of BASES) {
    const answer = yield holding(base, 2);
    if (answer.kind === "registers" && answer.registers[0] === SUNS[0] && answer.registers[1] === SUNS[1]) {
      return yield* walk(id, base + 2);
    }
    // Codes 1 to 4 say that nothing is here; others (busy, gateway) that the question never got an answer.
    if (answer.kind === "exception" && answer.code > 4) return refused(answer);
    if (answer.kind === "exception") said = answer.says;
  }
  return problem("wrong-model", `no SunSpec map begins at ${BASES.join(", ")}: ${said}`);
}

function* walk(id: number, first: number): Conversation<number> {
  let at = first;
  for (let models = 0; models < MAX_MODELS && at + COUNT <= 0x10000; models += 1) {
    const answer = yield holding(at, 2);
    if (answer.kind === "exception") return refused(answer);
    const [found = END_OF_CHAIN, length = 0] = answer.registers;
    if (found === END_OF_CHAIN) break;
    if (found === id && length < MIN_LENGTH) {
      return problem("wrong-model", `SunSpec model ${id} is too short: ${length} registers, not ${MIN_LENGTH} or more`);
    }
    if (found === id) return { ok: true, value: at };
    at += 2 + length;
  }
  return problem("wrong-model", `the device has no SunSpec model ${id}`);
}

function* measure(id: number, base: number): Conversation<Measurement> {
  const answer = yield holding(base, COUNT);
  if (answer.kind === "exception") return refused(answer);
  // A firmware update may move the map under an open connection.
  if (answer.registers[0] !== id) return problem("wrong-model", `SunSpec model ${id} is no longer where it was`);
  return decode(answer.registers);
}

function decode(registers: readonly number[]): Result<Measurement> {
  const power = scaled(int16(registers, OFFSET.W), int16(registers, OFFSET.W_SF));
  const energyScale = int16(registers, OFFSET.TotWh_SF);
  const imported = scaled(acc32(registers, OFFSET.TotWhImp), energyScale);
  const exported = scaled(acc32(registers, OFFSET.TotWhExp), energyScale);
  if (power === undefined) return problem("bad-value", "the meter gives no power");
  if (imported === undefined) return problem("bad-value", "the meter gives no imported energy");
  const current = scaled(int16(registers, OFFSET.A), int16(registers, OFFSET.A_SF));
  const voltage = scaled(int16(registers, OFFSET.PhV), int16(registers, OFFSET.V_SF));
  return checked({
    powerW: power,
    energyImportWh: imported,
    ...(exported === undefined ? {} : { energyExportWh: exported }),
    ...(current === undefined ? {} : { currentA: current }),
    ...(voltage === undefined ? {} : { voltageV: voltage }),
  });
}

/** value x 10^scale; undefined when either is not implemented; NaN, which `checked` refuses, for a bad scale. */
function scaled(value: number | undefined, scale: number | undefined): number | undefined {
  if (value === undefined || scale === undefined) return undefined;
  if (scale < -10 || scale > 10) return Number.NaN;
  // Division by a power of ten is exact to the last bit where multiplication by its inverse is not.
  return scale < 0 ? value / 10 ** -scale : value * 10 ** scale;
}

function int16(registers: readonly number[], at: number): number | undefined {
  const value = ((registers[at] ?? 0) << 16) >> 16;
  return value === NOT_IMPLEMENTED ? undefined : value;
}

/** An accumulator of 0 may mean "not implemented" or "nothing yet"; both are 0 Wh. */
function acc32(registers: readonly number[], at: number): number {
  const value = (registers[at] ?? 0) * 0x10000 + (registers[at + 1] ?? 0);
  return value === ACC32_OVERFLOW ? Number.NaN : value;
}

function refused(answer: RegisterAnswer & { kind: "exception" }): Result<never> {
  return problem("exception", `the meter refused a read: ${answer.says}`);
}
