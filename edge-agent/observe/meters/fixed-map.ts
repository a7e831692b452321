/** Meters whose registers stand at fixed addresses: a model is the table of them and nothing else. */
import { checked, problem } from "./meter.ts";
import type { Conversation, Measurement, MeterModel } from "./meter.ts";

/** NaN for the marks of an overflow or of a quantity that is not there. */
const marked = (value: number, ...marks: readonly number[]): number => (marks.includes(value) ? Number.NaN : value);

const MAX_INT32 = 0x7fff_ffff;
const MAX_UINT64 = 2 ** 64;
const MAX_INT64 = 2 ** 63;

const ENCODINGS = {
  /** IEEE 754 single, high word first. */
  float32: {
    words: 2,
    decode([high = 0, low = 0]: readonly number[]): number {
      const view = new DataView(new ArrayBuffer(4));
      view.setUint16(0, high);
      view.setUint16(2, low);
      return view.getFloat32(0);
    },
  },
  int32: {
    words: 2,
    decode: ([high = 0, low = 0]: readonly number[]): number => marked((high << 16) | low, -1, MAX_INT32),
  },
  int32LowFirst: {
    words: 2,
    decode: ([low = 0, high = 0]: readonly number[]): number => marked((high << 16) | low, MAX_INT32),
  },
  /** Exact to 2^53; the marks are so far above it that they are told all the same. */
  uint64: {
    words: 4,
    decode: (words: readonly number[]): number =>
      marked(words.reduce((sum, word) => sum * 0x1_0000 + word, 0), MAX_UINT64, MAX_INT64),
  },
} as const;

interface Register {
  /** 0-based address of the first word. */
  readonly at: number;
  readonly as: keyof typeof ENCODINGS;
  /** What one unit of the register is worth in the unit of the measurement. */
  readonly times: number;
  /** Left out where the meter marks it as not there; otherwise that is a bad value. */
  readonly mayLack?: true;
}

export interface FixedMap {
  readonly functionCode: 3 | 4;
  /** Read in this order; together they cover `registers`, each within the meter's limit for one read. */
  readonly blocks: readonly { readonly from: number; readonly count: number }[];
  readonly registers: { readonly [K in keyof Measurement]?: Register };
}

/** A MeterModel of a fixed map; `base` is always 0. */
export function fixedMapMeter(map: FixedMap): MeterModel {
  return {
    *find(): Conversation<number> {
      return { ok: true, value: 0 };
    },
    *measure(): Conversation<Measurement> {
      const words = new Map<number, number>();
      for (const { from, count } of map.blocks) {
        const answer = yield { functionCode: map.functionCode, address: from, count };
        if (answer.kind === "exception") return problem("exception", `the meter refused a read: ${answer.says}`);
        answer.registers.forEach((value, i) => words.set(from + i, value));
      }
      return checked(decode(map, words));
    },
  };
}

function decode(map: FixedMap, words: ReadonlyMap<number, number>): Measurement {
  const entries = Object.entries(map.registers).flatMap(([key, { at, as, times, mayLack }]) => {
    const encoding = ENCODINGS[as];
    const raw = Array.from({ length: encoding.words }, (_, i) => words.get(at + i) ?? 0);
    const value = encoding.decode(raw) * times;
    return mayLack === true && Number.isNaN(value) ? [] : [[key, value] as const];
  });
  return Object.fromEntries(entries) as Measurement;
}
