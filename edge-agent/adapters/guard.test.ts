/** Guard mode on real sockets: what is held back, what is added, and that the rest goes on as it is. */
import { deflateRawSync, inflateRawSync, constants } from "node:zlib";
import { assert, test } from "../../build/testing.ts";
import { guardPolicy } from "../observe/guard-policy.ts";
import type { GuardPolicy, HeldBack } from "../observe/guard-policy.ts";
import { encodeFrame, joinBytes, RSV1 } from "../observe/websocket.testing.ts";
import { createCounters } from "./forward-stats.ts";
import { CSMS_ANSWER, rawCsms, upgradedPair, withForwarder } from "./forward-peers.testing.ts";
import type { Kit, Received } from "./forward-peers.testing.ts";
import { Guard } from "./guard.ts";
import { createTap, TAP_LIMITS } from "./tap.ts";

const utf8 = (text: string): Buffer => Buffer.from(text, "utf8");
const MASK = Uint8Array.of(9, 8, 7, 6);
const HOSTILE = '[2,"7","SetNetworkProfile",{}]';
const ANSWER = '[4,"7","SecurityError","held back by the guard in line",{}]';
const RULES = guardPolicy([{ action: "SetNetworkProfile", from: "csms" }, { action: "DataTransfer", from: "station" }]);
const down = (text: string, more: object = {}): Uint8Array => encodeFrame({ opcode: 1, payload: utf8(text), ...more });
const up = (text: string, more: object = {}): Uint8Array => down(text, { mask: MASK, ...more });

interface Guarded {
  readonly kit: Kit;
  readonly charger: Received;
  readonly station: Received;
  readonly held: HeldBack[];
}

async function guarded(
  use: (guarded: Guarded) => Promise<void>, { policy = RULES, extensions = "", limits = {} }:
  { policy?: GuardPolicy | undefined; extensions?: string; limits?: object } = {},
): Promise<void> {
  const csms = await rawCsms();
  const held: HeldBack[] = [];
  const answer = extensions === "" ? CSMS_ANSWER
    : CSMS_ANSWER.replace("\r\n\r\n", `\r\nSec-WebSocket-Extensions: ${extensions}\r\n\r\n`);
  const guard = { heldBack: (one: HeldBack) => void held.push(one), ...(policy !== undefined && { policy }) };
  try {
    await withForwarder(csms.address, { guard, limits }, async (kit) => {
      const { charger, station } = await upgradedPair(kit, csms, answer);
      await use({ kit, charger, station, held });
    });
  } finally {
    csms.close();
  }
}

/** One frame from the agent itself, unmasked. */
async function takeAdded(from: Received, text: string): Promise<void> {
  const [first, second] = await from.take(2) as unknown as [number, number];
  assert.equal([first, second & 0x7f], [0x81, text.length]);
  const mask = (second & 0x80) === 0 ? Buffer.alloc(4) : await from.take(4);
  const payload = await from.take(text.length);
  assert.is(payload.map((byte, i) => byte ^ mask[i % 4]!).toString(), text);
}

async function takeExactly(from: Received, bytes: Uint8Array): Promise<void> {
  assert.equal(await from.take(bytes.length), Buffer.from(bytes));
}

test("a call of the CSMS is held back, answered in the station's stead, told and seen; the rest passes", () =>
  guarded(async ({ kit, charger, station, held }) => {
    const [before, after] = [down('[2,"6","Reset",{}]'), down('[2,"8","Reset",{}]')];
    station.socket.write(joinBytes([before, down(HOSTILE), after]));
    await takeExactly(charger, joinBytes([before, after]));
    await takeAdded(station, ANSWER);
    assert.equal(held.map(({ says }) => says), ["SetNetworkProfile from the CSMS was held back"]);
    assert.equal(kit.texts("csms-to-cp"), ['[2,"6","Reset",{}]', HOSTILE, '[2,"8","Reset",{}]'], "observed as well");
    assert.equal(kit.texts("cp-to-csms"), [ANSWER], "and so is what ends the call");
  }));

test("a station's call is held back and answered without a mask, as a CSMS speaks (RFC 6455, 5.1)", () =>
  guarded(async ({ charger, station }) => {
    charger.socket.write(joinBytes([up('[2,"7","DataTransfer",{}]'), up("next")]));
    await takeExactly(station, up("next"));
    assert.equal(await charger.take(2), Buffer.of(0x81, ANSWER.length));
    assert.is((await charger.take(ANSWER.length)).toString(), ANSWER);
  }));

