/** What reads bytes: the WebSocket reader, the tap with permessage-deflate, the frame cutter, the meter's answers. */
import { strict as check } from "node:assert";
import { constants, deflateRawSync } from "node:zlib";
import type { Seeded } from "../../build/seeded.ts";
import { createCounters } from "../../edge-agent/adapters/forward-stats.ts";
import { createTap, type TapLimits } from "../../edge-agent/adapters/tap.ts";
import { FrameCutter, type FramePart } from "../../edge-agent/observe/frame-cutter.ts";
import { METER_MODEL_NAMES } from "../../edge-agent/observe/meters/model-names.ts";
import { METER_MODELS } from "../../edge-agent/observe/meters/models.ts";
import type { Conversation, RegisterAnswer, RegisterRead } from "../../edge-agent/observe/meters/meter.ts";
import { crc16, parseRtuAnswer } from "../../edge-agent/observe/meters/modbus-rtu.ts";
import { type AskedRead, parseAnswer, type Parsed } from "../../edge-agent/observe/meters/modbus.ts";
import { FrameReader, MAX_HEAD_BYTES, type WireEvent } from "../../edge-agent/observe/websocket.ts";
import { encodeFrame, joinBytes, RSV1 } from "../../edge-agent/observe/websocket.testing.ts";
import type { Direction } from "../../models/terms.ts";
import { cutAnywhere, mutateBytes } from "./mutate.fuzz.ts";

/** Small, so that inputs reach them. */
const LIMITS: TapLimits =
  { messageBytes: 4_096, compressedBytes: 2_048, inflatedBytes: 8_192, budgetBytesPerS: 65_536 };
/** What is set aside: twice the larger limit (buffers double), a control frame's kilobyte, and a word of rounding. */
const MOST_HELD = 2 * LIMITS.messageBytes + 1_024 + 16;
const encoder = new TextEncoder();

interface Stream {
  readonly bytes: Uint8Array;
  readonly deflate: boolean;
  readonly takeover: boolean;
}

/** Frames of a connection: fragments, control frames between them, both ways of compression, and texts at the limit. */
function streamOf(random: Seeded, texts: readonly string[]): Stream {
  const [deflate, takeover] = [random.int(2) === 0, random.int(2) === 0];
  const frames: Uint8Array[] = [];
  let window = Buffer.alloc(0);
  for (let n = random.pick([1, 1, 2, 2, 3, 3, 4, 5, 6, 40]); n > 0; n -= 1) {
    const text = random.pick(texts).repeat(random.int(12) === 0 ? 40 : 1);
    let payload: Uint8Array = encoder.encode(text);
    const compressed = deflate && random.int(3) > 0;
    if (compressed) {
      const dictionary = takeover && window.length > 0 ? { dictionary: window } : {};
      const options = { finishFlush: constants.Z_SYNC_FLUSH, ...dictionary };
      window = Buffer.concat([window, payload]).subarray(-32_768);
      payload = deflateRawSync(payload, options).subarray(0, -4);
    }
    frames.push(...fragments(random, payload, compressed));
  }
  return { bytes: joinBytes(frames), deflate, takeover };
}

function fragments(random: Seeded, payload: Uint8Array, compressed: boolean): Uint8Array[] {
  const cuts = Array.from({ length: random.int(3) }, () => random.int(payload.length + 1)).sort((a, b) => a - b);
  const ends = [...cuts, payload.length];
  return ends.flatMap((end, index) => {
    const mask = random.int(2) === 0 ? random.bytes(4) : undefined;
    const frame = encodeFrame({
      opcode: index > 0 ? 0 : random.int(10) === 0 ? 2 : 1, fin: index === ends.length - 1,
      rsv: compressed && index === 0 ? RSV1 : 0, payload: payload.slice(ends[index - 1] ?? 0, end),
      ...(mask !== undefined && { mask }),
    });
    const control = encodeFrame({ opcode: random.pick([9, 9, 10, 8]), payload: random.bytes(random.int(8)) });
    return random.int(10) === 0 ? [control, frame] : [frame];
  });
}

function damaged(random: Seeded, { bytes }: Stream): Uint8Array {
  return random.int(8) === 0 ? bytes : mutateBytes(random, bytes);
}

