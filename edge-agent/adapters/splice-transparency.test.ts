/** What all this is for: whatever bytes either side sends, the other side gets them, and the tap saw the texts. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { constants, deflateRawSync } from "node:zlib";
import { seeded } from "../../build/seeded.ts";
import type { Seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { encodeFrame, isControlFrame, joinBytes, RSV1, splitFrames } from "../observe/websocket.testing.ts";
import type { FrameShape } from "../observe/websocket.testing.ts";
import { CSMS_ANSWER, rawCsms, upgradedPair, withForwarder } from "./forward-peers.testing.ts";
import type { Kit, KitOptions, RawCsms, Received } from "./forward-peers.testing.ts";
import { createTap, TAP_LIMITS } from "./tap.ts";
import { createCounters } from "./forward-stats.ts";

const utf8 = (text: string): Buffer => Buffer.from(text, "utf8");
const WITH_DEFLATE = CSMS_ANSWER.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
const NO_BUDGET = { budgetBytesPerS: Number.MAX_SAFE_INTEGER };

/** The sender's half of RFC 7692 with context takeover. */
class Deflater {
  #window = Buffer.alloc(0);

  deflate(payload: Uint8Array): Buffer {
    const { Z_SYNC_FLUSH } = constants;
    const dictionary = this.#window.length > 0 ? { dictionary: this.#window } : {};
    const bytes = deflateRawSync(payload, { finishFlush: Z_SYNC_FLUSH, ...dictionary });
    this.#window = Buffer.from(Buffer.concat([this.#window, payload]).subarray(-32_768));
    return bytes.subarray(0, -4);
  }
}

interface Traffic {
  readonly bytes: Uint8Array;
  readonly frames: number;
  /** What the tap must see, in order. */
  readonly texts: readonly string[];
  readonly unparsed: { "bad-utf8": number; "binary": number };
}

const LETTERS = ["a", "ocpp", "é", "€", "😀", "\u0000", "\"", "[2,", "\n", "\uFEFF"];

function randomPayload(random: Seeded): Buffer {
  const length = random.pick([0, 1, 30, 30, 130, 130, 600, 600, 3_000, random.int(70_000)]);
  const words = Array.from({ length: Math.ceil(length / 3) }, () => random.pick(LETTERS));
  return random.int(10) === 0 ? Buffer.from(random.bytes(Math.min(length, 600))) : utf8(words.join(""));
}

/** Cuts one message into frames with control frames between them. */
function framesOf(random: Seeded, opcode: number, payload: Uint8Array, rsv: number, masked: boolean): FrameShape[] {
  const mask = (): { mask: Uint8Array } | object => (masked ? { mask: random.bytes(4) } : {});
  const cuts = Array.from({ length: random.pick([0, 0, 0, 1, 3]) }, () => random.int(payload.length + 1));
  const ends = [...cuts.sort((a, b) => a - b), payload.length];
  return ends.flatMap((end, i) => {
    const part = payload.subarray(i === 0 ? 0 : ends[i - 1], end);
    const frame = { opcode: i === 0 ? opcode : 0, fin: i === cuts.length, rsv: i === 0 ? rsv : 0, payload: part };
    const control = { opcode: random.pick([9, 10]), payload: random.bytes(random.int(126)) };
    return random.int(4) === 0 ? [{ ...control, ...mask() }, { ...frame, ...mask() }] : [{ ...frame, ...mask() }];
  });
}

function randomTraffic(random: Seeded, messages: number, masked: boolean, compress: boolean): Traffic {
  const texts: string[] = [];
  const unparsed = { "bad-utf8": 0, "binary": 0 };
  const deflater = new Deflater();
  const frames: Uint8Array[] = [];
  for (let i = 0; i < messages; i++) {
    const opcode = random.int(12) === 0 ? 2 : 1;
    const payload = i === messages >> 1 ? utf8("1 MB ".repeat(200_000)) : randomPayload(random);
    const compressed = compress && random.int(3) > 0;
    if (opcode === 2) unparsed.binary += 1;
    else if (!Buffer.from(payload.toString("utf8")).equals(payload)) unparsed["bad-utf8"] += 1;
    else texts.push(payload.toString("utf8"));
    const wire = compressed ? deflater.deflate(payload) : payload;
    frames.push(...framesOf(random, opcode, wire, compressed ? RSV1 : 0, masked).map(encodeFrame));
  }
  return { bytes: joinBytes(frames), frames: frames.length, texts, unparsed };
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A ping must not wait for the end of a message that is held: it may overtake its fragments (RFC 6455, 5.4). */
function controlFramesFirst(bytes: Uint8Array): Uint8Array {
  const frames = splitFrames(bytes);
  return joinBytes([...frames.filter(isControlFrame), ...frames.filter((frame) => !isControlFrame(frame))]);
}

async function sendInPieces(random: Seeded, to: Received, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random.int(random.pick([1, 10, 1_000, 100_000, 100_000]));
    if (!to.socket.write(bytes.subarray(at, at + size))) await once(to.socket, "drain");
    else if (random.int(3) === 0) await new Promise((resolve) => setImmediate(resolve));
    at += size;
  }
  to.socket.end();
}

