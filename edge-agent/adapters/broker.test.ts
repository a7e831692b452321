import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { assert, test } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import {
  FILTER, HOST, HandTime, NETWORK, RawClient, bytesOf, closeOf, identityOf, memberOf, throwAt, topicOf, until,
  withBroker,
} from "./mesh.testing.ts";
import type { Bench, ConnectFields } from "./mesh.testing.ts";
import { createBroker } from "./broker.ts";
import type { BrokerLimits, BrokerRefusal } from "./broker.ts";

const onBroker = (name: string, use: (bench: Bench) => Promise<void>, limits?: Partial<BrokerLimits>): void =>
  test(name, () => withBroker(use, limits));
const drained = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("drain", () => resolve()));
const connacks = (client: RawClient): number => client.of("connack").length;

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  onBroker(`a member is let in over ${version}, is heard, and hears what it subscribed to`, async (bench) => {
    const b = await RawClient.secure(bench.port, identityOf("B"), version);
    b.connect({ clientId: "B" });
    await b.until("connack");
    assert.is(b.socket.getProtocol(), version);
    assert.equal(await b.subscribe(FILTER), [0]);
    b.publish(topicOf("B"), "from B");
    await until(() => bench.heard.length === 1, "B's message");
    assert.equal(bench.heard, [{ topic: topicOf("B"), text: "from B", from: "B" }]);
    bench.broker.publish(topicOf("A"), bytesOf("from A"));
    await b.until("publish");
    assert.equal(b.texts(), ["from A"]);
    const { connected, preAuth, received, published, refused } = bench.broker.stats();
    assert.equal([connected, preAuth, received, published, refused], [["B"], 0, 1, 1, {}]);
  });
}

onBroker("what a client says reaches the agent and no other client: it passes on what it checked", async (bench) => {
  const [b, c] = [await RawClient.connect(bench.port, "B"), await RawClient.connect(bench.port, "C")];
  await Promise.all([b.subscribe(FILTER), c.subscribe(FILTER)]);
  b.publish(topicOf("B"), "one");
  await until(() => bench.heard.length === 1, "B's message");
  bench.broker.publish(topicOf("B"), bytesOf("one"), new Set(["B"]));
  bench.broker.publish(topicOf("A"), bytesOf("two"));
  await Promise.all([b.until("publish"), c.until("publish", 2)]);
  assert.equal(c.texts(), ["one", "two"]);
  assert.equal(b.texts(), ["two"], "not its own, passed on");
});

onBroker("QoS 1 is acknowledged; UNSUBSCRIBE and PINGREQ are answered", async (bench) => {
  const b = await RawClient.connect(bench.port, "B");
  b.publish(topicOf("B"), "x", { qos: 1 });
  await b.until("puback");
  b.send({ cmd: "pingreq" });
  await b.until("pingresp");
  await b.subscribe(FILTER);
  b.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: [FILTER] });
  await b.until("unsuback");
  assert.is(bench.heard.length, 1);
});

/** Each of these connections ends without a word of MQTT, and is counted under one name. */
function refused(name: string, why: BrokerRefusal, attack: (bench: Bench) => Promise<RawClient>): void {
  onBroker(`refused: ${name}`, async (bench) => {
    const friend = await RawClient.connect(bench.port, "D");
    const client = await attack(bench);
    assert.is(connacks(client), 0);
    await client.closed;
    assert.is(connacks(client), 0);
    assert.equal(bench.broker.stats().refused, { [why]: 1 });
    assert.ok(bench.notices.some((text) => text.includes(why)), bench.notices.join("; "));
    friend.publish(topicOf("D"), "still here");
    await until(() => bench.heard.length === 1, "the friend's message");
    assert.equal(bench.broker.stats().connected, ["D"]);
  });
}

refused("a stranger without a certificate", "no-certificate", ({ port }) => RawClient.secure(port));
refused("a certificate that is in no roster", "stranger", ({ port }) => RawClient.secure(port, identityOf("X")));
refused("a member's name on another key", "stranger", ({ port }) => RawClient.secure(port, identityOf("B", 1)));
if (spawnSync("openssl", ["version"]).status !== 0) test.skip("a key that is not Ed25519", "no openssl");
else refused("a key that is not Ed25519", "stranger", ({ port }) => {
  const made = spawnSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
    "-keyout", "-", "-subj", "/CN=B"], { encoding: "utf8" }).stdout;
  return RawClient.secure(port, { cert: made, key: made });
});