test("an answer waits for the end of a fragmented message, and never cuts a frame in two", () =>
  guarded(async ({ charger, station, held }) => {
    // Large: it passes as it comes, and is under way when the call is held back.
    const parts = [up("a".repeat(900), { fin: false }), up("b".repeat(900), { opcode: 0 })];
    charger.socket.write(parts[0]!);
    charger.socket.write(parts[1]!.subarray(0, 400));
    await takeExactly(station, joinBytes([parts[0]!, parts[1]!.subarray(0, 400)]));
    station.socket.write(joinBytes([down(HOSTILE), down("seen")]));
    await takeExactly(charger, down("seen"));
    assert.is(held.length, 1);
    charger.socket.write(joinBytes([parts[1]!.subarray(400), up("last")]));
    await takeExactly(station, parts[1]!.subarray(400));
    await takeAdded(station, ANSWER);
    await takeExactly(station, up("last"));
  }, { limits: { messageBytes: 500 } }));

const DEFLATE = { finishFlush: constants.Z_SYNC_FLUSH };
const deflate = (text: string, window = ""): Buffer =>
  deflateRawSync(utf8(text), { ...DEFLATE, ...(window !== "" && { dictionary: utf8(window) }) }).subarray(0, -4);

test("with a shared compression context later messages go out uncompressed: the receiver lacks one", () =>
  guarded(async ({ charger, station }) => {
    const binary = "binary".repeat(3);
    station.socket.write(joinBytes([
      encodeFrame({ opcode: 1, rsv: RSV1, payload: deflate("first") }),
      encodeFrame({ opcode: 1, rsv: RSV1, payload: deflate(HOSTILE, "first") }),
      encodeFrame({ opcode: 1, rsv: RSV1, payload: deflate(`${HOSTILE} again`, `first${HOSTILE}`) }),
      encodeFrame({ opcode: 2, rsv: RSV1, payload: deflate(binary, `first${HOSTILE}${HOSTILE} again`) }),
      down("plain"),
    ]));
    await takeExactly(charger, encodeFrame({ opcode: 1, rsv: RSV1, payload: deflate("first") }));
    await takeExactly(charger, down(`${HOSTILE} again`));
    await takeExactly(charger, encodeFrame({ opcode: 2, payload: utf8(binary) }));
    await takeExactly(charger, down("plain"));
  }, { extensions: "permessage-deflate" }));

test("without a shared context the others stay compressed, byte for byte", () =>
  guarded(async ({ charger, station }) => {
    const next = encodeFrame({ opcode: 1, rsv: RSV1, payload: deflate("next") });
    station.socket.write(joinBytes([encodeFrame({ opcode: 1, rsv: RSV1, payload: deflate(HOSTILE) }), next]));
    await takeExactly(charger, next);
    assert.is(inflateRawSync(Buffer.concat([next.subarray(2), Buffer.of(0, 0, 255, 255)]), DEFLATE).toString(), "next");
  }, { extensions: "permessage-deflate; server_no_context_takeover" }));

test("after a hole in the context, what cannot be read drops the connection, and it is said", () =>
  guarded(async ({ kit, charger, station }) => {
    station.socket.write(joinBytes([
      encodeFrame({ opcode: 1, rsv: RSV1, payload: deflate(HOSTILE) }),
      encodeFrame({ opcode: 1, rsv: RSV1, payload: Uint8Array.of(0xff, 0xff, 0xff) }),
    ]));
    assert.is(await charger.rest(), "");
    assert.match(kit.notices.join(), /guard: a connection was dropped after a message was held back: a compressed/);
  }, { extensions: "permessage-deflate" }));

test("what cannot be judged passes and is counted: no UTF-8, too large, a policy that throws", async () => {
  await guarded(async ({ kit, charger, station }) => {
    const bytes = joinBytes([
      encodeFrame({ opcode: 1, payload: Uint8Array.of(0xff, 0xfe) }), down(HOSTILE.padEnd(600)), down("seen"),
      encodeFrame({ opcode: 2, payload: utf8(HOSTILE) }),
    ]);
    station.socket.write(bytes);
    await takeExactly(charger, bytes);
    assert.is(kit.forwarder.stats().unjudged, 2);
  }, { limits: { messageBytes: 500 } });
  const broken = (): never => {
    throw new Error("a defect");
  };
  await guarded(async ({ kit, charger, station }) => {
    station.socket.write(down(HOSTILE));
    await takeExactly(charger, down(HOSTILE));
    assert.is(kit.forwarder.stats().unjudged, 1);
  }, { policy: broken });
});

