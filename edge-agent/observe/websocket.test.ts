import { seeded } from "../../build/seeded.ts";
import type { Seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { FrameReader } from "./websocket.ts";
import type { ReaderOptions, WireEvent } from "./websocket.ts";
import { encodeFrame, joinBytes, RSV1 } from "./websocket.testing.ts";
import type { FrameShape } from "./websocket.testing.ts";

const LIMITS: ReaderOptions = { deflate: true, maxMessageBytes: 70_000, maxCompressedBytes: 80_000 };
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** Pushes, and gives what was emitted: payloads are copied, since they hold during the call only. */
function pushTo(reader: FrameReader, bytes: Uint8Array): WireEvent[] {
  const events: WireEvent[] = [];
  reader.push(bytes, (event) =>
    events.push(event.kind === "message" ? { ...event, payload: event.payload.slice() } : event));
  return events;
}

function read(bytes: Uint8Array, options: Partial<ReaderOptions> = {}): WireEvent[] {
  return pushTo(new FrameReader({ ...LIMITS, ...options }), bytes);
}

/** What a reader may keep set aside between messages, for data and control frames together. */
const KEPT_BYTES = 16_384 + 1_024;

/** Events with their payloads as plain arrays, to be compared. */
function plain(events: readonly WireEvent[]): unknown[] {
  return events.map((event) => (event.kind === "message" ? { ...event, payload: [...event.payload] } : event));
}

function message(opcode: string, payload: Uint8Array, compressed = false): unknown {
  return { kind: "message", opcode, compressed, payload: [...payload] };
}

/** The examples of RFC 6455, 5.7. */
const RFC_EXAMPLES: readonly { name: string; bytes: string; gives: unknown[] }[] = [
  { name: "single unmasked text", bytes: "81 05 48 65 6c 6c 6f", gives: [message("text", utf8("Hello"))] },
  { name: "single masked text", bytes: "81 85 37 fa 21 3d 7f 9f 4d 51 58", gives: [message("text", utf8("Hello"))] },
  { name: "fragmented text", bytes: "01 03 48 65 6c 80 02 6c 6f", gives: [message("text", utf8("Hello"))] },
  { name: "unmasked ping", bytes: "89 05 48 65 6c 6c 6f", gives: [message("ping", utf8("Hello"))] },
  { name: "masked pong", bytes: "8a 85 37 fa 21 3d 7f 9f 4d 51 58", gives: [message("pong", utf8("Hello"))] },
  { name: "a ping between fragments", bytes: "01 03 48 65 6c 89 00 80 02 6c 6f",
    gives: [message("ping", utf8("")), message("text", utf8("Hello"))] },
  { name: "an empty text", bytes: "81 00", gives: [message("text", utf8(""))] },
  { name: "an empty masked text", bytes: "81 80 01 02 03 04", gives: [message("text", utf8(""))] },
  { name: "fragments that are all empty", bytes: "01 00 00 00 80 00", gives: [message("text", utf8(""))] },
  { name: "close with code and reason", bytes: "88 04 03 e8 6f 6b", gives: [message("close", hex("03e86f6b"))] },
  { name: "a compressed text (RFC 7692, 7.2.3.1)", bytes: "c1 07 f2 48 cd c9 c9 07 00",
    gives: [message("text", hex("f248cdc9c90700"), true)] },
  { name: "a length in a longer form than it needs", bytes: "82 7e 00 01 61", gives: [message("binary", utf8("a"))] },
];
for (const { name, bytes, gives } of RFC_EXAMPLES) {
  test(`RFC 6455, 5.7: ${name}`, () => {
    assert.equal(plain(read(hex(bytes))), gives);
    const reader = new FrameReader(LIMITS);
    const slowly = [...hex(bytes)].flatMap((byte) => pushTo(reader, Uint8Array.of(byte)));
    assert.equal(plain(slowly), gives, "byte by byte");
  });
}

/** What leaves the meaning open, by clause; a good frame follows and must not be read. */
const BREACHES: readonly { name: string; bytes: string; deflate?: boolean }[] = [
  { name: "RSV2", bytes: "a1 00" },
  { name: "RSV3", bytes: "91 00" },
  { name: "RSV1 without agreement", bytes: "c1 00", deflate: false },
  { name: "RSV1 on a ping (RFC 7692, 6.1)", bytes: "c9 00" },
  { name: "RSV1 on a continuation (RFC 7692, 6.1)", bytes: "41 00 c0 00" },
  { name: "reserved data opcode 3", bytes: "83 00" },
  { name: "reserved data opcode 7", bytes: "87 00" },
  { name: "reserved control opcode 11", bytes: "8b 00" },
  { name: "reserved control opcode 15", bytes: "8f 00" },
  { name: "a continuation of nothing (5.4)", bytes: "80 00" },
  { name: "a text inside a fragmented text (5.4)", bytes: "01 00 81 00" },
  { name: "a fragmented ping (5.5)", bytes: "09 00" },
  { name: "a ping of 126 bytes (5.5)", bytes: "89 7e 00 7e" },
  { name: "a length with its top bit set (5.2)", bytes: "82 7f 80 00 00 00 00 00 00 00" },
  { name: "a length beyond 2^53", bytes: "82 7f 00 20 00 00 00 00 00 00" },
];
for (const { name, bytes, deflate = true } of BREACHES) {
  test(`ends the reading, once: ${name}`, () => {
    const reader = new FrameReader({ ...LIMITS, deflate });
    const events = pushTo(reader, joinBytes([hex(bytes), hex("81 01 61")]));
    assert.is(events.at(-1)?.kind, "protocol-error");
    assert.is(events.filter((event) => event.kind === "protocol-error").length, 1);
    assert.equal(pushTo(reader, hex("81 01 61")), []);
    assert.ok(reader.heldBytes <= KEPT_BYTES);
  });
}

test("nothing is read after a close frame (5.5.1)", () => {
  assert.is(read(hex("88 00 81 01 61")).length, 1);
});

test("a message over the limit is counted, and the next one read", () => {
  for (const compressed of [false, true]) {
    const limit = compressed ? LIMITS.maxCompressedBytes : LIMITS.maxMessageBytes;
    const big = new Uint8Array(limit + 1).fill(97);
    const rsv = compressed ? RSV1 : 0;
    const mask = Uint8Array.of(1, 2, 3, 4);
    const bytes = joinBytes([
      encodeFrame({ opcode: 1, rsv, mask, payload: big }), encodeFrame({ opcode: 1, rsv, payload: big.subarray(1) }),
    ]);
    const events = read(bytes);
    assert.equal(events[0], { kind: "skipped", opcode: "text", compressed, reason: "too-large", bytes: limit + 1 });
    assert.equal(plain(events.slice(1)), [message("text", big.subarray(1), compressed)]);
  }
});

test("fragments that grow over the limit together are one message too large", () => {
  const part = new Uint8Array(40_000);
  const frames = [1, 0, 0].map((opcode, i) => encodeFrame({ opcode, fin: i === 2, payload: part }));
  const events = read(joinBytes([...frames, encodeFrame({ opcode: 9, payload: utf8("still here") })]));
  assert.equal(events[0], { kind: "skipped", opcode: "text", compressed: false, reason: "too-large", bytes: 120_000 });
  assert.equal(plain(events.slice(1)), [message("ping", utf8("still here"))]);
});

test("a frame that is not admitted is counted, and asked for once a frame with its length", () => {
  const asked: number[] = [];
  const admit = (bytes: number): boolean => asked.push(bytes) !== 2;
  const frames = ["a", "bb", "ccc"].map((text) => encodeFrame({ opcode: 1, payload: utf8(text) }));
  const events = read(joinBytes(frames), { admit });
  assert.equal(asked, [1, 2, 3]);
  assert.equal(plain(events), [message("text", utf8("a")),
    { kind: "skipped", opcode: "text", compressed: false, reason: "over-budget", bytes: 2 },
    message("text", utf8("ccc"))]);
});

test("a claimed length sets no memory aside", () => {
  const reader = new FrameReader({ ...LIMITS, maxMessageBytes: 1 << 30 });
  pushTo(reader, hex("82 ff 00 00 00 00 3f ff ff ff 01 02 03 04 61"));
  assert.ok(reader.heldBytes <= 1_024, String(reader.heldBytes));
});

test("what was pushed is not changed", () => {
  const bytes = encodeFrame({ opcode: 1, mask: Uint8Array.of(9, 8, 7, 6), payload: new Uint8Array(500).fill(65) });
  const before = [...bytes];
  assert.equal(plain(read(bytes)), [message("text", new Uint8Array(500).fill(65))]);
  assert.equal([...bytes], before);
});

test("the memory of a large message is let go", () => {
  const reader = new FrameReader(LIMITS);
  const frame = encodeFrame({ opcode: 1, payload: new Uint8Array(60_000) });
  reader.push(frame.subarray(0, 50_000), () => assert.unreachable());
  assert.ok(reader.heldBytes >= 49_000);
  reader.push(frame.subarray(50_000), () => undefined);
  assert.ok(reader.heldBytes <= KEPT_BYTES);
});

test("every alignment of mask, payload and cut unmasks alike", () => {
  const random = seeded(5);
  for (let length = 55; length < 75; length++) {
    for (let cut = 0; cut < 12; cut++) {
      const payload = random.bytes(length);
      const mask = random.bytes(4);
      const bytes = encodeFrame({ opcode: 2, mask, payload });
      const reader = new FrameReader(LIMITS);
      const events = [...pushTo(reader, bytes.subarray(0, cut)), ...pushTo(reader, bytes.subarray(cut))];
      assert.equal(plain(events), [message("binary", payload)]);
    }
  }
});

/** One message as frames, with control frames between, and the events that must come of it. */
function randomMessage(random: Seeded): { frames: FrameShape[]; gives: unknown[] } {
  const opcode = random.pick([1, 2]);
  const compressed = random.int(3) === 0;
  const payload = random.bytes(random.pick([0, 1, 5, 125, 126, 127, 300, random.int(3_000)]));
  const cuts = Array.from({ length: random.int(4) }, () => random.int(payload.length + 1)).sort((a, b) => a - b);
  const frames: FrameShape[] = [];
  const gives: unknown[] = [];
  const shape = (frame: FrameShape): FrameShape => (random.int(2) === 0 ? frame : { ...frame, mask: random.bytes(4) });
  [...cuts, payload.length].forEach((end, i) => {
    const part = payload.subarray(i === 0 ? 0 : cuts[i - 1], end);
    frames.push(shape({ opcode: i === 0 ? opcode : 0, fin: i === cuts.length, rsv: i === 0 && compressed ? RSV1 : 0,
      payload: part }));
    if (i === cuts.length || random.int(2) === 0) return;
    const control = random.bytes(random.int(126));
    const ping = random.int(2) === 0;
    frames.push(shape({ opcode: ping ? 9 : 10, payload: control }));
    gives.push(message(ping ? "ping" : "pong", control));
  });
  return { frames, gives: [...gives, message(opcode === 1 ? "text" : "binary", payload, compressed)] };
}

function* randomCuts(random: Seeded, bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random.int(random.pick([1, 3, 20, 2_000, 70_000]));
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

test("property: what was framed is read, wherever it is cut", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    const messages = Array.from({ length: 30 }, () => randomMessage(random));
    const bytes = joinBytes(messages.flatMap(({ frames }) => frames.map(encodeFrame)));
    const reader = new FrameReader(LIMITS);
    const events: WireEvent[] = [];
    for (const chunk of randomCuts(random, bytes)) events.push(...pushTo(reader, chunk));
    assert.equal(plain(events), messages.flatMap(({ gives }) => gives), `seed ${seed}`);
    assert.ok(reader.heldBytes <= KEPT_BYTES);
  }
});