const badConnects: readonly [string, BrokerRefusal, ConnectFields][] = [
  ["the id of another member: stolen", "client-id", { clientId: "C" }],
  ["an id that nobody has", "client-id", { clientId: "$SYS" }],
  ["a session to be kept", "session", { clean: false }],
  ["a will", "will", { will: { topic: topicOf("B"), payload: Buffer.from("x"), qos: 0, retain: false } }],
  ["no keepalive", "keepalive", { keepalive: 0 }],
];
for (const [name, why, fields] of badConnects) {
  refused(`CONNECT with ${name}`, why, ({ port }) => RawClient.connect(port, "B", fields));
}

refused("a packet before CONNECT", "not-mqtt", async ({ port }) => {
  const client = await RawClient.secure(port, identityOf("B"));
  client.publish(topicOf("B"), "x");
  return client;
});
refused("HTTP inside TLS", "not-mqtt", async ({ port }) => {
  const client = await RawClient.secure(port, identityOf("B"));
  client.socket.write("GET / HTTP/1.1\r\n\r\n");
  return client;
});
refused("a CONNECT of 9 KB", "packet-size", async ({ port }) => {
  const client = await RawClient.secure(port, identityOf("B"));
  client.connect({ clientId: "B".repeat(9_000) });
  return client;
});
refused("a second CONNECT", "packet-type", async (bench) => {
  const client = await RawClient.secure(bench.port, identityOf("B"));
  client.connect({ clientId: "B" });
  client.packets.push = () => 0; // the first one is accepted, which is as it should be
  await until(() => bench.broker.stats().connected.includes("B"), "B");
  client.connect({ clientId: "B" });
  return client;
});

/** A member that is connected, and then breaks a rule for which the connection ends. */
function cutOff(name: string, why: BrokerRefusal, act: (client: RawClient) => void): void {
  onBroker(`cut off: ${name}`, async (bench) => {
    const b = await RawClient.connect(bench.port, "B");
    act(b);
    await b.closed;
    assert.equal(bench.broker.stats().refused, { [why]: 1 });
    assert.equal(bench.heard, []);
    assert.equal(bench.broker.stats().connected, []);
  });
}

cutOff("a message to be retained", "retain", (b) => b.publish(topicOf("B"), "x", { retain: true }));
cutOff("QoS 2", "qos-2", (b) => b.publish(topicOf("B"), "x", { qos: 2 }));
cutOff("a message of 21 KB", "packet-size", (b) => b.publish(topicOf("B"), "x".repeat(21_000)));
cutOff("PUBREL, which belongs to QoS 2", "packet-type", (b) => b.send({ cmd: "pubrel", messageId: 1 }));
cutOff("packet type 0", "packet-type", (b) => void b.socket.write(Buffer.from("0000", "hex")));
cutOff("packet type 15", "packet-type", (b) => void b.socket.write(Buffer.from("f000", "hex")));
cutOff("an empty message", "empty", (b) => b.publish(topicOf("B"), ""));

onBroker("a topic that the roster does not know is left out: the other's roster may be newer", async (bench) => {
  const b = await RawClient.connect(bench.port, "B");
  const topics = [topicOf("X"), topicOf("B", "z2"), topicOf("B", "z1", "opinion"), "$SYS/x", "a"];
  for (const topic of topics) b.publish(topic, "x");
  b.publish(topicOf("C"), "passed on for C");
  await until(() => bench.heard.length === 1, "the good one");
  assert.equal(bench.heard, [{ topic: topicOf("C"), text: "passed on for C", from: "B" }]);
  assert.equal(bench.broker.stats().refused, { "unknown-topic": 5 });
});

onBroker("wildcard subscribers are refused in SUBACK, and hear nothing", async (bench) => {
  const b = await RawClient.connect(bench.port, "B");
  const granted = await b.subscribe("#", "kw1/#", "$SYS/#", "+/+/+/+/+", `kw1/street/z1/+/+`, FILTER);
  assert.equal(granted, [128, 128, 128, 128, 128, 0]);
  assert.is(bench.refused("wildcard"), 5);
  await RawClient.connect(bench.port, "C"); // aedes tells this under $SYS
  bench.broker.publish(topicOf("A", "z1", "vote"), bytesOf("vote"));
  bench.broker.publish(topicOf("A"), bytesOf("statement"));
  await b.until("publish");
  assert.equal(b.texts(), ["statement"]);
});