test("a ping overtakes the fragments of a message that is held until it is whole", () =>
  guarded(async ({ charger, station }) => {
    const ping = encodeFrame({ opcode: 9, payload: utf8("alive?") });
    station.socket.write(joinBytes([down(HOSTILE.slice(0, 9), { fin: false }), ping]));
    await takeExactly(charger, ping);
    station.socket.write(joinBytes([down(HOSTILE.slice(9), { opcode: 0 }), down("seen")]));
    await takeExactly(charger, down("seen"));
    await takeAdded(station, ANSWER);
  }));

test("fragments, each of them small, are held up to the limit for their sum and no further", () =>
  guarded(async ({ kit, charger, station }) => {
    const fragments = [0, 1, 2].map((n) => down("x".repeat(200), { fin: false, ...(n > 0 && { opcode: 0 }) }));
    const ping = encodeFrame({ opcode: 9, payload: utf8("alive?") });
    const bytes = joinBytes([...fragments, ping, down("end", { opcode: 0 })]);
    station.socket.write(bytes);
    // Held any longer they would let the ping overtake them.
    await takeExactly(charger, bytes);
    assert.is(kit.forwarder.stats().unjudged, 1);
  }, { limits: { messageBytes: 500 } }));

test("of answers that wait for a message's end there are 64 at most", () =>
  guarded(async ({ charger, station, held }) => {
    const begun = up("a".repeat(900), { fin: false });
    charger.socket.write(begun);
    await takeExactly(station, begun);
    station.socket.write(joinBytes([...Array.from({ length: 70 }, () => down(HOSTILE)), down("seen")]));
    await takeExactly(charger, down("seen"));
    assert.is(held.length, 70, "all of them are held back");
    const end = up("b", { opcode: 0 });
    charger.socket.write(joinBytes([end, up("last")]));
    await takeExactly(station, end);
    for (let n = 0; n < 64; n += 1) await takeAdded(station, ANSWER);
    await takeExactly(station, up("last"));
  }, { limits: { messageBytes: 500 } }));

test("answers to who does not read them wait, 64 at most, and nothing else is written", () => {
  const counters = createCounters();
  const tap = createTap({ extensions: { kind: "none" } }, {
    limits: TAP_LIMITS, counters, monoMs: () => 0, emit: () => undefined, notice: () => undefined,
    whole: (...what) => guard.whole(...what),
  });
  let held = 0;
  const guard: Guard = new Guard(tap, {
    policy: RULES, holdBytes: 500, takeover: { "cp-to-csms": false, "csms-to-cp": false },
    heldBack: () => void (held += 1), unjudged: () => undefined, drop: () => undefined,
  });
  const toCsms = { isFull: false, frames: 0, write: (): void => void (toCsms.frames += 1) };
  guard.lanes["cp-to-csms"].open(toCsms);
  guard.lanes["csms-to-cp"].open({ isFull: false, write: () => assert.unreachable("it is held back") });
  const ask = (): void => guard.lanes["csms-to-cp"].push(Buffer.from(down(HOSTILE)));
  ask();
  assert.is(toCsms.frames, 1);
  toCsms.isFull = true;
  for (let n = 0; n < 10_000; n += 1) ask();
  assert.equal([toCsms.frames, held], [1, 10_001]);
  toCsms.isFull = false;
  guard.lanes["cp-to-csms"].drained();
  assert.is(toCsms.frames, 65);
  ask();
  assert.is(toCsms.frames, 66, "and it is answered again");
});

test("a CSMS that asks and never reads: the agent holds little of its answers, and passes none of its orders", () =>
  guarded(async ({ kit, charger, station, held }) => {
    station.socket.pause();
    const orders = joinBytes(Array.from({ length: 2_000 }, () => down(HOSTILE)));
    const rounds = 40;
    for (let n = 0; n < rounds; n += 1) station.socket.write(orders);
    station.socket.write(down("seen"));
    await takeExactly(charger, down("seen"));
    assert.is(held.length, rounds * 2_000, "also those over the parser's budget");
    assert.is(kit.forwarder.stats().unjudged, 0);
    assert.ok(kit.forwarder.stats().bufferedBytes < 200_000, `${kit.forwarder.stats().bufferedBytes} bytes`);
    assert.ok((kit.forwarder.stats().unparsed["over-budget"] ?? 0) > 0, "they became no events");
  }, { limits: { budgetBytesPerS: 100_000 } }));

test("what is held when the sender ends goes on before the end: half a message, half a head", () =>
  guarded(async ({ charger, station }) => {
    const half = joinBytes([down("whole"), down("half of it", { fin: false }), Uint8Array.of(0x80, 126, 1)]);
    station.socket.end(half);
    assert.is(await charger.rest(), Buffer.from(half).toString("latin1"));
  }));
