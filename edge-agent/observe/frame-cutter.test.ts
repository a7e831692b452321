/** Whatever is pushed, however it is cut, comes out again; and the parts know where frames begin and end. */
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { FrameCutter, type FramePart } from "./frame-cutter.ts";
import { encodeFrame, joinBytes } from "./websocket.testing.ts";

function cutInPieces(bytes: Uint8Array, size: () => number) {
  const cutter = new FrameCutter();
  const parts: FramePart[] = [];
  const rest: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const chunk = bytes.slice(at, at + size());
    const cut = cutter.push(chunk, (part) => parts.push({ ...part, bytes: part.bytes.slice() }));
    if (cut < chunk.length) rest.push(cutter.takeHead(), chunk.subarray(cut));
    at += chunk.length;
  }
  return { cutter, parts, rest, out: joinBytes([...parts.map((part) => part.bytes), ...rest, cutter.takeHead()]) };
}

const SHORT_SIZES = [0, 1, 5, 125, 126, 127, 300];
const SIZES = [...SHORT_SIZES, 65_535, 65_536, 70_000];

test("property: the parts joined are the bytes, and each frame begins and ends once (RFC 6455, 5.2)", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    const shapes = Array.from({ length: 1 + random.int(8) }, () => ({
      opcode: random.pick([0, 1, 2, 8, 9, 10]), fin: random.int(2) === 0, rsv: random.pick([0, 4]),
      payload: random.bytes(random.pick(seed % 2 === 0 ? SIZES : SHORT_SIZES)),
      ...(random.int(2) === 0 && { mask: random.bytes(4) }),
    }));
    const bytes = joinBytes(shapes.map(encodeFrame));
    // Byte by byte only what is short.
    const most = bytes.length < 2_000 ? random.pick([1, 3, 50]) : random.pick([1_000, 200_000]);
    const { cutter, parts, out } = cutInPieces(bytes, () => 1 + random.int(most));
    assert.ok(Buffer.from(out).equals(Buffer.from(bytes)), `seed ${seed}`);
    const begun = parts.filter(({ begins }) => begins);
    assert.equal(begun.map(({ code, fin, rsv1, payloadBytes }) => [code, fin, rsv1, payloadBytes]),
      shapes.map(({ opcode, fin, rsv, payload }) => [opcode, fin, rsv === 4, payload.length]), `seed ${seed}`);
    assert.is(parts.filter(({ ends }) => ends).length, shapes.length, `seed ${seed}`);
    assert.ok(cutter.between && !cutter.lost);
  }
});

test("inside a frame and inside a head it is not between frames", () => {
  const frame = encodeFrame({ opcode: 1, mask: Uint8Array.of(1, 2, 3, 4), payload: new Uint8Array(10) });
  for (let length = 1; length < frame.length; length++) {
    const cutter = new FrameCutter();
    cutter.push(frame.subarray(0, length), () => undefined);
    assert.not(cutter.between, `after ${length} bytes`);
  }
});

test("a length beyond 2^53 cannot be cut: everything from its head on is handed back, wherever the pieces end", () => {
  const good = encodeFrame({ opcode: 1, payload: Uint8Array.of(1, 2, 3) });
  const bad = Uint8Array.of(0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 7, 7, 7);
  const bytes = joinBytes([good, bad, good]);
  for (const size of [1, 2, 3, 7, 100]) {
    const { cutter, parts, out } = cutInPieces(bytes, () => size);
    assert.ok(cutter.lost && !cutter.between);
    assert.equal([...out], [...bytes], `pieces of ${size}`);
    assert.is(parts.filter(({ ends }) => ends).length, 1);
  }
});