async function hashOfAll(from: Received): Promise<string> {
  const hash = createHash("sha256").update(from.bytes);
  from.socket.removeAllListeners("data").on("data", (chunk: Buffer) => hash.update(chunk));
  await once(from.socket, "end");
  return hash.digest("hex");
}

async function allBytes(from: Received): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [from.bytes];
  from.socket.removeAllListeners("data").on("data", (chunk: Buffer) => pieces.push(chunk));
  await once(from.socket, "end");
  return joinBytes(pieces);
}

async function withBoth(options: KitOptions, use: (kit: Kit, csms: RawCsms) => Promise<void>): Promise<void> {
  const csms = await rawCsms();
  try {
    await withForwarder(csms.address, options, (kit) => use(kit, csms));
  } finally {
    csms.close();
  }
}

/** What each message passes through; a policy that holds nothing back judges every one all the same. */
const MODES: Readonly<Record<string, KitOptions>> = {
  "observe": {},
  "guard": { guard: { heldBack: () => undefined } },
  "guard with a policy": { guard: { heldBack: () => undefined, policy: () => undefined } },
};

const MESSAGES = 2_500;
let framesSent = 0;
for (const [mode, compress, seed] of Object.keys(MODES).flatMap((name, i) =>
  [[name, false, 3 * i + 1], [name, true, 3 * i + 2], [name, true, 3 * i + 3]] as const)) {
  test(`property: ${2 * MESSAGES} messages, ${mode}, ${compress ? "compressed" : "plain"}, seed ${seed}`, () =>
    withBoth({ limits: NO_BUDGET, ...MODES[mode] }, async (kit, csms) => {
      const random = seeded(seed);
      const up = randomTraffic(random, MESSAGES, true, compress);
      const down = randomTraffic(random, MESSAGES, false, compress);
      const { charger, station } = await upgradedPair(kit, csms, compress ? WITH_DEFLATE : CSMS_ANSWER);
      framesSent += up.frames + down.frames;
      const all = Promise.all([allBytes(station), allBytes(charger)]);
      await Promise.all([sendInPieces(random, charger, up.bytes), sendInPieces(random, station, down.bytes)]);
      const order = mode === "guard with a policy" ? controlFramesFirst : (bytes: Uint8Array): Uint8Array => bytes;
      const sent = [up, down].map(({ bytes }) => sha256(order(bytes)));
      assert.equal((await all).map((bytes) => sha256(order(bytes))), sent);
      await kit.events.next((event) => event.kind === "link" && event.state === "disconnect");
      const same = (saw: readonly string[], sent: readonly string[]): void => {
        assert.is(saw.length, sent.length);
        saw.forEach((text, i) => assert.ok(text === sent[i], `text ${i} differs`));
      };
      same(kit.texts("cp-to-csms"), up.texts);
      same(kit.texts("csms-to-cp"), down.texts);
      const { unparsed, directions } = kit.forwarder.stats();
      assert.equal(unparsed, { "bad-utf8": up.unparsed["bad-utf8"] + down.unparsed["bad-utf8"],
        "binary": up.unparsed.binary + down.unparsed.binary });
      assert.is(directions["cp-to-csms"].bytes, up.bytes.length);
      assert.equal(kit.notices, []);
    }));
}

test("that were at least a hundred thousand frames", () => assert.ok(framesSent >= 100_000, `${framesSent}`));