/** Bytes that are frames for a while: random ones alone end at the first reserved bit. */
function hostileBytes(random: Seeded): Uint8Array {
  const frames = Array.from({ length: 12 }, () => encodeFrame({
    opcode: random.pick([0, 1, 1, 2, 8, 9, 10, random.int(16)]), fin: random.int(4) > 0,
    rsv: random.pick([0, 0, 0, 0, RSV1, random.int(8)]), payload: random.bytes(random.int(200)),
    ...(random.int(2) === 0 ? { mask: random.bytes(4) } : {}),
  }));
  const bytes = joinBytes(frames);
  for (let i = random.int(4); i > 0; i--) bytes[random.int(bytes.length)] = random.int(256);
  return bytes;
}

test("fuzz: any bytes, cut anywhere, give what they give in one piece, and memory stays within the limit", () => {
  const options = { ...LIMITS, maxMessageBytes: 150, maxCompressedBytes: 180 };
  const kinds = new Set<string>();
  for (let seed = 1; seed <= 3_000; seed++) {
    const random = seeded(seed);
    const bytes = seed % 4 === 0 ? random.bytes(random.int(300)) : hostileBytes(random);
    const atOnce = pushTo(new FrameReader(options), bytes);
    const reader = new FrameReader(options);
    const events: WireEvent[] = [];
    for (const chunk of randomCuts(random, bytes)) {
      events.push(...pushTo(reader, chunk));
      assert.ok(reader.heldBytes <= 2 * 1_024, `seed ${seed}: ${reader.heldBytes} bytes held`);
    }
    assert.equal(plain(events), plain(atOnce), `seed ${seed}`);
    atOnce.forEach((event) => kinds.add(event.kind));
  }
  assert.equal([...kinds].sort(), ["message", "protocol-error", "skipped"]);
});
