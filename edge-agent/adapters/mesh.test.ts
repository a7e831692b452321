import { createServer as createTlsServer } from "node:tls";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { connectAsync } from "mqtt";
import mqttPacket from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { assert, test } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import type { MonotonicMs } from "../../models/units.ts";
import type { MeshNeighbour } from "../ports.ts";
import type { MeshMember } from "./broker-rules.ts";
import { MQTT_CLIENT_LIMITS, retryMs } from "./mqtt-client.ts";
import type { MqttClientLimits } from "./mqtt-client.ts";
import { createMesh } from "./mesh.ts";
import type { Mesh } from "./mesh.ts";
import {
  FILTER, HOST, HandTime, NETWORK, RawClient, bytesOf, identityOf, memberOf, steadyRandom, textOf, topicOf, until,
  withBroker,
} from "./mesh.testing.ts";
import type { Heard } from "./mesh.testing.ts";
import { Repeats } from "./repeats.ts";

interface Agent {
  readonly station: string;
  readonly mesh: Mesh;
  readonly heard: Heard[];
  readonly notices: string[];
}

interface Street {
  readonly agents: readonly Agent[];
  readonly time: HandTime;
  members: readonly MeshMember[];
}

const portOf = ({ mesh }: Agent): number => mesh.stats().port ?? 0;
const neighbour = (agent: Agent, port = portOf(agent)): MeshNeighbour =>
  ({ ...memberOf(agent.station), address: `${HOST}:${port}` });
const texts = ({ heard }: Agent): string[] => heard.map(({ text }) => text).sort();
const say = ({ mesh, station }: Agent, text: string): void => mesh.publish(topicOf(station), bytesOf(text));
const up = ({ mesh }: Agent): number => mesh.stats().links.filter((link) => link.up).length;

const failures = ({ mesh }: Agent): number | undefined => mesh.stats().links[0]?.failures;

interface Plan {
  /** Absent: a free one. */
  readonly port?: number;
  readonly limits?: Partial<MqttClientLimits>;
}

function agentOf(station: string, street: Street, { port = 0, limits = {} }: Plan = {}): Agent {
  const [heard, notices]: [Heard[], string[]] = [[], []];
  const mesh = createMesh({
    identity: identityOf(station), network: NETWORK, zones: ["z1"], members: () => street.members,
    listen: { host: HOST, port }, clock: street.time, timers: street.time, random: steadyRandom, clientLimits: limits,
    brokerLimits: { acceptBurst: 1_000 },
  }, (topic, payload, from) => heard.push({ topic, text: textOf(payload), from }), (text) => notices.push(text));
  return { station, mesh, heard, notices };
}

