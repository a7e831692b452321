import { assert, test } from "../../build/testing.ts";
import type { WallMs } from "../../models/units.ts";
import type { MqttMeterConfig } from "../config-meters.ts";
import type { AgentEvent } from "../ports.ts";
import { HOST, HandTime, steadyRandom, until } from "./mesh.testing.ts";
import { createMqttMeter, hearOnce } from "./mqtt-meter.ts";
import { CHECK_EVERY_MS } from "./mqtt-topic.ts";
import { TopicServer } from "./topic-server.testing.ts";

const TOPIC = "house/meter";
const EVERY_MS = 10_000;
const LOST_MS = 3 * EVERY_MS;
const reading = (powerW: number): string => JSON.stringify({ p: powerW, energy: { total: 1.5 } });

interface Bench {
  readonly server: TopicServer;
  readonly time: HandTime;
  readonly meter: ReturnType<typeof createMqttMeter>;
  readonly events: AgentEvent[];
  readonly notices: string[];
  /** Says it, and settles when the reader has taken all that was said before. */
  say(payload: string, retain?: boolean): Promise<void>;
}

function configOf(port: number, more: Partial<MqttMeterConfig> = {}): MqttMeterConfig {
  return {
    evse: 2, kind: "mqtt", broker: { secure: false, host: HOST, port }, topic: TOPIC, everyS: 10, side: "evse-output",
    loadW: 0,
    places: { powerW: { at: "/p", times: 1 }, energyImportWh: { at: "/energy/total", times: 1_000 } }, ...more,
  };
}

/** A meter that has subscribed, for as long as `body` lasts; leaves no timer behind. */
async function bench(body: (b: Bench) => Promise<void>, more: Partial<MqttMeterConfig> = {}): Promise<void> {
  const server = await TopicServer.start();
  const [time, events, notices]: [HandTime, AgentEvent[], string[]] = [new HandTime(), [], []];
  const config = configOf(server.port, more);
  const meter = createMqttMeter(config, { host: HOST, port: server.port, login: { user: "kw", password: "secret" } },
    { clock: time, timers: time, random: steadyRandom, notice: (text) => void notices.push(text) });
  /** A reading that is bad counts at once, so it tells that all before it was taken. */
  const say = async (payload: string, retain = false): Promise<void> => {
    server.say(config.topic, payload, retain);
    const before = meter.stats();
    if (!retain) await until(() => meter.stats() !== before, "the reader to take it");
  };
  meter.start((event) => events.push(event));
  try {
    await server.subscribed(1);
    await body({ server, time, meter, events, notices, say });
  } finally {
    await meter.stop();
    await server.close();
  }
  assert.is(time.waiting, 0);
}

