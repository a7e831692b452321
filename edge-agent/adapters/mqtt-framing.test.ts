import mqttPacket from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { assert, test } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import type { Seeded } from "../../build/seeded.ts";
import { CONNECT, MqttFraming, PINGREQ, PUBLISH } from "./mqtt-framing.ts";
import type { Admission, PacketHead } from "./mqtt-framing.ts";

const all = (parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);
const from = (hex: string): Buffer => Buffer.from(hex, "hex");

function scan(chunks: readonly Uint8Array[], admit: (head: PacketHead) => Admission = () => "pass") {
  const heads: PacketHead[] = [];
  const forward: Uint8Array[] = [];
  const framing = new MqttFraming((head) => {
    heads.push(head);
    return admit(head);
  });
  for (const chunk of chunks) {
    const taken = framing.take(chunk);
    forward.push(...taken.forward);
    if (taken.refused !== undefined) return { heads, forward: all(forward), refused: taken.refused };
  }
  return { heads, forward: all(forward), refused: undefined };
}

function publish(size: number): Buffer {
  return mqttPacket.generate({ cmd: "publish", topic: "a", payload: Buffer.alloc(size, 7), qos: 0, dup: false,
    retain: false } as Packet);
}

test("MQTT 3.1.1, 2.2.3: a length of each size, up to the largest", () => {
  const heads = (hex: string): readonly PacketHead[] => scan([from(hex)]).heads;
  assert.equal(heads("1000"), [{ type: CONNECT, flags: 0, length: 0 }]);
  assert.equal(heads("307f"), [{ type: PUBLISH, flags: 0, length: 127 }]);
  assert.equal(heads("3b8001"), [{ type: PUBLISH, flags: 11, length: 128 }]);
  assert.equal(heads("30808001"), [{ type: PUBLISH, flags: 0, length: 16_384 }]);
  assert.equal(heads("10ffffff7f"), [{ type: CONNECT, flags: 0, length: 268_435_455 }]);
});

test("MQTT 3.1.1, 2.2.3: a length of five bytes ends it, and so does one that could be shorter", () => {
  assert.match(scan([from("10ffffffff")]).refused ?? "", /four bytes/);
  for (const hex of ["108000", "10ff00", "10ffff00", "10ffffff00"]) {
    assert.match(scan([from(hex)]).refused ?? "", /idle/, hex);
  }
});

test("a head that is refused ends it at the head: nothing of the packet goes on, what came before does", () => {
  const large = (head: PacketHead): Admission => head.length > 100 ? { refused: "too large" } : "pass";
  const seen = scan([all([publish(10), publish(1_000)])], large);
  assert.is(seen.refused, "too large");
  assert.equal(seen.forward, publish(10));
});

test("a dropped packet is swallowed whole, wherever it is cut", () => {
  const stream = all([publish(3), publish(300), publish(4)]);
  for (let cut = 0; cut <= stream.length; cut++) {
    const chunks = [stream.subarray(0, cut), stream.subarray(cut)];
    const seen = scan(chunks, ({ length }) => length > 100 ? "drop" : "pass");
    assert.equal(seen.forward, all([publish(3), publish(4)]), `cut at ${cut}`);
  }
});

function cut(random: Seeded, bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + random.int(random.pick([1, 3, 400]));
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

test("property: any packets, cut anywhere, pass unchanged and are seen as the packet library sees them", () => {
  for (let run = 0; run < 300; run++) {
    const random = seeded(run);
    const packets = Array.from({ length: 1 + random.int(6) }, () =>
      random.int(4) === 0 ? from("c000") : publish(random.pick([0, 1, 120, 130, 17_000])));
    const stream = all(packets);
    const seen = scan(cut(random, stream));
    assert.equal(seen.forward, stream, `seed ${run}`);
    assert.equal(seen.heads.map(({ type }) => type), packets.map((bytes) => bytes[0] === 0xc0 ? PINGREQ : PUBLISH));
    const parsed: number[] = [];
    mqttPacket.parser().on("packet", ({ length }: Packet) => parsed.push(length ?? -1)).parse(stream);
    assert.equal(seen.heads.map(({ length }) => length), parsed);
  }
});

test("fuzz: any bytes, cut anywhere, give the same verdict, and no more goes on than came", () => {
  for (let run = 0; run < 2_000; run++) {
    const random = seeded(run);
    const bytes = random.bytes(1 + random.int(60));
    const admit = ({ type }: PacketHead): Admission =>
      type === 0 ? { refused: "type" } : type % 3 === 0 ? "drop" : "pass";
    const whole = scan([bytes], admit);
    assert.equal(scan(cut(random, bytes), admit), whole, `seed ${run}`);
    assert.ok(whole.forward.length <= bytes.length);
  }
});