test("bytes that are no frames at all pass as well, and the direction is said to be blind", () =>
  withBoth({}, async (kit, csms) => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seeded(seed);
      const bytes = random.bytes(1 + random.int(5_000));
      bytes[0] = 0xf0; // every reserved bit
      const { charger, station } = await upgradedPair(kit, csms);
      const hash = hashOfAll(station);
      await sendInPieces(random, charger, bytes);
      assert.is(await hash, sha256(bytes));
      station.socket.end();
      await kit.events.next((event) => event.kind === "link" && event.state === "disconnect");
      const oddity = kit.events.all.find((event) => event.kind === "unparsed");
      assert.ok(oddity?.kind === "unparsed" && oddity.oddity === "not-a-frame");
      kit.events.all.length = 0;
    }
    assert.is(kit.notices.length, 1, "said once, not twenty times");
    assert.match(kit.notices[0] ?? "", /^frames from the station pass unread until the station reconnects: .*RSV2/);
  }));

for (const compress of [false, true]) {
  test(`a 2 MB ${compress ? "compressed" : "plain"} frame passes, is counted, and the next one is seen`, () =>
    withBoth({}, async (kit, csms) => {
      const { charger, station } = await upgradedPair(kit, csms, compress ? WITH_DEFLATE : CSMS_ANSWER);
      const deflater = new Deflater();
      const frame = (payload: Buffer): Uint8Array => encodeFrame({ opcode: 1, rsv: compress ? RSV1 : 0,
        mask: Uint8Array.of(7, 6, 5, 4), payload: compress ? deflater.deflate(payload) : payload });
      // Hexadecimal digits: compressed it is still more than 1 MiB, which is over the limit for plain messages.
      const big = Buffer.from(seeded(9).bytes(1 << 20)).toString("hex");
      const bytes = joinBytes([frame(utf8("before")), frame(utf8(big)), frame(utf8(`after ${big.slice(-200)}`))]);
      const hash = hashOfAll(station);
      charger.socket.end(bytes);
      assert.is(await hash, sha256(bytes));
      assert.equal(kit.texts("cp-to-csms"), ["before", `after ${big.slice(-200)}`]);
      assert.equal(kit.forwarder.stats().unparsed, { "too-large": 1 });
    }));
}

test("an extension that nobody here can read is said, and everything passes", () => withBoth({}, async (kit, csms) => {
  const answer = CSMS_ANSWER.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x-zstd\r\n\r\n");
  const { charger, station } = await upgradedPair(kit, csms, answer);
  const bytes = encodeFrame({ opcode: 1, rsv: RSV1, payload: utf8("opaque") });
  charger.socket.write(bytes);
  assert.equal(await station.take(bytes.length), Buffer.from(bytes));
  assert.match(kit.notices.join(), /unknown extension x-zstd/);
  assert.is(kit.texts("cp-to-csms").length, 0);
  assert.ok(kit.forwarder.stats().directions["csms-to-cp"].blind);
}));

test("past its budget the parser counts, and goes on when a second has brought more", () => {
  let nowMs = 0;
  return withBoth({ monoMs: () => nowMs, limits: { budgetBytesPerS: 2_000 } }, async (kit, csms) => {
    const { charger, station } = await upgradedPair(kit, csms);
    const say = async (text: string): Promise<void> => {
      const bytes = encodeFrame({ opcode: 1, payload: utf8(text) });
      charger.socket.write(bytes);
      await station.take(bytes.length);
    };
    await say("x".repeat(3_000)); // goes into debt, once
    for (let i = 0; i < 100; i++) await say("skipped");
    nowMs = 2_500;
    await say("seen");
    assert.equal(kit.texts("cp-to-csms").map((text) => text.slice(0, 4)), ["xxxx", "seen"]);
    assert.equal(kit.forwarder.stats().unparsed, { "over-budget": 100 });
    const unparsed = kit.events.all.filter((event) => event.kind === "unparsed");
    assert.is(unparsed.length, 20, "the pipeline is spared the flood");
  });
});

/** A tap alone, with compression agreed; what it tells, by direction of the charger. */
function tapAlone(limits: Partial<typeof TAP_LIMITS>, noTakeover = false, monoMs = () => 0) {
  const told: string[] = [];
  const notices: string[] = [];
  const counters = createCounters();
  const tap = createTap({ extensions: { kind: "deflate",
    parameters: { clientNoContextTakeover: noTakeover, serverNoContextTakeover: noTakeover } } }, {
    limits: { ...TAP_LIMITS, ...limits }, counters, monoMs,
    emit: (event) => told.push(event.kind === "frame" ? event.text : event.kind === "unparsed" ? event.oddity : ""),
    notice: (_, text) => notices.push(text),
  });
  const push = (payload: Uint8Array, rsv = RSV1): void =>
    tap.push("cp-to-csms", encodeFrame({ opcode: 1, rsv, payload }));
  return { tap, push, told, notices, counters };
}