function eventsOf(pieces: readonly Uint8Array[], deflate: boolean): string[] {
  const reader = new FrameReader(
    { deflate, maxMessageBytes: LIMITS.messageBytes, maxCompressedBytes: LIMITS.compressedBytes });
  const events: string[] = [];
  const emit = (event: WireEvent): void => {
    events.push(event.kind === "message"
      ? `${event.opcode} ${event.compressed} ${Buffer.from(event.payload).toString("base64")}` : JSON.stringify(event));
  };
  for (const piece of pieces) {
    reader.push(piece, emit);
    check.ok(reader.heldBytes <= MOST_HELD, `${reader.heldBytes} bytes held`);
  }
  return events;
}

/** The reader says the same however the bytes are cut, no more than they can carry, and holds little. */
export function webSocket(random: Seeded, texts: readonly string[]): number {
  const stream = streamOf(random, texts);
  const bytes = damaged(random, stream);
  const events = eventsOf([bytes], stream.deflate);
  check.ok(events.length <= bytes.length / 2 + 1, `${events.length} events of ${bytes.length} bytes`);
  check.deepEqual(eventsOf(cutAnywhere(random, bytes), stream.deflate), events);
  return bytes.length;
}

/** What comes out of the cutter is what went in, and a frame that began ends before the next begins. */
export function frameCutter(random: Seeded, texts: readonly string[]): number {
  const bytes = damaged(random, streamOf(random, texts));
  const cutter = new FrameCutter();
  const out: Uint8Array[] = [];
  const uncut: Uint8Array[] = [];
  let [open, left] = [false, 0];
  const emit = (part: FramePart): void => {
    check.equal(part.begins, !open);
    check.ok(part.bytes.length > 0 || part.ends, "a part without bytes");
    if (part.begins) left = part.payloadBytes + MAX_HEAD_BYTES;
    left -= part.bytes.length;
    check.ok(left >= 0, "more than the frame has");
    open = !part.ends;
    out.push(part.bytes.slice());
  };
  for (const piece of cutAnywhere(random, bytes)) {
    const taken = uncut.length > 0 ? 0 : cutter.push(piece, emit);
    check.ok(taken === piece.length || cutter.lost);
    if (taken < piece.length) uncut.push(piece.subarray(taken));
  }
  check.deepEqual(joinBytes([...out, cutter.takeHead(), ...uncut]), bytes);
  return bytes.length;
}

/** Texts that come in few bytes and are large once inflated. */
const bombs = (random: Seeded, texts: readonly string[]): string[] =>
  [random.pick(texts)].map((text) => text.repeat(Math.ceil(3_000 / (text.length + 1))).slice(0, LIMITS.messageBytes));

/** The tap never throws or changes a byte, keeps to its budget, and counts itself out when it is closed. */
export function tapWithDeflate(random: Seeded, texts: readonly string[]): number {
  const counters = createCounters();
  const told = { texts: 0, largest: 0, unparsed: 0 };
  const budgetBytesPerS = random.pick([512, 8_192, LIMITS.budgetBytesPerS]);
  const read = { "cp-to-csms": 0, "csms-to-cp": 0 };
  const guards = random.int(2) === 0;
  let whole = 0;
  const tap = createTap({
    ocppVersion: "1.6", extensions: { kind: "deflate", parameters: {
      clientNoContextTakeover: random.int(2) === 0, serverNoContextTakeover: random.int(2) === 0 } },
  }, {
    counters, limits: { ...LIMITS, budgetBytesPerS }, monoMs: () => 0, notice: () => undefined,
    ...(guards && { whole: (_direction: Direction, payload: Uint8Array) => void (whole = payload.length) }),
    emit: (event) => {
      if (event.kind === "unparsed") told.unparsed += 1;
      if (event.kind !== "frame") return;
      told.texts += 1;
      read[event.direction] += event.text.length;
      if (guards) check.ok(event.text.length <= whole, "a text that the guard did not see");
      told.largest = Math.max(told.largest, event.text.length);
    },
  });
  let bytes = 0;
  for (const direction of ["cp-to-csms", "csms-to-cp"] as readonly Direction[]) {
    const carried = random.int(3) === 0 ? bombs(random, texts) : texts;
    const input = damaged(random, { ...streamOf(random, carried), deflate: true });
    bytes += input.length;
    for (const piece of cutAnywhere(random, input)) {
      const before = piece.slice();
      tap.push(direction, piece);
      check.deepEqual(piece, before);
    }
  }
  check.ok(told.largest <= LIMITS.messageBytes, `a text of ${told.largest}`);
  check.ok(told.unparsed <= 2 * 20, `${told.unparsed} told as unparsed`);
  // Each direction has one second's budget, may go into debt once, and the debt is one message at most.
  for (const chars of Object.values(read)) {
    check.ok(chars <= budgetBytesPerS + LIMITS.messageBytes, `${chars} characters read in one moment`);
  }
  check.ok(told.texts <= bytes / 2 + 1);
  check.ok(tap.closeCode() >= 0 && tap.closeCode() <= 0xffff);
  tap.close();
  check.deepEqual(counters.blind, { "cp-to-csms": 0, "csms-to-cp": 0 });
  return bytes;
}

