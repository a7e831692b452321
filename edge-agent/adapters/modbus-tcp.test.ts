import { startModbusMeter } from "../../hil-tests/bench/modbus-meter.ts";
import type { MeterFault, SimulatedMeter, SimulatedMeterOptions } from "../../hil-tests/bench/modbus-meter.ts";
import { assert, test } from "../../build/testing.ts";
import type { MonotonicMs, WallMs } from "../../models/units.ts";
import type { ModbusMeterConfig } from "../config.ts";
import type { AgentEvent, Clock, Timers } from "../ports.ts";
import { createModbusMeter, readOnce } from "./modbus-tcp.ts";

/** Time that moves only when a test says so; tells when a wait of a given length has begun. */
class HandTime implements Clock, Timers {
  #nowMs = 5_000;
  #pending: { readonly ms: number; readonly dueMs: number; readonly run: () => void }[] = [];
  #watchers: (() => void)[] = [];

  monoMs = (): MonotonicMs => this.#nowMs as MonotonicMs;
  wallMs: () => WallMs = () => this.#nowMs as WallMs;

  after(ms: number, run: () => void): () => void {
    const timer = { ms, dueMs: this.#nowMs + ms, run };
    this.#pending.push(timer);
    for (const look of this.#watchers.splice(0)) look();
    return () => void (this.#pending = this.#pending.filter((one) => one !== timer));
  }

  /** The lengths of the waits under way. */
  waits(): number[] {
    return this.#pending.map(({ ms }) => ms);
  }

  async waiting(ms: number): Promise<void> {
    while (!this.waits().includes(ms)) await new Promise<void>((look) => void this.#watchers.push(look));
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    const due = this.#pending.filter(({ dueMs }) => dueMs <= this.#nowMs);
    this.#pending = this.#pending.filter(({ dueMs }) => dueMs > this.#nowMs);
    for (const { run } of due) run();
  }
}

const quantities = { powerW: 11_040.5, energyImportWh: 1_234_500, energyExportWh: 250, currentA: 47.75, voltageV: 230 };
const READING = { evseId: 2, ...quantities };
const TIME_OUT_MS = 3_000;
const EVERY_MS = 10_000;

interface Bench {
  readonly meter: SimulatedMeter;
  readonly time: HandTime;
  readonly reader: ReturnType<typeof createModbusMeter>;
  readonly events: AgentEvent[];
  readonly notices: string[];
  start(): void;
  nextEvent(): Promise<AgentEvent>;
}

function configOf(address: string, more: Partial<ModbusMeterConfig> = {}): ModbusMeterConfig {
  const common = { evse: 2, everyS: 10, side: "evse-output", loadW: 0 } as const;
  return { ...common, kind: "modbus-tcp", model: "sdm630", address, unit: 1, ...more };
}

/** Runs `body` with a meter and a reader of it, and checks that the reader leaves nothing behind. */
async function bench(
  options: Partial<SimulatedMeterOptions>, body: (b: Bench) => Promise<void>, config: Partial<ModbusMeterConfig> = {},
): Promise<void> {
  const meter = await startModbusMeter({ model: "sdm630", quantities, ...options });
  const time = new HandTime();
  const [events, notices]: [AgentEvent[], string[]] = [[], []];
  const ports = { clock: time, timers: time, notice: (text: string) => void notices.push(text) };
  const reader = createModbusMeter(configOf(meter.address, { model: options.model ?? "sdm630", ...config }), ports);
  let told = (): void => {};
  let read = 0;
  const nextEvent = async (): Promise<AgentEvent> => {
    while (events.length === read) await new Promise<void>((resolve) => void (told = resolve));
    return events[read++] as AgentEvent;
  };
  const start = (): void => reader.start((event) => {
    events.push(event);
    told();
  });
  try {
    await body({ meter, time, reader, events, notices, start, nextEvent });
  } finally {
    await reader.stop();
    await meter.close();
  }
  assert.equal(time.waits(), []);
}

/** Starts, takes the first reading, and waits until the reader rests. */
async function firstReading({ start, nextEvent, time }: Bench): Promise<void> {
  start();
  assert.is((await nextEvent()).kind, "meter");
  await time.waiting(EVERY_MS);
}

/** Lets one poll fail after `waitMs` of rest; a silent meter also takes the time-out. */
async function failedPoll({ meter, time }: Bench, waitMs: number, silent: boolean): Promise<void> {
  await time.waiting(waitMs);
  const seen = meter.nextRequest();
  time.advance(waitMs);
  await seen;
  if (silent) time.advance(TIME_OUT_MS);
}

test("reads at once and then every everyS over one connection, with the configured side", () =>
  bench({}, async (b) => {
    b.start();
    assert.equal(await b.nextEvent(), { kind: "meter", reading: READING, side: "evse-output" });
    b.meter.set({ powerW: -7_360, energyImportWh: 1_250_000 });
    await b.time.waiting(EVERY_MS);
    b.time.advance(EVERY_MS - 1);
    assert.is(b.meter.requests(), 1);
    b.time.advance(1);
    const reading = { ...READING, powerW: -7_360, energyImportWh: 1_250_000 };
    assert.equal(await b.nextEvent(), { kind: "meter", reading, side: "evse-output" });
    assert.is(b.meter.connections(), 1);
    assert.equal(b.reader.stats(), { readings: 2, failures: 0, losses: 0, lost: false, lastReading: reading });
    assert.equal(b.notices, []);
  }));

test("the time that a reading takes is not added to everyS", () =>
  bench({}, async (b) => {
    b.meter.setFault({ slowMs: 20 });
    const seen = b.meter.nextRequest();
    b.start();
    await seen;
    b.time.advance(2_000);
    assert.is((await b.nextEvent()).kind, "meter");
    await b.time.waiting(EVERY_MS - 2_000);
  }));

test("a wall clock that is set changes neither when readings come nor what they say", () =>
  bench({}, async (b) => {
    const clocks = [Date.UTC(2026, 2, 1, 9), Date.UTC(2026, 2, 1, 10), Date.UTC(2026, 2, 1, 8), 0];
    b.time.wallMs = () => clocks[b.events.length % clocks.length] as WallMs;
    await firstReading(b);
    for (let n = 1; n < 8; n += 1) {
      b.time.advance(EVERY_MS - 1);
      assert.is(b.events.length, n, "not before its time");
      b.time.advance(1);
      assert.equal(await b.nextEvent(), { kind: "meter", reading: READING, side: "evse-output" });
      await b.time.waiting(EVERY_MS);
    }
    assert.equal([b.reader.stats().failures, b.notices], [0, []]);
  }));

test("SunSpec 203: the map is walked once a connection", () =>
  bench({ model: "sunspec203", sunspecBase: 50_000 }, async (b) => {
    b.start();
    const { reading } = await b.nextEvent() as AgentEvent & { kind: "meter" };
    assert.equal(reading, { ...READING, powerW: 11_041, currentA: 47.8 });
    // Bases 40000 and 50000, two model heads, the measurement.
    assert.is(b.meter.requests(), 5);
    await b.time.waiting(EVERY_MS);
    b.time.advance(EVERY_MS);
    await b.nextEvent();
    assert.is(b.meter.requests(), 6);
    await b.meter.hangUp();
    await b.time.waiting(EVERY_MS);
    b.time.advance(EVERY_MS);
    assert.is((await b.nextEvent()).kind, "meter");
    assert.is(b.meter.connections(), 2);
  }));

const FAULTS: readonly { name: string; fault: MeterFault; silent?: boolean; why: RegExp }[] = [
  { name: "silent", fault: "silent", silent: true, why: /^the meter did not answer within 3 s$/ },
  { name: "half a frame", fault: "half-frame", silent: true, why: /did not answer within 3 s/ },
  { name: "illegal address", fault: { exception: 2 }, why: /refused a read: illegal data address.*\(code 2\)$/ },
  { name: "busy", fault: { exception: 6 }, why: /device busy \(code 6\)$/ },
  { name: "unknown exception", fault: { exception: 99 }, why: /does not define \(code 99\)$/ },
  { name: "wrong transaction id", fault: "wrong-transaction", why: /another transaction id/ },
  { name: "wrong unit", fault: "wrong-unit", why: /another unit/ },
  { name: "impossible length", fault: "huge-length", why: /impossible length \(65535\)/ },
  { name: "the answer twice", fault: "twice", why: /more bytes came than were asked for/ },
  { name: "hangs up", fault: "hang-up", why: /closed the connection/ },
  { name: "garbage", fault: { garbage: Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n") }, why: /not Modbus TCP/ },
  { name: "a megabyte", fault: { garbage: new Uint8Array(1 << 20) }, why: /^the answer / },
];

for (const { name, fault, silent = false, why } of FAULTS) {
  test(`fault: ${name}: one loss, one notice, silent retries, silent recovery`, () =>
    bench({}, async (b) => {
      await firstReading(b);
      b.meter.setFault(fault);
      await failedPoll(b, EVERY_MS, silent);
      const lost = await b.nextEvent();
      assert.ok(lost.kind === "meter-lost" && lost.evseId === 2);
      assert.match(lost.why, why);
      await failedPoll(b, 1_000, silent);
      await failedPoll(b, 2_000, silent);
      await b.time.waiting(4_000);
      assert.is(b.events.length, 2);
      assert.equal(b.notices, [`meter of EVSE 2 (sdm630 at ${b.meter.address}): ${lost.why}`]);
      assert.ok(b.reader.stats().lost);
      b.meter.setFault("none");
      b.time.advance(4_000);
      assert.equal(await b.nextEvent(), { kind: "meter", reading: READING, side: "evse-output" });
      const { failures, losses, lost: still } = b.reader.stats();
      assert.equal({ failures, losses, still }, { failures: 3, losses: 1, still: false });
      assert.is(b.notices.length, 1);
    }));
}

test("no fault: an answer byte by byte", () =>
  bench({}, async (b) => {
    b.meter.setFault("byte-by-byte");
    b.start();
    assert.equal(await b.nextEvent(), { kind: "meter", reading: READING, side: "evse-output" });
  }));

test("no fault: a meter that closes idle connections", () =>
  bench({}, async (b) => {
    await firstReading(b);
    for (let i = 2; i < 5; i += 1) {
      await b.meter.hangUp();
      b.time.advance(EVERY_MS);
      assert.is((await b.nextEvent()).kind, "meter");
      assert.is(b.meter.connections(), i);
      await b.time.waiting(EVERY_MS);
    }
    assert.equal(b.notices, []);
  }));

test("bytes that nobody asked for end the connection, and the next reading takes a new one", () =>
  bench({}, async (b) => {
    await firstReading(b);
    await b.meter.blurt(Buffer.from("000100000007010404462c8200", "hex"));
    b.time.advance(EVERY_MS);
    assert.is((await b.nextEvent()).kind, "meter");
    assert.is(b.meter.connections(), 2);
  }));

test("back-off doubles from 1 s to 60 s, and begins again after a reading", () =>
  bench({}, async (b) => {
    await firstReading(b);
    b.meter.setFault("hang-up");
    let wait = EVERY_MS;
    for (const next of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      await b.time.waiting(wait);
      b.time.advance(wait);
      wait = next;
    }
    await b.time.waiting(60_000);
    b.meter.setFault("none");
    b.time.advance(60_000);
    assert.equal([(await b.nextEvent()).kind, (await b.nextEvent()).kind], ["meter-lost", "meter"]);
    b.meter.setFault("hang-up");
    await failedPoll(b, EVERY_MS, false);
    await b.time.waiting(1_000);
    assert.is(b.reader.stats().losses, 2);
  }));

test("everyS below 3 s is also the time-out", () =>
  bench({}, async (b) => {
    b.meter.setFault("silent");
    const seen = b.meter.nextRequest();
    b.start();
    await seen;
    b.time.advance(1_000);
    assert.equal(await b.nextEvent(), { kind: "meter-lost", evseId: 2, why: "the meter did not answer within 1 s" });
  }, { everyS: 1 }));

for (const [name, word] of [["NaN", 0x7fc0], ["infinite", 0x7f80], ["absurd", 0x7f00]] as const) {
  test(`a register that is ${name} is a loss and no reading`, () =>
    bench({}, async (b) => {
      b.meter.poke(0x48, [word, 0]);
      b.start();
      const lost = await b.nextEvent();
      assert.ok(lost.kind === "meter-lost");
      assert.match(lost.why, name === "absurd" ? /an absurd imported energy/ : /no number for its imported energy/);
      assert.is(b.reader.stats().lastProblem?.kind, "bad-value");
    }));
}

test("the wrong model is told in plain words", () =>
  bench({ model: "sdm630" }, async (b) => {
    b.start();
    const lost = await b.nextEvent();
    const why = /no SunSpec map begins at 40000, 50000, 0: illegal function/;
    assert.match(lost.kind === "meter-lost" ? lost.why : "", why);
  }, { model: "sunspec203" }));

test("a silent meter delays no other", () =>
  bench({}, async (dead) => {
    dead.meter.setFault("silent");
    const seen = dead.meter.nextRequest();
    dead.start();
    await seen;
    await bench({}, async (alive) => {
      await firstReading(alive);
      alive.time.advance(EVERY_MS);
      assert.is((await alive.nextEvent()).kind, "meter");
    });
    assert.equal(dead.events, []);
  }));

test("stop while an answer is awaited ends at once and tells nothing", () =>
  bench({}, async (b) => {
    b.meter.setFault("silent");
    const seen = b.meter.nextRequest();
    b.start();
    await seen;
    await b.reader.stop();
    assert.equal(b.time.waits(), []);
    assert.equal([b.events, b.notices], [[], []]);
  }));

test("stop while a connection that was used before awaits an answer opens no other", () =>
  bench({}, async (b) => {
    await firstReading(b);
    b.meter.setFault("silent");
    const seen = b.meter.nextRequest();
    b.time.advance(EVERY_MS);
    await seen;
    await b.reader.stop();
    assert.is(b.meter.connections(), 1);
    assert.is(b.events.length, 1);
  }));

test("stop while connecting, while resting, twice and before start", async () => {
  await bench({}, async (b) => {
    b.start();
    await b.reader.stop();
    assert.equal(b.events, []);
  });
  await bench({}, async (b) => {
    await firstReading(b);
    await Promise.all([b.reader.stop(), b.reader.stop()]);
    assert.is(b.events.length, 1);
  });
  await bench({}, async (b) => b.reader.stop());
});

/** An address on which nothing listens any more. */
async function deadAddress(): Promise<string> {
  const meter = await startModbusMeter({ model: "sdm630" });
  await meter.close();
  return meter.address;
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "no rejection", (error: Error) => error.message);
}

test("nothing listens", async () => {
  const address = await deadAddress();
  await bench({}, async (b) => {
    b.start();
    const lost = await b.nextEvent();
    assert.equal(lost, { kind: "meter-lost", evseId: 2, why: "nothing listens there" });
    assert.equal(b.notices, [`meter of EVSE 2 (sdm630 at ${address}): nothing listens there`]);
  }, { address });
});

test("an address that the configuration would not let through is refused at once", () => {
  const ports = { clock: new HandTime(), timers: new HandTime(), notice: (): void => {} };
  for (const address of ["", "meter", "meter:", "meter:65536", "http://meter:502"]) {
    assert.throws(() => createModbusMeter(configOf(address), ports), /is not host:port/);
  }
});

test("readOnce: a reading, or an Error in plain words", async () => {
  const meter = await startModbusMeter({ model: "sdm630", quantities });
  try {
    assert.equal(await readOnce(configOf(meter.address), 2_000), READING);
    assert.match(await rejection(readOnce(configOf(meter.address, { unit: 9 }), 2_000)), /no meter answers behind the/);
    meter.setFault("silent");
    assert.is(await rejection(readOnce(configOf(meter.address), 40)), "the meter did not answer within 0.02 s");
    assert.is(await rejection(readOnce(configOf(await deadAddress()), 2_000)), "nothing listens there");
  } finally {
    await meter.close();
  }
});