/** A way to a port on which things can go wrong. */
async function cutter(to: number) {
  const open = new Set<Socket>();
  const state = {
    port: 0, swallows: false, swallowed: 0, passed: 0,
    end: (): void => open.forEach((one) => one.destroy()),
    close: (): void => {
      state.end();
      server.close();
    },
  };
  const server = createTcpServer((near) => {
    const far = connectTcp(to, HOST);
    for (const [from, into] of [[near, far], [far, near]] as const) {
      open.add(from);
      from.on("error", () => undefined);
      from.on("close", () => into.destroy());
      from.on("data", (bytes: Buffer) => {
        if (state.swallows) return void (state.swallowed += bytes.length);
        if (from === far) state.passed += 1;
        into.write(bytes);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  state.port = (server.address() as AddressInfo).port;
  return state;
}

/** Agents with these names, started, not yet neighbours. */
async function withStreet(names: readonly string[], use: (street: Street) => Promise<void>, plan: Plan = {}):
Promise<void> {
  const agents: Agent[] = [];
  const street: Street = { agents, time: new HandTime(), members: names.map((name) => memberOf(name)) };
  try {
    for (const name of names) {
      const agent = agentOf(name, street, plan);
      agents.push(agent);
      await agent.mesh.start();
    }
    await use(street);
  } finally {
    await Promise.all(agents.map(({ mesh }) => mesh.stop()));
  }
}

/** Each dials every other one. */
async function meshed({ agents }: Street): Promise<void> {
  for (const agent of agents) {
    agent.mesh.setNeighbours(agents.filter((other) => other !== agent).map((other) => neighbour(other)));
  }
  await until(() => agents.every((agent) => up(agent) === agents.length - 1), "all are connected");
}

test("two agents that dial one another hear each message once, over one link, and know from whom", () =>
  withStreet(["A", "B"], async (street) => {
    const [a, b] = street.agents as [Agent, Agent];
    await meshed(street);
    say(a, "from A");
    say(b, "from B");
    await until(() => a.heard.length === 1 && b.heard.length === 1, "both ways");
    assert.equal(a.heard, [{ topic: topicOf("B"), text: "from B", from: "B" }]);
    assert.equal(b.heard, [{ topic: topicOf("A"), text: "from A", from: "A" }]);
    b.mesh.publish(topicOf("A"), bytesOf("from A, passed on"), new Set(["A"]));
    say(b, "the end");
    await until(() => a.heard.length === 2, "the end");
    assert.equal(texts(a), ["from B", "the end"], "over neither link does a message go back");
    const counts = ({ mesh }: Agent): number[] => {
      const { sent, received, repeats } = mesh.stats();
      return [sent.messages, sent.bytes, received.messages, received.bytes, repeats];
    };
    const [topic, said] = [topicOf("A").length, "from A".length];
    const [one, both] = [topic + said, 2 * topic + said + "the end".length];
    assert.equal([counts(a), counts(b)], [[1, one, 2, both, 0], [2, both, 1, one, 0]], "once");
  }));

test("a link that is cut loses nothing: what it may have lost comes over the other, and again when it is back", () =>
  withStreet(["A", "B"], async (street) => {
    const [a, b] = street.agents as [Agent, Agent];
    const cut = await cutter(portOf(b));
    try {
      a.mesh.setNeighbours([neighbour(b, cut.port)]);
      b.mesh.setNeighbours([neighbour(a)]);
      await until(() => up(a) + up(b) === 2, "both are connected");
      say(a, "first");
      await until(() => b.heard.length === 1, "first");
      cut.swallows = true;
      for (let n = 0; n < 20; n++) say(a, `lost ${n}`);
      await until(() => cut.swallowed > 0, "on its way into nothing");
      cut.end();
      await until(() => b.heard.length === 21, "over the link that B dialled");
      assert.equal(texts(b), ["first", ...Array.from({ length: 20 }, (_, n) => `lost ${n}`)].sort());
      await until(() => b.mesh.stats().repeats === 1, "the first again, since nothing had said that it came");
      say(a, "meanwhile");
      await until(() => b.heard.length === 22, "over the other link alone");
      cut.swallows = false;
      street.time.advance(1_000);
      await until(() => up(a) === 1, "the link is back");
      say(a, "the end");
      await until(() => b.heard.at(-1)?.text === "the end", "the end");
    } finally {
      cut.close();
    }
  }));

test("a link that falls silent is in doubt five seconds after a ping; what was confirmed is not told again", () =>
  withStreet(["A", "B"], async (street) => {
    const [a, b] = street.agents as [Agent, Agent];
    const cut = await cutter(portOf(b));
    try {
      a.mesh.setNeighbours([neighbour(b, cut.port)]);
      b.mesh.setNeighbours([neighbour(a)]);
      await until(() => up(a) + up(b) === 2, "both are connected");
      say(a, "confirmed");
      await until(() => b.heard.length === 1, "confirmed");
      const passed = cut.passed;
      street.time.advance(30_000);
      await until(() => cut.passed > passed, "the ping's answer");
      say(a, "heard");
      await until(() => b.heard.length === 2, "over the link");
      cut.swallows = true;
      say(a, "swallowed");
      street.time.advance(30_000);
      street.time.advance(5_000);
      await until(() => b.heard.length === 4, "both that no ping confirmed");
      assert.equal(texts(b), ["confirmed", "heard", "heard", "swallowed"]);
      assert.equal([up(a), failures(a)], [1, 0], "in doubt and not given up");
      say(a, "in doubt");
      await until(() => b.heard.length === 5, "over the other one");
    } finally {
      cut.close();
    }
  }));

test("where only one dials, both hear", () => withStreet(["A", "B"], async ({ agents: [a, b] }) => {
  if (a === undefined || b === undefined) throw new Error("two agents");
  a.mesh.setNeighbours([neighbour(b)]);
  b.mesh.setNeighbours([{ ...memberOf("A"), address: "" }]);
  await until(() => up(a) === 1, "A is connected");
  say(a, "from A");
  say(b, "from B");
  await until(() => a.heard.length + b.heard.length === 2, "one each");
  assert.equal([texts(a), texts(b)], [["from B"], ["from A"]]);
  assert.is(b.mesh.stats().links.length, 0);
}));

test("seven agents in full mesh: each hears each once, in order, and nobody itself", () =>
  withStreet(["A", "B", "C", "D", "E", "F", "G"], async (street) => {
    await meshed(street);
    for (let n = 0; n < 10; n++) for (const agent of street.agents) say(agent, `${agent.station} ${n}`);
    const sum = (count: (agent: Agent) => number): number => street.agents.reduce((all, one) => all + count(one), 0);
    await until(() => sum(({ heard }) => heard.length) === 7 * 6 * 10, "all");
    assert.is(sum(({ mesh }) => mesh.stats().received.messages), 7 * 6 * 10, "each once");
    for (const agent of street.agents) {
      for (const other of street.agents) {
        const from = agent.heard.filter((one) => one.from === other.station).map(({ text }) => text);
        const told = Array.from({ length: 10 }, (_, n) => `${other.station} ${n}`);
        assert.equal(from, other === agent ? [] : told);
      }
    }
  }));

test("on a line of three, what the middle passes on comes from the middle, and does not go back", () =>
  withStreet(["A", "B", "C"], async ({ agents: [a, b, c] }) => {
    if (a === undefined || b === undefined || c === undefined) throw new Error("three agents");
    a.mesh.setNeighbours([neighbour(b)]);
    c.mesh.setNeighbours([neighbour(b)]);
    await until(() => up(a) + up(c) === 2, "A and C are connected to B");
    say(a, "from A");
    await until(() => b.heard.length === 1, "B hears it");
    assert.equal(c.heard, [], "B's broker passes nothing on by itself");
    const [{ topic, from }] = b.heard as [Heard];
    b.mesh.publish(topic, bytesOf("from A"), new Set([from]));
    say(b, "the end");
    await until(() => a.heard.length === 1 && c.heard.length === 2, "C hears both, A the end");
    assert.equal(c.heard[0], { topic: topicOf("A"), text: "from A", from: "B" });
    assert.equal(texts(a), ["the end"]);
  }));

test("a broker that shows another key than the roster's is not spoken to", () =>
  withStreet(["A", "B", "X"], async ({ agents: [a, b, x] }) => {
    if (a === undefined || b === undefined || x === undefined) throw new Error("three agents");
    a.mesh.setNeighbours([neighbour(b, portOf(x))]); // X listens where B is said to be
    await until(() => failures(a) === 1, "A turns away");
    assert.is(a.mesh.stats().links[0]?.refused["wrong-key"], 1);
    say(a, "for B alone");
    assert.equal(x.heard, []);
    assert.equal(x.mesh.stats().broker?.connected, []);
    assert.ok(a.notices.some((text) => text.includes("key")), a.notices.join("; "));
  }));

test("a neighbour that restarts is dialled again, and hears the last of what it missed", () =>
  withStreet(["A", "B"], async (street) => {
    const [a, b] = street.agents as [Agent, Agent];
    const port = portOf(b);
    a.mesh.setNeighbours([neighbour(b)]);
    const since = (): number[] => a.mesh.stats().links.map((link) => link.since - began);
    const began = street.time.wallMs();
    await until(() => up(a) === 1, "A is connected");
    street.time.advance(500);
    assert.equal(since(), [0], "up since then");
    await b.mesh.stop();
    await until(() => failures(a) === 1, "A notices");
    for (let n = 0; n < 10; n++) say(a, `missed ${n}`);
    street.time.advance(1_000);
    await until(() => failures(a) === 2, "nobody is there yet");
    assert.equal(since(), [500], "down since then, however often it was tried");
    const again = agentOf("B", street, { port });
    await again.mesh.start();
    street.time.advance(1_999);
    assert.is(a.mesh.stats().links[0]?.attempts, 2, "the wait has doubled");
    street.time.advance(1);
    await until(() => again.heard.length === 4, "what was kept");
    assert.equal(texts(again), ["missed 6", "missed 7", "missed 8", "missed 9"]);
    const [{ dropped, waiting, up: isUp } = { dropped: 0, waiting: 1, up: false }] = a.mesh.stats().links;
    assert.equal([dropped, waiting, isUp], [6, 0, true]);
    assert.equal([since(), a.mesh.stats().links[0]?.address], [[3_500], { host: HOST, port }]);
    assert.is(a.mesh.stats().sent.messages, 4, "what was dropped was not sent");
    await again.mesh.stop();
  }, { limits: { waitingMessages: 4 } }));

test("what waits is bounded in bytes as well", () => withStreet(["A", "B"], async ({ agents: [a, b] }) => {
  if (a === undefined || b === undefined) throw new Error("two agents");
  a.mesh.setNeighbours([neighbour(b, 1)]); // nobody there
  for (let n = 0; n < 1_000; n++) a.mesh.publish(topicOf("A"), new Uint8Array(10_000));
  const [link] = a.mesh.stats().links;
  assert.equal([link?.waiting, link?.dropped], [10, 990]);
}, { limits: { waitingBytes: 100_000 } }));

test("other neighbours: those that are new are dialled, those that stay are left alone, the rest is hung up", () =>
  withStreet(["A", "B", "C"], async ({ agents: [a, b, c] }) => {
    if (a === undefined || b === undefined || c === undefined) throw new Error("three agents");
    a.mesh.setNeighbours([neighbour(b)]);
    await until(() => up(a) === 1, "B");
    a.mesh.setNeighbours([neighbour(b), neighbour(c)]);
    await until(() => up(a) === 2, "B and C");
    assert.equal(a.mesh.stats().links.map(({ name, attempts }) => [name, attempts]), [["B", 1], ["C", 1]]);
    a.mesh.setNeighbours([neighbour(c), { ...memberOf("B"), address: "not an address" }]);
    await until(() => b.mesh.stats().broker?.connected.length === 0, "A has left B");
    assert.equal(a.mesh.stats().links.map(({ name }) => name), ["C"]);
    assert.ok(a.notices.some((text) => text.includes("not an address")));
  }));

test("a revoked neighbour is cut off at both ends", () => withStreet(["A", "B", "C"], async (street) => {
  const [a, b, c] = street.agents as [Agent, Agent, Agent];
  await meshed(street);
  street.members = street.members.filter(({ station }) => station !== "B");
  for (const one of [a, c]) {
    one.mesh.setNeighbours([a, c].filter((other) => other !== one).map((other) => neighbour(other)));
  }
  await until(() => up(b) === 0, "nobody lets B in");
  b.mesh.publish(topicOf("B"), bytesOf("still B"));
  say(a, "without B");
  await until(() => c.heard.length === 1, "C hears A");
  assert.equal([texts(a), texts(b), texts(c)], [[], [], ["without B"]]);
}));

test("a hostile broker: 150 MB in one frame, junk, and QoS 2 end the connection, which is tried again", async () => {
  const attacks = ["20020000", "308080c04710", "2002000034020000", "ffff", "30", "20020000308080c047"];
  let next = 0;
  const b = identityOf("B");
  const server = createTlsServer({ cert: b.cert, key: b.key }, (socket) => {
    socket.on("error", () => undefined);
    socket.write(Buffer.from(attacks[next++] ?? "00", "hex"));
    if (next !== 1 && next !== 5) return void socket.write(Buffer.alloc(1_000_000));
    socket.end();
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  try {
    await withStreet(["A", "B"], async ({ agents: [a], time }) => {
      if (a === undefined) throw new Error("an agent");
      a.mesh.setNeighbours([{ ...memberOf("B"), address: `${HOST}:${(server.address() as AddressInfo).port}` }]);
      for (let n = 1; n <= attacks.length; n++) {
        await until(() => failures(a) === n, `attack ${n}`);
        time.advance(60_000);
      }
      await until(() => next > attacks.length, "another attempt");
      const refused = a.mesh.stats().links[0]?.refused ?? {};
      assert.ok((refused["not-mqtt"] ?? 0) >= 2, JSON.stringify(refused));
      assert.is(refused["packet-size"], 1);
      assert.is(refused["qos-2"], 1);
      assert.equal(a.heard, []);
    });
  } finally {
    server.close();
  }
});

test("a far end that has fallen silent is noticed by two pings, and dialled again", async () => {
  const b = identityOf("B");
  const asked: string[] = [];
  const server = createTlsServer({ cert: b.cert, key: b.key }, (socket) => {
    const parser = mqttPacket.parser();
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => parser.parse(bytes));
    parser.on("packet", ({ cmd }: Packet) => {
      asked.push(cmd);
      if (cmd === "connect") socket.write(Buffer.from("20020000", "hex"));
      if (cmd === "subscribe") socket.write(Buffer.from("900300018000", "hex").subarray(0, 5)); // one, not granted
    });
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  try {
    await withStreet(["A", "B"], async ({ agents: [a], time }) => {
      if (a === undefined) throw new Error("an agent");
      a.mesh.setNeighbours([{ ...memberOf("B"), address: `${HOST}:${(server.address() as AddressInfo).port}` }]);
      await until(() => up(a) === 1, "A is connected");
      assert.is(a.mesh.stats().links[0]?.refused["subscription"], 1);
      time.advance(30_000);
      await until(() => asked.at(-1) === "pingreq", "a ping");
      assert.is(up(a), 1);
      time.advance(30_000);
      await until(() => failures(a) === 1, "A gives it up");
      time.advance(1_000);
      await until(() => asked.filter((cmd) => cmd === "connect").length === 2, "A tries again");
    });
  } finally {
    server.close();
  }
});

test("mqtt.js, which nobody here wrote, is at home at the broker", async () => {
  await withBroker(async ({ broker, port, heard }) => {
    const b = identityOf("B");
    const client = await connectAsync({
      protocol: "mqtts", host: HOST, port, cert: b.cert, key: b.key, rejectUnauthorized: false, clientId: "B",
      protocolVersion: 4, reconnectPeriod: 0,
    });
    const told: string[] = [];
    client.on("message", (_topic, payload) => told.push(String(payload)));
    await client.subscribeAsync(FILTER, { qos: 1 });
    await client.publishAsync(topicOf("B"), "QoS 1", { qos: 1 });
    broker.publish(topicOf("A"), bytesOf("back"));
    await until(() => told.length === 1 && heard.length === 1, "both ways");
    assert.equal([told, heard[0]?.text], [["back"], "QoS 1"]);
    await client.endAsync();
    await until(() => broker.stats().connected.length === 0, "it has gone");
    assert.equal(broker.stats().refused, {});
  });
});

test("a handler that throws is a notice, and the next message comes all the same", async () => {
  const time = new HandTime();
  const notices: string[] = [];
  const heard: string[] = [];
  const mesh = createMesh({
    identity: identityOf("A"), network: NETWORK, zones: ["z1"], members: () => [memberOf("B")],
    listen: { host: HOST, port: 0 }, clock: time, timers: time, random: steadyRandom,
  }, (_topic, payload) => {
    heard.push(textOf(payload));
    if (heard.length === 1) throw new Error("out of order");
  }, (text) => notices.push(text));
  await mesh.start();
  const b = await RawClient.connect(mesh.stats().port ?? 0, "B");
  b.publish(topicOf("B"), "one");
  b.publish(topicOf("B"), "two");
  await until(() => heard.length === 2, "both");
  assert.ok(notices.some((text) => text.includes("out of order")));
  await mesh.stop();
});

test("the wait before a retry doubles to its ceiling, less up to half", () => {
  const limits = MQTT_CLIENT_LIMITS;
  const none = { bytes: () => Uint8Array.of(0) };
  const all = { bytes: () => Uint8Array.of(255) };
  assert.equal([0, 1, 2, 5, 6, 99].map((n) => retryMs(n, limits, none)), [1e3, 2e3, 4e3, 32e3, 6e4, 6e4]);
  assert.is(retryMs(99, limits, all), 30_117);
  for (let run = 0; run < 100; run++) {
    const random = seeded(run);
    const ms = retryMs(random.int(12), limits, random);
    assert.ok(ms >= 500 && ms <= 60_000);
  }
});

test("a repeat is the same from the same within a second; how much is remembered is bounded", () => {
  const repeats = new Repeats();
  const at = (ms: number): MonotonicMs => ms as MonotonicMs;
  const seen = (from: string, text: string, ms: number): boolean => repeats.isRepeat(from, "t", bytesOf(text), at(ms));
  assert.equal([seen("A", "x", 0), seen("A", "x", 1_000), seen("B", "x", 1_000), seen("A", "y", 1_000)],
    [false, true, false, false]);
  assert.not(seen("A", "x", 1_001), "a second later it is news again");
  assert.ok(seen("A", "x", 1_002));
  for (let n = 0; n < 5_000; n++) assert.not(seen("C", `${n}`, 2_000));
  assert.ok(seen("C", "4999", 2_000));
  assert.not(seen("C", "0", 2_000), "forgotten");
});