/** A meter's answer as it should be, in Modbus TCP or RTU. */
function answerBytes(random: Seeded, asked: AskedRead, registers: readonly number[], rtu: boolean): Uint8Array {
  const exception = random.int(10) === 0;
  const pdu = exception ? [asked.functionCode | 0x80, random.int(12)]
    : [asked.functionCode, 2 * registers.length, ...registers.flatMap((value) => [value >> 8, value & 0xff])];
  if (!rtu) {
    const { transactionId: id } = asked;
    return Uint8Array.of(id >> 8, id & 0xff, 0, 0, (pdu.length + 1) >> 8, (pdu.length + 1) & 0xff, asked.unit, ...pdu);
  }
  const frame = Uint8Array.of(asked.unit, ...pdu);
  const crc = crc16(frame);
  return Uint8Array.of(...frame, crc & 0xff, crc >> 8);
}

/** Registers as meters and liars give them: all ones, the SunSpec mark, exponents of infinity, small numbers. */
const registersOf = (random: Seeded, count: number): number[] => Array.from({ length: count }, () =>
  random.int(2) === 0 ? random.pick([0, 1, 0xffff, 0x7fff, 0x8000, 0x7f80, 0xff80, 0x5375, 0x6e53, 103, 203, 105])
    : random.int(0x10000));

const MOST_READS = 256;

/** Plays one conversation with a meter that answers wildly; returns what it gave. */
function converse<T>(random: Seeded, talk: Conversation<T>): { readonly given: T | undefined; readonly bytes: number } {
  const rtu = random.int(2) === 0;
  let bytes = 0;
  let step = talk.next();
  for (let reads = 0; step.done !== true; reads += 1) {
    check.ok(reads < MOST_READS, "it reads without end");
    const read: RegisterRead = step.value;
    check.ok(read.count >= 1 && read.count <= 125 && read.address >= 0 && read.address <= 0xffff);
    const asked: AskedRead = { ...read, transactionId: random.int(0x10000), unit: random.int(256) };
    const sound = answerBytes(random, asked, registersOf(random, read.count), rtu);
    const wire = random.int(4) === 0 ? mutateBytes(random, sound) : sound;
    bytes += wire.length;
    const parsed: Parsed = rtu ? parseRtuAnswer(wire, asked) : parseAnswer(wire, asked);
    if (parsed.kind === "problem") check.ok(parsed.problem.says.length < 200);
    if (parsed.kind === "more" || parsed.kind === "problem") return { given: undefined, bytes };
    if (parsed.kind === "registers") check.equal(parsed.registers.length, read.count);
    step = talk.next(parsed satisfies RegisterAnswer);
  }
  if (!step.value.ok) check.ok(step.value.problem.says.length < 200);
  return { given: step.value.ok ? step.value.value : undefined, bytes };
}

/** No answer of a meter makes a model throw, read without end or give a number that no meter can mean. */
export function meterAnswers(random: Seeded): number {
  const model = METER_MODELS[random.pick(METER_MODEL_NAMES)];
  const found = converse(random, model.find());
  const measured = converse(random, model.measure(found.given ?? random.int(0x10000 - 256)));
  for (const value of Object.values(measured.given ?? {})) check.ok(Number.isFinite(value) && Math.abs(value) <= 1e12);
  return found.bytes + measured.bytes;
}