/** All that was said before has been judged and taken: a message that is too large, at the end of it, is told of. */
async function judged(server: TopicServer, notices: readonly string[]): Promise<void> {
  server.say(TOPIC, " ".repeat(200_000));
  await until(() => notices.some((text) => text.includes("packet-size")), "a notice");
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test("says who it is, subscribes to its one topic, with a name of its own", () => bench(async ({ server }) => {
  const [connect] = server.of("connect");
  assert.equal([connect?.username, String(connect?.password), connect?.clean], ["kw", "secret", true]);
  assert.match(connect?.clientId ?? "", /^[0-9a-z]{1,23}$/);
  assert.equal(server.of("subscribe")[0]?.subscriptions.map(({ topic, qos }) => [topic, qos]), [[TOPIC, 0]]);
}));

test("each reading is an event with its EVSE and side", () => bench(async ({ say, events, meter }) => {
  await say(reading(7_200));
  const expected = { evseId: 2, powerW: 7_200, energyImportWh: 1_500 };
  assert.equal(events, [{ kind: "meter", reading: expected, side: "evse-output" }]);
  assert.equal(meter.stats(), { readings: 1, failures: 0, losses: 0, lost: false, lastReading: expected });
}));

test("bad values and no JSON are counted, and no event", () => bench(async ({ say, events, meter }) => {
  for (const [count, bad] of ['{"p":"1"}', "no JSON", '{"p":1e9,"energy":{"total":1}}', ""].entries()) {
    await say(bad);
    assert.is(meter.stats().failures, count + 1, bad);
  }
  assert.equal([events, meter.stats().readings], [[], 0]);
  await say(reading(1));
  assert.is(meter.stats().readings, 1);
}));

test("what the broker kept, and what is on another topic, is no reading", () =>
  bench(async ({ server, say, meter, events }) => {
    await say(reading(1), true);
    server.say("house/other", reading(2));
    await say("the end");
    assert.equal([meter.stats().failures, events], [1, []]);
  }));

test("too large: left out, and the connection stays", () => bench(async ({ server, say, meter, notices, events }) => {
  server.say(TOPIC, reading(1).padEnd(200_000));
  await say(reading(2));
  assert.equal([meter.stats().readings, meter.stats().failures, server.of("connect").length], [1, 0, 1]);
  assert.is((events[0] as { reading: { powerW: number } }).reading.powerW, 2);
  assert.match(notices.join(), /refused what mqtt:\/\/127\.0\.0\.1:\d+ sent: packet-size/);
}));

test("a flood is left out unread, and costs the connection nothing", () =>
  bench(async ({ server, time, meter, notices, say }) => {
    for (let sent = 0; sent < 500; sent += 1) server.say(TOPIC, "no JSON");
    await judged(server, notices);
    assert.match(notices.join(), /sent: rate/);
    time.advance(1_000);
    server.say(TOPIC, reading(1));
    await until(() => meter.stats().readings === 1, "a reading after it");
    assert.ok(meter.stats().failures <= 20, String(meter.stats().failures));
    time.advance(EVERY_MS);
    await say(reading(2));
    assert.is(server.of("connect").length, 1);
  }));

test("more often than twice in everyS is not heard", () => bench(async (b) => {
  const { server, time, say, events, notices, meter } = b;
  await say(reading(1));
  time.advance(EVERY_MS / 2 - 1);
  server.say(TOPIC, reading(2));
  server.say(TOPIC, "not even looked at");
  await judged(server, notices);
  time.advance(1);
  await say(reading(3));
  assert.equal(events.map((event) => (event as { reading: { powerW: number } }).reading.powerW), [1, 3]);
  assert.is(meter.stats().failures, 0);
}));

test("silent for three times everyS: lost once, with a notice; and back when it speaks", () =>
  bench(async ({ server, time, meter, say, events, notices }) => {
    await say(reading(1));
    time.advance(LOST_MS - 1);
    assert.is(meter.stats().lost, false);
    time.advance(1);
    assert.equal(events[1], { kind: "meter-lost", evseId: 2, why: "no reading for 30 s" });
    const where = `meter of EVSE 2 (mqtt at mqtt://127.0.0.1:${server.port} ${TOPIC})`;
    assert.equal(notices, [`${where}: no reading for 30 s`]);
    time.advance(EVERY_MS);
    assert.equal([events.length, meter.stats().losses, meter.stats().lost], [2, 1, true]);
    await say(reading(2));
    assert.equal([events[2]?.kind, meter.stats().lost, meter.stats().readings], ["meter", false, 2]);
    time.advance(LOST_MS);
    assert.is(meter.stats().losses, 2);
  }));

test("a wall clock that is set changes neither when a reading is taken nor when the meter is lost", () =>
  bench(async ({ time, meter, say, events }) => {
    const clocks = [Date.UTC(2026, 2, 1, 9), Date.UTC(2026, 2, 1, 10), Date.UTC(2026, 2, 1, 8), 0];
    time.wallMs = () => clocks[events.length % clocks.length] as WallMs;
    for (let n = 1; n < 8; n += 1) {
      await say(reading(n));
      assert.is(events.length, n);
      time.advance(EVERY_MS);
    }
    time.advance(LOST_MS - EVERY_MS - 1);
    assert.is(meter.stats().lost, false);
    time.advance(1);
    assert.equal([events.at(-1)?.kind, meter.stats().losses], ["meter-lost", 1]);
  }));

test("lost for bad values alone: the event says which", () => bench(async ({ time, say, events }) => {
  await say('{"p":true,"energy":{"total":1}}');
  time.advance(LOST_MS);
  assert.equal(events, [{ kind: "meter-lost", evseId: 2, why: "the meter gave no number for its power (W)" }]);
}));

test("cut off: dialled again, and heard again", () => bench(async ({ server, time, say, notices, meter }) => {
  server.cutOff();
  await until(() => notices.length > 0, "a notice");
  assert.match(notices[0] ?? "", /meter of EVSE 2 .* is not connected \(.*\); trying again$/);
  time.advance(1_000);
  await server.subscribed(2);
  await say(reading(1));
  assert.is(meter.stats().readings, 1);
}));

test("a broker that lets nobody in: lost, with what it is", async () => {
  const server = await TopicServer.start();
  server.returnCode = 4;
  const [time, events, notices]: [HandTime, AgentEvent[], string[]] = [new HandTime(), [], []];
  const meter = createMqttMeter(configOf(server.port), { host: HOST, port: server.port },
    { clock: time, timers: time, random: steadyRandom, notice: (text) => void notices.push(text) });
  meter.start((event) => events.push(event));
  await until(() => notices.length > 0, "a notice");
  assert.match(notices[0] ?? "", /not this user name and password/);
  time.advance(LOST_MS);
  assert.equal(events, [{ kind: "meter-lost", evseId: 2, why: "the broker is not connected, no reading for 30 s" }]);
  await meter.stop();
  await server.close();
});

const MODULE = { kind: "everest", module: "evse_1" } as const;

test("EVerest is told time and again that there is nothing to check; nobody else is told anything", async () => {
  await bench(async ({ server, time }) => {
    for (let told = 1; told <= 3; told += 1) {
      await until(() => {
        if (server.of("publish").length < told) time.advance(CHECK_EVERY_MS);
        return server.of("publish").length >= told;
      }, "a word");
    }
    for (const { topic, payload, retain } of server.of("publish")) {
      assert.equal([topic, String(payload), retain],
        ["everest_api/1/evse_manager_consumer/evse_1/m2e/communication_check", "false", false]);
    }
  }, MODULE);
  await bench(async ({ server, time, say }) => {
    time.advance(CHECK_EVERY_MS);
    await say(reading(1));
    assert.equal(server.of("publish"), []);
  });
});

test("doctor: one reading, without a word to EVerest", async () => {
  const server = await TopicServer.start();
  try {
    const config = configOf(server.port, MODULE);
    const heard = hearOnce(config, { host: HOST, port: server.port }, 60_000);
    await server.subscribed(1);
    server.say(TOPIC, "no JSON");
    server.say(TOPIC, reading(5));
    assert.equal(await heard, { evseId: 2, powerW: 5, energyImportWh: 1_500 });
    assert.equal(server.of("publish"), []);
  } finally {
    await server.close();
  }
});

test("doctor: why there is no reading", async () => {
  const server = await TopicServer.start();
  const [config, broker] = [configOf(server.port), { host: HOST, port: server.port }];
  const [time, limitMs] = [new HandTime(), 15_000];
  const why = (): Promise<string> =>
    hearOnce(config, broker, limitMs, time).then(() => "a reading", (error: Error) => error.message);
  try {
    const silent = why();
    await server.subscribed(1);
    time.advance(limitMs);
    assert.is(await silent, "nothing came on house/meter within 15 s");
    server.returnCode = 5;
    const refused = why();
    await until(() => server.of("connect").length === 2, "the first attempt");
    await until(() => {
      if (server.of("connect").length < 3) time.advance(100);
      return server.of("connect").length === 3;
    }, "the second, after the first was refused");
    time.advance(limitMs);
    assert.match(await refused, /^mqtt:.* is not connected \(refused: not authorised\); trying again$/);
    assert.is(time.waiting, 0);
  } finally {
    await server.close();
  }
});