onBroker("the same member displaces its old connection; no more than two of one key", async (bench) => {
  const old = await RawClient.connect(bench.port, "B");
  const half = await RawClient.secure(bench.port, identityOf("B"));
  const third = await RawClient.secure(bench.port, identityOf("B"));
  await third.closed;
  assert.is(bench.refused("too-many"), 1);
  assert.not(old.socket.destroyed, "the old one is still there");
  half.connect({ clientId: "B" });
  await Promise.all([half.until("connack"), old.closed]);
  half.publish(topicOf("B"), "new");
  await until(() => bench.heard.length === 1, "the new one's message");
});

onBroker("revocation: the connection is dropped, and the key does not come in again", async (bench) => {
  const [b, c] = [await RawClient.connect(bench.port, "B"), await RawClient.connect(bench.port, "C")];
  await Promise.all([b.subscribe(FILTER), c.subscribe(FILTER)]);
  bench.members = bench.members.filter(({ station }) => station !== "B");
  bench.broker.publish(topicOf("A"), bytesOf("not for B"));
  await c.until("publish");
  assert.equal(b.texts(), [], "not even before it is dropped");
  bench.broker.dropUnlisted();
  await b.closed;
  const again = await RawClient.secure(bench.port, identityOf("B"));
  await again.closed;
  assert.equal(bench.broker.stats().refused, { revoked: 1, stranger: 1 });
  assert.equal(bench.broker.stats().connected, ["C"]);
});

onBroker("a member whose key was replaced comes in with the new one only", async (bench) => {
  const old = await RawClient.connect(bench.port, "B");
  bench.members = [...bench.members.filter(({ station }) => station !== "B"), memberOf("B", 1)];
  bench.broker.dropUnlisted();
  await old.closed;
  const renewed = await RawClient.secure(bench.port, identityOf("B", 1));
  renewed.connect({ clientId: "B" });
  await until(() => bench.broker.stats().connected.includes("B"), "the new one");
});

onBroker("garbage on the bare port is counted and changes nothing", async (bench) => {
  const friend = await RawClient.connect(bench.port, "D");
  const random = seeded(7);
  for (let n = 0; n < 20; n++) await throwAt(bench.port, random.bytes(1 + random.int(600)));
  await throwAt(bench.port, Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  bench.time.advance(5_000); // what looked like the beginning of a handshake
  await until(() => bench.broker.stats().preAuth === 0, "all are gone");
  assert.ok(bench.refused("tls") > 0);
  friend.publish(topicOf("D"), "still here");
  await until(() => bench.heard.length === 1, "the friend's message");
}, { acceptBurst: 100 });

onBroker("150 MB before CONNECT: the connection ends at the head, and memory stays flat", async (bench) => {
  const b = await RawClient.secure(bench.port, identityOf("B"));
  const before = process.memoryUsage().rss;
  b.socket.write(Buffer.from("10809ec347", "hex")); // CONNECT with 150,000,000 bytes to follow
  const megabyte = Buffer.alloc(1_000_000);
  for (let sent = 0; sent < 150 && !b.socket.destroyed; sent++) {
    if (!b.socket.write(megabyte)) await Promise.race([drained(b.socket), b.closed]);
  }
  await b.closed;
  assert.equal(bench.broker.stats().refused, { "packet-size": 1 });
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 40_000_000, `${grown} bytes`);
});

onBroker("slow lorises: whoever has not said CONNECT within five seconds is gone", async (bench) => {
  const bare = connect(bench.port, HOST);
  bare.on("error", () => undefined);
  const bareClosed = closeOf(bare);
  await once(bare, "connect");
  const secured = await RawClient.secure(bench.port, identityOf("B"));
  secured.socket.write(Buffer.from("10", "hex"));
  const member = await RawClient.connect(bench.port, "C");
  await until(() => bench.broker.stats().preAuth === 2, "both are waited for");
  bench.time.advance(4_999);
  assert.is(bench.broker.stats().preAuth, 2);
  bench.time.advance(1);
  await Promise.all([bareClosed, secured.closed]);
  assert.equal(bench.broker.stats().refused, { "too-slow": 2 });
  assert.not(member.socket.destroyed);
  assert.is(bench.time.waiting, 0, "no timer is left");
});