test("a decompression bomb is stopped at its limit; with a shared context the direction is blind after it", () => {
  for (const noTakeover of [false, true]) {
    const limits = { messageBytes: 1_000, inflatedBytes: 100_000 };
    const { push, told, notices, tap, counters } = tapAlone(limits, noTakeover);
    const bomb = new Deflater().deflate(Buffer.alloc(50_000_000));
    push(bomb);
    push(new Deflater().deflate(utf8("next")));
    push(utf8("plain"), 0);
    assert.equal(told, noTakeover ? ["too-large", "next", "plain"] : ["too-large", "bad-deflate", "plain"]);
    assert.is(notices.length, noTakeover ? 0 : 1);
    assert.is(counters.blind["cp-to-csms"], noTakeover ? 0 : 1);
    tap.close();
    assert.is(counters.blind["cp-to-csms"], 0);
  }
});

test("what was inflated is paid for, however little came: 5 KB in 40 bytes, at once and for ten seconds", () => {
  let nowMs = 0;
  const { push, told } = tapAlone({ budgetBytesPerS: 20_000 }, true, () => nowMs);
  const message = new Deflater().deflate(Buffer.alloc(5_000, 0x78));
  assert.ok(message.length < 40);
  const seen = (): number => told.filter((text) => text.startsWith("x")).length;
  for (let n = 0; n < 20; n += 1) push(message);
  assert.is(seen(), 4, "20 KB in the first moment, and no fifth");
  for (nowMs = 1; nowMs <= 10_000; nowMs += 1) push(message);
  assert.ok(seen() >= 35 && seen() <= 44, `${seen()} of 5 KB in ten seconds of 20 KB`);
});

test("what was inflated and is too large to be parsed is paid for as well", () => {
  const { push, told } = tapAlone({ messageBytes: 1_000, budgetBytesPerS: 5_000 }, true);
  for (let n = 0; n < 20; n += 1) push(new Deflater().deflate(Buffer.alloc(50_000)));
  assert.equal([...new Set(told)], ["too-large", "over-budget"]);
  assert.is(told.filter((one) => one === "too-large").length, 4);
});

test("what is no deflate stream is told; so is a compressed message that was too large to be held", () => {
  const bad = tapAlone({});
  bad.push(Uint8Array.of(0xff, 0xff, 0xff));
  bad.push(new Deflater().deflate(utf8("next")));
  assert.equal(bad.told, ["bad-deflate", "bad-deflate"]);
  assert.match(bad.notices[0] ?? "", /pass unread/);
  const large = tapAlone({ compressedBytes: 10 });
  large.push(new Uint8Array(11));
  large.push(Uint8Array.of(0));
  assert.equal(large.told, ["too-large", "bad-deflate"]);
});

test("a message of more than is parsed and less than is inflated keeps the context whole", () => {
  const { push, told, notices } = tapAlone({ messageBytes: 1_000 });
  const deflater = new Deflater();
  const sent = seeded(4);
  for (let i = 0; i < 45; i++) {
    const text = Buffer.from(sent.bytes(i % 3 === 0 ? 4_000 : 100)).toString("hex");
    push(deflater.deflate(utf8(text + text)));
    assert.is(told.pop(), i % 3 === 0 ? "too-large" : text + text);
  }
  assert.equal(notices, []);
});

test("the close code as an endpoint would report it (RFC 6455, 7.1.5)", () => {
  const codeAfter = (...payloads: Uint8Array[]): number => {
    const { tap } = tapAlone({});
    for (const payload of payloads) tap.push("csms-to-cp", encodeFrame({ opcode: 8, payload }));
    return tap.closeCode();
  };
  assert.is(codeAfter(), 1006);
  assert.is(codeAfter(new Uint8Array(0)), 1005);
  assert.is(codeAfter(Uint8Array.of(3)), 1005);
  assert.is(codeAfter(Uint8Array.of(0x03, 0xe9), Uint8Array.of(0x03, 0xe8)), 1001, "the first one counts");
});
