/** What ships of the MQTT packages, beside the whole of them: the same bytes, packets and errors, for MQTT 3.1.1. */
import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import mqemitter from "mqemitter";
import mqttPacket from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { repoRoot } from "../paths.ts";
import { type Seeded, seeded } from "../seeded.ts";
import { assert, test } from "../testing.ts";

const SEED = 20_260_302;
const installed = createRequire(join(repoRoot, "package.json"));
const whole = installed("mqtt-packet") as typeof mqttPacket;
mqttPacket.writeToStream.cacheNumbers = false;
whole.writeToStream.cacheNumbers = false;

const ACKS = ["puback", "pubrec", "pubrel", "pubcomp", "unsuback"] as const;
const EMPTY = ["pingreq", "pingresp", "disconnect"] as const;

function connect(random: Seeded): Packet {
  const login = { username: "é".repeat(random.int(9)), password: Buffer.from(random.bytes(5)) };
  const will = { topic: "w/x", payload: Buffer.from(random.bytes(random.int(9))), qos: 1, retain: true } as const;
  return {
    cmd: "connect", protocolId: "MQTT", protocolVersion: random.pick([3, 4]), clean: random.int(2) === 0,
    clientId: "c".repeat(1 + random.int(30)), keepalive: random.int(65_536),
    ...(random.int(2) === 0 && login), ...(random.int(2) === 0 && { will }),
  };
}

/** Any packet of MQTT 3.1 and 3.1.1. */
function packet(random: Seeded): Packet {
  const messageId = 1 + random.int(65_535);
  const topic = `${"t".repeat(1 + random.int(40))}/é`;
  const qos = random.pick([0, 1, 2] as const);
  const payload = Buffer.from(random.bytes(random.pick([0, 1, 100, 127, 128, 3_000])));
  const kinds: (() => Packet)[] = [
    () => connect(random),
    () => ({ cmd: "connack", returnCode: random.int(6), sessionPresent: random.int(2) === 0 }),
    () => ({ cmd: "publish", topic, payload, qos, retain: payload.length > 99, dup: qos > 0, messageId }),
    () => ({ cmd: random.pick(ACKS), messageId } as Packet),
    () => ({ cmd: "subscribe", messageId, subscriptions: [{ topic, qos }, { topic: "+/#", qos: 0 }] }),
    () => ({ cmd: "suback", messageId, granted: [0, 1, 2, 0x80] }),
    () => ({ cmd: "unsubscribe", messageId, unsubscriptions: [topic, "#"] }),
    () => ({ cmd: random.pick(EMPTY) }),
  ];
  return random.pick(kinds)();
}

/** Every packet and error, in order, of these bytes in these pieces. */
function parsed(library: typeof mqttPacket, pieces: readonly Buffer[]): string[] {
  const said: string[] = [];
  const parser = library.parser({ protocolVersion: 4 });
  parser.on("packet", (packet: Packet) => said.push(JSON.stringify(packet)));
  parser.on("error", (error: Error) => said.push(error.message));
  for (const piece of pieces) {
    if (said.length < 20) parser.parse(piece);
  }
  return said;
}

function inPieces(bytes: Buffer, random: Seeded): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random.int(random.pick([2, 50, 5_000]));
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

test(`every packet is written to the same bytes, and read in any pieces (seed ${SEED})`, () => {
  const random = seeded(SEED);
  for (let n = 0; n < 400; n++) {
    const any = packet(random);
    const bytes = whole.generate(any);
    assert.ok(mqttPacket.generate(any).equals(bytes), JSON.stringify(any));
    const pieces = inPieces(Buffer.concat([bytes, whole.generate(packet(random))]), random);
    const said = parsed(mqttPacket, pieces);
    assert.equal(said, parsed(whole, pieces));
    assert.match(said[0] ?? "", `"cmd":"${any.cmd}"`);
  }
});

test(`bytes changed at random are refused with the same words, or read alike (seed ${SEED + 1})`, () => {
  const random = seeded(SEED + 1);
  let refused = 0;
  for (let n = 0; n < 1_500; n++) {
    const bytes = whole.generate(packet(random));
    for (let times = random.int(3); times >= 0; times--) {
      // The version stays: what is no MQTT 3 is another test.
      const at = random.int(Math.min(bytes.length, 40));
      if (bytes[0] !== 0x10 || at !== 8) bytes[at] = random.int(256);
    }
    const pieces = [bytes.subarray(0, bytes.length - random.int(3)), Buffer.from([0xc0, 0])];
    const expected = parsed(whole, pieces).map((said) => said.replace(" auth packet for this version MQTT", ""));
    if (expected.some((said) => said.includes('"protocolVersion":5'))) continue;
    refused += Number(expected.some((said) => !said.startsWith("{")));
    assert.equal(parsed(mqttPacket, pieces), expected, bytes.toString("hex"));
  }
  assert.ok(refused > 100, `${refused} refused`);
});

test("MQTT 5: a CONNECT is told by its version, whatever follows, and none is written", () => {
  const five = { cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clientId: "a", clean: true, keepalive: 9,
    properties: { sessionExpiryInterval: 7, userProperties: { a: "b" } } } as const;
  const [connected, ...more] = parsed(mqttPacket, [whole.generate(five)]);
  assert.is((JSON.parse(connected ?? "") as { protocolVersion: number }).protocolVersion, 5);
  assert.equal(more, []);
  assert.throws(() => mqttPacket.generate(five), /Invalid protocol version/);
  const auth = Buffer.from([0xf0, 0]);
  assert.equal(parsed(mqttPacket, [auth]), ["Not supported"]);
  assert.equal(parsed(whole, [auth]), ["Not supported auth packet for this version MQTT"]);
});

/** Whether a message with this topic reaches this filter (MQTT 3.1.1, 4.7). */
function reaches(filter: string, topic: string): boolean {
  const words = topic.split("/");
  const wanted = filter.split("/");
  const open = wanted.at(-1) === "#";
  if (open) wanted.pop();
  return (open ? words.length >= wanted.length : words.length === wanted.length)
    && wanted.every((want, index) => want === "+" || want === words[index]);
}

test(`messages reach the listeners of matching filters and no others (seed ${SEED})`, async () => {
  const random = seeded(SEED);
  const word = (): string => random.pick(["a", "b", "", "a"]);
  for (let n = 0; n < 60; n++) {
    const emitter = mqemitter();
    const heard: string[] = [];
    const filters = Array.from({ length: 6 }, () => Array.from({ length: 1 + random.int(3) },
      () => random.int(3) === 0 ? "+" : word()).join("/") || "a").map((filter) => filter + random.pick(["", "", "/#"]));
    const listeners = filters.map((filter) => (_message: unknown, done: () => void): void => {
      heard.push(filter);
      done();
    });
    filters.forEach((filter, index) => emitter.on(filter, listeners[index]!));
    await new Promise<void>((resolve) => emitter.removeListener(filters[0]!, listeners[0]!, resolve));
    const topic = Array.from({ length: 1 + random.int(4) }, word).join("/") || "a";
    await new Promise((resolve) => emitter.emit({ topic }, resolve));
    assert.equal(heard.sort(), filters.slice(1).filter((filter) => reaches(filter, topic)).sort(), topic);
  }
});

test("the parser needs no stream of its own", () => {
  const parser = mqttPacket.parser() as unknown as { readonly _list: object };
  assert.not.instance(parser._list, EventEmitter);
});