onBroker("connections that say nothing fill their own places only, and leave them in five seconds", async (bench) => {
  const member = await RawClient.connect(bench.port, "C");
  const idle = Array.from({ length: 4 }, () => connect(bench.port, HOST).on("error", () => undefined));
  await until(() => bench.refused("too-many") === 1, "the fourth is refused");
  assert.is(bench.broker.stats().preAuth, 3);
  bench.time.advance(5_000);
  await Promise.all(idle.map((socket) => socket.destroyed ? undefined : closeOf(socket)));
  await until(() => bench.broker.stats().preAuth === 0, "the places are free");
  assert.is(connacks(await RawClient.connect(bench.port, "B")), 1);
  assert.not(member.socket.destroyed);
}, { preAuth: 3 });

onBroker("connections come no faster than a board can shake hands", async (bench) => {
  for (let n = 0; n < 3; n++) await (await RawClient.connect(bench.port, "B")).end();
  const over = await RawClient.secure(bench.port, identityOf("B"));
  await over.closed;
  assert.is(bench.refused("too-fast"), 1);
  bench.time.advance(1_000);
  assert.is(connacks(await RawClient.connect(bench.port, "B")), 1);
}, { acceptPerS: 1, acceptBurst: 3 });

onBroker("a flood of 1,000 junk messages counts against its sender alone", async (bench) => {
  const [b, c] = [await RawClient.connect(bench.port, "B"), await RawClient.connect(bench.port, "C")];
  for (let n = 0; n < 1_000; n++) b.publish(topicOf("B"), `junk ${n}`);
  for (let n = 0; n < 50; n++) c.publish(topicOf("C"), `good ${n}`);
  const good = (): string[] => bench.heard.filter(({ from }) => from === "C").map(({ text }) => text);
  await until(() => good().length === 50 && bench.refused("rate") === 745, "all of it");
  assert.equal(good(), Array.from({ length: 50 }, (_, n) => `good ${n}`), "none is lost, and in order");
  const junk = bench.heard.filter(({ from }) => from === "B").map(({ text }) => text);
  assert.equal(junk, Array.from({ length: 255 }, (_, n) => `junk ${n}`), "a burst, CONNECT included");
  bench.time.advance(1_000);
  for (let n = 0; n < 100; n++) b.publish(topicOf("B"), `more ${n}`);
  await until(() => bench.refused("rate") === 745 + 36, "the rate");
  assert.is(bench.heard.filter(({ text }) => text.startsWith("more")).length, 64);
});

onBroker("reconnecting does not begin a new burst, and other packets than messages end it", async (bench) => {
  const first = await RawClient.connect(bench.port, "B");
  for (let n = 0; n < 9; n++) first.publish(topicOf("B"), "x");
  await until(() => bench.heard.length === 9, "the burst");
  await first.end();
  const again = await RawClient.connect(bench.port, "B");
  await again.closed;
  assert.equal(bench.broker.stats().refused, { rate: 1 });
}, { packetBurst: 10 });

onBroker("a frozen subscriber does not stall the others, and is cut off", async (bench) => {
  const [b, c] = [await RawClient.connect(bench.port, "B"), await RawClient.connect(bench.port, "C")];
  await Promise.all([b.subscribe(FILTER), c.subscribe(FILTER)]);
  b.socket.pause();
  const text = "x".repeat(16_000);
  for (let n = 0; n < 1_000; n++) {
    bench.broker.publish(topicOf("A"), bytesOf(`${n} ${text}`));
    if (n % 20 === 19) await c.until("publish", n + 1);
  }
  assert.equal(c.texts().map((message) => parseInt(message, 10)), Array.from({ length: 1_000 }, (_, n) => n));
  assert.ok(bench.refused("congested") > 0);
  await until(() => !bench.broker.stats().connected.includes("B"), "B is cut off");
  assert.equal(bench.broker.stats().connected, ["C"]);
  await b.end();
}, { drainWithinMs: 200 });

test("a port that is taken: start rejects, and nothing is left behind", () => withBroker(async ({ port }) => {
  const time = new HandTime();
  const second = createBroker({
    identity: identityOf("B"), network: NETWORK, members: () => [], listen: { host: HOST, port },
    clock: time, timers: time,
  }, () => undefined, () => undefined);
  const failed = await second.start().then(() => undefined, (error: NodeJS.ErrnoException) => error.code);
  assert.is(failed, "EADDRINUSE");
  second.publish(topicOf("B"), bytesOf("into nothing"));
  await second.stop();
}));
